//! The way in: from bytes that have come to lines that the room has heard.

use std::io::ErrorKind;

use log::{debug, info};

use super::Hub;
use super::connection::{Effort, Flags};
use super::disconnect::Disconnect;
use super::limits::{
    CONNECTION_WORK_MAX, HELD_BYTES_MAX, NAME_WORK, NAMES_A_LINE, READ_BYTES, SCARCE_READ_BYTES,
    SLOTS_A_LINE,
};
use super::patience::{Flow, LOOK_AGAIN};
use super::standing::Stage;
use crate::line::command::Command;
use crate::line::input::{Reader, Typed};
use crate::line::wrong_protocol;
use crate::room::{Audience, Claim, Effect, MemberId, Notice};
use crate::stream::Stream;
use crate::tick::Tick;
use crate::wire::{Encoding, json};

/// How many frames that say nothing can be looked at in the time that a line takes, rounded down.
const IDLE_LINES_A_LINE: usize = 8;

/// Most reads after a write has failed, for the lines that came before the connection broke.
const LAST_READS_MAX: usize = 16;

impl<S: Stream> Hub<S> {
    /// Reads from a connection what its budget of a turn allows: one buffer full.
    pub(super) fn read(&mut self, id: MemberId) {
        if self.connections.slots.stage(id) == Stage::Lingering {
            return self.connections.drop_input(id);
        }
        let mut reader = std::mem::take(&mut self.reader);
        if self.hear_held(id, &mut reader) {
            self.read_with(id, &mut reader);
        }
        self.reader = reader;
    }

    fn read_with(&mut self, id: MemberId, reader: &mut Reader) {
        let scarce = self.connections.held_bytes > HELD_BYTES_MAX;
        let most = if scarce {
            SCARCE_READ_BYTES
        } else {
            READ_BYTES
        };
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let most = most.max(connection.space_bytes());
        let mut budget = most;
        while self.connections.slots.stage(id) != Stage::Closed && !self.must_wait(id) {
            let length = match self.fill(id, reader.space(most)) {
                Ok(0) => return self.hear_end(id, reader),
                Ok(length) => length,
                Err(ErrorKind::WouldBlock) => return self.resume_if_pending(id),
                Err(_) => return self.hear_break(id),
            };
            if !self.receive(id, reader, length) {
                return;
            }
            budget = budget.saturating_sub(length);
            if budget == 0 {
                return self.connections.resume_later(id);
            }
            // What comes after a short read makes a new event.
            let connection = self.connections.get_mut(id);
            if connection.is_none_or(|connection| connection.is_drained_by_a_short_read()) {
                return;
            }
        }
    }

    fn fill(&mut self, id: MemberId, space: &mut [u8]) -> Result<usize, ErrorKind> {
        let now = self.connections.now();
        let Some(connection) = self.connections.slots.get_mut(id) else {
            return Err(ErrorKind::NotConnected);
        };
        let mut effort = Effort::default();
        let pool = &mut self.connections.delivery.pool;
        let result = connection.fill(space, pool, now, &mut effort);
        self.work += effort.work;
        if effort.idle_lines > 0 {
            self.work += effort.idle_lines as usize / IDLE_LINES_A_LINE;
            let due = &mut connection.due;
            self.rate_limit.spend_on(effort.idle_lines, due, now);
        }
        if connection.owes_frames() {
            self.connections.queues.owed.push(id, connection);
        }
        result.map_err(|error| {
            match error.kind() {
                ErrorKind::WouldBlock => {}
                ErrorKind::InvalidData => {
                    let whence = self.connections.addresses.of(id);
                    info!("{whence}a connection has failed: {error}");
                }
                _ => debug!("reading from connection {id}: {error}"),
            }
            error.kind()
        })
    }

    /// Goes on later with a connection from which more was there than it was worth to read at once.
    fn resume_if_pending(&mut self, id: MemberId) {
        let connection = self.connections.get_mut(id);
        if connection.is_some_and(|connection| connection.has_pending()) {
            self.connections.resume_later(id);
        }
    }

    /// Ends a connection that is broken, or breaks the rules.
    fn hear_break(&mut self, id: MemberId) {
        let connection = self.connections.get_mut(id);
        let breaks_rules = connection.is_some_and(|connection| connection.has_broken_frames());
        let why = if breaks_rules {
            Disconnect::BrokenFrames
        } else {
            Disconnect::Reset
        };
        self.connections.close(id, why);
    }

