//! What becomes of a message: its acknowledgement, its copies, the copies that never come.

use super::arrival::{Arrival, Way};
use super::event::{Event, Original};
use super::matching::{Copy, Origin};
use super::step::Step;
use super::talk::Awaited;

/// A capture that ends so soon after a message can't tell whether a copy is missing.
const TOO_SOON_NS: i64 = 1_000_000_000;

impl Step<'_> {
    /// Tells what a packet acknowledges.
    pub(super) fn acknowledge(&mut self, arrival: &Arrival<'_>) {
        let (at, stream) = (arrival.at, arrival.stream());
        let visit = self.known.visits.get_mut(stream);
        let Some(talk) = visit.and_then(|visit| visit.talk_so_far()) else {
            return;
        };
        let sent = match arrival.way {
            Way::Up => &mut talk.copies,
            Way::Down => &mut talk.said,
        };
        for awaited in sent.acknowledged(arrival.packet.ack, at.frame) {
            let delay = at.time - awaited.since.time;
            self.seen.ack_delay = Some(delay);
            let id = awaited.id;
            match arrival.way {
                Way::Down => self.events.push(Event::Acked { id, at, delay }),
                Way::Up => self.copy_acknowledged(arrival, awaited, delay),
            }
        }
    }

    fn copy_acknowledged(&mut self, arrival: &Arrival<'_>, awaited: Awaited, ack_delay: i64) {
        let (id, at, stream) = (awaited.id, awaited.since, arrival.stream());
        let Some(message) = self.known.matcher.acked(id, stream) else {
            return;
        };
        let (origin, is_complete) = (message.origin, message.is_complete());
        if let Some(to) = self.known.visits.who(stream) {
            self.events.push(Event::Copied {
                id,
                of: origin.of,
                original: origin.at,
                to,
                at,
                delay: at.time - origin.at.time,
                acked: Some((arrival.at, ack_delay)),
            });
        }
        if is_complete {
            self.settle(id, false);
        }
    }

    /// Closes the accounts of messages that have waited long enough.
    pub(super) fn settle_due(&mut self) {
        while let Some(id) = self.known.matcher.due(self.known.now) {
            self.settle(id, false);
        }
    }

    /// Closes the account of a message: tells the copies that nobody acknowledged and those that
    /// never came.
    pub(super) fn settle(&mut self, id: u64, at_end: bool) {
        let Some((origin, copies)) = self.known.matcher.settle(id) else {
            return;
        };
        for copy in copies.iter().filter(|copy| !copy.acked) {
            if let Some(to) = self.known.visits.who(copy.stream) {
                self.events.push(Event::Copied {
                    id,
                    of: origin.of,
                    original: origin.at,
                    to,
                    at: copy.at,
                    delay: copy.at.time - origin.at.time,
                    acked: None,
                });
            }
        }
        let short = origin.required && copies.len() < origin.expected;
        if short && (origin.of == Original::Message || self.known.leaves_are_told) {
            self.missing(&origin, &copies, at_end);
        }
        let times = copies.iter().map(|copy| copy.at.time);
        let first = times.clone().min().unwrap_or(0);
        self.events.push(Event::Settled {
            id,
            of: origin.of,
            copies: copies.len(),
            spread: times.max().unwrap_or(0) - first,
        });
    }

    fn missing(&mut self, origin: &Origin, copies: &[Copy], at_end: bool) {
        let too_soon = at_end && self.known.now - origin.at.time < TOO_SOON_NS;
        let frame = origin.at.frame;
        let sender = self.known.visits.get(origin.sender);
        let name = sender.and_then(|sender| sender.names.first());
        for member in self.known.visits.members_before(frame, origin.sender) {
            // Who has come back in the place of a connection that closes only then knows of it.
            let replaces = origin.of == Original::Leave && member.names.first() == name;
            if replaces || copies.iter().any(|copy| copy.stream == member.stream) {
                continue;
            }
            self.events.push(Event::Missing {
                of: origin.of,
                original: origin.at,
                to: member.who(),
                not_captured: too_soon || member.lacks_since(frame),
            });
        }
    }
}
