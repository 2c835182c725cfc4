//! The password of the room, which everybody is asked for before the name where there is one.

use std::collections::BTreeSet;

use crate::room::MemberId;
use crate::room::access::KeyHash;

/// What is kept of the password, if there is one, and who has still to give it.
#[derive(Debug, Default)]
pub(super) struct Password {
    hash: Option<KeyHash>,
    strangers: BTreeSet<MemberId>,
}

impl Password {
    /// Sets what is kept of the password, if there is one. Who has given another has given one.
    pub(super) fn set(&mut self, hash: Option<KeyHash>) {
        self.hash = hash;
    }

    /// Returns whether a newcomer has to give it, and takes note of that.
    pub(super) fn is_needed_of(&mut self, id: MemberId) -> bool {
        let needed = self.hash.is_some();
        if needed {
            self.strangers.insert(id);
        }
        needed
    }

    /// Returns whether a connection has still to give it.
    pub(super) fn is_asked_of(&self, id: MemberId) -> bool {
        !self.strangers.is_empty() && self.strangers.contains(&id)
    }

    /// Returns whether this is it; anything is where there is none.
    pub(super) fn is(&self, line: &[u8]) -> bool {
        self.hash.is_none_or(|hash| hash == KeyHash::of(line))
    }

    /// Forgets a connection that has ended, or has given it.
    pub(super) fn leave(&mut self, id: MemberId) {
        self.strangers.remove(&id);
    }
}
