//! The names in use, so that two people never hold names that look the same.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use unicode_normalization::UnicodeNormalization;

use super::member::{MemberId, Table};
use super::name::Name;

/// The names in use, by member.
///
/// A name costs a slot of 24 bytes and an index entry of 9, with the index half full in the worst
/// case; names up to 23 bytes need no memory beyond. Keys are not kept but computed again where
/// two hashes meet.
#[derive(Debug, Default)]
pub struct Names {
    by_member: Table<Name>,
    /// An entry for each key in use. Never iterated, so that the random hash seed, which keeps
    /// people from making names that collide, shows in no result.
    index: HashTable<Entry>,
    hasher: RandomState,
    count: usize,
}

/// That `member` has a name with a key of this hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    hash: u32,
    member: MemberId,
}

impl Entry {
    /// Returns the hash spread over the 64 bits that the table uses.
    fn spread(self) -> u64 {
        u64::from(self.hash).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
}

impl Names {
    /// Returns the name of `member`; empty if it has none.
    #[must_use]
    pub fn of(&self, member: MemberId) -> &str {
        self.by_member.get(member).map_or("", Name::as_str)
    }

    /// Returns the name of `member`, to keep it; empty if it has none.
    #[must_use]
    pub fn name(&self, member: MemberId) -> Name {
        self.by_member.get(member).cloned().unwrap_or_default()
    }

    /// Returns who has a name that looks like `name`.
    #[must_use]
    pub fn find(&self, name: &Name) -> Option<MemberId> {
        self.find_but(name, None)
    }

    /// Returns who else than `member` has a name that looks like `name`.
    #[must_use]
    pub fn find_other(&self, name: &Name, member: MemberId) -> Option<MemberId> {
        self.find_but(name, Some(member))
    }

    fn find_but(&self, name: &Name, but: Option<MemberId>) -> Option<MemberId> {
        name.keys().iter().find_map(|key| {
            let entry = self.entry(MemberId::from_slot(0), key);
            let holds = |other: &Entry| {
                other.hash == entry.hash
                    && Some(other.member) != but
                    && self.name_has(other.member, key)
            };
            self.index
                .find(entry.spread(), holds)
                .map(|found| found.member)
        })
    }

    fn name_has(&self, member: MemberId, key: &String) -> bool {
        let name = self.by_member.get(member);
        name.is_some_and(|name| name.keys().contains(key))
    }

    /// Returns how many names are in use.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Returns the names in use, in the order of their members.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.by_member
            .iter()
            .filter(|name| !name.is_empty())
            .map(Name::as_str)
    }

    /// Returns the names in use that have `part` in them, in any case, in the order of their
    /// members. An empty part is in every name.
    pub fn containing(&self, part: &str) -> impl Iterator<Item = &str> {
        // Names are composed, and have ordinary characters in place of those of full width.
        let part: String = part.nfkc().flat_map(folded).collect();
        let mut buffer = String::new();
        self.iter()
            .filter(move |name| contains(name, &part, &mut buffer))
    }

    /// Gives `name` to `member`, in place of the one it had. The caller has made sure that nobody
    /// else has a name that looks like it.
    pub fn give(&mut self, member: MemberId, name: Name) {
        self.take(member);
        for entry in self.entries(member, &name) {
            self.index
                .insert_unique(entry.spread(), entry, |entry| entry.spread());
        }
        *self.by_member.entry(member) = name;
        self.count += 1;
    }

    /// Takes the name of `member` away and returns it; empty if it had none.
    pub fn take(&mut self, member: MemberId) -> Name {
        let Some(slot) = self.by_member.get_mut(member) else {
            return Name::default();
        };
        let name = std::mem::take(slot);
        if name.is_empty() {
            return name;
        }
        self.count -= 1;
        for entry in self.entries(member, &name) {
            if let Ok(found) = self
                .index
                .find_entry(entry.spread(), |other| *other == entry)
            {
                found.remove();
            }
        }
        name
    }

    /// Returns the index entries of a name: one or, where its keys differ, two.
    fn entries(&self, member: MemberId, name: &Name) -> impl Iterator<Item = Entry> + use<> {
        let [first, second] = name.keys();
        let second = (second != first).then(|| self.entry(member, &second));
        [Some(self.entry(member, &first)), second]
            .into_iter()
            .flatten()
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "half of the hash is enough"
    )]
    fn entry(&self, member: MemberId, key: &str) -> Entry {
        Entry {
            hash: self.hasher.hash_one(key) as u32,
            member,
        }
    }
}

