//! The talk: who joined, who said what, which copies the server sent of it, who left.
//!
//! Knows the room's wire, in either encoding, and nothing of output. Each packet of the room is one step: it changes what
//! is known, and what happened comes back as [`Event`]s with a [`Note`] of what the
//! frame was for. Copies are found by the [`matching`] of bytes and order.

mod arrival;
pub mod event;
mod fan_out;
pub mod framing;
mod history;
mod json;
pub mod matching;
mod people;
mod phase;
mod server;
mod speech;
mod spoken;
mod step;
mod talk;
pub mod units;
mod visit;
mod visits;

use self::arrival::{Arrival, Way};
use self::event::{Ending, Event, Who, Word};
use self::matching::Matcher;
pub use self::phase::Phase;
use self::step::{Known, Step};
use self::units::Framing;
use self::visit::Change;
use self::visits::Visits;
use crate::trace::capture::Moment;
use crate::trace::packet::{ACK, Packet, Ports};
use crate::trace::tcp::Segment;
use crate::trace::tls::key_log::KeyLog;

/// What one frame meant.
#[derive(Debug, Clone)]
pub struct Note {
    /// What it is for.
    pub phase: Phase,
    /// A unit ends in it.
    pub ends_unit: bool,
    /// The copy that ends in it: of whose, when, to whom.
    pub copy: Option<(Who, Moment, Who)>,
    /// How long after what it answers.
    pub delay: Option<i64>,
}

/// The talk.
#[derive(Debug)]
pub struct Chat {
    ports: Ports,
    known: Known,
}

impl Chat {
    /// Returns an empty talk on these ports.
    #[must_use]
    pub fn new(ports: Ports, framing: Framing) -> Self {
        Self {
            ports,
            known: Known {
                framing,
                visits: Visits::default(),
                matcher: Matcher::default(),
                leaves_are_told: false,
                now: 0,
            },
        }
    }

    /// Says what ends a message; only before anything was pushed.
    pub fn set_framing(&mut self, framing: Framing) {
        self.known.framing = framing;
    }

    /// Says which secrets there are of sealed connections; only before anything was pushed.
    pub fn set_keys(&mut self, keys: KeyLog) {
        self.known.visits.set_keys(keys);
    }

    /// Returns the secrets that there are.
    #[must_use]
    pub fn keys(&self) -> &KeyLog {
        self.known.visits.keys()
    }

    /// Takes one packet of the ports, in the order of the capture.
    pub fn push(
        &mut self,
        at: Moment,
        packet: &Packet<'_>,
        segment: &Segment,
    ) -> (Note, Vec<Event>) {
        self.known.now = at.time;
        let arrival = Arrival::new(at, packet, segment, self.ports);
        let mut step = Step::new(&mut self.known);
        step.settle_due();
        step.hear(&arrival);
        if packet.has(ACK) {
            step.acknowledge(&arrival);
        }
        step.close(&arrival);
        let note = Note {
            phase: step.phase(&arrival),
            ends_unit: step.seen.units,
            delay: match &step.seen.copy {
                Some((_, original, _)) => Some(at.time - original.time),
                None => step.seen.ack_delay.or(step.seen.answer_delay),
            },
            copy: step.seen.copy,
        };
        (note, step.events)
    }

    /// Forgets a stream, which is over or has no room.
    pub fn forget(&mut self, stream: u32) -> Vec<Event> {
        let mut step = Step::new(&mut self.known);
        step.end_offers(stream);
        step.known.visits.forget(stream);
        step.events
    }

    /// Ends the talk: the capture is over.
    pub fn finish(&mut self) -> Vec<Event> {
        let mut step = Step::new(&mut self.known);
        for stream in step.known.visits.streams() {
            step.end_offers(stream);
        }
        while let Some(id) = step.known.matcher.oldest() {
            step.settle(id, true);
        }
        step.events
    }
}

impl Step<'_> {
    /// Takes the handshake and what is said.
    fn hear(&mut self, arrival: &Arrival<'_>) {
        let (at, stream) = (arrival.at, arrival.stream());
        let (change, heard) = self.known.visits.take(arrival, self.known.framing);
        let (lost, cut) = (heard.lost, heard.cut);
        if lost + cut > 0
            && let Some(who) = self.known.visits.who(stream)
        {
            self.events.push(Event::Gap { who, at, lost, cut });
        }
        self.sealed(at, stream, heard.words);
        if let Some(change) = change {
            self.change(at, stream, change);
        }
        for (way, spoken) in heard.spoken {
            self.seen.units = true;
            match way {
                Way::Up => self.person_said(stream, spoken),
                Way::Down => self.server_said(stream, spoken),
            }
        }
        if let Some(way) = heard.closed {
            let visit = self.known.visits.get_mut(stream);
            if let Some(change) = visit.and_then(|visit| visit.say_end(at, way)) {
                self.change(at, stream, change);
            }
        }
    }

    /// Takes what can be told of a sealed connection.
    fn sealed(&mut self, at: Moment, stream: u32, words: Vec<(Way, Word)>) {
        for (way, word) in words {
            let Some(who) = self.known.visits.who(stream) else {
                return;
            };
            self.events.push(Event::Sealed { who, at, way, word });
        }
    }

    /// Takes the end.
    fn close(&mut self, arrival: &Arrival<'_>) {
        let stream = arrival.stream();
        let visit = self.known.visits.get_mut(stream);
        if let Some(change) = visit.and_then(|visit| visit.close(arrival)) {
            self.change(arrival.at, stream, change);
        }
    }

    fn change(&mut self, at: Moment, stream: u32, change: Change) {
        let Some(visit) = self.known.visits.get(stream) else {
            return;
        };
        let (who, client) = (visit.who(), visit.client);
        match change {
            Change::Connected { syn, syn_ack } => self.events.push(Event::Connected {
                who,
                client,
                syn,
                syn_ack,
                at,
            }),
            Change::Refused { syn } => self.events.push(Event::Refused { who, syn, at }),
            Change::Ended { began } => {
                self.events.push(Event::Ended { who, began, at });
                self.known.visits.clear(stream);
            }
            Change::Leaving(how) => {
                self.end_offers(stream);
                self.leave(stream, at, how);
                self.seen.left = true;
                if matches!(how, Ending::Reset | Ending::CutReset) {
                    self.broken(at, stream);
                }
            }
        }
    }

    /// A connection that is broken is over for both sides at once.
    fn broken(&mut self, at: Moment, stream: u32) {
        let Some(visit) = self.known.visits.get_mut(stream) else {
            return;
        };
        visit.ended = true;
        let (who, began) = (visit.who(), visit.closing.unwrap_or(at));
        self.known.visits.clear(stream);
        self.events.push(Event::Ended { who, began, at });
    }
}
