//! When WebSockets are asked whether they are there, on which nothing comes.
//!
//! There is no list of them: as long as there are any, all slots are looked at in turn, a few at
//! once.

use std::ops::Range;
use std::time::Duration;

use super::connections::Connections;
use super::disconnect::Disconnect;
use super::framed::Silent;
use crate::room::MemberId;
use crate::stream::Stream;
use crate::tick::Tick;

/// How long it takes to look at all slots, in seconds.
const ROUND_S: u64 = 10;

/// Most slots looked at once.
const SLOTS_MAX: usize = 4096;

/// Where the round is on its way.
#[derive(Debug, Default)]
pub(super) struct Pings {
    /// How many WebSockets there are.
    framed: usize,
    /// The slot to look at next.
    next: usize,
    /// When to look.
    due: Option<Tick>,
}

impl Pings {
    /// Takes note of one more WebSocket.
    pub(super) fn enter(&mut self, now: Tick) {
        self.framed += 1;
        self.due
            .get_or_insert_with(|| now + Duration::from_secs(ROUND_S));
    }

    /// Takes note that one has ended.
    pub(super) fn leave(&mut self) {
        self.framed -= 1;
        if self.framed == 0 {
            *self = Self::default();
        }
    }

    /// Returns how many WebSockets there are.
    pub(super) fn count(&self) -> usize {
        self.framed
    }

    /// Returns when to look.
    pub(super) fn deadline(&self) -> Option<Tick> {
        self.due
    }

    /// Returns which of so many slots to look at now, if it is time to.
    fn next(&mut self, slots: usize, now: Tick) -> Option<Range<usize>> {
        if self.due.is_none_or(|due| now < due) {
            return None;
        }
        let start = if self.next < slots { self.next } else { 0 };
        let end = slots.min(start + SLOTS_MAX);
        self.next = end;
        let steps = slots.div_ceil(SLOTS_MAX).max(1) as u32;
        self.due = Some(now + Duration::from_secs(ROUND_S) / steps);
        Some(start..end)
    }
}

impl<S: Stream> Connections<S> {
    /// Asks WebSockets that have been silent whether they are there, and ends those that haven't
    /// answered.
    pub(super) fn ask_silent(&mut self) {
        let now = self.now();
        let Some(slots) = self.pings.next(self.slots.used(), now) else {
            return;
        };
        for id in slots.map(MemberId::from_slot) {
            let Some(connection) = self.slots.get_mut(id) else {
                continue;
            };
            if !connection.stage().is_open() {
                continue;
            }
            match connection.look_for_silence(now) {
                Silent::NotLong => {}
                Silent::Ask => self.queues.owed.push(id, connection),
                Silent::Gone => self.close(id, Disconnect::Reset),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_slots_are_looked_at_within_a_round_and_none_where_there_is_no_websocket() {
        let mut pings = Pings::default();
        assert_eq!(
            (pings.next(10, Tick::START), pings.deadline()),
            (None, None)
        );
        pings.enter(Tick::START);
        for slots in [1, SLOTS_MAX, 3 * SLOTS_MAX + 1] {
            let start = pings.deadline().unwrap();
            let mut seen = 0;
            while seen < slots {
                let at = pings.deadline().unwrap();
                assert!(at - start <= Duration::from_secs(ROUND_S));
                let range = pings.next(slots, at).unwrap();
                assert_eq!(range.start, seen);
                seen = range.end;
            }
            pings.next = 0;
        }
        pings.leave();
        assert_eq!(pings.deadline(), None);
    }
}
