//! What one connection has sent and nobody has heard yet, and the buffers it is read with.
//!
//! In the order a byte meets them: [`telnet`](super::telnet), [`framing`](super::framing),
//! [`sanitize`]. Bytes stay where they were read to until they are a line; only what
//! has to wait is kept with the connection, as [`Input`].

use super::framing::{Piece, Unfinished};
use super::sanitize;
use super::telnet::{Answer, Telnet};

/// What is kept of one connection's input between reads. Nearly always nothing.
#[derive(Debug, Default)]
pub struct Input {
    telnet: Telnet,
    /// The line whose end has not come.
    unfinished: Unfinished,
    /// Bytes whose turn to be heard has not come; they were [filtered](Input::filter) already.
    held: Vec<u8>,
}

impl Input {
    /// Takes telnet's own talk out of what `reader` was just filled with. What is to be answered are
    /// the reader's [refusals](Reader::refusals); returns whether it asked "are you there".
    pub fn filter(&mut self, reader: &mut Reader) -> bool {
        let mut asked = false;
        let refusals = &mut reader.refusals;
        refusals.clear();
        let answer = |answer| match answer {
            Answer::Refuse(refusal) => refusals.extend_from_slice(&refusal),
            Answer::Here => asked = true,
        };
        reader.end = self.telnet.filter(&mut reader.bytes[..reader.end], answer);
        asked
    }

    /// Returns whether [`Self::filter`] has anything to do for what `reader` was filled with;
    /// `input` is there if something is kept.
    #[must_use]
    pub fn needs_filter(input: Option<&Self>, reader: &Reader) -> bool {
        Telnet::needed(input.map(|input| &input.telnet), reader.rest())
    }

    /// Returns how many bytes of an unfinished line are kept.
    #[must_use]
    pub fn unfinished_len(&self) -> usize {
        self.unfinished.len()
    }

    /// Returns how many bytes are held back.
    #[must_use]
    pub fn held_len(&self) -> usize {
        self.held.len()
    }

    /// Forgets what nobody is to hear any more.
    pub fn clear(&mut self) {
        self.unfinished.clear();
        self.held.clear();
    }

    /// Returns whether nothing has to be kept.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.unfinished.is_empty() && self.held.is_empty() && self.telnet.is_idle()
    }

    /// Gives a buffer back that is empty and larger than `bytes_max`.
    pub fn shrink(&mut self, bytes_max: usize) {
        if self.held.is_empty() && self.held.capacity() > bytes_max {
            self.held = Vec::new();
        }
    }

    /// Returns how many bytes of memory are held.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.unfinished.capacity() + self.held.capacity()
    }
}

/// A line that somebody has typed.
#[derive(Debug, PartialEq, Eq)]
pub enum Typed<'a> {
    /// It is longer than allowed, and dropped.
    TooLong,
    /// It fits.
    Line {
        /// As it came, without its line end.
        bytes: &'a [u8],
        /// As it may be shown.
        text: &'a str,
    },
}

/// The buffers that one connection after the other is read with.
///
/// The calls of one read, in order: [`space`](Self::space) and [`filled`](Self::filled) (or
/// [`take_held`](Self::take_held) for what was read before), [`Input::filter`] where it is needed,
/// [`begin`](Self::begin), [`next_line`](Self::next_line) until there is none or the connection has
/// to wait, [`end`](Self::end).
#[derive(Debug, Default)]
pub struct Reader {
    bytes: Vec<u8>,
    at: usize,
    end: usize,
    unfinished: Unfinished,
    refusals: Vec<u8>,
    text: String,
}

