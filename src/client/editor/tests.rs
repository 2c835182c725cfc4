//! The editor against a terminal emulator.

use std::num::NonZeroU16;

use proptest::prelude::*;
use unicode_segmentation::UnicodeSegmentation;

use super::*;

const PROMPT: &str = "> ";

fn size(rows: usize, columns: usize) -> Size {
    Size { rows, columns }
}

fn non_zero(number: usize) -> NonZeroU16 {
    NonZeroU16::new(u16::try_from(number).unwrap()).unwrap()
}

fn emulator(size: Size) -> vt100::Parser {
    vt100::Parser::new(non_zero(size.rows), non_zero(size.columns), 0)
}

/// Returns the rows that a terminal shows after `bytes`, and where its cursor is.
fn rendered(size: Size, bytes: &str) -> (Vec<String>, (usize, usize)) {
    let mut emulator = emulator(size);
    emulator.process(bytes.as_bytes());
    let (row, column) = emulator.screen().cursor_position();
    let columns = u16::try_from(size.columns).unwrap();
    let rows = emulator.screen().rows(0, columns).collect();
    (rows, (row.into(), column.into()))
}

/// An editor on an emulated terminal, and everything needed to draw its screen from scratch.
struct Desk {
    editor: Editor,
    terminal: vt100::Parser,
    size: Size,
    printed: Vec<String>,
    /// Rows of what was printed that are above the top of the screen.
    scrolled: usize,
}

