//! The line editor: key bytes in, screen bytes out.
//!
//! Pure: it reads no terminal, writes none and knows no clock. What is typed stays whole at the
//! bottom while lines are printed above it. One way round: [`Editor::feed`] takes key bytes and
//! returns what they ask for, [`Editor::print`] and [`Editor::resize`] tell what else happened, and
//! [`Editor::take_output`] returns everything the terminal has to be told, to be written at once.

mod completion;
mod history;
mod key;
mod keys;
mod layout;
mod paste;
mod screen;
mod sequence;
mod typed;

use std::mem;

use completion::Completion;
use history::History;
use key::Key;
use keys::Keys;
pub(super) use layout::Size;
use layout::{Area, Rows};
use screen::Screen;
use typed::Typed;

/// What stands before the lines of a text but the first.
const NEXT_LINE: &str = "| ";

/// What keys ask for that the editor can't do itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// Send this line.
    Send(String),
    /// Leave the room.
    Leave,
    /// Stop, as Ctrl-Z does, after [`Editor::wipe`].
    Suspend,
    /// Tell that not all of what was typed or pasted was taken: it is too much.
    Overflow,
}

/// A line editor with lines printed above it.
#[derive(Debug)]
pub(super) struct Editor {
    keys: Keys,
    typed: Typed,
    history: History,
    completion: Completion,
    search: Option<Search>,
    prompt: String,
    /// Rows between the lines and the prompt, such as lines that wait to be sent.
    status: Vec<String>,
    screen: Screen,
    /// The area differs from what is drawn.
    stale: bool,
}

/// A search through the lines sent, while it goes on.
#[derive(Debug, Default)]
struct Search {
    text: String,
    found: Option<usize>,
    failed: bool,
    /// What was typed before, for when the search is given up.
    draft: String,
}

impl Editor {
    /// Returns an empty editor for a terminal of `size`.
    pub(super) fn new(size: Size) -> Self {
        Self {
            keys: Keys::default(),
            typed: Typed::default(),
            history: History::default(),
            completion: Completion::default(),
            search: None,
            prompt: String::new(),
            status: Vec::new(),
            screen: Screen::new(size),
            stale: true,
        }
    }

