//! A WebSocket's state between a connection's stream and its lines: 24 bytes, beside which nothing is
//! kept of one that is idle.
//!
//! What is owed goes as messages, each of whole lines: a head, and behind it a slice of the
//! transcript, in one write. Once a head was made its message's length never changes, however short
//! the writes are: it is counted down, and what the room says meanwhile is the next message's. That
//! works since what a connection is owed only grows at its end.

use std::io::IoSlice;

use bitflags::bitflags;
use memchr::{memchr, memrchr};

use super::disconnect::Disconnect;
use crate::layer::websocket::Code;
use crate::layer::websocket::decoder::{Control, Decoder, End};
use crate::layer::websocket::frame::{HEAD_BYTES_MAX, Head, put_pong};
use crate::tick::Tick;

/// Longest message sent, in bytes, unless a single line is longer: clients have bounds of their own,
/// of a megabyte and more.
const MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// How long a WebSocket may be silent before it is asked whether it is there, in seconds. Proxies cut
/// those on which nothing moves for a minute.
pub(super) const PING_AFTER_S: u16 = 30;

/// How long it may take to answer, in seconds.
pub(super) const PONG_S: u16 = 30;

bitflags! {
    /// What has to be remembered of a WebSocket.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    struct Flags: u8 {
        /// There is input that no event will announce.
        const PENDING = 1;
        /// It is to be asked whether it is there.
        const PING_DUE = 1 << 1;
        /// It was asked, or is about to be.
        const PINGED = 1 << 2;
        /// It is to be told in JSON once it has given the password.
        const JSON = 1 << 3;
        /// Behind what it is owed it is told that no more comes.
        const CLOSING = 1 << 4;
        /// It was told so.
        const CLOSED = 1 << 5;
    }
}

/// What stands between a WebSocket's stream and its lines.
#[derive(Debug)]
pub struct Framed {
    decoder: Decoder,
    /// How many bytes of the message under way are still to be sent.
    owed: u32,
    /// How many bytes of its head are.
    head: u8,
    flags: Flags,
    /// When something last came, in whole seconds; wraps.
    heard_s: u16,
}

/// What control frames need while they are on their way.
#[derive(Debug, Default)]
pub(super) struct Between {
    /// What has come.
    pub(super) control: Option<Box<Control>>,
    /// The rest of one that was sent in part.
    pub(super) unsent: Vec<u8>,
}

impl Between {
    pub(super) fn is_idle(&self) -> bool {
        self.unsent.is_empty()
            && self
                .control
                .as_ref()
                .is_none_or(|control| control.is_idle())
    }

    /// Returns whether something is to be sent.
    pub(super) fn owes(&self) -> bool {
        let control = self.control.as_ref();
        !self.unsent.is_empty() || control.is_some_and(|control| control.has_ping())
    }

    /// Makes a frame of the answer to the last ping, behind whatever is to be sent before it.
    pub(super) fn draw(&mut self) {
        if self.unsent.is_empty()
            && let Some(control) = &mut self.control
            && let Some(payload) = control.take_ping()
        {
            put_pong(&payload, &mut self.unsent);
        }
    }
}

/// What is to be done about a WebSocket on which nothing has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Silent {
    /// Nothing.
    NotLong,
    /// It is asked whether it is there.
    Ask,
    /// It hasn't answered.
    Gone,
}

impl Framed {
    /// Returns the state of a WebSocket that has just been opened; one that `wants_json` is told of
    /// the room so.
    #[must_use]
    pub fn new(wants_json: bool, now: Tick) -> Self {
        let mut flags = Flags::empty();
        flags.set(Flags::JSON, wants_json);
        Self {
            decoder: Decoder::default(),
            owed: 0,
            head: 0,
            flags,
            heard_s: now.whole_s() as u16,
        }
    }

    pub(super) fn decoder(&mut self) -> &mut Decoder {
        &mut self.decoder
    }

    /// Returns how the client's frames have ended, if they have.
    pub(super) fn end(&self) -> Option<End> {
        self.decoder.end()
    }

    pub(super) fn wants_json(&self) -> bool {
        self.flags.contains(Flags::JSON)
    }

    /// Takes note that something came; `pending` says whether more may be there that no event will
    /// announce.
    pub(super) fn heard(&mut self, pending: bool, now: Tick) {
        self.heard_s = now.whole_s() as u16;
        self.flags.remove(Flags::PINGED | Flags::PING_DUE);
        self.set_pending(pending);
    }

    pub(super) fn set_pending(&mut self, pending: bool) {
        self.flags.set(Flags::PENDING, pending);
    }

