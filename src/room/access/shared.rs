//! What nodes that share a room have to know of it beyond what is written to the state file.

use super::{Access, Kept};
use crate::room::{MemberId, Name};

impl Access {
    /// Returns what a room begins with that keeps as much, and nothing yet; its message of the day is
    /// the same.
    #[must_use]
    pub fn blank(&self) -> Self {
        Self {
            keeping: self.keeping,
            motd: self.motd.clone(),
            version: self.version + 1,
            ..Self::default()
        }
    }

    /// Forgets all but whom each ignores, when each came, and the message of the day: what the room keeps
    /// is then restored as others know it.
    pub fn forget(&mut self) {
        (self.kept, self.bans, self.mutes) = Default::default();
        (self.topic, self.locked, self.slow_s) = (None, false, 0);
        self.spoke_ms.clear();
        self.version += 1;
    }

    /// Returns what is known of a name that is kept just so.
    #[must_use]
    pub fn kept_as(&self, name: &Name) -> Option<&Kept> {
        self.kept.find(name).filter(|kept| kept.name == *name)
    }

    /// Returns the kept name whose key a member has shown.
    #[must_use]
    pub fn keeps_of(&self, member: MemberId) -> Option<&Name> {
        self.kept.of(member).map(|kept| &kept.name)
    }

    /// Returns when a member said something to all last, while the room is slow.
    #[must_use]
    pub fn spoke_ms(&self, member: MemberId) -> Option<u64> {
        self.spoke_ms.get(&member).copied()
    }

    /// Lets somebody be in the room as before: by a name, and as the keeper of a kept one; for a room
    /// that several machines share.
    pub(in crate::room) fn restore_member(
        &mut self,
        member: MemberId,
        name: &Name,
        keeps: Option<&Name>,
        since_ms: u64,
        spoke_ms: Option<u64>,
    ) {
        self.mutes.came(member, name);
        self.ignores.came(member, name);
        *self.since_s.entry(member) = u32::try_from(since_ms / 1000).unwrap_or(u32::MAX);
        if let Some(keeps) = keeps {
            self.kept.restore_keeper(member, keeps.as_str());
        }
        self.spoke_ms.extend(spoke_ms.map(|at| (member, at)));
    }
}
