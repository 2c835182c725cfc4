//! What becomes of a message: its acknowledgement, its copies, the copies that never come.

use super::event::{Event, Original};
use super::visit::Way;
use super::{Chat, Seen};
use crate::trace::capture::Moment;

/// A capture that ends so soon after a message can't tell whether a copy is missing.
const TOO_SOON_NS: i64 = 1_000_000_000;

impl Chat {
    pub(super) fn acknowledge(
        &mut self,
        at: Moment,
        stream: u32,
        ack: u32,
        way: Way,
        events: &mut Vec<Event>,
        seen: &mut Seen,
    ) {
        let Some(visit) = self.visits.get_mut(&stream) else {
            return;
        };
        if !visit.has_talk() {
            return;
        }
        let to = visit.who();
        let queue = match way {
            Way::Up => &mut visit.talk().copies,
            Way::Down => &mut visit.talk().said,
        };
        let mut acked = Vec::new();
        while let Some(entry) = queue.front() {
            // What this very frame completed is not acknowledged by it.
            if ack.wrapping_sub(entry.0).cast_signed() < 0 || entry.2.frame == at.frame {
                break;
            }
            acked.extend(queue.pop_front());
        }
        for (_, id, since) in acked {
            let delay = at.time - since.time;
            seen.ack_delay = Some(delay);
            if way == Way::Down {
                events.push(Event::Acked { id, at, delay });
                continue;
            }
            let Some(message) = self.matcher.acked(id, stream) else {
                continue;
            };
            events.push(Event::Copied {
                id,
                of: message.of,
                original: message.at,
                to: to.clone(),
                at: since,
                delay: since.time - message.at.time,
                acked: Some((at, delay)),
            });
            if message.is_complete() {
                self.settle(id, false, events);
            }
        }
    }

    pub(super) fn settle_due(&mut self, events: &mut Vec<Event>) {
        while let Some(id) = self.matcher.due(self.now) {
            self.settle(id, false, events);
        }
    }

    /// Closes the account of a message: tells the copies that nobody acknowledged and those that
    /// never came.
    pub(super) fn settle(&mut self, id: u64, at_end: bool, events: &mut Vec<Event>) {
        let Some(message) = self.matcher.pending(id) else {
            self.matcher.settle(id);
            return;
        };
        let (of, original, sender) = (message.of, message.at, message.sender);
        let short = message.required && message.copies.len() < message.expected;
        let copies = self.matcher.settle(id);
        for copy in copies.iter().filter(|copy| !copy.acked) {
            if let Some(to) = self.who(copy.stream) {
                events.push(Event::Copied {
                    id,
                    of,
                    original,
                    to,
                    at: copy.at,
                    delay: copy.at.time - original.time,
                    acked: None,
                });
            }
        }
        if short && (of == Original::Message || self.leaves_are_told) {
            let got: Vec<_> = copies.iter().map(|copy| copy.stream).collect();
            let too_soon = at_end && self.now - original.time < TOO_SOON_NS;
            self.missing(of, original, sender, &got, too_soon, events);
        }
        let times = copies.iter().map(|copy| copy.at.time);
        let first = times.clone().min().unwrap_or(0);
        let spread = times.max().unwrap_or(0) - first;
        let copies = copies.len();
        events.push(Event::Settled {
            id,
            of,
            copies,
            spread,
        });
    }

    fn missing(
        &self,
        of: Original,
        original: Moment,
        sender: u32,
        got: &[u32],
        too_soon: bool,
        events: &mut Vec<Event>,
    ) {
        let mut without: Vec<_> = self
            .visits
            .values()
            .filter(|other| other.stream != sender && other.is_member())
            .filter(|other| other.joined.is_some_and(|frame| frame < original.frame))
            .filter(|other| !got.contains(&other.stream))
            .collect();
        without.sort_unstable_by_key(|other| other.stream);
        for other in without {
            let gap = other.gap_frame.is_some_and(|frame| frame >= original.frame);
            events.push(Event::Missing {
                of,
                original,
                to: other.who(),
                not_captured: gap || too_soon || other.waiting_bytes().1 > 0,
            });
        }
    }
}
