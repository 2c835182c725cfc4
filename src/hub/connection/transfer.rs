//! What a connection reads from its stream and writes to it, sealed or not.

use std::io::{self, ErrorKind, IoSlice, Read};

use super::{Connection, DROPS_MAX, Flags};
use crate::feed::Transcript;
use crate::feed::splices::SLICES_MAX;
use crate::hub::extra::{Extra, Pool};
use crate::hub::framed::Framed;
use crate::hub::sealed::{SPACE_BYTES, Sealed};
use crate::hub::standing::Stage;
use crate::layer::websocket::decoder::SPARE_BYTES;
use crate::stream::Stream;
use crate::tick::Tick;

/// What reading took beside what came of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Effort {
    /// How much work it was to make it plain, in lines.
    pub work: usize,
    /// What came that is no line, and is counted as if it were so many.
    pub idle_lines: u32,
}

impl<S: Stream> Connection<S> {
    /// Returns how much space, in bytes, [`fill`](Self::fill) needs at least.
    pub fn space_bytes(&self) -> usize {
        let spare = self.framed().map_or(0, |_| SPARE_BYTES);
        spare + self.sealed().map_or(1, |_| SPACE_BYTES)
    }

    /// Reads what is there, at most as much as there is space for. 0 is the orderly end of the
    /// stream.
    ///
    /// # Errors
    /// As the stream says; `WouldBlock` when nothing is there, or no more than it was worth to read
    /// at once. `InvalidData` if it is sealed and has ended by an alert, or has broken WebSocket's
    /// rules.
    pub fn fill(
        &mut self,
        space: &mut [u8],
        pool: &mut Pool,
        now: Tick,
        effort: &mut Effort,
    ) -> io::Result<usize> {
        if self.is_framed() {
            self.fill_framed(space, pool, now, effort)
        } else {
            self.fill_bytes(space, effort)
        }
    }

    /// Reads what is there, frames or lines.
    pub(super) fn fill_bytes(
        &mut self,
        space: &mut [u8],
        effort: &mut Effort,
    ) -> io::Result<usize> {
        if let Some(extra) = &mut self.extra
            && let Some(sealed) = &mut extra.sealed
        {
            let result = sealed.fill(&mut self.stream, space);
            effort.work += sealed.take_work();
            return result;
        }
        read(&mut self.stream, space)
    }

    /// Returns whether a read that took less than there was space for has left nothing.
    pub fn is_drained_by_a_short_read(&self) -> bool {
        !self.flags.contains(Flags::READ_UNTIL_EMPTY) && !self.has_pending()
    }

    /// Returns whether there is input that no event will announce.
    pub fn has_pending(&self) -> bool {
        self.stream.has_pending()
            || self.sealed().is_some_and(Sealed::has_pending)
            || self.framed().is_some_and(Framed::has_pending)
    }

    /// Writes what is owed, in as few writes as the stream allows, and returns how many bytes
    /// went. When the stream takes no more, the connection is blocked afterwards.
    ///
    /// # Errors
    /// As the stream says: the connection is broken.
    pub fn flush(&mut self, transcript: &Transcript, pool: &mut Pool) -> io::Result<usize> {
        debug_assert!(!self.is_overrun(transcript), "would tear a line");
        let sent = if self.is_framed() {
            self.flush_framed(transcript, pool)?
        } else {
            self.flush_bytes(transcript, pool)?
        };
        self.push_unsent()?;
        self.retire_extra(pool);
        Ok(sent)
    }

