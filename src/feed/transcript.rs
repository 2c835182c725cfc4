//! The room's outgoing lines, once for everybody: a bounded log of bytes.
//!
//! Offsets count every byte ever appended. What can still be read lies in
//! `end - capacity .. end`; a reader whose cursor falls before that has lost lines.

use std::borrow::Cow;
use std::ops::Range;

/// A bounded log of lines. Appending never fails and never allocates; it forgets the oldest bytes.
#[derive(Debug)]
pub struct Transcript {
    ring: Box<[u8]>,
    end: u64,
    /// Where in the ring the next byte goes; kept beside `end`, since a division for each reader
    /// would show.
    head: usize,
}

impl Transcript {
    /// Returns an empty transcript that holds the last `capacity` bytes (at least one).
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        // Zeroed memory costs nothing until it is written.
        Self {
            ring: vec![0; capacity.max(1)].into_boxed_slice(),
            end: 0,
            head: 0,
        }
    }

    /// Appends one line, put together from `parts`, and returns where it stands. The line's end
    /// is part of what the caller gives.
    pub fn append<P: AsRef<[u8]>>(&mut self, parts: &[P]) -> Range<u64> {
        let start = self.end;
        for part in parts {
            self.append_bytes(part.as_ref());
        }
        start..self.end
    }

    /// Returns the offset behind the last byte.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Returns the offset of the oldest byte still held.
    #[must_use]
    pub fn start(&self) -> u64 {
        self.end.saturating_sub(self.ring.len() as u64)
    }

    /// Returns how many bytes the transcript holds at most.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.ring.len()
    }

    /// Returns the bytes of `range`, in up to two pieces. What is no longer or not yet held is
    /// left out.
    #[must_use]
    pub fn bytes(&self, range: Range<u64>) -> (&[u8], &[u8]) {
        let from = range.start.max(self.start());
        let to = range.end.min(self.end);
        if from >= to {
            return (&[], &[]);
        }
        let (from, length) = (self.index(from), (to - from) as usize);
        let first = length.min(self.ring.len() - from);
        (&self.ring[from..from + first], &self.ring[..length - first])
    }

    /// Returns the line that starts at `start`, without its line end; an empty one at the end.
    #[must_use]
    pub fn line(&self, start: u64) -> Cow<'_, [u8]> {
        let end = self.line_end(start..self.end).unwrap_or(self.end);
        match self.bytes(start..end) {
            (line, []) => Cow::Borrowed(line),
            (first, second) => Cow::Owned([first, second].concat()),
        }
    }

    /// Returns where the first line at `oldest` or behind it starts for which `is_before` doesn't
    /// hold; the lines for which it does come before all others.
    #[must_use]
    pub fn partition_point(&self, oldest: u64, is_before: impl Fn(&[u8]) -> bool) -> u64 {
        let oldest = oldest.max(self.start());
        // The oldest line may have lost its beginning: start behind its end.
        let is_start = oldest == 0 || self.line_end(oldest - 1..oldest).is_some();
        let mut low = if is_start {
            oldest
        } else {
            let line_end = self.line_end(oldest..self.end);
            line_end.map_or(self.end, |line_end| line_end + 1)
        };
        let mut high = self.end;
        while low < high {
            let line = self.line_start(low..low + (high - low) / 2);
            if is_before(&self.line(line)) {
                let line_end = self.line_end(line..high);
                low = line_end.map_or(high, |line_end| line_end + 1);
            } else {
                high = line;
            }
        }
        low
    }

    /// Returns where the first line end in `range` stands.
    fn line_end(&self, range: Range<u64>) -> Option<u64> {
        let start = range.start;
        let (first, second) = self.bytes(range);
        let at = memchr::memchr(b'\n', first)
            .or_else(|| memchr::memchr(b'\n', second).map(|at| first.len() + at))?;
        Some(start + at as u64)
    }

    /// Returns where the last line starts that starts in `range`, whose first byte starts one.
    fn line_start(&self, range: Range<u64>) -> u64 {
        let start = range.start;
        let (first, second) = self.bytes(range);
        let at = memchr::memrchr(b'\n', second)
            .map(|at| first.len() + at)
            .or_else(|| memchr::memrchr(b'\n', first));
        at.map_or(start, |at| start + at as u64 + 1)
    }

    fn append_bytes(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(self.ring.len()) {
            let first = piece.len().min(self.ring.len() - self.head);
            let (before, after) = piece.split_at(first);
            self.ring[self.head..self.head + first].copy_from_slice(before);
            self.ring[..after.len()].copy_from_slice(after);
            self.head = if after.is_empty() {
                self.head + first
            } else {
                after.len()
            };
            if self.head == self.ring.len() {
                self.head = 0;
            }
        }
        self.end += bytes.len() as u64;
    }

    /// Returns where in the ring a byte stands that is held.
    fn index(&self, offset: u64) -> usize {
        let back = (self.end - offset) as usize;
        if back <= self.head {
            self.head - back
        } else {
            self.head + self.ring.len() - back
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(transcript: &Transcript, from: u64) -> String {
        let (first, second) = transcript.bytes(from..transcript.end());
        String::from_utf8([first, second].concat()).unwrap()
    }

    #[test]
    fn a_line_may_lie_at_both_ends_of_the_ring() {
        let mut transcript = Transcript::new(8);
        assert_eq!(transcript.append(&["one\n"]), 0..4);
        assert_eq!(transcript.append(&["tw", "o2\n"]), 4..9);
        assert_eq!(*transcript.line(4), *b"two2");
        assert_eq!(*transcript.line(9), *b"");
        // What is left of the first line is no line.
        assert_eq!(transcript.partition_point(0, |_| false), 4);
        assert_eq!(transcript.partition_point(4, |_| false), 4);
        assert_eq!(transcript.partition_point(5, |_| false), 9);
        assert_eq!(Transcript::new(8).partition_point(0, |_| false), 0);
    }

    proptest! {
        #[test]
        fn the_first_line_that_is_not_before_is_found(
            capacity in 1_usize..60,
            steps in proptest::collection::vec(0_usize..12, 0..20),
            bound in 0_usize..120,
            oldest in 0_u64..200,
        ) {
            let mut transcript = Transcript::new(capacity);
            let mut lines = Vec::new();
            let mut number = 0;
            for step in steps {
                number += step;
                let line = format!("{number}\n");
                lines.push((number, transcript.append(&[line]).start));
            }
            let number_of = |line: &[u8]| std::str::from_utf8(line).unwrap().parse::<usize>().unwrap();
            let found = transcript.partition_point(oldest, |line| number_of(line) < bound);
            let begin = transcript.start();
            let is_whole = |start: u64| start > begin || (start, begin) == (0, 0);
            let held = |start: u64| start >= oldest && is_whole(start);
            let expected = lines.iter().find(|&&(number, start)| number >= bound && held(start));
            let expected = expected.map_or_else(|| transcript.end(), |&(_, start)| start);
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn holds_the_last_bytes(
            capacity in 1_usize..40,
            lines in proptest::collection::vec("[a-z]{0,50}", 0..20),
        ) {
            let mut transcript = Transcript::new(capacity);
            let mut all = String::new();
            for line in &lines {
                let range = transcript.append(&[line, "\n"]);
                prop_assert_eq!(range.start, all.len() as u64);
                all += line;
                all.push('\n');
                prop_assert_eq!(range.end, all.len() as u64);
            }
            let start = all.len().saturating_sub(capacity);
            prop_assert_eq!(transcript.start(), start as u64);
            for from in 0..=all.len() {
                prop_assert_eq!(read(&transcript, from as u64), &all[from.max(start)..]);
            }
        }
    }
}
