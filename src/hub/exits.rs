//! The way out: those who have left, as long as they are still there.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use super::connection::Connection;
use super::disconnect::{Disconnect, Disconnects};
use super::limits::DRAIN_S;
use super::slots::Slots;
use crate::room::MemberId;
use crate::stream::Stream;
use crate::tick::Tick;

/// How long what is owed to somebody who leaves is waited for.
const DRAIN: Duration = Duration::from_secs(DRAIN_S);

/// Slots freed in one turn: closing a socket takes the kernel up to twenty microseconds.
const REAPS_MAX: usize = 128;

/// Those who have left, as long as they are still there.
#[derive(Debug, Default)]
pub(super) struct Exits {
    /// How many ended, and why.
    pub(super) disconnects: Disconnects,
    /// Have left, and why, though the room doesn't know it yet.
    leaving: VecDeque<(MemberId, Disconnect)>,
    /// Have not read all they are owed, and until when they may.
    draining: VecDeque<(MemberId, Tick)>,
    /// Until when everybody may drain who isn't in that list: the room is closing.
    closing: Option<Tick>,
    /// Their slots are to be freed.
    closed: VecDeque<MemberId>,
    /// The same, once the room has learned elsewhere that they have left.
    parked: BTreeSet<MemberId>,
}

impl Exits {
    /// Takes note that a connection ends.
    pub(super) fn enter(&mut self, id: MemberId, is_member: bool, why: Disconnect) {
        self.disconnects.count(why);
        if is_member {
            self.leaving.push_back((id, why));
        }
    }

    /// Takes out who left first of those whom the room has to be told of.
    pub(super) fn pop_leaving(&mut self) -> Option<(MemberId, Disconnect)> {
        self.leaving.pop_front()
    }

    /// Takes out somebody in particular, if the room has to be told of it.
    pub(super) fn take_leaving(&mut self, member: MemberId) -> Option<(MemberId, Disconnect)> {
        let at = self.leaving.iter().rposition(|&(id, _)| id == member)?;
        self.leaving.remove(at)
    }

    /// Returns how many have left whom the room has to be told of.
    pub(super) fn leaving(&self) -> usize {
        self.leaving.len()
    }

    /// Takes note of a connection that begins to drain, and returns until when it may, if that isn't
    /// when all may.
    pub(super) fn drain(&mut self, id: MemberId, now: Tick) -> Option<Tick> {
        if self.closing.is_some() {
            return None;
        }
        let deadline = now + DRAIN;
        self.draining.push_back((id, deadline));
        Some(deadline)
    }

    /// Gives all who begin to drain from now on the same deadline, and keeps no list of them.
    pub(super) fn close(&mut self, deadline: Tick) {
        self.closing = Some(deadline);
    }

    /// Lets nothing more be read from a connection or written to it, and returns whether that is
    /// news.
    pub(super) fn shut<S: Stream>(&mut self, id: MemberId, connection: &mut Connection<S>) -> bool {
        let news = connection.shut();
        if news {
            self.closed.push_back(id);
        }
        news
    }

    /// Lets the slot of a connection be freed that had to wait.
    pub(super) fn let_go(&mut self, id: MemberId) {
        if self.parked.remove(&id) {
            self.closed.push_back(id);
        }
    }

    /// Lets the slots of all be freed that had to wait.
    pub(super) fn let_all_go(&mut self) {
        self.closed.extend(std::mem::take(&mut self.parked));
    }

    /// Returns how many are shut, and still hold their slots.
    pub(super) fn shut_len(&self) -> usize {
        self.closed.len() + self.parked.len()
    }

    /// Returns whether somebody's leaving has not been dealt with.
    pub(super) fn has_work(&self) -> bool {
        !self.leaving.is_empty() || !self.closed.is_empty()
    }

    /// Takes out those whose time to drain is over.
    pub(super) fn take_overdue<S: Stream>(&mut self, slots: &Slots<S>, now: Tick) -> Vec<MemberId> {
        if self.closing.take_if(|closing| *closing <= now).is_some() {
            let is_there = |id: &MemberId| slots.get(*id).is_some();
            return slots.ids().filter(is_there).collect();
        }
        let mut overdue = Vec::new();
        self.draining.retain(|&entry| {
            let drains = drains(slots, entry);
            if drains && entry.1 <= now {
                overdue.push(entry.0);
            }
            drains && entry.1 > now
        });
        overdue
    }

    /// Takes out who began to drain first.
    pub(super) fn pop_draining<S: Stream>(&mut self, slots: &Slots<S>) -> Option<MemberId> {
        while let Some(entry) = self.draining.pop_front() {
            if drains(slots, entry) {
                return Some(entry.0);
            }
        }
        None
    }

    /// Returns when somebody's time is over next.
    pub(super) fn deadline<S: Stream>(&self, slots: &Slots<S>) -> Option<Tick> {
        let draining = self.draining.iter().filter(|entry| drains(slots, **entry));
        let deadlines = draining.map(|&(_, deadline)| deadline);
        deadlines.chain(self.closing).min()
    }

    /// Frees slots of those who are shut. `is_held` tells whether the room still knows a
    /// connection: its slot has to wait, and so do those beyond what one turn frees. With `parks` it
    /// waits until it is [let go](Self::let_go), and is no work until then.
    pub(super) fn reap<S: Stream>(
        &mut self,
        slots: &mut Slots<S>,
        parks: bool,
        is_held: impl Fn(MemberId) -> bool,
    ) {
        for _ in 0..self.closed.len().min(REAPS_MAX) {
            let Some(id) = self.closed.pop_front() else {
                break;
            };
            if is_held(id) && parks {
                self.parked.insert(id);
            } else if is_held(id) {
                self.closed.push_back(id);
            } else {
                slots.remove(id);
            }
        }
    }
}

/// Returns whether it is still this one that drains: the slot of one that is done may be somebody
/// else's since.
fn drains<S: Stream>(slots: &Slots<S>, (id, deadline): (MemberId, Tick)) -> bool {
    let connection = slots.get(id);
    connection.and_then(Connection::drain_deadline) == Some(deadline)
}
