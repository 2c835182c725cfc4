//! The text being typed, and the cursor in it.

use std::mem;

use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation};

use super::kills::Kills;
use super::undo::{Change, Undo};
use super::words::{self, Case};

/// The most that can be typed before it is sent, in bytes.
pub(super) const TYPED_MAX_BYTES: usize = 64 * 1024;

/// Text, a cursor, what was killed and what can be undone.
///
/// The text may hold several lines, apart by `\n`. The cursor always stands between two graphemes:
/// what people see as one character moves and is deleted as one.
#[derive(Debug, Default)]
pub(super) struct Typed {
    text: String,
    cursor: usize,
    kills: Kills,
    undo: Undo,
    /// What this key did, and the one before.
    done: Done,
    done_before: Done,
}

/// What a key did, as far as the next one goes on from there.
#[derive(Debug, Default, PartialEq, Eq)]
enum Done {
    Kill,
    /// Put back what was killed, from here to the cursor.
    Yank {
        start: usize,
    },
    /// Put in the last word of a line sent so many before, from here to the cursor.
    LastWord {
        start: usize,
        back: usize,
    },
    #[default]
    Other,
}

impl Typed {
    /// Notes that another key was pressed.
    pub(super) fn begin_key(&mut self) {
        self.done_before = mem::take(&mut self.done);
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the cursor, as a byte offset.
    pub(super) fn cursor(&self) -> usize {
        self.cursor
    }

    /// Replaces the text; the cursor goes to its end.
    pub(super) fn set(&mut self, text: &str) {
        self.before_change(Change::Other);
        text.clone_into(&mut self.text);
        self.cursor = self.text.len();
    }

    /// Takes the text out, for good.
    pub(super) fn take(&mut self) -> String {
        self.undo.clear();
        self.cursor = 0;
        mem::take(&mut self.text)
    }

    /// Inserts at the cursor; returns `false`, and inserts only what fits, when that is too much.
    pub(super) fn insert(&mut self, text: &str) -> bool {
        self.before_change(Change::Other);
        self.put(text)
    }

    /// Inserts what a key types, as [`insert`](Self::insert) does; whole words are undone at once.
    pub(super) fn type_in(&mut self, text: &str) -> bool {
        if text.trim().is_empty() {
            self.undo.pause();
        }
        self.before_change(Change::Typing);
        self.put(text)
    }

    fn put(&mut self, text: &str) -> bool {
        let room = TYPED_MAX_BYTES.saturating_sub(self.text.len());
        let fitting = text.floor_char_boundary(room);
        self.text.insert_str(self.cursor, &text[..fitting]);
        self.move_to(self.cursor + fitting);
        fitting == text.len()
    }

    /// Replaces `start..cursor`.
    pub(super) fn replace_from(&mut self, start: usize, text: &str) -> bool {
        self.before_change(Change::Other);
        self.remove(start, self.cursor);
        self.put(text)
    }

    /// Takes back the last change; `false` when there is none.
    pub(super) fn undo(&mut self) -> bool {
        let Some((text, cursor)) = self.undo.back(&self.text) else {
            return false;
        };
        (self.text, self.cursor) = (text, cursor);
        true
    }

    pub(super) fn left(&mut self) {
        self.go(self.before(self.cursor));
    }

    pub(super) fn right(&mut self) {
        self.go(self.after(self.cursor));
    }

    pub(super) fn home(&mut self) {
        self.go(self.line_start());
    }

    pub(super) fn end(&mut self) {
        self.go(self.line_end());
    }

    pub(super) fn word_left(&mut self) {
        self.go(words::start_before(&self.text, self.cursor));
    }

    pub(super) fn word_right(&mut self) {
        self.go(words::end_after(&self.text, self.cursor));
    }

    /// Moves to the line above, as near to the same column as it goes; `false` on the first.
    pub(super) fn line_up(&mut self) -> bool {
        let start = self.line_start();
        if start == 0 {
            return false;
        }
        let column = self.text[start..self.cursor].graphemes(true).count();
        self.cursor = start - 1;
        self.cursor = self.line_start();
        self.go_right_within_line(column);
        true
    }

    /// Moves to the line below; `false` on the last.
    pub(super) fn line_down(&mut self) -> bool {
        let end = self.line_end();
        if end == self.text.len() {
            return false;
        }
        let column = self.text[self.line_start()..self.cursor]
            .graphemes(true)
            .count();
        self.cursor = end + 1;
        self.go_right_within_line(column);
        true
    }

    pub(super) fn backspace(&mut self) {
        self.before_change(Change::Erasing);
        self.remove(self.before(self.cursor), self.cursor);
    }

    pub(super) fn delete(&mut self) {
        self.before_change(Change::Erasing);
        self.remove(self.cursor, self.after(self.cursor));
    }

    pub(super) fn kill_to_end(&mut self) {
        let end = self.line_end();
        // At the end of a line, its end goes: the next line joins it.
        let end = if end == self.cursor {
            self.after(end)
        } else {
            end
        };
        self.kill(self.cursor, end);
    }

    pub(super) fn kill_to_start(&mut self) {
        self.kill(self.line_start(), self.cursor);
    }

    pub(super) fn kill_back(&mut self) {
        self.kill(
            words::blank_start_before(&self.text, self.cursor),
            self.cursor,
        );
    }

    pub(super) fn kill_word_back(&mut self) {
        self.kill(words::start_before(&self.text, self.cursor), self.cursor);
    }

    pub(super) fn kill_word(&mut self) {
        self.kill(self.cursor, words::end_after(&self.text, self.cursor));
    }

    /// Puts back what was killed last; `false` when it is too much.
    pub(super) fn yank(&mut self) -> bool {
        self.put_killed(self.cursor)
    }

    /// Puts what was killed before in the place of what was just put back.
    pub(super) fn yank_before(&mut self) -> bool {
        let Done::Yank { start } = self.done_before else {
            return true;
        };
        self.kills.rotate();
        self.put_killed(start)
    }

    fn put_killed(&mut self, start: usize) -> bool {
        let killed = self.kills.newest().to_owned();
        let fits = self.replace_from(start, &killed);
        self.done = Done::Yank { start };
        fits
    }

    /// Returns how many lines back the word is that another press of the same key asks for.
    pub(super) fn last_word_back(&self) -> usize {
        match self.done_before {
            Done::LastWord { back, .. } => back + 1,
            _ => 0,
        }
    }

    /// Puts in the last word of the line so many back, in the place of the one put in before.
    pub(super) fn put_last_word(&mut self, word: &str, back: usize) -> bool {
        let start = match self.done_before {
            Done::LastWord { start, .. } => start,
            _ => self.cursor,
        };
        let fits = self.replace_from(start, word);
        self.done = Done::LastWord { start, back };
        fits
    }

    /// Writes the letters from the cursor to the end of the word in that case.
    pub(super) fn change_case(&mut self, case: Case) {
        self.before_change(Change::Other);
        let end = words::end_after(&self.text, self.cursor);
        let changed = words::with_case(&self.text[self.cursor..end], case);
        self.text.replace_range(self.cursor..end, &changed);
        self.move_to(self.cursor + changed.len());
    }

    /// Swaps the words before and after the cursor; at the end, the last two.
    pub(super) fn transpose_words(&mut self) {
        let Some((first, second)) = words::two_around(&self.text, self.cursor) else {
            return;
        };
        self.before_change(Change::Other);
        let between = &self.text[first.end..second.start];
        let swapped = [
            &self.text[second.clone()],
            between,
            &self.text[first.clone()],
        ]
        .concat();
        self.text.replace_range(first.start..second.end, &swapped);
        self.move_to(second.end);
    }

    /// Swaps what is before and after the cursor; at the end, the last two.
    pub(super) fn transpose(&mut self) {
        let middle = if self.cursor == self.text.len() {
            self.before(self.cursor)
        } else {
            self.cursor
        };
        let (start, end) = (self.before(middle), self.after(middle));
        if start == middle || self.text[start..end].contains('\n') {
            return;
        }
        self.before_change(Change::Other);
        let swapped = [&self.text[middle..end], &self.text[start..middle]].concat();
        self.text.replace_range(start..end, &swapped);
        self.move_to(end);
    }

    /// Kills a part at the cursor; what keys in a row kill is put back at once.
    fn kill(&mut self, start: usize, end: usize) {
        if start >= end {
            return;
        }
        self.before_change(Change::Other);
        let (killed, after) = (&self.text[start..end], start == self.cursor);
        if self.done_before == Done::Kill {
            self.kills.extend(killed, after);
        } else {
            self.kills.push(killed);
        }
        self.done = Done::Kill;
        self.remove(start, end);
    }

    /// Moves to `at`, where a grapheme starts.
    fn go(&mut self, at: usize) {
        self.cursor = at;
        self.undo.pause();
    }

    fn before_change(&mut self, change: Change) {
        self.undo.before(change, &self.text, self.cursor);
    }

    fn remove(&mut self, start: usize, end: usize) {
        self.text.replace_range(start..end, "");
        self.move_to(start);
    }

    /// Moves to `at`, or past the grapheme that a change made there.
    fn move_to(&mut self, at: usize) {
        let whole = GraphemeCursor::new(at, self.text.len(), true).is_boundary(&self.text, 0);
        self.cursor = if whole == Ok(true) {
            at
        } else {
            self.after(at)
        };
    }

    fn before(&self, at: usize) -> usize {
        let mut cursor = GraphemeCursor::new(at, self.text.len(), true);
        cursor
            .prev_boundary(&self.text, 0)
            .ok()
            .flatten()
            .unwrap_or(0)
    }

    fn after(&self, at: usize) -> usize {
        let mut cursor = GraphemeCursor::new(at, self.text.len(), true);
        let end = self.text.len();
        cursor
            .next_boundary(&self.text, 0)
            .ok()
            .flatten()
            .unwrap_or(end)
    }

    fn line_start(&self) -> usize {
        self.text[..self.cursor].rfind('\n').map_or(0, |at| at + 1)
    }

    fn line_end(&self) -> usize {
        let rest = &self.text[self.cursor..];
        rest.find('\n')
            .map_or(self.text.len(), |at| self.cursor + at)
    }

    fn go_right_within_line(&mut self, graphemes: usize) {
        let end = self.line_end();
        for _ in 0..graphemes {
            if self.cursor < end {
                self.right();
            }
        }
    }
}

#[cfg(test)]
mod tests;
