//! What is counted while the hub works, from its start on, and how it stands at a moment.

use std::time::Duration;

use super::Hub;
use crate::stream::Stream;

/// What is counted while the hub works, from its start on.
#[derive(Debug, Clone, Default)]
pub struct Counters {
    /// Connections that came in.
    pub accepted: u64,
    /// Bytes read from connections.
    pub bytes_in: u64,
    /// Lines heard, commands and names among them.
    pub lines_in: u64,
    /// Bytes written to connections.
    pub bytes_out: u64,
    /// How often somebody was slowed for saying more than the rate allows.
    pub slowed: u64,
    refused: Vec<(&'static str, u64)>,
}

impl Counters {
    /// Counts a connection that was turned away; `code` is that of the notice it was told.
    pub(super) fn refuse(&mut self, code: &'static str) {
        match self.refused.iter_mut().find(|(known, _)| *known == code) {
            Some((_, count)) => *count += 1,
            None => self.refused.push((code, 1)),
        }
    }

    /// Returns how many were turned away, by the code of the notice they were told.
    #[must_use]
    pub fn refused(&self) -> &[(&'static str, u64)] {
        &self.refused
    }
}

/// How a hub stands at a moment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Figures {
    /// Members of the room.
    pub members: usize,
    /// Connections that have given no name yet.
    pub nameless: usize,
    /// Connections over WebSocket, in the room or not.
    pub websockets: usize,
    /// Connections that have left, and are still being sent what they are owed.
    pub departing: usize,
    /// Members who take what they are sent slower than it comes.
    pub behind: usize,
    /// How far behind the last of them is, in bytes.
    pub backlog_bytes: u64,
    /// How far behind it may be before it is cut, in bytes.
    pub backlog_bytes_max: u64,
    /// Lines owed so far, each once for each member it goes to.
    pub deliveries: u64,
    /// For how long those in a burst, or everybody, had to wait for others to catch up.
    pub waited: Duration,
}

impl<S: Stream> Hub<S> {
    /// Returns how it stands.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let delivery = &self.connections.delivery;
        let behind = delivery.feeds.iter().map(|feed| feed.slow_readers.behind());
        let (behind, backlog_bytes) = behind.fold((0, 0), |(count, bytes), (more, lag)| {
            (count + more, if more == 0 { bytes } else { bytes.max(lag) })
        });
        Figures {
            members: delivery.feeds.readers(),
            nameless: self.connections.admission.nameless(),
            websockets: self.connections.pings.count(),
            departing: self.connections.departing(),
            behind,
            backlog_bytes,
            backlog_bytes_max: self.limits.backlog_bytes as u64,
            deliveries: delivery.deliveries,
            waited: delivery.patience.waited(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_counted_by_their_reason() {
        let mut counters = Counters::default();
        for code in ["full", "closing", "full"] {
            counters.refuse(code);
        }
        assert_eq!(counters.refused(), [("full", 2), ("closing", 1)]);
    }
}
