//! The table of streams: which packets belong together, and which streams to forget first.
//!
//! Invariant: `live <= most`; each live slot is in `index` and on the list of use, oldest
//! at `oldest`. A closed stream is kept while there is room, because a late packet still belongs to
//! it; when there is none, those closed for long go first, then the longest unused.

use std::collections::{HashMap, VecDeque};

use super::direction::Direction;
use super::segment::{Scale, Segment};
use crate::trace::packet::{ACK, Endpoint, FIN, Packet, RST, SYN};

const CLOSED_FOR_NS: i64 = 120_000_000_000;
const NOBODY: usize = usize::MAX;

/// One end of a stream: the one with the lower address and port, or the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The lower one.
    Low,
    /// The higher one.
    High,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    low: Endpoint,
    high: Endpoint,
}

/// What is told of a stream when it is over.
#[derive(Debug, Clone)]
pub struct StreamRow {
    /// Its number.
    pub stream: u32,
    /// Who sent its first packet.
    pub first: Endpoint,
    /// The other end.
    pub second: Endpoint,
    /// Packets, from the first and from the second.
    pub packets: [u64; 2],
    /// Payload bytes, from the first and from the second.
    pub bytes: [u64; 2],
    /// Time of the first packet, in nanoseconds of the capture's clock.
    pub first_time: i64,
    /// Time of the last packet.
    pub last_time: i64,
    /// Time from SYN to the ACK that ends the handshake, 0 if unknown.
    pub initial_rtt: i64,
    /// What was seen of the conversation, as Wireshark's bit mask.
    pub completeness: u8,
    /// The same as Wireshark has it at the first packet, whose own share may come later.
    pub completeness_at_first: u8,
    /// What is known of the first and of the second.
    pub ends: [End; 2],
}

/// What is known of one end of a stream.
#[derive(Debug, Clone, Copy)]
pub struct End {
    /// Its first sequence number.
    pub base: Option<u32>,
    /// The scale of its windows.
    pub scale: Scale,
    /// It was the first to send a FIN.
    pub closed_first: bool,
}

impl StreamRow {
    /// Returns the end that isn't the server's, and where its numbers stand in `packets` and `bytes`.
    #[must_use]
    pub fn client(&self, port: u16) -> (Endpoint, usize) {
        if self.second.port == port {
            (self.first, 0)
        } else {
            (self.second, 1)
        }
    }
}

/// One stream.
#[derive(Debug)]
pub struct Stream {
    key: Key,
    number: u32,
    low: Direction,
    high: Direction,
    syn_time: Option<i64>,
    /// Nanoseconds from the SYN to the end of the handshake, 0 if unknown.
    pub(super) initial_rtt: i64,
    first_side: Side,
    packets: [u64; 2],
    bytes: [u64; 2],
    first_time: i64,
    last_time: i64,
    completeness: u8,
    /// What the first packet would add, if it wasn't a SYN.
    first_bits: u8,
    closed_time: Option<i64>,
    /// Who sent a FIN before the other.
    closed_first: Option<Side>,
    older: usize,
    newer: usize,
}

/// The table.
#[derive(Debug)]
pub struct Streams {
    index: HashMap<Key, usize>,
    slots: Vec<Stream>,
    free: Vec<usize>,
    closed: VecDeque<(usize, u32)>,
    oldest: usize,
    newest: usize,
    next_number: u32,
    most: usize,
    ended: Vec<StreamRow>,
    /// Entries of all lists of unacknowledged segments.
    pub(super) unacked: usize,
    /// Streams forgotten for want of room.
    pub evicted: u64,
    last: Option<(Key, usize)>,
    now: i64,
}

