//! When those on WebSocket are asked whether they are there, of whom nothing comes.
//!
//! There is no list of them: as long as there are any, all slots are looked at in turn, a few at
//! once.

use std::ops::Range;
use std::time::Duration;

use crate::tick::Tick;

/// How long it takes to look at all slots, in seconds.
const ROUND_S: u64 = 10;

/// Most slots looked at once.
const SLOTS_MAX: usize = 4096;

/// Where the round is on its way.
#[derive(Debug, Default)]
pub(super) struct Pings {
    /// How many are on WebSocket.
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

    /// Returns how many are on WebSocket.
    pub(super) fn count(&self) -> usize {
        self.framed
    }

    /// Returns when to look.
    pub(super) fn deadline(&self) -> Option<Tick> {
        self.due
    }

    /// Returns which of so many slots to look at now, if it is time to.
    pub(super) fn next(&mut self, slots: usize, now: Tick) -> Option<Range<usize>> {
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
