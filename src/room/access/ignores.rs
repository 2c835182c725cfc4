//! Who doesn't want to hear whom.

use std::collections::BTreeMap;

use super::marks::Marks;
use crate::room::{MemberId, Name};

/// Most people that one may ignore.
pub const IGNORED_MAX: usize = 100;

/// Who doesn't want to hear whom: by name, as long as who ignores is here.
///
/// A line of somebody whom nobody ignores costs nothing. Ignoring somebody takes four bytes beside
/// the name, and an entry of two names (48 bytes, and what trees need around them) for each who is
/// ignored and for each who ignores.
#[derive(Debug, Default)]
pub(in crate::room) struct Ignores {
    /// Who ignores a name, in their order.
    listeners: Marks<Vec<MemberId>>,
    /// Whom somebody ignores.
    ignored: BTreeMap<MemberId, Vec<Name>>,
}

impl Ignores {
    /// Returns who ignores a member; allocates nothing.
    pub(in crate::room) fn of(&self, speaker: MemberId) -> &[MemberId] {
        self.listeners.of(speaker).map_or(&[], Vec::as_slice)
    }

    /// Returns whether `listener` ignores whoever has a name.
    pub(in crate::room) fn ignores(&self, listener: MemberId, name: &Name) -> bool {
        let listeners = self.listeners.get(name);
        listeners.is_some_and(|listeners| listeners.binary_search(&listener).is_ok())
    }

    /// Returns whom somebody ignores.
    pub(in crate::room) fn by(&self, listener: MemberId) -> &[Name] {
        self.ignored.get(&listener).map_or(&[], Vec::as_slice)
    }

    /// Lets `listener` ignore whoever has a name: `speaker`, if somebody here does.
    pub(in crate::room) fn ignore(
        &mut self,
        listener: MemberId,
        name: &Name,
        speaker: Option<MemberId>,
    ) {
        let listeners = self.listeners.entry(name, speaker);
        if let Err(at) = listeners.binary_search(&listener) {
            listeners.insert(at, listener);
            self.ignored.entry(listener).or_default().push(name.clone());
        }
    }

    /// Lets `listener` ignore whoever has a name no more.
    pub(in crate::room) fn hear(&mut self, listener: MemberId, name: &Name) {
        let look = name.keys();
        if let Some(ignored) = self.ignored.get_mut(&listener) {
            ignored.retain(|other| other.keys()[1] != look[1]);
            if ignored.is_empty() {
                self.ignored.remove(&listener);
            }
        }
        self.drop_listener(listener, name);
    }

    /// Takes note that somebody has come by a name.
    pub(in crate::room) fn came(&mut self, member: MemberId, name: &Name) {
        self.listeners.came(member, name);
    }

    /// Takes note that somebody goes by another name: who ignores it ignores it under that.
    pub(in crate::room) fn renamed(&mut self, member: MemberId, old: &Name, name: &Name) {
        for listener in self.listeners.renamed(member, name).unwrap_or_default() {
            if let Some(ignored) = self.ignored.get_mut(&listener) {
                let look = old.keys();
                ignored.retain(|other| other.keys()[1] != look[1]);
            }
            self.ignore(listener, name, Some(member));
        }
    }

    /// Forgets what a member that has left wanted.
    pub(in crate::room) fn left(&mut self, member: MemberId) {
        self.listeners.left(member);
        for name in self.ignored.remove(&member).unwrap_or_default() {
            self.drop_listener(member, &name);
        }
    }

    fn drop_listener(&mut self, listener: MemberId, name: &Name) {
        if self.listeners.get(name).is_none() {
            return;
        }
        let listeners = self.listeners.entry(name, None);
        if let Ok(at) = listeners.binary_search(&listener) {
            listeners.remove(at);
        }
        if listeners.is_empty() {
            self.listeners.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn somebody_is_ignored_also_under_another_name_and_when_back() {
        let [ali, bob, eve] = [0, 1, 2].map(MemberId::from_slot);
        let mut ignores = Ignores::default();
        ignores.ignore(ali, &name("bob"), Some(bob));
        ignores.ignore(eve, &name("bob"), Some(bob));
        ignores.ignore(eve, &name("BOB"), Some(bob));
        assert_eq!(
            (ignores.of(bob), ignores.of(eve)),
            (&[ali, eve][..], &[][..])
        );
        assert_eq!(ignores.by(eve), [name("bob")]);
        ignores.renamed(bob, &name("bob"), &name("robert"));
        assert_eq!(
            (ignores.of(bob), ignores.by(ali)),
            (&[ali, eve][..], &[name("robert")][..])
        );
        assert!(!ignores.ignores(ali, &name("bob")) && ignores.ignores(ali, &name("robert")));
        ignores.left(bob);
        assert_eq!(ignores.of(bob), []);
        ignores.came(bob, &name("Robert"));
        assert_eq!(ignores.of(bob), [ali, eve]);
        ignores.hear(eve, &name("robert"));
        assert_eq!((ignores.of(bob), ignores.by(eve)), (&[ali][..], &[][..]));
        ignores.left(ali);
        assert!(ignores.listeners.is_empty() && ignores.ignored.is_empty());
        assert_eq!(ignores.of(bob), []);
    }
}
