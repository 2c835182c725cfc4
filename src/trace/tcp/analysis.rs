//! What Wireshark says about a TCP segment, given all that came before it.
//!
//! Knows headers, not payloads. The words and rules are those of Wireshark 4.0, pinned by tests
//! against what `tshark` prints. The state holds raw numbers, compared modulo 2^32; 0 means "not
//! yet" for `next`, `max_ack` and `last_ack`. Relative numbers are for people only.

use super::direction::{Direction, Unacked, after, not_after};
use super::segment::{Marks, Scale, Segment};
use super::stream::{Stream, completeness_bits};
use super::streams::Streams;
use crate::trace::packet::options::{self, TcpOption, TcpOptions};
use crate::trace::packet::{ACK, FIN, PSH, Packet, RST, SYN};

/// Most sent segments remembered until they are acknowledged, in one direction.
const UNACKED_MAX: usize = 10_000;
/// Most sent segments remembered in all.
const UNACKED_IN_ALL_MAX: usize = 100_000;

/// A dup-ACK count after an ACK beyond everything seen: more than any threshold.
const ENDLESS: u32 = u32::MAX;
const FAST_RETRANSMISSION_NS: i64 = 20_000_000;
const OUT_OF_ORDER_NS: i64 = 3_000_000;

/// Analyses one packet, which must come in the order of the capture.
pub fn analyse(streams: &mut Streams, frame: u64, time: i64, packet: &Packet<'_>) -> Segment {
    let (slot, side, reused) = streams.find(packet);
    let room = streams.unacked < UNACKED_IN_ALL_MAX;
    let stream = streams.stream_mut(slot);
    let before = stream.unacked();
    let mut this = Step {
        packet,
        frame,
        time,
        control: packet.has(SYN | FIN | RST),
        occupies: packet.len > 0 || packet.has(SYN | FIN),
        room,
        segment: stream.blank_segment(side),
    };
    if reused {
        this.segment.marks.set(Marks::REUSED_PORTS);
        // Wireshark's quirk: of a stream that takes over ports, it knows the first packet at once.
        this.segment.completeness_before = completeness_bits(packet) & 1;
    }
    this.rebase(stream);
    let first_rtt = stream.initial_rtt;
    let (f, r) = stream.directions(side);
    let probe = this.window_and_acks(f, r);
    this.sent_before(f, r, first_rtt);
    this.advance(f, probe);
    this.acknowledge(r);
    this.options(f);
    this.flight(f, r);
    this.scaling(f, r);
    this.window(f);
    if packet.has_cut_options() {
        // As Wireshark, which gives up on such a packet before it comes to what it has found.
        this.segment.forget_findings();
    }
    stream.note(time, packet, &mut this.segment);
    let segment = this.segment;
    let after = stream.unacked();
    streams.unacked = streams.unacked + after - before;
    streams.touch(slot);
    segment
}

/// The analysis of one packet; each function is one group of the rules, in their order.
struct Step<'a, 'p> {
    packet: &'a Packet<'p>,
    frame: u64,
    time: i64,
    /// SYN, FIN or RST is set.
    control: bool,
    /// It takes sequence numbers.
    occupies: bool,
    /// The list of unacknowledged segments may grow.
    room: bool,
    segment: Segment,
}

impl Step<'_, '_> {
    /// Finds the numbers relative to each direction's first.
    fn rebase(&mut self, stream: &mut Stream) {
        let packet = self.packet;
        let (f, r) = stream.directions(self.segment.side);
        let syn = packet.has(SYN);
        if syn && f.base.is_some() {
            if packet.has(ACK) && f.base != Some(packet.seq) {
                f.base = Some(packet.seq);
                f.measure_flight();
                self.segment.marks.set(Marks::REUSED_PORTS);
            } else if !packet.has(ACK) {
                f.next = f.max_ack;
            }
        }
        let first = packet.seq.wrapping_sub(u32::from(!syn));
        let base = *f.base.get_or_insert(first);
        self.segment.seq = packet.seq.wrapping_sub(base);
        self.segment.ack = packet.ack;
        if packet.has(ACK) {
            let base = *r.base.get_or_insert_with(|| packet.ack.wrapping_sub(1));
            self.segment.ack = packet.ack.wrapping_sub(base);
            r.flight_known = true;
        }
        self.segment.other_base = r.base.unwrap_or(0);
    }

