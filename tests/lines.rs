//! Limits of a line, and telnet's sequences within one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says why it is skipped"
)]

mod common;

use common::{GREETING, PROMPT, Peer, Server};

/// `--max-line-bytes` unless told otherwise.
const DEFAULT_LIMIT: usize = 4096;

/// Telnet's bytes (RFC 854).
const IAC: u8 = 255;
const DONT: u8 = 254;
const DO: u8 = 253;
const WONT: u8 = 252;
const WILL: u8 = 251;
const SB: u8 = 250;
const NOP: u8 = 241;
const SE: u8 = 240;

/// Pins the limit on `server`: exactly it passes, one byte more does not, the next line does.
fn assert_limit(server: &Server, limit: usize) {
    let mut ali = server.join("ali");
    let mut bob = server.join("bob");
    for end in ["\n", "\r\n", "\r\0"] {
        let exact = "x".repeat(limit);
        ali.send(format!("{exact}{end}"));
        bob.expect(&format!("ali: {exact}"));
        ali.send(format!("{exact}y{end}"));
        ali.expect_notice(&limit.to_string());
        ali.send(format!("next{end}"));
        bob.expect("ali: next");
    }
    // The same in two pieces: what somebody says in between parts them.
    for (more, passes) in [("", true), ("y", false)] {
        let whole = format!("{}{more}", "x".repeat(limit));
        let (head, tail) = whole.split_at(limit / 2);
        ali.send(head);
        bob.say("between");
        ali.expect("bob: between");
        ali.send(format!("{tail}\n"));
        if passes {
            bob.expect(&format!("ali: {whole}"));
        } else {
            ali.expect_notice(&limit.to_string());
        }
    }
    // Bytes count, not characters; what stands in for a bad byte does not count.
    let wide = "é".repeat(limit / 2);
    ali.say(&wide);
    bob.expect(&format!("ali: {wide}"));
    ali.say(format!("{wide}é"));
    ali.expect_notice(&limit.to_string());
    ali.say("\u{7}".repeat(limit));
    bob.expect(&format!("ali: {}", "\u{fffd}".repeat(limit)));
}

#[test]
fn a_line_of_the_default_limit_passes_and_one_byte_more_does_not() {
    assert_limit(&Server::start(&[]), DEFAULT_LIMIT);
}

#[test]
fn a_line_of_another_limit_passes_and_one_byte_more_does_not() {
    assert_limit(&Server::start(&["--max-line-bytes", "600"]), 600);
}

#[test]
fn a_line_too_long_is_answered_once_however_it_comes() {
    let server = Server::start(&[]);
    let mut ali = server.join("ali");
    let mut bob = server.join("bob");
    for _ in 0..50 {
        ali.send("x".repeat(1000));
    }
    ali.say("");
    ali.expect_notice("4096");
    ali.say("short");
    bob.expect("ali: short");
    bob.say("heard");
    ali.expect("bob: heard");
    // The same at the end of the stream.
    ali.send("x".repeat(5000));
    let screen = String::from_utf8(ali.finish()).unwrap();
    assert_eq!(screen.matches("4096").count(), 2, "{screen}");
    bob.expect("ali has left the chatroom!");
}

#[test]
fn lines_that_never_end_cost_no_more_than_the_limit() {
    const PEERS: usize = 100;
    const SENT: usize = 1 << 20;
    let server = Server::start(&[]);
    let mut bob = server.join("bob");
    let mut peers: Vec<Peer> = (0..PEERS)
        .map(|number| server.join(&format!("peer{number}")))
        .collect();
    let chunk = vec![b'x'; 1 << 16];
    let send = |peer: &Peer, bytes: usize| {
        for _ in 0..bytes / chunk.len() {
            peer.send(&chunk);
        }
    };
    // A first one, so that what is allocated once and for all is there.
    send(&peers[0], 4 * SENT);
    peers[0].say("");
    peers[0].expect_notice("4096");
    let before = server.peak_resident_bytes();
    for peer in &peers {
        send(peer, SENT);
    }
    send(&peers[0], 32 * SENT);
    // Everybody's last word comes back to somebody: by then the server has read it all.
    for (number, peer) in peers.iter().enumerate() {
        peer.say("\nstill here");
        bob.expect(&format!("peer{number}: still here"));
    }
    let growth = server.peak_resident_bytes() - before;
    let allowed = PEERS * DEFAULT_LIMIT + (1 << 20);
    assert!(
        growth <= allowed,
        "grew by {growth} bytes, {allowed} allowed"
    );
}

/// Splits what a server sent into telnet sequences of three bytes and the rest.
fn split_replies(bytes: &[u8]) -> (Vec<[u8; 3]>, Vec<u8>) {
    let (mut replies, mut rest) = (Vec::new(), Vec::new());
    let mut bytes = bytes.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte == IAC {
            let mut next = || bytes.next().expect("a whole telnet sequence");
            replies.push([IAC, next(), next()]);
        } else {
            rest.push(byte);
        }
    }
    (replies, rest)
}

#[test]
fn every_telnet_option_is_refused_and_only_once() {
    let server = Server::start(&[]);
    let mut peer = server.connect();
    let all = 0..=255;
    for _ in 0..2 {
        for option in all.clone() {
            peer.send([IAC, WILL, option, IAC, DO, option]);
        }
    }
    peer.send("ali\n");
    let (mut replies, rest) = split_replies(&peer.finish());
    assert_eq!(rest, format!("{PROMPT}\n{GREETING}\n").into_bytes());
    replies.sort_unstable();
    let wonts = all.clone().map(|option| [IAC, WONT, option]);
    let wanted: Vec<_> = wonts.chain(all.map(|option| [IAC, DONT, option])).collect();
    assert_eq!(replies, wanted);
}

#[test]
fn telnets_refusals_are_not_answered() {
    let server = Server::start(&[]);
    let mut peer = server.connect();
    for option in 0..=255 {
        peer.send([IAC, WONT, option, IAC, DONT, option]);
    }
    peer.send("ali\n");
    let wanted = format!("{PROMPT}\n{GREETING}\n");
    assert_eq!(peer.finish(), wanted.into_bytes());
}

#[test]
fn telnet_sequences_are_no_part_of_a_line_wherever_they_are_cut() {
    let server = Server::start(&[]);
    let ali = server.join("ali");
    let mut bob = server.join("bob");
    let line = [
        b"he".as_slice(),
        &[IAC, NOP],
        b"l",
        &[IAC, SB, 24, 0, b'x', IAC, IAC, b'\n', IAC, SE],
        b"l",
        &[IAC, WONT, 31],
        b"o\r\n",
    ]
    .concat();
    for cut in 0..=line.len() {
        ali.send(&line[..cut]);
        ali.send(&line[cut..]);
        bob.expect("ali: hello");
    }
    for byte in &line {
        ali.send([*byte]);
    }
    bob.expect("ali: hello");
}

#[test]
fn no_byte_of_telnet_reaches_another() {
    let server = Server::start(&[]);
    let ali = server.join("ali");
    let mut bob = server.join("bob");
    ali.say([b'a', IAC, IAC, b'b']);
    bob.expect("ali: a\u{fffd}b");
    for command in NOP..SB {
        ali.say([b'a', IAC, command, b'b']);
        bob.expect("ali: ab");
    }
}
