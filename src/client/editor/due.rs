//! Lines still to be shown.

use std::collections::VecDeque;

/// Lines in their order, and how far from the left each goes on in further rows.
#[derive(Debug, Default)]
pub(super) struct Due {
    lines: VecDeque<(String, usize)>,
    bytes: usize,
}

impl Due {
    /// Adds a line.
    pub(super) fn push(&mut self, line: &str, hang: usize) {
        self.bytes += line.len();
        self.lines.push_back((line.to_owned(), hang));
    }

    /// Takes the next line.
    pub(super) fn pop(&mut self) -> Option<(String, usize)> {
        let next = self.lines.pop_front()?;
        self.bytes -= next.0.len();
        Some(next)
    }

    /// Returns how many bytes the lines have.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}