    /// Returns whether there is input that no event will announce.
    pub(super) fn has_pending(&self) -> bool {
        self.flags.contains(Flags::PENDING)
    }

    /// Looks whether it has been silent for too long. One that reads nothing is somebody else's
    /// matter: it couldn't answer.
    pub(super) fn look(&mut self, blocked: bool, now: Tick) -> Silent {
        let now_s = now.whole_s() as u16;
        if blocked {
            self.heard_s = now_s;
        }
        let silent_s = now_s.wrapping_sub(self.heard_s);
        if silent_s < PING_AFTER_S {
            Silent::NotLong
        } else if !self.flags.contains(Flags::PINGED) {
            self.flags.insert(Flags::PINGED | Flags::PING_DUE);
            // However late it is asked, it has its time.
            self.heard_s = now_s.wrapping_sub(PING_AFTER_S);
            Silent::Ask
        } else if silent_s >= PING_AFTER_S + PONG_S {
            Silent::Gone
        } else {
            Silent::NotLong
        }
    }

    /// Returns whether it is to be asked whether it is there.
    pub(super) fn is_ping_due(&self) -> bool {
        self.flags.contains(Flags::PING_DUE)
    }

    pub(super) fn ping_sent(&mut self) {
        self.flags.remove(Flags::PING_DUE);
    }

    /// Lets nothing more be heard of it, and its last frame say why.
    pub(super) fn close(&mut self, why: Disconnect) {
        self.decoder.finish(code_of(why));
        self.flags.insert(Flags::CLOSING);
    }

    /// Returns whether it is to end.
    pub(super) fn is_closing(&self) -> bool {
        self.flags.contains(Flags::CLOSING)
    }

    /// Returns the code that its last frame says, if that is still to be sent.
    pub(super) fn close_due(&self) -> Option<Code> {
        if !self.is_closing() || self.flags.contains(Flags::CLOSED) {
            return None;
        }
        let (End::Closed(code) | End::Broken(code)) = self.decoder.end()?;
        Some(code)
    }

    pub(super) fn close_sent(&mut self) {
        self.flags.insert(Flags::CLOSED);
    }

    /// Returns whether a message was begun and not sent to its end.
    pub(super) fn is_within_a_message(&self) -> bool {
        self.owed > 0
    }

    /// Begins a message of what can be sent of `body`, which holds a whole line.
    pub(super) fn begin(&mut self, body: &[IoSlice<'_>]) {
        debug_assert!(!self.is_within_a_message());
        self.owed = message_bytes(body) as u32;
        self.head = Head::of_text(self.owed as usize).bytes().len() as u8;
    }

    /// Lists the rest of the head of the message under way, which is put in `head`, and of `body`
    /// what belongs to it; returns in how many pieces.
    pub(super) fn pieces<'a, const N: usize>(
        &self,
        head: &'a mut [u8; HEAD_BYTES_MAX],
        body: &'a [IoSlice<'_>],
        pieces: &mut [IoSlice<'a>; N],
    ) -> usize {
        let mut count = 0;
        if self.head > 0 {
            // Nothing of the message is sent before its head: its length is still what is owed.
            let whole = Head::of_text(self.owed as usize);
            let rest = &whole.bytes()[whole.bytes().len() - usize::from(self.head)..];
            head[..rest.len()].copy_from_slice(rest);
            pieces[count] = IoSlice::new(&head[..rest.len()]);
            count += 1;
        }
        let mut left = self.owed as usize;
        for piece in body {
            if left == 0 || count == N {
                break;
            }
            let length = piece.len().min(left);
            pieces[count] = IoSlice::new(&piece[..length]);
            count += 1;
            left -= length;
        }
        count
    }

    /// Takes note that so many bytes of what was [listed](Self::pieces) were sent, and returns how
    /// many of them aren't the head's.
    pub(super) fn sent(&mut self, bytes: usize) -> usize {
        let of_head = bytes.min(self.head.into());
        self.head -= of_head as u8;
        let of_body = bytes - of_head;
        self.owed -= of_body as u32;
        of_body
    }
}

