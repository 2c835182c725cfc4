//! Makes text safe to show on anybody's terminal.
//!
//! What could move a cursor, change colours, reorder what others said or pretend to be a line end
//! becomes U+FFFD: C0 controls but TAB, DEL, C1 controls (ECMA-48 starts every escape sequence with
//! one of these), the separators U+2028 and U+2029, the bidi embeddings, overrides and isolates of
//! UAX #9, and whatever isn't UTF-8. ZWNJ and ZWJ stay: Persian and emoji need them. What takes no
//! place of its own may pile up only so far.

use unicode_normalization::char::is_combining_mark;

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
        '\u{61C}'
        | '\u{180E}'
        | '\u{FEFF}'
        | '\u{200B}'..='\u{200F}'
        | '\u{2060}'..='\u{2064}'
        | '\u{E0000}'..='\u{E0FFF}' => true,
        _ => is_combining_mark(character),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn made_safe(bytes: &[u8]) -> String {
        safe(bytes, &mut String::new()).to_owned()
    }

    #[test]
    fn what_people_write_passes_unchanged() {
        for text in [
            "hello\tthere ~",
            "می\u{200C}خواهم به خانه بروم",
            "李雷和韩梅梅",
            "Zoë, naïve façade",
            "👩\u{200D}👩\u{200D}👧 🏴\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F}",
            "שָׁלוֹם",
            "",
        ] {
            assert_eq!(made_safe(text.as_bytes()), text);
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
