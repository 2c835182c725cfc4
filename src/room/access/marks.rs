//! What is known of people by their names, and is looked up for each line of those it concerns.

use std::collections::BTreeMap;

use crate::room::{MemberId, Name};

/// Something known of names, whether or not somebody here has them. Who goes by another name while
/// it is here takes it along.
#[derive(Debug)]
pub(in crate::room) struct Marks<T> {
    /// By how a name looks, case apart.
    by_look: BTreeMap<String, (Name, T)>,
    /// How the names look of those here who have one of these.
    here: BTreeMap<MemberId, String>,
}

impl<T> Default for Marks<T> {
    fn default() -> Self {
        Self {
            by_look: BTreeMap::new(),
            here: BTreeMap::new(),
        }
    }
}

impl<T> Marks<T> {
    pub(in crate::room) fn is_empty(&self) -> bool {
        self.by_look.is_empty()
    }

    pub(in crate::room) fn len(&self) -> usize {
        self.by_look.len()
    }

    /// Lists what is known, in the order of how the names look.
    pub(in crate::room) fn iter(&self) -> impl Iterator<Item = (&Name, &T)> {
        self.by_look.values().map(|(name, value)| (name, value))
    }

    /// Returns what is known of a member; allocates nothing.
    pub(in crate::room) fn of(&self, member: MemberId) -> Option<&T> {
        let look = self.here.get(&member)?;
        self.by_look.get(look).map(|(_, value)| value)
    }

    /// Returns what is known of whoever has a name.
    pub(in crate::room) fn get(&self, name: &Name) -> Option<&T> {
        self.by_look.get(&look(name)).map(|(_, value)| value)
    }

    /// Returns what is known of a name, to change it, or the usual; `member` has the name, if
    /// somebody here does.
    pub(in crate::room) fn entry(&mut self, name: &Name, member: Option<MemberId>) -> &mut T
    where
        T: Default,
    {
        let look = look(name);
        if let Some(member) = member {
            self.here.insert(member, look.clone());
        }
        &mut self
            .by_look
            .entry(look)
            .or_insert_with(|| (name.clone(), T::default()))
            .1
    }

    /// Forgets what is known of a name, and returns it.
    pub(in crate::room) fn remove(&mut self, name: &Name) -> Option<T> {
        let look = look(name);
        self.here.retain(|_, other| *other != look);
        self.by_look.remove(&look).map(|(_, value)| value)
    }

    /// Keeps what is worth it.
    pub(in crate::room) fn retain(&mut self, mut keep: impl FnMut(&mut T) -> bool) {
        self.by_look.retain(|_, (_, value)| keep(value));
        self.here.retain(|_, look| self.by_look.contains_key(look));
    }

    /// Takes note that somebody has come by a name.
    pub(in crate::room) fn came(&mut self, member: MemberId, name: &Name) {
        if self.is_empty() {
            return;
        }
        let look = look(name);
        if self.by_look.contains_key(&look) {
            self.here.insert(member, look);
        }
    }

    /// Takes note that somebody goes by another name, and returns what it takes along that was
    /// known of its old one; the caller adds it to what is known of the new one.
    pub(in crate::room) fn renamed(&mut self, member: MemberId, name: &Name) -> Option<T> {
        if self.is_empty() {
            return None;
        }
        let new = look(name);
        let old = self.here.remove(&member);
        let taken = old.filter(|old| *old != new);
        let taken = taken.and_then(|old| self.by_look.remove(&old));
        self.came(member, name);
        taken.map(|(_, value)| value)
    }

    /// Takes note that somebody is gone.
    pub(in crate::room) fn left(&mut self, member: MemberId) {
        self.here.remove(&member);
    }
}

/// Returns how a name looks, case apart.
fn look(name: &Name) -> String {
    let [_, look] = name.keys();
    look
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn what_is_known_of_a_name_is_known_of_whoever_has_it() {
        let [ali, bob] = [0, 1].map(MemberId::from_slot);
        let mut marks = Marks::<u32>::default();
        marks.came(ali, &name("ali"));
        assert_eq!(marks.of(ali), None);
        *marks.entry(&name("ali"), Some(ali)) = 1;
        assert_eq!((marks.of(ali), marks.of(bob)), (Some(&1), None));
        marks.left(ali);
        assert_eq!((marks.of(ali), marks.get(&name("ALI"))), (None, Some(&1)));
        marks.came(bob, &name("Ali"));
        assert_eq!(marks.of(bob), Some(&1));
        // It goes along with who has it.
        assert_eq!(marks.renamed(bob, &name("zed")), Some(1));
        *marks.entry(&name("zed"), Some(bob)) = 1;
        assert_eq!((marks.of(bob), marks.get(&name("ali"))), (Some(&1), None));
        assert_eq!(
            marks.renamed(bob, &name("Zed")),
            None,
            "the same otherwise written"
        );
        assert_eq!(marks.of(bob), Some(&1));
        assert_eq!(marks.remove(&name("zed")), Some(1));
        assert!(marks.is_empty() && marks.here.is_empty() && marks.of(bob).is_none());
    }
}
