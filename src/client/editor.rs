//! The line editor: key bytes in, screen bytes out.
//!
//! Pure: it reads no terminal, writes none and knows no clock. What is typed stays whole at the
//! bottom while lines are printed above it. One way round: [`Editor::feed`] takes key bytes and
//! returns what they ask for, [`Editor::print`] and [`Editor::resize`] tell what else happened, and
//! [`Editor::take_output`] returns everything the terminal has to be told, to be written at once.

mod completion;
mod due;
mod history;
mod key;
mod keys;
mod kills;
mod layout;
mod paste;
mod screen;
mod search;
mod secrecy;
mod sequence;
mod typed;
mod undo;
mod words;
mod wrap;

use std::mem;

pub(super) use completion::Completion;
use due::Due;
use history::History;
use key::Key;
use keys::Keys;
use layout::{Area, Rows};
pub(super) use layout::{Size, width};
use screen::Screen;
use search::{Pressed, Search};
pub(super) use secrecy::Secrecy;
use typed::Typed;
use words::Case;

/// What stands before the lines of a text but the first.
const NEXT_LINE: &str = "| ";

/// Lines are shown this much at once, about.
const OUTPUT_BYTES_MAX: usize = 16 * 1024;

/// Stands above the prompt after the first Ctrl-C on an empty line.
const LEAVE_AGAIN: &str = "Ctrl-C again leaves.";

