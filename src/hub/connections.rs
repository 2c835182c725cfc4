//! Every connection, and what each is owed: sends it, and ends whoever can't be sent it.
//!
//! This file does not know what happens in the room: it is handed events that have been decided on.
//!
//! Closing somebody makes an event ("has left") that may overrun somebody else, and so on; each step
//! only puts work on queues, and each connection closes once, so it ends.

use std::net::IpAddr;

use log::{debug, log};
use slab::Slab;

use super::addresses::Addresses;
use super::admission::{Admission, Newcomer};
use super::connection::{Connection, Flags, Stage};
use super::deadlines::Deadlines;
use super::disconnect::{Disconnect, Disconnects};
use super::extra::Pool;
use super::limits::{Limits, PRIVATE_BYTES_MAX, READ_BYTES, WRITE_COST_BYTES};
use super::queues::Queues;
use crate::feed::slow_readers::Sight;
use crate::feed::{Feed, Transcript};
use crate::line::input::{Input, Reader};
use crate::room::{Audience, Effect, Event, MemberId, Names, Notice, Reach};
use crate::stream::Stream;
use crate::tick::Tick;
use crate::wire::plain;

/// Slots freed in one turn: closing a socket takes the kernel some microseconds.
const REAPS_MAX: usize = 1024;

/// Every connection, and what each is owed.
#[derive(Debug)]
pub(super) struct Connections<S> {
    limits: Limits,
    now: Tick,
    slab: Slab<Connection<S>>,
    /// One more than the highest slot ever used.
    slots: usize,
    pub(super) feed: Feed,
    pub(super) queues: Queues,
    pub(super) admission: Admission,
    pub(super) addresses: Addresses,
    deadlines: Deadlines,
    pub(super) disconnects: Disconnects,
    /// Bytes of input that are held back, from all connections together.
    pub(super) held_bytes: usize,
    pool: Pool,
    pub(super) buffers: Buffers,
}

/// Buffers that are used for one connection after the other.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    /// Lent to who is read from: until it is back, nobody else can be.
    pub(super) reader: Reader,
    words: String,
    refusals: Vec<u8>,
}

impl<S: Stream> Connections<S> {
    pub(super) fn new(limits: Limits, now: Tick) -> Self {
        Self {
            limits,
            now,
            slab: Slab::new(),
            slots: 0,
            feed: Feed::new(limits.feed_options()),
            queues: Queues::new(),
            admission: Admission::new(&limits),
            addresses: Addresses::new(limits.log_addresses),
            deadlines: Deadlines::new(limits.idle_timeout_s),
            disconnects: Disconnects::default(),
            held_bytes: 0,
            pool: Pool::default(),
            buffers: Buffers {
                reader: Reader::new(READ_BYTES),
                ..Buffers::default()
            },
        }
    }

    pub(super) fn now(&self) -> Tick {
        self.now
    }

    /// Returns how many there are, ended or not.
    pub(super) fn len(&self) -> usize {
        self.slab.len()
    }

