//! What was sent before, to be sent or changed again.

use std::collections::VecDeque;
use std::mem;

/// The most lines remembered.
const LINES_MAX: usize = 500;

/// The most bytes remembered.
const BYTES_MAX: usize = 256 * 1024;

/// The lines sent, oldest first, and where one is among them.
#[derive(Debug, Default)]
pub(super) struct History {
    lines: VecDeque<String>,
    bytes: usize,
    /// Which line is shown; none while the draft is.
    shown: Option<usize>,
    /// What was being typed when one began to look back.
    draft: String,
}

impl History {
    /// Remembers a line and goes back to the newest.
    pub(super) fn push(&mut self, line: &str) {
        self.shown = None;
        self.draft.clear();
        if line.trim().is_empty() || self.lines.back().is_some_and(|last| last == line) {
            return;
        }
        self.bytes += line.len();
        self.lines.push_back(line.to_owned());
        while self.lines.len() > LINES_MAX || self.bytes > BYTES_MAX {
            self.bytes -= self.lines.pop_front().map_or(0, |line| line.len());
        }
    }

    /// Returns the line before the one shown; `current` is kept while it is the draft.
    pub(super) fn older(&mut self, current: &str) -> Option<&str> {
        let older = match self.shown {
            None => {
                let last = self.lines.len().checked_sub(1)?;
                current.clone_into(&mut self.draft);
                last
            }
            Some(shown) => shown.checked_sub(1)?,
        };
        self.shown = Some(older);
        self.lines.get(older).map(String::as_str)
    }

    /// Returns the line after the one shown, in the end the draft.
    pub(super) fn newer(&mut self) -> Option<String> {
        let newer = self.shown? + 1;
        if let Some(line) = self.lines.get(newer) {
            self.shown = Some(newer);
            return Some(line.clone());
        }
        self.shown = None;
        Some(mem::take(&mut self.draft))
    }

    /// Returns the last word of the line so many before the newest.
    pub(super) fn last_word(&self, back: usize) -> Option<&str> {
        let line = self.lines.iter().rev().nth(back)?;
        line.split_whitespace().next_back()
    }

    /// Returns the newest line older than `before` that holds `text`, and where it is.
    pub(super) fn find(&self, text: &str, before: Option<usize>) -> Option<(usize, &str)> {
        let end = before.unwrap_or(self.lines.len()).min(self.lines.len());
        let lines = self.lines.range(..end).enumerate().rev();
        let mut holding = lines.filter(|(_, line)| line.contains(text));
        holding.next().map(|(at, line)| (at, line.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_back_keeps_what_was_being_typed() {
        let mut history = History::default();
        assert_eq!(history.older("draft"), None);
        for line in ["one", "two", "two", ""] {
            history.push(line);
        }
        assert_eq!(history.newer(), None);
        assert_eq!(history.older("draft"), Some("two"));
        assert_eq!(history.older("two"), Some("one"));
        assert_eq!(history.older("one"), None);
        assert_eq!(history.newer().as_deref(), Some("two"));
        assert_eq!(history.newer().as_deref(), Some("draft"));
        assert_eq!(history.newer(), None);
    }

    #[test]
    fn a_search_goes_back_from_match_to_match() {
        let mut history = History::default();
        for line in ["alpha", "beta", "alphabet"] {
            history.push(line);
        }
        assert_eq!(history.find("alpha", None), Some((2, "alphabet")));
        assert_eq!(history.find("alpha", Some(2)), Some((0, "alpha")));
        assert_eq!(history.find("alpha", Some(0)), None);
        assert_eq!(history.find("gamma", None), None);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut history = History::default();
        for number in 0..2 * LINES_MAX {
            history.push(&number.to_string());
        }
        assert_eq!(history.lines.len(), LINES_MAX);
        for number in 0..10 {
            history.push(&number.to_string().repeat(BYTES_MAX / 2));
        }
        assert!(history.bytes <= BYTES_MAX);
        let bytes: usize = history.lines.iter().map(String::len).sum();
        assert_eq!(bytes, history.bytes);
    }
}
