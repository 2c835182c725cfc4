//! What the server says: a copy, or something for one person alone.

use super::event::{Event, Original};
use super::history::History;
use super::step::Step;
use super::talk::{Awaited, Spoken};
use super::units::Framing;
use crate::wire::plain;

impl Step<'_> {
    /// Takes a unit from the server.
    pub(super) fn server_said(&mut self, stream: u32, spoken: Spoken) {
        match self.message(stream, &spoken) {
            Some(message) => self.program_told(stream, &spoken, &message),
            None => self.told(stream, spoken, false),
        }
    }

    /// Takes a line to somebody; `is_old` if it tells what was before that person came.
    pub(super) fn told(&mut self, stream: u32, spoken: Spoken, is_old: bool) {
        let Some(visit) = self.known.visits.get_mut(stream) else {
            return;
        };
        let who = visit.who();
        let history = visit.talk().speech.history;
        let is_old = is_old || history == History::Told;
        let is_copy = !spoken.partial && !is_old && self.copied(stream, &spoken);
        if let Some(visit) = self.known.visits.get_mut(stream) {
            // A copy begins no history, whatever it looks like.
            visit.talk().speech.history = if is_copy {
                History::None
            } else {
                history.after(&spoken)
            };
        }
        if is_copy {
            return;
        }
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
        let is_named = visit.joined.is_some();
        let talk = visit.talk();
        if is_named || self.known.framing != Framing::Lines || talk.speech.is_json() {
            return;
        }
        self.seen.joining = true;
        if spoken.bytes == plain::PROMPT.as_bytes() {
            talk.prompted = true;
        } else if spoken.bytes.starts_with(plain::STAR.as_bytes()) {
            talk.offers.pop_front();
        } else if talk.prompted || talk.asks_for_json() {
            talk.greeted = true;
            self.take_offers(stream);
        }
    }
}
