//! What the server sends, cut into lines that are safe to show.

use std::mem;

use crate::line::sanitize;

/// The longest fragment shown at once, in bytes: an endless line costs no more memory than this.
pub(super) const FRAGMENT_MAX_BYTES: usize = 64 * 1024;

/// The longest encoding of a character, in bytes.
const CHARACTER_MAX_BYTES: usize = 4;

/// Cuts bytes into lines and bounds them; holds at most one unfinished fragment.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    tail: Vec<u8>,
    /// The tail goes on a line whose first fragments were handed out already.
    within_line: bool,
}

/// A line, or a fragment of one that is longer than [`FRAGMENT_MAX_BYTES`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fragment {
    /// The text, without its line end and without anything that could move a cursor.
    pub(super) text: String,
    /// Whether this is where a line starts.
    pub(super) starts: bool,
    /// Whether the line ends here.
    pub(super) ends: bool,
}

impl Fragment {
    /// Returns the line when the fragment is a whole one.
    pub(super) fn whole(&self) -> Option<&str> {
        (self.starts && self.ends).then_some(self.text.as_str())
    }
}

impl Incoming {
    /// Takes the first bytes off `input`, up to a line end or the limit of a fragment, and returns the
    /// fragment they complete; `None` once `input` is used up.
    pub(super) fn take(&mut self, input: &mut &[u8]) -> Option<Fragment> {
        let room = FRAGMENT_MAX_BYTES - self.tail.len();
        let within = &input[..input.len().min(room)];
        let (taken, ends) = match memchr::memchr(b'\n', within) {
            Some(end) => (end, true),
            None => (within.len(), false),
        };
        self.tail.extend_from_slice(&input[..taken]);
        *input = &input[taken + usize::from(ends)..];
        if ends {
            let line = mem::take(&mut self.tail);
            return Some(self.fragment(line.strip_suffix(b"\r").unwrap_or(&line), true));
        }
        if self.tail.len() < FRAGMENT_MAX_BYTES {
            return None;
        }
        let rest = self.tail.split_off(boundary(&self.tail));
        let fragment = mem::replace(&mut self.tail, rest);
        Some(self.fragment(&fragment, false))
    }

    /// Returns what is left of an unfinished line, when the server is gone.
    pub(super) fn rest(&mut self) -> Option<Fragment> {
        let tail = mem::take(&mut self.tail);
        (!tail.is_empty()).then(|| self.fragment(&tail, false))
    }

    fn fragment(&mut self, bytes: &[u8], ends: bool) -> Fragment {
        let starts = !mem::replace(&mut self.within_line, !ends);
        Fragment {
            text: sanitize::safe(bytes, &mut String::new()).to_owned(),
            starts,
            ends,
        }
    }
}

/// Returns where to cut `bytes` so that no character is cut in two.
fn boundary(bytes: &[u8]) -> usize {
    let least = bytes.len().saturating_sub(CHARACTER_MAX_BYTES);
    let start = (least..bytes.len())
        .rev()
        .find(|&at| bytes[at] & 0b1100_0000 != 0b1000_0000);
    match start {
        // Whole already, or no character at all: nothing to gain by waiting.
        Some(at) if std::str::from_utf8(&bytes[at..]).is_ok() => bytes.len(),
        Some(at) if at > 0 => at,
        _ => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&[u8]]) -> Vec<Fragment> {
        let mut incoming = Incoming::default();
        let mut fragments = Vec::new();
        for chunk in chunks {
            let mut input = *chunk;
            while let Some(fragment) = incoming.take(&mut input) {
                fragments.push(fragment);
            }
            assert!(input.is_empty());
        }
        fragments.extend(incoming.rest());
        fragments
    }

    #[test]
    fn any_cut_gives_the_same_lines() {
        let bytes = "ali: سلام\nhasan: hi\r\n\n* \u{1b}[2J\u{9b}1m\u{202e}x\n".as_bytes();
        let whole = lines(&[bytes]);
        let texts: Vec<_> = whole.iter().filter_map(Fragment::whole).collect();
        let safe = "* \u{fffd}[2J\u{fffd}1m\u{fffd}x";
        assert_eq!(texts, ["ali: سلام", "hasan: hi", "", safe]);
        for at in 0..=bytes.len() {
            let (head, tail) = bytes.split_at(at);
            assert_eq!(lines(&[head, tail]), whole, "cut at {at}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(lines(&single), whole);
    }

    #[test]
    fn an_endless_line_comes_in_bounded_fragments_without_cut_characters() {
        let text = "aé李😀".repeat(40_000);
        let fragments = lines(&[text.as_bytes(), b"\n", b"next\n"]);
        let shown: String = fragments
            .iter()
            .map(|fragment| fragment.text.as_str())
            .collect();
        assert_eq!(shown, text + "next");
        assert!(
            fragments
                .iter()
                .all(|fragment| fragment.text.len() <= FRAGMENT_MAX_BYTES)
        );
        let starts: Vec<_> = fragments.iter().map(|fragment| fragment.starts).collect();
        assert_eq!(starts.iter().filter(|starts| **starts).count(), 2);
        assert_eq!(fragments.last().and_then(Fragment::whole), Some("next"));
    }

    #[test]
    fn a_line_of_exactly_the_limit_stays_one() {
        for extra in [0, 1] {
            let mut line = vec![b'x'; FRAGMENT_MAX_BYTES - 1 + extra];
            line.push(b'\n');
            let whole = lines(&[&line])
                .iter()
                .filter(|p| p.whole().is_some())
                .count();
            assert_eq!(whole, 1 - extra, "{extra} over");
        }
    }

    #[test]
    fn bytes_that_are_no_text_still_come_through_in_fragments() {
        let fragments = lines(&[&vec![0x80; 3 * FRAGMENT_MAX_BYTES], b"\xff\n"]);
        assert!(fragments.len() >= 4);
        assert!(
            fragments
                .iter()
                .all(|fragment| fragment.text.chars().all(|c| c == '\u{fffd}'))
        );
    }

    #[test]
    fn what_is_left_when_the_server_goes_is_kept() {
        let fragments = lines(&[b"whole\nhalf"]);
        assert_eq!(fragments.len(), 2);
        assert_eq!(
            (fragments[1].text.as_str(), fragments[1].ends),
            ("half", false)
        );
    }
}
