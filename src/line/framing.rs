//! Cuts a stream of bytes into lines, wherever the network happened to cut it.
//!
//! Invariant: however a stream is cut into chunks, the pieces that come out are the same.
//!
//! A line ends at `\n`, or at telnet's `\r\0` (RFC 854, "CR NUL"); a `\r` before the `\n` belongs
//! to the line end. Lines come straight out of the chunk, without a copy; only a line whose end
//! has not come yet is kept, never more than the longest line allowed and one `\r`.

/// What framing finds next in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A line, without its line end.
    Line(&'a [u8]),
    /// A line longer than allowed; said once, as soon as it is sure. Its bytes are dropped up to
    /// its end.
    TooLong,
}

/// The line of one stream whose end has not come yet.
#[derive(Debug, Default)]
pub struct Unfinished {
    bytes: Vec<u8>,
    state: State,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// `bytes` is the line so far.
    #[default]
    Keeping,
    /// `bytes` was the line just handed out.
    HandedOut,
    /// The line was too long; `bytes` is empty, or the `\r` that may begin its end.
    Skipping,
}

impl Unfinished {
    /// Returns the next piece, taking bytes from the front of `chunk`; `None` when the chunk is
    /// used up. `max` is the longest line allowed, in bytes without its line end.
    pub fn next<'a, 'c: 'a>(&'a mut self, chunk: &mut &'c [u8], max: usize) -> Option<Piece<'a>> {
        self.forget_handed_out();
        let Some(end) = line_end(chunk, self.bytes.last() == Some(&b'\r')) else {
            return self.keep(std::mem::take(chunk), max);
        };
        let line = &chunk[..end.content];
        *chunk = &chunk[end.next..];
        if self.state == State::Skipping {
            self.clear();
            return self.next(chunk, max);
        }
        if self.bytes.is_empty() {
            return Some(if line.len() <= max {
                Piece::Line(line)
            } else {
                Piece::TooLong
            });
        }
        if end.takes_kept_cr {
            self.bytes.pop();
        }
        // What is beyond the limit is not worth copying: one byte too many tells the same.
        let room = (max + 1).saturating_sub(self.bytes.len());
        let line = &line[..line.len().min(room)];
        self.make_room(line.len(), max);
        self.bytes.extend_from_slice(line);
        Some(self.hand_out(max))
    }

    /// Returns the last line of a stream that ended in order, if it had no line end.
    pub fn last(&mut self, max: usize) -> Option<Piece<'_>> {
        self.forget_handed_out();
        if self.state == State::Skipping || self.bytes.is_empty() {
            return None;
        }
        if self.bytes.last() == Some(&b'\r') {
            self.bytes.pop();
        }
        Some(self.hand_out(max))
    }

    /// Returns whether nothing is kept: the stream stands at the start of a line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.state == State::HandedOut || (self.state == State::Keeping && self.bytes.is_empty())
    }

    /// Returns how many bytes are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        if self.state == State::HandedOut {
            0
        } else {
            self.bytes.len()
        }
    }

    /// Returns how many bytes of memory are held for the line.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Forgets the line, keeping its memory for the next.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.state = State::Keeping;
    }

    fn forget_handed_out(&mut self) {
        if self.state == State::HandedOut {
            self.clear();
        }
    }

    /// Hands out the kept line, whose end has been found.
    fn hand_out(&mut self, max: usize) -> Piece<'_> {
        self.state = State::HandedOut;
        if self.bytes.len() <= max {
            Piece::Line(&self.bytes)
        } else {
            Piece::TooLong
        }
    }

    /// Makes room for `more` bytes. Doubling, as a vector does by itself, might hold twice the
    /// longest line.
    fn make_room(&mut self, more: usize, max: usize) {
        let needed = self.bytes.len() + more;
        if needed > self.bytes.capacity() {
            let goal = needed.next_power_of_two().min(max + 1);
            self.bytes.reserve_exact(goal - self.bytes.len());
        }
    }

    /// Keeps the start of a line whose end is not in the chunk.
    fn keep(&mut self, rest: &[u8], max: usize) -> Option<Piece<'static>> {
        let last = *rest.last()?;
        // A `\r` at the very end may belong to the line end, and then does not count.
        let length = self.bytes.len() + rest.len() - usize::from(last == b'\r');
        if self.state == State::Keeping && length <= max {
            self.make_room(rest.len(), max);
            self.bytes.extend_from_slice(rest);
            return None;
        }
        let news = self.state == State::Keeping;
        self.state = State::Skipping;
        self.bytes.clear();
        if last == b'\r' {
            self.bytes.push(last);
        }
        news.then_some(Piece::TooLong)
    }
}

struct LineEnd {
    /// Length of the line's content in the chunk.
    content: usize,
    /// Where in the chunk the next line starts.
    next: usize,
    /// Whether the `\r` kept from the chunk before belongs to this end.
    takes_kept_cr: bool,
}