impl Desk {
    fn new(size: Size) -> Self {
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

    fn press(&mut self, keys: &str) {
        drop(self.editor.feed(keys.as_bytes()));
        if keys == "\x0c" {
            self.painted();
        }
    }

    fn print(&mut self, line: &str) {
        self.editor.print(line);
        self.printed.push(line.to_owned());
    }

    fn resize(&mut self, size: Size) {
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
    fn check(&mut self) {
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
        let text: String = self
            .printed
            .iter()
            .map(|line| self.fitting(&self.without_tabs(line)) + "\r\n")
            .collect();
        let endless = size(
            text.len() * 2 / self.size.columns + self.printed.len() + 2,
            self.size.columns,
        );
        let (mut rows, (count, _)) = rendered(endless, &text);
        rows.truncate(count);
        rows
    }

    /// Returns `line`, of single columns only if it has tabs, with spaces for them.
    fn without_tabs(&self, line: &str) -> String {
        let (mut text, mut column) = (String::new(), 0);
        for character in line.chars() {
            let spaces = match character {
                '\t' => (8 - column % 8).min(self.size.columns.saturating_sub(column).max(1)),
                _ => 0,
            };
            text.push_str(&" ".repeat(spaces));
            text.extend(Some(character).filter(|_| spaces == 0));
            let after = column + spaces.max(1);
            column = if column == self.size.columns {
                spaces.max(1)
            } else {
                after
            };
        }
        text
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
            Some(search) if search.failed => format!("(search: nothing like {}) ", search.text),
            Some(search) => format!("(search: {}) ", search.text),
        };
        let marked = format!("{prompt}\x01{}\0{}", &text[..cursor], &text[cursor..]);
        let (mut rows, mut cursor) = (Vec::new(), (0, String::new()));
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

#[derive(Debug, Clone)]
enum Step {
    Press(&'static str),
    Print(&'static str),
    Resize(usize, usize),
    Check,
}

const KEYS: [&str; 44] = [
    "a",
    "b",
    " ",
    "/",
    "é",
    "e\u{301}",
    "\u{301}",
    "李",
    "سلام",
    "می\u{200c}خواهم",
    "👩\u{200d}👩\u{200d}👧",
    "❤\u{fe0f}",
    "🇮🇷",
    "hello there, how are you today?",
    "\t",
    "\r",
    "\x01",
    "\x02",
    "\x04",
    "\x05",
    "\x06",
    "\x0b",
    "\x0c",
    "\x0e",
    "\x10",
    "\x12",
    "\x14",
    "\x15",
    "\x17",
    "\x19",
    "\x03",
    "\x7f",
    "\x1b[A",
    "\x1b[B",
    "\x1b[C",
    "\x1b[D",
    "\x1b[3~",
    "\x1bb",
    "\x1bf",
    "\x1bd",
    "\x1b[200~two\nlines\x1b[201~",
    "\x1b[200~tab\there 李李李\n\nlast\x1b[201~",
    "\x1b",
    "\x1b[1;5",
];

const LINES: [&str; 9] = [
    "ali: hi",
    "hasan: a line that is long enough to be broken on most of the terminals tried",
    "\x1b[31mali\x1b[0m: in colour",
    "李雷: 大家好，今天天气很好",
    "سهیل: سلام به همه",
    // No emoji widened by U+FE0F here: the emulator loses one that it moves to a new row.
    "zoë: ❤ and 👩\u{200d}👧",
    "* tab\tstops\there",
    "",
    "12345678901234567890",
];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => prop::sample::select(&KEYS[..]).prop_map(Step::Press),
        3 => prop::sample::select(&LINES[..]).prop_map(Step::Print),
        1 => (1..30_usize, 1..=200_usize).prop_map(|(rows, columns)| Step::Resize(rows, columns)),
        1 => (1..6_usize, 1..12_usize).prop_map(|(rows, columns)| Step::Resize(rows, columns)),
        3 => Just(Step::Check),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn the_screen_is_as_if_drawn_from_scratch(
        (rows, columns) in (1..30_usize, prop_oneof![1..=200_usize, 1..30_usize]),
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let mut desk = Desk::new(size(rows, columns));
        for step in steps {
            match step {
                Step::Press(keys) => desk.press(keys),
                Step::Print(line) => desk.print(line),
                Step::Resize(rows, columns) => desk.resize(size(rows, columns)),
                Step::Check => desk.check(),
            }
        }
        desk.check();
    }

    /// Whatever bytes come from the keyboard and however they are cut.
    #[test]
    fn no_bytes_break_the_screen(
        (rows, columns) in (1..12_usize, 1..=40_usize),
        chunks in prop::collection::vec(
            prop::collection::vec(
                prop_oneof![any::<u8>(), 0x20_u8..0x7f, prop::sample::select(&b"\x1b[;~013ABCD"[..])],
                0..20,
            ),
            0..20,
        ),
    ) {
        let mut desk = Desk::new(size(rows, columns));
        for chunk in chunks {
            // A repaint in the middle of a chunk moves the screen; it has its own test above.
            let chunk: Vec<_> = chunk.into_iter().filter(|byte| *byte != 0x0c).collect();
            drop(desk.editor.feed(&chunk));
            desk.check();
            desk.print("ali: hi");
        }
        desk.check();
    }
}

#[test]
fn every_width_shows_the_same_talk() {
    for columns in 1..=200 {
        let mut desk = Desk::new(size(12, columns));
        for line in LINES {
            desk.print(line);
            desk.press("typing 李 while others speak ❤\u{fe0f} ");
            desk.check();
            desk.press("\x1b[D\x1b[D\x7f");
            desk.check();
        }
        desk.resize(size(7, 201 - columns));
        desk.check();
    }
}

#[test]
fn keys_ask_for_what_the_editor_cannot_do() {
    let send = |line: &str| Request::Send(line.to_owned());
    for (keys, requests) in [
        ("hello\r", vec![send("hello")]),
        ("\r\r", vec![]),
        ("one\rtwo\n", vec![send("one"), send("two")]),
        ("\x03", vec![Request::Leave]),
        ("text\x03", vec![]),
        ("text\x03\x03", vec![Request::Leave]),
        ("\x04", vec![Request::Leave]),
        ("ab\x01\x04\r", vec![send("b")]),
        ("\x1a", vec![Request::Suspend]),
        ("\x1b[200~one\ntwo\n\x1b[201~", vec![]),
        (
            "\x1b[200~one\n\ntwo\n\x1b[201~!\r",
            vec![send("one"), send("two!")],
        ),
        ("/w\t\r", vec![send("/who ")]),
        ("so\t\t hi\r", vec![send("soraya:  hi")]),
        ("ali\rx\x1b[A\x1b[B\r", vec![send("ali"), send("x")]),
        (
            "ali\rbob\r\x1b[A\x1b[A\r",
            vec![send("ali"), send("bob"), send("ali")],
        ),
        (
            "alpha\rbeta\r\x12lp\r\r",
            vec![send("alpha"), send("beta"), send("alpha")],
        ),
        ("alpha\rx\x12lp\x07\r", vec![send("alpha"), send("x")]),
        ("alpha\rx\x12lp\x05!\r", vec![send("alpha"), send("alpha!")]),
    ] {
        let mut editor = Editor::new(size(24, 80));
        editor.hear_of("soraya");
        editor.hear_of("soheil");
        assert_eq!(editor.feed(keys.as_bytes()), requests, "{keys:?}");
    }
}

#[test]
fn too_much_is_told_and_cut() {
    let mut editor = Editor::new(size(24, 80));
    let paste = format!("\x1b[200~{}\x1b[201~x", "y".repeat(100_000));
    assert_eq!(
        editor.feed(paste.as_bytes()),
        [Request::Overflow, Request::Overflow]
    );
    assert!(
        editor.take_output().len() < 5000,
        "only what fits the screen is drawn"
    );
}

#[test]
fn a_redraw_is_small_and_nothing_new_is_nothing() {
    let mut desk = Desk::new(size(24, 80));
    desk.press("hello");
    desk.check();
    assert_eq!(desk.editor.take_output(), b"");
    desk.press("!");
    assert_eq!(desk.editor.take_output(), b"\r\x1b[J> hello!\r> hello!");
}

#[test]
fn status_rows_stand_above_the_prompt_and_never_wrap() {
    let mut editor = Editor::new(size(8, 10));
    editor.set_prompt("? ", vec!["waiting: a long line".to_owned()]);
    editor.feed(b"hi");
    let output = String::from_utf8(editor.take_output()).unwrap();
    let (rows, cursor) = rendered(size(8, 10), &output);
    assert_eq!(rows[..3], ["waiting: a", "? hi", ""]);
    assert_eq!(cursor, (1, 4));
}

#[test]
fn wiping_leaves_the_lines_and_the_draft() {
    let mut editor = Editor::new(size(8, 20));
    editor.print("ali: hi");
    editor.feed(b"draft");
    let mut output = editor.take_output();
    output.extend(editor.take_output_wiped());
    let (rows, cursor) = rendered(size(8, 20), &String::from_utf8(output).unwrap());
    assert_eq!(
        (rows[0].as_str(), rows[1].as_str(), cursor),
        ("ali: hi", "", (1, 0))
    );
    assert_eq!(editor.draft(), "draft");
}

#[test]
fn a_repaint_prints_no_more_than_fits() {
    let mut editor = Editor::new(size(10, 100));
    for number in 0..50 {
        editor.print(&format!("{number} {}", "x".repeat(95)));
    }
    drop(editor.take_output());
    editor.resize(size(10, 20));
    let output = editor.take_output();
    // Two lines of five rows each, half a row of commands for each row, and the empty prompt.
    assert!(
        output.len() < 2 * 100 + 10 * 10 + 50,
        "{} bytes",
        output.len()
    );
}
