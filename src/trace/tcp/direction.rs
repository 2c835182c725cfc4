//! What one direction of a stream has said so far: the state of the analysis.
//!
//! All numbers are raw and compared modulo 2^32.

use super::segment::{Marks, Scale};

/// Returns whether `a` comes after `b`. Half the numbers apart, each comes after the other, as in
/// Wireshark.
pub(super) fn after(a: u32, b: u32) -> bool {
    b.wrapping_sub(a).cast_signed() < 0
}

/// Returns whether `a` doesn't come after `b`.
#[must_use]
pub fn not_after(a: u32, b: u32) -> bool {
    a.wrapping_sub(b).cast_signed() <= 0
}

/// One direction of a stream.
#[derive(Debug)]
pub(super) struct Direction {
    pub(super) base: Option<u32>,
    pub(super) scale: Scale,
    pub(super) window: u32,
    pub(super) next: u32,
    pub(super) next_time: i64,
    pub(super) next_frame: u64,
    pub(super) max_ack: u32,
    pub(super) last_ack: u32,
    pub(super) last_time: i64,
    pub(super) dup_acks: u32,
    pub(super) first_ack_frame: u64,
    /// In order of time.
    pub(super) unacked: Vec<Unacked>,
    /// What is lowest and highest in `unacked`, so that a long list costs nothing to look at.
    pub(super) flight: Flight,
    pub(super) last_marks: Marks,
    pub(super) awaits_first_ack: bool,
    pub(super) flight_known: bool,
    pub(super) sacked: u32,
    pub(super) unpushed: u32,
    /// It has sent its counters of accurate ECN.
    pub(super) counts_marks: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Unacked {
    pub(super) frame: u64,
    pub(super) time: i64,
    pub(super) seq: u32,
    pub(super) next: u32,
}

/// The bounds of a list of unacknowledged segments.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flight {
    /// Lowest relative `seq`. Wireshark compares these two without regard to wrapping.
    pub(super) low: u32,
    /// Highest relative `next`.
    pub(super) high: u32,
    /// First raw `seq`, with regard to wrapping.
    pub(super) oldest: u32,
}

impl Flight {
    fn of(sent: &Unacked, base: u32) -> Self {
        Self {
            low: sent.seq.wrapping_sub(base),
            high: sent.next.wrapping_sub(base),
            oldest: sent.seq,
        }
    }

    fn with(self, sent: &Unacked, base: u32) -> Self {
        Self {
            low: self.low.min(sent.seq.wrapping_sub(base)),
            high: self.high.max(sent.next.wrapping_sub(base)),
            oldest: if after(self.oldest, sent.seq) {
                sent.seq
            } else {
                self.oldest
            },
        }
    }
}

impl Direction {
    pub(super) fn new() -> Self {
        Self {
            base: None,
            scale: Scale::Unknown,
            window: u32::MAX,
            next: 0,
            next_time: 0,
            next_frame: 0,
            max_ack: 0,
            last_ack: 0,
            last_time: 0,
            dup_acks: 0,
            first_ack_frame: 0,
            unacked: Vec::new(),
            flight: Flight::default(),
            last_marks: Marks::default(),
            awaits_first_ack: false,
            flight_known: true,
            sacked: 0,
            unpushed: 0,
            counts_marks: false,
        }
    }

    pub(super) fn unacked(&self) -> usize {
        self.unacked.len()
    }

    pub(super) fn forget_unacked(&mut self) {
        self.unacked = Vec::new();
    }

    pub(super) fn remember(&mut self, sent: Unacked) {
        let base = self.base.unwrap_or(0);
        self.flight = if self.unacked.is_empty() {
            Flight::of(&sent, base)
        } else {
            self.flight.with(&sent, base)
        };
        self.unacked.push(sent);
    }

    pub(super) fn measure_flight(&mut self) {
        let base = self.base.unwrap_or(0);
        let mut sent = self.unacked.iter();
        if let Some(first) = sent.next() {
            let flight = Flight::of(first, base);
            self.flight = sent.fold(flight, |flight, sent| flight.with(sent, base));
        }
    }

    /// Forgets what was sent before `ack`; returns the segment that ends there, the oldest of them.
    pub(super) fn acknowledged(&mut self, ack: u32) -> Option<(u64, i64)> {
        if self.unacked.is_empty() || !after(ack, self.flight.oldest) {
            return None;
        }
        let mut acked = None;
        self.unacked.retain_mut(|sent| {
            if ack == sent.next {
                acked.get_or_insert((sent.frame, sent.time));
                return false;
            }
            if after(ack, sent.next) {
                return false;
            }
            if after(ack, sent.seq) {
                sent.seq = ack;
            }
            true
        });
        if !self.unacked.is_empty() {
            self.measure_flight();
        } else if self.unacked.capacity() > 64 {
            self.unacked = Vec::new();
        }
        acked
    }
}
