//! The talk: who hears what, in which order, and what a line may hold.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says why it is skipped"
)]

mod common;

use common::{GREETING, PROMPT, Server};

#[test]
fn a_line_reaches_everybody_else_and_not_its_sender() {
    let server = Server::start(&[]);
    let mut ali = server.join("ali");
    let mut bob = server.join("bob");
    let mut eve = server.join("eve");
    ali.say("hello");
    bob.expect("ali: hello");
    eve.expect("ali: hello");
    bob.say("hi");
    ali.expect("bob: hi");
    eve.expect("bob: hi");
}

#[test]
fn who_has_no_name_yet_hears_nothing_and_leaves_unnoticed() {
    let mut server = Server::start(&["--announce-joins"]);
    let mut stranger = server.connect();
    stranger.expect(PROMPT);
    let mut visitor = server.connect();
    visitor.expect(PROMPT);
    let mut ali = server.join("ali");
    let mut bob = server.join("bob");
    ali.expect("bob is joined to the chatroom!");
    ali.say("a secret");
    bob.expect("ali: a secret");
    assert_eq!(visitor.finish(), format!("{PROMPT}\n").into_bytes());
    // The visitor's end was dealt with: it got its own end of stream.
    bob.say("another");
    ali.expect("bob: another");
    stranger.enter("eve");
    ali.expect("eve is joined to the chatroom!");
    ali.say("welcome");
    stranger.expect("ali: welcome");
    let texts = server.stop();
    let mut left = texts
        .iter()
        .filter_map(|text| text.strip_suffix(" has left the chatroom!"));
    assert!(
        left.all(|name| ["ali", "bob", "eve"].contains(&name)),
        "{texts:?}"
    );
}

#[test]
fn many_lines_in_one_write_are_as_many_messages() {
    let server = Server::start(&[]);
    let ali = server.join("ali");
    let mut bob = server.join("bob");
    ali.send("one\ntwo\r\n\n\r\nthree\n");
    for line in ["ali: one", "ali: two", "ali: three"] {
        bob.expect(line);
    }
}

#[test]
fn one_line_in_one_byte_writes_is_one_message() {
    let server = Server::start(&[]);
    let ali = server.join("ali");
    let mut bob = server.join("bob");
    for byte in "سلام 李雷 👩\u{200d}👩\u{200d}👧\r\n".bytes() {
        ali.send([byte]);
    }
    bob.expect("ali: سلام 李雷 👩\u{200d}👩\u{200d}👧");
}

#[test]
fn a_name_and_lines_in_one_write_all_count() {
    let server = Server::start(&[]);
    let mut bob = server.join("bob");
    let mut ali = server.connect();
    ali.send("ali\nhello\nbye");
    let screen = ali.finish();
    assert_eq!(screen, format!("{PROMPT}\n{GREETING}\n").into_bytes());
    bob.expect("ali: hello");
    bob.expect("ali: bye");
    bob.expect("ali has left the chatroom!");
}

#[test]
fn everybody_hears_everything_in_the_same_order() {
    const LINES: usize = 200;
    let server = Server::start(&[]);
    let mut ears = [server.join("ear"), server.join("other-ear")];
    let mouths = ["ali", "bob", "eve"].map(|name| (name, server.join(name)));
    for number in 0..LINES {
        for (_, mouth) in &mouths {
            mouth.say(number.to_string());
        }
    }
    let count = LINES * mouths.len();
    let heard: Vec<Vec<_>> = ears
        .iter_mut()
        .map(|ear| (0..count).map(|_| ear.line()).collect())
        .collect();
    assert_eq!(heard[0], heard[1]);
    for (name, _) in &mouths {
        let theirs: Vec<_> = heard[0]
            .iter()
            .filter_map(|line| line.strip_prefix(&format!("{name}: ")))
            .collect();
        let wanted: Vec<_> = (0..LINES).map(|number| number.to_string()).collect();
        assert_eq!(theirs, wanted, "{name}'s lines");
    }
}

#[test]
fn carriage_returns_and_telnets_nul_belong_to_the_line_end() {
    let server = Server::start(&[]);
    let ali = server.join("ali");
    let mut bob = server.join("bob");
    ali.send("crlf\r\ncrnul\r\0lf\nboth\r\0\r\nlast\r\0\n");
    for line in [
        "ali: crlf",
        "ali: crnul",
        "ali: lf",
        "ali: both",
        "ali: last",
    ] {
        bob.expect(line);
    }
    // The two bytes of an end apart.
    ali.send("apart\r");
    ali.send("\n");
    bob.expect("ali: apart");
    ali.send("apart again\r");
    ali.send("\0");
    bob.expect("ali: apart again");
}

#[test]
fn a_last_line_without_its_end_counts_after_an_orderly_end() {
    let server = Server::start(&[]);
    let mut ali = server.join("ali");
    let mut bob = server.join("bob");
    ali.send("wait for me\nbye");
    ali.finish();
    bob.expect("ali: wait for me");
    bob.expect("ali: bye");
    bob.expect("ali has left the chatroom!");
}

#[test]
fn an_unfinished_line_of_a_broken_connection_does_not_count() {
    let server = Server::start(&[]);
    let ali = server.join("ali");
    let mut bob = server.join("bob");
    ali.say("whole");
    bob.expect("ali: whole");
    ali.send("half");
    ali.reset();
    bob.expect("ali has left the chatroom!");
}

