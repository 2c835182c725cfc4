//! One peer: its stream, its place in the transcript, and what little else it needs.
//!
//! What a connection is owed is the transcript from its cursor on, with *splices*: places where bytes
//! are left out (its own lines) or put in (its private lines). Nearly always there are none, and
//! a flush is one write of one slice. Everything rare lives in a box that is there only while
//! it is needed, so that an idle member costs 32 bytes.

use std::io::{self, ErrorKind, IoSlice};
use std::net::IpAddr;
use std::ops::Range;

use bitflags::bitflags;

use super::extra::{Extra, HeardBefore, Pool};
use super::standing::{Stage, Standing};
use crate::feed::Transcript;
use crate::feed::slow_readers::Sight;
use crate::feed::splices::SLICES_MAX;
use crate::line::input::{Input, Reader};
use crate::stream::Stream;
use crate::tick::Tick;
use crate::wire::Encoding;

/// Most reads at once to drop input.
const DROPS_MAX: usize = 64;

bitflags! {
    /// What has to be remembered of a connection from one event to the next.
    #[derive(Debug, Clone, Copy)]
    pub struct Flags: u8 {
        /// The last write was cut short: the next one waits until the stream is writable.
        const BLOCKED = 1;
        /// A short read doesn't mean that nothing is left: the peer has closed its side, or sent
        /// urgent data, at whose mark the kernel cuts a read short.
        const READ_UNTIL_EMPTY = 1 << 1;
        /// It is in the queue of those to read from again.
        const RESUMING = 1 << 2;
        /// It waits until its rate allows it to be heard.
        const PACED = 1 << 3;
        /// It is watched until it has caught up.
        const WATCHED = 1 << 4;
        /// It is in the queue of those who may be owed private bytes.
        const OWED = 1 << 5;
        /// Its stream has been read to its end.
        const ENDED = 1 << 6;
        /// It goes on sending, or takes long to read: closing at once would take back what it has
        /// been sent (RFC 1122, 4.2.2.13).
        const LINGERS = 1 << 7;
    }
}

/// One peer. Generic over its stream, so that all of this runs without sockets, too.
#[derive(Debug)]
pub struct Connection<S> {
    stream: S,
    standing: Standing,
    /// What has to be remembered of it.
    pub flags: Flags,
    /// When it was last heard, in whole seconds; wraps.
    heard_s: u16,
    /// When it has paid for all it has said; see [`RateLimit`](super::rate_limit::RateLimit).
    pub due: Tick,
    cursor: u64,
    extra: Option<Box<Extra>>,
}

impl<S> Connection<S> {
    /// Returns how far it has come.
    pub fn stage(&self) -> Stage {
        self.standing.stage()
    }

    /// Returns how it is told of the room.
    pub fn encoding(&self) -> Encoding {
        self.standing.encoding()
    }
}

impl<S: Stream> Connection<S> {
    /// Returns a connection that has just been accepted.
    pub fn new(stream: S, now: Tick) -> Self {
        Self {
            stream,
            standing: Standing::default(),
            flags: Flags::empty(),
            heard_s: now.whole_s() as u16,
            due: Tick::START,
            cursor: 0,
            extra: None,
        }
    }

    /// Tells it of the room in JSON from here on, where it has no name yet.
    pub fn speak_json(&mut self) {
        debug_assert!(
            self.stage() == Stage::Nameless,
            "its cursor is another feed's"
        );
        self.standing.set_encoding(Encoding::Json);
    }

    /// Lets nothing more be read or written, and returns whether that is news.
    pub fn shut(&mut self) -> bool {
        let news = self.stage() != Stage::Closed;
        self.standing.set_stage(Stage::Closed);
        news
    }

