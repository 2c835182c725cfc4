//! Signals: how the server ends, and how it goes on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says why it is skipped"
)]

mod common;

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
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
        Self::with(&[])
    }

    fn with(flags: &[&str]) -> Self {
        let server = Server::start(&[&["--rate", "0"], flags].concat());
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

#[test]
fn the_grace_is_as_long_as_it_is_told() {
    let mut room = StuckRoom::with(&["--grace", "1"]);
    let start = room.begin_closing();
    assert_eq!(room.server.wait().code(), Some(0));
    let took = start.elapsed();
    assert!(took > Duration::from_millis(900), "ended after {took:?}");
    assert!(took < Duration::from_secs(4), "ended after {took:?}");
}

#[test]
fn a_lame_duck_lets_nobody_in_and_those_who_are_there_talk_on() {
    let mut server = Server::start(&["--lame-duck", "300"]);
    let mut ali = server.join("ali");
    let mut bob = server.join("bob");
    let mut stranger = server.connect();
    stranger.expect(PROMPT);
    server.signal(Signal::TERM);
    for peer in [&mut ali, &mut bob] {
        peer.expect("* The chatroom closes in 300 s.");
    }
    let refused = TcpStream::connect(server.address()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    ali.say("so long");
    bob.expect("ali: so long");
    // HUP changes nothing about it.
    server.signal(Signal::HUP);
    bob.say("and thanks");
    ali.expect("bob: and thanks");
    server.signal(Signal::INT);
    expect_closing(&mut ali);
    expect_closing(&mut bob);
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn a_lame_duck_ends_by_itself() {
    let mut server = Server::start(&["--lame-duck", "1"]);
    let mut ali = server.join("ali");
    let start = Instant::now();
    server.signal(Signal::TERM);
    ali.expect("* The chatroom closes in 1 s.");
    expect_closing(&mut ali);
    assert_eq!(server.wait().code(), Some(0));
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[test]
fn the_third_signal_ends_a_lame_duck_at_once() {
    let mut room = StuckRoom::with(&["--lame-duck", "300", "--grace", "300"]);
    room.server.signal(Signal::TERM);
    room.listener.expect("* The chatroom closes in 300 s.");
    room.server.signal(Signal::TERM);
    expect_closing(&mut room.listener);
    room.server.signal(Signal::TERM);
    room.server.wait();
    let log = room.server.texts().join("\n");
    assert!(log.contains("Closing at once: 1 connections"), "{log}");
}

/// How many lines are said while signals come.
const LINES: usize = 20_000;

#[test]
fn signals_that_end_nothing_lose_nothing_under_load() {
    let server = Server::start(&["--rate", "0"]);
    let mut ears = server.join("ears");
    let talker = server.join("talker");
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..LINES {
                talker.say(number.to_string());
            }
        });
        for number in 0..LINES {
            if number % 1000 == 0 {
                // Twice each, at once.
                for signal in [Signal::HUP, Signal::USR1, Signal::HUP, Signal::USR1] {
                    server.signal(signal);
                }
            }
            ears.expect(&format!("talker: {number}"));
        }
    });
}

#[test]
fn a_signal_to_end_under_load_loses_nothing_that_was_said_before() {
    let mut server = Server::start(&["--rate", "0", "--grace", "60"]);
    let mut ears = server.join("ears");
    let mut talker = server.join("talker");
    let before: Vec<_> = (0..LINES).map(|number| number.to_string()).collect();
    talker.say(before.join("\n"));
    // The answer says that all before it was heard.
    talker.say("/who");
    talker.expect_notice("ears");
    for signal in [Signal::HUP, Signal::TERM, Signal::HUP] {
        server.signal(signal);
    }
    for number in before {
        ears.expect(&format!("talker: {number}"));
    }
    expect_closing(&mut ears);
    expect_closing(&mut talker);
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn a_storm_of_newcomers_keeps_no_signal_from_ending_the_room() {
    for signals in [
        &[Signal::TERM][..],
        &[Signal::TERM, Signal::INT],
        &[Signal::HUP, Signal::HUP, Signal::TERM, Signal::TERM],
    ] {
        let mut server = Server::start(&["--log-level", "info"]);
        let address = server.address();
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            for storm in 0..2 {
                let stop = &stop;
                scope.spawn(move || {
                    // Bounded: a connection each, given up when nobody listens any more.
                    for number in 0..20_000 {
                        let Ok(mut stream) = TcpStream::connect(address) else {
                            break;
                        };
                        if number % 3 == 0 {
                            // It may have been cut off.
                            stream
                                .write_all(format!("s{storm}x{number}\n").as_bytes())
                                .ok();
                        }
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                    }
                });
            }
            let mut ali = server.join("ali");
            ali.say("/who");
            while !ali.line().starts_with("* Here") {}
            for &signal in signals {
                server.signal(signal);
            }
            assert_eq!(server.wait().code(), Some(0), "{signals:?}");
            stop.store(true, Ordering::Relaxed);
        });
    }
}
