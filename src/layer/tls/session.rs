//! A connection after its handshake: what comes is opened, what goes is sealed.

#[cfg(test)]
mod tests;

use std::io::IoSlice;

use super::alert::{Alert, End};
use super::keys::{CryptoError, Keys, TAG_BYTES};
use super::record::{self, CONTENT_BYTES_MAX, Content, HEADER_BYTES};

/// Most records in a row that may come without a byte for the connection: key updates and empty
/// ones. Whoever sends more does nothing but make the other side work (as other libraries limit it).
pub const IDLE_RECORDS_MAX: u8 = 32;

/// A message that asks for new keys (RFC 8446, 4.6.3), but for its last byte.
const KEY_UPDATE: [u8; 4] = [24, 0, 0, 1];

/// A connection after its handshake.
#[derive(Debug)]
pub struct Session {
    reads: Keys,
    writes: Keys,
    /// The start of a record whose rest has not come.
    #[expect(
        clippy::box_collection,
        reason = "eight bytes of each, for what few need"
    )]
    partial: Option<Box<Vec<u8>>>,
    /// How what comes has ended.
    end: Option<End>,
    /// How many records in a row had nothing for the connection.
    idle_records: u8,
    /// The peer has asked for new keys in the other direction, too.
    owes_update: bool,
    /// Nothing more may be sealed.
    closed: bool,
}

/// What was made of bytes that have come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Opened {
    /// How many bytes of plaintext there are, at the front of the buffer.
    pub bytes: usize,
    /// How many records were opened for it.
    pub records: usize,
}

impl Session {
    /// Returns the session that goes on with these keys.
    #[must_use]
    pub fn new(reads: Keys, writes: Keys) -> Self {
        Self {
            reads,
            writes,
            partial: None,
            end: None,
            idle_records: 0,
            owes_update: false,
            closed: false,
        }
    }

    /// Returns how what comes has ended, if it has: nothing is opened behind that.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// Returns how many bytes of an unfinished record are kept.
    #[must_use]
    pub fn partial_len(&self) -> usize {
        self.partial.as_ref().map_or(0, |partial| partial.len())
    }

    /// Keeps `bytes` as the first that come.
    pub fn keep(&mut self, bytes: &[u8]) {
        self.partial = (!bytes.is_empty()).then(|| Box::new(bytes.to_vec()));
    }

    /// Puts what is kept of an unfinished record to the front of `buffer`, and returns how many
    /// bytes it is: what comes next goes behind it, and all of it is to be [opened](Self::open). A
    /// buffer longer than [`record::RECORD_BYTES_MAX`] always has room for more.
    #[must_use]
    pub fn put_partial(&self, buffer: &mut [u8]) -> usize {
        let partial = self.partial.as_ref().map_or(&[][..], |partial| partial);
        buffer[..partial.len()].copy_from_slice(partial);
        partial.len()
    }

    /// Opens the records in `bytes`, whose plaintext is at the front of `bytes` then; keeps the
    /// start of one whose end has not come, in place of what was kept before.
    pub fn open(&mut self, bytes: &mut [u8]) -> Opened {
        let mut opened = Opened::default();
        let mut at = 0;
        while self.end.is_none() && at < bytes.len() {
            match record::length(&bytes[at..]) {
                Ok(Some(length)) if length <= bytes.len() - at => {
                    let (content, start, end) = self.open_one(bytes, at, length);
                    at += length;
                    opened.records += 1;
                    if content {
                        bytes.copy_within(start..end, opened.bytes);
                        opened.bytes += end - start;
                    }
                }
                Ok(_) => break,
                Err(alert) => self.end = Some(End::Sent(alert)),
            }
        }
        let rest = &bytes[at..];
        if self.end.is_some() || rest.is_empty() {
            self.partial = None;
        } else {
            let partial = self.partial.get_or_insert_default();
            partial.clear();
            partial.extend_from_slice(rest);
        }
        opened
    }

