//! What may be a name, and when two names look the same.
//!
//! Names follow PRECIS `UsernameCasePreserved` (RFC 8265), at most 32 characters, starting with a
//! letter or digit, without `:`. Two names look the same when their keys meet: the confusable
//! skeleton (UTS #39) of the name and of its case-folded form.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use hashbrown::HashTable;
use precis_profiles::UsernameCasePreserved;
use precis_profiles::precis_core::profile::PrecisFastInvocation;
use smol_str::SmolStr;
use unicode_normalization::char::is_combining_mark;

/// Longest name, in characters.
pub const NAME_CHARS_MAX: usize = 32;

/// Longest name, in bytes: UTF-8 needs at most four for a character.
pub const NAME_BYTES_MAX: usize = 4 * NAME_CHARS_MAX;

/// Most combining marks in a row; written languages need no more in their composed form.
const MARKS_IN_A_ROW_MAX: usize = 2;

/// First words of the server's own lines. `/me` shows as `* NAME TEXT`; were one of these a name,
/// it could speak as the server.
///
/// The last ones are what people take for the server.
const RESERVED: [&str; 9] = [
    "here", "nobody", "that", "the", "you", "your", "chatroom", "server", "system",
];

/// A name that somebody may have. The empty one is nobody's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Name(SmolStr);

/// Why something can't be a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameError {
    /// It has a space in it.
    Space,
    /// It has a colon in it.
    Colon,
    /// It doesn't start with a letter or digit.
    Start,
    /// It is longer than [`NAME_CHARS_MAX`].
    TooLong,
    /// It has a character that names can't have.
    Character(char),
    /// It piles up combining marks.
    Marks,
    /// It mixes writing directions, or is otherwise no identifier.
    Direction,
    /// It is one of the server's own words.
    Reserved,
}

impl Name {
    /// Returns `text` as a name, in the form that is shown: composed (NFC), full-width and
    /// half-width characters as ordinary ones.
    ///
    /// # Errors
    /// Says which rule `text` breaks.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        // Cheap rules first: no more than a name's worth of text is looked at closely.
        if text.chars().take(NAME_CHARS_MAX + 1).count() > NAME_CHARS_MAX {
            return Err(NameError::TooLong);
        }
        if text.contains(char::is_whitespace) {
            return Err(NameError::Space);
        }
        if text.is_empty() {
            return Err(NameError::Start);
        }
        let name = UsernameCasePreserved::enforce(text).map_err(|_| unfit(text))?;
        // From here on in the form that is shown: that of `（` is `(`.
        if !name.starts_with(|c: char| c.is_alphanumeric() && !is_combining_mark(c)) {
            return Err(NameError::Start);
        }
        if name.chars().count() > NAME_CHARS_MAX {
            return Err(NameError::TooLong);
        }
        if has_pile(&name) {
            return Err(NameError::Marks);
        }
        let name = Self(SmolStr::new(name));
        let keys = name.keys();
        if keys[0].contains(':') {
            return Err(NameError::Colon);
        }
        if let Some(bracket) = keys[0].chars().find(|c| matches!(c, '(' | ')')) {
            // NAME (privately) has to be the server's word.
            return Err(NameError::Character(bracket));
        }
        if keys.iter().any(|key| RESERVED_SKELETONS.contains(key)) {
            return Err(NameError::Reserved);
        }
        Ok(name)
    }

    /// Returns the name as it is shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether this is nobody's name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns what two names that look the same have in common.
    fn keys(&self) -> [String; 2] {
        // Through upper case, which folds what lower case alone doesn't (ß, ς, ſ); lower case first
        // for ẞ, which has no upper case of its own.
        let folded = self.0.to_lowercase().to_uppercase().to_lowercase();
        [skeleton(&self.0), skeleton(&folded)]
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Space => f.write_str("has a space in it"),
            Self::Colon => f.write_str("has a colon in it"),
            Self::Start => f.write_str("doesn't start with a letter or digit"),
            Self::TooLong => write!(f, "is longer than {NAME_CHARS_MAX} characters"),
            Self::Character(c) => write!(f, "has a character that names can't have ({c})"),
            Self::Marks => write!(f, "has more than {MARKS_IN_A_ROW_MAX} marks on one letter"),
            Self::Direction => f.write_str("mixes writing directions"),
            Self::Reserved => f.write_str("is a word of the server's own"),
        }
    }
}

/// Returns why PRECIS refuses `text`: the first character that is refused alone, if there is one.
fn unfit(text: &str) -> NameError {
    let refused = |c: &char| {
        !is_combining_mark(*c)
            && UsernameCasePreserved::prepare(c.encode_utf8(&mut [0; 4]) as &str).is_err()
    };
    text.chars()
        .find(refused)
        .map_or(NameError::Direction, NameError::Character)
}

