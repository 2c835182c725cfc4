//! The snapshot, part by part: asked for until there is no more, put one after the other.

use std::collections::VecDeque;
use std::time::Duration;

use data_encoding::BASE64;

use super::jetstream::Answer;
use crate::backplane::{SNAPSHOT_PART_BYTES_MAX, SNAPSHOT_PARTS_MAX};
use crate::tick::Tick;

/// How long after a snapshot couldn't be read it is asked for again.
const APART: Duration = Duration::from_millis(500);

/// For how long that goes on until another server is asked.
const UNREAD_MAX: Duration = Duration::from_secs(15);

/// Snapshots that are on their way, one each.
#[derive(Debug, Default)]
pub(super) struct Snapshots {
    /// One is to be told.
    pub(super) wanted: bool,
    /// The parts that were got so far.
    got: Vec<Vec<u8>>,
    /// Since when it couldn't be read, and when it is asked for again.
    unread: Option<Tick>,
    due: Option<Tick>,
    /// The parts that have still to be put, and which is the first of them.
    put: VecDeque<Vec<u8>>,
    first: usize,
}

/// How often the snapshot couldn't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PutOff {
    /// It is the first time.
    First,
    /// It isn't.
    Again,
    /// It has been so for so long that there is no use in going on.
    TooOften,
}

impl Snapshots {
    /// Returns which part is to be asked for.
    pub(super) fn next_to_get(&mut self, again: bool) -> usize {
        if again {
            self.got.clear();
            self.due = None;
        }
        self.got.len()
    }

    /// Takes the answer in; returns all parts once there is no more.
    pub(super) fn got(&mut self, answer: &Answer) -> Option<Vec<Vec<u8>>> {
        let part = answer.message.as_ref().and_then(|stored| {
            let part = BASE64.decode(stored.data.as_bytes()).ok()?;
            (part.len() <= SNAPSHOT_PART_BYTES_MAX).then_some(part)
        });
        if let Some(part) = part {
            self.got.push(part);
            if self.got.len() < SNAPSHOT_PARTS_MAX {
                return None;
            }
        }
        (self.wanted, self.unread) = (false, None);
        Some(std::mem::take(&mut self.got))
    }

    /// It couldn't be read, and is asked for again soon.
    pub(super) fn put_off(&mut self, now: Tick) -> PutOff {
        self.due = Some(now + APART);
        match self.unread {
            None => {
                self.unread = Some(now);
                PutOff::First
            }
            Some(since) if now - since < UNREAD_MAX => PutOff::Again,
            Some(_) => PutOff::TooOften,
        }
    }

    /// Returns when it is asked for again, if it is.
    pub(super) fn due(&self) -> Option<Tick> {
        self.due
    }

    /// Returns whether it is time to.
    pub(super) fn is_due(&self, now: Tick) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    /// The connection is gone: nothing is asked for, nor put.
    pub(super) fn stop(&mut self) {
        (self.unread, self.due) = (None, None);
        self.give_up();
    }

    /// Takes parts to put; returns whether they are taken.
    pub(super) fn put(&mut self, parts: Vec<Vec<u8>>) -> bool {
        let fits = (1..=SNAPSHOT_PARTS_MAX).contains(&parts.len())
            && parts
                .iter()
                .all(|part| part.len() <= SNAPSHOT_PART_BYTES_MAX);
        if !fits || !self.put.is_empty() {
            return false;
        }
        (self.put, self.first) = (parts.into(), 0);
        true
    }

    /// Returns the part to put, and its number.
    pub(super) fn next_to_put(&self) -> Option<(usize, &[u8])> {
        self.put.front().map(|part| (self.first, part.as_slice()))
    }

    /// The part is put: the next one's turn.
    pub(super) fn is_put(&mut self) {
        self.put.pop_front();
        self.first += 1;
    }

    /// Nothing is put any more.
    pub(super) fn give_up(&mut self) {
        self.put.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_do_not_fit_or_come_in_between_are_not_put() {
        let mut snapshots = Snapshots::default();
        assert!(!snapshots.put(Vec::new()));
        assert!(!snapshots.put(vec![Vec::new(); SNAPSHOT_PARTS_MAX + 1]));
        assert!(!snapshots.put(vec![vec![0; SNAPSHOT_PART_BYTES_MAX + 1]]));
        assert!(snapshots.put(vec![vec![1], vec![2]]));
        assert!(!snapshots.put(vec![vec![3]]));
        assert_eq!(snapshots.next_to_put(), Some((0, &[1][..])));
        snapshots.is_put();
        assert_eq!(snapshots.next_to_put(), Some((1, &[2][..])));
        snapshots.is_put();
        assert_eq!(snapshots.next_to_put(), None);
        assert!(snapshots.put(vec![vec![3]]));
    }
}
