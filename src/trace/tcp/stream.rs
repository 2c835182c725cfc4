//! One stream: who is at its ends, what went each way, how far its conversation has come.

use super::direction::Direction;
use super::segment::{Marks, Scale, Segment, Side};
use crate::trace::packet::{ACK, Endpoint, FIN, Packet, Ports, RST, SYN};

/// The two ends of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
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
    /// It has sent its counters of accurate ECN.
    pub counts_marks: bool,
    /// It was the first to send a FIN.
    pub closed_first: bool,
}

impl StreamRow {
    /// Returns the end that isn't the server's, and where its numbers stand in `packets` and `bytes`.
    #[must_use]
    pub fn client(&self, ports: Ports) -> (Endpoint, usize) {
        if ports.has(self.second.port) {
            (self.first, 0)
        } else {
            (self.second, 1)
        }
    }
}

/// One stream.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) key: Key,
    pub(super) number: u32,
    low: Direction,
    high: Direction,
    syn_time: Option<i64>,
    /// Nanoseconds from the SYN to the end of the handshake, 0 if unknown.
    pub(super) initial_rtt: i64,
    first_side: Side,
    packets: [u64; 2],
    bytes: [u64; 2],
    first_time: i64,
    pub(super) last_time: i64,
    completeness: u8,
    /// What the first packet would add, if it wasn't a SYN.
    first_bits: u8,
    /// When it was closed or reset last.
    pub(super) closed_time: Option<i64>,
    /// Who sent a FIN before the other.
    closed_first: Option<Side>,
}

impl Stream {
    pub(super) fn new(key: Key, number: u32, first_side: Side) -> Self {
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
        }
    }

    /// Returns a direction by who sends.
    pub(super) fn direction(&self, side: Side) -> &Direction {
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

    pub(super) fn forget_unacked(&mut self) {
        self.low.forget_unacked();
        self.high.forget_unacked();
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
            let reused = segment.marks.any(Marks::REUSED_PORTS);
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

    pub(super) fn row(&self) -> StreamRow {
        let end = |side, direction: &Direction| End {
            base: direction.base,
            scale: direction.scale,
            counts_marks: direction.counts_marks,
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
    /// Returns the packet's ends, and from which of them it comes.
    pub(super) fn of(packet: &Packet<'_>) -> (Self, Side) {
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
