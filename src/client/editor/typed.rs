//! The text being typed, and the cursor in it.

use std::mem;

use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation};

/// The most that can be typed before it is sent, in bytes.
pub(super) const TYPED_MAX_BYTES: usize = 64 * 1024;

/// Text, a cursor and what was killed last.
///
/// The text may hold several lines, apart by `\n`. The cursor always stands between two graphemes:
/// what people see as one character moves and is deleted as one.
#[derive(Debug, Default)]
pub(super) struct Typed {
    text: String,
    cursor: usize,
    killed: String,
}

impl Typed {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the cursor, as a byte offset.
    pub(super) fn cursor(&self) -> usize {
        self.cursor
    }

    /// Replaces the text; the cursor goes to its end.
    pub(super) fn set(&mut self, text: &str) {
        text.clone_into(&mut self.text);
        self.cursor = self.text.len();
    }

    /// Takes the text out.
    pub(super) fn take(&mut self) -> String {
        self.cursor = 0;
        mem::take(&mut self.text)
    }

    /// Inserts at the cursor; returns `false`, and inserts only what fits, when that is too much.
    pub(super) fn insert(&mut self, text: &str) -> bool {
        let room = TYPED_MAX_BYTES - self.text.len();
        let fitting = text.floor_char_boundary(room);
        self.text.insert_str(self.cursor, &text[..fitting]);
        self.move_to(self.cursor + fitting);
        fitting == text.len()
    }

    /// Replaces `start..cursor`.
    pub(super) fn replace_from(&mut self, start: usize, text: &str) {
        self.remove(start, self.cursor);
        self.insert(text);
    }

    pub(super) fn left(&mut self) {
        self.cursor = self.before(self.cursor);
    }

    pub(super) fn right(&mut self) {
        self.cursor = self.after(self.cursor);
    }

    pub(super) fn home(&mut self) {
        self.cursor = self.line_start();
    }

    pub(super) fn end(&mut self) {
        self.cursor = self.line_end();
    }

    pub(super) fn word_left(&mut self) {
        self.cursor = self.word_before();
    }

    pub(super) fn word_right(&mut self) {
        self.cursor = self.word_after();
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
        self.remove(self.before(self.cursor), self.cursor);
    }

    pub(super) fn delete(&mut self) {
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
        let before = self.text[..self.cursor].trim_end();
        let start = before
            .char_indices()
            .rev()
            .find(|(_, c)| c.is_whitespace())
            .map_or(0, |(at, c)| at + c.len_utf8());
        self.kill(start, self.cursor);
    }

    pub(super) fn kill_word_back(&mut self) {
        self.kill(self.word_before(), self.cursor);
    }

    pub(super) fn kill_word(&mut self) {
        self.kill(self.cursor, self.word_after());
    }

    /// Puts back what was killed last; `false` when it is too much.
    pub(super) fn yank(&mut self) -> bool {
        let killed = mem::take(&mut self.killed);
        let fits = self.insert(&killed);
        self.killed = killed;
        fits
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
        let swapped = [&self.text[middle..end], &self.text[start..middle]].concat();
        self.text.replace_range(start..end, &swapped);
        self.move_to(end);
    }

