//! The way in: from bytes that have come to lines that the room has heard.

use std::io::ErrorKind;

use log::{debug, info};

use super::Hub;
use crate::hub::connection::{Flags, Stage, Stream};
use crate::hub::disconnect::Disconnect;
use crate::hub::limits::{
    CONNECTION_WORK_MAX, HELD_BYTES_MAX, NAME_WORK, PRIVATE_BYTES_MAX, SCARCE_READ_BYTES,
    SLOTS_A_LINE, TURN_WORK_MAX,
};
use crate::line::framing::Piece;
use crate::line::{sanitize, wrong_protocol};
use crate::room::{Notice, Outcome, PROMPT};

/// Most reads after a write has failed, for the lines that came before the connection broke.
const LAST_READS_MAX: usize = 16;

impl<S: Stream> Hub<S> {
    /// Reads from a connection what its budget of a turn allows: one buffer full.
    pub(super) fn read(&mut self, key: usize) {
        if !self.hear_held(key) {
            return;
        }
        if self.connections[key].stage == Stage::Lingering {
            if self.connections[key].drop_input(&mut self.scratch) {
                self.close_now(key);
            }
            return;
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        let scarce = self.held_bytes > HELD_BYTES_MAX;
        let most = if scarce {
            SCARCE_READ_BYTES
        } else {
            scratch.len()
        };
        let mut budget = most;
        while self.connections[key].stage != Stage::Closed && !self.must_wait(key) {
            let length = match self.connections[key].fill(&mut scratch[..most]) {
                Ok(0) => {
                    self.hear_end(key);
                    break;
                }
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => {
                    debug!("reading from connection {key}: {error}");
                    self.close(key, Disconnect::Reset);
                    break;
                }
            };
            if !self.receive(key, &mut scratch[..length]) {
                break;
            }
            budget = budget.saturating_sub(length);
            if budget == 0 {
                self.resume_later(key);
                break;
            }
            // A short read has taken all there was, and what comes later makes a new event.
            if !self.connections[key]
                .flags
                .contains(Flags::READ_UNTIL_EMPTY)
            {
                break;
            }
        }
        self.scratch = scratch;
    }

    /// Hears what a connection said before a write to it failed, and closes it.
    pub(super) fn read_last_words(&mut self, key: usize) {
        if self
            .connections
            .get(key)
            .is_none_or(|c| c.stage == Stage::Closed)
        {
            return;
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut goes_on = self.hear_held(key);
        for _ in 0..LAST_READS_MAX {
            if !goes_on {
                break;
            }
            let Ok(length @ 1..) = self.connections[key].fill(&mut scratch) else {
                break;
            };
            goes_on = self.receive(key, &mut scratch[..length]);
        }
        self.scratch = scratch;
        let waits = Flags::PACED | Flags::RESUMING;
        if goes_on || !self.connections[key].flags.intersects(waits) {
            self.close(key, Disconnect::Reset);
        }
        // Else its turn comes again, and with it the rest, up to its end.
    }

    /// Puts a connection on the list of those to read from again without an event.
    pub(super) fn resume_later(&mut self, key: usize) {
        let connection = &mut self.connections[key];
        if !connection.flags.contains(Flags::RESUMING) {
            connection.flags.insert(Flags::RESUMING);
            self.resume.push_back(key);
        }
    }

    /// Hears what was held back; returns whether reading may go on. Until it is heard, nothing that
    /// comes later may be: it would be taken for the start of a line.
    fn hear_held(&mut self, key: usize) -> bool {
        let held = self.connections[key].take_held();
        self.held_bytes -= held.len();
        held.is_empty() || self.hear(key, &held)
    }

    /// Puts a connection off that may not be heard at the moment, and returns whether it is so.
    /// It is heard again without an event.
    fn must_wait(&mut self, key: usize) -> bool {
        // Its own answers wait for it to read; flushing them resumes it.
        if self.connections[key].private_len() > PRIVATE_BYTES_MAX || self.is_over_rate(key) {
            return true;
        }
        if self
            .slow_readers
            .is_due(self.room.transcript().end(), self.now)
        {
            self.look();
        }
        let waits = self.all_wait();
        if waits {
            self.resume_later(key);
        }
        waits
    }

    /// Returns whether nobody may be heard at the moment: this turn has heard enough, somebody has
    /// to catch up, or what was said has to be sent first.
    pub(super) fn all_wait(&self) -> bool {
        self.work >= TURN_WORK_MAX || self.slow_readers.room_waits() || self.is_sweep_behind()
    }

    /// Returns whether a connection has said more than its rate allows; it is woken when it may
    /// go on.
    fn is_over_rate(&mut self, key: usize) -> bool {
        let now_ns = self.now_ns();
        let connection = &mut self.connections[key];
        let over = self.rate_limit.is_over(connection.due_ns, now_ns);
        if over && !connection.flags.contains(Flags::PACED) {
            connection.flags.insert(Flags::PACED);
            self.rate_limit.wait(key, connection.due_ns);
        }
        over
    }

    /// Takes in bytes as they came; returns whether reading may go on.
    fn receive(&mut self, key: usize, chunk: &mut [u8]) -> bool {
        let mut refusals = std::mem::take(&mut self.refusals);
        let connection = &mut self.connections[key];
        let (data, asked) = connection.filter(chunk, &mut refusals, &mut self.pool);
        if !refusals.is_empty() {
            self.tell(key, &refusals);
            refusals.clear();
        }
        self.refusals = refusals;
        if asked {
            self.notify(key, &Notice::StillHere);
        }
        self.hear(key, data)
    }

    /// Hears line by line; returns whether reading may go on. What has to wait is held back.
    fn hear(&mut self, key: usize, data: &[u8]) -> bool {
        debug_assert!(
            self.connections[key].held_len() == 0,
            "what was held back comes first"
        );
        let mut rest = data;
        let work_before = self.work;
        let mut unfinished = self.connections[key].take_unfinished(data, &mut self.pool);
        let goes_on = loop {
            if !matches!(self.connections[key].stage, Stage::Nameless | Stage::Member) {
                // It has left: nobody hears what it said behind that, but it may still be read.
                return true;
            }
            if self.work - work_before >= CONNECTION_WORK_MAX {
                self.resume_later(key);
                break false;
            }
            if self.must_wait(key) {
                break false;
            }
            match unfinished.next(&mut rest, self.limits.max_line_bytes) {
                Some(piece) => self.hear_piece(key, &piece),
                None => break true,
            }
        };
        let connection = &mut self.connections[key];
        if !rest.is_empty() {
            self.held_bytes += rest.len();
            connection.hold(rest, &mut self.pool);
        }
        connection.put_unfinished(unfinished, &mut self.pool);
        goes_on
    }

    /// Hears the end of a stream: a last line without a line end counts.
    fn hear_end(&mut self, key: usize) {
        let mut unfinished = self.connections[key].take_unfinished(&[], &mut self.pool);
        if let Some(piece) = unfinished.last(self.limits.max_line_bytes) {
            self.hear_piece(key, &piece);
        }
        self.connections[key].flags.insert(Flags::ENDED);
        self.close(key, Disconnect::Closed);
    }

    fn hear_piece(&mut self, key: usize, piece: &Piece<'_>) {
        let now_ns = self.now_ns();
        self.rate_limit
            .spend(&mut self.connections[key].due_ns, now_ns);
        self.work += 1;
        let line = match piece {
            Piece::TooLong => return self.refuse_long_line(key),
            Piece::Line([]) => return,
            Piece::Line(line) => line,
        };
        let mut buffer = std::mem::take(&mut self.text);
        let text = sanitize::safe(line, &mut buffer);
        match self.connections[key].stage {
            Stage::Nameless => match wrong_protocol::protocol_of(line) {
                Some(protocol) => self.turn_away(key, protocol),
                None => self.enter(key, text),
            },
            Stage::Member => self.say(key, text),
            Stage::Draining | Stage::Lingering | Stage::Closed => {}
        }
        self.text = buffer;
    }

    fn refuse_long_line(&mut self, key: usize) {
        let max_bytes = self.limits.max_line_bytes;
        self.notify(key, &Notice::LineTooLong { max_bytes });
        if self.connections[key].stage == Stage::Nameless {
            self.tell(key, PROMPT.as_bytes());
        }
    }

    /// Ends the connection of a program that has come to the wrong port.
    fn turn_away(&mut self, key: usize, protocol: &str) {
        info!("a connection that speaks {protocol} is turned away");
        self.notify(key, &Notice::WrongProtocol { protocol });
        self.close(key, Disconnect::WrongProtocol);
    }

    /// Takes a line for a name.
    fn enter(&mut self, key: usize, text: &str) {
        self.work += NAME_WORK;
        let member = key as u32;
        let Some(entrance) = self.room.enter(member, text) else {
            return self.tell_private(key);
        };
        info!(
            "{} is joined to the chatroom!",
            self.room.names().of(member)
        );
        self.nameless -= 1;
        self.start_idle_time();
        let heard_s = self.now_s() as u16;
        let greeting = self.room.private().as_bytes();
        let connection = &mut self.connections[key];
        connection.heard_s = heard_s;
        connection.enter(entrance.hears_from, greeting, &mut self.pool);
        if let Some(said) = entrance.said {
            self.fan_out.extend(self.slots, said.start);
            connection.skip(said, &mut self.pool);
        }
        self.owe(key);
    }

    /// Lets the room hear a member's line, and everybody what came of it.
    fn say(&mut self, key: usize, text: &str) {
        let member = key as u32;
        self.connections[key].heard_s = self.now_s() as u16;
        let Outcome {
            said,
            private_to,
            renamed_from,
            quit,
        } = self.room.hear(member, text);
        if said.is_none() || renamed_from.is_some() {
            // An answer to /who looks at every slot.
            self.work += NAME_WORK + self.slots / SLOTS_A_LINE;
        }
        let name = self.room.names().of(member);
        if let Some(said) = said {
            match renamed_from {
                Some(old) => info!("{} is now known as {name}!", old.as_str()),
                None => info!("{name} said {text}"),
            }
            self.fan_out.extend(self.slots, said.start);
            self.connections[key].skip(said, &mut self.pool);
        }
        match private_to {
            Some(to) if to != member => self.whisper(key, to as usize),
            Some(_) => self.tell_private(key),
            None => {}
        }
        if quit {
            self.close(key, Disconnect::Quit);
        }
    }

    /// Passes on what one member says to another alone, unless that one doesn't read.
    fn whisper(&mut self, from: usize, to: usize) {
        let names = self.room.names();
        debug!(
            "{} said something to {}",
            names.of(from as u32),
            names.of(to as u32)
        );
        if self.connections[to].stage != Stage::Member {
            // It has left, and the room is about to learn it.
            let name = names.of(to as u32).to_owned();
            return self.notify(from, &Notice::NobodyCalled { name: &name });
        }
        let waiting = self.connections[to].private_len();
        if waiting == 0 || waiting + self.room.private().len() <= PRIVATE_BYTES_MAX {
            return self.tell_private(to);
        }
        let name = names.of(to as u32).to_owned();
        self.notify(from, &Notice::NotReading { name: &name });
    }
}
