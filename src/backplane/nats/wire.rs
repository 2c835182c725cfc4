//! The words of NATS' client protocol: read from bytes, however they are cut, and written.
//!
//! See <https://docs.nats.io/reference/reference-protocols/nats-protocol>. What another writer of a
//! stream has put into a message (odd headers, any length) never breaks the connection: it would be
//! delivered again after each reconnect.

use std::ops::Range;

use memchr::{memchr, memmem};

/// Most bytes of a line of the protocol. Servers let each other write subjects of 64 KiB.
pub const LINE_BYTES_MAX: usize = 128 * 1024;

/// Most bytes of a message, its headers among them; a longer one is passed over.
pub const MESSAGE_BYTES_MAX: usize = 1024 * 1024;

/// What every line ends in.
const END: &[u8] = b"\r\n";

/// What the server says; the ranges are of [`Decoder::bytes`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// How the server is, in JSON.
    Info(Range<usize>),
    /// A message.
    Message(Message),
    /// It asks whether we live.
    Ping,
    /// It answers that it lives.
    Pong,
    /// It is content.
    Fine,
    /// What is wrong, in words.
    Error(Range<usize>),
}

/// A message as it comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Which subscription it is for.
    pub sid: u64,
    /// Its subject.
    pub subject: Range<usize>,
    /// Where an answer shall go.
    pub reply: Option<Range<usize>>,
    /// What is said instead of a payload, such as 503 (no responders); see ADR-4 of NATS.
    pub status: Option<u16>,
    /// The headers' lines, behind the first.
    pub headers: Range<usize>,
    /// What it says.
    pub payload: Range<usize>,
    /// It is longer than [`MESSAGE_BYTES_MAX`] and comes without headers and payload.
    pub too_long: bool,
}

/// What is no word of the protocol; the connection is of no use any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoWord;

/// Cuts what comes into words.
#[derive(Debug, Default)]
pub struct Decoder {
    bytes: Vec<u8>,
    /// What is before has been read.
    start: usize,
    /// No line ends between `start` and there.
    searched: usize,
    /// How much of what comes belongs to a message that is too long.
    skipped: usize,
}

