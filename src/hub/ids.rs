//! Which lines members have said lately, by the ids they gave them: one that is sent again after a
//! break is not said twice.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, VecDeque};
use std::hash::{Hash, Hasher};

use smol_str::SmolStr;

use super::limits::{DEPARTED_IDS_MAX, IDS_MAX};
use crate::room::MemberId;
use crate::wire::Stamp;

/// The ids of lines that were taken: the last [`IDS_MAX`] of each member, and of the last
/// [`DEPARTED_IDS_MAX`] who left. Who never gave an id costs nothing.
#[derive(Debug, Default)]
pub(super) struct Ids {
    members: BTreeMap<MemberId, Taken>,
    departed: VecDeque<(SmolStr, Taken)>,
}

/// The last lines of one member, the oldest first.
type Taken = VecDeque<Line>;

/// A line that was taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    /// In place of its id. Two ids of one member that have the same are as likely as for eight random
    /// bytes, unless it looks for such, which harms nobody else.
    hash: u64,
    /// Its place in the room's order, if everybody was told.
    pub(super) stamp: Option<Stamp>,
}

impl Ids {
    /// Returns the line that a member sent with `id`, if it was taken.
    pub(super) fn find(&self, member: MemberId, id: &str) -> Option<&Line> {
        let hash = hash(id);
        let mut taken = self.members.get(&member)?.iter();
        taken.find(|line| line.hash == hash)
    }

    /// Takes note of a line.
    pub(super) fn note(&mut self, member: MemberId, id: &str, stamp: Option<Stamp>) {
        let taken = self.members.entry(member).or_default();
        if taken.len() >= IDS_MAX {
            taken.pop_front();
        }
        let hash = hash(id);
        taken.push_back(Line { hash, stamp });
    }

    /// Takes note that a member has left.
    pub(super) fn leave(&mut self, member: MemberId, name: &str) {
        let Some(taken) = self.members.remove(&member) else {
            return;
        };
        if self.departed.len() >= DEPARTED_IDS_MAX {
            self.departed.pop_front();
        }
        self.departed.push_back((name.into(), taken));
    }

    /// Remembers for a member what one said who had this name before it.
    pub(super) fn come_back(&mut self, member: MemberId, name: &str) {
        for (_, taken) in self.take_departed(name) {
            self.members.entry(member).or_default().extend(taken);
        }
        if let Some(taken) = self.members.get_mut(&member) {
            taken.drain(..taken.len().saturating_sub(IDS_MAX));
        }
    }

    /// Forgets what somebody said who had this name: it is another's now, who has ids of its own.
    pub(super) fn begin_anew(&mut self, name: &str) {
        self.take_departed(name);
    }

    fn take_departed(&mut self, name: &str) -> VecDeque<(SmolStr, Taken)> {
        let (found, others) = std::mem::take(&mut self.departed)
            .into_iter()
            .partition(|(departed, _)| departed == name);
        self.departed = others;
        found
    }
}

fn hash(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEVENTH: Stamp = Stamp { seq: 7, time_ms: 1 };

    /// Returns the number of a line that is known, 0 if all were not told.
    fn seq(ids: &Ids, slot: usize, id: &str) -> Option<u64> {
        let line = ids.find(member(slot), id)?;
        Some(line.stamp.map_or(0, |stamp| stamp.seq))
    }

    fn member(slot: usize) -> MemberId {
        MemberId::from_slot(slot)
    }

    #[test]
    fn a_line_is_known_again_also_after_a_break() {
        let mut ids = Ids::default();
        ids.note(member(1), "a", Some(SEVENTH));
        ids.note(member(1), "b", None);
        assert_eq!(seq(&ids, 1, "a"), Some(7));
        assert_eq!(seq(&ids, 1, "b"), Some(0));
        assert_eq!(seq(&ids, 1, "c"), None);
        assert_eq!(seq(&ids, 2, "a"), None);
        ids.leave(member(1), "ali");
        assert_eq!(seq(&ids, 1, "a"), None);
        ids.come_back(member(2), "bob");
        assert_eq!(seq(&ids, 2, "a"), None);
        ids.come_back(member(3), "ali");
        assert_eq!(seq(&ids, 3, "a"), Some(7));
        assert!(ids.departed.is_empty());
    }

    #[test]
    fn whoever_begins_anew_has_ids_of_its_own() {
        let mut ids = Ids::default();
        ids.note(member(1), "1", Some(SEVENTH));
        ids.leave(member(1), "ali");
        ids.begin_anew("ali");
        ids.come_back(member(2), "ali");
        assert_eq!(seq(&ids, 2, "1"), None);
    }

    #[test]
    fn no_more_are_remembered_than_said() {
        let mut ids = Ids::default();
        for number in 0..=IDS_MAX {
            ids.note(member(1), &number.to_string(), None);
        }
        assert_eq!(seq(&ids, 1, "0"), None);
        assert_eq!(seq(&ids, 1, "1"), Some(0));
        for number in 0..=DEPARTED_IDS_MAX {
            ids.note(member(2), "x", None);
            ids.leave(member(2), &format!("n{number}"));
        }
        assert_eq!(ids.departed.len(), DEPARTED_IDS_MAX);
        ids.come_back(member(3), "n0");
        assert_eq!(seq(&ids, 3, "x"), None);
    }
}
