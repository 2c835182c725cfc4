//! Kept names: whose they are, by the hash of a key.

use std::collections::BTreeMap;

use super::key::{Key, KeyHash};
use crate::room::{MemberId, Name};

/// A name that is somebody's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The name.
    pub name: Name,
    /// What is kept of its key.
    pub hash: KeyHash,
    /// Whether who has the key is an operator.
    pub operator: bool,
    /// When it was used last, in milliseconds since 1970.
    pub used_ms: u64,
}

impl Kept {
    /// Returns whether `key` is the one to it; takes as long whether or not it is.
    #[must_use]
    pub fn is_opened_by(&self, key: Key) -> bool {
        self.hash == key.hash()
    }
}

/// The kept names, and who of those here has come with the key of one.
#[derive(Debug, Default)]
pub(in crate::room) struct KeptNames {
    by_name: BTreeMap<String, Kept>,
    /// The kept name of each way a name can look.
    by_look: BTreeMap<String, String>,
    /// The kept name of each member who is its keeper, whatever name it goes by.
    keepers: BTreeMap<MemberId, String>,
}

impl KeptNames {
    pub(in crate::room) fn len(&self) -> usize {
        self.by_name.len()
    }

    pub(in crate::room) fn iter(&self) -> impl Iterator<Item = &Kept> {
        self.by_name.values()
    }

    /// Returns the kept names that look like `name`.
    pub(in crate::room) fn alike(&self, name: &Name) -> impl Iterator<Item = &Kept> {
        // Most rooms keep no names: nothing is computed there.
        let looks = (!self.by_look.is_empty()).then(|| name.keys());
        let looks = looks.into_iter().flatten();
        looks.filter_map(|look| self.by_name.get(self.by_look.get(&look)?))
    }

    /// Returns the kept name that is written or looks like `name`.
    pub(in crate::room) fn find(&self, name: &Name) -> Option<&Kept> {
        let exact = self.by_name.get(name.as_str());
        exact.or_else(|| self.alike(name).next())
    }

    /// Returns the kept name whose keeper a member is.
    pub(in crate::room) fn of(&self, member: MemberId) -> Option<&Kept> {
        self.by_name.get(self.keepers.get(&member)?)
    }

    /// Returns how many are operators.
    pub(in crate::room) fn operators(&self) -> usize {
        self.iter().filter(|kept| kept.operator).count()
    }

    /// Keeps a name; one that is kept already gets what is new about it. Returns `false` where it
    /// looks like another that is kept.
    pub(in crate::room) fn keep(&mut self, kept: Kept) -> bool {
        let name = kept.name.as_str();
        if self.alike(&kept.name).any(|other| other.name != kept.name) {
            return false;
        }
        for look in kept.name.keys() {
            self.by_look.insert(look, name.to_owned());
        }
        self.by_name.insert(name.to_owned(), kept);
        true
    }

    /// Keeps a name no more; its keepers are none.
    pub(in crate::room) fn forget(&mut self, name: &str) {
        if let Some(kept) = self.by_name.remove(name) {
            for look in kept.name.keys() {
                self.by_look.remove(&look);
            }
            self.keepers.retain(|_, keeps| keeps != name);
        }
    }

    /// Changes what is known of a kept name.
    pub(in crate::room) fn change(&mut self, name: &str, change: impl FnOnce(&mut Kept)) {
        if let Some(kept) = self.by_name.get_mut(name) {
            change(kept);
        }
    }

    /// Takes note that a member has the key of a kept name.
    pub(in crate::room) fn enter(&mut self, member: MemberId, name: &str, now_ms: u64) {
        self.change(name, |kept| kept.used_ms = now_ms);
        self.keepers.insert(member, name.to_owned());
    }

    /// Takes note that a member has shown the key of a kept name before.
    pub(in crate::room) fn restore_keeper(&mut self, member: MemberId, name: &str) {
        if self.by_name.contains_key(name) {
            self.keepers.insert(member, name.to_owned());
        }
    }

    /// Takes note that a member is gone; returns whether a kept name was used until now.
    pub(in crate::room) fn leave(&mut self, member: MemberId, now_ms: u64) -> bool {
        let keeps = self.keepers.remove(&member);
        if let Some(name) = &keeps {
            self.change(name, |kept| kept.used_ms = now_ms);
        }
        keeps.is_some()
    }

    /// Forgets names that nobody has used since `oldest_ms`, but those of operators and of who is
    /// here. Returns whether there were any.
    pub(in crate::room) fn lapse(&mut self, oldest_ms: u64) -> bool {
        let lapsed = |kept: &&Kept| {
            let is_here = || {
                self.keepers
                    .values()
                    .any(|keeps| keeps == kept.name.as_str())
            };
            !kept.operator && kept.used_ms < oldest_ms && !is_here()
        };
        let names = self.iter().filter(lapsed);
        let names: Vec<String> = names.map(|kept| kept.name.as_str().to_owned()).collect();
        for name in &names {
            self.forget(name);
        }
        !names.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn key(byte: u8) -> Key {
        Key::from_bytes([byte; 16])
    }

    fn kept(text: &str, used_ms: u64) -> Kept {
        Kept {
            name: name(text),
            hash: key(1).hash(),
            operator: false,
            used_ms,
        }
    }

    #[test]
    fn what_looks_like_a_kept_name_is_kept() {
        let mut names = KeptNames::default();
        assert!(names.keep(kept("Ilya", 0)));
        for alike in ["Ilya", "llya", "ILYA", "ilya"] {
            assert_eq!(
                names.find(&name(alike)).unwrap().name,
                name("Ilya"),
                "{alike}"
            );
        }
        assert!(names.find(&name("Ilyas")).is_none());
        assert!(!names.keep(kept("llya", 0)), "it looks like one");
        assert!(names.keep(kept("Ilya", 9)), "the same again");
        assert_eq!(
            (names.len(), names.find(&name("Ilya")).unwrap().used_ms),
            (1, 9)
        );
        names.forget("Ilya");
        assert!(names.find(&name("llya")).is_none() && names.by_look.is_empty());
    }

    #[test]
    fn the_right_key_opens_and_no_other() {
        let kept = kept("ali", 0);
        assert!(kept.is_opened_by(key(1)) && !kept.is_opened_by(key(2)));
    }

    #[test]
    fn unused_names_lapse_but_those_of_operators_and_who_is_here() {
        let mut names = KeptNames::default();
        let member = MemberId::from_slot(3);
        for (text, used_ms) in [("old", 5), ("new", 10), ("present", 5), ("chief", 5)] {
            names.keep(kept(text, used_ms));
        }
        names.change("chief", |kept| kept.operator = true);
        names.enter(member, "present", 5);
        assert!(names.lapse(10) && !names.lapse(10));
        let left: Vec<&str> = names.iter().map(|kept| kept.name.as_str()).collect();
        assert_eq!(left, ["chief", "new", "present"]);
        assert!(names.leave(member, 7) && !names.leave(member, 8));
        assert!(names.lapse(10), "gone since 7");
        assert_eq!(names.len(), 2);
    }
}
