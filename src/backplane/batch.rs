//! Batches: what a node publishes at once, and what of it is still on its way.
//!
//! The batches of a boot are counted from 1. A batch counts, at every node, if its counter follows on
//! the last of its boot that has counted; else it is one that has been told before, or one that has come
//! before one that the stream did not take. So nothing is doubled, whatever is sent again, and nothing
//! comes out of order.

use std::borrow::Cow;
use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::event::Entry;
use super::{BATCH_BYTES_MAX, Link, is_boot};

/// The version of batches; another one is not understood by who knows this.
pub const VERSION: u32 = 1;

/// Most bytes of events in one batch: what is put around them has its place beside.
const EVENTS_BYTES_MAX: usize = BATCH_BYTES_MAX - 512;

/// How many batches may be on their way while more wait to ride in the next.
const ON_THEIR_WAY: usize = 16;

/// What stands before the events of a batch, and behind them.
const NECK: &[u8] = b",\"events\":[";
const TAIL: &[u8] = b"]}";

/// A batch, as it stands in the stream.
#[derive(Debug, Deserialize)]
pub struct Batch<'a> {
    v: u32,
    /// The boot of its node.
    #[serde(borrow)]
    pub node: Cow<'a, str>,
    /// Its counter.
    pub n: u64,
    /// How often its node began again to send what has not come back.
    pub r: u32,
    /// What is to happen.
    #[serde(borrow)]
    pub events: Vec<Entry<'a>>,
}

impl<'a> Batch<'a> {
    /// Returns the batch that `payload` is; nothing if it isn't one.
    #[must_use]
    pub fn parse(payload: &'a [u8]) -> Option<Self> {
        if payload.len() > BATCH_BYTES_MAX {
            return None;
        }
        let batch: Self = serde_json::from_slice(payload).ok()?;
        (batch.v == VERSION && is_boot(&batch.node)).then_some(batch)
    }
}

/// What a node has published, or is about to, until it comes back. `T` is what to do then, of each
/// event.
#[derive(Debug)]
pub struct Outbox<T> {
    boot: String,
    /// Counter of the next batch.
    next: u64,
    round: u32,
    /// Not yet in a batch.
    open: Draft<T>,
    /// Not come back; the first `published` of them have been handed over since the backplane is up.
    sent: VecDeque<Draft<T>>,
    published: usize,
    /// How many may be on their way.
    window: usize,
    /// Of the events in `sent`.
    sent_bytes: usize,
}

/// Events of one batch: as JSON, separated by commas, and what to do of each when it has come back.
#[derive(Debug)]
struct Draft<T> {
    events: Vec<u8>,
    thens: Vec<T>,
}

/// A batch that has not come back.
#[derive(Debug)]
pub struct Unheard<T> {
    /// Its counter.
    pub counter: u64,
    events: Vec<u8>,
    thens: Vec<T>,
}

impl<T> Unheard<T> {
    fn new(counter: u64, draft: Draft<T>) -> Self {
        let mut events = Vec::with_capacity(draft.events.len() + 2);
        events.push(b'[');
        events.extend(draft.events);
        events.push(b']');
        Self {
            counter,
            events,
            thens: draft.thens,
        }
    }

    /// Takes out its events, and what to do of each.
    pub fn take(&mut self) -> impl Iterator<Item = (Entry<'_>, T)> {
        let thens = std::mem::take(&mut self.thens);
        let entries: Vec<Entry<'_>> = serde_json::from_slice(&self.events).unwrap_or_default();
        entries.into_iter().zip(thens)
    }
}

impl<T> Default for Draft<T> {
    fn default() -> Self {
        Self {
            events: Vec::new(),
            thens: Vec::new(),
        }
    }
}

impl<T> Outbox<T> {
    /// Returns what a boot begins with.
    #[must_use]
    pub fn new(boot: &str) -> Self {
        Self {
            boot: boot.to_owned(),
            next: 1,
            round: 0,
            open: Draft::default(),
            sent: VecDeque::new(),
            published: 0,
            window: usize::MAX,
            sent_bytes: 0,
        }
    }

