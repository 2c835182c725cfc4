//! An editor on an emulated terminal, and everything needed to draw its screen from scratch.

use std::num::NonZeroU16;

use unicode_segmentation::UnicodeSegmentation;

use super::super::wrap::wrap;
use super::super::{Editor, LEAVE_AGAIN, Size, layout};

const PROMPT: &str = "> ";

/// Where lines of several rows go on.
const HANG: usize = 5;

pub(super) fn size(rows: usize, columns: usize) -> Size {
    Size { rows, columns }
}

fn non_zero(number: usize) -> NonZeroU16 {
    NonZeroU16::new(u16::try_from(number).unwrap()).unwrap()
}

fn emulator(size: Size) -> vt100::Parser {
    vt100::Parser::new(non_zero(size.rows), non_zero(size.columns), 0)
}

/// Returns the rows that a terminal shows after `bytes`, and where its cursor is.
pub(super) fn rendered(size: Size, bytes: &str) -> (Vec<String>, (usize, usize)) {
    let mut emulator = emulator(size);
    emulator.process(bytes.as_bytes());
    let (row, column) = emulator.screen().cursor_position();
    let columns = u16::try_from(size.columns).unwrap();
    let rows = emulator.screen().rows(0, columns).collect();
    (rows, (row.into(), column.into()))
}

/// The editor, its terminal and all that was printed.
pub(super) struct Desk {
    pub(super) editor: Editor,
    terminal: vt100::Parser,
    size: Size,
    printed: Vec<String>,
    /// Rows of what was printed that are above the top of the screen.
    scrolled: usize,
}

impl Desk {
    pub(super) fn new(size: Size) -> Self {
        let mut editor = Editor::new(size);
        editor.set_prompt(PROMPT, Vec::new());
        Self {
            editor,
            terminal: emulator(size),
            size,
            printed: Vec::new(),
            scrolled: 0,
        }
    }

    pub(super) fn press(&mut self, keys: &str) {
        drop(self.editor.feed(keys.as_bytes()));
        if keys == "\x0c" {
            self.painted();
        }
    }

    pub(super) fn print(&mut self, line: &str) {
        self.editor.print(line, HANG);
        self.printed.push(line.to_owned());
    }

    pub(super) fn resize(&mut self, size: Size) {
        // Nothing is left unwritten when a turn begins, and so when a resize is heard of.
        self.check();
        let (rows, columns) = (non_zero(size.rows), non_zero(size.columns));
        self.terminal.set_size(rows, columns);
        self.size = size;
        self.editor.resize(size);
        self.painted();
    }

    fn painted(&mut self) {
        let rows = self.paper().len() + self.area().0.len();
        self.scrolled = rows.saturating_sub(self.size.rows);
    }

    /// Writes what the editor has to say and compares the screen with one drawn from scratch.
    pub(super) fn check(&mut self) {
        let output = self.editor.take_output();
        self.terminal.process(&output);
        let (mut expected, (area, cursor)) = (self.paper(), self.area());
        let top = expected.len();
        self.scrolled = self
            .scrolled
            .max((top + area.len()).saturating_sub(self.size.rows));
        expected.extend(area);
        expected.drain(..self.scrolled);
        expected.resize(self.size.rows, String::new());
        let columns = u16::try_from(self.size.columns).unwrap();
        let shown: Vec<_> = self.terminal.screen().rows(0, columns).collect();
        assert_eq!(shown, expected, "{:?}", String::from_utf8_lossy(&output));
        let (row, column) = self.terminal.screen().cursor_position();
        let expected = (top - self.scrolled + cursor.0, cursor.1);
        assert_eq!((usize::from(row), usize::from(column)), expected, "cursor");
    }

    /// Returns the rows of everything printed so far, were the screen endless.
    fn paper(&self) -> Vec<String> {
        let columns = self.size.columns;
        let wrapped = self.printed.iter().map(|line| wrap(line, HANG, columns).0);
        let text: String = wrapped.map(|line| line + "\r\n").collect();
        let endless = size(text.len() * 2 / columns + self.printed.len() + 2, columns);
        let (mut rows, (count, _)) = rendered(endless, &text);
        rows.truncate(count);
        rows
    }

    /// Returns `text` without what can't be shown in so few columns.
    fn fitting(&self, text: &str) -> String {
        let wide = |grapheme: &str| layout::columns(grapheme) > self.size.columns;
        text.graphemes(true)
            .map(|g| if wide(g) { "?" } else { g })
            .collect()
    }

    /// Returns the rows of prompt and text, and the cursor in them.
    fn area(&self) -> (Vec<String>, (usize, usize)) {
        let columns = self.size.columns;
        let (text, cursor) = (self.editor.typed.text(), self.editor.typed.cursor());
        let prompt = match &self.editor.search {
            None => PROMPT.to_owned(),
            Some(search) => search.prompt(),
        };
        let marked = format!("{prompt}\x01{}\0{}", &text[..cursor], &text[cursor..]);
        let (mut rows, mut cursor) = (Vec::new(), (0, String::new()));
        if self.editor.leave_asked {
            rows.push(LEAVE_AGAIN.chars().take(columns).collect());
        }
        for line in self.fitting(&marked.replace('\n', "\n| \x01")).split('\n') {
            rows.push(String::new());
            let mut used = 0;
            for grapheme in line.graphemes(true) {
                let needed = match grapheme {
                    // Where the text starts: no mark of it stands on the prompt.
                    "\x01" => continue,
                    "\0" => usize::from(used == columns),
                    "\t" if used == columns => 8.min(columns),
                    "\t" => (8 - used % 8).min(columns - used),
                    grapheme => layout::columns(grapheme).max(1),
                };
                if used + needed > columns {
                    rows.push(String::new());
                    used = 0;
                }
                let row = rows.last_mut().unwrap();
                match grapheme {
                    "\0" => {
                        let row = row.clone();
                        cursor = (rows.len() - 1, row);
                        continue;
                    }
                    "\t" => row.push_str(&" ".repeat(needed)),
                    grapheme if layout::columns(grapheme) == 0 => {
                        row.push('◌');
                        row.push_str(grapheme);
                    }
                    grapheme => row.push_str(grapheme),
                }
                used += needed;
            }
        }
        let most = self.size.rows.div_ceil(2);
        let first = (cursor.0 + 1).saturating_sub(most);
        let rows = rows.iter().skip(first).take(most);
        let one = size(1, columns);
        let rows = rows.map(|row| rendered(one, row).0.remove(0)).collect();
        let column = rendered(one, &cursor.1).1.1;
        (rows, (cursor.0 - first, column))
    }
}