impl Decoder {
    /// Takes bytes in. The ranges of words before are of no use any more.
    pub fn receive(&mut self, mut bytes: &[u8]) {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.searched = self.searched.saturating_sub(self.start);
            self.start = 0;
        }
        let skipped = self.skipped.min(bytes.len());
        if self.bytes.is_empty() && skipped > 0 {
            bytes = &bytes[skipped..];
            self.skipped -= skipped;
        }
        if self.bytes.capacity() > 4 * LINE_BYTES_MAX
            && self.bytes.len() + bytes.len() < LINE_BYTES_MAX
        {
            self.bytes.shrink_to(LINE_BYTES_MAX);
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Forgets everything: another connection.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Returns what the ranges of the last word are of.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns how much is held, in bytes.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Returns the next word if it is there as a whole.
    ///
    /// # Errors
    /// Fails where there is none, or a line is too long.
    pub fn next_word(&mut self) -> Result<Option<Word>, NoWord> {
        let rest = self.bytes.len() - self.start;
        let skipped = self.skipped.min(rest);
        self.skipped -= skipped;
        self.start += skipped;
        if self.skipped > 0 {
            return Ok(None);
        }
        let from = self.searched.max(self.start);
        let Some(found) = memmem::find(&self.bytes[from..], END) else {
            // A line end may be cut in two.
            self.searched = self.bytes.len().saturating_sub(1).max(self.start);
            return if self.bytes.len() - self.start > LINE_BYTES_MAX {
                Err(NoWord)
            } else {
                Ok(None)
            };
        };
        let line = self.start..from + found;
        if line.len() > LINE_BYTES_MAX {
            return Err(NoWord);
        }
        let behind = line.end + END.len();
        let Some(word) = self.word(line.clone(), behind)? else {
            // The message is not whole; where its line ends is known.
            self.searched = line.end;
            return Ok(None);
        };
        self.searched = self.start;
        Ok(Some(word))
    }

    /// Reads the word that begins with a line and moves behind it; nothing if it isn't whole.
    fn word(&mut self, line: Range<usize>, behind: usize) -> Result<Option<Word>, NoWord> {
        let text = &self.bytes[line.clone()];
        let verb_end = memchr(b' ', text).unwrap_or(text.len());
        let verb = &text[..verb_end];
        let rest = trimmed(&self.bytes, line.start + verb_end..line.end);
        let word = if verb.eq_ignore_ascii_case(b"MSG") {
            return self.message(rest, behind, false);
        } else if verb.eq_ignore_ascii_case(b"HMSG") {
            return self.message(rest, behind, true);
        } else if verb.eq_ignore_ascii_case(b"PING") {
            Word::Ping
        } else if verb.eq_ignore_ascii_case(b"PONG") {
            Word::Pong
        } else if verb.eq_ignore_ascii_case(b"+OK") {
            Word::Fine
        } else if verb.eq_ignore_ascii_case(b"INFO") {
            Word::Info(rest)
        } else if verb.eq_ignore_ascii_case(b"-ERR") {
            Word::Error(unquoted(&self.bytes, rest))
        } else {
            return Err(NoWord);
        };
        self.start = behind;
        Ok(Some(word))
    }

    fn message(
        &mut self,
        rest: Range<usize>,
        behind: usize,
        headed: bool,
    ) -> Result<Option<Word>, NoWord> {
        let head = Head::read(&self.bytes, rest, headed).ok_or(NoWord)?;
        let mut message = Message {
            sid: head.sid,
            subject: head.subject,
            reply: head.reply,
            status: None,
            headers: behind..behind,
            payload: behind..behind,
            too_long: head.total_bytes > MESSAGE_BYTES_MAX,
        };
        if message.too_long {
            self.start = behind;
            self.skipped = head.total_bytes + END.len();
            return Ok(Some(Word::Message(message)));
        }
        let payload_end = behind + head.total_bytes;
        let end = payload_end + END.len();
        if self.bytes.len() < end {
            return Ok(None);
        }
        if &self.bytes[payload_end..end] != END {
            return Err(NoWord);
        }
        let headers_end = behind + head.header_bytes;
        if headed {
            let headers = &self.bytes[behind..headers_end];
            let first = memmem::find(headers, END).unwrap_or(headers.len());
            message.status = status(&headers[..first]);
            message.headers = behind + (first + END.len()).min(headers.len())..headers_end;
        }
        message.payload = headers_end..payload_end;
        self.start = end;
        Ok(Some(Word::Message(message)))
    }

    /// Returns the value of a message's header, without blanks around it.
    #[must_use]
    pub fn header(&self, message: &Message, name: &str) -> Option<&[u8]> {
        let lines = self.bytes[message.headers.clone()].split(|&byte| byte == b'\n');
        let mut values = lines.filter_map(|line| {
            let colon = memchr(b':', line)?;
            let is_it = line[..colon].eq_ignore_ascii_case(name.as_bytes());
            is_it.then(|| line[colon + 1..].trim_ascii())
        });
        values.next()
    }
}

/// The line that a message begins with.
struct Head {
    sid: u64,
    subject: Range<usize>,
    reply: Option<Range<usize>>,
    header_bytes: usize,
    total_bytes: usize,
}

impl Head {
    fn read(bytes: &[u8], line: Range<usize>, headed: bool) -> Option<Self> {
        let mut words = Vec::with_capacity(5);
        let mut rest = trimmed(bytes, line);
        while !rest.is_empty() {
            let length = bytes[rest.clone()]
                .iter()
                .position(u8::is_ascii_whitespace)
                .unwrap_or_else(|| rest.len());
            words.push(rest.start..rest.start + length);
            if words.len() > 5 {
                return None;
            }
            rest = trimmed(bytes, rest.start + length..rest.end);
        }
        let number = |range: &Range<usize>| number(&bytes[range.clone()]);
        let bytes_of = |range| usize::try_from(number(range)?).ok();
        let lengths = if headed { 2 } else { 1 };
        let (names, lengths) = words.split_at_checked(words.len().checked_sub(lengths)?)?;
        let (subject, sid, reply) = match names {
            [subject, sid] => (subject, sid, None),
            [subject, sid, reply] => (subject, sid, Some(reply)),
            _ => return None,
        };
        let (header_bytes, total_bytes) = match lengths {
            [total] => (0, bytes_of(total)?),
            [headers, total] => (bytes_of(headers)?, bytes_of(total)?),
            _ => return None,
        };
        (header_bytes <= total_bytes).then_some(Self {
            sid: number(sid)?,
            subject: subject.clone(),
            reply: reply.cloned(),
            header_bytes,
            total_bytes,
        })
    }
}

/// Reads a number of at most 19 digits.
#[must_use]
pub fn number(digits: &[u8]) -> Option<u64> {
    if !(1..=19).contains(&digits.len()) {
        return None;
    }
    digits.iter().try_fold(0, |sum: u64, digit| {
        digit
            .is_ascii_digit()
            .then(|| 10 * sum + u64::from(digit - b'0'))
    })
}

/// Reads what stands in place of a payload, in the first line of the headers.
fn status(line: &[u8]) -> Option<u16> {
    let rest = line.strip_prefix(b"NATS/1.0")?.trim_ascii_start();
    let digits = rest.get(..3)?;
    number(digits).and_then(|status| u16::try_from(status).ok())
}

/// Returns the range without blanks around.
fn trimmed(bytes: &[u8], range: Range<usize>) -> Range<usize> {
    let text = &bytes[range.clone()];
    let from_start = text.trim_ascii_start();
    let start = range.end - from_start.len();
    start..start + from_start.trim_ascii_end().len()
}

/// Returns the range without the quotes around.
fn unquoted(bytes: &[u8], range: Range<usize>) -> Range<usize> {
    match &bytes[range.clone()] {
        [b'\'', .., b'\''] => range.start + 1..range.end - 1,
        _ => range,
    }
}

/// Returns whether this can be written as a subject: letters, digits and signs, no blanks.
#[must_use]
pub fn is_subject(subject: &str) -> bool {
    !subject.is_empty()
        && subject.len() < 4096
        && subject.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Writes a message for a subject. What can't be a subject is not written.
pub fn publish(out: &mut Vec<u8>, subject: &str, reply: Option<&str>, payload: &[u8]) {
    if !is_subject(subject) || !reply.is_none_or(is_subject) {
        return;
    }
    let reply = reply.map(|reply| format!("{reply} ")).unwrap_or_default();
    out.extend_from_slice(format!("PUB {subject} {reply}{}\r\n", payload.len()).as_bytes());
    out.extend_from_slice(payload);
    out.extend_from_slice(END);
}

/// Writes a message with the header that has a stream take it once (`Nats-Msg-Id`).
pub fn publish_once(out: &mut Vec<u8>, subject: &str, reply: &str, id: &str, payload: &[u8]) {
    if ![subject, reply, id].into_iter().all(is_subject) {
        return;
    }
    let headers = format!("NATS/1.0\r\nNats-Msg-Id: {id}\r\n\r\n");
    let total = headers.len() + payload.len();
    out.extend_from_slice(
        format!(
            "HPUB {subject} {reply} {} {total}\r\n{headers}",
            headers.len()
        )
        .as_bytes(),
    );
    out.extend_from_slice(payload);
    out.extend_from_slice(END);
}

/// Writes that messages for a subject are wanted.
pub fn subscribe(out: &mut Vec<u8>, subject: &str, sid: u64) {
    if is_subject(subject) {
        out.extend_from_slice(format!("SUB {subject} {sid}\r\n").as_bytes());
    }
}

/// Writes that they are wanted no more.
pub fn unsubscribe(out: &mut Vec<u8>, sid: u64) {
    out.extend_from_slice(format!("UNSUB {sid}\r\n").as_bytes());
}

#[cfg(test)]
mod tests;
