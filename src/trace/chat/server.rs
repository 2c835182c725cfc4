//! What the server says: a copy, or something for one person alone.

use super::event::{Event, Original};
use super::step::Step;
use super::talk::{Awaited, Spoken};
use super::units::Framing;
use crate::wire::plain;

impl Step<'_> {
    /// Takes a unit from the server.
    pub(super) fn server_said(&mut self, stream: u32, spoken: Spoken) {
        if !spoken.partial && self.copied(stream, &spoken) {
            return;
        }
        let Some(who) = self.known.visits.who(stream) else {
            return;
        };
        self.answer(stream, &spoken);
        self.events.push(Event::Notice {
            who,
            at: spoken.at,
            text: spoken.bytes,
            partial: spoken.partial,
        });
    }

    /// Takes a unit for the copy that it is; returns whether it is one.
    fn copied(&mut self, stream: u32, spoken: &Spoken) -> bool {
        let known = &mut *self.known;
        let Some(visit) = known.visits.get(stream) else {
            return false;
        };
        // Who was in the room before the capture began gets copies from its first frame on.
        let joined = match visit.joined {
            Some(frame) => frame,
            None if visit.is_whole() => u64::MAX,
            None => 0,
        };
        let to = visit.who();
        let found = known.matcher.find(&spoken.bytes, stream, joined, spoken.at);
        let Some(found) = found else {
            return false;
        };
        let origin = found.origin;
        if let Some(sender) = known.visits.get_mut(origin.sender) {
            sender.rename(&found.name);
            self.seen.copy = Some((sender.who(), origin.at, to));
        }
        known.leaves_are_told |= origin.of == Original::Leave;
        if let Some(visit) = known.visits.get_mut(stream) {
            visit.talk().copies.push(Awaited {
                end: spoken.end,
                id: found.id,
                since: spoken.at,
            });
        }
        true
    }

    /// What the server says to somebody without a name tells whether it takes the one offered.
    fn answer(&mut self, stream: u32, spoken: &Spoken) {
        let Some(visit) = self.known.visits.get_mut(stream) else {
            return;
        };
        if visit.joined.is_some() || self.known.framing != Framing::Lines {
            return;
        }
        self.seen.joining = true;
        let talk = visit.talk();
        if spoken.bytes == plain::PROMPT.as_bytes() {
            talk.prompted = true;
        } else if spoken.bytes.starts_with(plain::STAR.as_bytes()) {
            talk.offers.pop_front();
        } else if talk.prompted {
            talk.greeted = true;
            self.take_offers(stream);
        }
    }
}