/// Finds the first line end in `chunk`; `kept_cr` says that the byte before it was a `\r`.
fn line_end(chunk: &[u8], kept_cr: bool) -> Option<LineEnd> {
    let cr_before = |at: usize| {
        if at == 0 {
            kept_cr
        } else {
            chunk[at - 1] == b'\r'
        }
    };
    // One pass that stops at the end: a chunk full of line ends must not be searched to its end for
    // each of them.
    let at =
        memchr::memchr2_iter(b'\n', 0, chunk).find(|&at| chunk[at] == b'\n' || cr_before(at))?;
    Some(LineEnd {
        content: at - usize::from(at > 0 && cr_before(at)),
        next: at + 1,
        takes_kept_cr: at == 0 && kept_cr,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All pieces of a stream that arrives in these chunks, with `None` for a line too long.
    fn pieces<'a>(chunks: impl IntoIterator<Item = &'a [u8]>, max: usize) -> Vec<Option<Vec<u8>>> {
        fn owned(piece: &Piece<'_>) -> Option<Vec<u8>> {
            match piece {
                Piece::Line(line) => Some(line.to_vec()),
                Piece::TooLong => None,
            }
        }
        let mut unfinished = Unfinished::default();
        let mut found = Vec::new();
        for mut chunk in chunks {
            while let Some(piece) = unfinished.next(&mut chunk, max) {
                found.push(owned(&piece));
            }
            assert!(chunk.is_empty());
            assert!(
                unfinished.capacity() <= (max + 1).max(8),
                "memory for {} of {max}",
                unfinished.capacity()
            );
        }
        found.extend(unfinished.last(max).map(|piece| owned(&piece)));
        found
    }

    fn whole(stream: &[u8], max: usize) -> Vec<Option<Vec<u8>>> {
        pieces([stream], max)
    }

    fn lines(expected: &[&str]) -> Vec<Option<Vec<u8>>> {
        expected
            .iter()
            .map(|line| Some(line.as_bytes().to_vec()))
            .collect()
    }

    #[test]
    fn line_ends() {
        for (stream, expected) in [
            ("", &[] as &[&str]),
            ("a\nb\n", &["a", "b"]),
            ("a\r\nb\r\n", &["a", "b"]),
            ("a\r\0b\r\0", &["a", "b"]),
            ("a\rb\n", &["a\rb"]),
            ("a\0b\n", &["a\0b"]),
            ("\0a\n", &["\0a"]),
            ("a\r\r\n", &["a\r"]),
            ("a\r\0\n", &["a", ""]),
            ("\n\r\n\r\0", &["", "", ""]),
            ("no end", &["no end"]),
            ("no end\r", &["no end"]),
        ] {
            assert_eq!(whole(stream.as_bytes(), 10), lines(expected), "{stream:?}");
            assert_eq!(
                pieces(stream.as_bytes().chunks(1), 10),
                lines(expected),
                "{stream:?} byte by byte"
            );
        }
    }

    #[test]
    fn the_limit_counts_the_line_without_its_end() {
        for max in [1, 2, 7, 4096] {
            for end in ["\n", "\r\n", "\r\0", ""] {
                for length in [max - 1, max, max + 1, max + 2, 3 * max] {
                    let stream = format!("{}{end}", "x".repeat(length));
                    let fits = (length <= max).then(|| vec![b'x'; length]);
                    let expected = if length == 0 && end.is_empty() {
                        vec![]
                    } else {
                        vec![fits]
                    };
                    assert_eq!(whole(stream.as_bytes(), max), expected, "{length} of {max}");
                    assert_eq!(pieces(stream.as_bytes().chunks(1), max), expected);
                }
            }
        }
    }

    #[test]
    fn a_line_that_never_ends_is_told_once_and_not_kept() {
        let mut unfinished = Unfinished::default();
        let mut told = 0;
        for _ in 0..1000 {
            let mut chunk = &[b'x'; 1000][..];
            while let Some(piece) = unfinished.next(&mut chunk, 4096) {
                assert_eq!(piece, Piece::TooLong);
                told += 1;
            }
            assert!(unfinished.capacity() <= 4097);
        }
        assert_eq!(told, 1);
        let mut chunk = &b"end\nnext\n"[..];
        assert_eq!(
            unfinished.next(&mut chunk, 4096),
            Some(Piece::Line(b"next"))
        );
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_pieces(
            stream in proptest::collection::vec(
                prop_oneof![Just(b'\r'), Just(b'\n'), Just(0), Just(b'a'), any::<u8>()],
                0..60,
            ),
            cuts in proptest::collection::vec(0_usize..60, 0..8),
            max in 1_usize..12,
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
            cuts.sort_unstable();
            let mut chunks = Vec::new();
            let mut from = 0;
            for cut in cuts {
                chunks.push(&stream[from..cut]);
                from = cut;
            }
            chunks.push(&stream[from..]);
            prop_assert_eq!(pieces(chunks, max), whole(&stream, max));
        }
    }
}
