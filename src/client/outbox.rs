//! The lines that wait: to be sent, or for the server's word that it has them.

use std::collections::VecDeque;

use super::secrets::without_keys;
use crate::line::command::Command;

/// The most bytes that wait, line ends included.
const BYTES_MAX: usize = 256 * 1024;

/// How many of the lines are shown while they wait.
const SHOWN_MAX: usize = 3;

/// Lines in the order they were typed: first those that were sent, then those that were not.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    lines: VecDeque<Line>,
    /// How many of them were sent on this connection.
    sent: usize,
    bytes: usize,
}

/// A line that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Its number among all lines of this stay.
    pub(super) number: u64,
    /// By which the server's answer names it; a line without one is sent, and that is it.
    pub(super) id: Option<String>,
    pub(super) text: String,
    /// The person was shown it in the talk.
    pub(super) is_shown: bool,
    /// It was sent before, perhaps on a connection that broke.
    pub(super) was_sent: bool,
}

impl Outbox {
    /// Adds a line, whose number is its id; `false` when too many wait already.
    pub(super) fn push(&mut self, number: u64, text: String) -> bool {
        self.push_as(Some(number.to_string()), number, text)
    }

    /// Adds a line with an id of its own, or none; `false` when too many wait already.
    pub(super) fn push_as(&mut self, id: Option<String>, number: u64, text: String) -> bool {
        let bytes = text.len() + 1;
        if !self.has_place(bytes) {
            return false;
        }
        self.bytes += bytes;
        self.lines.push_back(Line {
            number,
            id,
            text,
            is_shown: false,
            was_sent: false,
        });
        true
    }

    /// Returns the first line that was not sent.
    pub(super) fn first_unsent(&self) -> Option<&Line> {
        self.lines.get(self.sent)
    }

    /// Notes that the first line that was not sent is sent.
    pub(super) fn mark_sent(&mut self) {
        if let Some(line) = self.lines.get_mut(self.sent) {
            line.was_sent = true;
            self.sent += 1;
        }
    }

    /// Takes the first line that was not sent.
    pub(super) fn take_unsent(&mut self) -> Option<Line> {
        self.remove(self.sent)
    }

    /// Returns the line that the server works on.
    pub(super) fn first_sent(&mut self) -> Option<&mut Line> {
        self.lines.front_mut().filter(|_| self.sent > 0)
    }

    /// Takes the sent line that the server answers to.
    pub(super) fn answered(&mut self, id: &str) -> Option<Line> {
        let mut sent = self.lines.iter().take(self.sent);
        let at = sent.position(|line| line.id.as_deref() == Some(id))?;
        self.remove(at)
    }

    /// Takes the line that the server heard on a connection before, as what it told others shows.
    pub(super) fn heard_before(&mut self, command: Command<'_>) -> Option<Line> {
        let is_it = |line: &Line| line.was_sent && Command::parse(&line.text) == command;
        let at = self.lines.iter().position(is_it)?;
        self.remove(at)
    }

    /// Notes that the connection is lost: what was sent on it may have to be sent again.
    pub(super) fn unsend(&mut self) {
        self.sent = 0;
    }

    /// Takes the first line.
    pub(super) fn pop(&mut self) -> Option<Line> {
        self.remove(0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Returns how many lines back the first is that waits to be acknowledged: of those behind it some
    /// may have been answered, and the server remembers them all the same.
    pub(super) fn unanswered(&self) -> usize {
        let first = self.lines.front().filter(|_| self.sent > 0);
        match (first, self.first_unsent()) {
            (Some(first), Some(next)) => (next.number - first.number) as usize,
            _ => self.sent,
        }
    }

    /// Returns whether lines of so many bytes, line ends included, find place.
    pub(super) fn has_place(&self, bytes: usize) -> bool {
        self.bytes + bytes <= BYTES_MAX
    }

    /// Returns the rows that show what waits.
    pub(super) fn rows(&self) -> Vec<String> {
        let mut lines = self.lines.iter().filter(|line| !line.is_shown);
        let shown = lines.by_ref().take(SHOWN_MAX);
        let mut rows: Vec<_> = shown
            .map(|line| format!("waiting: {}", without_keys(&line.text)))
            .collect();
        let more = lines.count();
        if more > 0 {
            rows.push(format!("waiting: {more} more"));
        }
        rows
    }

    fn remove(&mut self, at: usize) -> Option<Line> {
        let line = self.lines.remove(at)?;
        self.bytes -= line.text.len() + 1;
        self.sent -= usize::from(at < self.sent);
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(line: Option<Line>) -> Option<u64> {
        line.map(|line| line.number)
    }

    #[test]
    fn lines_wait_in_order_and_the_first_are_shown() {
        let mut outbox = Outbox::default();
        for number in 0..5 {
            assert!(outbox.push(number, number.to_string()));
        }
        let rows = ["waiting: 0", "waiting: 1", "waiting: 2", "waiting: 2 more"];
        assert_eq!(outbox.rows(), rows);
        assert_eq!(number(outbox.pop()), Some(0));
        assert_eq!(outbox.lines.len(), 4);
    }

    #[test]
    fn what_is_answered_goes_and_what_is_not_is_sent_again() {
        let mut outbox = Outbox::default();
        for number in 0..4 {
            outbox.push(number, number.to_string());
        }
        outbox.mark_sent();
        outbox.mark_sent();
        outbox.mark_sent();
        assert_eq!(number(outbox.answered("1")), Some(1));
        assert_eq!(number(outbox.answered("1")), None, "answered already");
        assert_eq!(number(outbox.answered("3")), None, "never sent");
        assert_eq!(outbox.unanswered(), 3, "0, 1 and 2 are remembered");
        outbox.unsend();
        assert_eq!(outbox.first_unsent().map(|line| line.number), Some(0));
        assert_eq!(number(outbox.answered("0")), None, "not sent again yet");
        assert_eq!(number(outbox.heard_before(Command::Say("2"))), Some(2));
        assert_eq!(number(outbox.heard_before(Command::Say("3"))), None);
        let left: Vec<_> = std::iter::from_fn(|| number(outbox.pop())).collect();
        assert_eq!(left, [0, 3]);
        assert_eq!(outbox.bytes, 0);
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut outbox = Outbox::default();
        let line = "x".repeat(BYTES_MAX / 2 - 1);
        assert!(outbox.push(1, line.clone()) && outbox.push(2, line));
        assert!(!outbox.push(3, String::new()));
        outbox.pop();
        assert!(outbox.push(3, String::new()));
    }
}
