//! Batches that were published and of which the stream has not said yet that it has them.

use std::collections::VecDeque;
use std::time::Duration;

use crate::tick::Tick;

/// How long the stream may take to say so.
const PATIENCE: Duration = Duration::from_secs(10);

/// Most of them; what is said of more is not waited for.
const SENT_MAX: usize = 16 * 1024;

/// A batch, by its counter and its round.
pub(super) type Batch = (u64, u32);

/// The batches, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Sent {
    queue: VecDeque<(Batch, Tick)>,
}

impl Sent {
    pub(super) fn add(&mut self, batch: Batch, now: Tick) {
        if self.queue.len() == SENT_MAX {
            self.queue.pop_front();
        }
        self.queue.push_back((batch, now + PATIENCE));
    }

    /// Takes out one of which something was said; returns whether it was waited for.
    pub(super) fn remove(&mut self, batch: Batch) -> bool {
        // Mostly it is the first.
        let place = self.queue.iter().position(|(sent, _)| *sent == batch);
        place.and_then(|place| self.queue.remove(place)).is_some()
    }

    /// Takes out one that was waited for too long.
    pub(super) fn pop_overdue(&mut self, now: Tick) -> Option<Batch> {
        let (batch, deadline) = *self.queue.front()?;
        (deadline <= now).then(|| {
            self.queue.pop_front();
            batch
        })
    }

    pub(super) fn deadline(&self) -> Option<Tick> {
        self.queue.front().map(|(_, deadline)| *deadline)
    }

    pub(super) fn clear(&mut self) {
        self.queue.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nothing_was_said_of_is_overdue_in_its_order() {
        let mut sent = Sent::default();
        let later = Tick::START + PATIENCE;
        for counter in 1..=3 {
            sent.add((counter, 0), Tick::START);
        }
        assert!(sent.remove((2, 0)) && !sent.remove((2, 0)) && !sent.remove((3, 1)));
        assert_eq!(
            (sent.pop_overdue(Tick::START), sent.deadline()),
            (None, Some(later))
        );
        assert_eq!(
            (sent.pop_overdue(later), sent.pop_overdue(later)),
            (Some((1, 0)), Some((3, 0)))
        );
        assert_eq!(sent.pop_overdue(later), None);
    }

    #[test]
    fn they_are_bounded() {
        let mut sent = Sent::default();
        for counter in 0..2 * SENT_MAX as u64 {
            sent.add((counter, 0), Tick::START);
        }
        assert_eq!(sent.queue.len(), SENT_MAX);
        assert!(!sent.remove((0, 0)));
    }
}
