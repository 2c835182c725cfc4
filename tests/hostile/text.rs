//! What people type can't move a cursor, forge a line or pile up on others' screens.

use crate::common::{GREETING, PROMPT, Peer, Server};

/// Fails if `text` could do harm on a terminal.
#[track_caller]
fn assert_safe(text: &str) {
    let harmful = |c: char| {
        (c.is_control() && c != '\t')
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    assert!(!text.contains(harmful), "not safe to show: {text:?}");
}

/// Sequences that do something to some terminal, and bytes that begin one.
fn corpus() -> Vec<Vec<u8>> {
    let sequences: [&[u8]; 24] = [
        b"\x1b[2J\x1b[H",
        b"\x1b[31mred\x1b[0m",
        b"\x1b[1A\x1b[2Kbob: overwritten",
        b"\x1b[6n",
        b"\x1b[?1049h",
        b"\x1b[20t\x1b[21t",
        b"\x1b]0;title\x07",
        b"\x1b]2;title\x1b\\",
        b"\x1b]8;;http://example.org\x1b\\link\x1b]8;;\x1b\\",
        b"\x1b]52;c;aGVsbG8=\x07",
        b"\x1bP$q q\x1b\\",
        b"\x1bP+q544e\x1b\\",
        b"\x1b_apc\x1b\\\x1b^pm\x1b\\\x1bXsos\x1b\\",
        b"\x1bc\x1b7\x1b8\x1b(0",
        b"\x9b31mred",
        b"\x9d0;title\x9c",
        b"\x90q\x9c",
        b"\xc2\x9b31mred\xc2\x9d0;title\xc2\x9c",
        b"\x05\x07",
        b"x\rbob: send money",
        b"x\r\rbob: send money",
        b"x\x08\x08\x08\x08\x08\x08bob: hi",
        b"\xe2\x80\xaeyenom dnes\xe2\x80\xa8bob: hi",
        b"\x0e\x0f\x0b\x0cbob: hi",
    ];
    let mut corpus: Vec<Vec<u8>> = sequences.iter().map(|s| s.to_vec()).collect();
    corpus.extend((0..=255).map(|byte| vec![b'a', byte, b'z']));
    corpus.extend((0x80..=0x9f).map(|byte| vec![b'a', 0xc2, byte, b'z']));
    corpus
}

/// Somebody hostile, and somebody who hears it.
struct Room {
    server: Server,
    ali: Peer,
    bob: Peer,
    /// Says to himself what parts two pieces.
    carl: Peer,
    marks: usize,
}

impl Room {
    fn new() -> Self {
        let server = Server::start(&["--rate", "0"]);
        let (ali, bob, carl) = (server.join("ali"), server.join("bob"), server.join("carl"));
        Self {
            server,
            ali,
            bob,
            carl,
            marks: 0,
        }
    }

    /// Returns what bob hears of what ali has sent so far.
    #[track_caller]
    fn heard(&mut self) -> Vec<String> {
        self.marks += 1;
        self.ali.say(format!("\nmark {}", self.marks));
        self.bob.lines_before(&format!("ali: mark {}", self.marks))
    }

    /// Sends `line` in two pieces, which the server reads apart.
    fn send_cut(&mut self, line: &[u8], cut: usize) {
        self.ali.send(&line[..cut]);
        self.part();
        self.ali.send(&line[cut..]);
    }

    /// Returns when the server has read all that was sent before, and lets nobody else hear it.
    fn part(&mut self) {
        self.carl.say("/msg carl between");
        self.carl.lines_before("* Your message reached carl.");
    }

    /// Sends `line`, whole and cut at each byte; all that bob hears of it must begin so.
    fn assert_starts(&mut self, line: &[u8], start: &str) {
        for cut in 0..=line.len() {
            self.send_cut(line, cut);
            let heard = self.heard();
            assert!(!heard.is_empty(), "nothing of {line:?} was heard");
            for (number, text) in heard.iter().enumerate() {
                // What comes behind a line end in the sequence is talk.
                let start = if number == 0 { start } else { "ali: " };
                assert!(text.starts_with(start), "{text:?} of {line:?}");
                assert_safe(text);
            }
        }
    }
}

#[test]
fn no_sequence_reaches_a_terminal_in_text_and_me_and_msg() {
    let mut room = Room::new();
    for (command, start) in [
        ("x", "ali: x"),
        ("/me x", "* ali x"),
        ("/msg bob x", "ali (privately): x"),
    ] {
        for sequence in corpus() {
            room.assert_starts(&[command.as_bytes(), &sequence, b"\n"].concat(), start);
        }
    }
}

#[test]
fn no_sequence_reaches_a_terminal_in_a_name() {
    let mut room = Room::new();
    let mut newcomer = room.server.connect();
    newcomer.expect(PROMPT);
    for sequence in corpus().into_iter().filter(|s| !s.contains(&b'\n')) {
        for cut in 0..=sequence.len() {
            newcomer.send(&sequence[..cut]);
            room.part();
            newcomer.send(&sequence[cut..]);
            newcomer.send("\n");
            let answer = newcomer.line();
            assert_safe(&answer);
            if answer == GREETING {
                newcomer.say("hello");
                let line = room.bob.line();
                assert!(line.ends_with(": hello"));
                assert_safe(&line);
                newcomer.finish();
                assert_safe(&room.bob.line());
                assert_safe(&room.ali.line());
                assert_safe(&room.ali.line());
                newcomer = room.server.connect();
            } else {
                assert!(answer.starts_with("* That name "), "{answer}");
            }
            newcomer.expect(PROMPT);
        }
    }
}

#[test]
fn no_sequence_reaches_a_terminal_in_a_new_name() {
    let mut room = Room::new();
    for sequence in corpus().into_iter().filter(|s| !s.contains(&b'\n')) {
        let line = [b"/nick n", &sequence[..], b"\n"].concat();
        for cut in 0..=line.len() {
            room.send_cut(&line, cut);
            let answer = room.ali.line();
            assert_safe(&answer);
            if let Some(name) = answer.strip_prefix("* You are now known as ") {
                let name = name.strip_suffix('.').unwrap();
                assert_eq!(
                    room.bob.line(),
                    format!("ali is now known as {name}!"),
                    "{line:?}"
                );
                room.ali.say("/nick ali");
                room.ali.expect("* You are now known as ali.");
                assert_eq!(room.bob.line(), format!("{name} is now known as ali!"));
            } else {
                assert!(answer.starts_with("* That name "), "{answer}");
            }
        }
    }
    assert_eq!(room.heard(), [""; 0]);
}

/// Lines that only the server, or bob, may say.
const OTHERS_LINES: [&str; 10] = [
    "bob has left the chatroom!",
    "bob is joined to the chatroom!",
    "bob is now known as ali!",
    "bob: hi",
    "* bob waves",
    "* The chatroom is closing.",
    "bob (privately): hi",
    PROMPT,
    GREETING,
    "* Your line was not sent: it is longer than 4096 bytes.",
];

#[test]
fn no_text_and_no_name_makes_the_line_of_somebody_else() {
    let mut room = Room::new();
    for line in OTHERS_LINES {
        for (command, start) in [
            ("", "ali: "),
            ("/me ", "* ali "),
            ("/msg carl ", "ali (privately): "),
        ] {
            room.ali.say(format!("{command}{line}"));
            room.carl.expect(&format!("{start}{line}"));
            room.ali.say(format!("{command}\r{line}"));
            room.carl.expect(&format!("{start}\u{fffd}{line}"));
            if start.contains("privately") {
                room.ali.expect("* Your message reached carl.");
                room.ali.expect("* Your message reached carl.");
            }
        }
    }
    let likenesses = [
        "BOB",
        "Bob",
        "b\u{43e}b",
        "bob\u{200b}",
        "bob\u{200d}",
        "b\u{2060}ob",
        "bob\u{feff}",
        "\u{ff42}\u{ff4f}\u{ff42}",
        "b\u{3bf}b",
        "",
        " ",
        "bob ",
        "bob:",
        "bob\u{a789}",
        "bob\u{ff1a}",
        "*",
        "The",
        "server",
        "chatroom",
        "bob(privately)",
    ];
    for name in OTHERS_LINES.into_iter().chain(likenesses) {
        room.ali.say(format!("/nick {name}"));
        let answer = room.ali.line();
        assert!(answer.starts_with("* "), "{answer}");
        assert!(!answer.starts_with("* You are "), "{name:?}: {answer}");
        if !name.is_empty() {
            let mut newcomer = room.server.connect();
            newcomer.expect(PROMPT);
            newcomer.say(name);
            newcomer.expect_notice("That name ");
            newcomer.expect(PROMPT);
        }
    }
    room.ali.say("done");
    room.carl.expect("ali: done");
}

#[test]
fn what_cannot_be_seen_and_what_piles_up_is_bounded() {
    let mut room = Room::new();
    for (mark, max) in [
        ("\u{301}", 8),
        ("\u{200d}", 8),
        ("\u{200b}", 8),
        ("\u{feff}", 8),
        ("\u{e0061}", 8),
        ("\u{20dd}", 8),
        ("\u{202e}", usize::MAX),
        ("\u{2066}", usize::MAX),
    ] {
        let line = format!("a{}z", mark.repeat(1000));
        room.ali.say(&line);
        let heard = room.heard();
        let [heard] = &heard[..] else {
            panic!("one line: {heard:?}");
        };
        assert_safe(heard);
        let marks = heard.chars().filter(|&c| mark.starts_with(c)).count();
        assert!(marks <= max, "{marks} times {mark:?}");
        assert!(heard.len() <= "ali: az".len() + 3 * line.len());
        // Cut within its characters: whatever the pieces, the same line comes out.
        room.send_cut(format!("{line}\n").as_bytes(), line.len() / 2);
        assert_eq!(room.heard(), std::slice::from_ref(heard));
        room.ali.say(format!("/nick a{}", mark.repeat(5)));
        let answer = room.ali.line();
        assert!(answer.starts_with("* That name "), "{answer}");
        assert_safe(&answer);
    }
    assert_eq!(room.heard(), [""; 0]);
}
