//! The connections, by their numbers.

use std::ops::{Index, IndexMut};

use slab::Slab;

use super::connection::Connection;
use super::standing::Stage;
use crate::room::MemberId;
use crate::wire::Encoding;

/// The connections, by their numbers. A number is used again as soon as its connection is removed.
#[derive(Debug)]
pub(super) struct Slots<S> {
    slab: Slab<Connection<S>>,
    /// One more than the highest slot ever used.
    used: usize,
}

impl<S> Default for Slots<S> {
    fn default() -> Self {
        Self {
            slab: Slab::new(),
            used: 0,
        }
    }
}

impl<S> Slots<S> {
    /// Returns how many connections there are, ended or not.
    pub(super) fn len(&self) -> usize {
        self.slab.len()
    }

    /// Returns one more than the highest slot ever used.
    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// Returns all numbers that there may be connections of.
    pub(super) fn ids(&self) -> impl Iterator<Item = MemberId> + use<S> {
        (0..self.used).map(MemberId::from_slot)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Connection<S>> {
        self.slab.iter().map(|(_, connection)| connection)
    }

    /// Returns the number that the next connection will have.
    pub(super) fn next_id(&self) -> MemberId {
        MemberId::from_slot(self.slab.vacant_key())
    }

    pub(super) fn insert(&mut self, connection: Connection<S>) -> MemberId {
        let slot = self.slab.insert(connection);
        self.used = self.used.max(slot + 1);
        MemberId::from_slot(slot)
    }

    pub(super) fn remove(&mut self, id: MemberId) {
        self.slab.remove(id.slot());
    }

    pub(super) fn get(&self, id: MemberId) -> Option<&Connection<S>> {
        self.slab.get(id.slot())
    }

    pub(super) fn get_mut(&mut self, id: MemberId) -> Option<&mut Connection<S>> {
        self.slab.get_mut(id.slot())
    }

    /// Returns how a connection is told of the room; one that isn't there in plain lines.
    pub(super) fn encoding(&self, id: MemberId) -> Encoding {
        self.get(id).map_or(Encoding::Plain, Connection::encoding)
    }

    /// Returns how far a connection has come; one that isn't there is closed.
    pub(super) fn stage(&self, id: MemberId) -> Stage {
        self.get(id).map_or(Stage::Closed, Connection::stage)
    }
}

/// For connections that are known to be there.
impl<S> Index<MemberId> for Slots<S> {
    type Output = Connection<S>;

    fn index(&self, id: MemberId) -> &Connection<S> {
        &self.slab[id.slot()]
    }
}

impl<S> IndexMut<MemberId> for Slots<S> {
    fn index_mut(&mut self, id: MemberId) -> &mut Connection<S> {
        &mut self.slab[id.slot()]
    }
}
