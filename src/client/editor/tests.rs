//! The editor against a terminal emulator.

mod desk;

use proptest::prelude::*;

use super::*;
use desk::{Desk, rendered, size};

#[derive(Debug, Clone)]
enum Step {
    Press(&'static str),
    Print(&'static str),
    Resize(usize, usize),
    Check,
}

const KEYS: [&str; 53] = [
    "\x1bu",
    "\x1bl",
    "\x1bc",
    "\x1bt",
    "\x1b.",
    "\x1by",
    "\x1f",
    "\x1b\r",
    "\x1bx",
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
        ("\r \r", vec![Request::Nothing, Request::Nothing]),
        ("one\rtwo\n", vec![send("one"), send("two")]),
        ("\x03", vec![]),
        ("\x03\x03", vec![Request::Leave]),
        ("\x03x\x7f\x03", vec![]),
        ("text\x03\x03", vec![]),
        ("text\x03\x03\x03", vec![Request::Leave]),
        ("text\x03\x1b[A\r", vec![send("text")]),
        ("one\x1b\rtwo\r", vec![send("one"), send("two")]),
        (
            "a b\rc d\r\x1b.\x1b.\r",
            vec![send("a b"), send("c d"), send("b")],
        ),
        ("\x04", vec![Request::Leave]),
        ("ab\x01\x04\r", vec![send("b")]),
        ("\x1a", vec![Request::Suspend]),
        ("\x1b[200~one\ntwo\n\x1b[201~", vec![]),
        (
            "\x1b[200~one\n\ntwo\n\x1b[201~!\r",
            vec![send("one"), send("two!")],
        ),
        (
            "\x1b[200~/nick x\n/etc\n //y\x1b[201~\r",
            vec![send("//nick x"), send("//etc"), send(" ///y")],
        ),
        ("\x1b[200~/nick x\n\x1b[201~\r", vec![send("/nick x")]),
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
        editor.people().hear("soraya");
        editor.people().hear("soheil");
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
    editor.print("ali: hi", 0);
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
        editor.print(&format!("{number} {}", "x".repeat(95)), 0);
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
