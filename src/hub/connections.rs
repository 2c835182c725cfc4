//! Every connection, and what each is owed: sends it, and ends whoever can't be sent it.
//!
//! This file does not know what happens in the room: it is handed events that have been decided on.
//!
//! Closing somebody makes an event ("has left") that may overrun somebody else, and so on; each step
//! only puts work on queues, and each connection closes once, so it ends.

use log::debug;

use super::addresses::Addresses;
use super::admission::{Admission, Newcomer};
use super::connection::Connection;
use super::counters::Counters;
use super::delivery::{Delivery, Flushed};
use super::disconnect::Disconnect;
use super::exits::Exits;
use super::guesses::Guesses;
use super::keepers::Keepers;
use super::limits::{Limits, WRITE_COST_BYTES};
use super::order::Order;
use super::password::Password;
use super::patience::Flow;
use super::pings::Pings;
use super::queues::Queues;
use super::sessions::Sessions;
use super::silence::Silence;
use super::slots::Slots;
use super::standing::Stage;
use crate::backplane::members::Members;
use crate::line::input::{Input, Reader};
use crate::room::{Audience, Effect, MemberId, Notice};
use crate::stream::Stream;
use crate::tick::Tick;

/// Every connection, and what each is owed.
#[derive(Debug)]
pub(super) struct Connections<S> {
    limits: Limits,
    now: Tick,
    pub(super) order: Order,
    pub(super) slots: Slots<S>,
    pub(super) delivery: Delivery,
    pub(super) queues: Queues,
    pub(super) admission: Admission,
    pub(super) addresses: Addresses,
    pub(super) guesses: Guesses,
    pub(super) keepers: Keepers,
    pub(super) password: Password,
    pub(super) silence: Silence,
    pub(super) pings: Pings,
    pub(super) exits: Exits,
    pub(super) counters: Counters,
    pub(super) sessions: Sessions,
    /// Bytes of input that are held back, from all connections together.
    pub(super) held_bytes: usize,
    /// Who is connected where, if several machines share the room.
    pub(super) members: Option<Box<Members>>,
    /// What is said has to wait until the other machines can hear it.
    pub(super) is_cut_off: bool,
}