    /// Takes what the terminal sent and returns what it asks for, in order.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<Request> {
        let mut keys = mem::take(&mut self.keys);
        let mut requests = Vec::new();
        keys.feed(bytes, |key| self.press(key, &mut requests));
        self.keys = keys;
        requests
    }

    /// Shows a line above the one being typed; it may hold colours but no other controls.
    pub(super) fn print(&mut self, line: &str) {
        self.screen.print(line);
    }

    /// Notes that someone was heard of, for completion.
    pub(super) fn hear_of(&mut self, name: &str) {
        self.completion.hear(name);
    }

    /// Notes that someone left.
    pub(super) fn forget(&mut self, name: &str) {
        self.completion.forget(name);
    }

    /// Sets what stands before the line being typed, and the rows above that.
    pub(super) fn set_prompt(&mut self, prompt: &str, status: Vec<String>) {
        if self.prompt != prompt || self.status != status {
            prompt.clone_into(&mut self.prompt);
            self.status = status;
            self.stale = true;
        }
    }

    /// Rings the terminal's bell.
    pub(super) fn ring(&mut self) {
        self.screen.add(b"\x07");
    }

    /// Takes over another size and paints the screen anew.
    pub(super) fn resize(&mut self, size: Size) {
        self.screen.resize(size);
        self.repaint();
    }

    /// Notes that others wrote to the terminal, as a shell does while the client is stopped.
    pub(super) fn lose_screen(&mut self) {
        self.screen.lose();
        self.stale = true;
    }

    /// Takes the line being typed off the screen, to leave the terminal to others.
    pub(super) fn wipe(&mut self) {
        self.screen.wipe();
        self.stale = true;
    }

    /// Returns what is typed and not sent.
    pub(super) fn draft(&self) -> &str {
        self.typed.text()
    }

    /// Returns what the terminal has to be told so that it shows all of this.
    pub(super) fn take_output(&mut self) -> Vec<u8> {
        if mem::take(&mut self.stale) || !self.screen.is_drawn() {
            let area = self.area();
            self.screen.draw(&area);
        }
        self.screen.take_output()
    }

    /// Returns what the terminal has to be told, but for the line being typed.
    pub(super) fn take_output_wiped(&mut self) -> Vec<u8> {
        self.wipe();
        self.screen.take_output()
    }

    fn press(&mut self, key: Key, requests: &mut Vec<Request>) {
        self.stale = true;
        if key != Key::Complete {
            self.completion.stop();
        }
        let Some(key) = self.press_in_search(key) else {
            return;
        };
        match key {
            Key::Enter => self.send(requests),
            Key::Complete => self.complete(),
            Key::Up => self.look_back(),
            Key::Down => self.look_forward(),
            Key::Search => self.start_search(),
            Key::Repaint => self.repaint(),
            Key::Suspend => requests.push(Request::Suspend),
            Key::Interrupt if !self.typed.text().is_empty() => {
                self.history.push("");
                drop(self.typed.take());
            }
            Key::EndOfInput if !self.typed.text().is_empty() => self.typed.delete(),
            Key::Interrupt | Key::EndOfInput => requests.push(Request::Leave),
            Key::Paste { text, cut } => {
                // Line ends around the text are how it was copied, not what it says.
                let fits = self.typed.insert(text.trim_matches('\n'));
                self.complain(fits && !cut, requests);
            }
            Key::Text(text) => {
                let fits = self.typed.insert(&text);
                self.complain(fits, requests);
            }
            Key::Yank => {
                let fits = self.typed.yank();
                self.complain(fits, requests);
            }
            key => self.edit(&key),
        }
    }

    /// Does what changes nothing but the text and the cursor.
    fn edit(&mut self, key: &Key) {
        let typed = &mut self.typed;
        match key {
            Key::Backspace => typed.backspace(),
            Key::Delete => typed.delete(),
            Key::Left => typed.left(),
            Key::Right => typed.right(),
            Key::WordLeft => typed.word_left(),
            Key::WordRight => typed.word_right(),
            Key::Home => typed.home(),
            Key::End => typed.end(),
            Key::KillToEnd => typed.kill_to_end(),
            Key::KillToStart => typed.kill_to_start(),
            Key::KillBack => typed.kill_back(),
            Key::KillWordBack => typed.kill_word_back(),
            Key::KillWord => typed.kill_word(),
            Key::Transpose => typed.transpose(),
            _ => {}
        }
    }

    fn complain(&mut self, fits: bool, requests: &mut Vec<Request>) {
        if !fits {
            self.ring();
            requests.push(Request::Overflow);
        }
    }

    /// Sends what is typed, each of its lines as one.
    fn send(&mut self, requests: &mut Vec<Request>) {
        let text = self.typed.take();
        self.history.push(&text);
        let lines = text.lines().filter(|line| !line.is_empty());
        requests.extend(lines.map(|line| Request::Send(line.to_owned())));
    }

    fn complete(&mut self) {
        let before = &self.typed.text()[..self.typed.cursor()];
        match self.completion.next(before) {
            Some((start, word)) => self.typed.replace_from(start, &word),
            None => self.ring(),
        }
    }

    fn look_back(&mut self) {
        if !self.typed.line_up()
            && let Some(line) = self.history.older(self.typed.text())
        {
            self.typed.set(line);
        }
    }

    fn look_forward(&mut self) {
        if !self.typed.line_down()
            && let Some(line) = self.history.newer()
        {
            self.typed.set(&line);
        }
    }

    fn start_search(&mut self) {
        self.search = Some(Search {
            draft: self.typed.text().to_owned(),
            ..Search::default()
        });
    }

    /// Takes the keys that mean something else while searching; any other ends the search with what
    /// it found, and is returned.
    fn press_in_search(&mut self, key: Key) -> Option<Key> {
        let Some(search) = &mut self.search else {
            return Some(key);
        };
        match key {
            Key::Text(text) => {
                search.text.push_str(&text);
                let found = search.found.map(|found| found + 1);
                self.find(found);
            }
            Key::Search => {
                let found = search.found;
                self.find(found);
            }
            Key::Backspace => {
                search.text.pop();
                self.find(None);
            }
            Key::Cancel | Key::Interrupt => {
                let draft = mem::take(&mut search.draft);
                self.typed.set(&draft);
                self.search = None;
            }
            // What was found is to be read before it is sent.
            Key::Enter => self.search = None,
            key => {
                self.search = None;
                return Some(key);
            }
        }
        None
    }

    fn find(&mut self, before: Option<usize>) {
        let Some(search) = &mut self.search else {
            return;
        };
        match self.history.find(&search.text, before) {
            Some((at, line)) if !search.text.is_empty() => {
                search.found = Some(at);
                search.failed = false;
                self.typed.set(line);
            }
            _ => search.failed = !search.text.is_empty(),
        }
    }

    fn repaint(&mut self) {
        let area = self.area();
        self.screen.paint(area.rows.len());
        self.screen.draw(&area);
        self.stale = false;
    }

    /// Lays out what stands at the bottom: the status, the prompt, the text and the cursor.
    fn area(&self) -> Area {
        let size = self.screen.size();
        let mut rows = Rows::new(size.columns);
        for line in &self.status {
            rows.put_row(line);
        }
        match &self.search {
            None => rows.put(&self.prompt),
            Some(search) => {
                let failed = if search.failed { "nothing like " } else { "" };
                rows.put(&format!("(search: {failed}{}) ", search.text));
            }
        }
        let (text, cursor) = (self.typed.text(), self.typed.cursor());
        let mut at = 0;
        for (number, line) in text.split('\n').enumerate() {
            if number > 0 {
                rows.end_row();
                rows.put(NEXT_LINE);
            }
            let end = at + line.len();
            if (at..=end).contains(&cursor) {
                rows.put(&text[at..cursor]);
                rows.put_cursor();
                rows.put(&text[cursor..end]);
            } else {
                rows.put(line);
            }
            at = end + 1;
        }
        rows.finish(size.rows.div_ceil(2))
    }
}

#[cfg(test)]
mod tests;
