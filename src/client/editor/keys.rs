//! From the bytes a terminal sends to keys, named by what they do.

use std::mem;

use crate::line::sanitize;

/// What a key asks the editor to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    /// Typed text; safe to show and without a line end.
    Text(String),
    /// Pasted text; safe to show, its lines apart by `\n`. Cut when it was longer than
    /// [`PASTE_MAX_BYTES`].
    Paste {
        text: String,
        cut: bool,
    },
    Enter,
    Complete,
    Backspace,
    Delete,
    Left,
    Right,
    WordLeft,
    WordRight,
    Home,
    End,
    Up,
    Down,
    KillToEnd,
    KillToStart,
    /// Ctrl-W: back to the last space.
    KillBack,
    KillWordBack,
    KillWord,
    Yank,
    Transpose,
    Repaint,
    Search,
    Cancel,
    Interrupt,
    EndOfInput,
    Suspend,
}

/// The most of one paste that is taken, in bytes.
pub(super) const PASTE_MAX_BYTES: usize = 64 * 1024;

/// The longest escape sequence waited for, in bytes; what is longer is no key.
const SEQUENCE_MAX_BYTES: usize = 32;

const ESCAPE: u8 = 0x1b;
const PASTE_END: &[u8] = b"\x1b[201~";

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

#[derive(Debug, Default)]
struct Paste {
    bytes: Vec<u8>,
    cut: bool,
}

/// What stands at the start of some bytes.
enum Start {
    Key(Key, usize),
    /// The mark before pasted text.
    Paste(usize),
    /// Nothing anybody bound.
    Nothing(usize),
    /// The start of something; more bytes will tell.
    Unfinished,
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

impl Paste {
    /// Takes what belongs to the paste; returns how much, and whether it ended.
    fn take(&mut self, bytes: &[u8]) -> (usize, bool) {
        let end = memchr::memmem::find(bytes, PASTE_END);
        // Without an end, its first bytes may be the last ones here.
        let kept = (0..PASTE_END.len())
            .rev()
            .find(|&length| bytes.ends_with(&PASTE_END[..length]))
            .unwrap_or(0);
        let text = end.unwrap_or(bytes.len() - kept);
        let room = PASTE_MAX_BYTES - self.bytes.len();
        self.cut |= text > room;
        self.bytes.extend_from_slice(&bytes[..text.min(room)]);
        match end {
            Some(end) => (end + PASTE_END.len(), true),
            None => (text, false),
        }
    }

    fn into_key(self) -> Key {
        let text = String::from_utf8_lossy(&self.bytes);
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let lines: Vec<_> = text.split('\n').map(safe).collect();
        Key::Paste {
            text: lines.join("\n"),
            cut: self.cut,
        }
    }
}

/// Returns `line` without what may not be shown.
fn safe(line: &str) -> String {
    sanitize::safe(line.as_bytes(), &mut String::new()).replace(char::REPLACEMENT_CHARACTER, "")
}

fn start(bytes: &[u8]) -> Start {
    match bytes[0] {
        ESCAPE => escape(bytes),
        control @ (0..0x20 | 0x7f) => {
            control_key(control).map_or(Start::Nothing(1), |key| Start::Key(key, 1))
        }
        _ => character(bytes),
    }
}

fn control_key(byte: u8) -> Option<Key> {
    Some(match byte {
        0x01 => Key::Home,
        0x02 => Key::Left,
        0x03 => Key::Interrupt,
        0x04 => Key::EndOfInput,
        0x05 => Key::End,
        0x06 => Key::Right,
        0x07 => Key::Cancel,
        0x08 | 0x7f => Key::Backspace,
        0x09 => Key::Complete,
        0x0a | 0x0d => Key::Enter,
        0x0b => Key::KillToEnd,
        0x0c => Key::Repaint,
        0x0e => Key::Down,
        0x10 => Key::Up,
        0x12 => Key::Search,
        0x14 => Key::Transpose,
        0x15 => Key::KillToStart,
        0x17 => Key::KillBack,
        0x19 => Key::Yank,
        0x1a => Key::Suspend,
        _ => return None,
    })
}

fn character(bytes: &[u8]) -> Start {
    let length = match bytes[0] {
        0..0x80 => 1,
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Start::Nothing(1),
    };
    let Some(encoded) = bytes.get(..length) else {
        // Unfinished only if what is here could still become a character.
        let hopeless = std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_some());
        return if hopeless {
            Start::Nothing(1)
        } else {
            Start::Unfinished
        };
    };
    match std::str::from_utf8(encoded).map(safe) {
        Ok(text) if text.is_empty() => Start::Nothing(length),
        Ok(text) => Start::Key(Key::Text(text), length),
        Err(_) => Start::Nothing(1),
    }
}

