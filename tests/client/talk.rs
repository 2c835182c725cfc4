//! Talking, with others speaking while one types.

use vt100::Color;

use crate::common::{GREETING, PROMPT, Server, chatroom};
use crate::desk::Desk;

/// The reference session, as its three screens show it: what is typed stands there once sent.
const SCREENS: [(&str, &[&str]); 3] = [
    (
        "soheil",
        &[
            PROMPT,
            "you: soheil",
            GREETING,
            "you: hello this is soheil",
            "ali: hi soheil im ali",
            "hasan: hi guys",
            "you: hello hasan how are you",
            "hasan: im fine thanks",
            "hasan: hwo else is in chat?",
            "ali: im here too",
            "you: i must go. by guys",
        ],
    ),
    (
        "ali",
        &[
            PROMPT,
            "you: ali",
            GREETING,
            "* Here (2): soheil, ali",
            "soheil: hello this is soheil",
            "you: hi soheil im ali",
            "hasan: hi guys",
            "soheil: hello hasan how are you",
            "hasan: im fine thanks",
            "hasan: hwo else is in chat?",
            "you: im here too",
            "soheil: i must go. by guys",
            "soheil has left the chatroom!",
            "hasan has left the chatroom!",
        ],
    ),
    (
        "hasan",
        &[
            PROMPT,
            "you: hasan",
            GREETING,
            "* Here (3): soheil, ali, hasan",
            "you: hi guys",
            "soheil: hello hasan how are you",
            "you: im fine thanks",
            "you: hwo else is in chat?",
            "ali: im here too",
            "soheil: i must go. by guys",
            "soheil has left the chatroom!",
        ],
    ),
];

/// Who does what, in order: comes, says something, or leaves.
const COURSE: [(&str, &str); 14] = [
    ("soheil", "+"),
    ("ali", "+"),
    ("soheil", "hello this is soheil"),
    ("ali", "hi soheil im ali"),
    ("hasan", "+"),
    ("hasan", "hi guys"),
    ("soheil", "hello hasan how are you"),
    ("hasan", "im fine thanks"),
    ("hasan", "hwo else is in chat?"),
    ("ali", "im here too"),
    ("soheil", "i must go. by guys"),
    ("soheil", "-"),
    ("hasan", "-"),
    ("ali", "-"),
];

/// Plays the session while everybody always has half a line typed: what the others say appears
/// above it and never tears it.
fn play(rows: u16, columns: u16, half: &str) {
    let server = Server::start(&[]);
    let mut desks: Vec<(&str, Desk)> = Vec::new();
    for (name, act) in COURSE {
        match act {
            "+" => {
                let mut command = chatroom();
                command.arg("join").arg(server.address().to_string());
                let mut desk = Desk::run(&command, rows, columns);
                desk.expect(&[PROMPT, "> "]);
                desk.enter(name);
                let (_, screen) = SCREENS.iter().find(|screen| screen.0 == name).unwrap();
                // Who comes to others is told who they are.
                let last = if desks.is_empty() { 2 } else { 3 };
                desk.expect(&[screen[last], "> "]);
                desk.press(half);
                desks.push((name, desk));
            }
            "-" => {
                let at = desks.iter().position(|desk| desk.0 == name).unwrap();
                let mut desk = desks.remove(at).1;
                desk.press("\x15\x04");
                assert_eq!(desk.exit_code(), 0);
                let shown = desk.all_rows();
                let (_, screen) = SCREENS.iter().find(|screen| screen.0 == name).unwrap();
                assert_eq!(&shown[..screen.len()], *screen, "{name}'s screen");
                assert_eq!(shown[screen.len()], "left with 0", "{name}'s screen");
                for (_, desk) in &mut desks {
                    desk.expect(&[
                        &format!("{name} has left the chatroom!"),
                        &format!("> {half}"),
                    ]);
                }
            }
            line => {
                for (who, desk) in &desks {
                    if *who == name {
                        desk.press(&format!("\x15{line}\r{half}"));
                    }
                }
                for (who, desk) in &mut desks {
                    let speaker = if *who == name { "you" } else { name };
                    desk.expect(&[&format!("{speaker}: {line}"), &format!("> {half}")]);
                }
            }
        }
    }
}

#[test]
fn the_reference_session_while_everybody_types() {
    play(24, 80, "so far I");
}

#[test]
fn the_reference_session_on_a_screen_that_scrolls() {
    play(4, 40, "\u{633}\u{644}\u{627}\u{645}");
}

#[test]
fn a_line_that_wraps_stays_whole() {
    let server = Server::start(&[]);
    let ali = server.join("ali");
    let mut desk = Desk::join(server.address(), &["--name", "soheil"]);
    desk.expect(&[GREETING, "* Here (2): ali, soheil", "> "]);
    desk.resize(12, 20);
    desk.press("a line of more than twenty columns, \u{674e}\u{96f7}");
    let area = [
        "> a line of more tha",
        "n twenty columns, \u{674e}",
        "\u{96f7}",
    ];
    for said in 10..30 {
        ali.say(format!("line {said} of the others"));
        desk.wait_until("the line is whole below what is said", |desk| {
            let rows = desk.rows();
            let [.., last, end, first, second, third] = &rows[..] else {
                return false;
            };
            last.trim_end() == format!("ali: line {said} of the")
                && end == "     others"
                && [first, second, third] == area
        });
    }
}

