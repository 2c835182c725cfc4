//! One direction of a sealed connection: its bytes, cut into records.
//!
//! Where bytes are missing, the record around the hole is of no use. If its end is known, the next
//! one begins there; otherwise the direction is *astray*: whatever looks like the start of a record is
//! tried, and the first that opens is one.
//!
//! Invariant: `buffer` holds the start of one record, or, astray, what may be.

use super::Way;
use super::key_log::KeyLog;
use super::link::Link;
use super::opener::{Opener, Outcome};
use super::told::{Told, Word};
use crate::layer::tls::alert::Alert;
use crate::layer::tls::keys::TAG_BYTES;
use crate::layer::tls::record::{Content, HEADER_BYTES};
use crate::trace::tcp::reassembly::{Delivery, add};

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
/// The kind of a sealed record.
pub(super) const DATA: u8 = 23;

/// Longest record behind its header, in bytes; those of old versions may be longer than those of 1.3.
const BODY_BYTES_MAX: usize = (1 << 14) + 2048;
/// Longest message of a handshake that is put together of several records.
const MESSAGE_BYTES_MAX: usize = 16 * 1024;
/// What a message of a handshake begins with: its kind, and its length in three bytes.
const MESSAGE_HEADER_BYTES: usize = 4;
const KEY_UPDATE: u8 = 24;

/// What the directions of all connections share while one packet is taken.
pub(super) struct Around<'a> {
    pub(super) link: &'a mut Link,
    pub(super) log: &'a mut KeyLog,
    pub(super) tell: &'a mut dyn FnMut(Told<'_>),
}

/// One direction.
#[derive(Debug)]
pub(super) struct Direction {
    buffer: Vec<u8>,
    /// So many bytes are the rest of a record that lacks some.
    skip: u64,
    astray: bool,
    /// No record may come any more.
    closed: bool,
    /// A record was told that can't be opened.
    has_sealed: bool,
    /// The start of a message of the handshake.
    message: Vec<u8>,
    opener: Opener,
}

impl Direction {
    pub(super) fn new(way: Way) -> Self {
        Self {
            buffer: Vec::new(),
            skip: 0,
            astray: false,
            closed: false,
            has_sealed: false,
            message: Vec::new(),
            opener: Opener::new(way),
        }
    }

    /// Returns whether nothing but a handshake has come.
    pub(super) fn is_shaking_hands(&self) -> bool {
        !self.opener.has_opened && !self.has_sealed
    }

    /// Returns how many bytes are kept.
    pub(super) fn kept_bytes(&self) -> usize {
        self.buffer.capacity() + self.message.capacity()
    }

    /// Gives the record up of which the start is kept.
    pub(super) fn give_up(&mut self) {
        self.message = Vec::new();
        let kept = std::mem::take(&mut self.buffer);
        self.opener.lose(kept.len() as u64);
        self.astray |= !kept.is_empty();
    }

    /// Takes a run of bytes.
    pub(super) fn push(&mut self, run: &Delivery<'_>, around: &mut Around<'_>) {
        self.lose(run.gap_before);
        let skipped = (run.data.len() as u64).min(self.skip);
        self.skip -= skipped;
        self.opener.lose(skipped);
        let data = run.data.get(skipped as usize..).unwrap_or_default();
        let end = add(run.end, run.gap_after.wrapping_neg());
        self.take(data, end, around);
        self.lose(run.gap_after);
    }

    /// Says that so many bytes are missing.
    fn lose(&mut self, bytes: u64) {
        if bytes == 0 {
            return;
        }
        let kept = std::mem::take(&mut self.buffer);
        self.message = Vec::new();
        // What is known of where the record ends that lacks them.
        let rest = match (self.skip, frame(&kept)) {
            (1.., _) => Some(self.skip),
            (0, Frame::Begun { rest }) if !self.astray => Some(rest),
            _ => None,
        };
        self.opener.lose(bytes + kept.len() as u64);
        self.skip = rest.map_or(0, |rest| rest.saturating_sub(bytes));
        self.astray = rest.is_none_or(|rest| rest < bytes);
    }

