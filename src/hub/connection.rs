//! One peer: its stream, its place in the transcript, and what little else it needs.
//!
//! What a connection is owed is the transcript from its cursor on, with *splices*: places where bytes
//! are left out (its own lines) or put in (its private lines). Nearly always there are none, and
//! a flush is one write of one slice. Everything rare lives in a box that is there only while
//! it is needed, so that an idle member costs 32 bytes.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
use std::ops::Range;
use std::time::Instant;

use bitflags::bitflags;
use mio::net::TcpStream;

use crate::feed::splices::{SLICES_MAX, Splices};
use crate::line::framing::Unfinished;
use crate::line::telnet::{Answer, Telnet};
use crate::room::Transcript;

/// Most reads at once to drop input.
const DROPS_MAX: usize = 16;

/// Boxes kept for reuse, so that talking allocates nothing once warm.
const POOL_MAX: usize = 512;

/// Largest buffer, in bytes, that a box kept for reuse may hold.
const POOL_BYTES_MAX: usize = 512;

/// How far a connection has come. `Nameless -> Member -> Draining -> Lingering -> Closed`; any
/// stage may be left out but the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It has not given a name yet, and hears nothing of the room.
    Nameless,
    /// It is in the room.
    Member,
    /// It has left; what it is owed is still being sent.
    Draining,
    /// It has been sent all and told that no more comes; what it still sends is dropped.
    Lingering,
    /// Nothing more is read or written; its slot is freed at the end of the turn.
    Closed,
}

bitflags! {
    /// What has to be remembered of a connection from one event to the next.
    #[derive(Debug, Clone, Copy)]
    pub struct Flags: u8 {
        /// The last write was cut short: the next one waits until the stream is writable.
        const BLOCKED = 1;
        /// A short read doesn't mean that nothing is left: the peer has closed its side, or sent
        /// urgent data, at whose mark the kernel cuts a read short.
        const READ_UNTIL_EMPTY = 1 << 1;
        /// It is on the hub's list of those to read from again.
        const RESUMING = 1 << 2;
        /// It waits until its rate allows it to be heard.
        const PACED = 1 << 3;
        /// It is watched until it has caught up.
        const WATCHED = 1 << 4;
        /// It is on the hub's list of those who may be owed private bytes.
        const OWED = 1 << 5;
        /// Its stream has been read to its end.
        const ENDED = 1 << 6;
        /// It goes on sending, or takes long to read: closing at once would take back what it has
        /// been sent (RFC 1122, 4.2.2.13).
        const LINGERS = 1 << 7;
    }
}

/// What a connection reads from and writes to.
pub trait Stream: Read + Write {
    /// Tells the peer that no more comes, behind all that has been written.
    ///
    /// # Errors
    /// As the system says: the connection is broken.
    fn finish(&mut self) -> io::Result<()>;
}

