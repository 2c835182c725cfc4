//! What a WebSocket reads from its stream and writes to it: frames.

use std::io::{self, ErrorKind, IoSlice};

use super::{Connection, Flags};
use crate::feed::Transcript;
use crate::feed::splices::SLICES_MAX;
use crate::hub::connection::transfer::{Effort, put};
use crate::hub::disconnect::Disconnect;
use crate::hub::extra::{Extra, Pool, Talk};
use crate::hub::framed::{Between, Framed, Silent};
use crate::hub::sealed::Sealed;
use crate::layer::websocket::decoder::{Control, End, SPARE_BYTES};
use crate::layer::websocket::frame::{self, HEAD_BYTES_MAX};
use crate::stream::Stream;
use crate::tick::Tick;

/// Most reads at once that bring no text.
const READS_MAX: usize = 4;

/// How many frames can be decoded in the time that a line takes, rounded down.
const FRAMES_A_LINE: usize = 8;

/// What a WebSocket is told that it is owed at once, if it has no splices: it may lie at both ends of
/// the ring.
const ENDS_OF_RING: usize = 2;

impl<S> Connection<S> {
    pub(super) fn framed(&self) -> Option<&Framed> {
        self.extra.as_ref()?.framed.as_deref()
    }

    pub(super) fn framed_mut(&mut self) -> Option<&mut Framed> {
        self.extra.as_mut()?.framed.as_deref_mut()
    }

    /// Returns whether it is a WebSocket.
    pub fn is_framed(&self) -> bool {
        self.framed().is_some()
    }

    /// Returns whether it is to be told in JSON as soon as nothing else is asked of it.
    pub fn wants_json(&self) -> bool {
        self.framed().is_some_and(Framed::wants_json)
    }

    /// Returns whether it has broken WebSocket's rules.
    pub fn has_broken_frames(&self) -> bool {
        let end = self.framed().and_then(Framed::end);
        matches!(end, Some(End::Broken(_)))
    }

    /// Returns whether control frames are to be sent to it.
    pub fn owes_frames(&self) -> bool {
        let between = self.talk().and_then(|talk| talk.between.as_ref());
        self.framed().is_some_and(|framed| {
            framed.is_ping_due()
                || framed.close_due().is_some()
                || between.is_some_and(|between| between.owes())
        })
    }

    /// Lets its last frame say why it ends, if it is a WebSocket.
    pub fn close_frames(&mut self, why: Disconnect) {
        if let Some(framed) = self.framed_mut() {
            framed.close(why);
        }
    }

    /// Looks whether a WebSocket has been silent for too long.
    pub(in crate::hub) fn look_for_silence(&mut self, now: Tick) -> Silent {
        let blocked = self.flags.contains(Flags::BLOCKED);
        let framed = self.framed_mut();
        framed.map_or(Silent::NotLong, |framed| framed.look(blocked, now))
    }

    fn take_control(&mut self) -> Option<Box<Control>> {
        self.talk_mut()?.between.as_mut()?.control.take()
    }
}

impl<S: Stream> Connection<S> {
    /// Lets what is read and written from here on be WebSocket's frames.
    pub fn frame(&mut self, framed: Box<Framed>, pool: &mut Pool) {
        pool.lend(&mut self.extra);
        if let Some(extra) = &mut self.extra {
            extra.framed = Some(framed);
        }
    }

    /// Reads what is there, and decodes it: see [`fill`](Self::fill).
    pub(super) fn fill_framed(
        &mut self,
        space: &mut [u8],
        pool: &mut Pool,
        now: Tick,
        effort: &mut Effort,
    ) -> io::Result<usize> {
        for _ in 0..READS_MAX {
            let framed = self.framed();
            let is_closing = framed.is_some_and(Framed::is_closing);
            match framed.and_then(Framed::end) {
                _ if is_closing => {}
                None => {}
                Some(End::Closed(_)) => return Ok(0),
                Some(End::Broken(code)) => {
                    let words = format!("it has broken WebSocket's rules ({})", code.0);
                    return Err(io::Error::new(ErrorKind::InvalidData, words));
                }
            }
            let length = match self.fill_bytes(&mut space[SPARE_BYTES..], effort) {
                // It is told that no more comes, and waits for that.
                Ok(0) if is_closing => return Ok(0),
                // Without a word.
                Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
                result => result,
            };
            let Some(framed) = self.framed_mut() else {
                break;
            };
            let length = length.inspect_err(|_| framed.set_pending(false))?;
            let is_full = SPARE_BYTES + length == space.len();
            if is_closing {
                framed.heard(is_full, now);
                continue;
            }
            let mut control = self.take_control();
            let Some(framed) = self.framed_mut() else {
                break;
            };
            let come = &mut space[..SPARE_BYTES + length];
            let decoded = framed.decoder().decode(come, &mut control);
            let ended = framed.end().is_some();
            framed.heard(is_full || ended, now);
            effort.work += decoded.frames / FRAMES_A_LINE;
            effort.idle_lines += decoded.idle_frames as u32;
            if let Some(control) = control.filter(|control| !control.is_idle()) {
                between(pool.lend(&mut self.extra)).control = Some(control);
            }
            if decoded.text_bytes > 0 {
                return Ok(decoded.text_bytes);
            }
        }
        if let Some(framed) = self.framed_mut() {
            framed.set_pending(true);
        }
        Err(ErrorKind::WouldBlock.into())
    }