impl<S: Stream> Connections<S> {
    pub(super) fn new(limits: Limits, now: Tick, boot: &str) -> Self {
        Self {
            limits,
            now,
            order: Order::new(boot),
            slots: Slots::default(),
            delivery: Delivery::new(&limits, now),
            queues: Queues::new(),
            admission: Admission::new(&limits),
            addresses: Addresses::new(limits.log_addresses),
            guesses: Guesses::default(),
            keepers: Keepers::default(),
            password: Password::default(),
            silence: Silence::new(limits.idle_timeout_s),
            pings: Pings::default(),
            exits: Exits::default(),
            counters: Counters::default(),
            sessions: Sessions::default(),
            held_bytes: 0,
            members: None,
            is_cut_off: false,
        }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn now(&self) -> Tick {
        self.now
    }

    pub(super) fn get_mut(&mut self, id: MemberId) -> Option<&mut Connection<S>> {
        self.slots.get_mut(id)
    }

    /// Returns whether there is work that no event will bring up.
    pub(super) fn has_work(&self) -> bool {
        let queues = &self.queues;
        self.delivery.feeds.fan_out.is_under_way()
            || (!queues.resuming.is_empty()
                && self.delivery.flow() != Flow::Shut
                && !self.is_cut_off)
            || !queues.owed.is_empty()
            || !queues.broken.is_empty()
            || self.exits.has_work()
    }

    /// Returns whether the fan-out has to come round before more is said: it would be late, and in
    /// the end overrun those who keep up.
    pub(super) fn is_fan_out_behind(&self) -> bool {
        let bytes_max = self.limits.round_bytes_max(self.slots.used());
        self.delivery.feeds.is_behind(bytes_max)
    }

    /// Takes the time, and ends those who are overdue.
    pub(super) fn start_turn(&mut self, now: Tick) {
        self.now = now;
        for id in self.exits.take_overdue(&self.slots, now) {
            self.close_now(id);
        }
        self.end_overdue();
        self.delivery.feeds.retire(now);
    }

    /// Returns when something is due.
    pub(super) fn deadline(&self) -> Option<Tick> {
        let seconds = [self.admission.deadline_s(), self.silence.deadline_s()];
        let [name, silence] = seconds.map(|due| due.map(Tick::from_whole_s));
        let delivery = self.delivery.deadline();
        let exits = self.exits.deadline(&self.slots);
        [exits, name, silence, delivery, self.pings.deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Takes telnet's own talk out of what `reader` was filled with, and answers it.
    pub(super) fn filter(&mut self, id: MemberId, reader: &mut Reader) {
        let connection = &mut self.slots[id];
        let Some(asked) = connection.filter(reader, &mut self.delivery.pool) else {
            return;
        };
        if !reader.refusals().is_empty() {
            self.delivery.tell(connection, reader.refusals());
            self.queues.owed.push(id, connection);
        }
        if asked {
            self.push(id, Effect::Notice(Notice::StillHere));
        }
    }

    /// Lets `reader` go on with the line of a connection whose end has not come.
    pub(super) fn begin_hearing(&mut self, id: MemberId, reader: &mut Reader) {
        self.slots[id].begin_hearing(reader, &mut self.delivery.pool);
    }

    /// Keeps what `reader` has left.
    pub(super) fn end_hearing(&mut self, id: MemberId, reader: &mut Reader) {
        self.held_bytes += self.slots[id].end_hearing(reader, &mut self.delivery.pool);
    }

    /// Puts a connection in the queue of those to read from again without an event.
    pub(super) fn resume_later(&mut self, id: MemberId) {
        if let Some(connection) = self.slots.get_mut(id) {
            self.queues.resuming.push(id, connection);
        }
    }

    /// Takes the first out of that queue.
    pub(super) fn next_resuming(&mut self) -> Option<MemberId> {
        self.queues.resuming.pop(&mut self.slots)
    }

    /// Sends what is owed privately, as far as a slice of it goes.
    pub(super) fn send_private(&mut self) {
        let mut bytes = 0;
        while bytes < self.limits.slice.bytes
            && let Some(id) = self.queues.owed.pop(&mut self.slots)
        {
            bytes += self.flush(id);
        }
    }

    /// Sends what is owed to all, as far as a slice of it goes, and sees to those who are slow.
    pub(super) fn fan_out(&mut self) {
        let (mut bytes, mut slots) = (0, 0);
        while bytes < self.limits.slice.bytes && slots < self.limits.slice.slots {
            let feeds = &mut self.delivery.feeds;
            let ends = feeds.ends();
            let Some(slot) = feeds.fan_out.next(self.slots.used(), ends) else {
                break;
            };
            bytes += self.flush(MemberId::from_slot(slot));
            slots += 1;
        }
    }

    /// Sends a connection what it is owed, closes it if that can't be, and returns what it cost,
    /// in bytes.
    pub(super) fn flush(&mut self, id: MemberId) -> usize {
        let Some(connection) = self.slots.get_mut(id) else {
            return 0;
        };
        match self.delivery.flush(id, connection, self.now) {
            Flushed::Nothing => 0,
            Flushed::Sent {
                bytes,
                cost,
                may_speak,
            } => {
                self.counters.bytes_out += bytes as u64;
                if connection.stage() == Stage::Draining && self.delivery.is_settled(connection) {
                    if connection.finish() {
                        self.close_now(id);
                    }
                } else if may_speak {
                    self.resume_later(id);
                }
                cost
            }
            Flushed::Overrun => {
                self.close(id, Disconnect::SlowReader);
                WRITE_COST_BYTES
            }
            Flushed::Broken(error) => {
                debug!("writing to connection {id}: {error}");
                self.queues.broken.push(id);
                WRITE_COST_BYTES
            }
        }
    }

    /// Ends a connection. One that ends in order is sent what it is owed first.
    pub(super) fn close(&mut self, id: MemberId, why: Disconnect) {
        let connection = &mut self.slots[id];
        match connection.stage() {
            Stage::Nameless | Stage::Member => {}
            Stage::Draining | Stage::Lingering if !why.is_orderly() => {
                debug!("connection {id} has not taken all that it was owed: {why}");
                return self.close_now(id);
            }
            Stage::Draining | Stage::Lingering | Stage::Closed => return,
        }
        let is_member = connection.stage() == Stage::Member;
        self.exits.enter(id, is_member, why);
        self.held_bytes -= connection.input().map_or(0, Input::held_len);
        if !is_member {
            self.admission.is_nameless_no_more();
        }
        // Its claim ends here, before the room learns that it has left.
        let deadline = why.is_orderly().then(|| self.exits.drain(id, self.now));
        connection.close_frames(why);
        self.delivery
            .drain(connection, deadline.flatten(), self.now);
        if deadline.is_none() {
            return self.close_now(id);
        }
        // Not at once: what else it is owed in this turn goes in the same write.
        self.queues.owed.push(id, connection);
    }

    /// Drops what somebody sends who has been told that nothing more comes.
    pub(super) fn drop_input(&mut self, id: MemberId) {
        if self.slots[id].drop_input() {
            self.close_now(id);
        }
    }

    /// Ends a connection whether or not it is owed anything.
    fn close_now(&mut self, id: MemberId) {
        let connection = &mut self.slots[id];
        if self.exits.shut(id, connection) {
            self.delivery.forget(id, connection);
            if connection.is_framed() {
                self.pings.leave();
            }
            self.admission.leave(id);
            self.addresses.leave(id);
            self.guesses.leave(id);
            self.password.leave(id);
        }
    }

    /// Frees slots of closed connections, as far as the room does not know them any more, and
    /// returns how many.
    pub(super) fn reap(&mut self, is_held: impl Fn(MemberId) -> bool) -> usize {
        let before = self.slots.len();
        let parks = self.members.is_some();
        self.exits.reap(&mut self.slots, parks, is_held);
        before - self.slots.len()
    }

    /// Returns whether there is no slot for one more before some are freed.
    pub(super) fn must_reap_first(&self) -> bool {
        self.exits.shut_len() > 0 && self.slots.len() >= self.limits.slots_max()
    }

    /// Returns how many connections have a place: who has left needs none.
    pub(super) fn open(&self) -> usize {
        self.admission.nameless() + self.delivery.feeds.readers()
    }

    /// Returns how many have left and not read all they are owed, or go on sending.
    pub(super) fn departing(&self) -> usize {
        self.slots.len() - self.open() - self.exits.shut_len()
    }

    /// Ends those who have been departing for longest where there are too many.
    pub(super) fn end_departing(&mut self) {
        while self.departing() > self.limits.departing_max() {
            let Some(id) = self.exits.pop_draining(&self.slots) else {
                return;
            };
            debug!("connection {id} makes place for others that depart");
            self.close_now(id);
        }
    }

    /// Ends everybody, those without a name with a word to each.
    pub(super) fn shut_down(&mut self) {
        self.exits.close(self.now + self.limits.grace());
        for id in self.slots.ids() {
            match self.slots.stage(id) {
                Stage::Nameless => self.push(id, Effect::Notice(Notice::Closing)),
                Stage::Closed => continue,
                _ => {}
            }
            self.close(id, Disconnect::Shutdown);
        }
    }

    /// Ends the connection of somebody without a name, and waits for nothing: while it drained, it
    /// would hold a place that isn't counted among those of the nameless.
    pub(super) fn dismiss(&mut self, id: MemberId, notice: Notice<'_>, why: Disconnect) {
        self.addresses.log_end(id, why);
        self.push(id, Effect::Notice(notice));
        self.close(id, why);
        self.flush(id);
        self.close_now(id);
    }

    /// Looks how far behind those are who take what they are sent slower than it comes.
    pub(super) fn look(&mut self) {
        for id in self.delivery.look(&mut self.slots, self.now) {
            self.close(id, Disconnect::Stalled);
        }
    }

    /// Looks, if it is time to.
    pub(super) fn look_if_due(&mut self) {
        if self.delivery.is_look_due(self.now) {
            self.look();
        }
    }
}

/// Returns whether a newcomer is still there, without a name.
pub(super) fn is_nameless<S: Stream>(slots: &Slots<S>, (id, since_s): Newcomer) -> bool {
    let connection = slots.get(id);
    connection.is_some_and(|connection| connection.is_nameless_since(since_s))
}