#[test]
fn a_resize_paints_the_talk_anew() {
    let server = Server::start(&[]);
    let ali = server.join("ali");
    let mut desk = Desk::join(server.address(), &["--name", "soheil"]);
    desk.expect(&[GREETING, "* Here (2): ali, soheil", "> "]);
    ali.say("see https://example.org/a/rather/long/address");
    desk.press("typing");
    desk.expect(&[
        "ali: see https://example.org/a/rather/long/address",
        "> typing",
    ]);
    for (rows, columns) in [(6, 20), (30, 200), (3, 50), (1, 10), (24, 80)] {
        desk.resize(rows, columns);
        let last = if columns == 20 {
            "ng/address"
        } else {
            "ali: see https://example.org/a/rather/long/address"
        };
        let wanted = [last, "> typing"];
        desk.expect(if rows == 1 { &wanted[1..] } else { &wanted });
    }
    // One line to the terminal too, which so finds the whole address.
    desk.resize(24, 20);
    desk.expect(&[
        "ali: see https://exa",
        "mple.org/a/rather/lo",
        "ng/address",
        "> typing",
    ]);
    let row = desk.rows().len() - 4;
    assert!(desk.screen().row_wrapped(u16::try_from(row).unwrap()));
}

#[test]
fn words_stay_whole_and_go_on_under_the_text() {
    let server = Server::start(&[]);
    let ali = server.join("ali");
    let mut command = chatroom();
    command.args(["join", &server.address().to_string(), "--name", "soheil"]);
    let mut desk = Desk::run(&command, 12, 30);
    desk.expect(&["* Here (2): ali, soheil", "> "]);
    ali.say("several words that are wrapped, and https://example.org/twentynin with more");
    let rows = [
        "ali: several words that are",
        "     wrapped, and",
        "https://example.org/twentynin",
        "     with more",
        "> ",
    ];
    let wanted = rows;
    desk.wait_until("words are whole", |desk| {
        let rows = desk.rows();
        let last = rows.len().saturating_sub(wanted.len());
        rows[last..]
            .iter()
            .map(|row| row.trim_end())
            .eq(wanted.map(str::trim_end))
    });
    // One line to the terminal, for whoever copies it.
    let first = u16::try_from(desk.rows().len() - 5).unwrap();
    let wrapped = (first..first + 4).map(|row| desk.screen().row_wrapped(row));
    assert_eq!(wrapped.collect::<Vec<_>>(), [true, true, true, false]);
    desk.resize(12, 45);
    desk.wait_until("they are wrapped anew", |desk| {
        desk.rows()
            .iter()
            .any(|row| row.trim_end() == "     https://example.org/twentynin with more")
    });
}

#[test]
fn names_have_colours_and_mentions_stand_out() {
    let server = Server::start(&["--announce-joins"]);
    let mut desk = Desk::join(server.address(), &["--name", "soheil", "--bell"]);
    desk.expect(&[GREETING, "> "]);
    let ali = server.join("ali");
    ali.say("nobody");
    ali.say("hi Soheil");
    desk.expect(&[
        "ali is joined to the chatroom!",
        "ali: nobody",
        "ali: hi Soheil",
        "> ",
    ]);
    desk.enter("hi");
    desk.expect(&["ali: hi Soheil", "you: hi", "> "]);
    let cell = |row: u16, column: u16| desk.screen().cell(row, column).unwrap().clone();
    assert!(cell(3, 0).dim(), "a coming");
    let colour = cell(4, 0).fgcolor();
    assert_ne!(colour, Color::Default, "a name");
    assert_eq!(cell(5, 0).fgcolor(), colour, "the same name");
    assert_eq!(cell(4, 5).fgcolor(), Color::Default, "what it says");
    assert!(cell(5, 8).inverse() && !cell(5, 5).inverse(), "a mention");
    assert!(cell(6, 0).bold() && !cell(6, 5).bold(), "ourselves");
    assert_eq!(memchr::memchr_iter(7, &desk.written).count(), 1, "one bell");
}

#[test]
fn no_colour_where_none_is_wanted_and_mentions_stand_out_still() {
    let server = Server::start(&["--announce-joins"]);
    let address = server.address().to_string();
    for (flags, variable) in [
        (&["--color", "never"][..], "NO_MATTER"),
        (&[], "NO_COLOR"),
        (&["--color", "always"], "NO_COLOR"),
    ] {
        let mut command = chatroom();
        command
            .args(["join", &address, "--name", "soheil"])
            .args(flags);
        command.env(variable, "1");
        let mut desk = Desk::run(&command, 24, 80);
        desk.expect(&[GREETING, "> "]);
        let ali = server.join("ali");
        ali.say("hi soheil");
        desk.expect(&["ali: hi soheil", "> "]);
        let coloured = desk
            .written
            .windows(2)
            .any(|pair| pair[0] == b'[' && pair[1] == b'3');
        assert_eq!(coloured, flags.contains(&"always"), "{flags:?}");
        let row = u16::try_from(desk.rows().len()).unwrap() - 2;
        let mention = desk.screen().cell(row, 8).unwrap();
        assert!(mention.inverse(), "{flags:?}");
        desk.press("\x04");
        assert_eq!(desk.exit_code(), 0);
    }
}

