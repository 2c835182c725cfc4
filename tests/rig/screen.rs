//! What becomes of the bytes that a peer is sent.

use std::collections::HashSet;
use std::io::IoSlice;

use chatroom::wire::json::Message;

use super::frames::Reader;

/// What a peer does with what it is sent.
#[derive(Debug)]
pub(crate) enum Screen {
    /// Nothing.
    Dark,
    /// It keeps every byte.
    Keeps(Vec<u8>),
    /// It takes WebSocket's frames apart, and keeps what they say.
    Frames(Reader),
    /// It looks at each as it comes, and keeps nothing.
    Checks(Check),
}

impl Screen {
    /// Shows the first `most` bytes of `slices`.
    pub(crate) fn show(&mut self, slices: &[IoSlice<'_>], most: usize) {
        let mut left = most;
        for slice in slices {
            let (shown, _) = slice.split_at(left.min(slice.len()));
            left -= shown.len();
            match self {
                Self::Dark => return,
                Self::Frames(reader) => reader.show(shown),
                Self::Keeps(kept) => kept.extend_from_slice(shown),
                Self::Checks(check) => shown.iter().for_each(|&byte| check.show(byte)),
            }
        }
    }
}

/// Panics when something comes that should not: half a line, a byte that does harm, telnet's
/// refusals out of turn, in JSON anything else than messages in their order.
#[derive(Debug, Default)]
pub(crate) struct Check {
    line: Vec<u8>,
    /// The telnet refusals it has received, each at most once.
    refusals: HashSet<[u8; 3]>,
    telnet: Vec<u8>,
    /// The number of the last event that it was told of in JSON.
    seq: u64,
    /// By which it is known when it comes back.
    pub(crate) token: Option<String>,
}

impl Check {
    fn show(&mut self, byte: u8) {
        if byte == 255 || !self.telnet.is_empty() {
            self.telnet.push(byte);
            if let [_, verb, option] = *self.telnet {
                assert!(matches!(verb, 252 | 254), "telnet's {verb}");
                assert!(self.refusals.insert([255, verb, option]), "answered twice");
                self.telnet.clear();
            }
        } else if byte == b'\n' {
            let line = std::mem::take(&mut self.line);
            assert_safe(std::str::from_utf8(&line).expect("whole lines are UTF-8"));
            if line.starts_with(b"{") {
                self.show_message(&Message::parse(&line).expect("whole lines are messages"));
            }
        } else {
            self.line.push(byte);
            assert!(self.line.len() < 8192, "a line without end");
        }
    }

    fn show_message(&mut self, message: &Message<'_>) {
        if let Message::Welcome { token, .. } = message {
            assert!(self.token.is_none(), "welcome twice");
            self.token = Some(token.clone().into_owned());
        }
        if let Some(seq) = message.seq() {
            assert!(self.seq < seq, "{seq} after {}", self.seq);
            self.seq = seq;
        }
    }
}

/// Panics if `text` could do harm on a terminal.
pub(crate) fn assert_safe(text: &str) {
    let harmful = |c: char| {
        (c.is_control() && c != '\t')
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    assert!(!text.contains(harmful), "not safe to show: {text:?}");
}
