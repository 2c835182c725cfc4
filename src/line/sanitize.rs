//! Makes text safe to show on anybody's terminal.
//!
//! What could move a cursor, change colours, reorder what others said or pretend to be a line end
//! becomes U+FFFD: C0 controls but TAB, DEL, C1 controls (ECMA-48 starts every escape sequence with
//! one of these), the separators U+2028 and U+2029, the bidi embeddings, overrides and isolates of
//! UAX #9, and whatever isn't UTF-8. ZWNJ and ZWJ, variation selectors and tags stay: Persian, Hindi
//! and emoji need them. What takes no place of its own, or only an empty one, may pile up only so
//! far, and alone it says nothing ([`is_invisible`]).

use unicode_normalization::char::is_combining_mark;
use unicode_security::GeneralSecurityProfile;
use unicode_security::general_security_profile::IdentifierType;
use unicode_width::UnicodeWidthChar;

/// Most characters in a row that take no place of their own (combining marks, joiners and the
/// like); more are dropped. Written languages need up to four, emoji flags seven.
const MARKS_IN_A_ROW_MAX: usize = 8;

/// How much longer, at most, text gets by being made safe: one byte becomes the three of U+FFFD.
pub const GROWTH_MAX: usize = 3;

/// Returns `bytes` as text that is safe to show, built in `buffer` where it has to be changed.
///
/// Text that is safe already comes back as it is.
pub fn safe<'a>(bytes: &'a [u8], buffer: &'a mut String) -> &'a str {
    if is_plain(bytes)
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        return text;
    }
    buffer.clear();
    let mut marks = 0;
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if takes_no_place(character) {
                marks += 1;
                if marks > MARKS_IN_A_ROW_MAX {
                    continue;
                }
            } else {
                marks = 0;
            }
            buffer.push(if is_harmful(character) {
                char::REPLACEMENT_CHARACTER
            } else {
                character
            });
        }
        if !chunk.invalid().is_empty() {
            marks = 0;
            buffer.push(char::REPLACEMENT_CHARACTER);
        }
    }
    buffer
}

/// Returns whether `bytes` are printable ASCII and TAB only. Blocks without an early way out let
/// the compiler check sixteen or more bytes at once.
fn is_plain(bytes: &[u8]) -> bool {
    let plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t');
    bytes
        .chunks(64)
        .all(|block| block.iter().fold(true, |all, byte| all & plain(byte)))
}

/// Returns whether `character` may not reach a terminal.
fn is_harmful(character: char) -> bool {
    match character {
        '\t' => false,
        '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => true,
        // General category Cc: C0, DEL and C1.
        _ => character.is_control(),
    }
}

/// Returns whether `character` is drawn on or between its neighbours, or not at all.
fn takes_no_place(character: char) -> bool {
    match character {
        ..'\u{300}' => character == '\u{AD}',
        _ => character.width() == Some(0) || is_combining_mark(character) || is_blank(character),
    }
}

/// Returns whether nobody sees `character`: white space, and what has Unicode's property
/// `Default_Ignorable_Code_Point` or is as blank without it.
#[must_use]
pub fn is_invisible(character: char) -> bool {
    character.is_whitespace()
        || is_blank(character)
        || (character.width() == Some(0) && is_ignorable(character))
}

/// Returns whether `character` leaves an empty place though it counts as a letter, a symbol or a
/// mark of an annotation: the Hangul filler that has a width, Braille without a dot, U+FFF9-FFFB.
fn is_blank(character: char) -> bool {
    matches!(character, '\u{115F}' | '\u{2800}' | '\u{FFF9}'..='\u{FFFB}')
}