    /// Says what the window and the acknowledgement tell; returns whether it is a window probe.
    fn window_and_acks(&mut self, f: &mut Direction, r: &mut Direction) -> bool {
        let (len, window) = (self.packet.len, u32::from(self.packet.window));
        let (seq, ack) = (self.packet.seq, self.packet.ack);
        let probe = len == 1 && seq == f.next && r.window == 0;
        if probe {
            self.segment.marks.set(Marks::ZERO_WINDOW_PROBE);
        } else {
            self.window_marks(f, r);
            let same = len == 0
                && window == f.window
                && seq == f.next
                && ack == f.last_ack
                && !self.control;
            if same && window != 0 && r.last_marks.any(Marks::KEEP_ALIVE) {
                self.segment.marks.set(Marks::KEEP_ALIVE_ACK);
            } else if same && window == 0 && r.last_marks.any(Marks::ZERO_WINDOW_PROBE) {
                self.segment.marks.set(Marks::ZERO_WINDOW_PROBE_ACK);
            } else if same && window != 0 {
                f.dup_acks = if f.dup_acks == ENDLESS {
                    1
                } else {
                    f.dup_acks + 1
                };
                self.segment.marks.set(Marks::DUPLICATE_ACK);
                self.segment.duplicate_ack = Some((f.first_ack_frame, f.dup_acks));
            }
        }
        if ack != f.last_ack {
            f.first_ack_frame = self.frame;
            f.dup_acks = 0;
        }
        if self.packet.has(ACK) && r.max_ack != 0 && after(ack, r.max_ack) {
            self.segment.looked_into = true;
            if after(r.next, r.max_ack) {
                r.max_ack = r.next;
                self.segment.marks.set(Marks::ACK_LOST_SEGMENT);
            } else {
                if r.dup_acks == 0 {
                    self.segment.marks.set(Marks::ACK_LOST_SEGMENT);
                }
                r.dup_acks = ENDLESS;
            }
        }
        probe
    }

    fn window_marks(&mut self, f: &mut Direction, r: &Direction) {
        let (len, window) = (self.packet.len, u32::from(self.packet.window));
        let (seq, ack) = (self.packet.seq, self.packet.ack);
        let marks = &mut self.segment.marks;
        if window == 0 && !self.control {
            marks.set(Marks::ZERO_WINDOW);
        }
        if f.next != 0 && after(seq, f.next) && !self.packet.has(RST) {
            marks.set(Marks::LOST_SEGMENT);
            f.flight_known = false;
        }
        if len <= 1 && seq == f.next.wrapping_sub(1) && !self.control {
            marks.set(Marks::KEEP_ALIVE);
        }
        let changed = window != 0 && window != f.window;
        if len == 0 && changed && seq == f.next && ack == f.last_ack && !self.control {
            marks.set(Marks::WINDOW_UPDATE);
        }
        if len > 0 && r.scale != Scale::Unknown && !self.control {
            let shift = match r.scale {
                Scale::Shift(shift) if !r.awaits_first_ack => u32::from(shift),
                _ => 0,
            };
            let edge = r.last_ack.wrapping_add(r.window.wrapping_shl(shift));
            if seq.wrapping_add(len) == edge {
                marks.set(Marks::WINDOW_FULL);
            }
        }
    }

    /// Says whether these bytes were sent before.
    fn sent_before(&mut self, f: &Direction, r: &Direction, first_rtt: i64) {
        if !self.occupies || self.segment.marks.any(Marks::KEEP_ALIVE) {
            return;
        }
        let (seq, len) = (self.packet.seq, self.packet.len);
        let overlaps_one = len > 1 && seq == f.next.wrapping_sub(1);
        let not_ahead = f.next != 0 && after(f.next, seq) && !overlaps_one;
        let end = seq.wrapping_add(len);
        let marks = &mut self.segment.marks;
        let since_ack = self.time - r.last_time;
        let since_next = self.time - f.next_time;
        let patience = if first_rtt > 0 {
            first_rtt
        } else {
            OUT_OF_ORDER_NS
        };
        if len > 0 && r.last_ack != 0 && not_after(end, r.last_ack) {
            marks.set(Marks::SPURIOUS_RETRANSMISSION);
        } else if not_ahead
            && r.dup_acks >= 2
            && r.last_ack == seq
            && (0..FAST_RETRANSMISSION_NS).contains(&since_ack)
        {
            marks.set(Marks::FAST_RETRANSMISSION);
        } else if not_ahead
            && (0..patience).contains(&since_next)
            && f.next != end.wrapping_add(u32::from(self.packet.has(SYN | FIN)))
        {
            marks.set(Marks::OUT_OF_ORDER);
        } else if not_ahead {
            marks.set(Marks::RETRANSMISSION);
            let (since, frame) = match f.unacked.first() {
                Some(oldest) => (oldest.time, oldest.frame),
                None => (f.next_time, f.next_frame),
            };
            self.segment.rto = (self.time != since).then_some((self.time - since, frame));
        }
    }

