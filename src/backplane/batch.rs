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
    /// Of the events in `sent`.
    sent_bytes: usize,
}

/// Events of one batch: as JSON, separated by commas, and what to do of each when it has come back.
#[derive(Debug)]
struct Draft<T> {
    events: Vec<u8>,
    thens: Vec<T>,
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
        self.published < self.sent.len() || (!self.open.thens.is_empty() && self.may_seal())
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
        let first = self.next - self.sent.len() as u64;
        (first..self.next).contains(&counter)
    }

    /// Hands over what has not been handed over, and returns how many batches that is.
    pub fn publish(&mut self, link: &mut (impl Link + ?Sized)) -> u64 {
        if !self.open.thens.is_empty() && self.may_seal() {
            self.seal();
        }
        let first = self.next - self.sent.len() as u64;
        let mut payload = Vec::new();
        for at in self.published..self.sent.len() {
            let counter = first + at as u64;
            self.write(counter, at, &mut payload);
            link.publish(counter, self.round, &payload);
        }
        let published = self.sent.len() - self.published;
        self.published = self.sent.len();
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
        self.sent_bytes -= first.events.len();
        first.thens
    }

    /// Ends this boot, and returns what has not come back, in order: the events of each batch as JSON,
    /// and what to do of each.
    pub fn end(self) -> impl Iterator<Item = (Vec<u8>, Vec<T>)> {
        let drafts = self.sent.into_iter().chain([self.open]);
        drafts.map(|draft| {
            let mut events = Vec::with_capacity(draft.events.len() + 2);
            events.push(b'[');
            events.extend(draft.events);
            events.push(b']');
            (events, draft.thens)
        })
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
mod tests {
    use super::*;
    use crate::backplane::event::TEXT_BYTES_MAX;
    use proptest::prelude::*;

    /// What was published: counter, round, payload.
    #[derive(Default)]
    struct Published(Vec<(u64, u32, Vec<u8>)>);

    impl Link for Published {
        fn listen_as(&mut self, _: &str) {}
        fn follow_from(&mut self, _: u64) {}
        fn fetch_snapshot(&mut self) {}
        fn publish(&mut self, counter: u64, round: u32, payload: &[u8]) {
            assert!(payload.len() <= BATCH_BYTES_MAX);
            self.0.push((counter, round, payload.to_vec()));
        }
        fn tell(&mut self, _: &str, _: &[u8]) {}
        fn beat(&mut self) {}
        fn put_snapshot(&mut self, _: Vec<Vec<u8>>) {}
        fn waiting_bytes(&self) -> usize {
            0
        }
    }

    fn said(text: &str) -> Entry<'_> {
        Entry::Said(1, text.into())
    }

    fn take(link: &mut Published) -> Vec<(u64, u32, Vec<u8>)> {
        std::mem::take(&mut link.0)
    }

    #[test]
    fn what_has_not_come_back_is_sent_again() {
        let (mut outbox, mut link) = (Outbox::new("b"), Published::default());
        for (number, text) in ["one", "two", "three"].into_iter().enumerate() {
            outbox.push(&said(text), number);
            outbox.publish(&mut link);
        }
        let first = take(&mut link);
        assert_eq!(
            first.iter().map(|sent| sent.0).collect::<Vec<_>>(),
            [1, 2, 3]
        );
        let batch = Batch::parse(&first[0].2).unwrap();
        assert_eq!(
            (&*batch.node, batch.n, batch.events),
            ("b", 1, vec![said("one")])
        );
        assert_eq!(outbox.take(&first[0].2), [0]);
        outbox.begin_round();
        outbox.publish(&mut link);
        let again = take(&mut link);
        assert_eq!(
            again
                .iter()
                .map(|sent| (sent.0, sent.1))
                .collect::<Vec<_>>(),
            [(2, 1), (3, 1)]
        );
        // Either may be the one that counts.
        assert_eq!(outbox.take(&first[1].2), [1]);
        assert_eq!(outbox.take(&again[1].2), [2]);
        assert!(outbox.is_empty() && outbox.waiting_bytes() == 0 && !outbox.is_waiting());
    }

    #[test]
    fn what_another_writes_under_this_boot_takes_nothing_away() {
        let (mut outbox, mut link) = (Outbox::new("b"), Published::default());
        outbox.push(&said("mine"), 7);
        outbox.publish(&mut link);
        let mine = take(&mut link).remove(0).2;
        let false_one = String::from_utf8(mine).unwrap().replace("mine", "not mine");
        assert!(Batch::parse(false_one.as_bytes()).is_some());
        assert!(outbox.take(false_one.as_bytes()).is_empty());
        outbox.publish(&mut link);
        let (counter, round, payload) = take(&mut link).remove(0);
        assert_eq!((counter, round), (2, 1));
        assert_eq!(outbox.take(&payload), [7]);
    }

    #[test]
    fn more_rides_in_one_batch_while_enough_is_on_its_way() {
        let (mut outbox, mut link) = (Outbox::new("b"), Published::default());
        for number in 0..100 {
            outbox.push(&said("x"), number);
            outbox.publish(&mut link);
        }
        let sent = take(&mut link);
        assert_eq!(sent.len(), ON_THEIR_WAY);
        outbox.take(&sent[0].2);
        outbox.publish(&mut link);
        let rest = take(&mut link).remove(0).2;
        assert_eq!(
            Batch::parse(&rest).unwrap().events.len(),
            100 - ON_THEIR_WAY
        );
    }

    #[test]
    fn a_batch_is_no_longer_than_may_be() {
        let (mut outbox, mut link) = (Outbox::new("b"), Published::default());
        // The worst that a text can become as JSON.
        let text = "\"".repeat(TEXT_BYTES_MAX);
        for number in 0..20 {
            outbox.push(&said(&text), number);
        }
        outbox.publish(&mut link);
        let mut thens = Vec::new();
        for (_, _, payload) in take(&mut link) {
            thens.extend(outbox.take(&payload));
        }
        assert_eq!(thens, (0..20).collect::<Vec<_>>());
        assert_eq!(outbox.waiting_bytes(), 0);
    }

    proptest! {
        #[test]
        fn garbage_is_no_batch(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            prop_assert!(Batch::parse(&bytes).is_none());
        }

        #[test]
        fn a_damaged_batch_does_no_harm(at in 0_usize..90, byte in any::<u8>()) {
            let (mut outbox, mut link) = (Outbox::new("b"), Published::default());
            outbox.push(&said("a line of talk"), ());
            outbox.publish(&mut link);
            let mut payload = take(&mut link).remove(0).2;
            let at = at % payload.len();
            payload[at] = byte;
            if Batch::parse(&payload).is_some() {
                outbox.take(&payload);
            }
        }
    }
}
