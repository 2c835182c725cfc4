//! The way into the stream: what was decided on is written into the next batch.

use std::net::IpAddr;

use super::{Then, What};
use crate::backplane::event::{Coming, Deed, Entry, Text};
use crate::hub::Hub;
use crate::room::access::Act;
use crate::room::{Audience, Event, MemberId, Name};
use crate::stream::Stream;

impl<S: Stream> Hub<S> {
    /// Proposes an event that was decided on.
    pub(in crate::hub) fn propose(&mut self, event: &Event<'_>) {
        let what = match event {
            Event::Joined { .. } => What::Enter(None),
            Event::Said { .. } | Event::Did { .. } | Event::Renamed { .. } | Event::Act { .. } => {
                What::Line(None)
            }
            _ => What::Nothing,
        };
        self.propose_and(event, what);
    }

    /// Proposes a line of somebody who is told in JSON, and acknowledges it when it has come back.
    pub(in crate::hub) fn propose_line(&mut self, event: &Event<'_>, line_id: Option<&str>) {
        if let (Some(line_id), Some(member), Some(backplane)) =
            (line_id, event.actor(), &mut self.backplane)
        {
            backplane.acks.insert((member, line_id.to_owned()), 1);
        }
        self.propose_and(event, What::Line(line_id.map(str::to_owned)));
    }

    /// Returns whether a line with this id is on its way; it is acknowledged once more then.
    pub(in crate::hub) fn is_on_its_way(&mut self, member: MemberId, line_id: &str) -> bool {
        let Some(backplane) = &mut self.backplane else {
            return false;
        };
        let acks = backplane.acks.get_mut(&(member, line_id.to_owned()));
        acks.map(|count| *count = count.saturating_add(1)).is_some()
    }

    /// Proposes an event, and says what is done when it has come back.
    pub(in crate::hub) fn propose_and(&mut self, event: &Event<'_>, what: What) {
        if let Event::Whispered { member, to, text } = event {
            return self.whisper(*member, *to, text);
        }
        let (key, at) = match event {
            Event::Joined { member, name } => {
                (self.hash_of(name), self.connections.address(*member))
            }
            Event::Renamed { name, .. } => (self.hash_of(name), None),
            _ => (None, None),
        };
        let (Some(backplane), Some(members)) = (&mut self.backplane, &mut self.connections.members)
        else {
            return;
        };
        let Some(member) = event.actor() else {
            return;
        };
        let number = if matches!(event, Event::Joined { .. }) {
            let number = backplane.next_number;
            backplane.next_number += 1;
            backplane.joining.insert(number, member);
            members.announce(member, number);
            Some(number)
        } else {
            members.number(member)
        };
        let Some(number) = number else {
            return;
        };
        if matches!(event, Event::Joined { .. } | Event::Renamed { .. }) {
            backplane.awaiting.insert(member);
        }
        let whence = |member| members.whence(member, &backplane.boot);
        if let Some(entry) = entry_of(event, number, (key, at), whence) {
            backplane.outbox.push(&entry, Then { member, what });
        }
        self.note_flow();
    }

    /// Returns what is kept of the key to a name, if it is kept: who comes by it has shown the key.
    fn hash_of(&self, name: &Name) -> Option<Text<'static>> {
        let kept = self.room.access().kept_as(name)?;
        Some(Text(kept.hash.to_hex().into()))
    }

    /// Proposes that what is over is forgotten; returns whether that is needed.
    pub(in crate::hub) fn propose_lapse(&mut self, now_ms: u64) -> bool {
        let oldest_ms = self.room.access().oldest_ms(now_ms);
        let Some(backplane) = &mut self.backplane else {
            return false;
        };
        if let Some(oldest_ms) = oldest_ms {
            let lapsed = Entry::Lapsed(oldest_ms);
            backplane.outbox.push(&lapsed, Then::nothing());
        }
        true
    }
}

/// Returns how an event is written that is the doing of who has a number here; `key` and `at` of who
/// comes by a name, `whence` tells the node and the number of somebody.
fn entry_of<'e>(
    event: &'e Event<'_>,
    n: u64,
    (key, at): (Option<Text<'e>>, Option<IpAddr>),
    whence: impl Fn(MemberId) -> Option<(&'e str, u64)>,
) -> Option<Entry<'e>> {
    let coming = |name: &'e Name| Coming {
        n,
        name: name.as_str().into(),
        key,
        at,
    };
    Some(match event {
        Event::Said { text, .. } => Entry::Said(n, (*text).into()),
        Event::Did { text, .. } => Entry::Me(n, (*text).into()),
        Event::Left { .. } => Entry::Left(n),
        Event::Joined { name, .. } => Entry::Joined(coming(name)),
        Event::Renamed { name, .. } => Entry::Renamed(coming(name)),
        Event::Act {
            act: Act::Kick { member, reason },
            ..
        } => {
            let (boot, target) = whence(*member)?;
            Entry::Act(n, Deed::Kick(boot.into(), target, (*reason).into()))
        }
        Event::Act { act, .. } => Entry::Act(n, Deed::of(act)?),
        Event::Whispered { .. } | Event::Announced { .. } | Event::Closing => return None,
    })
}
