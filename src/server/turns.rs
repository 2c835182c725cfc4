//! How long the turns of the loop take.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::tick::Tick;

/// The upper bounds of the histogram's buckets, in microseconds; the last one has none.
pub(super) const BOUNDS_US: [u64; 10] = [
    50, 100, 500, 1_000, 5_000, 10_000, 25_000, 100_000, 250_000, 1_000_000,
];

/// A loop that is later than this is not well.
const LATE: Duration = Duration::from_secs(1);

/// For how long that is remembered.
const REMEMBERED: Duration = Duration::from_mins(1);

/// How long the turns took so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Turns {
    /// How many took up to each bound and longer than the one before; those beyond all come last.
    pub(super) buckets: [u64; BOUNDS_US.len() + 1],
    /// All of them together.
    pub(super) total: Duration,
    /// The longest.
    pub(super) longest: Duration,
    /// The most processor time that one took, of those that began with work left over: on a machine that
    /// has other things to do, what the loop itself has to answer for.
    pub(super) most_worked: Duration,
    /// When one was late last, and by how much.
    late: Option<(Tick, Duration)>,
}

impl Turns {
    /// Takes note of a turn that has just ended: how long it took, and how long after it was due it
    /// began.
    pub(super) fn count(&mut self, took: Duration, delay: Duration, now: Tick) {
        let us = took.as_micros() as u64;
        self.buckets[BOUNDS_US.partition_point(|&bound| bound < us)] += 1;
        self.total += took;
        self.longest = self.longest.max(took);
        let late = took.max(delay);
        if late > LATE {
            self.late = Some((now, late));
        }
    }

    /// Takes note of a turn that began with work left over, when the thread had `worked_before`, and took
    /// no longer than `took`. Asks the kernel only where it matters.
    pub(super) fn count_work(&mut self, worked_before: Duration, took: Duration) {
        if took > self.most_worked {
            let worked = worked().saturating_sub(worked_before);
            self.most_worked = self.most_worked.max(worked);
        }
    }

    /// Returns by how much the loop was late lately, if it was.
    pub(super) fn late(&self, now: Tick) -> Option<Duration> {
        let (at, late) = self.late?;
        (now - at < REMEMBERED).then_some(late)
    }
}

/// Returns how much processor time this thread has used.
pub(super) fn worked() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_counted_where_it_belongs() {
        let mut turns = Turns::default();
        let ms = Duration::from_millis;
        for took in [
            Duration::ZERO,
            Duration::from_micros(50),
            ms(1),
            ms(2),
            ms(5000),
        ] {
            turns.count(took, Duration::ZERO, Tick::START);
        }
        assert_eq!(turns.buckets, [2, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1]);
        assert_eq!(turns.longest, ms(5000));
    }

    #[test]
    fn the_most_processor_time_of_a_turn_is_kept() {
        let mut turns = Turns::default();
        let before = worked();
        while worked() < before + Duration::from_millis(1) {}
        turns.count_work(before, Duration::from_mins(1));
        let most = turns.most_worked;
        assert!(most >= Duration::from_millis(1));
        turns.count_work(worked(), Duration::from_mins(1));
        turns.count_work(before, most);
        assert_eq!(turns.most_worked, most);
    }

    #[test]
    fn a_late_loop_is_remembered_for_a_minute() {
        let mut turns = Turns::default();
        let at = Tick::from_whole_s(100);
        turns.count(Duration::ZERO, LATE, at);
        assert_eq!(turns.late(at), None);
        turns.count(Duration::ZERO, 2 * LATE, at);
        assert_eq!(turns.late(at + REMEMBERED / 2), Some(2 * LATE));
        assert_eq!(turns.late(at + REMEMBERED), None);
    }
}
