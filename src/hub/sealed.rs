//! A stream whose bytes are sealed records: what a connection reads and writes through it is not.
//!
//! Records are sealed one at a time, each with as much of what is owed as it holds, and only when the
//! stream has taken the one before: so a connection that is blocked holds the rest of one record.
//! What was sealed goes as it is, however long it takes. A record that another one follows is written
//! ahead of it, so that the system sends both at once: nearly all that a write costs is the sending.

use std::io::{self, ErrorKind, IoSlice};

use crate::layer::tls::alert::End;
use crate::layer::tls::record::{CONTENT_BYTES_MAX, RECORD_BYTES_MAX};
use crate::layer::tls::session::Session;
use crate::stream::Stream;

/// Least space, in bytes, to read into: the longest record, and one byte of what comes behind.
pub const SPACE_BYTES: usize = RECORD_BYTES_MAX + 1;

/// How many records can be opened in the time that a line takes, rounded down.
const RECORDS_A_LINE: usize = 2;

/// A session, and what of it is on its way.
#[derive(Debug)]
pub struct Sealed {
    session: Session,
    /// The rest of what was sealed and not sent.
    #[expect(
        clippy::box_collection,
        reason = "eight bytes of each, for what few need"
    )]
    unsent: Option<Box<Vec<u8>>>,
    /// Records that were opened since that was asked.
    opened: u32,
    /// There is input that no event will announce.
    pending: bool,
    /// The peer was told why its session ends.
    told: bool,
    /// The last record was written ahead of one that has not been written.
    ahead: bool,
}

impl Sealed {
    /// Returns the way through a session of which `unsent` is still to be sent.
    #[must_use]
    pub fn new(session: Session, unsent: Vec<u8>) -> Self {
        Self {
            // It may have begun with records of its own.
            pending: session.partial_len() > 0,
            session,
            unsent: (!unsent.is_empty()).then(|| Box::new(unsent)),
            opened: 0,
            told: false,
            ahead: false,
        }
    }

    /// Reads what is there, and opens it; 0 is the orderly end.
    ///
    /// # Errors
    /// As the stream says; `UnexpectedEof` for an end that the peer didn't say, `InvalidData` for
    /// one that came of an alert.
    pub fn fill(&mut self, stream: &mut impl Stream, space: &mut [u8]) -> io::Result<usize> {
        debug_assert!(space.len() >= SPACE_BYTES);
        loop {
            match self.session.end() {
                None => {}
                Some(End::Closed) => return Ok(0),
                Some(end) => {
                    self.tell_why(stream);
                    return Err(io::Error::new(ErrorKind::InvalidData, end.to_string()));
                }
            }
            let kept = self.session.put_partial(space);
            let come = if kept > 0 && self.pending {
                Ok(0)
            } else {
                stream.read(&mut space[kept..])
            };
            let length = match come {
                Ok(0) if !self.pending => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(length) => kept + length,
                Err(error) => {
                    if error.kind() == ErrorKind::Interrupted {
                        continue;
                    }
                    self.pending = false;
                    return Err(error);
                }
            };
            let opened = self.session.open(&mut space[..length]);
            self.opened += opened.records as u32;
            // More may be there than there was space for, and the end is told by the next call.
            self.pending = length == space.len() || self.session.end().is_some();
            if opened.bytes > 0 {
                return Ok(opened.bytes);
            }
        }
    }

    /// Returns whether there is input that no event will announce.
    pub(super) fn has_pending(&self) -> bool {
        self.pending
    }

    /// Returns how much work the records were that have been opened since the last call, in lines.
    pub(super) fn take_work(&mut self) -> usize {
        std::mem::take(&mut self.opened) as usize / RECORDS_A_LINE
    }

    /// Seals as much of `pieces` as goes into one record, sends it as far as the stream takes it,
    /// and keeps the rest. Returns how many bytes were sealed: none while there is
    /// [a rest](Self::has_unsent). Of more than one record, the caller goes on with the next until
    /// there is.
    ///
    /// # Errors
    /// As the stream says; never `WouldBlock`.
    pub fn write(
        &mut self,
        stream: &mut impl Stream,
        pieces: &[IoSlice<'_>],
        record: &mut Vec<u8>,
    ) -> io::Result<usize> {
        self.push(stream)?;
        if self.has_unsent() {
            return Ok(0);
        }
        let sealed = self.session.seal(pieces, record);
        let sealed = sealed.map_err(|_| io::Error::from(ErrorKind::BrokenPipe))?;
        let goes_on =
            sealed == CONTENT_BYTES_MAX && sealed < pieces.iter().map(|piece| piece.len()).sum();
        self.send(stream, record, goes_on)?;
        Ok(sealed)
    }

    /// Sends what is left of the last record, as far as the stream takes it.
    ///
    /// # Errors
    /// As the stream says; never `WouldBlock`.
    pub fn push(&mut self, stream: &mut impl Stream) -> io::Result<()> {
        if let Some(unsent) = self.unsent.take() {
            return self.send(stream, &unsent, false);
        }
        Ok(())
    }

    /// Returns whether something is sealed that was not sent.
    #[must_use]
    pub fn has_unsent(&self) -> bool {
        self.unsent.is_some()
    }

    /// Returns how many bytes that is.
    pub(super) fn unsent_len(&self) -> usize {
        self.unsent.as_ref().map_or(0, |unsent| unsent.len())
    }

    /// Says that no more comes, and returns whether that is sent.
    ///
    /// # Errors
    /// As the stream says; never `WouldBlock`.
    pub fn finish(&mut self, stream: &mut impl Stream) -> io::Result<bool> {
        self.push(stream)?;
        if !self.has_unsent() && !self.session.is_closed() {
            let mut last = Vec::new();
            self.session.close(&mut last);
            self.send(stream, &last, false)?;
        }
        Ok(!self.has_unsent())
    }

    /// Says `words` and that no more comes, as far as the stream takes it at once; returns whether
    /// it has.
    ///
    /// # Errors
    /// As the stream says; never `WouldBlock`.
    pub(super) fn dismiss(&mut self, stream: &mut impl Stream, words: &[u8]) -> io::Result<bool> {
        self.write(stream, &[IoSlice::new(words)], &mut Vec::new())?;
        self.finish(stream)
    }

    /// Sends the alert that the session ends with, if that is possible at once: nobody waits for
    /// one who has broken the rules.
    fn tell_why(&mut self, stream: &mut impl Stream) {
        if !std::mem::replace(&mut self.told, true) {
            let told = self.finish(stream);
            log::trace!("the last record of a broken session was sent: {told:?}");
        }
    }

    /// Sends `bytes` as far as the stream takes them, and keeps the rest; ahead of more if it
    /// `goes_on`.
    fn send(
        &mut self,
        stream: &mut impl Stream,
        mut bytes: &[u8],
        goes_on: bool,
    ) -> io::Result<()> {
        while !bytes.is_empty() {
            let result = if goes_on {
                stream.write_ahead(bytes)
            } else {
                stream.write(bytes)
            };
            match result {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(sent) => {
                    // Of a write that is cut short, nothing waits.
                    self.ahead = goes_on && sent == bytes.len();
                    bytes = &bytes[sent..];
                    // It is not worth a second try before an event, either.
                    break;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        if !bytes.is_empty() {
            self.unsent = Some(Box::new(bytes.to_vec()));
            if std::mem::take(&mut self.ahead) {
                stream.send_off()?;
            }
        }
        Ok(())
    }
}
