//! The hub: every connection, and the room between them.
//!
//! Generic over its streams and told the time, so that the whole server but the poll runs in a
//! simulation. It reads what is there, lets the room decide, and sends what is owed. A turn of the
//! loop calls [`Hub::ready`] for each event, then [`Hub::resume`], [`Hub::settle`] and
//! [`Hub::reap`], and only then [`Hub::accept`]: a slot is never used again within a turn.
//!
//! Closing somebody makes a line ("has left") that may overrun somebody else, and so on; each step
//! only puts work on lists, and each connection closes once, so it ends.

mod audit;
pub mod connection;
pub mod disconnect;
mod input;
pub mod limits;
pub mod per_address;
pub mod rate_limit;
mod timing;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use log::{debug, info, warn};
use slab::Slab;

pub use self::audit::Audit;
use self::connection::{Connection, Flags, Pool, Stage, Stream};
use self::disconnect::{Disconnect, Disconnects};
use self::limits::{DRAIN_S, Limits, PRIVATE_BYTES_MAX, READ_BYTES, WRITE_COST_BYTES};
use self::per_address::PerAddress;
use self::rate_limit::RateLimit;
use crate::feed::fan_out::FanOut;
use crate::feed::slow_readers::SlowReaders;
use crate::room::{Notice, PROMPT, Room};

/// Slots freed in one turn: closing a socket takes the kernel some microseconds.
const REAPS_MAX: usize = 1024;

/// What the poll says of one stream.
#[derive(Debug, Clone, Copy, Default)]
pub struct Readiness {
    /// Something can be read, or the end of it.
    pub readable: bool,
    /// Something can be written.
    pub writable: bool,
    /// The peer has closed its side or sent urgent data: a short read may not be the last.
    pub read_until_empty: bool,
}

/// Every connection, and the room between them.
#[derive(Debug)]
pub struct Hub<S> {
    limits: Limits,
    room: Room,
    connections: Slab<Connection<S>>,
    /// One more than the highest slot ever used.
    slots: usize,
    started: Instant,
    now: Instant,
    closing: bool,
    fan_out: FanOut,
    rate_limit: RateLimit,
    slow_readers: SlowReaders,
    per_address: PerAddress,
    /// How many connections have no name.
    nameless: usize,
    /// Who came without a name, and when, in seconds of the hub's time: the oldest first. Whoever
    /// has given a name since is passed over.
    newcomers: VecDeque<(usize, u64)>,
    /// When to look for members who have been silent for too long, in seconds of the hub's time.
    look_for_idle_s: Option<u64>,
    /// Somebody who is watched may have caught up.
    look_soon: bool,
    /// Bytes of input that are held back, from all connections together.
    held_bytes: usize,
    /// How much has been heard this turn, in lines.
    work: usize,
    /// Who is to be read from again although no event will say so.
    resume: VecDeque<usize>,
    /// Who may be owed private bytes.
    owed: VecDeque<usize>,
    /// Whose stream failed to take a write.
    broken: Vec<usize>,
    /// Who has left the room although the room doesn't know it yet.
    leaving: VecDeque<usize>,
    /// Who has left but not read all it is owed, and until when it may.
    draining: Vec<(usize, Instant)>,
    /// Whose slot is to be freed.
    closed: VecDeque<usize>,
    disconnects: Disconnects,
    turned_away: u64,
    pool: Pool,
    scratch: Vec<u8>,
    text: String,
    refusals: Vec<u8>,
}