    fn take(&mut self, data: &[u8], end: u32, around: &mut Around<'_>) {
        let mut bytes = std::mem::take(&mut self.buffer);
        // A record that came by itself, as most do, isn't copied.
        let all = if bytes.is_empty() {
            data
        } else {
            bytes.extend_from_slice(data);
            &bytes[..]
        };
        let mut at = 0;
        while let Some(rest) = all.get(at..).filter(|rest| !rest.is_empty()) {
            match frame(rest) {
                Frame::Whole { length } => {
                    let behind = (rest.len() - length) as u64;
                    let end = add(end, behind.wrapping_neg());
                    let is_record = self.record(&rest[..length], end, around);
                    if self.astray && !is_record {
                        self.opener.lose(1);
                        at += 1;
                    } else {
                        self.astray = false;
                        at += length;
                    }
                }
                Frame::None => {
                    self.astray = true;
                    self.opener.lose(1);
                    at += 1;
                }
                Frame::Begun { .. } | Frame::Short => break,
            }
        }
        let rest = &all[at.min(all.len())..];
        if !rest.is_empty() {
            self.buffer = rest.to_vec();
        }
    }

    /// Takes a record; returns whether it is one, as far as can be told.
    fn record(&mut self, record: &[u8], end: u32, around: &mut Around<'_>) -> bool {
        if self.closed {
            return true;
        }
        let body = &record[HEADER_BYTES..];
        match record[0] {
            DATA if around.link.is_read() => return self.sealed(record, end, around),
            DATA => {
                let outcome = self
                    .opener
                    .open(record, around.link, around.log, &mut Vec::new());
                self.outcome(&outcome, record.len(), around);
            }
            // Astray it can't be told whether it is one: the sealed ones can.
            HANDSHAKE | CHANGE_CIPHER_SPEC if self.astray => return false,
            HANDSHAKE if self.is_shaking_hands() => self.messages(body, around),
            ALERT if !self.astray && body.len() == 2 => self.alert(body[1], end, around),
            _ => {}
        }
        true
    }

    /// Takes a sealed record.
    fn sealed(&mut self, record: &[u8], end: u32, around: &mut Around<'_>) -> bool {
        let mut opened = Vec::new();
        let had_opened = self.opener.has_opened;
        let before = self.opener.lost();
        let outcome = self
            .opener
            .open(record, around.link, around.log, &mut opened);
        if self.opener.has_opened && !had_opened {
            (around.tell)(Told::Word(Word::Opened));
        }
        match outcome {
            Outcome::Opened {
                content,
                length,
                lost,
            } => self.content(content, &opened[..length], (lost, end), around),
            Outcome::Handshake(Some((Content::Alert, 2))) => self.alert(opened[1], end, around),
            Outcome::Lost if self.astray => {
                // What was tried here isn't a record: its bytes are looked at again.
                self.opener.set_lost(before);
                return false;
            }
            outcome => self.outcome(&outcome, record.len(), around),
        }
        true
    }

    fn outcome(&mut self, outcome: &Outcome, length: usize, around: &mut Around<'_>) {
        if let Outcome::Sealed(why) = outcome {
            self.has_sealed = true;
            let bytes = length.saturating_sub(HEADER_BYTES + 1 + TAG_BYTES) as u64;
            (around.tell)(Told::Word(Word::Sealed { bytes, why: *why }));
        }
    }

    /// Takes what was in a record.
    fn content(
        &mut self,
        content: Content,
        bytes: &[u8],
        (lost, end): (u64, u32),
        around: &mut Around<'_>,
    ) {
        let mut gap_before = lost;
        let mut give = |data| {
            let gap_before = std::mem::take(&mut gap_before);
            (around.tell)(Told::Bytes(Delivery {
                gap_before,
                data,
                gap_after: 0,
                end,
            }));
        };
        match content {
            // What is complete once the record is, is complete at its end.
            Content::Data => bytes.split_inclusive(|byte| *byte == b'\n').for_each(give),
            Content::Alert | Content::Handshake if lost > 0 => give(&[]),
            Content::Alert | Content::Handshake => {}
        }
        match content {
            Content::Handshake if bytes.first() == Some(&KEY_UPDATE) => self.opener.update(),
            Content::Alert if bytes.len() == 2 => self.alert(bytes[1], end, around),
            _ => {}
        }
    }

