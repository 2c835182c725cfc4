//! What a snapshot says of the room becomes so here: at a start, and where events were missed.
//!
//! Who missed events doesn't know how the room came to be what it is: those who are here are told how many
//! are missing, and then what became of those whom they know, as if it had just happened. Each such event
//! stands for one at least that was missed, and takes its number: so numbers only grow, and are those of
//! all nodes again behind it.

use std::collections::BTreeMap;

use log::{info, warn};
use smol_str::SmolStr;

use super::Then;
use super::applying::refuse;
use crate::backplane::event::{Entry, Text};
use crate::backplane::is_boot;
use crate::backplane::members::Members;
use crate::backplane::snapshot::{Line, Snapshot};
use crate::backplane::state::Present;
use crate::hub::Hub;
use crate::hub::disconnect::Disconnect;
use crate::hub::standing::Stage;
use crate::room::access::Answer;
use crate::room::{Audience as _, Effect, Event, Machines, MemberId, Name, Names, Notice, Room};
use crate::stream::Stream;
use crate::tick::Tick;
use crate::wire::Stamp;
use crate::wire::json::Message;

/// Whom a snapshot says to be in the room: by its node's boot and the number there, each name once.
type There<'s> = BTreeMap<(SmolStr, u64), (Name, &'s Present<'s>)>;

/// How the room as a snapshot has it differs from how this node knows it.
struct Difference {
    /// Who is gone, and the number of each at its node.
    gone: Vec<(MemberId, u64, Name)>,
    /// Who goes by another name.
    renamed: Vec<(MemberId, Name)>,
    /// Who has come, by boot and number.
    new: Vec<(SmolStr, u64)>,
}

impl Difference {
    /// Returns it; nobody is here any more by the boot that is `over`, if one is.
    fn between(
        members: &Members,
        names: &Names,
        there: &There<'_>,
        over: Option<&SmolStr>,
    ) -> Self {
        let (mut gone, mut renamed) = (Vec::new(), Vec::new());
        for (boot, node) in members.nodes() {
            for (&number, &member) in &node.members {
                let present = there.get(&(boot.clone(), number));
                match present.filter(|_| Some(boot) != over) {
                    None => gone.push((member, number, names.name(member))),
                    Some((name, _)) if names.of(member) != name.as_str() => {
                        renamed.push((member, name.clone()));
                    }
                    Some(_) => {}
                }
            }
        }
        let is_new = |(boot, number): &&(SmolStr, u64)| {
            Some(boot) == over || members.find(boot, *number).is_none()
        };
        Self {
            gone,
            renamed,
            new: there.keys().filter(is_new).cloned().collect(),
        }
    }

    /// Returns how many events it is told in.
    fn events(&self) -> u64 {
        (self.gone.len() + self.renamed.len() + self.new.len()) as u64
    }
}

impl<S: Stream> Hub<S> {
    /// Begins with what a snapshot says: this node knows nothing of the room yet.
    pub(super) fn restore(&mut self, snapshot: &Snapshot<'_>) {
        let now = self.connections.now();
        let moment = &snapshot.moment;
        self.restore_kept(snapshot);
        let (Some(backplane), Some(members)) = (&mut self.backplane, &mut self.connections.members)
        else {
            return;
        };
        backplane.time = Some((moment.time, now));
        let mut wrong = 0_usize;
        for line in &snapshot.lines {
            let restored = match line {
                Line::Node(boot, last) => is_boot(&boot.0).then(|| {
                    members.count(&boot.0, *last, now);
                }),
                Line::Gone(boot, last) => {
                    is_boot(&boot.0).then(|| members.note_gone(&boot.0, *last))
                }
                Line::Keeps(_) => Some(()),
                Line::Here(present) => restore_member(&mut self.room, members, present, now),
                Line::Past(line) => Message::parse(line.as_bytes()).ok().and_then(|message| {
                    let (line, time_ms) = message.as_past()?;
                    let seq = message.seq()?;
                    let stamp = Stamp { seq, time_ms };
                    self.connections.delivery.feeds.recall(line, stamp);
                    Some(())
                }),
            };
            wrong += usize::from(restored.is_none());
        }
        note_wrong(wrong);
        self.connections.order.set_seq(moment.events);
        self.connections.order.set_time_ms(moment.time);
        info!(
            "the room as of batch {}: {} members at {} nodes",
            moment.seq,
            self.room.names().count(),
            members.nodes().count()
        );
    }

