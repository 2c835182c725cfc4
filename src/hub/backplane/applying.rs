//! What the stream hands back: looked at once more, and applied.

use log::{debug, warn};

use super::{Request, Then, What};
use crate::backplane::batch::Batch;
use crate::backplane::event::{Deed, Entry};
use crate::backplane::members::Place;
use crate::hub::Hub;
use crate::hub::disconnect::Disconnect;
use crate::hub::requests::Answers;
use crate::hub::standing::Stage;
use crate::room::access::{Act, KeyHash};
use crate::room::{Audience, Effect, Event, MemberId, Notice};
use crate::stream::Stream;
use crate::wire::json::Message;
use crate::wire::{Encoding, Stamp};

/// Nobody: who comes in has no number before it is let in.
pub(super) const NOBODY: MemberId = MemberId::NOBODY;

impl<S: Stream> Hub<S> {
    /// Hears the next batch of the stream.
    pub(super) fn hear_batch(&mut self, seq: u64, time_ms: u64, payload: &[u8]) {
        let now = self.connections.now();
        let (Some(backplane), Some(members)) = (&mut self.backplane, &mut self.connections.members)
        else {
            return;
        };
        if seq <= backplane.applied || !backplane.snapshots.hears() {
            return;
        }
        if backplane.snapshots.is_gap(backplane.applied, seq, now) {
            return backplane.requests.push_back(Request::FetchSnapshot);
        }
        backplane.applied = seq;
        backplane.figures.batches_in += 1;
        // A clock that goes back is taken to stand still.
        let time_ms = time_ms.max(backplane.time.map_or(0, |(before_ms, _)| before_ms));
        backplane.time = Some((time_ms, now));
        let Some(batch) = Batch::parse(payload) else {
            return self.note_malformed("a batch");
        };
        let is_own = *batch.node == *backplane.boot;
        backplane.snapshots.note_batch(is_own, now);
        match members.place(&batch.node, batch.n) {
            Place::Before => return,
            Place::Later => {
                if is_own && batch.r == backplane.outbox.round() {
                    // One before it was not taken.
                    backplane.outbox.begin_round();
                }
                return;
            }
            Place::Next => members.count(&batch.node, batch.n, now),
        }
        let thens = if is_own {
            let thens = backplane.outbox.take(payload);
            let waits = backplane.outbox.is_waiting();
            backplane.presence.note_progress(waits, now);
            thens
        } else {
            Vec::new()
        };
        self.connections.order.set_time_ms(time_ms);
        let mut thens = thens.into_iter();
        for entry in &batch.events {
            self.apply_entry(&batch.node, entry, thens.next(), time_ms);
        }
        self.snapshot_if_due(seq, is_own);
    }

    /// Applies one event of a batch of the node `boot`, if it may still happen.
    fn apply_entry(&mut self, boot: &str, entry: &Entry<'_>, then: Option<Then>, time_ms: u64) {
        let Some(members) = &self.connections.members else {
            return;
        };
        if !members.knows(boot) {
            return;
        }
        let find = |number: u64| members.find(boot, number);
        let applied = match entry {
            Entry::Said(number, text) | Entry::Me(number, text) => {
                let (Some(member), Some(text)) = (find(*number), text.said()) else {
                    return self.drop_entry(entry, then);
                };
                let event = match entry {
                    Entry::Said(..) => Event::Said { member, text },
                    _ => Event::Did { member, text },
                };
                self.apply_shared(event, None, then, time_ms)
            }
            Entry::Joined(coming) => {
                let (Some(name), Ok(key)) = (coming.name.name(), coming.key()) else {
                    return self.drop_entry(entry, then);
                };
                if find(coming.n).is_some() {
                    return self.drop_entry(entry, then);
                }
                return self.apply_coming(boot, coming.n, name, key, coming.at, then, time_ms);
            }
            Entry::Renamed(coming) => {
                let member = find(coming.n);
                let (Some(member), Some(name), Ok(key)) =
                    (member, coming.name.name(), coming.key())
                else {
                    return self.drop_entry(entry, then);
                };
                self.apply_shared(Event::Renamed { member, name }, key, then, time_ms)
            }
            Entry::Left(number) => {
                let Some(member) = find(*number) else {
                    return self.drop_entry(entry, then);
                };
                return self.remove_member(member, time_ms);
            }
            Entry::Act(number, deed) => {
                let Some(member) = find(*number) else {
                    return self.drop_entry(entry, then);
                };
                let by = self.room.names().name(member);
                let act = match deed {
                    Deed::Kick(node, target, reason) => members
                        .find(&node.0, *target)
                        .zip(reason.said())
                        .map(|(member, reason)| Act::Kick { member, reason }),
                    deed => deed.act(&by),
                };
                let Some(act) = act else {
                    return self.drop_entry(entry, then);
                };
                let words = if act.is_public() {
                    self.room.words(member, &act)
                } else {
                    String::new()
                };
                self.apply_shared(Event::Act { member, act, words }, None, then, time_ms)
            }
            Entry::Gone(gone) => return self.apply_gone(&gone.0, time_ms),
            Entry::Seed(row) => {
                if row.restore(self.room.access_mut(), time_ms).is_none() {
                    self.note_malformed("an event");
                }
                return;
            }
            Entry::Lapsed(oldest_ms) => {
                let access = self.room.access_mut();
                return access.lapse_before(*oldest_ms, time_ms);
            }
        };
        debug_assert!(applied.is_none_or(|stamp| stamp.time_ms == time_ms));
    }

