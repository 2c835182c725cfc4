//! The hub: every connection, and the room between them.
//!
//! Generic over its streams and told the time, so that the whole server but the poll runs in a
//! simulation. It reads what is there, lets the room decide, and sends what is owed. A turn of the
//! loop calls, in this order: [`Hub::start_turn`], [`Hub::ready`] for each event, [`Hub::resume`],
//! [`Hub::settle`], [`Hub::reap`], and only then [`Hub::accept`]: a slot is never used again within
//! a turn.

mod addresses;
mod admission;
mod audience;
mod audit;
pub mod backplane;
pub mod connection;
mod connections;
pub mod counters;
mod delivery;
pub mod disconnect;
mod door;
mod exits;
mod extra;
pub mod framed;
mod gate;
mod guesses;
mod input;
mod keepers;
mod keeping;
pub mod limits;
mod log_lines;
mod order;
mod overdue;
mod password;
pub mod patience;
pub mod per_address;
mod pings;
mod queues;
pub mod rate_limit;
mod requests;
pub mod sealed;
mod sessions;
mod silence;
mod slots;
mod standing;

pub use self::addresses::Origin;
pub use self::audit::Audit;
use self::backplane::Backplane;
use self::connection::Flags;
use self::connections::Connections;
use self::counters::Counters;
use self::disconnect::{Disconnect, Disconnects};
pub use self::door::Layers;
pub use self::gate::{Gate, Lists};
use self::limits::{Limits, READ_BYTES};
use self::patience::Flow;
use self::rate_limit::RateLimit;
use crate::feed::Feeds;
use crate::line::input::Reader;
use crate::room::{Access, Event, MemberId, Notice, Room};
use crate::stream::Stream;
use crate::tick::Tick;
use crate::wire::{Stamp, json};

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
    connections: Connections<S>,
    rate_limit: RateLimit,
    /// What everybody was told since it was taken, if a record is kept: a line of JSON each.
    record: Option<Vec<u8>>,
    /// From where one may come in at all.
    gate: Gate,
    /// Where browsers find the page, if there is one.
    page: Option<String>,
    /// Lent to who is read from.
    reader: Reader,
    /// How much has been heard this turn, in lines.
    work: usize,
    closing: bool,
    /// What several machines share the room by, if they do.
    backplane: Option<Box<Backplane>>,
}

impl<S: Stream> Hub<S> {
    /// Returns a hub without connections. `boot` names this start of the server, for those who come
    /// back after a break.
    #[must_use]
    pub fn new(limits: Limits, now: Tick, boot: &str) -> Self {
        Self::with(limits, now, boot, Access::default())
    }

    /// Returns the same with what its room begins with.
    #[must_use]
    pub fn with(limits: Limits, now: Tick, boot: &str, access: Access) -> Self {
        Self {
            limits,
            room: Room::new(access),
            connections: Connections::new(limits, now, boot),
            rate_limit: RateLimit::new(limits.rate, limits.burst),
            record: None,
            gate: Gate::default(),
            page: None,
            reader: Reader::new(READ_BYTES),
            work: 0,
            closing: false,
            backplane: None,
        }
    }

    /// Returns the room.
    #[must_use]
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// Returns what the room's members are sent.
    #[must_use]
    pub fn feeds(&self) -> &Feeds {
        &self.connections.delivery.feeds
    }

    /// Returns how many connections ended, and why.
    #[must_use]
    pub fn disconnects(&self) -> Disconnects {
        self.connections.exits.disconnects
    }