    /// Restores what the room keeps.
    pub(super) fn restore_kept(&mut self, snapshot: &Snapshot<'_>) {
        let mut wrong = 0;
        for line in &snapshot.lines {
            if let Line::Keeps(row) = line {
                let access = self.room.access_mut();
                wrong += usize::from(row.restore(access, snapshot.moment.time).is_none());
            }
        }
        note_wrong(wrong);
    }

    /// Takes the room for what a snapshot says; without one, for one that nobody is in. This node has known
    /// it as it was before.
    pub(super) fn adopt(&mut self, snapshot: Option<&Snapshot<'_>>) {
        let now = self.connections.now();
        let lines = snapshot.map_or(&[][..], |snapshot| &snapshot.lines);
        let nodes = nodes_of(lines);
        let there = there_of(lines, &nodes);
        let (Some(backplane), Some(members)) = (&mut self.backplane, &self.connections.members)
        else {
            return;
        };
        let own = backplane.boot.clone();
        let before = backplane.time.map_or(0, |(time_ms, _)| time_ms);
        let time_ms = snapshot.map_or(before, |snapshot| snapshot.moment.time.max(before));
        backplane.time = Some((time_ms, now));
        self.connections.order.set_time_ms(time_ms);
        // Of a boot that never said anything, nobody knows.
        let gone = last_of_gone(lines, &own);
        let last = nodes.get(&own).copied().or(gone).unwrap_or(0);
        let is_over = gone.is_some() || last + 1 < backplane.outbox.first();
        let over = is_over.then_some(&own);
        let difference = Difference::between(members, self.room.names(), &there, over);
        let first_event = self.connections.order.seq();
        let told = first_event + difference.events();
        let last_event = snapshot.map_or(told, |snapshot| snapshot.moment.events.max(told));
        if last_event > told {
            let count = last_event - told;
            self.tell_all_here(Notice::Machines(Machines::Missed { count }));
        }
        let mut gone = Vec::new();
        for (member, number, name) in difference.gone {
            self.remove_member(member, time_ms);
            if !member.is_remote() && is_over {
                gone.push((member, number, name));
            } else if !member.is_remote() && self.connections.slots.stage(member).is_open() {
                // It was sent away meanwhile, by whom and why is not known any more.
                self.connections.close(member, Disconnect::Kicked);
            }
        }
        for (member, name) in difference.renamed {
            self.happen_at(Event::Renamed { member, name }, time_ms);
        }
        if !is_over {
            self.take_counted(last, &own, &there, time_ms);
        }
        self.let_come(&difference.new, &there, time_ms);
        self.adopt_access(snapshot, &there);
        if let Some(members) = &mut self.connections.members {
            members.set_nodes(&nodes, &gone_of(lines), now);
        }
        self.connections.order.set_seq(last_event);
        self.connections.delivery.feeds.note_gap();
        if is_over {
            self.begin_boot(&gone, last);
        }
        info!("{} events were missed", last_event - first_event);
    }

    /// Does what is done about what has counted of what this node has proposed, without its having heard
    /// it.
    fn take_counted(&mut self, last: u64, own: &SmolStr, there: &There<'_>, time_ms: u64) {
        let Some(backplane) = &mut self.backplane else {
            return;
        };
        for mut unheard in backplane.outbox.take_counted(last) {
            for (entry, then) in unheard.take() {
                let Entry::Joined(coming) = entry else {
                    self.note_counted(then);
                    continue;
                };
                if let Some((name, _)) = there.get(&(own.clone(), coming.n)) {
                    let (member, name) = (then.member, name.clone());
                    let now = self.connections.now();
                    if let Some(members) = &mut self.connections.members {
                        members.enter(own, coming.n, member, now);
                    }
                    let event = Event::Joined { member, name };
                    self.enter_shared(then, event, coming.n, time_ms);
                } else {
                    self.ask_once_more(then, coming.n);
                }
            }
        }
    }

    /// Asks somebody for a name again of whom it is not known whether it was let in, and is not here now.
    fn ask_once_more(&mut self, then: Then, number: u64) {
        refuse(
            &mut self.connections,
            &then,
            Notice::Machines(Machines::NameOnceMore),
        );
        if let Some(backplane) = &mut self.backplane {
            backplane.joining.remove(&number);
        }
        self.is_refused(Some(then));
    }

