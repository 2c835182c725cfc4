//! What may be a name, and what it looks like.
//!
//! Names follow PRECIS `UsernameCasePreserved` (RFC 8265), at most 32 characters, starting with a
//! letter or digit, without `:`. Two names look the same when their keys meet: the confusable
//! skeleton (UTS #39) of the name and of its case-folded form.

use std::fmt;
use std::sync::LazyLock;

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
    /// It looks like a number, with which the server's own lines start, too.
    Number,
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
        if is_number(&keys[0]) {
            return Err(NameError::Number);
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
    pub(super) fn keys(&self) -> [String; 2] {
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
            Self::Number => f.write_str("looks like a number"),
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

/// Returns whether a skeleton is that of a number in ASCII.
fn is_number(skeleton: &str) -> bool {
    let digits = &ASCII_SKELETONS[usize::from(b'0')..=usize::from(b'9')];
    let is_digit = |c: char| digits.iter().any(|digit| digit.starts_with(c));
    skeleton.chars().all(is_digit)
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
            ("42", NameError::Number),
            ("l0", NameError::Number),
        ] {
            assert_eq!(Name::parse(text), Err(error), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_name_is_safe_to_show(text in "\\PC{0,12}|.{0,12}") {
            if let Ok(name) = Name::parse(&text) {
                let shown = name.as_str();
                let mut buffer = String::new();
                prop_assert_eq!(crate::line::sanitize::safe(shown.as_bytes(), &mut buffer), shown);
                prop_assert!(!shown.contains([' ', ':', '\t']));
                prop_assert!(shown.len() <= NAME_BYTES_MAX);
                prop_assert_eq!(Name::parse(shown), Ok(name.clone()));
            }
        }
    }
}
