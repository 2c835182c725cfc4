//! Searching what was sent before.

use std::mem;

use super::history::History;
use super::key::Key;
use super::typed::Typed;

/// A search through the lines sent, while it goes on.
#[derive(Debug)]
pub(super) struct Search {
    text: String,
    found: Option<usize>,
    failed: bool,
    /// What was typed before, for when the search is given up.
    draft: String,
}

/// What a key does to a search.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pressed {
    /// It goes on.
    On,
    /// It ends with what it found.
    Done,
    /// It ends with what it found, and the key does what it does otherwise.
    Passed(Key),
}

impl Search {
    /// Starts a search; `draft` comes back when it is given up.
    pub(super) fn new(draft: &str) -> Self {
        Self {
            text: String::new(),
            found: None,
            failed: false,
            draft: draft.to_owned(),
        }
    }

    /// Takes a key; what is found is put into `typed`.
    pub(super) fn press(&mut self, key: Key, history: &History, typed: &mut Typed) -> Pressed {
        match key {
            Key::Text(text) => {
                self.text.push_str(&text);
                self.find(self.found.map(|found| found + 1), history, typed);
            }
            Key::Search => self.find(self.found, history, typed),
            Key::Backspace => {
                self.text.pop();
                self.find(None, history, typed);
            }
            Key::Cancel | Key::Interrupt => {
                typed.set(&mem::take(&mut self.draft));
                return Pressed::Done;
            }
            // What was found is to be read before it is sent.
            Key::Enter => return Pressed::Done,
            key => return Pressed::Passed(key),
        }
        Pressed::On
    }

    /// Returns what stands before the text meanwhile.
    pub(super) fn prompt(&self) -> String {
        let failed = if self.failed { "nothing like " } else { "" };
        format!("(search: {failed}{}) ", self.text)
    }

    fn find(&mut self, before: Option<usize>, history: &History, typed: &mut Typed) {
        match history.find(&self.text, before) {
            Some((at, line)) if !self.text.is_empty() => {
                self.found = Some(at);
                self.failed = false;
                typed.set(line);
            }
            _ => self.failed = !self.text.is_empty(),
        }
    }
}