    /// Applies an event of somebody who is here, if it may still happen.
    fn apply_shared(
        &mut self,
        event: Event<'_>,
        key: Option<KeyHash>,
        then: Option<Then>,
        time_ms: u64,
    ) -> Option<Stamp> {
        let (member, now) = (event.actor(), self.connections.now());
        let ghost = match self.room.verdict(&event, key, time_ms) {
            Ok(ghost) => ghost,
            Err(notice) => {
                if let Some(then) = &then {
                    refuse(&mut self.connections, then, notice);
                }
                self.is_refused(then);
                return None;
            }
        };
        if let Some(ghost) = ghost {
            self.dismiss_ghost(ghost, time_ms);
        }
        if let (Some(members), Some(member)) = (&mut self.connections.members, member) {
            members.note_heard(member, now);
        }
        let stamp = self.happen_at(event, time_ms);
        if let Some(Then {
            member,
            what: What::Line(line_id),
        }) = then
        {
            self.let_speak(member);
            if let Some(line_id) = line_id {
                self.acknowledge(member, &line_id, stamp);
            }
        }
        stamp
    }

    /// Lets somebody in, if it may still come.
    #[expect(clippy::too_many_arguments, reason = "what a coming is made of")]
    fn apply_coming(
        &mut self,
        boot: &str,
        number: u64,
        name: crate::room::Name,
        key: Option<KeyHash>,
        address: Option<std::net::IpAddr>,
        then: Option<Then>,
        time_ms: u64,
    ) {
        let now = self.connections.now();
        let member = then.as_ref().map(|then| then.member);
        let event = Event::Joined {
            member: member.unwrap_or(NOBODY),
            name: name.clone(),
        };
        let ghost = match self.room.verdict(&event, key, time_ms) {
            Ok(ghost) => ghost,
            Err(notice) => {
                if let Some(then) = &then {
                    refuse(&mut self.connections, then, notice);
                }
                if let Some(backplane) = &mut self.backplane {
                    backplane.joining.remove(&number);
                }
                return self.is_refused(then);
            }
        };
        if let Some(ghost) = ghost {
            self.dismiss_ghost(ghost, time_ms);
        }
        let Some(members) = &mut self.connections.members else {
            return;
        };
        let member = member.unwrap_or_else(|| members.come(boot, number, address, now));
        members.enter(boot, number, member, now);
        let event = Event::Joined { member, name };
        match then {
            Some(then) => self.enter_shared(then, event, number, time_ms),
            None => drop(self.happen_at(event, time_ms)),
        }
    }

    /// Lets somebody in who is connected to this node.
    pub(super) fn enter_shared(&mut self, then: Then, event: Event<'_>, number: u64, time_ms: u64) {
        let member = then.member;
        if let Some(backplane) = &mut self.backplane {
            backplane.joining.remove(&number);
        }
        let is_open = self.connections.slots.stage(member).is_open();
        let is_new = self.connections.slots.stage(member) == Stage::Nameless;
        if let What::Enter(Some(again)) = then.what
            && is_new
        {
            self.connections.set_heard_before(member, again.heard);
            if let Some(before) = again.before {
                self.connections.sessions.resume(member, before);
            }
        }
        self.happen_at(event, time_ms);
        if is_new && self.connections.slots.encoding(member) == Encoding::Json {
            self.tell_members(member);
        }
        self.let_speak(member);
        if !is_open {
            // It has gone while it was waited for.
            self.propose(&Event::Left { member });
        }
    }

