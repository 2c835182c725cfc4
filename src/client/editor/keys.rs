//! From the bytes a terminal sends to keys, named by what they do.

use std::mem;

use super::key::Key;
use super::paste::Paste;
use super::sequence::{Start, start};

/// Reads keys from bytes that may be cut anywhere.
///
/// A lone Escape waits for what follows, as in every shell: Escape and a letter are that letter
/// with Alt. So no clock is needed to tell the two apart.
#[derive(Debug, Default)]
pub(super) struct Keys {
    pending: Vec<u8>,
    /// What was pasted so far, between the marks of bracketed paste.
    paste: Option<Paste>,
}

impl Keys {
    /// Takes `bytes` and calls `press` with each key they complete.
    pub(super) fn feed(&mut self, bytes: &[u8], mut press: impl FnMut(Key)) {
        self.pending.extend_from_slice(bytes);
        let pending = mem::take(&mut self.pending);
        let mut rest = &pending[..];
        while !rest.is_empty() {
            if let Some(paste) = &mut self.paste {
                let (taken, ended) = paste.take(rest);
                rest = &rest[taken..];
                if !ended {
                    break;
                }
                if let Some(paste) = self.paste.take() {
                    press(paste.into_key());
                }
                continue;
            }
            let length = match start(rest) {
                Start::Key(key, length) => {
                    press(key);
                    length
                }
                Start::Paste(length) => {
                    self.paste = Some(Paste::default());
                    length
                }
                Start::Nothing(length) => length,
                Start::Unfinished => break,
            };
            rest = &rest[length..];
        }
        self.pending.extend_from_slice(rest);
    }
}

#[cfg(test)]
mod tests {
    use super::super::paste::PASTE_MAX_BYTES;
    use super::*;
    use proptest::prelude::*;

    fn keys(chunks: &[&[u8]]) -> Vec<Key> {
        let (mut keys, mut pressed) = (Keys::default(), Vec::new());
        for chunk in chunks {
            keys.feed(chunk, |key| pressed.push(key));
        }
        pressed
    }

    fn text(text: &str) -> Key {
        Key::Text(text.to_owned())
    }

    fn paste(text: &str) -> Key {
        Key::Paste {
            text: text.to_owned(),
            cut: false,
        }
    }

    #[test]
    fn sequences_of_all_terminals_name_the_same_keys() {
        for (bytes, key) in [
            (&b"\x1b[A"[..], Key::Up),
            (b"\x1bOB", Key::Down),
            (b"\x1b[1;5C", Key::WordRight),
            (b"\x1b[1;3D", Key::WordLeft),
            (b"\x1bOd", Key::WordLeft),
            (b"\x1b[1;2C", Key::Right),
            (b"\x1b[H", Key::Home),
            (b"\x1b[7~", Key::Home),
            (b"\x1b[4~", Key::End),
            (b"\x1bOF", Key::End),
            (b"\x1b[3~", Key::Delete),
            (b"\x1b[3;5~", Key::KillWord),
            (b"\x1bb", Key::WordLeft),
            (b"\x1b\x7f", Key::KillWordBack),
            (b"\x1bU", Key::Upper),
            (b"\x1b.", Key::LastWord),
            (b"\x1b\r", Key::NewRow),
            (b"\x1f", Key::Undo),
            (b"\x0d", Key::Enter),
            (b"\x7f", Key::Backspace),
            ("李".as_bytes(), text("李")),
            ("\u{200c}".as_bytes(), text("\u{200c}")),
        ] {
            let expected = [key, text("x")];
            assert_eq!(keys(&[bytes, b"x"]), expected, "{bytes:?}");
            for at in 1..bytes.len() {
                let (head, tail) = bytes.split_at(at);
                assert_eq!(keys(&[head, tail, b"x"]), expected, "{bytes:?} cut at {at}");
            }
        }
    }

    #[test]
    fn what_nobody_bound_is_ignored() {
        for bytes in [
            &b"\x00"[..],
            b"\x1b[5~",
            b"\x1b[?1;2c",
            b"\x1b[[A",
            b"\x1bOP",
            b"\x1b[Z",
            b"\xff",
            b"\xc3",
            b"\xe2\x80",
            b"\xf4\x90\x80\x80",
            "\u{9b}".as_bytes(),
            "\u{202e}".as_bytes(),
            b"\x1b[200",
            b"\x1b",
        ] {
            let mut keys = Keys::default();
            keys.feed(bytes, |key| panic!("{bytes:?} is {key:?}"));
        }
        assert_eq!(keys(&[b"\xe2\x80", b"x"]), [text("x")]);
        assert_eq!(keys(&[b"\x1b", b"\x03"]), [Key::Interrupt]);
        for unbound in ["\x1bx", "\x1b1", "\x1b李", "\x1b\u{9b}"] {
            assert_eq!(
                keys(&[unbound.as_bytes(), b"y"]),
                [text("y")],
                "{unbound:?}"
            );
        }
        assert_eq!(keys(&[b"\x1b[1\x03"]), [Key::Interrupt]);
        let endless = ["\x1b[", &"1;".repeat(16), "x"].concat();
        assert_eq!(keys(&[endless.as_bytes()]), [text("x")]);
    }

    #[test]
    fn a_paste_is_one_key_wherever_it_is_cut() {
        let bytes = "\x1b[200~one\r\ntwo\rthree\x1b[A\u{202e}\x1b[201\x1b[201~x".as_bytes();
        let expected = [paste("one\ntwo\nthree[A[201"), text("x")];
        assert_eq!(keys(&[bytes]), expected);
        for at in 0..=bytes.len() {
            let (head, tail) = bytes.split_at(at);
            assert_eq!(keys(&[head, tail]), expected, "cut at {at}");
        }
    }

    #[test]
    fn an_endless_paste_is_cut() {
        let chunk = vec![b'x'; 4096];
        let (mut keys, mut pressed) = (Keys::default(), Vec::new());
        keys.feed(b"\x1b[200~", |key| pressed.push(key));
        for _ in 0..100 {
            keys.feed(&chunk, |key| pressed.push(key));
        }
        keys.feed(b"\x1b[201~", |key| pressed.push(key));
        let text = "x".repeat(PASTE_MAX_BYTES);
        assert_eq!(pressed, [Key::Paste { text, cut: true }]);
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces_give_the_same_keys(
            bytes in proptest::collection::vec(
                prop_oneof![
                    any::<u8>(),
                    prop::sample::select(&b"\x1b\x1b[[O;~0123459ABCDabM"[..]),
                ],
                0..60,
            ),
            cuts in proptest::collection::vec(0_usize..60, 0..6),
        ) {
            let whole = keys(&[&bytes]);
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<_> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
            prop_assert_eq!(keys(&pieces), whole);
        }
    }
}
