//! What connections are owed, and the sending of it.
//!
//! This file does not know why a connection is owed something, nor what becomes of one that can't be
//! sent it: it says so, and its caller acts.

use std::io;

use super::connection::{Connection, Flags};
use super::extra::Pool;
use super::limits::{Limits, WRITE_COST_BYTES};
use super::patience::{Flow, LOOK_AGAIN, Patience};
use super::slots::Slots;
use super::standing::Stage;
use crate::feed::slow_readers::Sight;
use crate::feed::{Feed, Transcript};
use crate::room::{Effect, Event, MemberId, Names};
use crate::stream::Stream;
use crate::tick::Tick;
use crate::wire::plain;

/// What connections are owed, and the sending of it.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) feed: Feed,
    pub(super) pool: Pool,
    patience: Patience,
    words: String,
}

/// What came of sending a connection what it is owed.
#[derive(Debug)]
pub(super) enum Flushed {
    /// It takes nothing for now.
    Nothing,
    /// It took what it could.
    Sent {
        /// How much it took.
        bytes: usize,
        /// What it cost, in bytes; see [`WRITE_COST_BYTES`].
        cost: usize,
        /// It has read so much that its own lines need not wait for that any more.
        may_speak: bool,
    },
    /// Lines that it is owed have fallen off the transcript.
    Overrun,
    /// Its stream is broken.
    Broken(io::Error),
}

impl Delivery {
    pub(super) fn new(limits: &Limits, now: Tick) -> Self {
        Self {
            feed: Feed::new(limits.feed_options()),
            pool: Pool::default(),
            patience: Patience::new(now),
            words: String::new(),
        }
    }

    /// Writes an event down for everybody but whose doing it is. `names` are those before it.
    pub(super) fn publish<S: Stream>(
        &mut self,
        event: &Event<'_>,
        names: &Names,
        slots: &mut Slots<S>,
    ) {
        let Some(stands) = self.feed.append(event, names, slots.used()) else {
            return;
        };
        if let Some(id) = event.member()
            && let Some(connection) = slots.get_mut(id)
            && connection.stage() == Stage::Member
        {
            connection.skip(stands, &mut self.pool);
        }
    }

    /// Makes a connection a member, who is greeted and hears the room from here on.
    pub(super) fn enter<S: Stream>(&mut self, connection: &mut Connection<S>) {
        self.feed.readers += 1;
        let cursor = self.feed.history_start();
        let greeting = plain::Line::Greeting.parts().concat();
        connection.enter(cursor, greeting.as_bytes(), &mut self.pool);
    }

    /// Owes `bytes` to one connection, behind all that the room has said so far.
    pub(super) fn tell<S: Stream>(&mut self, connection: &mut Connection<S>, bytes: &[u8]) {
        connection.tell(bytes, self.feed.transcript(), &mut self.pool);
    }

    /// Owes one connection the words of an effect on it.
    pub(super) fn tell_of<S: Stream>(
        &mut self,
        connection: &mut Connection<S>,
        effect: &Effect<'_>,
    ) {
        self.words.clear();
        plain::put(effect, &mut self.words);
        connection.tell(
            self.words.as_bytes(),
            self.feed.transcript(),
            &mut self.pool,
        );
    }

    /// Lets a connection hear what the room has said so far, until `deadline`, and no more.
    pub(super) fn drain<S: Stream>(
        &mut self,
        connection: &mut Connection<S>,
        deadline: Option<Tick>,
    ) {
        self.feed.readers -= usize::from(connection.stage() == Stage::Member);
        connection.drain(deadline, self.feed.transcript(), &mut self.pool);
    }

    /// Returns whether a connection has been sent everything it is owed.
    pub(super) fn is_settled<S: Stream>(&self, connection: &Connection<S>) -> bool {
        connection.is_settled(self.feed.transcript())
    }

    /// Sends a connection what it is owed.
    pub(super) fn flush<S: Stream>(
        &mut self,
        id: MemberId,
        connection: &mut Connection<S>,
        now: Tick,
    ) -> Flushed {
        let transcript = self.feed.transcript();
        if connection.is_overrun(transcript) {
            return Flushed::Overrun;
        }
        if connection.is_blocked() || connection.stage() == Stage::Closed {
            return Flushed::Nothing;
        }
        let waited = connection.is_owed_too_much();
        match connection.flush(transcript, &mut self.pool) {
            Ok(sent) => {
                let waits = connection.is_owed_too_much();
                self.watch(id, connection, now);
                Flushed::Sent {
                    bytes: sent,
                    cost: if sent == 0 {
                        0
                    } else {
                        sent + WRITE_COST_BYTES
                    },
                    may_speak: waited && !waits,
                }
            }
            Err(error) => {
                connection.flags.insert(Flags::BLOCKED);
                Flushed::Broken(error)
            }
        }
    }

    /// Watches a connection from when its stream takes no more until it has caught up.
    fn watch<S: Stream>(&mut self, id: MemberId, connection: &mut Connection<S>, now: Tick) {
        let watched = connection.flags.contains(Flags::WATCHED);
        if !(watched || connection.is_blocked()) {
            return;
        }
        let caught_up = connection.is_settled(self.feed.transcript());
        let slow_readers = &mut self.feed.slow_readers;
        if connection.is_blocked() && !watched && connection.stage() == Stage::Member {
            connection.flags.insert(Flags::WATCHED);
            slow_readers.watch(id, connection.sight(), now);
        } else if !connection.is_blocked() && (self.patience.flow() != Flow::Open || caught_up) {
            slow_readers.look_soon();
        }
    }

    /// Takes note that a connection has ended.
    pub(super) fn forget<S>(&mut self, id: MemberId, connection: &Connection<S>) {
        if connection.flags.contains(Flags::WATCHED) {
            self.feed.slow_readers.forget(id);
        }
    }

    /// Returns what may be heard at the moment, for the sake of those who are behind.
    pub(super) fn flow(&self) -> Flow {
        self.patience.flow()
    }

    /// Returns whether it is time to look how far behind the watched are.
    pub(super) fn is_look_due(&self, now: Tick) -> bool {
        let end = self.feed.transcript().end();
        self.feed.slow_readers.is_due(end, now)
    }

    /// Looks how far behind the watched connections are, decides what may be heard until the next
    /// look, and returns those that have stood still too long.
    pub(super) fn look<S: Stream>(&mut self, slots: &mut Slots<S>, now: Tick) -> Vec<MemberId> {
        let mut stalled = Vec::new();
        let behind = self.feed.look_at_slow_readers(
            now,
            |id, transcript| sight(slots.get_mut(id)?, transcript),
            |id| stalled.push(id),
        );
        self.patience.decide(behind, self.feed.readers, now);
        if self.flow() != Flow::Open {
            self.feed.slow_readers.look_at(now + LOOK_AGAIN);
        }
        stalled
    }
}

/// Returns where a watched connection stands; nowhere if it needs no watching any more.
fn sight<S: Stream>(connection: &mut Connection<S>, transcript: &Transcript) -> Option<Sight> {
    let caught_up = !connection.is_blocked() && connection.is_settled(transcript);
    if caught_up || connection.stage() != Stage::Member {
        connection.flags.remove(Flags::WATCHED);
    }
    let sight = connection.sight();
    connection.flags.contains(Flags::WATCHED).then_some(sight)
}