    /// Writes what is owed, as [`flush`](Self::flush) does: a message after the other.
    pub(super) fn flush_framed(
        &mut self,
        transcript: &Transcript,
        pool: &mut Pool,
    ) -> io::Result<usize> {
        let mut sent = 0;
        while !self.is_blocked() {
            let result = if self.framed().is_some_and(Framed::is_within_a_message) {
                self.put_message(transcript, pool)
            } else if let Some(result) = self.put_control(pool) {
                result
            } else if !self.is_at_goal(transcript) {
                self.put_message(transcript, pool)
            } else if let Some(result) = self.put_close(pool) {
                result
            } else {
                break;
            };
            match result {
                Ok((taken, blocked)) => {
                    sent += taken;
                    self.flags.set(Flags::BLOCKED, blocked);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(sent)
    }

    /// Writes the rest of the message under way, or another one.
    fn put_message(
        &mut self,
        transcript: &Transcript,
        pool: &mut Pool,
    ) -> io::Result<(usize, bool)> {
        let goal = self.goal(transcript);
        let Some(Extra {
            sealed,
            framed: Some(framed),
            talk,
        }) = self.extra.as_deref_mut()
        else {
            return Ok((0, false));
        };
        let sealed = sealed.as_deref_mut();
        let result = match talk {
            Some(talk) if !talk.splices.is_empty() => {
                let mut body = [IoSlice::new(&[]); SLICES_MAX];
                let splices = &talk.splices;
                let (count, offered) = splices.gather(self.cursor, goal, transcript, &mut body);
                if offered == 0 {
                    // Only what is left out.
                    Ok((0, 0, false))
                } else {
                    let way = (&mut self.stream, sealed);
                    put_framed::<{ SLICES_MAX + 1 }>(way, framed, &body[..count], pool)
                }
            }
            _ => {
                let (first, second) = transcript.bytes(self.cursor..goal);
                let body = [first, second].map(IoSlice::new);
                let way = (&mut self.stream, sealed);
                put_framed::<{ ENDS_OF_RING + 1 }>(way, framed, &body, pool)
            }
        };
        let (taken, of_body, blocked) = result?;
        self.advance(of_body, goal);
        Ok((taken, blocked))
    }

    /// Writes a control frame that may stand before what is owed, if there is one.
    fn put_control(&mut self, pool: &mut Pool) -> Option<io::Result<(usize, bool)>> {
        let extra = self.extra.as_deref_mut()?;
        let sealed = extra.sealed.as_deref_mut();
        let framed = extra.framed.as_mut()?;
        let between = extra.talk.as_mut().and_then(|talk| talk.between.as_mut());
        if let Some(between) = between
            && between.owes()
        {
            between.draw();
            let result = put(
                &mut self.stream,
                sealed,
                &[IoSlice::new(&between.unsent)],
                pool,
            );
            if let Ok((taken, _)) = result {
                between.unsent.drain(..taken);
            }
            return Some(result);
        }
        if !framed.is_ping_due() {
            return None;
        }
        framed.ping_sent();
        let mut ping = Vec::with_capacity(HEAD_BYTES_MAX);
        frame::put_ping(&mut ping);
        Some(self.put_whole(&ping, pool))
    }

    /// Writes the last frame, if it is time to.
    fn put_close(&mut self, pool: &mut Pool) -> Option<io::Result<(usize, bool)>> {
        let framed = self.framed_mut()?;
        let code = framed.close_due()?;
        framed.close_sent();
        let mut close = Vec::with_capacity(HEAD_BYTES_MAX);
        frame::put_close(code, &mut close);
        Some(self.put_whole(&close, pool))
    }

    /// Writes a control frame, and keeps what isn't taken.
    fn put_whole(&mut self, frame: &[u8], pool: &mut Pool) -> io::Result<(usize, bool)> {
        let sealed = self
            .extra
            .as_deref_mut()
            .and_then(|extra| extra.sealed.as_deref_mut());
        let result = put(&mut self.stream, sealed, &[IoSlice::new(frame)], pool);
        let (taken, blocked) = match result {
            Err(error) if error.kind() == ErrorKind::Interrupted => (0, false),
            result => result?,
        };
        if taken < frame.len() {
            let unsent = &mut between(pool.lend(&mut self.extra)).unsent;
            unsent.extend_from_slice(&frame[taken..]);
        }
        Ok((taken, blocked))
    }
}

fn between(talk: &mut Talk) -> &mut Between {
    talk.between.get_or_insert_default()
}

/// Writes what is due of the message under way, or of another one that is begun with `body`. Returns
/// how many bytes are on their way, how many of them are of `body`, and whether the stream takes no
/// more.
fn put_framed<const N: usize>(
    (stream, sealed): (&mut impl Stream, Option<&mut Sealed>),
    framed: &mut Framed,
    body: &[IoSlice<'_>],
    pool: &mut Pool,
) -> io::Result<(usize, usize, bool)> {
    if !framed.is_within_a_message() {
        framed.begin(body);
    }
    let mut head = [0; HEAD_BYTES_MAX];
    let mut pieces = [IoSlice::new(&[]); N];
    let count = framed.pieces(&mut head, body, &mut pieces);
    let (taken, blocked) = put(stream, sealed, &pieces[..count], pool)?;
    Ok((taken, framed.sent(taken), blocked))
}
