//! The way into the stream: what was decided on is written into the next batch.

use super::{Then, What};
use crate::backplane::event::{Coming, Deed, Entry, Text};
use crate::hub::Hub;
use crate::room::access::Act;
use crate::room::{Audience, Event, MemberId, Name};
use crate::stream::Stream;

impl<S: Stream> Hub<S> {
    /// Proposes an event that was decided on.
    pub(in crate::hub) fn propose(&mut self, event: Event<'_>) {
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
    pub(in crate::hub) fn propose_line(&mut self, event: Event<'_>, line_id: Option<&str>) {
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
    pub(in crate::hub) fn propose_and(&mut self, event: Event<'_>, what: What) {
        if let Event::Whispered { member, to, text } = event {
            return self.whisper(member, to, text);
        }
        let address = event.member().and_then(|id| self.connections.address(id));
        let (Some(backplane), Some(members)) = (&mut self.backplane, &mut self.connections.members)
        else {
            return;
        };
        let Some(member) = event.actor() else {
            return;
        };
        let number = if let Event::Joined { member, .. } = event {
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
        let then = Then { member, what };
        let key_of = |name: &Name| {
            let kept = self.room.access().kept_as(name)?;
            Some(Text(kept.hash.to_hex().into()))
        };
        let entry = match &event {
            Event::Said { text, .. } => Entry::Said(number, (*text).into()),
            Event::Did { text, .. } => Entry::Me(number, (*text).into()),
            Event::Left { .. } => Entry::Left(number),
            Event::Joined { name, .. } | Event::Renamed { name, .. } => {
                backplane.awaiting.insert(member);
                let coming = Coming {
                    n: number,
                    name: name.as_str().into(),
                    key: key_of(name),
                    at: address,
                };
                match event {
                    Event::Joined { .. } => Entry::Joined(coming),
                    _ => Entry::Renamed(Coming { at: None, ..coming }),
                }
            }
            Event::Act {
                act: Act::Kick { member, reason },
                ..
            } => {
                let Some((boot, target)) = members.whence(*member, &backplane.boot) else {
                    return;
                };
                let boot = Text(boot.to_owned().into());
                Entry::Act(number, Deed::Kick(boot, target, (*reason).into()))
            }
            Event::Act { act, .. } => match Deed::of(act) {
                Some(deed) => Entry::Act(number, deed),
                None => return,
            },
            Event::Whispered { .. } | Event::Announced { .. } | Event::Closing => return,
        };
        backplane.outbox.push(&entry, then);
        self.note_flow();
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
