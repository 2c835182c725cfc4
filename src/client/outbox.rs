//! The lines that wait to be sent.

use std::collections::VecDeque;

/// The most bytes that wait, line ends included.
const BYTES_MAX: usize = 256 * 1024;

/// How many of the lines are shown while they wait.
const SHOWN_MAX: usize = 3;

/// Lines in the order they were typed.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    lines: VecDeque<String>,
    bytes: usize,
}

impl Outbox {
    /// Adds a line; `false` when too many wait already.
    pub(super) fn push(&mut self, line: String) -> bool {
        let bytes = self.bytes + line.len() + 1;
        if bytes > BYTES_MAX {
            return false;
        }
        self.bytes = bytes;
        self.lines.push_back(line);
        true
    }

    pub(super) fn first(&self) -> Option<&str> {
        self.lines.front().map(String::as_str)
    }

    pub(super) fn pop(&mut self) -> Option<String> {
        let line = self.lines.pop_front()?;
        self.bytes -= line.len() + 1;
        Some(line)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// Returns the rows that show what waits.
    pub(super) fn rows(&self) -> Vec<String> {
        let shown = self.lines.iter().take(SHOWN_MAX);
        let mut rows: Vec<_> = shown.map(|line| format!("waiting: {line}")).collect();
        let more = self.len().saturating_sub(SHOWN_MAX);
        if more > 0 {
            rows.push(format!("waiting: {more} more"));
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_wait_in_order_and_the_first_are_shown() {
        let mut outbox = Outbox::default();
        for number in 0..5 {
            assert!(outbox.push(number.to_string()));
        }
        let rows = ["waiting: 0", "waiting: 1", "waiting: 2", "waiting: 2 more"];
        assert_eq!(outbox.rows(), rows);
        assert_eq!(outbox.first(), Some("0"));
        assert_eq!(outbox.pop().as_deref(), Some("0"));
        assert_eq!(outbox.len(), 4);
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut outbox = Outbox::default();
        let line = "x".repeat(BYTES_MAX / 2 - 1);
        assert!(outbox.push(line.clone()) && outbox.push(line));
        assert!(!outbox.push(String::new()));
        outbox.pop();
        assert!(outbox.push(String::new()));
    }
}