    fn alert(&mut self, description: u8, end: u32, around: &mut Around<'_>) {
        match Alert(description) {
            Alert::USER_CANCELED => {}
            Alert::CLOSE_NOTIFY => {
                self.closed = true;
                (around.tell)(Told::Closed(end));
            }
            alert => {
                self.closed = true;
                (around.tell)(Told::Word(Word::Alert(alert)));
            }
        }
    }

    /// Takes bytes of the handshake that aren't sealed.
    fn messages(&mut self, body: &[u8], around: &mut Around<'_>) {
        if self.message.len() + body.len() > MESSAGE_BYTES_MAX + MESSAGE_HEADER_BYTES {
            self.message = Vec::new();
            return;
        }
        self.message.extend_from_slice(body);
        while let Some(&[kind, high, middle, low]) = self.message.get(..MESSAGE_HEADER_BYTES) {
            let length = u32::from_be_bytes([0, high, middle, low]) as usize;
            let end = MESSAGE_HEADER_BYTES + length;
            let Some(message) = self.message.get(MESSAGE_HEADER_BYTES..end) else {
                return;
            };
            if let Some(word) = around.link.message(kind, message) {
                (around.tell)(Told::Word(word));
            }
            self.message.drain(..end);
        }
        if self.message.is_empty() {
            self.message = Vec::new();
        }
    }
}

/// What some bytes are the start of.
enum Frame {
    /// No record.
    None,
    /// Of one, perhaps: its header isn't whole.
    Short,
    /// Of one that lacks so many bytes.
    Begun { rest: u64 },
    /// Of one of so many bytes, header and all.
    Whole { length: usize },
}

fn frame(bytes: &[u8]) -> Frame {
    let is_kind = |kind: &u8| (CHANGE_CIPHER_SPEC..=DATA).contains(kind);
    let is_version = |at: usize, limit: u8| bytes.get(at).is_none_or(|byte| *byte <= limit);
    let is_header = bytes.first().is_none_or(is_kind)
        && bytes.get(1).is_none_or(|major| *major == 3)
        && is_version(2, 4);
    if !is_header {
        return Frame::None;
    }
    let Some(&[.., high, low]) = bytes.get(..HEADER_BYTES) else {
        return Frame::Short;
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if !(1..=BODY_BYTES_MAX).contains(&length) {
        return Frame::None;
    }
    let length = HEADER_BYTES + length;
    if bytes.len() < length {
        let rest = (length - bytes.len()) as u64;
        return Frame::Begun { rest };
    }
    Frame::Whole { length }
}

/// Returns whether a direction that begins so is sealed: `None` as long as that isn't known. `inside`
/// if it may be the middle of one.
pub(super) fn is_sealed(way: Way, bytes: &[u8], inside: bool) -> Option<bool> {
    let kinds: &[u8] = match (way, inside) {
        (_, true) => &[CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, DATA],
        (Way::Up, false) => &[HANDSHAKE],
        (Way::Down, false) => &[ALERT, HANDSHAKE],
    };
    if bytes.first().is_some_and(|first| !kinds.contains(first)) {
        return Some(false);
    }
    match frame(bytes) {
        Frame::None => Some(false),
        Frame::Short => None,
        Frame::Begun { .. } | Frame::Whole { .. } => {
            let first = bytes.get(HEADER_BYTES);
            match (bytes[0], way) {
                (HANDSHAKE, _) if inside => Some(true),
                (HANDSHAKE, Way::Up) => first.map(|kind| *kind == 1),
                (HANDSHAKE, Way::Down) => first.map(|kind| *kind == 2),
                _ => Some(true),
            }
        }
    }
}

/// Returns whether a segment's bytes begin with a record, as far as can be told.
#[must_use]
pub fn begins_record(bytes: &[u8]) -> bool {
    bytes.len() > HEADER_BYTES && matches!(frame(bytes), Frame::Begun { .. } | Frame::Whole { .. })
}
