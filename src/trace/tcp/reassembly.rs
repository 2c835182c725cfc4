//! One direction's bytes, in order, from segments in any order.
//!
//! The rule is Wireshark's "follow stream": the first copy of a byte wins, what comes too early
//! waits, and a hole becomes a gap once the other side acknowledges bytes beyond it, for then they
//! arrived and only the capture lacks them. Sequence numbers are compared modulo 2^32; offsets
//! count from the first byte and never wrap.
//!
//! Invariant: every waiting segment starts beyond `offset`.

use std::collections::BTreeMap;

/// Most bytes that wait in one direction.
pub const WAITING_BYTES_MAX: usize = 1024 * 1024;
/// Most bytes that wait in all.
pub const WAITING_BYTES_IN_ALL_MAX: usize = 10 * 1024 * 1024;
/// What a waiting segment costs besides its bytes.
const ENTRY_COST: usize = 128;

/// A run of new bytes from one segment.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// Bytes that the capture lacks before `data`.
    pub gap_before: u64,
    /// The bytes.
    pub data: &'a [u8],
    /// Bytes of the segment after `data` that were not captured.
    pub gap_after: u64,
    /// Raw sequence number after all of them.
    pub end: u32,
}

/// One direction.
#[derive(Debug, Default)]
pub struct Reassembly {
    expected: Option<u32>,
    offset: u64,
    waiting: BTreeMap<(u64, u64), Early>,
    waiting_bytes: usize,
    arrivals: u64,
}

/// A segment that came too early.
#[derive(Debug)]
struct Early {
    data: Vec<u8>,
    missing: u64,
}

impl Reassembly {
    /// Returns an empty one that waits for the byte with this raw number, or takes whatever comes.
    #[must_use]
    pub fn starting_at(first: Option<u32>) -> Self {
        Self {
            expected: first,
            ..Self::default()
        }
    }