    /// Opens one record, and returns whether it has plaintext for the connection, and where.
    fn open_one(&mut self, bytes: &mut [u8], at: usize, length: usize) -> (bool, usize, usize) {
        let (header, sealed) = bytes[at..at + length].split_at_mut(HEADER_BYTES);
        let start = at + HEADER_BYTES;
        let result = self
            .reads
            .open(header, sealed)
            .map_err(|CryptoError| Alert::BAD_RECORD_MAC)
            .and_then(|inner| record::content(&sealed[..inner]))
            .and_then(|(content, length)| {
                self.take(content, &sealed[..length])?;
                Ok((content == Content::Data, start, start + length))
            });
        result.unwrap_or_else(|alert| {
            self.end = Some(End::Sent(alert));
            (false, start, start)
        })
    }

    /// Does what a record asks for.
    fn take(&mut self, content: Content, bytes: &[u8]) -> Result<(), Alert> {
        if content == Content::Data && !bytes.is_empty() {
            self.idle_records = 0;
            return Ok(());
        }
        self.idle_records += 1;
        if self.idle_records > IDLE_RECORDS_MAX {
            return Err(Alert::UNEXPECTED_MESSAGE);
        }
        match (content, bytes) {
            (Content::Data, _) => Ok(()),
            (Content::Alert, &[_, description]) => {
                match Alert(description) {
                    Alert::USER_CANCELED => {}
                    Alert::CLOSE_NOTIFY => self.end = Some(End::Closed),
                    alert => self.end = Some(End::Received(alert)),
                }
                Ok(())
            }
            (Content::Alert, _) => Err(Alert::DECODE_ERROR),
            // It must be the last message under the old keys, so that it stands alone; nothing else
            // can come once a handshake without client certificates is over.
            (Content::Handshake, &[ref start @ .., asks @ (0 | 1)]) if *start == KEY_UPDATE => {
                self.owes_update |= asks == 1;
                self.reads.update().map_err(|_| Alert::INTERNAL_ERROR)
            }
            (Content::Handshake, _) => Err(Alert::UNEXPECTED_MESSAGE),
        }
    }

    /// Seals as much of `pieces` as goes into one record, behind what is in `out`, and returns how
    /// many bytes of them that was. A key update that is due goes before it.
    ///
    /// # Errors
    /// Fails once the session was [closed](Self::close).
    pub fn seal(
        &mut self,
        pieces: &[IoSlice<'_>],
        out: &mut Vec<u8>,
    ) -> Result<usize, CryptoError> {
        if self.closed {
            return Err(CryptoError);
        }
        if self.owes_update || self.writes.are_used_up() {
            let [update, last] = [&KEY_UPDATE[..], &[0]].map(IoSlice::new);
            self.put(Content::Handshake, &[update, last], out)?;
            self.writes.update()?;
            self.owes_update = false;
        }
        self.put(Content::Data, pieces, out)
    }

    /// Seals the last record: the alert that the end of what came asks for, or that no more comes.
    /// Later calls add nothing.
    pub fn close(&mut self, out: &mut Vec<u8>) {
        let alert = match self.end {
            Some(End::Sent(alert)) => alert,
            _ => Alert::CLOSE_NOTIFY,
        };
        if self.closed {
            return;
        }
        self.closed = true;
        let message = alert.message();
        if self
            .put(Content::Alert, &[IoSlice::new(&message)], out)
            .is_err()
        {
            self.end.get_or_insert(End::Sent(Alert::INTERNAL_ERROR));
        }
    }

    /// Returns whether the last record has been sealed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Seals one record.
    fn put(
        &mut self,
        content: Content,
        pieces: &[IoSlice<'_>],
        out: &mut Vec<u8>,
    ) -> Result<usize, CryptoError> {
        let start = out.len();
        let offered: usize = pieces.iter().map(|piece| piece.len()).sum();
        let mut left = offered.min(CONTENT_BYTES_MAX);
        let taken = left;
        let header = record::header(taken + 1 + TAG_BYTES);
        out.extend_from_slice(&header);
        for piece in pieces {
            let part = &piece[..piece.len().min(left)];
            out.extend_from_slice(part);
            left -= part.len();
        }
        out.push(content as u8);
        match self.writes.seal(&header, &mut out[start + HEADER_BYTES..]) {
            Ok(tag) => {
                out.extend_from_slice(tag.as_ref());
                Ok(taken)
            }
            Err(error) => {
                out.truncate(start);
                Err(error)
            }
        }
    }
}