    fn kill(&mut self, start: usize, end: usize) {
        if start < end {
            self.killed = self.text[start..end].to_owned();
            self.remove(start, end);
        }
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

    /// Returns where the word at or before the cursor starts.
    fn word_before(&self) -> usize {
        self.text[..self.cursor]
            .split_word_bound_indices()
            .rev()
            .find(|(_, word)| word.contains(char::is_alphanumeric))
            .map_or(0, |(at, _)| at)
    }

    /// Returns where the word at or after the cursor ends.
    fn word_after(&self) -> usize {
        self.text[self.cursor..]
            .split_word_bound_indices()
            .find(|(_, word)| word.contains(char::is_alphanumeric))
            .map_or(self.text.len(), |(at, word)| self.cursor + at + word.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Returns text typed with the cursor at the `|`.
    fn typed(marked: &str) -> Typed {
        let (before, after) = marked.split_once('|').unwrap();
        let mut typed = Typed::default();
        typed.set(&[before, after].concat());
        typed.cursor = before.len();
        typed
    }

    fn shown(typed: &Typed) -> String {
        let (before, after) = typed.text.split_at(typed.cursor);
        format!("{before}|{after}")
    }

    #[test]
    fn keys_do_what_every_shell_does() {
        type Action = fn(&mut Typed);
        let cases: [(&str, Action, &str); 30] = [
            ("ab|c", Typed::left, "a|bc"),
            ("|ab", Typed::left, "|ab"),
            ("ab|", Typed::right, "ab|"),
            (
                "👩\u{200d}👩\u{200d}👧|x",
                Typed::left,
                "|👩\u{200d}👩\u{200d}👧x",
            ),
            ("|e\u{301}x", Typed::right, "e\u{301}|x"),
            ("一|二", Typed::backspace, "|二"),
            ("🇮🇷|", Typed::backspace, "|"),
            ("می\u{200c}خوا|هم", Typed::backspace, "می\u{200c}خو|هم"),
            ("a|e\u{301}b", Typed::delete, "a|b"),
            ("a\nb|c", Typed::home, "a\n|bc"),
            ("a|b\nc", Typed::end, "ab|\nc"),
            ("one two|", Typed::word_left, "one |two"),
            ("one, |two", Typed::word_left, "|one, two"),
            ("|one, two", Typed::word_right, "one|, two"),
            ("سلام دنیا|", Typed::word_left, "سلام |دنیا"),
            ("a b|c d", Typed::kill_to_end, "a b|"),
            ("a|\nb", Typed::kill_to_end, "a|b"),
            ("a b|c d", Typed::kill_to_start, "|c d"),
            ("see http://x/y |z", Typed::kill_back, "see |z"),
            ("one two|", Typed::kill_word_back, "one |"),
            ("on|e two", Typed::kill_word, "on| two"),
            ("ab|c", Typed::transpose, "acb|"),
            ("abc|", Typed::transpose, "acb|"),
            ("|abc", Typed::transpose, "|abc"),
            ("a|", Typed::transpose, "a|"),
            ("一e\u{301}|", Typed::transpose, "e\u{301}一|"),
            ("abc\nd|ef", |t| assert!(t.line_up()), "a|bc\ndef"),
            ("abc\ndef|\nx", |t| assert!(t.line_down()), "abc\ndef\nx|"),
            ("ab|c\nx", |t| assert!(!t.line_up()), "ab|c\nx"),
            ("abc\n|", |t| assert!(!t.line_down()), "abc\n|"),
        ];
        for (before, action, after) in cases {
            let mut typed = typed(before);
            action(&mut typed);
            assert_eq!(shown(&typed), after, "from {before}");
        }
    }

    #[test]
    fn what_is_killed_can_be_put_back() {
        let mut typed = typed("one two|");
        typed.kill_back();
        typed.home();
        assert!(typed.yank() && typed.yank());
        assert_eq!(shown(&typed), "twotwo|one ");
    }

    #[test]
    fn more_than_the_limit_is_refused() {
        let mut typed = Typed::default();
        assert!(typed.insert(&"x".repeat(TYPED_MAX_BYTES - 1)));
        assert!(!typed.insert("é"));
        assert_eq!(typed.text().len(), TYPED_MAX_BYTES - 1);
        assert!(typed.insert("x"));
        assert!(!typed.insert("x"));
    }

    proptest! {
        #[test]
        fn the_cursor_never_stands_within_a_grapheme(
            parts in prop::collection::vec(
                prop::sample::select(&[
                    "a", "\u{301}", "👩", "\u{200d}", "🇮", "🇷", "\u{200c}", "ب", "\n", " ", "각",
                    "\u{1100}", "\u{1161}", "❤", "\u{fe0f}", "क", "\u{94d}", "ष",
                ][..]),
                0..20,
            ),
            actions in prop::collection::vec(0..12_usize, 0..20),
        ) {
            let all: [fn(&mut Typed); 12] = [
                Typed::left, Typed::right, Typed::backspace, Typed::delete, Typed::transpose,
                Typed::word_left, Typed::word_right, Typed::kill_word, Typed::kill_back,
                |typed| assert!(typed.yank()), |typed| assert!(typed.line_up() || typed.cursor() <= typed.text().len()),
                |typed| assert!(typed.insert("\u{1f469}")),
            ];
            let mut typed = Typed::default();
            for part in parts {
                typed.insert(part);
            }
            for action in actions {
                all[action](&mut typed);
                let boundary = typed.text.grapheme_indices(true).any(|(at, _)| at == typed.cursor);
                prop_assert!(boundary || typed.cursor == typed.text.len(), "{:?}", typed);
            }
        }
    }
}
