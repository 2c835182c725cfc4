//! The hub: every connection, and the room between them.
//!
//! Generic over its streams and told the time, so that the whole server but the poll runs in a
//! simulation. It reads what is there, lets the room decide, and sends what is owed. A turn of the
//! loop calls [`Hub::ready`] for each event, then [`Hub::resume`], [`Hub::settle`] and
//! [`Hub::reap`], and only then [`Hub::accept`]: a slot is never used again within a turn.
//!
//! Closing somebody makes a line ("has left") that may overrun somebody else, and so on; each step
//! only puts work on lists, and each connection closes once, so it ends.

mod hearing;

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use log::{debug, info, warn};
use slab::Slab;

use super::connection::{Connection, Spares, Stage};
use super::disconnect::{Disconnect, Disconnects};
use super::limits::{
    DRAIN_S, Limits, PRIVATE_BYTES_MAX, READ_BYTES, SLICE_BYTES, SLICE_SLOTS, WRITE_COST_BYTES,
};
use super::sweep::Sweep;
use crate::room::{Notice, PROMPT, Room};

/// What the poll says of one stream.
#[derive(Debug, Clone, Copy, Default)]
pub struct Readiness {
    /// Something can be read, or the end of it.
    pub readable: bool,
    /// Something can be written.
    pub writable: bool,
    /// The peer has closed its side or sent urgent data: a short read may not be the last.
    pub read_to_end: bool,
}

/// Every connection, and the room between them.
#[derive(Debug)]
pub struct Hub<S> {
    limits: Limits,
    room: Room,
    connections: Slab<Connection<S>>,
    /// One more than the highest slot ever used.
    slots: usize,
    now: Instant,
    closing: bool,
    sweep: Sweep,
    /// Who is to be read from again although no event will say so.
    resume: Vec<usize>,
    /// Who may be owed private bytes.
    owed: Vec<usize>,
    /// Whose stream failed to take a write.
    broken: Vec<usize>,
    /// Who has left but not read all it is owed, and until when it may.
    draining: Vec<(usize, Instant)>,
    /// Whose slot is to be freed.
    closed: Vec<usize>,
    disconnects: Disconnects,
    spares: Spares,
    scratch: Vec<u8>,
    text: String,
    refusals: Vec<u8>,
}

impl<S: Read + Write> Hub<S> {
    /// Returns a hub without connections.
    #[must_use]
    pub fn new(limits: Limits, now: Instant) -> Self {
        Self {
            limits,
            room: Room::new(limits.room_options()),
            connections: Slab::new(),
            slots: 0,
            now,
            closing: false,
            sweep: Sweep::default(),
            resume: Vec::new(),
            owed: Vec::new(),
            broken: Vec::new(),
            draining: Vec::new(),
            closed: Vec::new(),
            disconnects: Disconnects::default(),
            spares: Spares::default(),
            scratch: vec![0; READ_BYTES],
            text: String::new(),
            refusals: Vec::new(),
        }
    }

    /// Returns the room.
    #[must_use]
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// Returns how many connections ended, and why.
    #[must_use]
    pub fn disconnects(&self) -> Disconnects {
        self.disconnects
    }

