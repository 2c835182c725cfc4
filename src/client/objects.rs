//! Events of a server that speaks in JSON objects, one a line, out of its bytes.

use std::mem;

use super::event::Event;
use crate::line::sanitize;
use crate::room::notice::CLOSING;
use crate::wire::json::{self, Coming, Message, Talk};

/// The longest line that is read, whatever the server says of itself, in bytes.
const LINE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What an object may have beside its text: a list of names, in bytes.
const MEMBERS_BYTES: usize = 64 * 1024;

/// Cuts bytes into lines; holds at most one unfinished line.
#[derive(Debug, Default)]
pub(super) struct Objects {
    tail: Vec<u8>,
    max: usize,
    /// The line is too long: its rest is dropped.
    skipping: bool,
}

/// A line that came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// This one, without its line end.
    Line(Vec<u8>),
    /// One that is too long to be kept.
    TooLong,
}

impl Objects {
    /// Returns a reader for a server whose lines have at most `line_bytes`.
    pub(super) fn new(line_bytes: usize) -> Self {
        let max = json::line_bytes_max(line_bytes.min(LINE_BYTES_MAX)) + MEMBERS_BYTES;
        Self {
            max: max.min(LINE_BYTES_MAX),
            ..Self::default()
        }
    }

    /// Takes the first bytes off `input`, up to a line end, and returns the line they complete;
    /// `None` once `input` is used up.
    pub(super) fn take(&mut self, input: &mut &[u8]) -> Option<Cut> {
        let end = memchr::memchr(b'\n', input);
        let taken = &input[..end.unwrap_or(input.len())];
        *input = &input[end.map_or(input.len(), |end| end + 1)..];
        self.skipping |= self.tail.len() + taken.len() > self.max;
        if self.skipping {
            self.tail = Vec::new();
        } else {
            self.tail.extend_from_slice(taken);
        }
        end?;
        if mem::take(&mut self.skipping) {
            return Some(Cut::TooLong);
        }
        Some(Cut::Line(mem::take(&mut self.tail)))
    }
}

/// An event that everybody is told, and its place in the room's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) seq: u64,
    pub(super) time_ms: u64,
}

/// Returns what people see of a message that everybody is told, safe to show, and where it stands.
pub(super) fn public(message: &Message<'_>) -> Option<(Event, Stamp)> {
    let of_talk = |talk: &Talk<'_>| Stamp {
        seq: talk.seq,
        time_ms: talk.time,
    };
    let of_coming = |coming: &Coming<'_>| Stamp {
        seq: coming.seq,
        time_ms: coming.time,
    };
    Some(match message {
        Message::Said(talk) => {
            let (name, text) = (safe(&talk.name), safe(&talk.text));
            (Event::Said { name, text }, of_talk(talk))
        }
        Message::Me(talk) => {
            let (name, text) = (safe(&talk.name), safe(&talk.text));
            (Event::Did { name, text }, of_talk(talk))
        }
        Message::Joined(coming) => (Event::Joined(safe(&coming.name)), of_coming(coming)),
        Message::Left(coming) => (Event::Left(safe(&coming.name)), of_coming(coming)),
        Message::Renamed {
            seq,
            time,
            name,
            to,
        } => {
            let (from, to) = (safe(name), safe(to));
            let (seq, time_ms) = (*seq, *time);
            (Event::Renamed { from, to }, Stamp { seq, time_ms })
        }
        Message::Act(deed) => {
            let (seq, time_ms) = (deed.seq, deed.time);
            (Event::Notice(safe(&deed.text)), Stamp { seq, time_ms })
        }
        Message::Closing { seq, time } => {
            let (seq, time_ms) = (*seq, *time);
            (Event::Notice(CLOSING.to_owned()), Stamp { seq, time_ms })
        }
        _ => return None,
    })
}

/// Returns `text` without anything that could move a cursor.
pub(super) fn safe(text: &str) -> String {
    sanitize::safe(text.as_bytes(), &mut String::new()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_cut_gives_the_same_lines() {
        let bytes = b"{\"event\":\"a\"}\n\n{}\r\nhalf";
        for at in 0..=bytes.len() {
            let mut objects = Objects::new(10);
            let mut lines = Vec::new();
            for mut input in [&bytes[..at], &bytes[at..]] {
                while let Some(Cut::Line(line)) = objects.take(&mut input) {
                    lines.push(line);
                }
                assert!(input.is_empty());
            }
            assert_eq!(
                lines,
                [&b"{\"event\":\"a\"}"[..], b"", b"{}\r"],
                "cut at {at}"
            );
        }
    }

    #[test]
    fn a_line_without_end_costs_no_more_than_its_limit() {
        let mut objects = Objects::new(usize::MAX);
        let chunk = vec![b'x'; 1024 * 1024];
        for _ in 0..20 {
            assert_eq!(objects.take(&mut &chunk[..]), None);
            assert!(objects.tail.capacity() <= 2 * LINE_BYTES_MAX);
        }
        let mut input = &b"x\nnext\n"[..];
        assert_eq!(objects.take(&mut input), Some(Cut::TooLong));
        assert_eq!(objects.take(&mut input), Some(Cut::Line(b"next".to_vec())));
    }

    #[test]
    fn what_is_shown_is_safe() {
        let line = r#"{"event":"said","seq":7,"time":8,"name":"a\nb","text":"\u001b[2J\u202e"}"#;
        let message = Message::parse(line.as_bytes()).unwrap();
        let (name, text) = ("a\u{fffd}b".to_owned(), "\u{fffd}[2J\u{fffd}".to_owned());
        let stamp = Stamp { seq: 7, time_ms: 8 };
        assert_eq!(public(&message), Some((Event::Said { name, text }, stamp)));
    }
}
