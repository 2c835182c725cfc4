//! Those whom the room's decisions concern: the connections, and what each is told of what happens.

use std::net::IpAddr;

use ipnet::IpNet;
use log::debug;
use rustix::rand::{GetRandomFlags, getrandom};

use super::connections::Connections;
use super::disconnect::Disconnect;
use super::extra::HeardBefore;
use super::limits::PRIVATE_BYTES_MAX;
use super::standing::Stage;
use crate::room::access::key::KEY_BYTES;
use crate::room::access::{Answer, Key};
use crate::room::{Audience, Dismissal, Effect, Event, MemberId, Names, Notice, Reach};
use crate::stream::Stream;
use crate::wire::json::Message;
use crate::wire::{Encoding, Stamp, plain};

impl<S: Stream> Audience for Connections<S> {
    fn reach(&self, member: MemberId, bytes: usize) -> Reach {
        let Some(connection) = self.slots.get(member) else {
            return self.reach_elsewhere(member);
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
        if !self.slots.stage(member).is_open() {
            return;
        }
        match effect {
            // Where several machines share the room, that is so when its turn comes.
            Effect::Notice(Notice::Replaced) | Effect::Dismiss(Dismissal::Replaced)
                if self.members.is_some() =>
            {
                return;
            }
            Effect::Quit => return self.close(member, Disconnect::Quit),
            Effect::Dismiss(why) => return self.close(member, why.into()),
            Effect::Private { from, .. } => {
                debug!("{from} says something privately to connection {member}");
            }
            _ => {}
        }
        self.tell_of(member, &effect);
        if let Effect::Notice(notice) = effect {
            self.note_refusal(member, &notice);
        }
    }

    fn address(&self, member: MemberId) -> Option<IpAddr> {
        if member.is_remote() {
            return self.members.as_ref()?.remote(member)?.address;
        }
        let connection = self.slots.get(member)?;
        self.addresses.origin(member, || connection.address())
    }

    fn silent_s(&self, member: MemberId) -> u64 {
        if let Some(remote) = self.members.as_ref().and_then(|all| all.remote(member)) {
            return (self.now() - remote.heard).as_secs();
        }
        let connection = self.slots.get(member);
        connection.map_or(0, |connection| (self.now() - connection.due).as_secs())
    }

    fn of_block(&self, block: IpNet) -> Vec<MemberId> {
        let is_there = |&id: &MemberId| {
            let address = self.address(id).map(|address| address.to_canonical());
            self.slots.stage(id).is_open() && address.is_some_and(|at| block.contains(&at))
        };
        self.slots.ids().filter(is_there).collect()
    }

    fn try_wait_s(&self, member: MemberId) -> Option<u64> {
        self.guesses.wait_s(self.address(member), self.now())
    }

    fn keep_wait_s(&mut self, member: MemberId) -> Option<u64> {
        let address = self.address(member)?;
        self.keepers.wait_s_or_note(address, self.now())
    }

    fn draw_key(&mut self) -> Option<Key> {
        let mut bytes = [0; KEY_BYTES];
        // So few bytes come at once or not at all.
        match getrandom(&mut bytes, GetRandomFlags::empty()) {
            Ok(KEY_BYTES) => Some(Key::from_bytes(bytes)),
            _ => None,
        }
    }
}

impl<S: Stream> Connections<S> {
    /// Writes an event down for everybody but whose doing it is; `names` are those before it.
    /// Those who are `ignoring` whose doing it is are spared.
    pub(super) fn publish(
        &mut self,
        event: &Event<'_>,
        names: &Names,
        ignoring: &[MemberId],
        time_ms: u64,
    ) -> Stamp {
        let stamp = self.order.next_at(time_ms);
        if let Event::Joined { member, name } = event
            && self.slots.stage(*member) == Stage::Nameless
        {
            self.enter(*member, name.as_str(), stamp);
        }
        let slots = &mut self.slots;
        self.delivery.publish(event, names, stamp, ignoring, slots);
        stamp
    }

    /// Returns whether somebody who is connected to another machine can be told something.
    fn reach_elsewhere(&self, member: MemberId) -> Reach {
        let members = self.members.as_ref();
        match members.and_then(|members| members.remote(member)) {
            None => Reach::Gone,
            Some(_) if self.is_cut_off => Reach::NotReading,
            Some(_) => Reach::Open,
        }
    }

    /// Writes something down that was said before the server was started.
    pub(super) fn recall(&mut self, message: &Message<'_>) {
        let Some((line, time_ms)) = message.as_past() else {
            return;
        };
        let stamp = self.order.next_at(time_ms);
        self.delivery.feeds.recall(line, stamp);
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

    /// Tells the log, if a name is what is refused; counts wrong keys and passwords, and ends who has
    /// tried too many.
    pub(super) fn note_refusal(&mut self, member: MemberId, notice: &Notice<'_>) {
        let is_wrong = matches!(
            notice,
            Notice::Access(Answer::WrongKey { .. } | Answer::WrongPassword)
        );
        let is_of_a_name = matches!(
            notice,
            Notice::BadName { .. }
                | Notice::NameTaken { .. }
                | Notice::Access(
                    Answer::NameKept { .. }
                        | Answer::NotKept { .. }
                        | Answer::NameBanned { .. }
                        | Answer::Locked
                        | Answer::TooManyTries { .. }
                )
        );
        if is_of_a_name {
            self.addresses.log_refused_name(member, *notice);
        }
        if is_wrong {
            self.addresses.log_wrong(member, *notice);
            let (address, now) = (self.address(member), self.now());
            if self.guesses.note_wrong(member, address, now) {
                self.close(member, Disconnect::Guessing);
            }
        }
    }
}
