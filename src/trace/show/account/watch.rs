//! What is watched of one stream: the reader's window, and packets that were captured twice.

use super::finding::{FRAMES_MAX, times};
use crate::trace::capture::Moment;
use crate::trace::packet::Packet;
use crate::trace::show::time::{Seconds, Span};
use crate::trace::tcp::{Marks, Segment};

/// The same packet so soon again was captured twice, not sent twice.
const DUPLICATE_NS: i64 = 1_000_000;

/// What is watched of one stream.
#[derive(Debug, Default)]
pub(super) struct Watch {
    full_since: Option<i64>,
    first_full: i64,
    last_full: i64,
    full_ns: i64,
    closed: bool,
    in_flight_max: u32,
    frames: Vec<u64>,
    episodes: u64,
    recent: [(u64, i64); 2],
    turn: usize,
    /// Somebody closed or broke it.
    pub(super) ended: bool,
}

impl Watch {
    /// Tells how often the window was full, in which frames first, and more about it.
    pub(super) fn told(&self) -> Option<(u64, &[u64], String)> {
        if self.episodes == 0 {
            return None;
        }
        let detail = format!(
            "window {} {} between {} s and {} s, {} in all, at most {} bytes under way",
            if self.closed { "closed" } else { "full" },
            times(self.episodes),
            Seconds(self.first_full, 6),
            Seconds(self.last_full, 6),
            Span(self.full_ns),
            self.in_flight_max
        );
        Some((self.episodes, &self.frames, detail))
    }

    /// Follows the reader's window.
    pub(super) fn window(
        &mut self,
        at: Moment,
        packet: &Packet<'_>,
        segment: &Segment,
        from_person: bool,
    ) {
        let full = if from_person {
            self.closed |= segment.marks.any(Marks::ZERO_WINDOW);
            segment.marks.any(Marks::ZERO_WINDOW)
        } else {
            segment.marks.any(Marks::WINDOW_FULL)
        };
        if full && self.full_since.is_none() {
            if self.episodes == 0 {
                self.first_full = at.time;
            }
            self.full_since = Some(at.time);
            self.episodes += 1;
            if self.frames.len() < FRAMES_MAX {
                self.frames.push(at.frame);
            }
        } else if from_person && !full && packet.window > 0 {
            self.open_window(at.time);
        }
        if full || self.full_since.is_some() {
            self.in_flight_max = self.in_flight_max.max(segment.bytes_in_flight.unwrap_or(0));
        }
    }

    /// Says that the window is open at this time.
    pub(super) fn open_window(&mut self, now: i64) {
        if let Some(since) = self.full_since.take() {
            self.full_ns += now - since;
            self.last_full = now;
        }
    }

    /// Returns whether the very packet was seen a moment ago. Its checksum stands for its payload.
    pub(super) fn is_duplicate(&mut self, now: i64, packet: &Packet<'_>) -> bool {
        let mut print = u64::from(packet.seq) << 32 | u64::from(packet.ack);
        for part in [
            u64::from(packet.checksum) << 48
                | u64::from(packet.ip_id) << 32
                | u64::from(packet.len),
            u64::from(packet.src_port) << 32
                | u64::from(packet.flags) << 16
                | u64::from(packet.window),
        ] {
            print = (print ^ part)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(29);
        }
        for chunk in packet.options.chunks(8) {
            let part = chunk
                .iter()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
            print = (print ^ part)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(29);
        }
        let again = self
            .recent
            .iter()
            .any(|(other, time)| *other == print && (0..DUPLICATE_NS).contains(&(now - time)));
        self.recent[self.turn] = (print, now);
        self.turn = (self.turn + 1) % self.recent.len();
        again
    }
}