fn has_pile(name: &str) -> bool {
    let mut marks = 0;
    name.chars().any(|c| {
        marks = if is_combining_mark(c) { marks + 1 } else { 0 };
        marks > MARKS_IN_A_ROW_MAX
    })
}

/// Returns what `text` looks like: its confusable skeleton (UTS #39), and two likenesses that the
/// skeleton doesn't know.
fn skeleton(text: &str) -> String {
    let mut looks = String::with_capacity(text.len() + text.len() / 2);
    if text.is_ascii() {
        text.bytes()
            .for_each(|byte| looks.push_str(&ASCII_SKELETONS[usize::from(byte)]));
        return looks;
    }
    // Arabic and Persian keyboards differ in yeh and kaf, which look alike within a word.
    let alike = |c| match c {
        '\u{64A}' | '\u{649}' => '\u{6CC}',
        '\u{643}' => '\u{6A9}',
        _ => c,
    };
    let text: String = text.chars().map(alike).collect();
    for c in unicode_security::skeleton(&text) {
        // A dot above an i or j takes the place of its own dot.
        if !(c == '\u{307}' && looks.ends_with(['i', 'j'])) {
            looks.push(c);
        }
    }
    looks
}

/// The skeletons of the ASCII characters, by their codes: most names need no more, and joining is
/// what a server has to do fast when everybody comes back at once.
static ASCII_SKELETONS: LazyLock<[SmolStr; 128]> = LazyLock::new(|| {
    std::array::from_fn(|code| {
        let character = char::from(code as u8).to_string();
        unicode_security::skeleton(&character).collect()
    })
});

/// The skeletons of [`RESERVED`].
static RESERVED_SKELETONS: LazyLock<[String; RESERVED.len()]> =
    LazyLock::new(|| RESERVED.map(skeleton));

/// The names in use, by member.
///
/// A name costs a slot of 24 bytes and an index entry of 9, with the index half full in the worst
/// case; names up to 23 bytes need no memory beyond. Keys are not kept but computed again where
/// two hashes meet.
#[derive(Debug, Default)]
pub struct Names {
    by_member: Vec<Name>,
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
    member: u32,
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
    pub fn of(&self, member: u32) -> &str {
        self.by_member.get(member as usize).map_or("", Name::as_str)
    }

    /// Returns who has a name that looks like `name`.
    #[must_use]
    pub fn find(&self, name: &Name) -> Option<u32> {
        self.find_but(name, None)
    }

    /// Returns who else than `member` has a name that looks like `name`.
    #[must_use]
    pub fn find_other(&self, name: &Name, member: u32) -> Option<u32> {
        self.find_but(name, Some(member))
    }

