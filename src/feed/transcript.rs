//! The room's outgoing lines, once for everybody: a bounded log of bytes.
//!
//! Offsets count every byte ever appended. What can still be read lies in
//! `end - capacity .. end`; a reader whose cursor falls before that has lost lines.

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
    pub fn append(&mut self, parts: &[&str]) -> Range<u64> {
        let start = self.end;
        for part in parts {
            self.append_bytes(part.as_bytes());
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

    /// Returns where the last `lines` lines start, or the oldest whole line held if there are
    /// fewer, looking back `reach` bytes at most.
    #[must_use]
    pub fn back(&self, lines: usize, reach: usize) -> u64 {
        if lines == 0 {
            return self.end;
        }
        let oldest = self.start().max(self.end.saturating_sub(reach as u64));
        let (first, second) = self.bytes(oldest..self.end);
        let newer = memchr::memrchr_iter(b'\n', second).map(|at| first.len() + at);
        let mut line_ends = newer.chain(memchr::memrchr_iter(b'\n', first));
        // The last line end closes the newest line; the one `lines` before it is where to start.
        match line_ends.by_ref().nth(lines) {
            Some(at) => oldest + at as u64 + 1,
            None if oldest == 0 => 0,
            // The oldest line may have lost its beginning: start behind its end.
            None => {
                let (first, second) = self.bytes(oldest..self.end);
                memchr::memchr(b'\n', first)
                    .or_else(|| memchr::memchr(b'\n', second).map(|at| first.len() + at))
                    .map_or(self.end, |at| oldest + at as u64 + 1)
            }
        }
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
    fn history_starts_at_a_line() {
        let mut transcript = Transcript::new(16);
        assert_eq!(transcript.back(3, 16), 0);
        for line in ["one\n", "two\n", "three\n"] {
            transcript.append(&[line]);
        }
        for (lines, reach, expected) in [
            (0, 16, ""),
            (1, 16, "three\n"),
            (2, 16, "two\nthree\n"),
            (3, 16, "one\ntwo\nthree\n"),
            (9, 16, "one\ntwo\nthree\n"),
            (9, 9, "three\n"),
            (9, 10, "three\n"),
            (9, 11, "two\nthree\n"),
            (9, 0, ""),
        ] {
            assert_eq!(
                read(&transcript, transcript.back(lines, reach)),
                expected,
                "{lines}"
            );
        }
        transcript.append(&["four\n"]);
        assert_eq!(
            read(&transcript, transcript.back(9, 16)),
            "two\nthree\nfour\n"
        );
        transcript.append(&["five\n"]);
        assert_eq!(read(&transcript, transcript.back(9, 16)), "four\nfive\n");
    }

    proptest! {
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
