//! Which lines a newcomer is shown of the talk so far.

use std::collections::VecDeque;

use crate::wire::Stamp;

/// Where the last lines of a transcript stand, as many as a newcomer is shown.
#[derive(Debug)]
pub struct History {
    lines_max: usize,
    lines: VecDeque<Mark>,
}

/// One line: its place in the room's order and in the transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Its number, and when it was said.
    pub stamp: Stamp,
    /// Where it starts.
    pub start: u64,
}

/// The lines that one newcomer is shown; there is at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Past {
    /// How many.
    pub count: usize,
    /// The oldest.
    pub first: Mark,
    /// The newest.
    pub last: Mark,
}

impl History {
    /// Returns the history of a room that has not heard anything.
    #[must_use]
    pub fn new(lines_max: usize) -> Self {
        Self {
            lines_max,
            lines: VecDeque::new(),
        }
    }

    /// Takes note of a line; those that start before `oldest` can't be shown any more.
    pub fn note(&mut self, mark: Mark, oldest: u64) {
        if self.lines_max == 0 {
            return;
        }
        let full = |lines: &VecDeque<Mark>| lines.len() >= self.lines_max;
        while full(&self.lines) || self.lines.front().is_some_and(|old| old.start < oldest) {
            self.lines.pop_front();
        }
        self.lines.push_back(mark);
    }

    /// Returns the lines that start at `oldest` or later.
    pub fn since(&self, oldest: u64) -> impl Iterator<Item = Mark> {
        let skipped = self.lines.partition_point(|mark| mark.start < oldest);
        self.lines.range(skipped..).copied()
    }

    /// Returns what a newcomer is shown, if it is anything.
    #[must_use]
    pub fn past(&self, oldest: u64) -> Option<Past> {
        let mut lines = self.since(oldest);
        let first = lines.next()?;
        let last = *self.lines.back()?;
        Some(Past {
            count: 1 + lines.count(),
            first,
            last,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(seq: u64) -> Mark {
        let stamp = Stamp {
            seq,
            time_ms: 1000 * seq,
        };
        let start = 10 * seq;
        Mark { stamp, start }
    }

    #[test]
    fn the_last_lines_are_known_as_far_as_they_are_held() {
        let mut history = History::new(3);
        assert_eq!(history.past(0), None);
        for seq in 1..=5 {
            history.note(mark(seq), 0);
        }
        let past = |count, first, last| {
            Some(Past {
                count,
                first: mark(first),
                last: mark(last),
            })
        };
        assert_eq!(history.past(0), past(3, 3, 5));
        assert_eq!(history.past(30), past(3, 3, 5));
        assert_eq!(history.past(31), past(2, 4, 5));
        assert_eq!(history.past(50), past(1, 5, 5));
        assert_eq!(history.past(51), None);
        history.note(mark(6), 45);
        assert_eq!(history.since(0).collect::<Vec<_>>(), [mark(5), mark(6)]);
    }

    #[test]
    fn no_history_costs_nothing() {
        let mut history = History::new(0);
        history.note(mark(1), 0);
        assert_eq!((history.past(0), history.lines.capacity()), (None, 0));
    }
}