#[test]
fn no_control_or_bidi_character_reaches_another_screen() {
    let server = Server::start(&[]);
    let ali = server.join("ali");
    let mut bob = server.join("bob");
    let c0 = (0..0x20).filter(|byte| ![b'\t', b'\n', b'\r', 0].contains(byte));
    let c0 = c0.map(char::from);
    let c1 = '\u{7f}'..='\u{9f}';
    let bidi = ('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}');
    let lines = ['\u{2028}', '\u{2029}'];
    for bad in c0.chain(c1).chain(bidi).chain(lines) {
        ali.say(format!("a{bad}b"));
        bob.expect("ali: a\u{fffd}b");
    }
    ali.say("send\rmoney");
    bob.expect("ali: send\u{fffd}money");
    ali.say("a\0b");
    bob.expect("ali: a\u{fffd}b");
}

#[test]
fn text_of_any_script_passes_unchanged() {
    let server = Server::start(&[]);
    let ali = server.join("ali");
    let mut bob = server.join("bob");
    for text in [
        "می\u{200c}خواهم بروم، نمی\u{200c}دانم کِی",
        "👨\u{200d}👩\u{200d}👧 🇮🇷 ❤\u{fe0f}",
        "Zoe\u{308} sagte: tschüß",
        "a\ttab stays",
        " spaces stay  ",
        "नमस्ते दुनिया",
        "ali: not a lie",
        "* not a notice",
    ] {
        ali.say(text);
        bob.expect(&format!("ali: {text}"));
    }
}

#[test]
fn sentences_that_need_what_nobody_sees_pass_unchanged() {
    let server = Server::start(&[]);
    let ali = server.join("ali");
    let mut bob = server.join("bob");
    for text in [
        "می\u{200c}خواهم به خانه\u{200c}ام بروم؛ نمی\u{200c}دانم کِی می\u{200c}رسم.",
        "\u{200f}سلام Ali\u{200e}, خوبی؟",
        "क्\u{200d}ष और क्\u{200c}ष: मैं हिन्दी में लिख रहा हूँ।",
        "👩\u{200d}👩\u{200d}👧\u{200d}👦 ❤\u{fe0f}\u{200d}🔥 1\u{fe0f}\u{20e3} 👍🏽",
        // The flags of England and Wales: emoji tag sequences.
        "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f} 3:1 \
         🏴\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f}",
        "葛\u{e0100}城市, ភាសា\u{200b}ខ្មែរ, ᠮᠣᠩᠭᠣᠯ\u{180e}ᠠ, ⠓⠊⠀⠁⠇⠇",
        "한국말, ㅋㅋㅋ, \u{1112}\u{1161}\u{11ab}",
    ] {
        ali.say(text);
        bob.expect(&format!("ali: {text}"));
    }
}

/// Characters that nobody sees, of each kind there is.
const UNSEEN: [char; 22] = [
    '\u{ad}',
    '\u{34f}',
    '\u{61c}',
    '\u{115f}',
    '\u{1160}',
    '\u{17b4}',
    '\u{180e}',
    '\u{200b}',
    '\u{200d}',
    '\u{200e}',
    '\u{2060}',
    '\u{206f}',
    '\u{2800}',
    '\u{3164}',
    '\u{fe0f}',
    '\u{feff}',
    '\u{ffa0}',
    '\u{fffb}',
    '\u{1bca0}',
    '\u{1d173}',
    '\u{e0001}',
    '\u{e007f}',
];

#[test]
fn a_line_that_nobody_could_see_was_said() {
    let server = Server::start(&[]);
    let ali = server.join("ali");
    let mut bob = server.join("bob");
    for unseen in UNSEEN {
        ali.say(unseen.to_string());
        ali.say(format!("  {}\t\u{a0}", unseen.to_string().repeat(20)));
    }
    ali.say("   ");
    ali.say(String::from_iter(UNSEEN));
    ali.say("seen");
    bob.expect("ali: seen");
}

#[test]
fn a_thousand_characters_that_nobody_sees_went_through() {
    let server = Server::start(&[]);
    let ali = server.join("ali");
    let mut bob = server.join("bob");
    for unseen in UNSEEN {
        ali.say(format!("a{}b", unseen.to_string().repeat(1000)));
        let line = bob.line();
        let count = line.matches(unseen).count();
        assert!(
            line.starts_with("ali: a") && line.ends_with('b'),
            "{line:?}"
        );
        assert!(count <= 8, "{count} times {unseen:?}");
    }
}

#[test]
fn bytes_that_are_not_utf8_are_replaced() {
    let server = Server::start(&[]);
    let ali = server.join("ali");
    let mut bob = server.join("bob");
    ali.say(b"a\xc3 b\x80 c");
    bob.expect("ali: a\u{fffd} b\u{fffd} c");
    // A character cut by the end of the stream.
    ali.send(b"cut \xe2\x82");
    drop(ali);
    bob.expect("ali: cut \u{fffd}");
    bob.expect("ali has left the chatroom!");
}

#[test]
fn a_run_of_combining_marks_is_bounded() {
    let server = Server::start(&[]);
    let ali = server.join("ali");
    let mut bob = server.join("bob");
    ali.say(format!("z{}algo", "\u{301}".repeat(1000)));
    let line = bob.line();
    let marks = line.matches('\u{301}').count();
    assert!(
        line.starts_with("ali: z") && line.ends_with("algo"),
        "{line:?}"
    );
    assert!((1..=64).contains(&marks), "{marks} marks");
}