/// Returns whether `name` has `part` in it, which is folded. All names of a room may be asked: this
/// takes about 20 ns for one of ASCII, 50 for another.
fn contains(name: &str, part: &str, buffer: &mut String) -> bool {
    if part.is_empty() {
        true
    } else if name.is_ascii() {
        let mut parts = name.as_bytes().windows(part.len());
        parts.any(|bytes| bytes.eq_ignore_ascii_case(part.as_bytes()))
    } else {
        buffer.clear();
        for character in name.chars() {
            // Most scripts have no case; finding that out is faster than folding.
            if character.is_lowercase() || character.is_uppercase() {
                buffer.extend(folded(character));
            } else {
                buffer.push(character);
            }
        }
        buffer.contains(part)
    }
}

/// Returns what upper and lower case of `character` have in common, as [`Name::keys`] does for
/// whole names.
fn folded(character: char) -> impl Iterator<Item = char> {
    let lower = character.to_lowercase();
    lower
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap_or_else(|error| panic!("{text:?} {error}"))
    }

    fn id(slot: usize) -> MemberId {
        MemberId::from_slot(slot)
    }

    #[test]
    fn names_that_look_the_same_meet() {
        for (held, other) in [
            ("ali", "ali"),
            ("ali", "ALI"),
            ("ali", "Ali"),
            ("ali", "ａｌｉ"),
            ("ali", "аli"),
            ("ali", "АLI"),
            ("ali", "ali\u{307}"),
            ("ali", "alı"),
            ("Zoë", "Zoe\u{308}"),
            ("mary", "rnary"),
            ("Ilya", "llya"),
            ("b0b", "bOb"),
            ("straße", "STRASSE"),
            ("straße", "STRAẞE"),
            ("سهیل", "سهيل"),
            ("کاوه", "كاوه"),
        ] {
            for (held, other) in [(held, other), (other, held)] {
                let mut names = Names::default();
                names.give(id(3), name(held));
                assert_eq!(names.find(&name(other)), Some(id(3)), "{held} and {other}");
                names.take(id(3));
                assert_eq!(names.find(&name(other)), None);
            }
        }
        let mut names = Names::default();
        names.give(id(0), name("Zoë"));
        for other in ["Zoe", "Zo", "Zoëy", "李雷"] {
            assert_eq!(names.find(&name(other)), None, "{other}");
        }
    }

    /// `llya` looks like `Ilya`, which looks like `ilya`: who has the first may not take the second
    /// from who has the third.
    #[test]
    fn a_name_that_meets_two_others_is_taken_by_either() {
        let mut names = Names::default();
        names.give(id(0), name("ilya"));
        names.give(id(1), name("llya"));
        assert_eq!(names.find_other(&name("Ilya"), id(1)), Some(id(0)));
        assert_eq!(names.find_other(&name("Ilya"), id(0)), Some(id(1)));
        assert_eq!(
            names.find_other(&name("ILYA"), id(0)),
            None,
            "one's own, otherwise written"
        );
    }

    #[test]
    fn a_new_name_frees_the_old_one() {
        let mut names = Names::default();
        names.give(id(1), name("Ali"));
        names.give(id(1), name("Veli"));
        assert_eq!((names.count(), names.of(id(1))), (1, "Veli"));
        assert_eq!(names.find(&name("ali")), None);
        assert_eq!(names.take(id(1)), name("Veli"));
        assert_eq!((names.count(), names.index.len()), (0, 0));
    }

    proptest! {
        #[test]
        fn the_index_knows_who_is_there(
            steps in proptest::collection::vec((0_usize..20, "[aAbIl0Oı]{1,3}_"), 0..200),
        ) {
            let mut names = Names::default();
            let mut held: Vec<Option<Name>> = vec![None; 20];
            for (member, text) in steps {
                let name = name(&text);
                let alike = |other: &Name| other.keys().iter().any(|key| name.keys().contains(key));
                let holder = held.iter().position(|other| other.as_ref().is_some_and(alike));
                prop_assert_eq!(names.find(&name).is_some(), holder.is_some());
                if holder.is_none() {
                    names.give(id(member), name.clone());
                    held[member] = Some(name);
                } else {
                    names.take(id(member));
                    held[member] = None;
                }
                prop_assert_eq!(names.count(), held.iter().flatten().count());
            }
        }
    }
}