    /// Returns how many connections there are, in the room or not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.connections.len()
    }

    /// Returns whether there is no connection.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// Returns whether there is no place for one more connection.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.connections.len() >= self.limits.max_connections
    }

    /// Returns whether there is work that no event will bring up.
    #[must_use]
    pub fn has_work(&self) -> bool {
        self.sweep.is_under_way()
            || !self.resume.is_empty()
            || !self.owed.is_empty()
            || !self.broken.is_empty()
            || !self.closed.is_empty()
    }

    /// Returns when the next deadline is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.draining.iter().map(|&(_, deadline)| deadline).min()
    }

    /// Takes the time, and closes those whose deadline has passed.
    pub fn start_turn(&mut self, now: Instant) {
        self.now = now;
        let mut at = 0;
        while let Some(&(key, deadline)) = self.draining.get(at) {
            // The slot may have been freed since, and be somebody else's.
            let connection = self.connections.get(key);
            let drains = connection.and_then(Connection::drain_deadline) == Some(deadline);
            if drains && deadline > now {
                at += 1;
                continue;
            }
            self.draining.swap_remove(at);
            if drains {
                self.close_now(key);
            }
        }
    }

    /// Returns the slot that the next accepted stream will have.
    #[must_use]
    pub fn next_key(&self) -> usize {
        self.connections.vacant_key()
    }

    /// Takes a new stream in and asks for a name.
    pub fn accept(&mut self, stream: S) {
        let key = self.connections.insert(Connection::new(stream));
        self.slots = self.slots.max(key + 1);
        // Sent by the next turn: who gives its name at once gets prompt and greeting in one write.
        self.tell(key, PROMPT.as_bytes());
    }

    /// Turns a stream away for which there is no place, telling it why.
    pub fn refuse(&mut self, mut stream: S) {
        self.room.note(&Notice::Full);
        // One try each: who is turned away is owed no more. Closing with input unread would take
        // the notice back.
        let told = stream.write(self.room.private().as_bytes());
        let read = stream.read(&mut self.scratch);
        debug!("turned away, the room is full ({told:?}, {read:?})");
    }

    /// Does what an event asks for. Events that are late or for nothing do no harm.
    pub fn ready(&mut self, key: usize, readiness: Readiness) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        connection.read_to_end |= readiness.read_to_end;
        if readiness.writable && connection.blocked {
            connection.blocked = false;
            self.flush(key);
        }
        if readiness.readable {
            self.read(key);
        }
    }

    /// Reads on where a budget ran out, or the room had to catch up.
    pub fn resume(&mut self) {
        // Those who have to wait again go to the new list: a round, not a loop.
        let mut round = std::mem::take(&mut self.resume);
        for key in round.drain(..) {
            if let Some(connection) = self.connections.get_mut(key) {
                connection.resuming = false;
                self.read(key);
            }
        }
        if self.resume.is_empty() {
            self.resume = round;
        }
    }

    /// Sends what is owed, as far as one slice goes, and closes who must go.
    pub fn settle(&mut self) {
        while let Some(key) = self.owed.pop() {
            self.flush(key);
        }
        let (mut bytes, mut slots) = (0, 0);
        while bytes < SLICE_BYTES && slots < SLICE_SLOTS {
            let end = self.room.transcript().end();
            let Some(key) = self.sweep.next(self.slots, end) else {
                break;
            };
            bytes += self.flush(key);
            slots += 1;
        }
        while let Some(key) = self.broken.pop() {
            self.read_last_words(key);
        }
    }

    /// Frees the slots of closed connections and returns how many.
    pub fn reap(&mut self) -> usize {
        let count = self.closed.len();
        for key in self.closed.drain(..) {
            self.connections.remove(key);
        }
        count
    }

    /// Tells everybody that the server is closing, and ends every connection once it has been
    /// sent what it is owed, or the time for that is over.
    pub fn shut_down(&mut self) {
        self.room.announce(&Notice::Closing);
        self.room.note(&Notice::Closing);
        self.closing = true;
        for key in 0..self.slots {
            if self
                .connections
                .get(key)
                .is_some_and(|c| c.stage == Stage::Nameless)
            {
                self.tell_private(key);
            }
            if self.connections.contains(key) {
                self.close(key, Disconnect::Shutdown);
            }
        }
    }

    /// Owes `bytes` to one connection, behind all that the room has said so far.
    fn tell(&mut self, key: usize, bytes: &[u8]) {
        self.connections[key].tell(bytes, self.room.transcript(), &mut self.spares);
        self.owe(key);
    }

    /// Owes what [`Room::private`] holds to one connection.
    fn tell_private(&mut self, key: usize) {
        let private = self.room.private().as_bytes();
        self.connections[key].tell(private, self.room.transcript(), &mut self.spares);
        self.owe(key);
    }

    /// Owes a notice to one connection.
    fn notify(&mut self, key: usize, notice: &Notice<'_>) {
        self.room.note(notice);
        self.tell_private(key);
    }

    fn owe(&mut self, key: usize) {
        if self.owed.last() != Some(&key) {
            self.owed.push(key);
        }
    }

    /// Sends a connection what it is owed, and returns what that cost, in bytes.
    fn flush(&mut self, key: usize) -> usize {
        let Some(connection) = self.connections.get_mut(key) else {
            return 0;
        };
        let transcript = self.room.transcript();
        if connection.is_overrun(transcript) {
            self.close(key, Disconnect::SlowReader);
            return 0;
        }
        if connection.blocked || connection.stage == Stage::Closed {
            return 0;
        }
        let waited = connection.private_len() > PRIVATE_BYTES_MAX;
        match connection.flush(transcript, &mut self.spares) {
            Ok(sent) => {
                let waits = connection.private_len() > PRIVATE_BYTES_MAX;
                if connection.stage == Stage::Draining && connection.is_settled(transcript) {
                    self.close_now(key);
                } else if waited && !waits {
                    self.resume_later(key);
                }
                if sent == 0 {
                    0
                } else {
                    sent + WRITE_COST_BYTES
                }
            }
            Err(error) => {
                debug!("writing to connection {key}: {error}");
                connection.blocked = true;
                self.broken.push(key);
                WRITE_COST_BYTES
            }
        }
    }

    /// Ends a connection. One that ends in order is sent what it is owed first.
    fn close(&mut self, key: usize, why: Disconnect) {
        let connection = &mut self.connections[key];
        match connection.stage {
            Stage::Closed => return,
            Stage::Draining if why.is_orderly() => return,
            Stage::Draining => return self.close_now(key),
            Stage::Nameless | Stage::Member => {}
        }
        self.disconnects.count(why);
        let was_member = connection.stage == Stage::Member;
        let deadline = self.now + Duration::from_secs(DRAIN_S);
        connection.drain(deadline, self.room.transcript(), &mut self.spares);
        if !why.is_orderly() {
            self.close_now(key);
        }
        if was_member && !self.closing {
            let (name, line) = self.room.leave(key as u32);
            if !why.is_orderly() {
                warn!("{} is cut off: {why}", name.as_str());
            }
            info!("{} has left the chatroom!", name.as_str());
            self.sweep.extend(self.slots, line.start);
        }
        self.flush(key);
        if self.connections[key].stage == Stage::Draining {
            self.draining.push((key, deadline));
        }
    }

    /// Ends a connection whether or not it is owed anything.
    fn close_now(&mut self, key: usize) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        if connection.stage == Stage::Closed {
            return;
        }
        if connection.stage == Stage::Draining && !connection.read_to_end {
            // Closing with input unread would take back what was just sent (RFC 1122, 4.2.2.13).
            // Nothing depends on it: whatever comes is dropped.
            drop(connection.fill(&mut self.scratch));
        }
        connection.stage = Stage::Closed;
        self.closed.push(key);
    }
}