/// What keys ask for that the editor can't do itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// Send this line.
    Send(String),
    /// Enter was pressed with nothing to send.
    Nothing,
    /// Leave the room.
    Leave,
    /// Note that the person looks at the terminal, or away.
    Focus(bool),
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
    secrecy: Secrecy,
    /// What was being typed before a secret is.
    aside: Option<Typed>,
    /// Ctrl-C was pressed on an empty line: once more leaves.
    leave_asked: bool,
    prompt: String,
    /// Rows between the lines and the prompt, such as lines that wait to be sent.
    status: Vec<String>,
    due: Due,
    screen: Screen,
    /// The area differs from what is drawn.
    stale: bool,
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
            secrecy: Secrecy::default(),
            aside: None,
            leave_asked: false,
            prompt: String::new(),
            status: Vec::new(),
            due: Due::default(),
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

    /// Shows a line above the one being typed; it may hold colours but no other controls. Where it
    /// takes several rows they go on `hang` columns from the left.
    pub(super) fn print(&mut self, line: &str, hang: usize) {
        self.due.push(line, hang);
    }

    /// Returns how many bytes of lines are still to be shown.
    pub(super) fn due_bytes(&self) -> usize {
        self.due.bytes()
    }

    /// Returns what is known of who is here, for completion.
    pub(super) fn people(&mut self) -> &mut Completion {
        &mut self.completion
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
        self.tell_terminal("\x07");
    }

    /// Tells the terminal something that leaves the screen as it is.
    pub(super) fn tell_terminal(&mut self, told: &str) {
        self.screen.add(told.as_bytes());
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

    /// Returns what the terminal has to be told so that it shows all of this; of many lines only
    /// the next few, so that the line being typed is never long in coming.
    pub(super) fn take_output(&mut self) -> Vec<u8> {
        self.show_due(OUTPUT_BYTES_MAX);
        if mem::take(&mut self.stale) || !self.screen.is_drawn() {
            let area = self.area();
            self.screen.draw(&area);
        }
        self.screen.take_output()
    }

    /// Returns what the terminal has to be told, but for the line being typed.
    pub(super) fn take_output_wiped(&mut self) -> Vec<u8> {
        self.show_due(usize::MAX);
        self.wipe();
        self.screen.take_output()
    }

    fn show_due(&mut self, output_bytes_max: usize) {
        while self.screen.output_bytes() < output_bytes_max
            && let Some((line, hang)) = self.due.pop()
        {
            self.screen.print(&line, hang);
        }
    }

    fn press(&mut self, key: Key, requests: &mut Vec<Request>) {
        if let Key::Focus(focused) = key {
            return requests.push(Request::Focus(focused));
        }
        self.stale = true;
        self.typed.begin_key();
        if key != Key::Complete {
            self.completion.stop();
        }
        let leave_asked = mem::take(&mut self.leave_asked);
        let Some(key) = self.press_in_search(key) else {
            return;
        };
        if self.is_out_of_place(&key) {
            return self.ring();
        }
        match key {
            Key::Enter => self.send(requests),
            Key::Complete => self.complete(),
            Key::Up => self.look_back(),
            Key::Down => self.look_forward(),
            Key::Search => self.search = Some(Search::new(self.typed.text())),
            Key::Repaint => self.repaint(),
            Key::Suspend => requests.push(Request::Suspend),
            Key::Interrupt if !self.typed.text().is_empty() => {
                let draft = self.typed.take();
                self.remember(&draft);
            }
            Key::Interrupt if !leave_asked => self.leave_asked = true,
            Key::Interrupt => {
                self.leave_asked = true;
                requests.push(Request::Leave);
            }
            Key::EndOfInput if !self.typed.text().is_empty() => self.typed.delete(),
            Key::EndOfInput => requests.push(Request::Leave),
            key => {
                let fits = self.edit(key);
                self.complain(fits, requests);
            }
        }
    }

    /// Does what changes nothing but the text and the cursor; `false` when it got too much.
    fn edit(&mut self, key: Key) -> bool {
        let typed = &mut self.typed;
        match key {
            Key::Paste { text, cut } => return self.paste(&text) && !cut,
            Key::Text(text) => return typed.type_in(&text),
            Key::NewRow => return typed.insert("\n"),
            Key::Yank => return typed.yank(),
            Key::YankBefore => return typed.yank_before(),
            Key::LastWord => {
                let back = typed.last_word_back();
                if let Some(word) = self.history.last_word(back) {
                    return typed.put_last_word(word, back);
                }
            }
            Key::Undo => {
                typed.undo();
            }
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
            Key::TransposeWords => typed.transpose_words(),
            Key::Upper => typed.change_case(Case::Upper),
            Key::Lower => typed.change_case(Case::Lower),
            Key::Capital => typed.change_case(Case::Capital),
            _ => {}
        }
        true
    }

    /// Takes pasted text. Line ends around it are how it was copied, not what it says; and of
    /// several lines none is a command, which somebody else wrote.
    fn paste(&mut self, text: &str) -> bool {
        let text = text.trim_matches('\n');
        if !text.contains('\n') {
            return self.typed.insert(text);
        }
        let lines: Vec<_> = text.split('\n').map(paste::as_text).collect();
        self.typed.insert(&lines.join("\n"))
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
        self.remember(&text);
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        let lines = lines.take(self.lines_max());
        let before = requests.len();
        requests.extend(lines.map(|line| Request::Send(line.to_owned())));
        if requests.len() == before {
            requests.push(Request::Nothing);
        }
    }

    fn complete(&mut self) {
        let before = &self.typed.text()[..self.typed.cursor()];
        match self.completion.next(before) {
            Some((start, word)) => {
                self.typed.replace_from(start, &word);
            }
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

    /// Returns the key unless a search took it.
    fn press_in_search(&mut self, key: Key) -> Option<Key> {
        let Some(search) = &mut self.search else {
            return Some(key);
        };
        let pressed = search.press(key, &self.history, &mut self.typed);
        if pressed != Pressed::On {
            self.search = None;
        }
        match pressed {
            Pressed::On | Pressed::Done => None,
            Pressed::Passed(key) => Some(key),
        }
    }

    fn repaint(&mut self) {
        self.show_due(usize::MAX);
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
        if self.leave_asked {
            rows.put_row(LEAVE_AGAIN);
        }
        match &self.search {
            None => rows.put(&self.prompt),
            Some(search) => rows.put(&search.prompt()),
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
                rows.put(&self.shown(at, cursor));
                rows.put_cursor();
                rows.put(&self.shown(cursor, end));
            } else {
                rows.put(&self.shown(at, end));
            }
            at = end + 1;
        }
        rows.finish(size.rows.div_ceil(2))
    }
}

#[cfg(test)]
mod tests;