    /// Hears what a connection said before a write to it failed, and closes it.
    pub(super) fn read_last_words(&mut self, id: MemberId) {
        if self.connections.slots.stage(id) == Stage::Closed {
            return;
        }
        let mut reader = std::mem::take(&mut self.reader);
        let mut goes_on = self.hear_held(id, &mut reader);
        for _ in 0..LAST_READS_MAX {
            if !goes_on {
                break;
            }
            let Ok(length @ 1..) = self.fill(id, reader.space(READ_BYTES)) else {
                break;
            };
            goes_on = self.receive(id, &mut reader, length);
        }
        self.reader = reader;
        let waits = Flags::PACED | Flags::RESUMING;
        let connection = self.connections.get_mut(id);
        if goes_on || connection.is_some_and(|connection| !connection.flags.intersects(waits)) {
            self.connections.close(id, Disconnect::Reset);
        }
        // Else its turn comes again, and with it the rest, up to its end.
    }

    /// Hears what was held back; returns whether reading may go on. Until it is heard, nothing that
    /// comes later may be: it would be taken for the start of a line.
    fn hear_held(&mut self, id: MemberId, reader: &mut Reader) -> bool {
        let Some(connection) = self.connections.get_mut(id) else {
            return false;
        };
        let held = connection.take_held(reader);
        self.connections.held_bytes -= held;
        held == 0 || self.hear(id, reader)
    }

    /// Puts a connection off that may not be heard at the moment, and returns whether it is so.
    /// It is heard again without an event.
    fn must_wait(&mut self, id: MemberId) -> bool {
        let now = self.connections.now();
        let Some(connection) = self.connections.get_mut(id) else {
            return true;
        };
        // What it is owed waits for it to read; flushing it resumes it.
        if connection.is_owed_too_much() {
            return true;
        }
        let due = connection.due;
        if self.rate_limit.is_over(due, now) {
            let news = self.pace(id, self.rate_limit.end_of_wait(due));
            self.connections.counters.slowed += u64::from(news);
            return true;
        }
        self.connections.look_if_due();
        // For the sake of few who are behind, bursts wait a little, and nobody else.
        let flow = self.connections.delivery.flow();
        if flow == Flow::NoBursts && self.rate_limit.is_in_a_burst(due, now) {
            self.pace(id, now + LOOK_AGAIN);
            return true;
        }
        if self.awaits_verdict(id) {
            // The verdict resumes it.
            return true;
        }
        let waits = self.all_wait();
        if waits {
            self.connections.resume_later(id);
        }
        waits
    }

    /// Hears a connection again at a certain time, and returns whether that is news.
    fn pace(&mut self, id: MemberId, until: Tick) -> bool {
        let connection = self.connections.get_mut(id);
        let Some(connection) = connection.filter(|c| !c.flags.contains(Flags::PACED)) else {
            return false;
        };
        connection.flags.insert(Flags::PACED);
        self.rate_limit.wait(id, until);
        true
    }

    /// Takes in the `length` bytes that `reader` was filled with; returns whether reading may go on.
    fn receive(&mut self, id: MemberId, reader: &mut Reader, length: usize) -> bool {
        reader.filled(length);
        self.connections.counters.bytes_in += length as u64;
        self.connections.filter(id, reader);
        self.hear(id, reader)
    }

    /// Hears the lines that `reader` has, as many as a connection's budget allows; returns whether
    /// reading may go on.
    fn hear(&mut self, id: MemberId, reader: &mut Reader) -> bool {
        let work_before = self.work;
        self.connections.begin_hearing(id, reader);
        let goes_on = loop {
            if !self.connections.slots.stage(id).is_open() {
                // It has left: nobody hears what it said behind that, but it may still be read.
                break true;
            }
            if self.work - work_before >= CONNECTION_WORK_MAX {
                self.connections.resume_later(id);
                break false;
            }
            if self.must_wait(id) {
                break false;
            }
            match reader.next_line(self.line_bytes_max(id)) {
                Some(typed) => self.hear_line(id, &typed),
                None => break true,
            }
        };
        self.connections.end_hearing(id, reader);
        goes_on
    }

    /// Hears the end of a stream: a last line without a line end counts.
    fn hear_end(&mut self, id: MemberId, reader: &mut Reader) {
        reader.filled(0);
        self.connections.begin_hearing(id, reader);
        if let Some(typed) = reader.last_line(self.line_bytes_max(id)) {
            self.hear_line(id, &typed);
        }
        if let Some(connection) = self.connections.get_mut(id) {
            connection.flags.insert(Flags::ENDED);
            self.connections.close(id, Disconnect::Closed);
        }
    }

    /// Returns the longest line that a connection may send, in bytes.
    fn line_bytes_max(&self, id: MemberId) -> usize {
        let max = self.limits.max_line_bytes;
        match self.connections.slots.encoding(id) {
            Encoding::Plain => max,
            Encoding::Json => json::line_bytes_max(max),
        }
    }

