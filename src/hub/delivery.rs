//! What connections are owed, and the sending of it.
//!
//! This file does not know why a connection is owed something, nor what becomes of one that can't be
//! sent it: it says so, and its caller acts.

use std::io;

use super::connection::{Connection, Flags};
use super::extra::{HeardBefore, Pool};
use super::limits::{Limits, WRITE_COST_BYTES};
use super::patience::{Flow, LOOK_AGAIN, Patience};
use super::slots::Slots;
use super::standing::Stage;
use crate::feed::slow_readers::{Behind, Sight};
use crate::feed::{Feed, Feeds, Transcript};
use crate::room::{Effect, Event, MemberId, Names};
use crate::stream::Stream;
use crate::tick::Tick;
use crate::wire::json::{self, Message};
use crate::wire::{Encoding, Stamp, plain};

/// What connections are owed, and the sending of it.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) feeds: Feeds,
    pub(super) pool: Pool,
    /// Lines owed so far, each once for each member it goes to.
    pub(super) deliveries: u64,
    pub(super) patience: Patience,
    words: String,
    json: Vec<u8>,
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
            feeds: Feeds::new(limits.feed_options()),
            pool: Pool::default(),
            deliveries: 0,
            patience: Patience::new(now),
            words: String::new(),
            json: Vec::new(),
        }
    }

    /// Writes an event down for everybody but whose doing it is and those who are `ignoring` it.
    /// `names` are those before it. Who ignores somebody and takes too little of what it is owed
    /// hears it all the same: else what it is spared would have to be remembered without end.
    pub(super) fn publish<S: Stream>(
        &mut self,
        event: &Event<'_>,
        names: &Names,
        stamp: Stamp,
        ignoring: &[MemberId],
        slots: &mut Slots<S>,
    ) {
        let stands = self.feeds.append(event, names, stamp, slots.used());
        for encoding in [Encoding::Plain, Encoding::Json] {
            if stands.in_encoding(encoding).is_some() {
                self.deliveries += self.feeds.of(encoding).readers as u64;
            }
        }
        if let Some(id) = event.member()
            && let Some(connection) = slots.get_mut(id)
            && connection.stage() == Stage::Member
            && !(connection.encoding() == Encoding::Json && matches!(event, Event::Renamed { .. }))
            && let Some(stands) = stands.in_encoding(connection.encoding())
        {
            connection.skip(stands, &mut self.pool);
            self.deliveries -= 1;
        }
        for &id in ignoring {
            if let Some(connection) = slots.get_mut(id)
                && connection.stage() == Stage::Member
                && !connection.is_owed_too_much()
                && let Some(stands) = stands.in_encoding(connection.encoding())
            {
                connection.skip(stands, &mut self.pool);
            }
        }
    }

    /// Makes a connection a member, who is greeted, shown what it may know of the past, and hears the
    /// room from here on. `stamp` is that of its coming.
    pub(super) fn enter_plain<S: Stream>(&mut self, connection: &mut Connection<S>, stamp: Stamp) {
        let feed = self.feeds.of_mut(Encoding::Plain);
        feed.readers += 1;
        let end = feed.transcript().end();
        let past = self.feeds.past();
        self.words.clear();
        self.words.extend(plain::Line::Greeting.parts());
        if let Some(past) = past {
            let times = [past.first, past.last].map(|mark| mark.stamp.time_ms);
            plain::put_past(past.count, times, stamp.time_ms, &mut self.words);
        }
        let cursor = past.map_or(end, |past| past.first.start);
        connection.enter(cursor, self.words.as_bytes(), &mut self.pool);
        if past.is_some() {
            let words = plain::Line::Notice(plain::PAST_END).parts().concat();
            self.tell(connection, words.as_bytes());
        }
    }

    /// The same for one that is told in JSON. Who comes back after a break is sent what it missed in
    /// place of the past, and told how much of it is lost.
    pub(super) fn enter_json<S: Stream>(
        &mut self,
        connection: &mut Connection<S>,
        name: &str,
        token: &str,
        stamp: Stamp,
    ) {
        self.feeds.enter_json();
        let end = self.feeds.of(Encoding::Json).transcript().end();
        let heard = connection.take_heard_before();
        let mut opening = vec![Message::Welcome {
            seq: stamp.seq,
            name: name.into(),
            resumed: matches!(heard, Some(HeardBefore::UpTo(_))),
            token: token.into(),
        }];
        let mut shows_past = false;
        let cursor = if let Some(HeardBefore::UpTo(seq)) = heard {
            let (cursor, missed) = self.feeds.json_after(seq, stamp.seq);
            if missed > 0 {
                let missed = Some(missed);
                opening.push(Message::Gap { missed });
            }
            cursor
        } else {
            opening.extend(heard.map(|_| Message::Gap { missed: None }));
            let first = self.feeds.past().map(|past| past.first.stamp.seq);
            let cursor = first.map_or(end, |first| self.feeds.json_from(first));
            shows_past = cursor < end;
            opening.extend(shows_past.then_some(Message::HistoryBegin));
            cursor
        };
        self.json.clear();
        for message in opening {
            message.put(&mut self.json);
        }
        connection.enter(cursor, &self.json, &mut self.pool);
        if shows_past {
            self.tell_message(connection, &Message::HistoryEnd);
        }
    }

    /// Owes `bytes` to one connection, behind all that the room has said so far.
    pub(super) fn tell<S: Stream>(&mut self, connection: &mut Connection<S>, bytes: &[u8]) {
        let transcript = self.feeds.of(connection.encoding()).transcript();
        connection.tell(bytes, transcript, &mut self.pool);
    }

    /// Owes one connection that is told in JSON a message.
    pub(super) fn tell_message<S: Stream>(
        &mut self,
        connection: &mut Connection<S>,
        message: &Message<'_>,
    ) {
        self.json.clear();
        message.put(&mut self.json);
        let transcript = self.feeds.of(Encoding::Json).transcript();
        connection.tell(&self.json, transcript, &mut self.pool);
    }

    /// Owes one connection the words of an effect on it.
    pub(super) fn tell_of<S: Stream>(
        &mut self,
        connection: &mut Connection<S>,
        effect: &Effect<'_>,
        time_ms: u64,
    ) {
        let encoding = connection.encoding();
        let bytes = match encoding {
            Encoding::Plain => {
                self.words.clear();
                plain::put(effect, &mut self.words);
                self.words.as_bytes()
            }
            Encoding::Json => {
                self.json.clear();
                json::put(effect, time_ms, &mut self.json);
                &self.json
            }
        };
        let transcript = self.feeds.of(encoding).transcript();
        connection.tell(bytes, transcript, &mut self.pool);
    }

    /// Lets a connection hear what the room has said so far, until `deadline`, and no more.
    pub(super) fn drain<S: Stream>(
        &mut self,
        connection: &mut Connection<S>,
        deadline: Option<Tick>,
        now: Tick,
    ) {
        let encoding = connection.encoding();
        if connection.stage() == Stage::Member {
            self.feeds.leave(encoding, now);
        }
        let transcript = self.feeds.of(encoding).transcript();
        connection.drain(deadline, transcript, &mut self.pool);
    }

    /// Returns whether a connection has been sent everything it is owed.
    pub(super) fn is_settled<S: Stream>(&self, connection: &Connection<S>) -> bool {
        connection.is_settled(self.feeds.of(connection.encoding()).transcript())
    }

    /// Sends a connection what it is owed.
    pub(super) fn flush<S: Stream>(
        &mut self,
        id: MemberId,
        connection: &mut Connection<S>,
        now: Tick,
    ) -> Flushed {
        let transcript = self.feeds.of(connection.encoding()).transcript();
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
        let feed = self.feeds.of_mut(connection.encoding());
        let caught_up = connection.is_settled(feed.transcript());
        let slow_readers = &mut feed.slow_readers;
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
            self.feeds
                .of_mut(connection.encoding())
                .slow_readers
                .forget(id);
        }
    }

    /// Returns what may be heard at the moment, for the sake of those who are behind.
    pub(super) fn flow(&self) -> Flow {
        self.patience.flow()
    }

    /// Returns whether it is time to look how far behind the watched are.
    pub(super) fn is_look_due(&self, now: Tick) -> bool {
        let is_due = |feed: &Feed| feed.slow_readers.is_due(feed.transcript().end(), now);
        self.feeds.iter().any(is_due)
    }

    /// Returns whether a look was asked for.
    pub(super) fn take_look_soon(&mut self) -> bool {
        let mut soon = false;
        for feed in self.feeds.iter_mut() {
            soon |= feed.slow_readers.take_look_soon();
        }
        soon
    }

    /// Returns when something is due.
    pub(super) fn deadline(&self) -> Option<Tick> {
        let looks = self.feeds.iter().map(|feed| feed.slow_readers.deadline());
        looks.chain([self.feeds.deadline()]).flatten().min()
    }

    /// Looks how far behind the watched connections are, decides what may be heard until the next
    /// look, and returns those that have stood still too long.
    pub(super) fn look<S: Stream>(&mut self, slots: &mut Slots<S>, now: Tick) -> Vec<MemberId> {
        let mut stalled = Vec::new();
        let mut behind = Behind::default();
        for feed in self.feeds.iter_mut() {
            behind += feed.look_at_slow_readers(
                now,
                |id, transcript| sight(slots.get_mut(id)?, transcript),
                |id| stalled.push(id),
            );
        }
        self.patience.decide(behind, self.feeds.readers(), now);
        if self.flow() != Flow::Open {
            for feed in self.feeds.iter_mut() {
                feed.slow_readers.look_at(now + LOOK_AGAIN);
            }
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