    /// Lets those come in who have come meanwhile at other nodes.
    fn let_come(&mut self, new: &[(SmolStr, u64)], there: &There<'_>, time_ms: u64) {
        let now = self.connections.now();
        for key in new {
            let Some(((name, present), members)) =
                there.get(key).zip(self.connections.members.as_mut())
            else {
                continue;
            };
            let (boot, number) = key;
            if members.find(boot, *number).is_some() {
                // It is one of ours.
                continue;
            }
            let member = members.come(boot, *number, present.at, now);
            members.enter(boot, *number, member, now);
            let name = name.clone();
            self.happen_at(Event::Joined { member, name }, time_ms);
        }
    }

    /// Takes over what the room keeps, and what is known of who is in it.
    fn adopt_access(&mut self, snapshot: Option<&Snapshot<'_>>, there: &There<'_>) {
        let topic = self.room.access().topic().cloned();
        self.room.access_mut().forget();
        if let Some(snapshot) = snapshot {
            self.restore_kept(snapshot);
        }
        let Some(members) = &self.connections.members else {
            return;
        };
        for ((boot, number), (_, present)) in there {
            if let Some(member) = members.find(boot, *number) {
                let keeps = present.keeps.as_ref().and_then(Text::name);
                let (since, spoke) = (present.since, present.spoke);
                self.room
                    .restore_access(member, keeps.as_ref(), since, spoke);
            }
        }
        if self.room.access().topic() != topic.as_ref() {
            self.tell_topic();
        }
    }

    /// Tells everybody who is connected to this machine what the room is about.
    fn tell_topic(&mut self) {
        let answer = self.room.topic_answer().unwrap_or(Answer::NoTopic);
        for id in self.connections.slots.ids() {
            if self.connections.slots.stage(id) == Stage::Member {
                let notice = Notice::Access(answer);
                self.connections.push(id, Effect::Notice(notice));
            }
        }
    }
}

/// Returns the nodes of a snapshot, each with the counter of its last batch that counted.
fn nodes_of(lines: &[Line<'_>]) -> BTreeMap<SmolStr, u64> {
    let nodes = lines.iter().filter_map(|line| match line {
        Line::Node(boot, last) if is_boot(&boot.0) => Some((SmolStr::new(&boot.0), *last)),
        _ => None,
    });
    nodes.collect()
}

/// Returns the nodes that are gone, the oldest first, with the same.
fn gone_of<'s>(lines: &'s [Line<'_>]) -> Vec<(&'s str, u64)> {
    let gone = lines.iter().filter_map(|line| match line {
        Line::Gone(boot, last) if is_boot(&boot.0) => Some((&*boot.0, *last)),
        _ => None,
    });
    gone.collect()
}

/// Returns the counter of the last batch that counted of a node, if it is gone.
fn last_of_gone(lines: &[Line<'_>], boot: &str) -> Option<u64> {
    let gone = gone_of(lines).into_iter().find(|(gone, _)| *gone == boot);
    gone.map(|(_, last)| last)
}

/// Returns who is in the room by a snapshot. Nobody has a name that looks like another's.
fn there_of<'s>(lines: &'s [Line<'s>], nodes: &BTreeMap<SmolStr, u64>) -> There<'s> {
    let mut there = There::new();
    let (mut names, mut wrong) = (Names::default(), 0);
    for line in lines {
        let Line::Here(present) = line else {
            continue;
        };
        let key = (SmolStr::new(&present.node.0), present.n);
        let name = present.name.name();
        let name = name.filter(|name| names.find(name).is_none() && nodes.contains_key(&key.0));
        match name {
            Some(name) if !there.contains_key(&key) => {
                names.give(MemberId::remote(there.len()), name.clone());
                there.insert(key, (name, present));
            }
            _ => wrong += 1,
        }
    }
    note_wrong(wrong);
    there
}

fn note_wrong(wrong: usize) {
    if wrong > 0 {
        warn!("{wrong} lines of the snapshot can't be understood");
    }
}

fn restore_member(
    room: &mut Room,
    members: &mut Members,
    present: &Present<'_>,
    now: Tick,
) -> Option<()> {
    let (name, boot) = (present.name.name()?, &*present.node.0);
    let keeps = present.keeps.as_ref();
    let keeps = match keeps {
        Some(keeps) => Some(keeps.name()?),
        None => None,
    };
    if !members.knows(boot) || members.find(boot, present.n).is_some() {
        return None;
    }
    let member = members.come(boot, present.n, present.at, now);
    members.enter(boot, present.n, member, now);
    room.restore_member(member, name, keeps.as_ref(), present.since, present.spoke)
}
