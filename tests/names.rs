//! Names: which are refused with a reason and asked for again, which are accepted, and that two
//! people never hold names that look the same.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says why it is skipped"
)]

mod common;

use common::{PROMPT, Server};

/// Gives every name of `names` in turn; each must be answered with a notice and the prompt.
#[track_caller]
fn assert_refused<N: AsRef<[u8]>>(server: &Server, names: impl IntoIterator<Item = N>) {
    let mut peer = server.connect();
    peer.expect(PROMPT);
    for name in names {
        let name = name.as_ref();
        peer.say(name);
        let notice = peer.line();
        let shown = String::from_utf8_lossy(name);
        assert!(
            notice.starts_with("* "),
            "{shown:?} was answered {notice:?}"
        );
        assert_eq!(peer.line(), PROMPT, "after {shown:?} and {notice:?}");
    }
    // None of the refused names was half taken, and the connection is as good as new.
    peer.enter("somebody-else");
}

#[test]
fn names_that_could_deceive_are_refused_with_a_reason_and_asked_again() {
    let server = Server::start(&[]);
    let too_long = "a".repeat(33);
    let too_long_in_any_script = "س".repeat(33);
    assert_refused(
        &server,
        [
            "Bob: hi",
            "bob:",
            ":bob",
            "bob：hi",
            "a b",
            " ali",
            "ali ",
            "ali\u{a0}",
            "a\u{3000}b",
            "a\tb",
            "/ali",
            "*ali",
            "-ali",
            "_ali",
            "@ali",
            "!",
            "\u{1f600}ali",
            "\u{301}ali",
            "\u{64b}ali",
            "\u{200d}ali",
            "a\u{200b}li",
            "a\u{feff}li",
            "a\u{202e}ila",
            "a\u{2066}li",
            "a\u{ad}li",
            "\u{1b}[31mali",
            "a\u{7}li",
            "a\u{7f}li",
            "a\u{85}li",
            "a\u{2028}li",
            "ali has left the chatroom!",
            "* The chatroom is closing.",
            too_long.as_str(),
            too_long_in_any_script.as_str(),
        ],
    );
}

#[test]
fn names_that_are_not_utf8_are_refused() {
    let server = Server::start(&[]);
    assert_refused(
        &server,
        [&b"ali\xc3"[..], b"\x80ali", b"a\xc0\xafli", b"\xf8ali"],
    );
}

#[test]
fn a_name_longer_than_a_line_may_be_is_refused() {
    let server = Server::start(&[]);
    assert_refused(&server, ["a".repeat(5000)]);
}

#[test]
fn names_of_any_script_are_accepted_and_shown_as_given() {
    let server = Server::start(&[]);
    let mut listener = server.join("listener");
    let longest = "a".repeat(32);
    let longest_in_any_script = "س".repeat(32);
    for name in [
        "سهیل",
        "李雷",
        "Zoë",
        "r2-d2",
        "X",
        "7of9",
        "O'Neil",
        "anna.b_c",
        "Δημήτρης",
        "ऋषि",
        longest.as_str(),
        longest_in_any_script.as_str(),
    ] {
        let mut peer = server.join(name);
        peer.say("hello");
        listener.expect(&format!("{name}: hello"));
        peer.finish();
        listener.expect(&format!("{name} has left the chatroom!"));
    }
}

#[test]
fn a_refused_name_never_becomes_a_member() {
    let mut server = Server::start(&["--announce-joins"]);
    let mut ali = server.join("ali");
    assert_refused(&server, ["a b"]);
    ali.expect("somebody-else is joined to the chatroom!");
    ali.expect("somebody-else has left the chatroom!");
    let texts = server.stop();
    assert!(
        !texts.iter().any(|text| text.starts_with("a b ")),
        "{texts:?}"
    );
}

#[test]
fn two_people_never_hold_names_that_look_the_same() {
    let server = Server::start(&[]);
    for (held, lookalikes) in [
        (
            "ali",
            &[
                "ali",
                "ALI",
                "Ali",
                // Full width.
                "ａｌｉ",
                "ＡＬＩ",
                // Cyrillic а, small and capital; і of Ukrainian.
                "\u{430}li",
                "\u{410}LI",
                "al\u{456}",
                // Zero width joiner, non-joiner and space; combining grapheme joiner.
                "a\u{200d}li",
                "a\u{200c}li",
                "al\u{200b}i",
                "al\u{34f}i",
                // Digit one, capital i and dotless i.
                "a1i",
                "aIi",
                "al\u{131}",
            ][..],
        ),
        // One combining mark or one letter: the same sight.
        ("Zoë", &["Zoe\u{308}", "ZOË", "zoe\u{308}"]),
        ("zoe\u{301}", &["zoé", "ZOÉ"]),
        // Greek final sigma folds to sigma.
        ("οδος", &["ΟΔΟΣ", "οδοσ"]),
        ("Straße", &["STRASSE", "strasse"]),
        // Farsi yeh and alef maksura are the same sight at the end of a word.
        ("علی", &["عل\u{649}"]),
        ("r2-d2", &["R2-D2", "r2\u{2010}d2"]),
    ] {
        let mut holder = server.join(held);
        assert_refused(&server, lookalikes);
        holder.expect("somebody-else has left the chatroom!");
        holder.finish();
    }
}

#[test]
fn a_name_is_free_again_when_its_holder_has_left() {
    let server = Server::start(&[]);
    let mut listener = server.join("listener");
    for name in ["ali", "ALI", "\u{430}li"] {
        let mut holder = server.join(name);
        holder.finish();
        listener.expect(&format!("{name} has left the chatroom!"));
    }
}

#[test]
fn a_name_may_come_in_pieces_and_with_telnets_line_ends() {
    let server = Server::start(&[]);
    for (number, end) in ["\n", "\r\n", "\r\0"].into_iter().enumerate() {
        let mut peer = server.connect();
        peer.expect(PROMPT);
        let name = format!("سهیل{number}");
        for byte in name.bytes().chain(end.bytes()) {
            peer.send([byte]);
        }
        peer.expect(common::GREETING);
    }
}

#[test]
fn empty_lines_before_the_name_are_ignored() {
    let server = Server::start(&[]);
    let mut peer = server.connect();
    peer.expect(PROMPT);
    peer.send("\n\r\n\nali\n");
    peer.expect(common::GREETING);
}
