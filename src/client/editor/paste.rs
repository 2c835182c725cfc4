//! What is pasted, between the marks of bracketed paste.

use super::key::Key;
use crate::line::sanitize;

/// The most of one paste that is taken, in bytes.
pub(super) const PASTE_MAX_BYTES: usize = 64 * 1024;

/// The mark after pasted text.
const PASTE_END: &[u8] = b"\x1b[201~";

/// The text pasted so far.
#[derive(Debug, Default)]
pub(super) struct Paste {
    bytes: Vec<u8>,
    cut: bool,
}

impl Paste {
    /// Takes what belongs to the paste; returns how much, and whether it ended.
    pub(super) fn take(&mut self, bytes: &[u8]) -> (usize, bool) {
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

    /// Returns the text as one key.
    pub(super) fn into_key(self) -> Key {
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
pub(super) fn safe(line: &str) -> String {
    sanitize::safe(line.as_bytes(), &mut String::new()).replace(char::REPLACEMENT_CHARACTER, "")
}

/// Returns a line that says `line`, whatever it starts with: a slash says the one after it.
pub(super) fn as_text(line: &str) -> String {
    let blanks = line.len() - line.trim_start().len();
    let (blanks, rest) = line.split_at(blanks);
    let slash = if rest.starts_with('/') { "/" } else { "" };
    [blanks, slash, rest].concat()
}
