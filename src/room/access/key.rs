//! Secrets that people hold: long random keys that the server makes, so that nothing about them has
//! to be slow.
//!
//! A key is 128 bits and kept as its SHA-256 only. Neither it nor the hash is ever shown by
//! `Debug`, and neither has a `Display`: a key is told to whom it is for by [`Key::reveal`] alone.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// How many bytes a key has.
pub const KEY_BYTES: usize = 16;

/// Digits of a key that stand together.
const GROUP: usize = 4;

/// A secret that shows a name to be somebody's own.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Key([u8; KEY_BYTES]);

/// What is kept of a key or a password: its SHA-256.
#[derive(Clone, Copy)]
pub struct KeyHash([u8; 32]);

impl Key {
    /// Returns the key of these bytes, which must come from the system's source of secrets.
    #[must_use]
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// Returns the key that `text` is: 32 hexadecimal digits in either case, hyphens wherever they
    /// stand.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; KEY_BYTES];
        let mut count = 0;
        for digit in text.chars().filter(|&digit| digit != '-') {
            let value = digit.to_digit(16)? as u8;
            let byte = bytes.get_mut(count / 2)?;
            *byte = *byte << 4 | value;
            count += 1;
        }
        (count == 2 * KEY_BYTES).then_some(Self(bytes))
    }

    /// Returns the key as its owner is told it: lower-case letters and digits in groups of four.
    #[must_use]
    pub fn reveal(self) -> String {
        let digits = hex(&self.0);
        let mut text = String::with_capacity(digits.len() + digits.len() / GROUP);
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && index % GROUP == 0 {
                text.push('-');
            }
            text.push(digit);
        }
        text
    }

    /// Returns what is kept of it.
    #[must_use]
    pub fn hash(self) -> KeyHash {
        KeyHash::of(&self.0)
    }
}

impl KeyHash {
    /// Returns what is kept of a secret.
    #[must_use]
    pub fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// Returns the hash that `text` writes, as [`KeyHash::to_hex`] does.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if text.len() != 2 * bytes.len() || !text.is_ascii() {
            return None;
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// Returns the hash as the state file has it: 64 hexadecimal digits.
    #[must_use]
    pub fn to_hex(self) -> String {
        hex(&self.0)
    }
}

/// Takes as long whether or not they are the same.
impl PartialEq for KeyHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for KeyHash {}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(..)")
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: [u8; KEY_BYTES] = [
        0x0F, 0x3A, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0xAB, 0xCD, 0xEF, 0xFF,
    ];
    const TEXT: &str = "0f3a-0001-0203-0405-0607-0809-abcd-efff";

    #[test]
    fn a_key_is_told_in_groups_and_read_however_it_is_typed() {
        let key = Key::from_bytes(BYTES);
        assert_eq!(key.reveal(), TEXT);
        for text in [TEXT, &TEXT.to_uppercase(), &TEXT.replace('-', "")] {
            assert_eq!(Key::parse(text), Some(key), "{text}");
        }
        for text in [
            "",
            "-",
            &TEXT[1..],
            &format!("{TEXT}0"),
            &TEXT.replace('f', "g"),
            "hello",
        ] {
            assert_eq!(Key::parse(text), None, "{text}");
        }
    }

    #[test]
    fn no_secret_is_shown() {
        let key = Key::from_bytes(BYTES);
        let shown = format!("{key:?} {:?}", key.hash());
        assert_eq!(shown, "Key(..) KeyHash(..)");
    }

    #[test]
    fn a_hash_is_written_and_read_back() {
        let hash = Key::from_bytes(BYTES).hash();
        assert!(KeyHash::parse(&hash.to_hex()) == Some(hash));
        assert!(hash != KeyHash::of(b"another"));
        assert_eq!(
            KeyHash::of(b"abc").to_hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        for text in ["", "ba78", &"g".repeat(64), &"ü".repeat(32)] {
            assert!(KeyHash::parse(text).is_none(), "{text}");
        }
    }
}
