//! How fast one connection may speak: over it, it is slowed by not being read from. Nothing is
//! dropped, nobody is cut.
//!
//! The generic cell rate algorithm (ITU-T I.371): each line moves a connection's *due time* on by
//! the time a line is worth; it may speak while that is no further ahead than a burst is worth. So
//! the whole state of a connection is one number, and one that has been silent needs no care.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// Who has used up its burst waits a little longer than it must, so that it is woken for several
/// lines at once.
const PAUSE: Duration = Duration::from_millis(50);

/// The rate all connections are held to, and who is waiting for its turn to speak.
#[derive(Debug)]
pub struct RateLimit {
    /// What a line is worth; zero when there is no limit.
    line_ns: u64,
    /// How far ahead a connection's due time may be.
    window_ns: u64,
    waiting: BinaryHeap<Reverse<(u64, usize)>>,
}

impl RateLimit {
    /// Returns a limit of `rate` lines a second (0: no limit), `burst` of them at once.
    #[must_use]
    pub fn new(rate: u32, burst: u32) -> Self {
        let line_ns = 1_000_000_000_u64.checked_div(u64::from(rate)).unwrap_or(0);
        let window_ns = line_ns * u64::from(burst.saturating_sub(1));
        Self {
            line_ns,
            window_ns,
            waiting: BinaryHeap::new(),
        }
    }

    /// Counts one line of a connection with due time `due_ns`.
    pub fn spend(&self, due_ns: &mut u64, now_ns: u64) {
        *due_ns = (*due_ns).max(now_ns) + self.line_ns;
    }

    /// Returns whether a connection has to wait before it may speak.
    #[must_use]
    pub fn is_over(&self, due_ns: u64, now_ns: u64) -> bool {
        self.line_ns > 0 && due_ns > now_ns.saturating_add(self.window_ns)
    }

    /// Lets a connection wait until it may speak.
    pub fn wait(&mut self, key: usize, due_ns: u64) {
        let until = due_ns.saturating_sub(self.window_ns) + PAUSE.as_nanos() as u64;
        self.waiting.push(Reverse((until, key)));
    }

    /// Returns the next connection whose waiting is over.
    pub fn next(&mut self, now_ns: u64) -> Option<usize> {
        let &Reverse((until, key)) = self.waiting.peek()?;
        if until > now_ns {
            return None;
        }
        self.waiting.pop();
        Some(key)
    }

    /// Returns when the next waiting is over.
    #[must_use]
    pub fn deadline_ns(&self) -> Option<u64> {
        self.waiting.peek().map(|&Reverse((until, _))| until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// How many lines a connection gets through at `now_ns`.
    fn lines(limit: &RateLimit, due_ns: &mut u64, now_ns: u64) -> usize {
        let mut count = 0;
        while count < 10_000 && !limit.is_over(*due_ns, now_ns) {
            limit.spend(due_ns, now_ns);
            count += 1;
        }
        count
    }

    #[test]
    fn a_burst_and_then_the_rate() {
        let limit = RateLimit::new(100, 1000);
        let mut due = 0;
        assert_eq!(lines(&limit, &mut due, 5 * SECOND), 1000);
        assert_eq!(lines(&limit, &mut due, 5 * SECOND), 0);
        assert_eq!(lines(&limit, &mut due, 6 * SECOND), 100);
        assert_eq!(lines(&limit, &mut due, 6 * SECOND + SECOND / 100), 1);
        assert_eq!(lines(&limit, &mut due, 100 * SECOND), 1000, "rested");
        // A clock that stands still or goes back lets nobody through early.
        assert_eq!(lines(&limit, &mut due, 99 * SECOND), 0);
    }

    #[test]
    fn no_rate_is_no_limit() {
        let limit = RateLimit::new(0, 1);
        assert_eq!(lines(&limit, &mut 0, 0), 10_000);
    }

    #[test]
    fn who_waits_is_woken_when_it_may_speak() {
        let mut limit = RateLimit::new(10, 1);
        let mut due = 0;
        assert_eq!(lines(&limit, &mut due, 0), 1);
        limit.wait(7, due);
        let until = limit.deadline_ns().unwrap();
        assert_eq!(limit.next(until - 1), None);
        assert_eq!(limit.next(until), Some(7));
        assert_eq!((limit.next(until), limit.deadline_ns()), (None, None));
        assert!(!limit.is_over(due, until));
    }
}
