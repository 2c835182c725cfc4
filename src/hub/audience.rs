//! Those whom the room's decisions concern: the connections, and what each is told of what happens.

use log::debug;

use super::connections::Connections;
use super::disconnect::Disconnect;
use super::extra::HeardBefore;
use super::limits::PRIVATE_BYTES_MAX;
use super::standing::Stage;
use crate::room::{Audience, Effect, Event, MemberId, Names, Notice, Reach};
use crate::stream::Stream;
use crate::wire::json::Message;
use crate::wire::{Encoding, Stamp, plain};

impl<S: Stream> Audience for Connections<S> {
    fn reach(&self, member: MemberId, bytes: usize) -> Reach {
        let Some(connection) = self.slots.get(member) else {
            return Reach::Gone;
        };
        let waiting = connection.private_len();
        let bytes = bytes + plain::SAYS_PRIVATELY.len() + 1;
        if connection.stage() != Stage::Member {
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
            Effect::Notice(notice) => self.note_refused_name(member, &notice),
            _ => {}
        }
        self.tell_of(member, &effect);
    }
}

impl<S: Stream> Connections<S> {
    /// Writes an event down for everybody but whose doing it is; `names` are those before it.
    pub(super) fn publish(&mut self, event: &Event<'_>, names: &Names) -> Stamp {
        let stamp = self.order.next();
        if let Event::Joined { member, name } = event {
            self.enter(*member, name.as_str(), stamp);
        }
        let slots = &mut self.slots;
        self.delivery.publish(event, names, stamp, slots);
        stamp
    }

    /// Makes a connection a member.
    fn enter(&mut self, id: MemberId, name: &str, stamp: Stamp) {
        self.admission.is_nameless_no_more();
        self.silence.begin(self.now().whole_s());
        let now = self.now();
        let connection = &mut self.slots[id];
        connection.set_heard(now);
        match connection.encoding() {
            Encoding::Plain => self.delivery.enter_plain(connection, stamp),
            Encoding::Json => {
                let token = self.sessions.begin(id, stamp.seq);
                self.delivery.enter_json(connection, name, &token, stamp);
            }
        }
        self.queues.owed.push(id, connection);
    }

    /// Owes one connection that is told in JSON a message.
    pub(super) fn tell_message(&mut self, id: MemberId, message: &Message<'_>) {
        let connection = &mut self.slots[id];
        self.delivery.tell_message(connection, message);
        self.queues.owed.push(id, connection);
    }

    /// Takes note of what somebody has heard of the room before it came.
    pub(super) fn set_heard_before(&mut self, id: MemberId, heard: HeardBefore) {
        self.slots[id].set_heard_before(heard, &mut self.delivery.pool);
    }

    /// Owes one connection the words of an effect on it.
    pub(super) fn tell_of(&mut self, id: MemberId, effect: &Effect<'_>) {
        let connection = &mut self.slots[id];
        self.delivery
            .tell_of(connection, effect, self.order.time_ms());
        self.queues.owed.push(id, connection);
    }

    /// Tells the log, if a name is what is refused.
    pub(super) fn note_refused_name(&self, member: MemberId, notice: &Notice<'_>) {
        if matches!(notice, Notice::BadName { .. } | Notice::NameTaken { .. }) {
            self.addresses.log_refused_name(member, *notice);
        }
    }
}