impl Reader {
    /// Returns buffers to read so many bytes at once.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self {
            bytes: vec![0; bytes],
            ..Self::default()
        }
    }

    /// Returns where to read to, at most `most` bytes.
    pub fn space(&mut self, most: usize) -> &mut [u8] {
        let most = most.min(self.bytes.len());
        &mut self.bytes[..most]
    }

    /// Takes note that so many bytes were read.
    pub fn filled(&mut self, bytes: usize) {
        self.at = 0;
        self.end = bytes;
    }

    /// Takes what was held back, and returns how many bytes that is.
    pub fn take_held(&mut self, input: &mut Input) -> usize {
        let held = input.held.len();
        self.bytes[..held].copy_from_slice(&input.held);
        input.held = Vec::new();
        self.filled(held);
        held
    }

    /// Returns what is to be answered to telnet's own talk, since it was last filtered.
    #[must_use]
    pub fn refusals(&self) -> &[u8] {
        &self.refusals
    }

    /// Returns what was read and not looked at yet.
    #[must_use]
    pub fn rest(&self) -> &[u8] {
        &self.bytes[self.at..self.end]
    }

    /// Returns whether something will be kept of what was read, unless a connection leaves.
    #[must_use]
    pub fn ends_within_a_line(&self) -> bool {
        self.rest().last().is_some_and(|&byte| byte != b'\n')
    }

    /// Goes on with the line whose end has not come.
    pub fn begin(&mut self, input: Option<&mut Input>) {
        self.unfinished = input
            .map(|input| std::mem::take(&mut input.unfinished))
            .unwrap_or_default();
    }

    /// Returns the next line; `max` is the longest allowed, in bytes without its line end.
    pub fn next_line(&mut self, max: usize) -> Option<Typed<'_>> {
        let mut rest = &self.bytes[self.at..self.end];
        let piece = self.unfinished.next(&mut rest, max);
        self.at = self.end - rest.len();
        piece.map(|piece| typed(piece, &mut self.text))
    }

    /// Returns the last line of a stream that has ended in order, if it had no line end.
    pub fn last_line(&mut self, max: usize) -> Option<Typed<'_>> {
        let piece = self.unfinished.last(max)?;
        Some(typed(piece, &mut self.text))
    }

    /// Returns whether something has to be kept with the connection.
    #[must_use]
    pub fn has_rest(&self) -> bool {
        !self.rest().is_empty() || !self.unfinished.is_empty()
    }

    fn has_unfinished(&self) -> bool {
        self.unfinished.capacity() > 0 || !self.unfinished.is_empty()
    }

    /// Keeps what has not been heard, and returns how many bytes of it are held back.
    pub fn end(&mut self, input: &mut Input) -> usize {
        let rest = &self.bytes[self.at..self.end];
        input.held.extend_from_slice(rest);
        // A box that was lent meanwhile keeps the memory that it has for a line, if none is needed.
        if self.has_unfinished() {
            input.unfinished = std::mem::take(&mut self.unfinished);
        }
        rest.len()
    }
}

fn typed<'a>(piece: Piece<'a>, text: &'a mut String) -> Typed<'a> {
    match piece {
        Piece::TooLong => Typed::TooLong,
        Piece::Line(bytes) => Typed::Line {
            bytes,
            text: sanitize::safe(bytes, text),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `chunks` and hears `lines_max` lines of each.
    fn heard(chunks: &[&[u8]], lines_max: usize) -> (Vec<String>, Input) {
        let mut reader = Reader::new(64);
        let mut input = Input::default();
        let mut heard = Vec::new();
        let mut hear = |reader: &mut Reader, input: &mut Input| {
            reader.begin(Some(input));
            for _ in 0..lines_max {
                match reader.next_line(16) {
                    Some(Typed::Line { text, .. }) => heard.push(text.to_owned()),
                    Some(Typed::TooLong) => heard.push("TOO LONG".to_owned()),
                    None => break,
                }
            }
            reader.end(input)
        };
        for chunk in chunks {
            reader.take_held(&mut input);
            if hear(&mut reader, &mut input) == 0 {
                reader.space(64)[..chunk.len()].copy_from_slice(chunk);
                reader.filled(chunk.len());
                assert!(!input.filter(&mut reader));
                hear(&mut reader, &mut input);
            }
        }
        (heard, input)
    }

    #[test]
    fn what_is_held_is_heard_before_what_comes_later() {
        let (lines, input) = heard(&[b"one\ntwo\nth", b"", b""], 1);
        assert_eq!(lines, ["one", "two"]);
        assert_eq!((input.held_len(), input.unfinished_len()), (0, 2));
        let (lines, input) = heard(&[b"one\ntwo\nth", b"ree\r\n"], 9);
        assert_eq!(lines, ["one", "two", "three"]);
        assert!(input.is_idle());
    }

    #[test]
    fn lines_are_heard_without_telnet_and_made_safe() {
        let (lines, _) = heard(&[b"a\xff\xf1b\x1b[2J\n", b"much too long for 16\n"], 9);
        assert_eq!(lines, ["ab\u{FFFD}[2J", "TOO LONG"]);
    }
}