    /// Returns what has been counted so far.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.connections.counters
    }

    /// Returns how many connections there are, in the room or not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.connections.slots.len()
    }

    /// Returns whether there is no connection.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns whether there is work that no event will bring up.
    #[must_use]
    pub fn has_work(&self) -> bool {
        self.connections.has_work()
    }

    /// Returns when something is due; nothing has to be done before, if nothing comes.
    #[must_use]
    pub fn deadline(&self) -> Option<Tick> {
        let backplane = self.backplane.as_ref();
        let backplane = backplane.and_then(|backplane| backplane.deadline());
        let connections = self.connections.deadline();
        let deadlines = [connections, self.rate_limit.deadline(), backplane];
        deadlines.into_iter().flatten().min()
    }

    /// Returns whether nobody can be accepted at the moment, since slots have to be freed first. That
    /// is work: the next turn does it.
    #[must_use]
    pub fn must_reap_first(&self) -> bool {
        self.connections.must_reap_first()
    }

    /// Returns how many have left and not read all they are owed, or go on sending.
    #[must_use]
    pub fn departing(&self) -> usize {
        self.connections.departing()
    }

    /// Returns the number that the next accepted stream will have.
    #[must_use]
    pub fn next_id(&self) -> MemberId {
        self.connections.slots.next_id()
    }

    /// Takes the time of day, in milliseconds since 1970 (UTC), which events bear from here on.
    pub fn set_time_of_day(&mut self, time_ms: u64) {
        let time_ms = self.shared_time_ms().unwrap_or(time_ms);
        self.connections.order.set_time_ms(time_ms);
    }

    /// Takes the time, and does what is due. A clock that goes back is taken to stand still.
    pub fn start_turn(&mut self, now: Tick) {
        let now = self.connections.now().max(now);
        self.work = 0;
        self.connections.start_turn(now);
        while let Some(id) = self.rate_limit.next(now) {
            if let Some(connection) = self.connections.get_mut(id) {
                connection.flags.remove(Flags::PACED);
                self.connections.resume_later(id);
            }
        }
        self.connections.look_if_due();
        self.look_at_backplane();
    }

    /// Does what an event asks for. Events that are late or for nothing do no harm.
    pub fn ready(&mut self, id: MemberId, readiness: Readiness) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        if readiness.read_until_empty {
            connection.flags.insert(Flags::READ_UNTIL_EMPTY);
        }
        if readiness.writable && connection.is_blocked() {
            connection.flags.remove(Flags::BLOCKED);
            self.connections.flush(id);
        }
        if readiness.readable {
            self.read(id);
        }
    }

    /// Reads on where a budget ran out, or the room had to catch up: first come, first served.
    pub fn resume(&mut self) {
        // A budget of their own: what new events bring must not use up that of those who wait.
        self.work = 0;
        // Those who have to wait again go to the end: a round, not a loop.
        for _ in 0..self.connections.queues.resuming.len() {
            if self.all_wait() {
                break;
            }
            let Some(id) = self.connections.next_resuming() else {
                break;
            };
            self.read(id);
        }
    }

    /// Sends what is owed, privately and to all, as far as a slice of each goes, and closes who
    /// must go.
    pub fn settle(&mut self) {
        self.connections.send_private();
        self.announce_leaving();
        self.connections.fan_out();
        while let Some(id) = self.connections.queues.broken.pop() {
            self.read_last_words(id);
        }
        if self.connections.delivery.take_look_soon() {
            self.connections.look();
        }
        if !self.closing {
            self.connections.end_departing();
        }
    }

    /// Frees slots of closed connections and returns how many. A slot whose name the room still
    /// holds has to wait, and so do those beyond what one turn frees.
    pub fn reap(&mut self) -> usize {
        let names = self.room.names();
        let Some(backplane) = &self.backplane else {
            return self.connections.reap(|id| !names.of(id).is_empty());
        };
        if self.closing && !backplane.is_up() {
            // Those who are left say that they have left, when they miss this machine.
            self.connections.exits.let_all_go();
            return self.connections.reap(|_| false);
        }
        self.connections
            .reap(|id| !names.of(id).is_empty() || backplane.awaits(id))
    }

    /// Tells browsers that have come to the wrong port where the page is.
    pub fn set_page(&mut self, page: String) {
        self.page = Some(page);
    }

    /// Lets the log tell what is said, or not.
    pub fn set_log_talk(&mut self, log_talk: bool) {
        self.limits.log_talk = log_talk;
    }

    /// Says something to everybody in the room in the server's own name; one line, safe to show.
    pub fn announce(&mut self, text: &str) {
        if self.backplane.is_some() {
            return self.tell_all_here(Notice::Announced { text });
        }
        self.happen(Event::Announced { text });
    }

    /// Tells everybody that the server is closing, and ends every connection once it has been
    /// sent what it is owed, or the time for that is over.
    pub fn shut_down(&mut self) {
        if self.backplane.is_some() {
            self.tell_all_here(Notice::Closing);
        } else {
            self.happen(Event::Closing);
        }
        self.closing = true;
        self.connections.shut_down();
    }

    /// Lets an event happen: writes it down for those who hear of it, and makes it so in the room.
    /// Returns its place in the room's order, if all were told. Where several machines share the
    /// room, it happens when it comes back in the order that they have in common.
    fn happen(&mut self, event: Event<'_>) -> Option<Stamp> {
        if self.is_shared(&event) {
            self.propose(&event);
            return None;
        }
        let now_ms = self.now_ms();
        self.happen_at(event, now_ms)
    }

    /// Lets an event happen here at `now_ms`.
    fn happen_at(&mut self, event: Event<'_>, now_ms: u64) -> Option<Stamp> {
        self.log_event(&event);
        if !event.is_public() {
            self.room.apply(event, now_ms, &mut self.connections);
            return None;
        }
        self.make_place(&event);
        let names = self.room.names();
        if let Event::Left { member } = event
            && !self.connections.slots.stage(member).is_open()
        {
            self.connections.sessions.leave(member);
        }
        let ignoring = match event {
            Event::Said { member, .. } | Event::Did { member, .. } => {
                self.room.access().ignoring(member)
            }
            _ => &[],
        };
        let stamp = self.connections.publish(&event, names, ignoring, now_ms);
        if let Some(record) = &mut self.record
            && let Some(message) = json::Message::of(&event, names, stamp)
        {
            message.put(record);
        }
        self.room.apply(event, now_ms, &mut self.connections);
        Some(stamp)
    }

    /// Tells the room who has left. However many leave at once, those who keep up must not be
    /// overrun by it: the rest is told when the fan-out has come round.
    pub fn announce_leaving(&mut self) {
        while !self.connections.is_fan_out_behind()
            && let Some(leaving) = self.connections.exits.pop_leaving()
        {
            self.leave(leaving);
        }
    }

    /// The same for one who has left, before all others.
    fn announce_leaving_of(&mut self, member: MemberId) {
        if let Some(leaving) = self.connections.exits.take_leaving(member) {
            self.leave(leaving);
        }
    }

    fn leave(&mut self, (member, why): (MemberId, Disconnect)) {
        if self.backplane.is_some() && self.room.names().of(member).is_empty() {
            // The room has learned it before, or asks again when it lets this one in.
            return;
        }
        self.log_end(member, why);
        let event = Event::Left { member };
        if self.closing && self.backplane.is_none() {
            let now_ms = self.now_ms();
            self.room.apply(event, now_ms, &mut self.connections);
        } else {
            self.happen(event);
        }
    }

    /// Returns whether nobody may be heard at the moment: this turn has heard enough, somebody has
    /// to catch up, or what was said has to be sent first.
    fn all_wait(&self) -> bool {
        self.work >= limits::TURN_WORK_MAX
            || self.connections.delivery.flow() == Flow::Shut
            || self.connections.is_fan_out_behind()
            || self.connections.is_cut_off
    }
}
