//! How text stands in rows of so many columns.

use std::mem;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthChar;

/// Columns from one tab stop to the next.
pub(super) const TAB_COLUMNS: usize = 8;

/// Asks for the wide, coloured form of the emoji before it.
const EMOJI_FORM: char = '\u{fe0f}';

/// Keep writing directions apart, take no place and stand on nothing; only our own lines have them.
pub(super) const ISOLATES: [char; 2] = ['\u{2068}', '\u{2069}'];

/// Stands for what is wider than the terminal.
pub(super) const TOO_WIDE: &str = "?";

/// Carries a mark that stands on nothing.
pub(super) const CARRIER: char = '◌';

/// The size of a terminal, in characters; never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
}

/// What stands at the bottom of the screen: rows, and the cursor among them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) rows: Vec<String>,
    /// Which of the rows the cursor is in.
    pub(super) cursor_row: usize,
    /// What stands before the cursor in its row.
    pub(super) before_cursor: String,
}

/// Fills rows with graphemes, breaking where one is full.
///
/// The breaks are explicit, so that the rows are where they are meant to be on every terminal.
/// Terminals differ in how wide they draw some graphemes (a family emoji is two columns here and
/// six there): a row takes no more than fits on all of them, and the cursor is placed by writing
/// what stands before it.
#[derive(Debug)]
pub(super) struct Rows {
    columns: usize,
    used: usize,
    row: String,
    area: Area,
}

impl Rows {
    pub(super) fn new(columns: usize) -> Self {
        Self {
            columns,
            used: 0,
            row: String::new(),
            area: Area::default(),
        }
    }

    /// Adds text of one line.
    pub(super) fn put(&mut self, text: &str) {
        for grapheme in text.graphemes(true) {
            self.put_grapheme(grapheme);
        }
    }

    /// Adds as much of the text as fits into the row, and ends it.
    pub(super) fn put_row(&mut self, text: &str) {
        for grapheme in text.graphemes(true) {
            if self.used + columns(grapheme).max(1) > self.columns {
                break;
            }
            self.put_grapheme(grapheme);
        }
        self.end_row();
    }

    /// Ends the row.
    pub(super) fn end_row(&mut self) {
        self.area.rows.push(mem::take(&mut self.row));
        self.used = 0;
    }

    /// Notes that the cursor is here; after a full row that is on the next.
    pub(super) fn put_cursor(&mut self) {
        if self.used >= self.columns {
            self.end_row();
        }
        self.area.cursor_row = self.area.rows.len();
        self.row.clone_into(&mut self.area.before_cursor);
    }

    /// Ends the last row and returns at most `rows_max` rows, those up to the cursor's if there
    /// are more.
    pub(super) fn finish(mut self, rows_max: usize) -> Area {
        self.end_row();
        let mut area = self.area;
        let first = (area.cursor_row + 1).saturating_sub(rows_max);
        area.rows.drain(..first);
        area.rows.truncate(rows_max);
        area.cursor_row -= first;
        area
    }

    fn put_grapheme(&mut self, grapheme: &str) {
        if grapheme == "\t" {
            if self.used >= self.columns {
                self.end_row();
            }
            let stop = TAB_COLUMNS - self.used % TAB_COLUMNS;
            let spaces = stop.min(self.columns - self.used);
            self.row.extend(std::iter::repeat_n(' ', spaces));
            self.used += spaces;
            return;
        }
        let columns = columns(grapheme);
        if columns > self.columns {
            return self.put_grapheme(TOO_WIDE);
        }
        let needed = columns.max(1);
        if self.used + needed > self.columns {
            self.end_row();
        }
        if columns == 0 {
            self.row.push(CARRIER);
        }
        self.row.push_str(grapheme);
        self.used += needed;
    }
}

/// Returns how many columns `text` takes, at most, on any terminal.
pub(crate) fn width(text: &str) -> usize {
    text.graphemes(true).map(columns).sum()
}

/// Returns how many columns `grapheme` takes, at most, on any terminal.
pub(super) fn columns(grapheme: &str) -> usize {
    let mut characters = grapheme.chars().peekable();
    let mut columns = 0;
    while let Some(character) = characters.next() {
        let width = character.width().unwrap_or(1);
        let widened = width > 0 && characters.peek() == Some(&EMOJI_FORM);
        columns += if widened { 2 } else { width };
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(columns: usize, before: &str, after: &str, rows_max: usize) -> Area {
        let mut rows = Rows::new(columns);
        rows.put(before);
        rows.put_cursor();
        rows.put(after);
        rows.finish(rows_max)
    }

    #[test]
    fn rows_break_where_they_are_full() {
        for (columns, before, after, rows, cursor_row, before_cursor) in [
            (5, "abc", "de", &["abcde"][..], 0, "abc"),
            (5, "abcde", "", &["abcde", ""], 1, ""),
            (5, "abcde", "f", &["abcde", "f"], 1, ""),
            (5, "abcd李", "x", &["abcd", "李x"], 1, "李"),
            (1, "a李b", "", &["a", "?", "b", ""], 3, ""),
            (9, "\t\tx", "", &["         ", "x"], 1, "x"),
            (5, "\u{301}a", "", &["◌\u{301}a"], 0, "◌\u{301}a"),
            (
                5,
                "e\u{301}❤\u{fe0f}👩\u{200d}👧",
                "",
                &["e\u{301}❤\u{fe0f}", "👩\u{200d}👧"],
                1,
                "👩\u{200d}👧",
            ),
        ] {
            let area = area(columns, before, after, 9);
            assert_eq!(area.rows, rows, "{before}|{after}");
            assert_eq!(area.cursor_row, cursor_row, "{before}|{after}");
            assert_eq!(area.before_cursor, before_cursor, "{before}|{after}");
        }
    }

    #[test]
    fn of_too_many_rows_those_around_the_cursor_stay() {
        let text = "0123456789";
        for (at, rows, cursor_row) in [
            (10, &["89", ""][..], 1),
            (9, &["67", "89"], 1),
            (4, &["23", "45"], 1),
            (1, &["01", "23"], 0),
        ] {
            let area = area(2, &text[..at], &text[at..], 2);
            assert_eq!(area.rows, rows, "at {at}");
            assert_eq!(area.cursor_row, cursor_row, "at {at}");
        }
    }
}