    /// The same for one that is no WebSocket.
    fn flush_bytes(&mut self, transcript: &Transcript, pool: &mut Pool) -> io::Result<usize> {
        let mut sent = 0;
        while !self.is_blocked() {
            let goal = self.goal(transcript);
            let extra = self.extra.as_deref_mut();
            let (sealed, talk) = extra.map_or((None, None), Extra::both);
            let result = match talk {
                Some(talk) if !talk.splices.is_empty() => {
                    let mut pieces = [IoSlice::new(&[]); SLICES_MAX];
                    let splices = &talk.splices;
                    let (count, _) = splices.gather(self.cursor, goal, transcript, &mut pieces);
                    put(&mut self.stream, sealed, &pieces[..count], pool)
                }
                _ if self.cursor < goal => {
                    let (slice, _) = transcript.bytes(self.cursor..goal);
                    put(&mut self.stream, sealed, &[IoSlice::new(slice)], pool)
                }
                _ => break,
            };
            match result {
                Ok((taken, blocked)) => {
                    self.advance(taken, goal);
                    sent += taken;
                    self.flags.set(Flags::BLOCKED, blocked);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(sent)
    }

    /// Moves the cursor behind `taken` bytes that are on their way, and behind what needs no sending.
    pub(super) fn advance(&mut self, taken: usize, goal: u64) {
        let cursor = self.cursor;
        self.cursor = match self.talk_mut() {
            Some(talk) => talk.splices.advance(cursor, taken, goal),
            None => cursor + taken as u64,
        };
    }

    /// Hands to the system what was taken and not passed on.
    fn push_unsent(&mut self) -> io::Result<()> {
        if self.is_blocked() {
            return Ok(());
        }
        if let Some(sealed) = self.extra.as_mut().and_then(|extra| extra.sealed.as_mut()) {
            sealed.push(&mut self.stream)?;
            self.flags.set(Flags::BLOCKED, sealed.has_unsent());
        }
        while !self.is_blocked() && self.stream.has_unsent() {
            match self.stream.flush() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.flags.insert(Flags::BLOCKED);
                }
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Returns whether something was taken that the system has not.
    pub(super) fn has_unsent(&self) -> bool {
        self.stream.has_unsent() || self.sealed().is_some_and(Sealed::has_unsent)
    }

    /// Returns how many sealed bytes its stream has not taken.
    pub fn unsent_len(&self) -> usize {
        self.sealed().map_or(0, Sealed::unsent_len)
    }

    /// Tells it that no more comes, and drops what it has sent meanwhile. Returns whether it can be
    /// closed. As long as the stream doesn't take even that, the connection is blocked.
    pub fn finish(&mut self) -> bool {
        if let Some(sealed) = self.extra.as_mut().and_then(|extra| extra.sealed.as_mut()) {
            match sealed.finish(&mut self.stream) {
                Ok(true) => {}
                Ok(false) => {
                    self.flags.insert(Flags::BLOCKED);
                    return false;
                }
                Err(_) => return true,
            }
        }
        if self.flags.contains(Flags::ENDED) || self.stream.finish().is_err() {
            return true;
        }
        self.standing.set_stage(Stage::Lingering);
        self.drop_input() || !self.flags.contains(Flags::LINGERS)
    }

    /// Drops input, a bounded part of it at once, and returns whether it has ended.
    pub fn drop_input(&mut self) -> bool {
        let scratch = &mut [0; 16 * 1024];
        for _ in 0..DROPS_MAX {
            // Sealed or not: nobody looks at it.
            match read(&mut self.stream, scratch) {
                Ok(1..) => self.flags.insert(Flags::LINGERS),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                Ok(0) | Err(_) => return true,
            }
        }
        false
    }

    fn sealed(&self) -> Option<&Sealed> {
        self.extra.as_ref()?.sealed.as_deref()
    }
}

/// Reads what is there from a stream.
fn read(stream: &mut impl Read, space: &mut [u8]) -> io::Result<usize> {
    loop {
        match stream.read(space) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Writes `pieces`; returns how many bytes of them are on their way, and whether the stream takes no
/// more.
pub(super) fn put(
    stream: &mut impl Stream,
    sealed: Option<&mut Sealed>,
    pieces: &[IoSlice<'_>],
    pool: &mut Pool,
) -> io::Result<(usize, bool)> {
    let offered: usize = pieces.iter().map(|piece| piece.len()).sum();
    if offered == 0 {
        return Ok((0, false));
    }
    if let Some(sealed) = sealed {
        let taken = sealed.write(stream, pieces, pool.record())?;
        return Ok((taken, sealed.has_unsent()));
    }
    let result = match pieces {
        [piece] => stream.write(piece),
        pieces => stream.write_vectored(pieces),
    };
    match result {
        Ok(0) => Err(ErrorKind::WriteZero.into()),
        Ok(written) => Ok((written, written < offered)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok((0, true)),
        Err(error) => Err(error),
    }
}
