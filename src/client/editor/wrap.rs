//! How a line that is longer than a row is broken.

use unicode_linebreak::linebreaks;
use unicode_segmentation::UnicodeSegmentation;

use super::layout::{CARRIER, ISOLATES, TAB_COLUMNS, TOO_WIDE, columns, width};

/// Ends colours and the like.
const RESET: &str = "\x1b[0m";

/// Returns `line` as it can be written to a terminal that breaks rows itself, and how many rows it
/// takes there.
///
/// Rows break between words and go on under the text, `hang` columns from the left; but a word that
/// is too long for that, such as an address, starts on the left and goes on there. A row is filled
/// up with blanks so that the terminal breaks it: to the terminal it stays one line, which it copies
/// as one, and in which it finds addresses.
///
/// The line may hold colours (`ESC [ ... m`), which take no place. A tab becomes spaces, and what is
/// wider than the terminal or stands on nothing a mark that fits.
pub(super) fn wrap(line: &str, hang: usize, columns: usize) -> (String, usize) {
    let (text, styles) = without_styles(line);
    let mut rows = Wrapped {
        text: String::with_capacity(2 * line.len()),
        columns,
        indent: if 2 * hang <= columns { hang } else { 0 },
        used: 0,
        rows: 1,
        fresh: true,
    };
    let mut styles = styles.into_iter().peekable();
    let mut start = 0;
    for end in word_ends(&text) {
        while let Some((_, style)) = styles.next_if(|(at, style)| *at <= start && *style == RESET) {
            rows.text.push_str(style);
        }
        let word = text[start..end].trim_end_matches(is_blank);
        // Where nothing is indented, one blank keeps two words apart in the copy of a line.
        let apart = usize::from(rows.indent == 0 && start + word.len() < end);
        rows.make_room(width(word), apart);
        let mut at = start;
        while at < end {
            while let Some((_, style)) = styles.next_if(|(place, _)| *place <= at) {
                rows.text.push_str(style);
            }
            let word_end = start + word.len();
            let part_end = if at < word_end { word_end } else { end };
            let next = styles
                .peek()
                .map_or(part_end, |(place, _)| (*place).min(part_end));
            if at < word_end {
                rows.put(&text[at..next]);
            } else {
                rows.put_blanks(&text[at..next]);
            }
            at = next;
        }
        start = end;
    }
    rows.text.extend(styles.map(|(_, style)| style));
    (rows.text, rows.rows)
}

/// A line in rows, so far.
struct Wrapped {
    text: String,
    columns: usize,
    indent: usize,
    used: usize,
    rows: usize,
    /// The row has no word yet.
    fresh: bool,
}

impl Wrapped {
    /// Goes to the next row if that is where a word of `width` columns belongs.
    fn make_room(&mut self, width: usize, apart: usize) {
        let fits_here = self.used + width + apart <= self.columns;
        if fits_here || width == 0 || self.fresh {
            return;
        }
        let indent = if self.indent + width <= self.columns {
            self.indent
        } else {
            0
        };
        if indent + width <= self.columns {
            self.put_spaces(self.columns - self.used);
            self.used = 0;
            self.rows += 1;
            self.put_spaces(indent);
            self.fresh = true;
        }
    }

    /// Adds a word, or a part of one; the terminal breaks it where the row is full.
    fn put(&mut self, word: &str) {
        self.fresh = false;
        if word.bytes().all(|byte| byte.is_ascii_graphic()) {
            // Nearly all there is, and much faster than by graphemes.
            self.text.push_str(word);
            let end = self.used + word.len();
            self.rows += end.saturating_sub(1) / self.columns;
            if !word.is_empty() {
                self.used = (end - 1) % self.columns + 1;
            }
            return;
        }
        for grapheme in word.graphemes(true) {
            if grapheme.starts_with(is_blank) {
                self.put_blanks(grapheme);
                continue;
            }
            let mut columns = columns(grapheme);
            if columns > self.columns {
                columns = 1;
                self.text.push_str(TOO_WIDE);
            } else {
                if columns == 0 && self.used == 0 && !grapheme.starts_with(ISOLATES) {
                    columns = 1;
                    self.text.push(CARRIER);
                }
                self.text.push_str(grapheme);
            }
            if self.used + columns > self.columns {
                self.rows += 1;
                self.used = 0;
            }
            self.used += columns;
        }
    }

    /// Adds the blanks after a word; those that the row has no place for are left out.
    fn put_blanks(&mut self, blanks: &str) {
        self.fresh &= blanks.is_empty();
        for blank in blanks.chars() {
            let wanted = match blank {
                '\t' => TAB_COLUMNS - self.used % TAB_COLUMNS,
                _ => 1,
            };
            self.put_spaces(wanted.min(self.columns - self.used));
        }
    }

    fn put_spaces(&mut self, count: usize) {
        self.text.extend(std::iter::repeat_n(' ', count));
        self.used += count;
    }
}

/// Returns the text alone, and the colours with their places in it.
fn without_styles(line: &str) -> (String, Vec<(usize, &str)>) {
    let (mut text, mut styles) = (String::with_capacity(line.len()), Vec::new());
    let mut rest = line;
    while let Some(at) = rest.find('\x1b') {
        text.push_str(&rest[..at]);
        let end = rest[at..].find('m').map_or(rest.len(), |end| at + end + 1);
        styles.push((text.len(), &rest[at..end]));
        rest = &rest[end..];
    }
    text.push_str(rest);
    (text, styles)
}

