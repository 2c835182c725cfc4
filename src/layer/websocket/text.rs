//! Whether text that comes in pieces is UTF-8.

/// How much of a character has come: which bytes may come next. One byte, since every WebSocket has
/// one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Utf8 {
    /// None of it.
    #[default]
    Whole,
    /// One more byte belongs to it.
    One,
    /// Two more.
    Two,
    /// Three more.
    Three,
    /// Two more, the first of which may not be so low that a shorter form would do (E0).
    TwoHigh,
    /// Two more, the first of which may not make a surrogate (ED).
    TwoLow,
    /// Three more, the first not so low that a shorter form would do (F0).
    ThreeHigh,
    /// Three more, the first not so high that it is beyond Unicode (F4).
    ThreeLow,
}

impl Utf8 {
    /// Goes on with `bytes`; returns whether that is UTF-8 so far.
    pub(super) fn go_on(&mut self, bytes: &[u8]) -> bool {
        let mut rest = bytes;
        while *self != Self::Whole
            && let [byte, behind @ ..] = rest
        {
            let Some(next) = self.after(*byte) else {
                return false;
            };
            *self = next;
            rest = behind;
        }
        let Err(error) = std::str::from_utf8(rest) else {
            return true;
        };
        if error.error_len().is_some() {
            return false;
        }
        // Its last character is not whole; what there is of it is right.
        for &byte in &rest[error.valid_up_to()..] {
            let Some(next) = self.after(byte) else {
                return false;
            };
            *self = next;
        }
        true
    }

    /// Returns whether the text may end here.
    pub(super) fn is_whole(self) -> bool {
        self == Self::Whole
    }

    /// Returns what may come behind `byte` (Unicode, table 3-7), if that may come.
    fn after(self, byte: u8) -> Option<Self> {
        Some(match (self, byte) {
            (Self::Whole, 0x00..=0x7F) | (Self::One, 0x80..=0xBF) => Self::Whole,
            (Self::Whole, 0xC2..=0xDF)
            | (Self::Two, 0x80..=0xBF)
            | (Self::TwoHigh, 0xA0..=0xBF)
            | (Self::TwoLow, 0x80..=0x9F) => Self::One,
            (Self::Whole, 0xE0) => Self::TwoHigh,
            (Self::Whole, 0xED) => Self::TwoLow,
            (Self::Whole, 0xE1..=0xEF)
            | (Self::Three, 0x80..=0xBF)
            | (Self::ThreeHigh, 0x90..=0xBF)
            | (Self::ThreeLow, 0x80..=0x8F) => Self::Two,
            (Self::Whole, 0xF0) => Self::ThreeHigh,
            (Self::Whole, 0xF4) => Self::ThreeLow,
            (Self::Whole, 0xF1..=0xF3) => Self::Three,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_utf8(pieces: &[&[u8]]) -> bool {
        let mut utf8 = Utf8::default();
        pieces.iter().all(|piece| utf8.go_on(piece)) && utf8.is_whole()
    }

    #[test]
    fn every_character_and_what_is_none_is_told_apart_byte_by_byte() {
        let mut buffer = [0; 4];
        for character in '\0'..=char::MAX {
            let mut utf8 = Utf8::default();
            let bytes = character.encode_utf8(&mut buffer).as_bytes();
            let came = bytes.iter().all(|&byte| utf8.go_on(&[byte]));
            assert!(came && utf8.is_whole(), "{character:?}");
        }
        // All of two and three bytes.
        for number in 0..=0x00FF_FFFF_u32 {
            let [_, bytes @ ..] = number.to_be_bytes();
            if bytes[0] < 0xC0 {
                continue;
            }
            let pieces: [&[u8]; 3] = [&bytes[..1], &bytes[1..2], &bytes[2..]];
            assert_eq!(
                is_utf8(&pieces),
                std::str::from_utf8(&bytes).is_ok(),
                "{bytes:x?}"
            );
        }
    }

    proptest! {
        #[test]
        fn wherever_it_is_cut_it_is_what_the_whole_is(
            bytes in proptest::collection::vec(
                prop_oneof![
                    any::<u8>(),
                    prop::sample::select(vec![0xE0, 0xED, 0xF0, 0xF4, 0x80, 0x8F, 0x90, 0x9F, 0xA0]),
                ],
                0..6,
            ),
            text in any::<String>(),
        ) {
            for bytes in [bytes, text.into_bytes()] {
                for at in 0..=bytes.len() {
                    let (first, second) = bytes.split_at(at);
                    let whole = std::str::from_utf8(&bytes).is_ok();
                    prop_assert_eq!(is_utf8(&[first, second]), whole, "{:x?} at {}", bytes, at);
                }
            }
        }
    }
}
