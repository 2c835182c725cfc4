//! Who said something to whom alone last, so that it can be answered without a name.

use std::collections::{BTreeMap, BTreeSet};

use super::member::MemberId;

/// Each member's last correspondent: whoever said something to it alone last.
///
/// Only who has one costs anything: two entries of eight bytes, and what trees need around them.
/// An entry ends when either of the two leaves: their numbers may be somebody else's then.
#[derive(Debug, Default)]
pub(super) struct Correspondents {
    last: BTreeMap<MemberId, MemberId>,
    /// The same the other way round, each as the one who spoke and the one who heard it.
    heard: BTreeSet<(MemberId, MemberId)>,
}

impl Correspondents {
    /// Returns who said something to `member` alone last, if that one is still here.
    pub(super) fn of(&self, member: MemberId) -> Option<MemberId> {
        self.last.get(&member).copied()
    }

    /// Takes note that `from` has said something to `to` alone.
    pub(super) fn note(&mut self, from: MemberId, to: MemberId) {
        if let Some(before) = self.last.insert(to, from) {
            self.heard.remove(&(before, to));
        }
        self.heard.insert((from, to));
    }

    /// Forgets a member that has left: as one who may answer, and as one who may be answered.
    pub(super) fn leave(&mut self, member: MemberId) {
        if let Some(from) = self.last.remove(&member) {
            self.heard.remove(&(from, member));
        }
        let first = (member, MemberId::from_slot(0));
        while let Some(&pair) = self.heard.range(first..).next()
            && pair.0 == member
        {
            self.heard.remove(&pair);
            self.last.remove(&pair.1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn id(slot: usize) -> MemberId {
        MemberId::from_slot(slot)
    }

    #[test]
    fn the_last_one_counts_until_it_leaves() {
        let mut correspondents = Correspondents::default();
        assert_eq!(correspondents.of(id(1)), None);
        correspondents.note(id(0), id(1));
        correspondents.note(id(2), id(1));
        correspondents.note(id(2), id(2));
        assert_eq!(correspondents.of(id(1)), Some(id(2)));
        assert_eq!(correspondents.of(id(0)), None);
        correspondents.leave(id(0));
        assert_eq!(correspondents.of(id(1)), Some(id(2)));
        correspondents.leave(id(2));
        assert_eq!(correspondents.of(id(1)), None);
        assert!(correspondents.last.is_empty() && correspondents.heard.is_empty());
    }

    proptest! {
        /// The two directions agree, and with a map that is searched to its end.
        #[test]
        fn nobody_who_left_is_remembered(
            steps in proptest::collection::vec((any::<bool>(), 0_usize..6, 0_usize..6), 0..60),
        ) {
            let mut correspondents = Correspondents::default();
            let mut model = HashMap::new();
            for (leaves, one, other) in steps {
                if leaves {
                    correspondents.leave(id(one));
                    model.retain(|&to, from| to != one && *from != one);
                } else {
                    correspondents.note(id(one), id(other));
                    model.insert(other, one);
                }
                for slot in 0..6 {
                    prop_assert_eq!(correspondents.of(id(slot)), model.get(&slot).map(|&from| id(from)));
                }
                prop_assert_eq!(correspondents.last.len(), model.len());
                prop_assert_eq!(correspondents.heard.len(), model.len());
            }
        }
    }
}