    fn find_but(&self, name: &Name, but: Option<u32>) -> Option<u32> {
        name.keys().iter().find_map(|key| {
            let entry = self.entry(0, key);
            let holds = |other: &Entry| {
                other.hash == entry.hash
                    && Some(other.member) != but
                    && self.by_member[other.member as usize].keys().contains(key)
            };
            self.index
                .find(entry.spread(), holds)
                .map(|found| found.member)
        })
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

    /// Gives `name` to `member`, in place of the one it had. The caller has made sure that nobody
    /// else has a name that looks like it.
    pub fn give(&mut self, member: u32, name: Name) {
        self.take(member);
        for entry in self.entries(member, &name) {
            self.index
                .insert_unique(entry.spread(), entry, |entry| entry.spread());
        }
        let slot = member as usize;
        if self.by_member.len() <= slot {
            self.by_member.resize_with(slot + 1, Name::default);
        }
        self.by_member[slot] = name;
        self.count += 1;
    }

    /// Takes the name of `member` away and returns it; empty if it had none.
    pub fn take(&mut self, member: u32) -> Name {
        let Some(slot) = self.by_member.get_mut(member as usize) else {
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
    fn entries(&self, member: u32, name: &Name) -> impl Iterator<Item = Entry> + use<> {
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
    fn entry(&self, member: u32, key: &str) -> Entry {
        Entry {
            hash: self.hasher.hash_one(key) as u32,
            member,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap_or_else(|error| panic!("{text:?} {error}"))
    }

    #[test]
    fn names_of_any_script_are_accepted() {
        for text in [
            "soheil",
            "سهیل",
            "李雷",
            "Zoë",
            "r2-d2",
            "7of9",
            "o'neil",
            "Ελένη",
            "علی_۲",
        ] {
            assert_eq!(name(text).as_str(), text);
        }
        assert_eq!(name("Zoe\u{308}").as_str(), "Zoë", "composed");
        assert_eq!(name("ａｌｉ").as_str(), "ali", "full width");
        assert_eq!(name(&"x".repeat(32)).as_str().len(), 32);
    }

    #[test]
    fn what_cannot_be_a_name_is_told_why() {
        let pile = format!("a{}", "\u{301}\u{316}".repeat(5));
        let long = "x".repeat(33);
        for (text, error) in [
            ("", NameError::Start),
            ("a b", NameError::Space),
            (" ali", NameError::Space),
            ("ali\u{A0}", NameError::Space),
            ("ali:", NameError::Colon),
            ("ali：", NameError::Colon),
            ("aliː", NameError::Colon),
            ("ali(privately)", NameError::Character('(')),
            ("ali（privately）", NameError::Character('(')),
            ("\u{FF9E}ali", NameError::Start),
            ("Chatroom", NameError::Reserved),
            ("sеrver", NameError::Reserved),
            ("-ali", NameError::Start),
            ("*", NameError::Start),
            ("/who", NameError::Start),
            ("😀", NameError::Character('😀')),
            ("\u{301}a", NameError::Start),
            ("\u{93F}", NameError::Start),
            (&long, NameError::TooLong),
            (&pile, NameError::Marks),
            ("ali\u{FFFD}", NameError::Character('\u{FFFD}')),
            ("al\u{200D}i", NameError::Character('\u{200D}')),
            ("al\u{200B}i", NameError::Character('\u{200B}')),
            ("ali😀", NameError::Character('😀')),
            ("a\u{2800}", NameError::Character('\u{2800}')),
            ("aسb", NameError::Direction),
            ("The", NameError::Reserved),
            ("ｙｏｕ", NameError::Reserved),
            ("nоbody", NameError::Reserved),
        ] {
            assert_eq!(Name::parse(text), Err(error), "{text:?}");
        }
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
                names.give(3, name(held));
                assert_eq!(names.find(&name(other)), Some(3), "{held} and {other}");
                names.take(3);
                assert_eq!(names.find(&name(other)), None);
            }
        }
        let mut names = Names::default();
        names.give(0, name("Zoë"));
        for other in ["Zoe", "Zo", "Zoëy", "李雷"] {
            assert_eq!(names.find(&name(other)), None, "{other}");
        }
    }

    /// `llya` looks like `Ilya`, which looks like `ilya`: who has the first may not take the second
    /// from who has the third.
    #[test]
    fn a_name_that_meets_two_others_is_taken_by_either() {
        let mut names = Names::default();
        names.give(0, name("ilya"));
        names.give(1, name("llya"));
        assert_eq!(names.find_other(&name("Ilya"), 1), Some(0));
        assert_eq!(names.find_other(&name("Ilya"), 0), Some(1));
        assert_eq!(
            names.find_other(&name("ILYA"), 0),
            None,
            "one's own, otherwise written"
        );
    }

    #[test]
    fn a_new_name_frees_the_old_one() {
        let mut names = Names::default();
        names.give(1, name("Ali"));
        names.give(1, name("Veli"));
        assert_eq!((names.count(), names.of(1)), (1, "Veli"));
        assert_eq!(names.find(&name("ali")), None);
        assert_eq!(names.take(1), name("Veli"));
        assert_eq!((names.count(), names.index.len()), (0, 0));
    }

    proptest! {
        #[test]
        fn the_index_knows_who_is_there(
            steps in proptest::collection::vec((0_u32..20, "[aAbIl0Oı]{1,3}"), 0..200),
        ) {
            let mut names = Names::default();
            let mut held: Vec<Option<Name>> = vec![None; 20];
            for (member, text) in steps {
                let name = name(&text);
                let alike = |other: &Name| other.keys().iter().any(|key| name.keys().contains(key));
                let holder = held.iter().position(|other| other.as_ref().is_some_and(alike));
                prop_assert_eq!(names.find(&name).is_some(), holder.is_some());
                if holder.is_none() {
                    names.give(member, name.clone());
                    held[member as usize] = Some(name);
                } else {
                    names.take(member);
                    held[member as usize] = None;
                }
                prop_assert_eq!(names.count(), held.iter().flatten().count());
            }
        }

        #[test]
        fn a_name_is_safe_to_show(text in "\\PC{0,12}|.{0,12}") {
            if let Ok(name) = Name::parse(&text) {
                let shown = name.as_str();
                let mut buffer = String::new();
                prop_assert_eq!(crate::line::text::safe(shown.as_bytes(), &mut buffer), shown);
                prop_assert!(!shown.contains([' ', ':', '\t']));
                prop_assert!(shown.len() <= NAME_BYTES_MAX);
                prop_assert_eq!(Name::parse(shown), Ok(name.clone()));
            }
        }
    }
}
