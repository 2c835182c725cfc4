//! Connections that wait for the hub to do something about them.

use std::collections::VecDeque;

use super::connection::{Connection, Flags};
use super::slots::Slots;
use crate::room::MemberId;

/// Connections that wait for one kind of work: first come, first served, each at most once, which
/// its flag remembers.
#[derive(Debug)]
pub(super) struct Queue {
    flag: Flags,
    ids: VecDeque<MemberId>,
}

impl Queue {
    /// Returns an empty queue whose connections have `flag`.
    pub(super) fn new(flag: Flags) -> Self {
        Self {
            flag,
            ids: VecDeque::new(),
        }
    }

    /// Puts a connection at the end, if it doesn't wait already.
    pub(super) fn push<S>(&mut self, id: MemberId, connection: &mut Connection<S>) {
        if !connection.flags.contains(self.flag) {
            connection.flags.insert(self.flag);
            self.ids.push_back(id);
        }
    }

    /// Takes the first connection that is still there.
    pub(super) fn pop<S>(&mut self, slots: &mut Slots<S>) -> Option<MemberId> {
        while let Some(id) = self.ids.pop_front() {
            if let Some(connection) = slots.get_mut(id) {
                connection.flags.remove(self.flag);
                return Some(id);
            }
        }
        None
    }

    /// Returns how many wait.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Returns whether nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

/// What there is to do about connections that no event will bring up.
#[derive(Debug)]
pub(super) struct Queues {
    /// To be read from again.
    pub(super) resuming: Queue,
    /// May be owed private bytes.
    pub(super) owed: Queue,
    /// A write to its stream has failed.
    pub(super) broken: Vec<MemberId>,
}

impl Queues {
    pub(super) fn new() -> Self {
        Self {
            resuming: Queue::new(Flags::RESUMING),
            owed: Queue::new(Flags::OWED),
            broken: Vec::new(),
        }
    }
}
