//! What is kept of the talk in a file (`--log`).

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::clock::Clock;
use super::colours::Depth;
use super::event::Event;
use super::theme::Theme;
use crate::failure::Failure;

/// A file to which the talk is added, each line with its date.
#[derive(Debug)]
pub(super) struct Record {
    /// None once it can't be written to.
    file: Option<File>,
    theme: Theme,
    clock: Clock,
}

impl Record {
    /// Opens the file at `path`, or makes one that only its owner may read.
    ///
    /// # Errors
    /// Fails when the file can't be written to.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| Failure::new(format!("can't log to {}: {error}", path.display())))?;
        Ok(Self {
            file: Some(file),
            theme: Theme::new(Depth::None, false),
            clock: Clock::default(),
        })
    }

    /// Keeps what somebody says or does, comes or goes, and when: now, unless the server says it.
    /// Says what went wrong, the first time.
    pub(super) fn event(&mut self, event: &Event, at_ms: Option<u64>) -> Option<String> {
        if !event.is_talk() && !event.is_coming() {
            return None;
        }
        self.line(&event.line(), at_ms)
    }

    /// Keeps a line sent under the name of `me`.
    pub(super) fn own(&mut self, line: &str, me: &str, at_ms: Option<u64>) -> Option<String> {
        let text = self.theme.show_own(line, me)?.text;
        self.line(&text, at_ms)
    }

    /// Keeps a line as it is.
    pub(super) fn line(&mut self, text: &str, at_ms: Option<u64>) -> Option<String> {
        let file = self.file.as_mut()?;
        let line = format!("{} {text}\n", self.clock.stamp(at_ms));
        let error = file.write_all(line.as_bytes()).err()?;
        self.file = None;
        Some(format!("The log can't be written any more: {error}"))
    }
}