    fn hear_line(&mut self, id: MemberId, typed: &Typed<'_>) {
        let now = self.connections.now();
        if let Some(connection) = self.connections.get_mut(id) {
            self.rate_limit.spend(&mut connection.due, now);
        }
        self.work += 1;
        self.connections.counters.lines_in += 1;
        if self.connections.slots.encoding(id) == Encoding::Json {
            return self.hear_request(id, typed);
        }
        let nameless = self.connections.slots.stage(id) == Stage::Nameless;
        match *typed {
            Typed::TooLong => self.refuse_long_line(id, nameless),
            Typed::Line { bytes: [], .. } => {}
            // Whether a password is asked for or not: no password is this.
            Typed::Line {
                text: json::FIRST_LINE,
                ..
            } if nameless => self.speak_json(id),
            Typed::Line { bytes, .. } if nameless && self.connections.password.is_asked_of(id) => {
                match wrong_protocol::protocol_of(bytes) {
                    Some(protocol) => self.turn_away(id, protocol),
                    None => self.try_password(id, bytes),
                }
            }
            Typed::Line { bytes, text } if nameless => match wrong_protocol::protocol_of(bytes) {
                Some(protocol) => self.turn_away(id, protocol),
                None => self.enter(id, text),
            },
            Typed::Line { text, .. } => self.say(id, text),
        }
    }

    /// Takes a line for the password, and asks for a name if it is.
    fn try_password(&mut self, id: MemberId, line: &[u8]) {
        if self.connections.try_password(id, line) {
            self.ask_name(id);
        }
    }

    /// Asks a connection for a name, in the way it is told of the room.
    pub(super) fn ask_name(&mut self, id: MemberId) {
        let connection = self.connections.get_mut(id);
        if connection.is_some_and(|connection| connection.wants_json()) {
            self.speak_json(id);
        } else {
            self.connections.push(id, Effect::Prompt);
        }
    }

    fn refuse_long_line(&mut self, id: MemberId, nameless: bool) {
        let max_bytes = self.limits.max_line_bytes;
        let notice = Notice::LineTooLong { max_bytes };
        self.connections.push(id, Effect::Notice(notice));
        if nameless {
            self.connections.addresses.log_refused_name(id, notice);
            let ask = if self.connections.password.is_asked_of(id) {
                Effect::AskPassword
            } else {
                Effect::Prompt
            };
            self.connections.push(id, ask);
        }
    }

    /// Ends the connection of a program that has come to the wrong port.
    fn turn_away(&mut self, id: MemberId, protocol: &str) {
        let whence = self.connections.addresses.of(id);
        info!("{whence}a connection that speaks {protocol} is turned away");
        let page = self.page.as_deref().filter(|_| protocol == "HTTP");
        let notice = Notice::WrongProtocol { protocol, page };
        self.connections.push(id, Effect::Notice(notice));
        self.connections.close(id, Disconnect::WrongProtocol);
    }

    /// Takes a line for a name.
    fn enter(&mut self, id: MemberId, text: &str) {
        self.work += NAME_WORK;
        let now_ms = self.now_ms();
        let claim = Claim::parse(text);
        let audience = &mut self.connections;
        if let Some(event) = self.room.decide_name(id, claim, now_ms, audience) {
            self.happen(event);
        }
    }

    /// Lets the room decide what comes of a member's line, and happen what it decides.
    fn say(&mut self, id: MemberId, text: &str) {
        let command = self.command(id, text);
        let now_ms = self.now_ms();
        let audience = &mut self.connections;
        if let Some(event) = self.room.decide(id, command, now_ms, audience) {
            self.happen(event);
        }
    }

    /// Takes a member's line for what it asks for.
    pub(super) fn command<'t>(&mut self, id: MemberId, text: &'t str) -> Command<'t> {
        let now = self.connections.now();
        if let Some(connection) = self.connections.get_mut(id) {
            connection.set_heard(now);
        }
        let command = Command::parse(text);
        self.work += work_of(&command, self.connections.slots.used());
        command
    }
}

/// Returns how much work it is to do what `command` asks for in a room of so many slots, in lines
/// beside the one it is.
fn work_of(command: &Command<'_>, slots: usize) -> usize {
    match command {
        Command::Nothing | Command::Say(_) | Command::Me(_) => 0,
        Command::Who(part) if !part.is_empty() => NAME_WORK + slots / NAMES_A_LINE,
        // The answer to /who looks at every slot.
        _ => NAME_WORK + slots / SLOTS_A_LINE,
    }
}
