//! Following the stream: an ordered consumer, and another one from where it stopped whenever something
//! is missing.

use std::time::Duration;

use super::jetstream::{self, HEARTBEAT, Place};
use super::wire::{self, Decoder, Message};
use crate::tick::Tick;

/// How many heartbeats may be missing.
const MISSING_MAX: u32 = 3;

/// How long at least a consumer is given before the next one is asked for.
const APART: Duration = Duration::from_millis(500);

/// For how long consumers may be refused one after the other: servers elect who leads meanwhile.
const REFUSED_MAX: Duration = Duration::from_secs(8);

/// The subscription of the first consumer; each has its own, so that what an old one still sends is
/// told from what the new one does.
const FIRST_SID: u64 = 1 << 32;

/// The way along the stream.
#[derive(Debug)]
pub(super) struct Following {
    /// The next sequence to tell; nothing is followed without.
    next: Option<u64>,
    /// The subscription of the last consumer.
    sid: u64,
    /// What that consumer sends counts.
    live: bool,
    /// How many this consumer has delivered.
    delivered: u64,
    /// When it was heard last, or asked for.
    heard: Tick,
    /// When the last one was asked for.
    begun: Option<Tick>,
    /// When to ask for another one.
    due: Option<Tick>,
    /// Since when consumers are refused.
    refused: Option<Tick>,
}

/// What a message of the consumer is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Delivered {
    /// The next batch: its sequence, and its time in milliseconds.
    Batch(u64, u64),
    /// Nothing to tell.
    Nothing,
    /// Something is missing: another consumer is needed.
    Missing,
}

impl Following {
    pub(super) fn new() -> Self {
        Self {
            next: None,
            sid: FIRST_SID,
            live: false,
            delivered: 0,
            heard: Tick::START,
            begun: None,
            due: None,
            refused: None,
        }
    }

    /// Follows from there on, as soon as [`begin`](Self::begin) is called.
    pub(super) fn set_next(&mut self, next: u64, now: Tick) {
        self.next = Some(next.max(1));
        (self.due, self.live) = (Some(now), false);
    }

    /// Returns whether messages of this subscription are for [`hear`](Self::hear); those of old consumers
    /// are for nobody.
    pub(super) fn is_fed_by(&self, sid: u64) -> bool {
        self.live && self.sid == sid
    }

    /// Returns the last sequence that was told, or passed over; 0 for none.
    pub(super) fn told(&self) -> u64 {
        self.next.map_or(0, |next| next - 1)
    }

    /// The connection is gone, and the consumer with it.
    pub(super) fn stop(&mut self) {
        (self.begun, self.due, self.refused, self.live) = (None, None, None, false);
    }

    /// The connection is there: another consumer is asked for at once.
    pub(super) fn resume(&mut self, now: Tick) {
        self.due = self.next.map(|_| now);
    }

    /// Has another consumer asked for, soon.
    pub(super) fn restart(&mut self, now: Tick) {
        let earliest = self.begun.map_or(now, |begun| begun + APART);
        (self.due, self.live) = (Some(earliest.max(now)), false);
    }

    /// Returns when something has to be done.
    pub(super) fn deadline(&self) -> Option<Tick> {
        let missed = self.begun.map(|_| self.heard + HEARTBEAT * MISSING_MAX);
        if self.due.is_some() { self.due } else { missed }
    }

    /// Returns whether the consumer hasn't said in time that it lives.
    pub(super) fn is_lost(&self, now: Tick) -> bool {
        self.due.is_none() && self.deadline().is_some_and(|deadline| deadline <= now)
    }

    /// Writes what asks for a consumer, if it is time, and returns the request.
    pub(super) fn begin(
        &mut self,
        stream: &str,
        inbox: &str,
        out: &mut Vec<u8>,
        now: Tick,
    ) -> Option<Vec<u8>> {
        let next = self.next?;
        self.due.filter(|due| *due <= now)?;
        if self.begun.is_some() {
            wire::unsubscribe(out, self.sid);
        }
        self.sid += 1;
        self.live = true;
        (self.due, self.begun, self.heard, self.delivered) = (None, Some(now), now, 0);
        let deliver = format!("{inbox}.d.{}", self.sid);
        wire::subscribe(out, &deliver, self.sid);
        Some(jetstream::consumer(stream, &deliver, next))
    }

    /// The consumer was refused, or is silent: another one is asked for soon; returns whether there is
    /// no use in going on.
    pub(super) fn refuse(&mut self, now: Tick) -> bool {
        self.restart(now);
        now - *self.refused.get_or_insert(now) >= REFUSED_MAX
    }

    /// Hears a message of this consumer, and answers what asks whether there is room.
    pub(super) fn hear(
        &mut self,
        decoder: &Decoder,
        message: &Message,
        out: &mut Vec<u8>,
        now: Tick,
    ) -> Delivered {
        let bytes = decoder.bytes();
        let reply = message.reply.clone().map(|reply| &bytes[reply]);
        if let Some(status) = message.status {
            return self.hear_status(status, decoder, message, out, now);
        }
        let (Some(place), Some(next)) = (reply.and_then(Place::read), self.next) else {
            // Not from the consumer.
            return Delivered::Nothing;
        };
        self.heard = now;
        if place.consumer_seq != self.delivered + 1 {
            return Delivered::Missing;
        }
        self.delivered = place.consumer_seq;
        if place.stream_seq < next {
            // A server that lags behind the one before begins at its own end.
            return Delivered::Nothing;
        }
        self.next = Some(place.stream_seq + 1);
        self.refused = None;
        Delivered::Batch(place.stream_seq, place.time_ns / 1_000_000)
    }

    fn hear_status(
        &mut self,
        status: u16,
        decoder: &Decoder,
        message: &Message,
        out: &mut Vec<u8>,
        now: Tick,
    ) -> Delivered {
        if status != 100 {
            return Delivered::Missing;
        }
        self.heard = now;
        let flow = message.reply.clone().map(|reply| &decoder.bytes()[reply]);
        let stalled = decoder.header(message, "Nats-Consumer-Stalled");
        for subject in [flow, stalled].into_iter().flatten() {
            if let Ok(subject) = std::str::from_utf8(subject) {
                wire::publish(out, subject, None, b"");
            }
        }
        let last = decoder
            .header(message, "Nats-Last-Consumer")
            .and_then(wire::number);
        if last.is_some_and(|last| last != self.delivered) {
            return Delivered::Missing;
        }
        if last.is_some() {
            self.refused = None;
        }
        Delivered::Nothing
    }
}
