//! From a direction's bytes to what one person said at a time.
//!
//! The room's own protocol is lines. An older one, that `trace` reads as well, had no line ends: a
//! message was what one segment held. A unit in which bytes are missing is marked and never taken
//! for a complete one.

use crate::trace::tcp::reassembly::{Delivery, add};

/// Longest unfinished line that is kept.
pub const LINE_BYTES_MAX: usize = 64 * 1024;
/// In how many data segments a line end is looked for before messages are taken to be segments.
pub const SEGMENTS_LOOKED_AT: usize = 16;

const IAC: u8 = 255;

/// What ends a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// A line end.
    Lines,
    /// The end of a segment.
    Segments,
}

/// One unit.
#[derive(Debug, Clone, Copy)]
pub struct Unit<'a> {
    /// Its bytes, without the line end; `[n bytes not captured]` stands for those that are missing.
    pub bytes: &'a [u8],
    /// Bytes are missing, or it is too long to be kept whole.
    pub partial: bool,
    /// Raw sequence number after it.
    pub end: u32,
}

/// Cuts one direction's bytes into units.
#[derive(Debug, Default)]
pub struct Units {
    tail: Vec<u8>,
    partial: bool,
    skipping: bool,
}

impl Units {
    /// Returns a cutter; `mid_stream` if the capture began inside the stream, so that the first line
    /// may be the end of one.
    #[must_use]
    pub fn new(mid_stream: bool) -> Self {
        Self {
            tail: Vec::new(),
            partial: mid_stream,
            skipping: false,
        }
    }

