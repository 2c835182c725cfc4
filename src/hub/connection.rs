//! One peer: its stream, its place in the transcript, and what little else it needs.
//!
//! What a connection is owed is the transcript from its cursor on, with *splices*: places where bytes
//! are left out (its own lines) or put in (its private lines). Nearly always there are none, and
//! a flush is one write of one slice. Everything rare lives in a box that is there only while
//! it is needed, so that an idle member costs 32 bytes.

mod framed;
mod transfer;

use std::net::IpAddr;
use std::ops::Range;

use bitflags::bitflags;

pub use self::transfer::Effort;
use super::extra::{Extra, HeardBefore, Pool, Talk};
use super::sealed::Sealed;
use super::standing::{Stage, Standing};
use crate::feed::Transcript;
use crate::feed::slow_readers::Sight;
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

    fn talk(&self) -> Option<&Talk> {
        self.extra.as_ref()?.talk.as_deref()
    }

    fn talk_mut(&mut self) -> Option<&mut Talk> {
        self.extra.as_mut()?.talk.as_deref_mut()
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

    /// Lets all that it reads and writes from here on go through `sealed`.
    pub fn seal(&mut self, sealed: Box<Sealed>, pool: &mut Pool) {
        pool.lend(&mut self.extra);
        if let Some(extra) = &mut self.extra {
            extra.sealed = Some(sealed);
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

    /// Returns whether its stream takes no more for now.
    pub fn is_blocked(&self) -> bool {
        self.flags.contains(Flags::BLOCKED)
    }

    /// Returns whether everything owed has been sent.
    pub fn is_settled(&self, transcript: &Transcript) -> bool {
        self.is_at_goal(transcript) && !self.has_unsent() && !self.owes_frames()
    }

    /// Returns whether it is owed nothing of the room, and nothing privately.
    fn is_at_goal(&self, transcript: &Transcript) -> bool {
        self.cursor >= self.goal(transcript) && !self.has_splices()
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
        if let Some(talk) = self.talk_mut() {
            talk.splices.move_to(cursor);
        }
        pool.lend(&mut self.extra).splices.insert(cursor, greeting);
    }

    /// Takes note of what it has heard of the room before it came.
    pub fn set_heard_before(&mut self, heard: HeardBefore, pool: &mut Pool) {
        pool.lend(&mut self.extra).heard_before = Some(heard);
    }

    /// Takes out what it has heard of the room before it came.
    pub fn take_heard_before(&mut self) -> Option<HeardBefore> {
        self.talk_mut()?.heard_before.take()
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
        if let Some(talk) = self.talk_mut() {
            talk.input.clear();
            talk.until = Some(until);
            talk.deadline = deadline;
        }
    }

    /// Returns until when it may read what it is owed, if it has left and has a deadline of its own.
    pub fn drain_deadline(&self) -> Option<Tick> {
        let has_left = matches!(self.stage(), Stage::Draining | Stage::Lingering);
        self.talk().filter(|_| has_left)?.deadline
    }

    /// Returns how many private bytes wait for it.
    pub fn private_len(&self) -> usize {
        self.talk().map_or(0, |talk| talk.splices.private_len())
    }

    /// Returns whether it has to read before it may say more: its answers pile up, or the places
    /// where its own lines are left out.
    pub fn is_owed_too_much(&self) -> bool {
        self.talk().is_some_and(Talk::is_owed_too_much)
    }

    /// Returns where it stands, to see later how much it has taken since.
    pub fn sight(&self) -> Sight {
        let talk = self.talk();
        Sight {
            cursor: self.cursor,
            private: talk.map_or(0, |talk| talk.splices.private_taken()),
        }
    }

    /// Returns what is kept of its input, if anything is.
    pub fn input(&self) -> Option<&Input> {
        self.talk().map(|talk| &talk.input)
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
        reader.begin(self.talk_mut().map(|talk| &mut talk.input));
    }

    /// Keeps what `reader` has left, and returns how many bytes of it are held back. Of who has
    /// left, nothing is kept.
    pub fn end_hearing(&mut self, reader: &mut Reader, pool: &mut Pool) -> usize {
        if !self.stage().is_open() || (self.talk().is_none() && !reader.has_rest()) {
            return 0;
        }
        let held = reader.end(&mut pool.lend(&mut self.extra).input);
        self.retire_extra(pool);
        held
    }

    /// Hands the input that was held back to `reader`, and returns how many bytes it is.
    pub fn take_held(&mut self, reader: &mut Reader) -> usize {
        match self.talk_mut() {
            Some(talk) if talk.input.held_len() > 0 => reader.take_held(&mut talk.input),
            _ => 0,
        }
    }

    /// Returns the end of what it may hear.
    fn goal(&self, transcript: &Transcript) -> u64 {
        match self.stage() {
            Stage::Member => transcript.end(),
            Stage::Draining => {
                let talk = self.talk();
                let until = talk.and_then(|talk| talk.until);
                until.unwrap_or_else(|| transcript.end())
            }
            Stage::Nameless | Stage::Lingering | Stage::Closed => self.cursor,
        }
    }

    fn has_splices(&self) -> bool {
        self.talk().is_some_and(|talk| !talk.splices.is_empty())
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
