//! What the bytes of a terminal stand for, one key or mark at a time.

use super::key::Key;
use super::paste::safe;

/// The longest escape sequence waited for, in bytes; what is longer is no key.
const SEQUENCE_MAX_BYTES: usize = 32;

const ESCAPE: u8 = 0x1b;

/// What stands at the start of some bytes.
pub(super) enum Start {
    Key(Key, usize),
    /// The mark before pasted text.
    Paste(usize),
    /// Nothing anybody bound.
    Nothing(usize),
    /// The start of something; more bytes will tell.
    Unfinished,
}

/// Returns what `bytes`, at least one, start with.
pub(super) fn start(bytes: &[u8]) -> Start {
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
        // Ctrl-_ and, on most terminals, Ctrl-/.
        0x1f => Key::Undo,
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
        _ => match with_alt(second) {
            Some(key) => Start::Key(key, 2),
            // Someone pressed Escape, and then a key that stands for itself.
            None if second < 0x20 => Start::Nothing(1),
            None => match character(&bytes[1..]) {
                Start::Unfinished => Start::Unfinished,
                Start::Key(_, length) | Start::Paste(length) | Start::Nothing(length) => {
                    Start::Nothing(1 + length)
                }
            },
        },
    }
}

/// Returns the key that is bound to `byte` with Alt.
fn with_alt(byte: u8) -> Option<Key> {
    Some(match byte.to_ascii_lowercase() {
        b'b' => Key::WordLeft,
        b'c' => Key::Capital,
        b'd' => Key::KillWord,
        b'f' => Key::WordRight,
        b'l' => Key::Lower,
        b't' => Key::TransposeWords,
        b'u' => Key::Upper,
        b'y' => Key::YankBefore,
        b'.' | b'_' => Key::LastWord,
        0x08 | 0x7f => Key::KillWordBack,
        0x0a | 0x0d => Key::NewRow,
        _ => return None,
    })
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
        (b'I', "") => Some(Key::Focus(true)),
        (b'O', "") => Some(Key::Focus(false)),
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
