//! The lines of a pipe that came to nothing.

use std::io::{Write, stderr};

use super::outbox::Line;
use super::secrets::without_keys;
use crate::failure::Failure;

/// The exit code when there are any.
const LINES_REFUSED: u8 = 4;

/// How much of such a line is told, in characters.
const TOLD_CHARS: usize = 60;

/// How many there are.
#[derive(Debug, Default)]
pub(super) struct Refusals(u64);

impl Refusals {
    /// Tells of one on standard error.
    pub(super) fn tell(&mut self, line: Option<&Line>, why: &str) {
        self.0 += 1;
        let which = line.map_or_else(String::new, |line| {
            let text = without_keys(&line.text);
            let text: String = text.chars().take(TOLD_CHARS).collect();
            format!("line {} ({text:?}): ", line.number)
        });
        // Nobody is left to tell if that fails.
        drop(writeln!(stderr(), "chatroom: {which}{why}"));
    }

    /// Returns what comes of it all, of so many `lines`.
    ///
    /// # Errors
    /// Fails when any line came to nothing.
    pub(super) fn result(&self, lines: u64) -> Result<(), Failure> {
        match self.0 {
            0 => Ok(()),
            refused => Err(Failure {
                exit_code: LINES_REFUSED,
                message: format!("{refused} of {lines} lines came to nothing"),
            }),
        }
    }
}