impl Streams {
    /// Returns an empty table for at most `max_streams` streams at once.
    #[must_use]
    pub fn new(max_streams: usize) -> Self {
        Self {
            index: HashMap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            closed: VecDeque::new(),
            oldest: NOBODY,
            newest: NOBODY,
            next_number: 0,
            most: max_streams.max(1),
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
            .map(|slot| self.slots[*slot].row())
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
            let base = self.slots[slot].direction(side).base;
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
        &mut self.slots[slot]
    }

    /// Says that a packet of the stream came.
    pub(super) fn touch(&mut self, slot: usize) {
        self.now = self.slots[slot].last_time;
        if self.slots[slot].closed_time == Some(self.now) {
            self.closed.push_back((slot, self.slots[slot].number));
            if self.closed.len() > 2 * self.most {
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
        let stream = &mut self.slots[slot];
        self.ended.push(stream.row());
        self.unacked -= stream.unacked();
        let (older, newer) = (stream.older, stream.newer);
        *stream = Stream::new(stream.key, number, side);
        (stream.older, stream.newer) = (older, newer);
    }

    fn insert(&mut self, key: Key, side: Side) -> usize {
        if self.index.len() >= self.most {
            self.evict();
        }
        let stream = Stream::new(key, self.take_number(), side);
        let slot = if let Some(slot) = self.free.pop() {
            self.slots[slot] = stream;
            slot
        } else {
            self.slots.push(stream);
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
            let stream = &self.slots[closed];
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
        let stream = &mut self.slots[slot];
        self.unacked -= stream.unacked();
        stream.low.forget_unacked();
        stream.high.forget_unacked();
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

impl Stream {
    fn new(key: Key, number: u32, first_side: Side) -> Self {
        Self {
            key,
            number,
            low: Direction::new(),
            high: Direction::new(),
            syn_time: None,
            initial_rtt: 0,
            first_side,
            packets: [0; 2],
            bytes: [0; 2],
            first_time: 0,
            last_time: 0,
            completeness: 0,
            first_bits: 0,
            closed_time: None,
            closed_first: None,
            older: NOBODY,
            newer: NOBODY,
        }
    }

    /// Returns a direction by who sends.
    fn direction(&self, side: Side) -> &Direction {
        match side {
            Side::Low => &self.low,
            Side::High => &self.high,
        }
    }

    /// Returns the sender's direction and the other one.
    pub(super) fn directions(&mut self, side: Side) -> (&mut Direction, &mut Direction) {
        match side {
            Side::Low => (&mut self.low, &mut self.high),
            Side::High => (&mut self.high, &mut self.low),
        }
    }

    pub(super) fn unacked(&self) -> usize {
        self.low.unacked() + self.high.unacked()
    }

    /// Returns a segment about which nothing is known but its stream.
    pub(super) fn blank_segment(&self, side: Side) -> Segment {
        let times = (self.first_time, self.last_time);
        Segment::blank(self.number, side, self.completeness, times)
    }

    /// Adds a packet to what is known of the whole stream.
    pub(super) fn note(&mut self, time: i64, packet: &Packet<'_>, segment: &mut Segment) {
        let first = self.packets == [0; 2];
        if first {
            self.first_time = time;
            segment.first_time = time;
            segment.previous_time = time;
            segment.is_first = true;
        }
        let pure_syn = packet.has(SYN) && !packet.has(ACK);
        if pure_syn {
            self.syn_time = Some(time);
        } else if let Some(syn) = self.syn_time
            && packet.has(ACK)
            && !packet.has(SYN)
            && self.initial_rtt == 0
        {
            self.initial_rtt = time - syn;
        }
        if segment.is_analysed() && self.initial_rtt != 0 {
            segment.initial_rtt = Some(self.initial_rtt);
        }
        let bits = completeness_bits(packet);
        if pure_syn {
            // The data of a SYN that takes over ports doesn't count, nor does a later SYN.
            let reused = segment.marks.any(super::segment::Marks::REUSED_PORTS);
            self.completeness |= match (first, reused) {
                (true, true) => bits & 1,
                (true, false) => bits,
                (false, _) => 0,
            };
        } else if first {
            self.first_bits = bits;
        } else {
            self.completeness |= bits;
        }
        self.last_time = time;
        let sender = usize::from(segment.side != self.first_side);
        self.packets[sender] += 1;
        self.bytes[sender] += u64::from(packet.len);
        if packet.has(FIN) {
            self.closed_first.get_or_insert(segment.side);
        }
        if packet.has(RST | FIN) {
            self.closed_time = Some(time);
        }
    }

    fn row(&self) -> StreamRow {
        let end = |side, direction: &Direction| End {
            base: direction.base,
            scale: direction.scale,
            closed_first: self.closed_first == Some(side),
        };
        let (low, high) = (end(Side::Low, &self.low), end(Side::High, &self.high));
        let (first, second, ends) = match self.first_side {
            Side::Low => (self.key.low, self.key.high, [low, high]),
            Side::High => (self.key.high, self.key.low, [high, low]),
        };
        // Wireshark's quirk: a first packet that isn't a SYN counts only once a second one came.
        let many = self.packets[0] + self.packets[1] > 1;
        StreamRow {
            stream: self.number,
            first,
            second,
            packets: self.packets,
            bytes: self.bytes,
            first_time: self.first_time,
            last_time: self.last_time,
            initial_rtt: self.initial_rtt,
            completeness: self.completeness | if many { self.first_bits } else { 0 },
            completeness_at_first: self.completeness,
            ends,
        }
    }
}

/// Returns what a packet adds to the completeness of its conversation.
pub(super) fn completeness_bits(packet: &Packet<'_>) -> u8 {
    let mut bits = 0;
    if packet.has(SYN) {
        bits |= if packet.has(ACK) { 2 } else { 1 };
        if packet.len > 0 {
            bits |= 8;
        }
    } else if packet.has(ACK) {
        bits |= if packet.len > 0 { 8 } else { 4 };
    }
    if packet.has(FIN) && packet.has(ACK) {
        bits |= 16;
    }
    if packet.has(RST) {
        bits |= 32;
    }
    bits
}

/// Returns the words for a completeness, with its number.
#[must_use]
pub fn completeness_text(completeness: u8) -> String {
    let words = match completeness {
        1 => "Incomplete, SYN_SENT",
        3 => "Incomplete, CLIENT_ESTABLISHED",
        7 => "Incomplete, ESTABLISHED",
        15 => "Incomplete, DATA",
        31 | 47 | 63 => "Complete, WITH_DATA",
        23 | 39 | 55 => "Complete, NO_DATA",
        _ => "Incomplete",
    };
    format!("{words} ({completeness})")
}

impl Key {
    fn of(packet: &Packet<'_>) -> (Self, Side) {
        let (src, dst) = (packet.source(), packet.destination());
        if src <= dst {
            (
                Self {
                    low: src,
                    high: dst,
                },
                Side::Low,
            )
        } else {
            (
                Self {
                    low: dst,
                    high: src,
                },
                Side::High,
            )
        }
    }
}
