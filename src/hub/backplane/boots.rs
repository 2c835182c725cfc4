//! The boots of this node: one that was taken for lost is over, and another one begins.

use std::collections::BTreeMap;

use log::warn;
use smol_str::{SmolStr, format_smolstr};

use super::{Request, Then, What};
use crate::backplane::batch::Outbox;
use crate::backplane::event::Entry;
use crate::hub::Hub;
use crate::room::{Effect, Event, Machines, MemberId, Name, Notice};
use crate::stream::Stream;

/// Who is known to the boot before, and by which number to this one.
struct Again<'n> {
    /// Who was about to come in.
    joining: BTreeMap<u64, MemberId>,
    /// Who was in the room.
    gone: BTreeMap<u64, (MemberId, &'n Name)>,
    /// The numbers that they have now.
    known: BTreeMap<u64, u64>,
}

impl Again<'_> {
    fn note(&mut self, before: u64, now: Option<u64>) {
        self.known.extend(now.map(|now| (before, now)));
    }
}

impl<S: Stream> Hub<S> {
    /// Lets everybody leave who is connected to a node that is gone.
    pub(super) fn apply_gone(&mut self, boot: &str, time_ms: u64) {
        let (Some(backplane), Some(members)) = (&self.backplane, &self.connections.members) else {
            return;
        };
        if !members.knows(boot) {
            return;
        }
        let is_own = backplane.boot == boot;
        let names = self.room.names();
        let gone: Vec<(MemberId, u64, Name)> = members
            .of(boot)
            .map(|(number, member)| (member, number, names.name(member)))
            .collect();
        for &(member, ..) in &gone {
            self.remove_member(member, time_ms);
        }
        if let Some(members) = &mut self.connections.members {
            members.end(boot);
        }
        if is_own {
            // What has counted has come back.
            self.begin_boot(&gone, 0);
        }
    }

    /// Begins anew as another boot: lets those in again who are connected, `gone` with the numbers that
    /// they had, and says once more what they had said and the room hadn't heard: `counted` is the counter of
    /// the last batch that it had.
    pub(super) fn begin_boot(&mut self, gone: &[(MemberId, u64, Name)], counted: u64) {
        let Some(backplane) = &mut self.backplane else {
            return;
        };
        warn!("the others took this node for lost; its members are let in again");
        backplane.boots += 1;
        let boot: SmolStr = format_smolstr!("{}-{}", backplane.settings.boot, backplane.boots);
        let outbox = std::mem::replace(&mut backplane.outbox, Outbox::new(&boot));
        let joining = std::mem::take(&mut backplane.joining);
        backplane
            .requests
            .push_back(Request::ListenAs(boot.clone()));
        let before = std::mem::replace(&mut backplane.boot, boot);
        let members = self.connections.members.as_ref();
        if members.is_some_and(|members| members.knows(&before)) {
            // The room goes on as it was before this boot said what it did.
            backplane.give_up(&before);
        }
        let mut again = Again {
            joining,
            gone: gone
                .iter()
                .map(|(member, number, name)| (*number, (*member, name)))
                .collect(),
            known: BTreeMap::new(),
        };
        for &(member, number, ref name) in gone {
            if self.connections.slots.stage(member).is_open() {
                let notice = Effect::Notice(Notice::Machines(Machines::TakenForLost));
                self.connections.tell_of(member, &notice);
                self.enter_again(member, name);
                again.note(number, self.number_of(member));
            }
        }
        for mut unheard in outbox.end() {
            let has_counted = unheard.counter <= counted;
            for (entry, then) in unheard.take() {
                self.propose_again(entry, then, has_counted, &mut again);
            }
        }
        if let Some(backplane) = &mut self.backplane {
            backplane.letters.renumber(&again.known);
        }
    }

    /// Proposes once more what a boot that is over had proposed; nothing that has counted, but that
    /// somebody comes in.
    fn propose_again(
        &mut self,
        entry: Entry<'_>,
        then: Then,
        has_counted: bool,
        again: &mut Again<'_>,
    ) {
        if let Entry::Joined(coming) = &entry
            && let Some(&member) = again.joining.get(&coming.n)
        {
            self.announce_again(member);
            again.note(coming.n, self.number_of(member));
        } else if has_counted {
            return self.note_counted(then);
        }
        let Some(number) = entry.number() else {
            return self.push_entry(&entry, then);
        };
        if !again.known.contains_key(&number)
            && !matches!(entry, Entry::Left(_))
            && let Some(&(member, name)) = again.gone.get(&number)
        {
            // It has gone since, but not before it said this.
            self.enter_again(member, name);
            again.note(number, self.number_of(member));
        }
        match again.known.get(&number) {
            Some(&number) => self.push_entry(&entry.with_number(number), then),
            None => self.connections.exits.let_go(then.member),
        }
    }

    /// Does what is done about an event that has counted, though this node hasn't heard what came of it.
    pub(super) fn note_counted(&mut self, then: Then) {
        if let What::Line(line_id) = then.what {
            self.let_speak(then.member);
            if let Some(line_id) = line_id {
                self.acknowledge(then.member, &line_id, None);
            }
        }
    }

    /// Proposes that somebody who was in the room comes in once more.
    fn enter_again(&mut self, member: MemberId, name: &Name) {
        let name = name.clone();
        self.propose_and(&Event::Joined { member, name }, What::EnterAgain);
    }

    /// Gives somebody who is about to come in a number of the new boot.
    fn announce_again(&mut self, member: MemberId) {
        if let (Some(backplane), Some(members)) =
            (&mut self.backplane, &mut self.connections.members)
        {
            let number = backplane.next_number;
            backplane.next_number += 1;
            backplane.joining.insert(number, member);
            members.announce(member, number);
        }
    }

    fn number_of(&self, member: MemberId) -> Option<u64> {
        self.connections.members.as_ref()?.number(member)
    }

    pub(super) fn push_entry(&mut self, entry: &Entry<'_>, then: Then) {
        if let Some(backplane) = &mut self.backplane {
            backplane.outbox.push(entry, then);
        }
    }
}
