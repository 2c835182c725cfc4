//! Signals: how the server ends, and how it goes on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says why it is skipped"
)]

mod common;

use std::time::{Duration, Instant};

use common::{CLOSING, PROMPT, Peer, Server, Signal};

/// Waits until `peer` is told that the room closes, and then nothing more.
#[track_caller]
fn expect_closing(peer: &mut Peer) {
    peer.expect(CLOSING);
    peer.expect_end();
}

#[test]
fn a_signal_closes_the_room_for_everybody() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut server = Server::start(&[]);
        let mut ali = server.join("ali");
        let mut bob = server.join("bob");
        let mut stranger = server.connect();
        stranger.expect(PROMPT);
        ali.send("unfinished");
        bob.say("one moment");
        ali.expect("bob: one moment");
        server.signal(signal);
        expect_closing(&mut ali);
        expect_closing(&mut bob);
        let line = stranger.line_or_end();
        assert!(line.is_none_or(|line| line == CLOSING));
        assert_eq!(server.wait().code(), Some(0), "{signal:?}");
    }
}

#[test]
fn the_server_says_how_it_goes_when_asked_and_at_the_end() {
    let mut server = Server::start(&["--max-connections", "2"]);
    let (mut ali, mut bob) = (server.join("ali"), server.join("bob"));
    server.connect().expect_notice("full");
    bob.finish();
    ali.expect("bob has left the chatroom!");
    server.signal(Signal::USR1);
    let reports: Vec<_> = server
        .stop()
        .iter()
        .filter_map(|text| text.split_once("; longest turn "))
        .map(|(report, _)| report.to_owned())
        .collect();
    assert_eq!(
        reports,
        [
            "1 connections, 1 in the room; so far 1 turned away, ended: 1 closed",
            "0 connections, 0 in the room; so far 1 turned away, ended: 1 closed, 1 server closing",
        ]
    );
}

/// A room with a member who is owed more than the kernel's buffers hold.
struct StuckRoom {
    server: Server,
    listener: Peer,
    stuck: Peer,
}

/// How many lines a stuck member is owed, and how long each is.
const OWED_LINES: usize = 1500;
const LINE_BYTES: usize = 4000;

impl StuckRoom {
    fn new() -> Self {
        let server = Server::start(&["--rate", "0"]);
        let stuck = server.join("stuck");
        socket2::SockRef::from(stuck.stream())
            .set_recv_buffer_size(64 * 1024)
            .unwrap();
        let mut listener = server.join("listener");
        let talker = server.join("talker");
        let line = "x".repeat(LINE_BYTES);
        for _ in 0..OWED_LINES {
            talker.say(&line);
            listener.expect(&format!("talker: {line}"));
        }
        drop(talker);
        listener.expect("talker has left the chatroom!");
        Self {
            server,
            listener,
            stuck,
        }
    }

    /// Sends a first SIGTERM and returns when the listener has been told.
    fn begin_closing(&mut self) -> Instant {
        let start = Instant::now();
        self.server.signal(Signal::TERM);
        expect_closing(&mut self.listener);
        start
    }
}

#[test]
fn what_is_owed_is_sent_before_the_end() {
    let mut room = StuckRoom::new();
    room.begin_closing();
    let line = format!("talker: {}", "x".repeat(LINE_BYTES));
    for _ in 0..OWED_LINES {
        room.stuck.expect(&line);
    }
    room.stuck.expect("talker has left the chatroom!");
    expect_closing(&mut room.stuck);
    assert_eq!(room.server.wait().code(), Some(0));
}

#[test]
fn the_end_waits_for_nobody_longer_than_five_seconds() {
    let mut room = StuckRoom::new();
    let start = room.begin_closing();
    assert_eq!(room.server.wait().code(), Some(0));
    let took = start.elapsed();
    assert!(took > Duration::from_secs(4), "ended after {took:?}");
    assert!(took < Duration::from_secs(9), "ended after {took:?}");
}

#[test]
fn a_second_signal_ends_at_once() {
    let mut room = StuckRoom::new();
    let start = room.begin_closing();
    room.server.signal(Signal::TERM);
    room.server.wait();
    let took = start.elapsed();
    assert!(took < Duration::from_secs(4), "ended after {took:?}");
}