    /// Takes a segment and delivers what is in order now.
    ///
    /// `seq` is the raw number of its first byte, `len` its length on the wire, `total` the bytes
    /// that wait in all directions together.
    pub fn push(
        &mut self,
        seq: u32,
        payload: &[u8],
        len: u32,
        total: &mut usize,
        deliver: &mut dyn FnMut(Delivery<'_>),
    ) {
        let expected = *self.expected.get_or_insert(seq);
        if len == 0 {
            return;
        }
        let ahead = seq.wrapping_sub(expected).cast_signed();
        let missing = u64::from(len).saturating_sub(payload.len() as u64);
        if ahead <= 0 {
            self.append(u64::from(ahead.unsigned_abs()), payload, missing, deliver);
            self.drain(total, deliver);
            return;
        }
        let offset = self.offset + u64::from(ahead.unsigned_abs());
        let cost = payload.len() + ENTRY_COST;
        self.arrivals += 1;
        let segment = Early {
            data: payload.to_vec(),
            missing,
        };
        self.waiting.insert((offset, self.arrivals), segment);
        self.waiting_bytes += cost;
        *total += cost;
        while self.waiting_bytes > WAITING_BYTES_MAX || *total > WAITING_BYTES_IN_ALL_MAX {
            if !self.skip_hole(total, deliver) {
                break;
            }
        }
    }

    /// Takes an acknowledgement of this direction's bytes: a hole before it is a gap.
    pub fn acknowledged(
        &mut self,
        ack: u32,
        total: &mut usize,
        deliver: &mut dyn FnMut(Delivery<'_>),
    ) {
        while let (Some(((offset, _), _)), Some(expected)) =
            (self.waiting.first_key_value(), self.expected)
        {
            let ahead = ack.wrapping_sub(expected).cast_signed();
            if ahead <= 0 || u64::from(ahead.unsigned_abs()) <= offset - self.offset {
                return;
            }
            self.skip_hole(total, deliver);
        }
    }

    /// Returns the number of the next byte, once anything was seen.
    #[must_use]
    pub fn expected(&self) -> Option<u32> {
        self.expected
    }

    /// Returns how many bytes wait behind a hole.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.waiting
            .values()
            .map(|segment| segment.data.len())
            .sum()
    }

    /// Forgets what waits.
    pub fn clear(&mut self, total: &mut usize) {
        *total -= self.waiting_bytes;
        self.waiting_bytes = 0;
        self.waiting.clear();
    }

    /// Gives up the lowest hole; returns whether there was one.
    fn skip_hole(&mut self, total: &mut usize, deliver: &mut dyn FnMut(Delivery<'_>)) -> bool {
        let Some(((offset, _), _)) = self.waiting.first_key_value() else {
            return false;
        };
        let gap_before = offset - self.offset;
        self.advance(gap_before);
        deliver(Delivery {
            gap_before,
            data: &[],
            gap_after: 0,
            end: self.expected.unwrap_or(0),
        });
        self.drain(total, deliver);
        true
    }

    fn drain(&mut self, total: &mut usize, deliver: &mut dyn FnMut(Delivery<'_>)) {
        while let Some(entry) = self.waiting.first_entry() {
            let (offset, _) = *entry.key();
            if offset > self.offset {
                return;
            }
            let segment = entry.remove();
            let cost = segment.data.len() + ENTRY_COST;
            self.waiting_bytes -= cost;
            *total -= cost;
            self.append(
                self.offset - offset,
                &segment.data,
                segment.missing,
                deliver,
            );
        }
    }

    /// Delivers what is new of a segment whose first `old` bytes are not.
    fn append(
        &mut self,
        old: u64,
        data: &[u8],
        missing: u64,
        deliver: &mut dyn FnMut(Delivery<'_>),
    ) {
        let len = data.len() as u64 + missing;
        if old >= len {
            return;
        }
        let fresh = usize::try_from(old)
            .ok()
            .and_then(|old| data.get(old..))
            .unwrap_or(&[]);
        let gap_after = len - old - fresh.len() as u64;
        self.advance(len - old);
        deliver(Delivery {
            gap_before: 0,
            data: fresh,
            gap_after,
            end: self.expected.unwrap_or(0),
        });
    }

    fn advance(&mut self, bytes: u64) {
        self.offset += bytes;
        self.expected = self.expected.map(|expected| add(expected, bytes));
    }
}

/// Returns the sequence number `bytes` after another; they wrap.
#[expect(
    clippy::cast_possible_truncation,
    reason = "sequence numbers are the low 32 bits of an offset"
)]
#[must_use]
pub fn add(seq: u32, bytes: u64) -> u32 {
    seq.wrapping_add(bytes as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    fn run(segments: &[(u32, &str)], ack: Option<u32>) -> (String, usize) {
        let mut reassembly = Reassembly::default();
        let mut total = 0;
        let mut text = String::new();
        let mut deliver = |delivery: Delivery<'_>| {
            if delivery.gap_before > 0 {
                write!(text, "[{}]", delivery.gap_before).unwrap_or_default();
            }
            text.push_str(&String::from_utf8_lossy(delivery.data));
            if delivery.gap_after > 0 {
                write!(text, "[{}]", delivery.gap_after).unwrap_or_default();
            }
        };
        for (seq, data) in segments {
            let len = u32::try_from(data.len()).unwrap_or(0);
            reassembly.push(*seq, data.as_bytes(), len, &mut total, &mut deliver);
        }
        if let Some(ack) = ack {
            reassembly.acknowledged(ack, &mut total, &mut deliver);
        }
        (text, total)
    }

    #[test]
    fn the_first_copy_of_a_byte_wins() {
        assert_eq!(run(&[(10, "abc"), (11, "XYZ")], None).0, "abcZ");
        assert_eq!(run(&[(10, "a"), (13, "dd"), (11, "XXXX")], None).0, "aXXXX");
        assert_eq!(run(&[(10, "abc"), (9, "?")], None).0, "abc");
    }

    #[test]
    fn early_segments_wait_across_the_wrap_of_sequence_numbers() {
        let segments = [(u32::MAX - 1, "ab"), (2, "ef"), (0, "cd")];
        assert_eq!(run(&segments, None), ("abcdef".to_owned(), 0));
    }

    #[test]
    fn a_hole_is_a_gap_once_bytes_beyond_it_are_acknowledged() {
        let segments = [(10, "ab"), (15, "fg")];
        assert_eq!(run(&segments, Some(15)).0, "ab");
        assert_eq!(run(&segments, Some(16)), ("ab[3]fg".to_owned(), 0));
    }

    #[test]
    fn too_much_waiting_gives_the_lowest_hole_up() {
        let mut reassembly = Reassembly::default();
        let mut total = 0;
        let mut gaps = 0;
        let mut deliver = |delivery: Delivery<'_>| gaps += delivery.gap_before;
        reassembly.push(0, b"x", 1, &mut total, &mut deliver);
        for k in 0..200_000 {
            reassembly.push(11 + 20 * k, b"y", 1, &mut total, &mut deliver);
        }
        assert!(total <= WAITING_BYTES_MAX, "{total} bytes wait");
        assert!(gaps > 0);
    }
}