    /// Moves the sender's state past this segment.
    fn advance(&self, f: &mut Direction, probe: bool) {
        let seq = self.packet.seq;
        let mut next = seq.wrapping_add(self.packet.len);
        if self.occupies && self.room && f.unacked.len() < UNACKED_MAX {
            next = next.wrapping_add(u32::from(self.packet.has(SYN | FIN)));
            f.remember(Unacked {
                frame: self.frame,
                time: self.time,
                seq,
                next,
            });
        }
        if (f.next == 0 || after(next, f.next)) && !probe {
            f.next = next;
            f.next_frame = self.frame;
            f.next_time = self.time;
        }
        if (seq == f.max_ack || f.max_ack == 0) && !probe {
            f.max_ack = f.next;
        }
        f.window = u32::from(self.packet.window);
        f.last_ack = self.packet.ack;
        f.last_time = self.time;
        f.last_marks = self.segment.marks;
    }

    /// Takes what this acknowledges off the other side's list.
    fn acknowledge(&mut self, r: &mut Direction) {
        let acked = r.acknowledged(self.packet.ack);
        self.segment.acks = acked.map(|(frame, time)| (frame, self.time - time));
    }

    /// Keeps the `SACKed` bytes, and that the sender counts marks in its flags, which it does once it
    /// has sent its counters.
    fn options(&mut self, f: &mut Direction) {
        self.segment.ace = self.packet.ace().filter(|_| f.counts_marks);
        let mut sacked = None;
        for option in TcpOptions::new(self.packet.options) {
            match option.settled() {
                (options::SACK, _) => {
                    sacked.get_or_insert_with(|| sacked_bytes(&option));
                }
                (kind @ (options::ACCURATE_ECN_0 | options::ACCURATE_ECN_1), value) => {
                    f.counts_marks |= options::ecn_counters(kind, value).is_some();
                }
                _ => {}
            }
        }
        f.sacked = sacked.unwrap_or(0);
    }

    /// Counts the bytes under way.
    fn flight(&mut self, f: &mut Direction, r: &Direction) {
        let len = self.packet.len;
        if len == 0 {
            return;
        }
        if !f.flight_known || f.unacked.is_empty() {
            return;
        }
        let bytes = f
            .flight
            .high
            .wrapping_sub(f.flight.low)
            .wrapping_sub(r.sacked)
            .wrapping_sub(u32::from(self.packet.has(SYN | FIN)));
        self.segment.looked_into = true;
        f.unpushed = f.unpushed.wrapping_add(len);
        // More may be SACKed than is on the list, by blocks that are older: nothing to tell then.
        if bytes.cast_signed() > 0 {
            self.segment.bytes_in_flight = Some(bytes);
            self.segment.push_bytes = Some(f.unpushed);
        }
        if self.packet.has(PSH) {
            f.unpushed = 0;
        }
    }

    /// Learns the window scale.
    fn scaling(&self, f: &mut Direction, r: &mut Direction) {
        if !self.packet.has(SYN) {
            if self.packet.has(ACK) {
                f.awaits_first_ack = false;
            }
            return;
        }
        // The last one counts, and none that isn't one byte long.
        let shift = TcpOptions::new(self.packet.options)
            .filter(|option| option.kind == options::WINDOW_SCALE)
            .filter_map(|option| <[u8; 1]>::try_from(option.value).ok())
            .last()
            .map(|[shift]| shift);
        if let Some(shift) = shift {
            f.scale = Scale::Shift(shift.min(options::WINDOW_SHIFT_MAX));
        }
        if self.packet.has_cut_options() {
            // It may be among those that are missing.
        } else if f.scale == Scale::Unknown {
            f.scale = Scale::Unused;
            r.scale = Scale::Unused;
        } else if self.packet.has(ACK) && r.scale == Scale::Unused {
            f.scale = Scale::Unused;
        }
        f.awaits_first_ack = true;
    }

    /// Tells the window in bytes.
    fn window(&mut self, f: &Direction) {
        let window = u32::from(self.packet.window);
        let scaled = !self.packet.has(SYN);
        self.segment.window = if scaled {
            f.scale.apply(window)
        } else {
            window
        };
        self.segment.scale = scaled.then_some(f.scale);
    }
}

fn sacked_bytes(option: &TcpOption<'_>) -> u32 {
    let lengths = option
        .sack_blocks()
        .map(|(left, right)| right.wrapping_sub(left));
    lengths.take(3).fold(0, u32::wrapping_add)
}