fn escape(bytes: &[u8]) -> Start {
    let Some(&second) = bytes.get(1) else {
        return Start::Unfinished;
    };
    match second {
        b'[' => control_sequence(bytes),
        b'O' => match bytes.get(2) {
            None => Start::Unfinished,
            // Enter on the keypad; an arrow with Ctrl as rxvt sends it.
            Some(b'M') => Start::Key(Key::Enter, 3),
            Some(b'c') => Start::Key(Key::WordRight, 3),
            Some(b'd') => Start::Key(Key::WordLeft, 3),
            Some(&last) => named(last, false).map_or(Start::Nothing(3), |key| Start::Key(key, 3)),
        },
        b'b' | b'B' => Start::Key(Key::WordLeft, 2),
        b'f' | b'F' => Start::Key(Key::WordRight, 2),
        b'd' | b'D' => Start::Key(Key::KillWord, 2),
        0x08 | 0x7f => Start::Key(Key::KillWordBack, 2),
        // Someone pressed Escape and then typed on.
        _ => Start::Nothing(1),
    }
}

/// Reads `ESC [ parameters intermediates final`, as ECMA-48 has it.
fn control_sequence(bytes: &[u8]) -> Start {
    if bytes.get(2) == Some(&b'[') {
        // The function keys of the Linux console: one letter follows.
        return if bytes.len() < 4 {
            Start::Unfinished
        } else {
            Start::Nothing(4)
        };
    }
    let body = &bytes[2..];
    let within = &body[..body.len().min(SEQUENCE_MAX_BYTES)];
    let Some(length) = within.iter().position(|byte| !(0x20..0x40).contains(byte)) else {
        return if within.len() < SEQUENCE_MAX_BYTES {
            Start::Unfinished
        } else {
            Start::Nothing(2 + SEQUENCE_MAX_BYTES)
        };
    };
    let (last, end) = (body[length], 2 + length + 1);
    if !(0x40..0x7f).contains(&last) {
        // No sequence after all: the byte that broke it off stands for itself.
        return Start::Nothing(end - 1);
    }
    let parameters = std::str::from_utf8(&body[..length]).unwrap_or_default();
    let (first, second) = parameters.split_once(';').unwrap_or((parameters, ""));
    let with_modifier = matches!(second, "3" | "5" | "7");
    let key = match (last, first) {
        (b'~', "200") => return Start::Paste(end),
        (b'~', "1" | "7") => Some(Key::Home),
        (b'~', "4" | "8") => Some(Key::End),
        (b'~', "3") if with_modifier => Some(Key::KillWord),
        (b'~', "3") => Some(Key::Delete),
        _ => named(last, with_modifier),
    };
    key.map_or(Start::Nothing(end), |key| Start::Key(key, end))
}

/// Returns the key of a sequence's last letter.
fn named(last: u8, with_modifier: bool) -> Option<Key> {
    Some(match last {
        b'A' => Key::Up,
        b'B' => Key::Down,
        b'C' if with_modifier => Key::WordRight,
        b'D' if with_modifier => Key::WordLeft,
        b'C' => Key::Right,
        b'D' => Key::Left,
        b'H' => Key::Home,
        b'F' => Key::End,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
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
        assert_eq!(
            keys(&[b"\x1b", b"x"]),
            [text("x")],
            "Escape, then typing on"
        );
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
