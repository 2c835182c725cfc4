//! What is kept of a capture until all of it was read: counts, findings, what is to be drawn.

mod finding;
mod findings;
mod histogram;
mod latencies;
mod story;
mod totals;
mod watch;

pub use self::finding::{FINDINGS_LISTED_MAX, Finding, Kind, Level};
use self::findings::Findings;
pub use self::story::{CopyRow, Row, Story, What};
pub use self::totals::Totals;
use super::seen::Seen;
use crate::trace::chat::event::Event;
use crate::trace::packet::Ports;
use crate::trace::tcp::StreamRow;

/// What is kept of a capture.
#[derive(Debug)]
pub struct Account {
    ports: Ports,
    /// What was counted.
    pub totals: Totals,
    findings: Findings,
    /// What is to be drawn, if anything draws.
    pub story: Option<Story>,
}

impl Account {
    /// Returns the account of a capture of which nothing was read, with a story if there is one to
    /// tell.
    #[must_use]
    pub fn new(ports: Ports, story: Option<Story>) -> Self {
        Self {
            ports,
            totals: Totals::default(),
            findings: Findings::default(),
            story,
        }
    }

    /// Takes a frame; `shown` if it is among those that were asked for.
    pub fn packet(&mut self, seen: &Seen<'_>, shown: bool) {
        self.totals.frames += 1;
        let found = match &seen.found {
            Ok(found) => found,
            Err(why) => return self.totals.skip(*why),
        };
        let (packet, segment) = (found.packet, found.segment);
        let on_port = found.note.is_some();
        if let Some(datagram) = packet.datagram {
            self.totals.put_together(datagram.fragments.len() as u64);
        }
        self.totals.segment(packet, on_port);
        if !on_port {
            return;
        }
        self.findings.packet(seen.at, packet, segment, self.ports);
        if let Some(story) = &mut self.story
            && shown
        {
            story.packet(seen.at, packet, segment, self.ports);
        }
    }

    /// Takes something that happened; `shown` if it is among what was asked for.
    pub fn event(&mut self, event: &Event, shown: bool) {
        self.totals.event(event);
        self.findings.event(event);
        if let Some(story) = &mut self.story
            && shown
        {
            story.event(event);
        }
    }

    /// Takes a stream that is over; returns whether it is the room's.
    pub fn stream(&mut self, row: &StreamRow) -> bool {
        let on_port = self.ports.has(row.first.port) || self.ports.has(row.second.port);
        if on_port {
            self.totals.stream(row);
        }
        on_port
    }

    /// Says that there is no more of a stream.
    pub fn forget(&mut self, stream: u32) {
        self.findings.forget(stream);
    }

    /// Returns what was found, the worst first, and how many findings more there were, once the
    /// capture is over: at `now`, with so many packets dropped as the kernel tells.
    pub fn finish(&mut self, dropped: u64, now: i64) -> (Vec<Finding>, u64) {
        self.totals.rows.sort_unstable_by_key(|row| row.stream);
        if let Some(story) = &mut self.story {
            story.finish();
        }
        self.findings.finish(dropped, now)
    }
}