impl<S: Stream> Hub<S> {
    /// Returns a hub without connections.
    #[must_use]
    pub fn new(limits: Limits, now: Instant) -> Self {
        Self {
            limits,
            room: Room::new(limits.room_options()),
            connections: Slab::new(),
            slots: 0,
            started: now,
            now,
            closing: false,
            fan_out: FanOut::default(),
            rate_limit: RateLimit::new(limits.rate, limits.burst),
            slow_readers: SlowReaders::new(limits.far_bytes(), limits.stall_timeout()),
            per_address: PerAddress::new(limits.max_per_address),
            nameless: 0,
            newcomers: VecDeque::new(),
            look_for_idle_s: None,
            look_soon: false,
            held_bytes: 0,
            work: 0,
            resume: VecDeque::new(),
            owed: VecDeque::new(),
            broken: Vec::new(),
            leaving: VecDeque::new(),
            draining: Vec::new(),
            closed: VecDeque::new(),
            disconnects: Disconnects::default(),
            turned_away: 0,
            pool: Pool::default(),
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

    /// Returns how many were turned away for want of a place.
    #[must_use]
    pub fn turned_away(&self) -> u64 {
        self.turned_away
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

    /// Returns whether a connection from `address` may come in, or why not.
    ///
    /// # Errors
    /// Says what to tell it.
    pub fn admit(&self, address: IpAddr) -> Result<(), Notice<'static>> {
        if self.connections.len() >= self.limits.max_connections {
            Err(Notice::Full)
        } else if self.per_address.has_place(address) {
            Ok(())
        } else {
            Err(Notice::FullForAddress)
        }
    }

    /// Returns whether there is work that no event will bring up.
    #[must_use]
    pub fn has_work(&self) -> bool {
        self.fan_out.is_under_way()
            || (!self.resume.is_empty() && !self.slow_readers.room_waits())
            || !self.owed.is_empty()
            || !self.broken.is_empty()
            || !self.leaving.is_empty()
            || !self.closed.is_empty()
    }

    /// Returns the slot that the next accepted stream will have.
    #[must_use]
    pub fn next_key(&self) -> usize {
        self.connections.vacant_key()
    }

    /// Takes in a stream that has been admitted, and asks for a name.
    pub fn accept(&mut self, stream: S, address: IpAddr) {
        self.make_place();
        let now_s = self.now_s();
        let key = self
            .connections
            .insert(Connection::new(stream, now_s as u16));
        self.slots = self.slots.max(key + 1);
        self.per_address.enter(key, address);
        self.nameless += 1;
        self.remember_newcomer(key, now_s);
        // Sent by the next turn: who gives its name at once gets prompt and greeting in one write.
        self.tell(key, PROMPT.as_bytes());
    }

    /// Turns a stream away that was not admitted, telling it why.
    pub fn refuse(&mut self, mut stream: S, why: &Notice<'_>) {
        self.turned_away += 1;
        self.room.note(why);
        // One try each: who is turned away is owed no more. Closing with input unread would take
        // the notice back.
        let told = stream.write(self.room.private().as_bytes());
        let read = stream.read(&mut self.scratch);
        debug!("a connection is turned away: {why} ({told:?}, {read:?})");
    }

    /// Does what an event asks for. Events that are late or for nothing do no harm.
    pub fn ready(&mut self, key: usize, readiness: Readiness) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        if readiness.read_until_empty {
            connection.flags.insert(Flags::READ_UNTIL_EMPTY);
        }
        if readiness.writable && connection.is_blocked() {
            connection.flags.remove(Flags::BLOCKED);
            self.flush(key);
        }
        if readiness.readable {
            self.read(key);
        }
    }

    /// Reads on where a budget ran out, or the room had to catch up: first come, first served.
    pub fn resume(&mut self) {
        // A budget of their own: what new events bring must not use up that of those who wait.
        self.work = 0;
        // Those who have to wait again go to the end: a round, not a loop.
        for _ in 0..self.resume.len() {
            if self.all_wait() {
                break;
            }
            let Some(key) = self.resume.pop_front() else {
                break;
            };
            if let Some(connection) = self.connections.get_mut(key) {
                connection.flags.remove(Flags::RESUMING);
                self.read(key);
            }
        }
    }

    /// Sends what is owed, privately and to all, as far as a slice of each goes, and closes who
    /// must go.
    pub fn settle(&mut self) {
        let mut bytes = 0;
        while bytes < self.limits.slice_bytes
            && let Some(key) = self.owed.pop_front()
        {
            if let Some(connection) = self.connections.get_mut(key) {
                connection.flags.remove(Flags::OWED);
                bytes += self.flush(key);
            }
        }
        self.announce_leaving();
        let (mut bytes, mut slots) = (0, 0);
        while bytes < self.limits.slice_bytes && slots < self.limits.slice_slots {
            let end = self.room.transcript().end();
            let Some(key) = self.fan_out.next(self.slots, end) else {
                break;
            };
            bytes += self.flush(key);
            slots += 1;
        }
        while let Some(key) = self.broken.pop() {
            self.read_last_words(key);
        }
        if std::mem::take(&mut self.look_soon) {
            self.look();
        }
    }

    /// Frees slots of closed connections and returns how many. A slot whose name the room still
    /// holds has to wait, and so do those beyond what one turn frees.
    pub fn reap(&mut self) -> usize {
        let before = self.connections.len();
        for _ in 0..self.closed.len().min(REAPS_MAX) {
            let Some(key) = self.closed.pop_front() else {
                break;
            };
            if self.room.names().of(key as u32).is_empty() {
                self.connections.remove(key);
                self.per_address.leave(key);
            } else {
                self.closed.push_back(key);
            }
        }
        before - self.connections.len()
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
        self.connections[key].tell(bytes, self.room.transcript(), &mut self.pool);
        self.owe(key);
    }

    /// Owes what [`Room::private`] holds to one connection.
    fn tell_private(&mut self, key: usize) {
        let private = self.room.private().as_bytes();
        self.connections[key].tell(private, self.room.transcript(), &mut self.pool);
        self.owe(key);
    }

    /// Owes a notice to one connection.
    fn notify(&mut self, key: usize, notice: &Notice<'_>) {
        self.room.note(notice);
        self.tell_private(key);
    }

    fn owe(&mut self, key: usize) {
        let connection = &mut self.connections[key];
        if !connection.flags.contains(Flags::OWED) {
            connection.flags.insert(Flags::OWED);
            self.owed.push_back(key);
        }
    }

    /// Sends a connection what it is owed, closes it if that can't be, and returns what it cost,
    /// in bytes.
    fn flush(&mut self, key: usize) -> usize {
        let Some(connection) = self.connections.get_mut(key) else {
            return 0;
        };
        let transcript = self.room.transcript();
        if connection.is_overrun(transcript) {
            self.close(key, Disconnect::SlowReader);
            return WRITE_COST_BYTES;
        }
        if connection.is_blocked() || connection.stage == Stage::Closed {
            return 0;
        }
        let waited = connection.private_len() > PRIVATE_BYTES_MAX;
        match connection.flush(transcript, &mut self.pool) {
            Ok(sent) => {
                let waits = connection.private_len() > PRIVATE_BYTES_MAX;
                let slow = connection.is_blocked() || connection.flags.contains(Flags::WATCHED);
                if connection.stage == Stage::Draining && connection.is_settled(transcript) {
                    self.finish(key);
                } else if waited && !waits {
                    self.resume_later(key);
                }
                if slow {
                    self.watch(key);
                }
                if sent == 0 {
                    0
                } else {
                    sent + WRITE_COST_BYTES
                }
            }
            Err(error) => {
                debug!("writing to connection {key}: {error}");
                connection.flags.insert(Flags::BLOCKED);
                self.broken.push(key);
                WRITE_COST_BYTES
            }
        }
    }

    /// Ends a connection. One that ends in order is sent what it is owed first.
    fn close(&mut self, key: usize, why: Disconnect) {
        let connection = &mut self.connections[key];
        match connection.stage {
            Stage::Nameless | Stage::Member => {}
            Stage::Draining | Stage::Lingering if !why.is_orderly() => {
                debug!("connection {key} has not taken all that it was owed: {why}");
                return self.close_now(key);
            }
            Stage::Draining | Stage::Lingering | Stage::Closed => return,
        }
        self.disconnects.count(why);
        self.held_bytes -= connection.held_len();
        let was_member = connection.stage == Stage::Member;
        // Its claim ends here, before the room learns that it has left.
        let deadline = self.now + Duration::from_secs(DRAIN_S);
        connection.drain(deadline, self.room.transcript(), &mut self.pool);
        if was_member {
            if !why.is_orderly() {
                warn!("{} is cut off: {why}", self.room.names().of(key as u32));
            }
            self.leaving.push_back(key);
        } else {
            self.nameless -= 1;
        }
        if !why.is_orderly() {
            return self.close_now(key);
        }
        // Not at once: the buffer that input is dropped into may be lent to who is read from.
        self.owe(key);
        self.draining.push((key, deadline));
    }

    /// Tells the room who has left. However many leave at once, those who keep up must not be
    /// overrun by it: the rest is told when the fan-out has come round.
    fn announce_leaving(&mut self) {
        while !self.is_sweep_behind()
            && let Some(key) = self.leaving.pop_front()
        {
            let (name, line) = self.room.leave(key as u32, !self.closing);
            if let Some(line) = line {
                info!("{} has left the chatroom!", name.as_str());
                self.fan_out.extend(self.slots, line.start);
            }
        }
    }

    /// Returns whether the fan-out has to come round before more is said: it would be late, and in the
    /// end overrun those who keep up.
    fn is_sweep_behind(&self) -> bool {
        let end = self.room.transcript().end();
        end - self.fan_out.sent_up_to(end) > self.limits.round_bytes_max(self.slots)
    }

    /// Ends a connection that has been sent all it was owed, as soon as that has arrived.
    fn finish(&mut self, key: usize) {
        if self.connections[key].finish(&mut self.scratch) {
            self.close_now(key);
        }
    }

    /// Ends a connection whether or not it is owed anything.
    fn close_now(&mut self, key: usize) {
        let connection = &mut self.connections[key];
        if connection.stage != Stage::Closed {
            connection.stage = Stage::Closed;
            self.closed.push_back(key);
        }
    }
}