    /// Reads what is there, at most as much as there is space for. 0 is the orderly end of the
    /// stream.
    ///
    /// # Errors
    /// As the stream says; `WouldBlock` when nothing is there.
    pub fn fill(&mut self, space: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.stream.read(space) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    /// Returns whether a read that took less than there was space for has left nothing.
    pub fn is_drained_by_a_short_read(&self) -> bool {
        !self.flags.contains(Flags::READ_UNTIL_EMPTY) && !self.stream.has_pending()
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
                    let mut pieces = [IoSlice::new(&[]); SLICES_MAX];
                    let splices = &extra.splices;
                    let (count, offered) =
                        splices.gather(self.cursor, goal, transcript, &mut pieces);
                    if offered == 0 {
                        (0, Ok(0))
                    } else {
                        (offered, self.stream.write_vectored(&pieces[..count]))
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
        self.push_unsent()?;
        self.retire_extra(pool);
        Ok(sent)
    }

    /// Hands to the system what the stream has taken and not passed on.
    fn push_unsent(&mut self) -> io::Result<()> {
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

    /// Returns whether its stream takes no more for now.
    pub fn is_blocked(&self) -> bool {
        self.flags.contains(Flags::BLOCKED)
    }

    /// Returns whether everything owed has been sent.
    pub fn is_settled(&self, transcript: &Transcript) -> bool {
        self.cursor >= self.goal(transcript) && !self.has_splices() && !self.stream.has_unsent()
    }

    /// Returns whether lines that it is owed have fallen off the transcript.
    pub fn is_overrun(&self, transcript: &Transcript) -> bool {
        self.cursor < transcript.start() && self.cursor < self.goal(transcript)
    }

    /// Returns where it comes from, if that is known.
    pub fn address(&self) -> Option<IpAddr> {
        self.stream.address()
    }

    /// Takes note that it was heard.
    pub fn set_heard(&mut self, now: Tick) {
        self.heard_s = now.whole_s() as u16;
    }

    /// Returns for how many whole seconds it has been silent; right for timeouts up to half of what
    /// 16 bits hold.
    pub fn silent_s(&self, now: Tick) -> u16 {
        (now.whole_s() as u16).wrapping_sub(self.heard_s)
    }

    /// Returns whether it came, without having given a name since, in second `since_s`.
    pub fn is_nameless_since(&self, since_s: u64) -> bool {
        self.stage() == Stage::Nameless && self.heard_s == since_s as u16
    }

    /// Puts it into the room: it hears the transcript from `cursor` on, `greeting` first.
    pub fn enter(&mut self, cursor: u64, greeting: &[u8], pool: &mut Pool) {
        self.standing.set_stage(Stage::Member);
        self.cursor = cursor;
        if let Some(extra) = &mut self.extra {
            extra.splices.move_to(cursor);
        }
        pool.lend(&mut self.extra).splices.insert(cursor, greeting);
    }

    /// Takes note of what it has heard of the room before it came.
    pub fn set_heard_before(&mut self, heard: HeardBefore, pool: &mut Pool) {
        pool.lend(&mut self.extra).heard_before = Some(heard);
    }

    /// Takes out what it has heard of the room before it came.
    pub fn take_heard_before(&mut self) -> Option<HeardBefore> {
        self.extra.as_mut()?.heard_before.take()
    }

    /// Owes it `bytes` that nobody else hears, after all that the room has heard so far.
    pub fn tell(&mut self, bytes: &[u8], transcript: &Transcript, pool: &mut Pool) {
        let goal = self.goal(transcript);
        pool.lend(&mut self.extra).splices.insert(goal, bytes);
    }

    /// Leaves a line that it has said itself, the newest of the transcript, out of what it hears.
    pub fn skip(&mut self, line: Range<u64>, pool: &mut Pool) {
        if !self.has_splices() && self.cursor == line.start {
            self.cursor = line.end;
        } else {
            pool.lend(&mut self.extra).splices.skip(line);
        }
    }

    /// Lets it hear what the room has said so far, until `deadline`, and no more; without one, until
    /// the transcript's end, which stays where it is. What it has sent and nobody has heard is
    /// forgotten.
    pub fn drain(&mut self, deadline: Option<Tick>, transcript: &Transcript, pool: &mut Pool) {
        let until = self.goal(transcript);
        self.standing.set_stage(Stage::Draining);
        if deadline.is_some() {
            pool.lend(&mut self.extra);
        }
        if let Some(extra) = &mut self.extra {
            extra.input.clear();
            extra.until = until;
            extra.deadline = deadline;
        }
    }

    /// Returns until when it may read what it is owed, if it has left and has a deadline of its own.
    pub fn drain_deadline(&self) -> Option<Tick> {
        let has_left = matches!(self.stage(), Stage::Draining | Stage::Lingering);
        self.extra.as_ref().filter(|_| has_left)?.deadline
    }

    /// Tells it that no more comes, and drops what it has sent meanwhile. Returns whether it can be
    /// closed.
    pub fn finish(&mut self) -> bool {
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
        let extra = self.extra.as_ref();
        extra.map_or(0, |extra| extra.splices.private_len())
    }

    /// Returns whether it has to read before it may say more: its answers pile up, or the places
    /// where its own lines are left out.
    pub fn is_owed_too_much(&self) -> bool {
        self.extra.as_deref().is_some_and(Extra::is_owed_too_much)
    }

    /// Returns where it stands, to see later how much it has taken since.
    pub fn sight(&self) -> Sight {
        let extra = self.extra.as_ref();
        Sight {
            cursor: self.cursor,
            private: extra.map_or(0, |extra| extra.splices.private_taken()),
        }
    }

    /// Returns what is kept of its input, if anything is.
    pub fn input(&self) -> Option<&Input> {
        self.extra.as_ref().map(|extra| &extra.input)
    }

    /// Takes telnet's own talk out of what `reader` was filled with; see [`Input::filter`].
    /// Returns whether that was needed, and in it whether it asked "are you there".
    pub fn filter(&mut self, reader: &mut Reader, pool: &mut Pool) -> Option<bool> {
        let needed = Input::needs_filter(self.input(), reader);
        needed.then(|| pool.lend(&mut self.extra).input.filter(reader))
    }

    /// Lets `reader` go on with the line whose end has not come.
    pub fn begin_hearing(&mut self, reader: &mut Reader, pool: &mut Pool) {
        if reader.ends_within_a_line() {
            // Something will be kept: a box kept for reuse has the memory for it.
            pool.lend(&mut self.extra);
        }
        reader.begin(self.extra.as_mut().map(|extra| &mut extra.input));
    }

    /// Keeps what `reader` has left, and returns how many bytes of it are held back. Of who has
    /// left, nothing is kept.
    pub fn end_hearing(&mut self, reader: &mut Reader, pool: &mut Pool) -> usize {
        if !self.stage().is_open() || (self.extra.is_none() && !reader.has_rest()) {
            return 0;
        }
        let held = reader.end(&mut pool.lend(&mut self.extra).input);
        self.retire_extra(pool);
        held
    }

    /// Hands the input that was held back to `reader`, and returns how many bytes it is.
    pub fn take_held(&mut self, reader: &mut Reader) -> usize {
        match &mut self.extra {
            Some(extra) if extra.input.held_len() > 0 => reader.take_held(&mut extra.input),
            _ => 0,
        }
    }

    /// Returns the end of what it may hear.
    fn goal(&self, transcript: &Transcript) -> u64 {
        match self.stage() {
            Stage::Member => transcript.end(),
            Stage::Draining => {
                let extra = self.extra.as_ref();
                extra.map_or_else(|| transcript.end(), |extra| extra.until)
            }
            Stage::Nameless | Stage::Lingering | Stage::Closed => self.cursor,
        }
    }

    fn has_splices(&self) -> bool {
        let extra = self.extra.as_ref();
        extra.is_some_and(|extra| !extra.splices.is_empty())
    }

    /// Moves the cursor behind `written` bytes that were sent, and behind what needs no sending.
    fn advance(&mut self, written: usize, goal: u64) {
        self.cursor = match &mut self.extra {
            Some(extra) => extra.splices.advance(self.cursor, written, goal),
            None => self.cursor + written as u64,
        };
    }

    /// Gives the box back when nothing in it is needed.
    fn retire_extra(&mut self, pool: &mut Pool) {
        match self.stage() {
            Stage::Draining => {
                let lingers = self.flags.contains(Flags::LINGERS) || self.is_blocked();
                self.flags.set(Flags::LINGERS, lingers);
            }
            // The box holds its deadline.
            Stage::Lingering => {}
            _ => pool.take_back(&mut self.extra),
        }
    }
}