    /// Returns one more than the highest slot ever used.
    pub(super) fn slots(&self) -> usize {
        self.slots
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Connection<S>> {
        self.slab.iter().map(|(_, connection)| connection)
    }

    pub(super) fn get_mut(&mut self, id: MemberId) -> Option<&mut Connection<S>> {
        self.slab.get_mut(id.slot())
    }

    /// Returns how far a connection has come that is there.
    pub(super) fn stage(&self, id: MemberId) -> Stage {
        let connection = self.slab.get(id.slot());
        connection.map_or(Stage::Closed, |connection| connection.stage)
    }

    /// Returns the number that the next connection will have.
    pub(super) fn next_id(&self) -> MemberId {
        MemberId::from_slot(self.slab.vacant_key())
    }

    /// Returns whether there is work that no event will bring up.
    pub(super) fn has_work(&self) -> bool {
        let queues = &self.queues;
        self.feed.fan_out.is_under_way()
            || (!queues.resuming.is_empty() && !self.feed.slow_readers.room_waits())
            || !queues.owed.is_empty()
            || !queues.broken.is_empty()
            || !queues.leaving.is_empty()
            || !queues.closed.is_empty()
    }

    /// Returns whether the fan-out has to come round before more is said: it would be late, and in
    /// the end overrun those who keep up.
    pub(super) fn is_fan_out_behind(&self) -> bool {
        let bytes_max = self.limits.round_bytes_max(self.slots);
        self.feed.is_behind(bytes_max)
    }

    /// Takes in a stream that has been admitted, and asks for a name.
    pub(super) fn accept(&mut self, stream: S, address: IpAddr) {
        while self.admission.is_crowded()
            && let Some(newcomer) = self.admission.pop_oldest()
        {
            if self.is_nameless(newcomer) {
                self.dismiss(newcomer.0, Notice::Crowded, Disconnect::Crowded);
            }
        }
        let slot = self.slab.insert(Connection::new(stream, self.now));
        let id = MemberId::from_slot(slot);
        self.slots = self.slots.max(slot + 1);
        self.addresses.enter(id, address);
        let newcomer = (id, self.now.whole_s());
        let slab = &self.slab;
        let is_nameless = |newcomer| is_nameless(slab, newcomer);
        self.admission.enter(newcomer, address, is_nameless);
        // Sent by the next turn: who gives its name at once gets prompt and greeting in one write.
        self.push(id, Effect::Prompt);
    }

    /// Takes the time, and ends those who are overdue.
    pub(super) fn start_turn(&mut self, now: Tick) {
        self.now = now;
        let deadline_of = |id: MemberId| self.slab.get(id.slot())?.drain_deadline();
        for id in self.deadlines.take_drained(now, deadline_of) {
            self.close_now(id);
        }
        self.end_nameless();
        self.end_idle();
    }

    /// Returns when something is due.
    pub(super) fn deadline(&self) -> Option<Tick> {
        let deadline_of = |id: MemberId| self.slab.get(id.slot())?.drain_deadline();
        [
            self.deadlines.next(deadline_of),
            self.admission.deadline_s().map(Tick::from_whole_s),
            self.feed.slow_readers.deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Writes an event down for everybody but whose doing it is; `names` are those before it.
    pub(super) fn publish(&mut self, event: &Event<'_>, names: &Names) {
        if let Event::Joined { member, .. } = event {
            self.enter(*member);
        }
        let Some(stands) = self.feed.append(event, names, self.slots) else {
            return;
        };
        if let Some(id) = event.member()
            && let Some(connection) = self.slab.get_mut(id.slot())
            && connection.stage == Stage::Member
        {
            connection.skip(stands, &mut self.pool);
        }
    }

    /// Makes a connection a member.
    fn enter(&mut self, id: MemberId) {
        let cursor = self.feed.history_start();
        self.admission.is_nameless_no_more();
        self.deadlines.expect_silence(self.now.whole_s());
        let connection = &mut self.slab[id.slot()];
        connection.set_heard(self.now);
        let greeting = plain::Line::Greeting.parts().concat();
        connection.enter(cursor, greeting.as_bytes(), &mut self.pool);
        self.queues.owed.push(id, connection);
    }

    /// Owes `bytes` to one connection, behind all that the room has said so far.
    fn tell(&mut self, id: MemberId, bytes: &[u8]) {
        let connection = &mut self.slab[id.slot()];
        connection.tell(bytes, self.feed.transcript(), &mut self.pool);
        self.queues.owed.push(id, connection);
    }

    /// Takes telnet's own talk out of what `reader` was filled with, and answers it.
    pub(super) fn filter(&mut self, id: MemberId, reader: &mut Reader) {
        let mut refusals = std::mem::take(&mut self.buffers.refusals);
        let asked = self.slab[id.slot()].filter(reader, &mut refusals, &mut self.pool);
        if !refusals.is_empty() {
            self.tell(id, &refusals);
            refusals.clear();
        }
        self.buffers.refusals = refusals;
        if asked {
            self.push(id, Effect::Notice(Notice::StillHere));
        }
    }

    /// Lets `reader` go on with the line of a connection whose end has not come.
    pub(super) fn begin_hearing(&mut self, id: MemberId, reader: &mut Reader) {
        self.slab[id.slot()].begin_hearing(reader, &mut self.pool);
    }

    /// Keeps what `reader` has left.
    pub(super) fn end_hearing(&mut self, id: MemberId, reader: &mut Reader) {
        self.held_bytes += self.slab[id.slot()].end_hearing(reader, &mut self.pool);
    }

    /// Puts a connection in the queue of those to read from again without an event.
    pub(super) fn resume_later(&mut self, id: MemberId) {
        if let Some(connection) = self.slab.get_mut(id.slot()) {
            self.queues.resuming.push(id, connection);
        }
    }

    /// Takes the first out of that queue.
    pub(super) fn next_resuming(&mut self) -> Option<MemberId> {
        self.queues.resuming.pop(&mut self.slab)
    }

    /// Sends what is owed privately, as far as a slice of it goes.
    pub(super) fn send_private(&mut self) {
        let mut bytes = 0;
        while bytes < self.limits.slice.bytes
            && let Some(id) = self.queues.owed.pop(&mut self.slab)
        {
            bytes += self.flush(id);
        }
    }

    /// Sends what is owed to all, as far as a slice of it goes, and sees to those who are slow.
    pub(super) fn fan_out(&mut self) {
        let (mut bytes, mut slots) = (0, 0);
        while bytes < self.limits.slice.bytes && slots < self.limits.slice.slots {
            let end = self.feed.transcript().end();
            let Some(slot) = self.feed.fan_out.next(self.slots, end) else {
                break;
            };
            bytes += self.flush(MemberId::from_slot(slot));
            slots += 1;
        }
    }

    /// Sends a connection what it is owed, closes it if that can't be, and returns what it cost,
    /// in bytes.
    pub(super) fn flush(&mut self, id: MemberId) -> usize {
        let Some(connection) = self.slab.get_mut(id.slot()) else {
            return 0;
        };
        let transcript = self.feed.transcript();
        if connection.is_overrun(transcript) {
            self.close(id, Disconnect::SlowReader);
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
                    self.finish(id);
                } else if waited && !waits {
                    self.resume_later(id);
                }
                if slow {
                    self.watch(id);
                }
                if sent == 0 {
                    0
                } else {
                    sent + WRITE_COST_BYTES
                }
            }
            Err(error) => {
                debug!("writing to connection {id}: {error}");
                connection.flags.insert(Flags::BLOCKED);
                self.queues.broken.push(id);
                WRITE_COST_BYTES
            }
        }
    }

    /// Ends a connection. One that ends in order is sent what it is owed first.
    pub(super) fn close(&mut self, id: MemberId, why: Disconnect) {
        let connection = &mut self.slab[id.slot()];
        match connection.stage {
            Stage::Nameless | Stage::Member => {}
            Stage::Draining | Stage::Lingering if !why.is_orderly() => {
                debug!("connection {id} has not taken all that it was owed: {why}");
                return self.close_now(id);
            }
            Stage::Draining | Stage::Lingering | Stage::Closed => return,
        }
        self.disconnects.count(why);
        self.held_bytes -= connection.input().map_or(0, Input::held_len);
        if connection.stage == Stage::Member {
            self.queues.leaving.push_back((id, why));
        } else {
            self.admission.is_nameless_no_more();
        }
        // Its claim ends here, before the room learns that it has left.
        let deadline = Deadlines::of_drain(self.now);
        connection.drain(deadline, self.feed.transcript(), &mut self.pool);
        if !why.is_orderly() {
            return self.close_now(id);
        }
        self.deadlines.drain(id, deadline);
        // Not at once: the buffer that input is dropped into may be lent to who is read from.
        self.queues.owed.push(id, connection);
    }

    /// Ends a connection that has been sent all it was owed, as soon as that has arrived.
    fn finish(&mut self, id: MemberId) {
        let scratch = self.buffers.reader.space(READ_BYTES);
        if self.slab[id.slot()].finish(scratch) {
            self.close_now(id);
        }
    }

    /// Drops what somebody sends who has been told that nothing more comes.
    pub(super) fn drop_input(&mut self, id: MemberId) {
        let scratch = self.buffers.reader.space(READ_BYTES);
        if self.slab[id.slot()].drop_input(scratch) {
            self.close_now(id);
        }
    }

    /// Ends a connection whether or not it is owed anything.
    fn close_now(&mut self, id: MemberId) {
        let connection = &mut self.slab[id.slot()];
        if connection.stage != Stage::Closed {
            connection.stage = Stage::Closed;
            self.queues.closed.push_back(id);
        }
    }

    /// Frees slots of closed connections and returns how many. `is_held` tells whether the room
    /// still knows a connection: its slot has to wait, and so do those beyond what one turn frees.
    pub(super) fn reap(&mut self, is_held: impl Fn(MemberId) -> bool) -> usize {
        let before = self.slab.len();
        for _ in 0..self.queues.closed.len().min(REAPS_MAX) {
            let Some(id) = self.queues.closed.pop_front() else {
                break;
            };
            if is_held(id) {
                self.queues.closed.push_back(id);
            } else {
                self.slab.remove(id.slot());
                self.admission.leave(id);
            }
        }
        before - self.slab.len()
    }

    /// Ends everybody, those without a name with a word to each.
    pub(super) fn shut_down(&mut self) {
        for slot in 0..self.slots {
            let id = MemberId::from_slot(slot);
            match self.stage(id) {
                Stage::Nameless => self.push(id, Effect::Notice(Notice::Closing)),
                Stage::Closed => continue,
                _ => {}
            }
            self.close(id, Disconnect::Shutdown);
        }
    }

    /// Ends the connection of somebody without a name, and waits for nothing: while it drained, it
    /// would hold a place that isn't counted among those of the nameless.
    fn dismiss(&mut self, id: MemberId, notice: Notice<'_>, why: Disconnect) {
        let whence = self.addresses.of(id);
        log!(
            self.addresses.level(),
            "{whence}a connection is ended: {why}"
        );
        self.push(id, Effect::Notice(notice));
        self.close(id, why);
        self.flush(id);
        self.close_now(id);
    }

    /// Watches a connection from when its stream takes no more until it has caught up.
    fn watch(&mut self, id: MemberId) {
        let connection = &mut self.slab[id.slot()];
        let caught_up = connection.is_settled(self.feed.transcript());
        let slow_readers = &mut self.feed.slow_readers;
        let watched = connection.flags.contains(Flags::WATCHED);
        if connection.is_blocked() && !watched && connection.stage == Stage::Member {
            connection.flags.insert(Flags::WATCHED);
            let at = (connection.cursor(), connection.private_taken());
            slow_readers.watch(id, at, self.now);
        } else if watched && !connection.is_blocked() && (slow_readers.room_waits() || caught_up) {
            slow_readers.look_soon();
        }
    }

    /// Returns whether it is time to look how far behind the watched are.
    pub(super) fn is_look_due(&self) -> bool {
        let end = self.feed.transcript().end();
        self.feed.slow_readers.is_due(end, self.now)
    }

    /// Looks how far behind the watched connections are.
    pub(super) fn look(&mut self) {
        let mut stalled = Vec::new();
        let Self { feed, slab, .. } = self;
        feed.look_at_slow_readers(
            self.now,
            |id, transcript| sight(slab.get_mut(id.slot())?, transcript),
            |id| stalled.push(id),
        );
        for id in stalled {
            self.close(id, Disconnect::Stalled);
        }
    }

    /// Tells the log that a name was refused, and with which notice.
    pub(super) fn log_refused_name(&self, id: MemberId, notice: Notice<'_>) {
        let whence = self.addresses.of(id);
        log!(
            self.addresses.level(),
            "{whence}a name is refused: {notice}"
        );
    }

    fn end_nameless(&mut self) {
        let seconds = self.limits.name_timeout_s;
        loop {
            let slab = &self.slab;
            let is_nameless = |newcomer| is_nameless(slab, newcomer);
            let now_s = self.now.whole_s();
            let Some(newcomer) = self.admission.pop_overdue(now_s, is_nameless) else {
                return;
            };
            if self.is_nameless(newcomer) {
                let notice = Notice::NameTimeout { seconds };
                self.dismiss(newcomer.0, notice, Disconnect::NameTimeout);
            }
        }
    }

    fn end_idle(&mut self) {
        let now_s = self.now.whole_s();
        if !self.deadlines.is_idle_look_due(now_s) {
            return;
        }
        let seconds = self.limits.idle_timeout_s;
        for slot in 0..self.slots {
            let id = MemberId::from_slot(slot);
            let Some(connection) = self.slab.get(slot).filter(|c| c.stage == Stage::Member) else {
                continue;
            };
            let silent_s = connection.silent_s(self.now);
            if silent_s > seconds {
                self.push(id, Effect::Notice(Notice::IdleTimeout { seconds }));
                self.close(id, Disconnect::IdleTimeout);
            } else {
                self.deadlines.look_after(now_s, silent_s);
            }
        }
    }

    fn is_nameless(&self, newcomer: Newcomer) -> bool {
        is_nameless(&self.slab, newcomer)
    }
}

/// Returns where a watched connection stands; nowhere if it needs no watching any more.
fn sight<S: Stream>(connection: &mut Connection<S>, transcript: &Transcript) -> Option<Sight> {
    let caught_up = !connection.is_blocked() && connection.is_settled(transcript);
    if caught_up || connection.stage != Stage::Member {
        connection.flags.remove(Flags::WATCHED);
    }
    let sight = Sight {
        cursor: connection.cursor(),
        private: connection.private_taken(),
    };
    connection.flags.contains(Flags::WATCHED).then_some(sight)
}

/// Returns whether a newcomer is still there, without a name.
fn is_nameless<S: Stream>(slab: &Slab<Connection<S>>, (id, since_s): Newcomer) -> bool {
    let connection = slab.get(id.slot());
    connection.is_some_and(|connection| connection.is_nameless_since(since_s))
}

impl<S: Stream> Audience for Connections<S> {
    fn reach(&self, member: MemberId, bytes: usize) -> Reach {
        let Some(connection) = self.slab.get(member.slot()) else {
            return Reach::Gone;
        };
        let waiting = connection.private_len();
        let bytes = bytes + plain::SAYS_PRIVATELY.len() + 1;
        if connection.stage != Stage::Member {
            Reach::Gone
        } else if waiting == 0 || waiting + bytes <= PRIVATE_BYTES_MAX {
            Reach::Open
        } else {
            Reach::NotReading
        }
    }

    fn push(&mut self, member: MemberId, effect: Effect<'_>) {
        if matches!(effect, Effect::Quit) {
            return self.close(member, Disconnect::Quit);
        }
        match effect {
            Effect::Private { from, .. } => {
                debug!("{from} says something privately to connection {member}");
            }
            Effect::Notice(notice @ (Notice::BadName { .. } | Notice::NameTaken { .. })) => {
                self.log_refused_name(member, notice);
            }
            _ => {}
        }
        let mut words = std::mem::take(&mut self.buffers.words);
        plain::put(&effect, &mut words);
        self.tell(member, words.as_bytes());
        words.clear();
        self.buffers.words = words;
    }
}