    /// Lets somebody be heard again whose name has been decided on.
    pub(in crate::hub) fn let_speak(&mut self, member: MemberId) {
        if let Some(backplane) = &mut self.backplane
            && backplane.awaiting.remove(&member)
        {
            self.connections.resume_later(member);
        }
    }

    /// Takes note that an event was refused; who caused it has been told.
    pub(super) fn is_refused(&mut self, then: Option<Then>) {
        let (Some(backplane), Some(members)) = (&mut self.backplane, &mut self.connections.members)
        else {
            return;
        };
        backplane.figures.refused += 1;
        let Some(Then { member, what }) = then else {
            return;
        };
        let is_again = matches!(what, What::EnterAgain);
        match what {
            What::Line(Some(line_id)) => {
                backplane.acks.remove(&(member, line_id));
            }
            What::Enter(_) | What::EnterAgain => {
                members.forget(member);
                self.connections.exits.let_go(member);
            }
            _ => {}
        }
        if is_again && self.connections.slots.stage(member).is_open() {
            self.connections.close(member, Disconnect::CutOff);
        }
        self.let_speak(member);
    }

    /// Ends the older connection of who comes in by the name it keeps, and lets it leave.
    fn dismiss_ghost(&mut self, ghost: MemberId, time_ms: u64) {
        if self.connections.slots.stage(ghost).is_open() {
            let notice = Effect::Notice(Notice::Replaced);
            self.connections.tell_of(ghost, &notice);
            self.connections.close(ghost, Disconnect::Replaced);
            self.connections.exits.take_leaving(ghost);
        }
        self.remove_member(ghost, time_ms);
    }

    /// Lets somebody leave the room.
    pub(super) fn remove_member(&mut self, member: MemberId, time_ms: u64) {
        let Some(backplane) = &mut self.backplane else {
            return;
        };
        let own = backplane.boot.clone();
        let resuming = backplane.resuming.remove(&member);
        self.happen_at(Event::Left { member }, time_ms);
        if let Some(members) = &mut self.connections.members
            && let Some((boot, number)) = members.whence(member, &own)
        {
            let boot = boot.to_owned();
            members.leave(&boot, number);
        }
        if !member.is_remote() {
            self.connections.exits.let_go(member);
        }
        if let Some((id, resume)) = resuming {
            self.go_on_resuming(id, &resume);
        }
    }

    /// Acknowledges a line that has been told to all, as often as it was sent.
    pub(super) fn acknowledge(&mut self, member: MemberId, line_id: &str, stamp: Option<Stamp>) {
        let Some(backplane) = &mut self.backplane else {
            return;
        };
        let count = backplane.acks.remove(&(member, line_id.to_owned()));
        self.connections.sessions.note(member, line_id, stamp);
        if !self.connections.slots.stage(member).is_open() {
            return;
        }
        for _ in 0..count.unwrap_or(0) {
            let ack = Message::Ack {
                id: line_id.into(),
                seq: stamp.map(|stamp| stamp.seq),
                time: stamp.map(|stamp| stamp.time_ms),
            };
            self.connections.tell_message(member, &ack);
        }
    }

    /// Takes note of an event that can't be applied to the room as it is: of somebody who has left
    /// meanwhile, or nobody of ours has written it.
    fn drop_entry(&mut self, entry: &Entry<'_>, then: Option<Then>) {
        debug!("an event of the stream is left out: {entry:?}");
        if !entry.is_sound() {
            self.note_malformed("an event");
        }
        self.is_refused(then);
    }

    fn note_malformed(&mut self, what: &str) {
        let now = self.connections.now();
        if let Some(backplane) = &mut self.backplane {
            backplane.figures.malformed += 1;
            if backplane.presence.may_complain(now) {
                warn!("the stream has {what} that no node can have written; it is ignored");
            }
        }
    }
}

/// Tells whose doing an event was that it may not happen any more.
pub(super) fn refuse<S: Stream>(
    connections: &mut crate::hub::connections::Connections<S>,
    then: &Then,
    notice: Notice<'_>,
) {
    let member = then.member;
    if !connections.slots.stage(member).is_open() {
        return;
    }
    let line_id = match &then.what {
        What::Line(line_id) => line_id.as_deref(),
        _ => None,
    };
    if connections.slots.encoding(member) == Encoding::Json {
        Answers::new(connections, member, line_id).push(member, Effect::Notice(notice));
    } else {
        connections.push(member, Effect::Notice(notice));
    }
    if matches!(then.what, What::Enter(_)) {
        connections.push(member, Effect::Prompt);
    }
}