/// Returns whether a character without a width has the property `Default_Ignorable_Code_Point`.
/// UTS #39 gives a character one type only: what is deprecated or not assigned may have it besides.
fn is_ignorable(character: char) -> bool {
    match character.identifier_type() {
        Some(IdentifierType::Default_Ignorable) => true,
        Some(IdentifierType::Deprecated) | None => !is_combining_mark(character),
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn made_safe(bytes: &[u8]) -> String {
        safe(bytes, &mut String::new()).to_owned()
    }

    /// What people write, in scripts that need characters which are not seen.
    const WRITTEN: [&str; 14] = [
        "hello\tthere ~",
        "می\u{200C}خواهم به خانه\u{200C}ام بروم؛ نمی\u{200C}دانم کِی می\u{200C}رسم",
        "\u{200F}سلام Ali\u{200E}, خوبی؟",
        "क्\u{200D}ष और क्\u{200C}ष, र्\u{200D}य; मैं हिन्दी में लिख रहा हूँ",
        "ක්\u{200D}රී ලංකා",
        "李雷和韩梅梅, 葛\u{E0100}城市",
        "Zoë, Zoe\u{308}, naïve fac\u{327}ade",
        "한국말, 각\u{1100}\u{1161}\u{11A8}",
        "👩\u{200D}👩\u{200D}👧\u{200D}👦 ❤\u{FE0F}\u{200D}🔥 1\u{FE0F}\u{20E3}",
        "🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F} beat \
         🏴\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F} 2:1",
        "ᠮᠣᠩᠭᠣᠯ\u{180E}ᠠ",
        "ភាសា\u{200B}ខ្មែរ",
        "שָׁלוֹם",
        "⠓⠑⠇⠇⠕⠀⠺⠕⠗⠇⠙",
    ];

    #[test]
    fn what_people_write_passes_unchanged() {
        for text in WRITTEN {
            assert_eq!(made_safe(text.as_bytes()), text);
        }
    }

    /// Everything that is not seen, by the ranges of Unicode 18 and the blanks beside.
    fn unseen() -> impl Iterator<Item = char> {
        let ranges = [
            0xAD..=0xAD,
            0x34F..=0x34F,
            0x61C..=0x61C,
            0x115F..=0x1160,
            0x17B4..=0x17B5,
            0x180B..=0x180F,
            0x200B..=0x200F,
            0x2060..=0x2065,
            0x206A..=0x206F,
            0x2800..=0x2800,
            0x3164..=0x3164,
            0xFE00..=0xFE0F,
            0xFEFF..=0xFEFF,
            0xFFA0..=0xFFA0,
            0xFFF0..=0xFFFB,
            0x1_BCA0..=0x1_BCA3,
            0x1_D173..=0x1_D17A,
            0xE_0000..=0xE_0FFF,
        ];
        ranges.into_iter().flatten().filter_map(char::from_u32)
    }

    #[test]
    fn what_is_not_seen_is_known_and_piles_up_only_so_far() {
        for unseen in unseen() {
            assert!(is_invisible(unseen), "{unseen:?}");
            let pile = made_safe(format!("a{}b", unseen.to_string().repeat(99)).as_bytes());
            assert_eq!(pile, format!("a{}b", unseen.to_string().repeat(8)));
        }
    }

    #[test]
    fn what_is_seen_is_not_taken_for_nothing() {
        for seen in WRITTEN.concat().chars().filter(|&c| !c.is_whitespace()) {
            assert_eq!(is_invisible(seen), unseen().any(|c| c == seen), "{seen:?}");
        }
        // A vowel sign, marks and a letter that stand alone where spelling is talked about.
        for seen in [
            '\u{941}', '\u{650}', '\u{301}', '\u{F77}', '\u{1161}', '\u{FFFD}', '.',
        ] {
            assert!(!is_invisible(seen), "{seen:?}");
        }
    }

    #[test]
    fn every_control_is_replaced() {
        let controls = (0..0x20)
            .chain(0x7f..0xa0)
            .filter(|&c| c != 9)
            .chain(0x2028..0x202f);
        for control in controls.chain(0x2066..0x206a).filter_map(char::from_u32) {
            assert_eq!(made_safe(format!("a{control}b").as_bytes()), "a\u{FFFD}b");
        }
    }

    #[test]
    fn what_is_not_utf8_is_replaced() {
        for (bytes, expected) in [
            (&b"\xff"[..], "\u{FFFD}"),
            (b"a\x9b31mb", "a\u{FFFD}31mb"),
            (b"\xe2\x80", "\u{FFFD}"),
            (b"\xed\xa0\x80", "\u{FFFD}\u{FFFD}\u{FFFD}"),
        ] {
            assert_eq!(made_safe(bytes), expected);
        }
    }

    #[test]
    fn piled_up_marks_are_bounded() {
        let pile = format!("a{}b{}c", "\u{301}".repeat(1000), "\u{200D}".repeat(1000));
        let expected = format!("a{}b{}c", "\u{301}".repeat(8), "\u{200D}".repeat(8));
        assert_eq!(made_safe(pile.as_bytes()), expected);
    }

    proptest! {
        #[test]
        fn nothing_harmful_passes_and_safe_text_stays(
            bytes in proptest::collection::vec(
                prop_oneof![any::<u8>(), Just(0xe2), Just(0x80), Just(0xc2), 0x80_u8..0xb0],
                0..80,
            ),
        ) {
            let text = made_safe(&bytes);
            prop_assert!(!text.chars().any(is_harmful));
            prop_assert!(text.len() <= GROWTH_MAX * bytes.len());
            prop_assert_eq!(made_safe(text.as_bytes()), text);
        }
    }
}