impl Stream for TcpStream {
    fn finish(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

/// One peer. Generic over its stream, so that all of this runs without sockets, too.
#[derive(Debug)]
pub struct Connection<S> {
    stream: S,
    /// Where it stands.
    pub stage: Stage,
    /// What has to be remembered of it.
    pub flags: Flags,
    /// When it was last heard, in whole seconds of the hub's time; wraps.
    pub heard_s: u16,
    /// When it has paid for all it has said; see [`RateLimit`](super::rate_limit::RateLimit).
    pub due_ns: u64,
    cursor: u64,
    extra: Option<Box<Extra>>,
}

/// What only few connections have at any moment.
#[derive(Debug, Default)]
struct Extra {
    unfinished: Unfinished,
    /// Input already received whose turn has not come.
    held: Vec<u8>,
    telnet: Telnet,
    splices: Splices,
    /// Where in the transcript a draining connection's claim ends, and when.
    until: u64,
    deadline: Option<Instant>,
}

/// Boxes that were needed once and will be again.
#[expect(clippy::vec_box, reason = "the boxes are what is kept for reuse")]
#[derive(Debug, Default)]
pub struct Pool(Vec<Box<Extra>>);

impl<S: Stream> Connection<S> {
    /// Returns a connection that has just been accepted.
    pub fn new(stream: S, now_s: u16) -> Self {
        Self {
            stream,
            stage: Stage::Nameless,
            flags: Flags::empty(),
            heard_s: now_s,
            due_ns: 0,
            cursor: 0,
            extra: None,
        }
    }

    /// Reads what is there, at most `scratch.len()` bytes. 0 is the orderly end of the stream.
    ///
    /// # Errors
    /// As the stream says; `WouldBlock` when nothing is there.
    pub fn fill(&mut self, scratch: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.stream.read(scratch) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    /// Writes what is owed, in as few writes as the stream allows, and returns how many bytes
    /// went. When the stream takes no more, the connection is blocked afterwards.
    ///
    /// # Errors
    /// As the stream says: the connection is broken.
    pub fn flush(&mut self, transcript: &Transcript, pool: &mut Pool) -> io::Result<usize> {
        debug_assert!(!self.is_overrun(transcript), "would tear a line");
        let mut sent = 0;
        while !self.is_blocked() {
            let goal = self.goal(transcript);
            let (offered, result) = match &self.extra {
                Some(extra) if !extra.splices.is_empty() => {
                    let mut slices = [IoSlice::new(&[]); SLICES_MAX];
                    let (count, offered) =
                        extra
                            .splices
                            .gather(self.cursor, goal, transcript, &mut slices);
                    if offered == 0 {
                        (0, Ok(0))
                    } else {
                        (offered, self.stream.write_vectored(&slices[..count]))
                    }
                }
                _ if self.cursor < goal => {
                    let (slice, _) = transcript.bytes(self.cursor..goal);
                    (slice.len(), self.stream.write(slice))
                }
                _ => break,
            };
            match result {
                Ok(0) if offered > 0 => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => {
                    self.advance(written, goal);
                    sent += written;
                    self.flags.set(Flags::BLOCKED, written < offered);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.flags.insert(Flags::BLOCKED);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.retire_extra(pool);
        Ok(sent)
    }

    /// Returns whether its stream takes no more for now.
    pub fn is_blocked(&self) -> bool {
        self.flags.contains(Flags::BLOCKED)
    }

    /// Returns the offset before which it has been sent the transcript.
    pub fn cursor(&self) -> u64 {
        self.cursor
    }

    /// Returns whether everything owed has been sent.
    pub fn is_settled(&self, transcript: &Transcript) -> bool {
        self.cursor >= self.goal(transcript)
            && self
                .extra
                .as_ref()
                .is_none_or(|extra| extra.splices.is_empty())
    }

    /// Returns whether lines that it is owed have fallen off the transcript.
    pub fn is_overrun(&self, transcript: &Transcript) -> bool {
        self.cursor < transcript.start() && self.cursor < self.goal(transcript)
    }

    /// Puts it into the room: it hears the transcript from `cursor` on, `greeting` first.
    pub fn enter(&mut self, cursor: u64, greeting: &[u8], pool: &mut Pool) {
        self.stage = Stage::Member;
        self.cursor = cursor;
        if let Some(extra) = &mut self.extra {
            extra.splices.move_to(cursor);
        }
        self.extra_mut(pool).splices.insert(cursor, greeting);
    }

    /// Owes it `bytes` that nobody else hears, after all that the room has heard so far.
    pub fn tell(&mut self, bytes: &[u8], transcript: &Transcript, pool: &mut Pool) {
        let goal = self.goal(transcript);
        self.extra_mut(pool).splices.insert(goal, bytes);
    }

    /// Leaves a line that it has said itself, the newest of the transcript, out of what it hears.
    pub fn skip(&mut self, line: Range<u64>, pool: &mut Pool) {
        let unedited = self
            .extra
            .as_ref()
            .is_none_or(|extra| extra.splices.is_empty());
        if unedited && self.cursor == line.start {
            self.cursor = line.end;
        } else {
            self.extra_mut(pool).splices.skip(line);
        }
    }

    /// Lets it hear what the room has said so far, until `deadline`, and no more. What it has sent
    /// and nobody has heard is forgotten.
    pub fn drain(&mut self, deadline: Instant, transcript: &Transcript, pool: &mut Pool) {
        let until = self.goal(transcript);
        let extra = self.extra_mut(pool);
        extra.unfinished.clear();
        extra.held.clear();
        extra.until = until;
        extra.deadline = Some(deadline);
        self.stage = Stage::Draining;
    }

    /// Returns until when it may read what it is owed, if it has left.
    pub fn drain_deadline(&self) -> Option<Instant> {
        let has_left = matches!(self.stage, Stage::Draining | Stage::Lingering);
        self.extra.as_ref().filter(|_| has_left)?.deadline
    }

    /// Tells it that no more comes, and drops what it has sent meanwhile; `scratch` is where that
    /// goes. Returns whether it can be closed: nothing more is to be waited for.
    pub fn finish(&mut self, scratch: &mut [u8]) -> bool {
        if self.flags.contains(Flags::ENDED) || self.stream.finish().is_err() {
            return true;
        }
        self.stage = Stage::Lingering;
        self.drop_input(scratch) || !self.flags.contains(Flags::LINGERS)
    }

    /// Drops input, a bounded part of it at once, and returns whether it has ended.
    pub fn drop_input(&mut self, scratch: &mut [u8]) -> bool {
        for _ in 0..DROPS_MAX {
            match self.fill(scratch) {
                Ok(1..) => self.flags.insert(Flags::LINGERS),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                Ok(0) | Err(_) => return true,
            }
        }
        false
    }

    /// Returns how many private bytes wait for it.
    pub fn private_len(&self) -> usize {
        self.extra
            .as_ref()
            .map_or(0, |extra| extra.splices.private_len())
    }

    /// Returns a number that grows with the private bytes that its stream takes.
    pub fn private_taken(&self) -> u64 {
        self.extra
            .as_ref()
            .map_or(0, |extra| extra.splices.private_taken())
    }

    /// Takes telnet's own talk out of `chunk`, and returns what is left of it. What is to be
    /// answered is added to `refusals`; the second value tells whether it asked "are you there".
    pub fn filter<'c>(
        &mut self,
        chunk: &'c mut [u8],
        refusals: &mut Vec<u8>,
        pool: &mut Pool,
    ) -> (&'c [u8], bool) {
        let mut asked = false;
        if !Telnet::needed(self.extra.as_deref().map(|extra| &extra.telnet), chunk) {
            return (chunk, asked);
        }
        let kept = self
            .extra_mut(pool)
            .telnet
            .filter(chunk, |answer| match answer {
                Answer::Refuse(refusal) => refusals.extend_from_slice(&refusal),
                Answer::Here => asked = true,
            });
        (&chunk[..kept], asked)
    }

    /// Takes out the line whose end has not come, for `data` to be added to it.
    pub fn take_unfinished(&mut self, data: &[u8], pool: &mut Pool) -> Unfinished {
        if data.last().is_some_and(|&byte| byte != b'\n') {
            // Something will be kept: a box kept for reuse has the memory for it.
            self.extra_mut(pool);
        }
        self.extra
            .as_mut()
            .map(|extra| std::mem::take(&mut extra.unfinished))
            .unwrap_or_default()
    }

    /// Puts back what [`Self::take_unfinished`] took out.
    pub fn put_unfinished(&mut self, unfinished: Unfinished, pool: &mut Pool) {
        if self.extra.is_some() || !unfinished.is_empty() {
            self.extra_mut(pool).unfinished = unfinished;
            self.retire_extra(pool);
        }
    }

    /// Returns how many bytes of an unfinished line are kept.
    pub fn unfinished_len(&self) -> usize {
        self.extra
            .as_ref()
            .map_or(0, |extra| extra.unfinished.len())
    }

    /// Returns how many bytes of input are held back.
    pub fn held_len(&self) -> usize {
        self.extra.as_ref().map_or(0, |extra| extra.held.len())
    }

    /// Takes out the input that was held back.
    pub fn take_held(&mut self) -> Vec<u8> {
        self.extra
            .as_mut()
            .map(|extra| std::mem::take(&mut extra.held))
            .unwrap_or_default()
    }

    /// Holds input back until its turn comes.
    pub fn hold(&mut self, input: &[u8], pool: &mut Pool) {
        self.extra_mut(pool).held.extend_from_slice(input);
    }

    /// Returns the end of what it may hear.
    fn goal(&self, transcript: &Transcript) -> u64 {
        match self.stage {
            Stage::Member => transcript.end(),
            Stage::Draining => self.extra.as_ref().map_or(self.cursor, |extra| extra.until),
            Stage::Nameless | Stage::Lingering | Stage::Closed => self.cursor,
        }
    }

    /// Moves the cursor behind `written` bytes that were sent, and behind what needs no sending.
    fn advance(&mut self, written: usize, goal: u64) {
        self.cursor = match &mut self.extra {
            Some(extra) => extra.splices.advance(self.cursor, written, goal),
            None => self.cursor + written as u64,
        };
    }

    fn extra_mut(&mut self, pool: &mut Pool) -> &mut Extra {
        self.extra
            .get_or_insert_with(|| pool.0.pop().unwrap_or_default())
    }

    /// Gives the box back when nothing in it is needed.
    fn retire_extra(&mut self, pool: &mut Pool) {
        if self.stage == Stage::Draining {
            self.flags.set(
                Flags::LINGERS,
                self.flags.contains(Flags::LINGERS) || self.is_blocked(),
            );
            return;
        }
        if self.stage == Stage::Lingering {
            // The box holds its deadline.
            return;
        }
        if let Some(extra) = &mut self.extra {
            extra.shrink();
        }
        if let Some(extra) = self.extra.take_if(|extra| extra.is_idle())
            && pool.0.len() < POOL_MAX
            && extra.capacity() <= POOL_BYTES_MAX
        {
            pool.0.push(extra);
        }
    }
}

impl Extra {
    /// Gives large buffers back that are empty, where something else keeps the box.
    fn shrink(&mut self) {
        self.splices.shrink(POOL_BYTES_MAX);
        if self.held.is_empty() && self.held.capacity() > POOL_BYTES_MAX {
            self.held = Vec::new();
        }
    }

    fn is_idle(&self) -> bool {
        self.splices.is_empty()
            && self.unfinished.is_empty()
            && self.held.is_empty()
            && self.telnet.is_idle()
    }

    fn capacity(&self) -> usize {
        self.unfinished.capacity() + self.held.capacity() + self.splices.capacity()
    }
}
