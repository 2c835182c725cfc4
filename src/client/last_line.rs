//! Whether the person asked to leave by what passed to a server that is spoken to in lines.

use crate::line::command::Command;

/// The last whole line that was sent, as far as it takes to know whether it asked to leave.
#[derive(Debug, Default)]
pub(super) struct LastLine {
    start: Vec<u8>,
    is_quit: bool,
}

impl LastLine {
    /// Takes bytes that are sent.
    pub(super) fn passes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if byte == b'\n' {
                let line = String::from_utf8_lossy(&self.start);
                self.is_quit = Command::parse(line.trim_end_matches('\r')) == Command::Quit;
                self.start.clear();
            } else if self.start.len() < START_BYTES {
                self.start.push(byte);
            }
        }
    }

    /// Returns whether nothing follows a line that asks to leave.
    pub(super) fn is_quit(&self) -> bool {
        self.is_quit && self.start.is_empty()
    }
}

/// As much of a line is kept: a longer one that asks to leave is not known to.
const START_BYTES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_last_line_that_asks_to_leave_does() {
        for (sent, quit) in [
            (&b"bob\n/quit\n"[..], true),
            (b"bob\r\n/quit\r\n", true),
            (b"/QUIT\n", true),
            (b"  /Quit now\n", true),
            (b"/quit\nmore", false),
            (b"/quit\nmore\n", false),
            (b"/quit", false),
            (b"//quit\n", false),
            (b"/quitter\n", false),
            (b"", false),
        ] {
            for size in 1..=sent.len().max(1) {
                let mut last = LastLine::default();
                sent.chunks(size).for_each(|chunk| last.passes(chunk));
                assert_eq!(last.is_quit(), quit, "{sent:?} by {size}");
            }
        }
    }
}
