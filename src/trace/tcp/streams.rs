//! The table of streams: which packets belong together, and which streams to forget first.
//!
//! Invariant: `live <= live_max`; each live slot is in `index` and on the list of use, oldest
//! at `oldest`. A closed stream is kept while there is room, because a late packet still belongs to
//! it; when there is none, those closed for long go first, then the longest unused.

use std::collections::{HashMap, VecDeque};

use super::segment::Side;
use super::stream::{Key, Stream, StreamRow};
use crate::trace::packet::{ACK, Packet, SYN};

const CLOSED_FOR_NS: i64 = 120_000_000_000;
const NOBODY: usize = usize::MAX;

/// A stream and its neighbours on the list of use.
#[derive(Debug)]
struct Slot {
    stream: Stream,
    older: usize,
    newer: usize,
}

/// The table.
#[derive(Debug)]
pub struct Streams {
    index: HashMap<Key, usize>,
    slots: Vec<Slot>,
    free: Vec<usize>,
    closed: VecDeque<(usize, u32)>,
    oldest: usize,
    newest: usize,
    next_number: u32,
    live_max: usize,
    ended: Vec<StreamRow>,
    /// Entries of all lists of unacknowledged segments.
    pub(super) unacked: usize,
    /// Streams forgotten for want of room.
    pub evicted: u64,
    last: Option<(Key, usize)>,
    now: i64,
}

impl Streams {
    /// Returns an empty table for at most `live_max` streams at once.
    #[must_use]
    pub fn new(live_max: usize) -> Self {
        Self {
            index: HashMap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            closed: VecDeque::new(),
            oldest: NOBODY,
            newest: NOBODY,
            next_number: 0,
            live_max: live_max.max(1),
            ended: Vec::new(),
            unacked: 0,
            evicted: 0,
            last: None,
            now: 0,
        }
    }

    /// Returns how many streams there were.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.next_number
    }

    /// Returns whether a stream is over since the last call of `take_ended`.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        !self.ended.is_empty()
    }

    /// Takes the streams that are over since the last call.
    pub fn take_ended(&mut self) -> Vec<StreamRow> {
        std::mem::take(&mut self.ended)
    }

    /// Returns the streams that aren't over, by number.
    #[must_use]
    pub fn rows(&self) -> Vec<StreamRow> {
        let mut rows: Vec<_> = self
            .index
            .values()
            .map(|slot| self.slots[*slot].stream.row())
            .collect();
        rows.sort_unstable_by_key(|row| row.stream);
        rows
    }

    /// Finds the packet's stream, or makes one; returns its slot, who sent the packet, and whether
    /// the stream takes over the ports of an earlier one.
    pub(super) fn find(&mut self, packet: &Packet<'_>) -> (usize, Side, bool) {
        let (key, side) = Key::of(packet);
        let known = match self.last {
            Some((last, slot)) if last == key => Some(slot),
            _ => self.index.get(&key).copied(),
        };
        let mut reused = false;
        let slot = if let Some(slot) = known {
            let base = self.slots[slot].stream.direction(side).base;
            let pure_syn = packet.has(SYN) && !packet.has(ACK);
            if pure_syn && base.is_some_and(|base| base != packet.seq) {
                reused = true;
                self.replace(slot, side);
            }
            slot
        } else {
            self.insert(key, side)
        };
        self.last = Some((key, slot));
        (slot, side, reused)
    }

    pub(super) fn stream_mut(&mut self, slot: usize) -> &mut Stream {
        &mut self.slots[slot].stream
    }

    /// Says that a packet of the stream came.
    pub(super) fn touch(&mut self, slot: usize) {
        let stream = &self.slots[slot].stream;
        self.now = stream.last_time;
        if stream.closed_time == Some(self.now) {
            self.closed.push_back((slot, stream.number));
            if self.closed.len() > 2 * self.live_max {
                self.closed.pop_front();
            }
        }
        if self.newest != slot {
            self.unlink(slot);
            self.link(slot);
        }
    }

    fn replace(&mut self, slot: usize, side: Side) {
        let number = self.take_number();
        let stream = &mut self.slots[slot].stream;
        self.ended.push(stream.row());
        self.unacked -= stream.unacked();
        *stream = Stream::new(stream.key, number, side);
    }

    fn insert(&mut self, key: Key, side: Side) -> usize {
        if self.index.len() >= self.live_max {
            self.evict();
        }
        let entry = Slot {
            stream: Stream::new(key, self.take_number(), side),
            older: NOBODY,
            newer: NOBODY,
        };
        let slot = if let Some(slot) = self.free.pop() {
            self.slots[slot] = entry;
            slot
        } else {
            self.slots.push(entry);
            self.slots.len() - 1
        };
        self.index.insert(key, slot);
        self.link(slot);
        slot
    }

    fn take_number(&mut self) -> u32 {
        let number = self.next_number;
        self.next_number = self.next_number.saturating_add(1);
        number
    }

    /// Forgets one stream.
    fn evict(&mut self) {
        let mut slot = self.oldest;
        while let Some((closed, number)) = self.closed.front().copied() {
            let stream = &self.slots[closed].stream;
            let stale = stream.number != number || !self.index.contains_key(&stream.key);
            let since = stream.closed_time.unwrap_or(self.now);
            if !stale && self.now - since < CLOSED_FOR_NS {
                break;
            }
            self.closed.pop_front();
            if !stale {
                slot = closed;
                break;
            }
        }
        let stream = &mut self.slots[slot].stream;
        self.unacked -= stream.unacked();
        stream.forget_unacked();
        self.ended.push(stream.row());
        self.index.remove(&stream.key);
        self.unlink(slot);
        self.free.push(slot);
        self.evicted += 1;
        self.last = None;
    }

    fn link(&mut self, slot: usize) {
        self.slots[slot].older = self.newest;
        self.slots[slot].newer = NOBODY;
        if self.newest == NOBODY {
            self.oldest = slot;
        } else {
            self.slots[self.newest].newer = slot;
        }
        self.newest = slot;
    }

    fn unlink(&mut self, slot: usize) {
        let (older, newer) = (self.slots[slot].older, self.slots[slot].newer);
        if older == NOBODY {
            self.oldest = newer;
        } else {
            self.slots[older].newer = newer;
        }
        if newer == NOBODY {
            self.newest = older;
        } else {
            self.slots[newer].older = older;
        }
    }
}