    /// Returns how many bytes of events have not come back.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.sent_bytes + self.open.events.len()
    }

    /// Returns whether everything has come back.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.thens.is_empty() && self.sent.is_empty()
    }

    /// Returns whether something could be handed over now.
    #[must_use]
    pub fn has_work(&self) -> bool {
        self.published < self.sent.len().min(self.window)
            || (!self.open.thens.is_empty() && self.may_seal())
    }

    /// Returns whether something that was handed over has not come back.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.published > 0
    }

    /// Adds an event, and what to do when it has come back.
    pub fn push(&mut self, entry: &Entry<'_>, then: T) {
        let start = self.open.events.len();
        if start > 0 {
            self.open.events.push(b',');
        }
        let written = serde_json::to_writer(&mut self.open.events, entry);
        debug_assert!(written.is_ok(), "nothing here can't be written as JSON");
        if self.open.events.len() > EVENTS_BYTES_MAX && start > 0 {
            let event = self.open.events.split_off(start + 1);
            self.open.events.truncate(start);
            self.seal();
            self.open.events = event;
        }
        self.open.thens.push(then);
    }

    /// Returns whether the batch with this counter has not come back.
    #[must_use]
    pub fn has(&self, counter: u64) -> bool {
        (self.first()..self.next).contains(&counter)
    }

    /// Hands over what has not been handed over, and returns how many batches that is.
    pub fn publish(&mut self, link: &mut (impl Link + ?Sized)) -> u64 {
        if !self.open.thens.is_empty() && self.may_seal() {
            self.seal();
        }
        let first = self.first();
        let mut payload = Vec::new();
        let end = self.sent.len().min(self.window).max(self.published);
        for at in self.published..end {
            let counter = first + at as u64;
            self.write(counter, at, &mut payload);
            link.publish(counter, self.round, &payload);
        }
        let published = end - self.published;
        self.published = end;
        published as u64
    }

    /// Lets what has not come back be handed over once more, under the next round and so as nothing that
    /// the stream has had. It never is under the same: a stream that says that it has had it, and
    /// doesn't hand it back, would be waited for as long as it remembers; and a server that has
    /// kept what the others have not (as those of NATS 2.9.10 may that led the stream, stood still
    /// and went on) would leave out the second of two, and count all that follows otherwise.
    pub fn begin_round(&mut self) {
        self.round = self.round.wrapping_add(1);
        self.published = 0;
    }

    /// Lets one batch be on its way at first, and twice as many whenever one has come back: the stream may
    /// hold little, and what all hand over at once would push out what some have not heard.
    pub fn begin_slowly(&mut self) {
        self.window = 1;
    }

    /// Returns the round.
    #[must_use]
    pub fn round(&self) -> u32 {
        self.round
    }

    /// Takes out the first batch that has not come back since it has, and returns what to do of each of
    /// its events. Where somebody else has written `payload` under this boot, nothing is; what is on
    /// its way gets other counters.
    pub fn take(&mut self, payload: &[u8]) -> Vec<T> {
        let events = payload.strip_suffix(TAIL).unwrap_or_default();
        let is_own = |first: &Draft<T>| {
            let head = events.strip_suffix(&*first.events);
            head.is_some_and(|head| head.ends_with(NECK))
        };
        if !self.sent.front().is_some_and(is_own) {
            self.next += 1;
            self.begin_round();
            return Vec::new();
        }
        let Some(first) = self.sent.pop_front() else {
            return Vec::new();
        };
        self.published = self.published.saturating_sub(1);
        self.window = self.window.saturating_mul(2);
        self.sent_bytes -= first.events.len();
        first.thens
    }

    /// Takes out what has not come back up to the batch with the counter `last`: it has counted, though
    /// this node has not heard it.
    pub fn take_counted(&mut self, last: u64) -> Vec<Unheard<T>> {
        let mut taken = Vec::new();
        while self.first() <= last
            && let Some(draft) = self.sent.pop_front()
        {
            let counter = self.next - 1 - self.sent.len() as u64;
            self.published = self.published.saturating_sub(1);
            self.sent_bytes -= draft.events.len();
            taken.push(Unheard::new(counter, draft));
        }
        if self.next <= last {
            // Somebody else has written under this boot.
            self.next = last.saturating_add(1);
            self.begin_round();
        }
        taken
    }

    /// Ends this boot, and returns what has not come back, in order.
    pub fn end(self) -> impl Iterator<Item = Unheard<T>> {
        let first = self.first();
        let drafts = self.sent.into_iter().chain([self.open]);
        (first..)
            .zip(drafts)
            .map(|(counter, draft)| Unheard::new(counter, draft))
    }

    /// Returns the counter of the first batch that has not come back.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.next - self.sent.len() as u64
    }

    /// While enough is on its way, more rides in one batch.
    fn may_seal(&self) -> bool {
        self.sent.len() < ON_THEIR_WAY
    }

    fn seal(&mut self) {
        self.sent_bytes += self.open.events.len();
        self.sent.push_back(std::mem::take(&mut self.open));
        self.next += 1;
    }

    fn write(&self, counter: u64, at: usize, payload: &mut Vec<u8>) {
        #[derive(Serialize)]
        struct Head<'a> {
            v: u32,
            node: &'a str,
            n: u64,
            r: u32,
        }
        payload.clear();
        let head = Head {
            v: VERSION,
            node: &self.boot,
            n: counter,
            r: self.round,
        };
        let written = serde_json::to_writer(&mut *payload, &head);
        debug_assert!(written.is_ok(), "nothing here can't be written as JSON");
        payload.pop();
        payload.extend(NECK);
        payload.extend(&self.sent[at].events);
        payload.extend(TAIL);
    }
}

#[cfg(test)]
mod tests;