/// Returns where words end, the blanks after them included: after blanks, and where scripts without
/// blanks may be broken.
fn word_ends(text: &str) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let word = text[start..]
            .find(is_blank)
            .map_or(text.len(), |at| start + at);
        if !text[start..word].is_ascii() && !text[start..word].contains("://") {
            let within = linebreaks(&text[start..word]).map(|(at, _)| start + at);
            ends.extend(within.filter(|at| *at < word && !is_between_ascii(text, *at)));
        }
        let blanks = &text[word..];
        start = text.len() - blanks.trim_start_matches(is_blank).len();
        ends.push(start);
    }
    ends
}

fn is_between_ascii(text: &str, at: usize) -> bool {
    text[..at].ends_with(|c: char| c.is_ascii()) && text[at..].starts_with(|c: char| c.is_ascii())
}

fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t')
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use proptest::prelude::*;

    use super::*;

    /// Returns the rows that a terminal shows, and whether each goes on in the next.
    fn shown(text: &str, columns: usize) -> Vec<(String, bool)> {
        let columns = u16::try_from(columns).unwrap();
        let mut terminal = vt100::Parser::new(
            NonZeroU16::new(200).unwrap(),
            NonZeroU16::new(columns).unwrap(),
            0,
        );
        terminal.process(text.as_bytes());
        terminal.process(b"\x1b[0m\r\n.");
        let screen = terminal.screen();
        let last = screen.cursor_position().0;
        let rows = screen.rows(0, columns).take(last.into());
        (0..last)
            .map(|row| screen.row_wrapped(row))
            .zip(rows)
            .map(|(w, r)| (r, w))
            .collect()
    }

    fn rows(line: &str, hang: usize, columns: usize) -> Vec<String> {
        let (text, count) = wrap(line, hang, columns);
        let rows = shown(&text, columns);
        assert_eq!(rows.len(), count, "{line:?} in {columns}: {text:?}");
        let (last, others) = rows.split_last().unwrap();
        assert!(
            others.iter().all(|row| row.1) && !last.1,
            "one line to the terminal"
        );
        rows.into_iter()
            .map(|row| row.0.trim_end().to_owned())
            .collect()
    }

    #[test]
    fn rows_break_between_words_and_go_on_under_the_text() {
        for (line, hang, columns, expected) in [
            ("", 0, 5, &[""][..]),
            ("ali: one two three", 5, 20, &["ali: one two three"]),
            ("ali: one two three", 5, 14, &["ali: one two", "     three"]),
            ("ali: one two three", 5, 13, &["ali: one two", "     three"]),
            ("ali: one two three", 5, 12, &["ali: one two", "     three"]),
            ("ali: one two three", 5, 9, &["ali: one", "two three"]),
            ("one two three", 0, 8, &["one two", "three"]),
            // A blank between them, or a copy would hold "twothree".
            ("one two three", 0, 7, &["one", "two", "three"]),
            (
                "ali: abcdefghijklmnop",
                5,
                12,
                &["ali: abcdefg", "hijklmnop"],
            ),
            (
                "ali: see abcdefghijkl",
                5,
                12,
                &["ali: see", "abcdefghijkl"],
            ),
            (
                "a: x http://y/z-z/ü.é end",
                3,
                16,
                &["a: x", "http://y/z-z/ü.é", "   end"],
            ),
            (
                "李: 大家好今天天气很好",
                4,
                12,
                &["李: 大家好今", "    天天气很", "    好"],
            ),
            ("* a\tb", 2, 20, &["* a     b"]),
            ("李李", 0, 1, &["?", "?"]),
            ("\u{301}x", 0, 5, &["◌\u{301}x"]),
        ] {
            assert_eq!(rows(line, hang, columns), expected, "{line:?} in {columns}");
        }
    }

    #[test]
    fn colours_stay_with_their_words() {
        let line = "\x1b[31mali\x1b[0m: one \x1b[7msoheil\x1b[0m \x1b[2mx\x1b[0m";
        let (text, rows) = wrap(line, 5, 12);
        let first = format!("\x1b[31mali\x1b[0m: one {}", " ".repeat(3));
        let second = "     \x1b[7msoheil\x1b[0m ".to_owned() + "     \x1b[2mx\x1b[0m";
        assert_eq!((text, rows), (first + &second, 3));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_word_that_fits_is_broken(
            words in prop::collection::vec(
                prop::sample::select(&[
                    "a", "hello", "extraordinary", "http://example.org/a/rather/long-one", "سلام",
                    "李雷大家好，今天", "é", "foo-bar/baz", "\u{1f469}\u{200d}\u{1f467}", "",
                ][..]),
                0..20,
            ),
            hang in 0..12_usize,
            columns in 4..60_usize,
        ) {
            let line = words.join(" ");
            let rows = rows(&line, hang, columns);
            let squeezed = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
            let shown: String = rows.iter().map(|row| squeezed(row)).collect();
            prop_assert_eq!(shown, squeezed(&line));
            for word in words {
                let breakable = !word.is_ascii() && word.contains('李');
                if !word.is_empty() && !breakable && width(word) <= columns {
                    prop_assert!(rows.iter().any(|row| row.contains(word)), "{word} in {rows:?}");
                }
            }
        }
    }
}