/// Returns how long the next message is whose bytes `body` lists, and more: as long as may be, and at
/// the end of a line.
fn message_bytes(body: &[IoSlice<'_>]) -> usize {
    let mut start = 0;
    let mut best = None;
    for piece in body {
        let most = MESSAGE_BYTES_MAX.saturating_sub(start).min(piece.len());
        if let Some(at) = memrchr(b'\n', &piece[..most]) {
            best = Some(start + at + 1);
        }
        // Only where a line is longer than a message should be.
        if best.is_none()
            && let Some(at) = memchr(b'\n', &piece[most..])
        {
            return start + most + at + 1;
        }
        start += piece.len();
        if best.is_some() && start >= MESSAGE_BYTES_MAX {
            break;
        }
    }
    debug_assert!(best.is_some(), "there are whole lines only");
    best.unwrap_or(start)
}

/// Returns the code that tells a client why its connection ends.
fn code_of(why: Disconnect) -> Code {
    match why {
        Disconnect::Closed | Disconnect::Quit | Disconnect::Reset => Code::NORMAL,
        Disconnect::Shutdown => Code::GOING_AWAY,
        Disconnect::Crowded => Code::TRY_AGAIN,
        Disconnect::BrokenFrames => Code::PROTOCOL_ERROR,
        Disconnect::WrongProtocol
        | Disconnect::NameTimeout
        | Disconnect::IdleTimeout
        | Disconnect::SlowReader
        | Disconnect::Stalled
        | Disconnect::Kicked
        | Disconnect::Banned
        | Disconnect::Replaced
        | Disconnect::Guessing => Code::POLICY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(body: &[&str]) -> usize {
        let body: Vec<_> = body
            .iter()
            .map(|piece| IoSlice::new(piece.as_bytes()))
            .collect();
        message_bytes(&body)
    }

    #[test]
    fn its_state_is_small() {
        assert!(size_of::<Framed>() <= 24);
    }

    #[test]
    fn a_message_ends_at_a_line_end() {
        let half = "x".repeat(MESSAGE_BYTES_MAX / 2);
        let line = format!("{half}\n");
        assert_eq!(bytes_of(&["one\n"]), 4);
        assert_eq!(bytes_of(&["one\n", "two\nth", "ree\n"]), 14);
        // Room for one of them only, whatever it lies in.
        assert_eq!(bytes_of(&[&line, &line]), line.len());
        assert_eq!(bytes_of(&[&half, "\n", &line]), line.len());
        assert_eq!(bytes_of(&["a\n", &half, &half, "\nb\n"]), 2);
        // A line that is too long for a message goes alone all the same.
        let long = 2 * half.len() + 1;
        assert_eq!(bytes_of(&[&half, &half, "\nb\n"]), long);
        assert_eq!(bytes_of(&[&format!("{half}{half}x\nb\n")]), long + 1);
        assert_eq!(bytes_of(&[&half, &half, &half, "\n"]), 3 * half.len() + 1);
    }

    #[test]
    fn who_is_silent_is_asked_once_and_has_time_to_answer() {
        let at = Tick::from_whole_s;
        let mut framed = Framed::new(false, at(0));
        assert_eq!(framed.look(false, at(29)), Silent::NotLong);
        // However late that is seen.
        assert_eq!(framed.look(false, at(1000)), Silent::Ask);
        assert!(framed.is_ping_due());
        framed.ping_sent();
        assert_eq!(framed.look(false, at(1029)), Silent::NotLong);
        assert_eq!(framed.look(false, at(1030)), Silent::Gone);
        framed.heard(false, at(1030));
        assert_eq!(framed.look(false, at(1059)), Silent::NotLong);
        assert_eq!(framed.look(false, at(1060)), Silent::Ask);
        // It can't take the question.
        assert_eq!(framed.look(true, at(1200)), Silent::NotLong);
        assert_eq!(framed.look(false, at(1260)), Silent::Gone);
    }

    #[test]
    fn a_head_is_sent_whole_before_its_message_however_short_the_writes() {
        let line = format!("{}\n", "x".repeat(199));
        let (first, second) = line.split_at(70);
        for step in 1..=line.len() + 4 {
            let mut framed = Framed::new(false, Tick::START);
            let mut sent = Vec::new();
            let mut at = 0;
            while at < line.len() {
                let pieces = [
                    &first[at.min(70)..],
                    &second[at.saturating_sub(70)..],
                    "more\n",
                ];
                let body = pieces.map(|piece| IoSlice::new(piece.as_bytes()));
                if !framed.is_within_a_message() {
                    framed.begin(&body[..2]);
                }
                let mut head = [0; HEAD_BYTES_MAX];
                let mut listed = [IoSlice::new(&[]); 4];
                let count = framed.pieces(&mut head, &body, &mut listed);
                let bytes: Vec<u8> = listed[..count]
                    .iter()
                    .flat_map(|piece| piece.to_vec())
                    .collect();
                let taken = step.min(bytes.len());
                sent.extend_from_slice(&bytes[..taken]);
                at += framed.sent(taken);
            }
            assert!(!framed.is_within_a_message());
            assert_eq!(
                sent,
                [b"\x81\x7e\x00\xc8", line.as_bytes()].concat(),
                "{step}"
            );
        }
    }
}