#[test]
fn twenty_names_have_twenty_colours_and_keep_them() {
    let server = Server::start(&[]);
    for colorterm in ["", "truecolor"] {
        let mut command = chatroom();
        command.args(["join", &server.address().to_string(), "--name", "soheil"]);
        command.env("COLORTERM", colorterm);
        let mut desk = Desk::run(&command, 40, 80);
        desk.expect(&[GREETING, "> "]);
        let peers: Vec<_> = (0..20).map(|n| server.join(&format!("n{n}"))).collect();
        for (number, peer) in peers.iter().enumerate() {
            peer.say("hi");
            desk.expect(&[&format!("n{number}: hi"), "> "]);
        }
        let colour = |desk: &Desk, row: usize| {
            let cell = desk.screen().cell(u16::try_from(row).unwrap(), 0);
            format!("{:?}", cell.unwrap().fgcolor())
        };
        let first = desk.rows().len() - 1 - peers.len();
        let colours: std::collections::BTreeSet<_> =
            (first..first + 20).map(|row| colour(&desk, row)).collect();
        assert_eq!(colours.len(), 20, "{colours:?}");
        let deep = colours.iter().all(|colour| colour.contains("Rgb"));
        assert_eq!(deep, colorterm == "truecolor", "{colours:?}");
        peers[0].say("/nick renamed");
        peers[0].say("again");
        desk.expect(&["n0 is now known as renamed!", "renamed: again", "> "]);
        let last = desk.rows().len() - 2;
        assert_eq!(colour(&desk, last), colour(&desk, first), "kept");
    }
}

#[test]
fn a_dumb_terminal_gets_plain_lines() {
    let server = Server::start(&[]);
    let mut command = chatroom();
    command.args(["join", &server.address().to_string(), "--name", "soheil"]);
    command.env("TERM", "dumb");
    let mut desk = Desk::run(&command, 24, 80);
    desk.expect_row(GREETING);
    let ali = server.join("ali");
    ali.say("hi");
    desk.expect_row("ali: hi");
    assert!(!desk.written.contains(&0x1b));
    desk.press("\x04");
    assert_eq!(desk.exit_code(), 0);
}

#[test]
fn times_stand_before_lines() {
    let server = Server::start(&[]);
    let mut desk = Desk::join(server.address(), &["--name", "soheil", "--timestamps"]);
    desk.wait_until("we are in", |desk| desk.rows().len() == 4);
    let ali = server.join("ali");
    ali.say("hi");
    desk.wait_until("a time, then the line", |desk| {
        let rows = desk.rows();
        let stamped = rows.iter().find_map(|row| row.strip_suffix(" ali: hi"));
        stamped.is_some_and(|time| time.len() == 5 && time.as_bytes()[2] == b':')
    });
}

#[test]
fn names_complete_and_a_paste_waits_for_enter() {
    let server = Server::start(&[]);
    let mut ali = server.join("ali");
    let mut desk = Desk::join(server.address(), &["--name", "soheil"]);
    desk.expect(&[GREETING, "* Here (2): ali, soheil", "> "]);
    desk.enter("/who");
    desk.expect(&["* Here (2): ali, soheil", "> "]);
    desk.press("a\t");
    desk.expect(&["* Here (2): ali, soheil", "> ali: "]);
    desk.press("\x1b[200~one\ntwo\nthree\x1b[201~");
    desk.expect(&["> ali: one", "| two", "| three"]);
    desk.enter("");
    desk.expect(&["you: ali: one", "you: two", "you: three", "> "]);
    for line in ["soheil: ali: one", "soheil: two", "soheil: three"] {
        ali.expect(line);
    }
    desk.press("\x12wo");
    desk.wait_until("the search finds it", |desk| {
        desk.rows().iter().any(|row| row == "(search: wo) ali: one")
    });
}

#[test]
fn everything_typed_at_once_is_sent_in_its_turn() {
    let mut server = Server::start(&[]);
    let mut desk = Desk::join(server.address(), &[]);
    desk.wait_until("the client takes keys", |desk| {
        desk.screen().bracketed_paste()
    });
    // Before the prompt, perhaps: the first line is the name, and leaving waits for the rest.
    desk.press("soheil\rone\rtwo\r\x04");
    assert_eq!(desk.exit_code(), 0);
    server.expect_log("soheil said one");
    server.expect_log("soheil said two");
    server.expect_log("soheil has left the chatroom!");
}