    /// Takes a run of bytes and gives out each unit that it ends.
    pub fn push(&mut self, framing: Framing, run: &Delivery<'_>, give: &mut dyn FnMut(Unit<'_>)) {
        self.missing(run.gap_before);
        match framing {
            Framing::Segments if run.data.is_empty() && run.gap_after == 0 => return,
            Framing::Segments => self.tail.extend_from_slice(run.data),
            Framing::Lines => self.lines(run, give),
        }
        self.missing(run.gap_after);
        if framing == Framing::Segments {
            self.finish(run.end, give);
        }
    }

    /// Returns how many bytes are kept of an unfinished line.
    #[must_use]
    pub fn kept_bytes(&self) -> usize {
        self.tail.capacity()
    }

    /// Gives the unfinished line out as one that is too long, and skips the rest of it.
    pub fn give_up(&mut self, end: u32, give: &mut dyn FnMut(Unit<'_>)) {
        self.partial = true;
        self.tail.extend_from_slice(b"[line too long]");
        self.finish(end, give);
        self.skipping = true;
    }

    /// Gives out what is left as a unit: an orderly end of stream ends the last line.
    pub fn finish(&mut self, end: u32, give: &mut dyn FnMut(Unit<'_>)) {
        let tail = std::mem::take(&mut self.tail);
        self.give(&tail, end, give);
    }

    fn lines(&mut self, run: &Delivery<'_>, give: &mut dyn FnMut(Unit<'_>)) {
        let mut rest = run.data;
        while let Some(at) = memchr::memchr(b'\n', rest) {
            let (line, after) = (&rest[..at], &rest[at + 1..]);
            // After this line there are `after` and the gap, all before the end of the run.
            let behind = after.len() as u64 + run.gap_after;
            let end = add(run.end, behind.wrapping_neg());
            if self.tail.is_empty() {
                self.give(line, end, give);
            } else {
                self.keep(line);
                self.finish(end, give);
            }
            self.skipping = false;
            rest = after;
        }
        self.keep(rest);
        if self.tail.len() >= LINE_BYTES_MAX {
            self.give_up(run.end, give);
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        if !self.skipping {
            let room = LINE_BYTES_MAX.saturating_sub(self.tail.len());
            self.tail.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }

    fn missing(&mut self, bytes: u64) {
        if bytes > 0 {
            self.partial = true;
            if self.tail.len() < LINE_BYTES_MAX {
                let mark = format!("[{bytes} bytes not captured]");
                self.tail.extend_from_slice(mark.as_bytes());
            }
        }
    }

    fn give(&mut self, bytes: &[u8], end: u32, give: &mut dyn FnMut(Unit<'_>)) {
        let partial = std::mem::take(&mut self.partial);
        if self.skipping {
            return;
        }
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        if !bytes.is_empty() {
            give(Unit {
                bytes,
                partial,
                end,
            });
        }
    }
}

/// Returns a line without telnet's commands and the NUL of its line end.
#[must_use]
pub fn without_telnet(line: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != IAC {
            text.push(*first);
            continue;
        }
        if let [IAC, after @ ..] = after {
            text.push(IAC);
            rest = after;
        } else {
            rest = after_command(after);
        }
    }
    if text.first() == Some(&0) {
        text.remove(0);
    }
    text
}

/// Returns what follows a telnet command, whose name comes first.
fn after_command(command: &[u8]) -> &[u8] {
    let Some((name, rest)) = command.split_first() else {
        return &[];
    };
    match name {
        // WILL, WONT, DO and DONT name an option.
        251..=254 => rest.get(1..).unwrap_or(&[]),
        // A subnegotiation lasts until IAC SE.
        250 => match rest.windows(2).position(|pair| pair == [IAC, 240]) {
            Some(at) => &rest[at + 2..],
            None => &[],
        },
        _ => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(framing: Framing, runs: &[(u64, &str, u64)]) -> Vec<(String, bool, u32)> {
        let mut units = Units::new(false);
        let mut found = Vec::new();
        let mut end = 0;
        for (gap_before, data, gap_after) in runs {
            end += u32::try_from(gap_before + data.len() as u64 + gap_after).unwrap_or(0);
            let run = Delivery {
                gap_before: *gap_before,
                data: data.as_bytes(),
                gap_after: *gap_after,
                end,
            };
            units.push(framing, &run, &mut |unit: Unit<'_>| {
                let text = String::from_utf8_lossy(unit.bytes).into_owned();
                found.push((text, unit.partial, unit.end));
            });
        }
        found
    }

    #[test]
    fn lines_are_cut_wherever_the_segments_are() {
        let text = "one\r\ntwo\n\nthree\n";
        let whole = cut(Framing::Lines, &[(0, text, 0)]);
        assert_eq!(whole.len(), 3);
        assert_eq!(whole[1], ("two".to_owned(), false, 9));
        for at in 0..=text.len() {
            let (first, second) = text.split_at(at);
            assert_eq!(cut(Framing::Lines, &[(0, first, 0), (0, second, 0)]), whole);
        }
    }

    #[test]
    fn a_line_with_a_gap_is_partial_and_the_next_is_whole() {
        let lines = cut(Framing::Lines, &[(0, "he", 0), (548, "lo\nnext\n", 0)]);
        let gap = "he[548 bytes not captured]lo".to_owned();
        assert_eq!(lines[0], (gap, true, 553));
        assert_eq!(lines[1], ("next".to_owned(), false, 558));
    }

    #[test]
    fn a_segment_is_a_message_without_line_ends() {
        let units = cut(Framing::Segments, &[(0, "soheil", 0), (0, "hello\nyou", 3)]);
        assert_eq!(units[0], ("soheil".to_owned(), false, 6));
        let second = "hello\nyou[3 bytes not captured]".to_owned();
        assert_eq!(units[1], (second, true, 18));
    }

    #[test]
    fn a_line_without_end_is_given_up() {
        let long = "x".repeat(LINE_BYTES_MAX);
        let lines = cut(
            Framing::Lines,
            &[(0, &long, 0), (0, "yyy", 0), (0, "z\nnext\n", 0)],
        );
        assert_eq!(lines.len(), 2);
        assert!(lines[0].0.ends_with("[line too long]") && lines[0].1);
        assert_eq!(lines[1].0, "next");
    }

    #[test]
    fn telnet_is_taken_out() {
        let line = b"\xff\xfd\x03\xff\xfa\x18\0vt\xff\xf0hi\xff\xff\xff\xf1!";
        assert_eq!(without_telnet(line), b"hi\xff!");
        assert_eq!(without_telnet(b"\0next"), b"next");
        for at in 0..line.len() {
            assert!(without_telnet(&line[..at]).len() <= at);
        }
    }
}
