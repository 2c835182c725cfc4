//! How fast one connection may speak: over it, it is slowed by not being read from. Nothing is
//! dropped, nobody is cut.
//!
//! The generic cell rate algorithm (ITU-T I.371): each line moves a connection's *due time* on by
//! the time a line is worth; it may speak while that is no further ahead than a burst is worth. So
//! the whole state of a connection is one number, and one that has been silent needs no care.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::room::MemberId;
use crate::tick::Tick;

/// Who has used up its burst waits a little longer than it must, so that it is woken for several
/// lines at once.
const PAUSE: Duration = Duration::from_millis(50);

/// What a line is worth where there is no rate: more than this is a burst all the same.
const BURST_LINE: Duration = Duration::from_millis(10);

/// How far ahead a connection's due time may be where there is no rate.
const BURST_MAX: Duration = Duration::from_secs(10);

/// The rate all connections are held to, and who is waiting for its turn to speak.
#[derive(Debug)]
pub struct RateLimit {
    limited: bool,
    /// What a line is worth.
    line: Duration,
    /// How far ahead a connection's due time may be.
    window: Duration,
    waiting: BinaryHeap<Reverse<(Tick, MemberId)>>,
}

impl RateLimit {
    /// Returns a limit of `rate` lines a second (0: no limit), `burst` of them at once.
    #[must_use]
    pub fn new(rate: u32, burst: u32) -> Self {
        let line_ns = 1_000_000_000_u64.checked_div(u64::from(rate));
        let line = line_ns.map_or(BURST_LINE, Duration::from_nanos);
        Self {
            limited: rate > 0,
            line,
            window: if rate > 0 {
                line * burst.saturating_sub(1)
            } else {
                BURST_MAX
            },
            waiting: BinaryHeap::new(),
        }
    }

    /// Counts one line of a connection.
    pub fn spend(&self, due: &mut Tick, now: Tick) {
        self.spend_on(1, due, now);
    }

    /// Counts so many lines of a connection.
    pub fn spend_on(&self, lines: u32, due: &mut Tick, now: Tick) {
        *due = (*due).max(now) + self.line * lines;
        if !self.limited {
            *due = (*due).min(now + BURST_MAX);
        }
    }

    /// Returns whether a connection has to wait before it may speak.
    #[must_use]
    pub fn is_over(&self, due: Tick, now: Tick) -> bool {
        self.limited && due > now + self.window
    }

    /// Returns whether a connection has said more lately than its rate allows in the long run.
    #[must_use]
    pub fn is_in_a_burst(&self, due: Tick, now: Tick) -> bool {
        due > now
    }

    /// Returns until when a connection waits that has used up its burst.
    #[must_use]
    pub fn end_of_wait(&self, due: Tick) -> Tick {
        due.minus(self.window) + PAUSE
    }

    /// Lets a connection wait.
    pub fn wait(&mut self, id: MemberId, until: Tick) {
        self.waiting.push(Reverse((until, id)));
    }

    /// Returns the next connection whose waiting is over.
    pub fn next(&mut self, now: Tick) -> Option<MemberId> {
        let &Reverse((until, id)) = self.waiting.peek()?;
        if until > now {
            return None;
        }
        self.waiting.pop();
        Some(id)
    }

    /// Returns when the next waiting is over.
    #[must_use]
    pub fn deadline(&self) -> Option<Tick> {
        self.waiting.peek().map(|&Reverse((until, _))| until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a moment so many milliseconds after the start.
    fn at(ms: u64) -> Tick {
        Tick::START + Duration::from_millis(ms)
    }

    /// How many lines a connection gets through at `now`.
    fn lines(limit: &RateLimit, due: &mut Tick, now: Tick) -> usize {
        let mut count = 0;
        while count < 10_000 && !limit.is_over(*due, now) {
            limit.spend(due, now);
            count += 1;
        }
        count
    }

    #[test]
    fn a_burst_and_then_the_rate() {
        let limit = RateLimit::new(100, 1000);
        let mut due = Tick::START;
        assert_eq!(lines(&limit, &mut due, at(5000)), 1000);
        assert_eq!(lines(&limit, &mut due, at(5000)), 0);
        assert_eq!(lines(&limit, &mut due, at(6000)), 100);
        assert_eq!(lines(&limit, &mut due, at(6010)), 1);
        assert!(limit.is_in_a_burst(due, at(15_990)) && !limit.is_in_a_burst(due, at(16_010)));
        assert_eq!(lines(&limit, &mut due, at(100_000)), 1000, "rested");
        // A clock that stands still or goes back lets nobody through early.
        assert_eq!(lines(&limit, &mut due, at(99_000)), 0);
    }

    #[test]
    fn no_rate_is_no_limit() {
        let limit = RateLimit::new(0, 1);
        let mut due = Tick::START;
        assert_eq!(lines(&limit, &mut due, at(0)), 10_000);
        assert!(limit.is_in_a_burst(due, at(9_999)), "but a burst");
        assert!(!limit.is_in_a_burst(due, at(10_000)));
    }

    #[test]
    fn who_waits_is_woken_when_it_may_speak() {
        let mut limit = RateLimit::new(10, 1);
        let mut due = Tick::START;
        assert_eq!(lines(&limit, &mut due, at(0)), 1);
        let id = MemberId::from_slot(7);
        limit.wait(id, limit.end_of_wait(due));
        let until = limit.deadline().unwrap();
        assert_eq!(limit.next(until.minus(Duration::from_nanos(1))), None);
        assert_eq!(limit.next(until), Some(id));
        assert_eq!((limit.next(until), limit.deadline()), (None, None));
        assert!(!limit.is_over(due, until));
    }
}
