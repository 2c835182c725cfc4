//! Connections that break at every moment: one disconnect each, and nothing stays behind.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use socket2::SockRef;

use crate::common::{PROMPT, Server, Signal};
use crate::measure::{busy_part, descriptors, numbered_lines, wait_until};

/// Closes so that the other side sees a reset.
fn reset(stream: TcpStream) {
    SockRef::from(&stream)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
    drop(stream);
}

fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.address()).unwrap()
}

/// How often the log says exactly `text`.
fn count(server: &mut Server, text: &str) -> usize {
    server.drain_log();
    server.texts().iter().filter(|line| *line == text).count()
}

#[test]
fn thousands_of_resets_leave_nothing_behind() {
    const RESETS: usize = 100_000;
    let mut server = Server::start(&["--max-connections", "40", "--rate", "0"]);
    let (mut ali, mut bob) = (server.join("ali"), server.join("bob"));
    let before = descriptors(&server);
    for number in 0..RESETS {
        let mut stream = connect(&server);
        match number % 4 {
            0 => {}
            1 => stream.write_all(b"no line end").unwrap(),
            2 => stream.write_all(format!("r{number}\n").as_bytes()).unwrap(),
            _ => stream.write_all(b"ali\n\xff\xfb").unwrap(),
        }
        reset(stream);
        if number % 100 == 0 {
            server.drain_log();
            ali.drain();
            bob.drain();
        }
    }
    // Once this one is answered, whether let in or not, all before it have been accepted.
    drop(server.connect().line_or_end());
    wait_until("their descriptors are closed", || {
        server.drain_log();
        ali.drain();
        bob.drain();
        descriptors(&server) == before
    });
    // All places are free: as many as ever can join, and one more can't.
    let crowd: Vec<_> = (0..38).map(|n| server.join(&format!("p{n}"))).collect();
    let mut late = server.connect();
    late.expect_notice("full");
    ali.say("hello");
    bob.lines_before("ali: hello");
    drop(crowd);
    // Who got in before its reset left once; whoever joined has left.
    let log = server.stop();
    let mut here = std::collections::HashSet::new();
    for text in log {
        if let Some(name) = text.strip_suffix(" is joined to the chatroom!") {
            assert!(here.insert(name.to_owned()), "{name} joined twice");
        } else if let Some(name) = text.strip_suffix(" has left the chatroom!") {
            assert!(here.remove(name), "{name} left, but was not here");
        }
    }
    here.retain(|name| name.starts_with('r'));
    assert!(here.is_empty(), "never left: {here:?}");
}

#[test]
fn who_broke_off_before_the_first_write_harms_nobody() {
    let mut server = Server::start(&[]);
    let (mut ali, bob) = (server.join("ali"), server.join("bob"));
    let before = descriptors(&server);
    server.signal(Signal::STOP);
    for number in 0..100 {
        let mut stream = connect(&server);
        if number % 2 == 0 {
            stream.write_all(format!("r{number}\n").as_bytes()).unwrap();
        }
        reset(stream);
    }
    server.signal(Signal::CONT);
    bob.say("hello");
    // Whoever is let in now is let in behind all of them.
    let last = server.join("last");
    wait_until("all are gone", || descriptors(&server) == before + 1);
    bob.say("goodbye");
    drop(last);
    // Whoever was heard before the break left once.
    let heard = ali.lines_before("bob: goodbye");
    let mut left: Vec<_> = heard.iter().filter(|line| *line != "bob: hello").collect();
    assert!(
        left.iter()
            .all(|line| line.ends_with(" has left the chatroom!")),
        "{left:?}"
    );
    let all = left.len();
    left.sort();
    left.dedup();
    assert_eq!(left.len(), all, "somebody left twice");
    server.drain_log();
    let joined =
        |text: &&String| text.starts_with('r') && text.ends_with("is joined to the chatroom!");
    assert_eq!(server.texts().iter().filter(joined).count(), all);
}

#[test]
fn a_half_close_behind_a_line_is_an_orderly_end() {
    let mut server = Server::start(&[]);
    for ending in ["last words\n", "last words"] {
        let (mut ali, mut bob) = (server.join("ali"), server.join("bob"));
        ali.send(ending);
        ali.finish();
        bob.expect("ali: last words");
        bob.expect("ali has left the chatroom!");
        bob.finish();
        server.expect_log("bob has left the chatroom!");
    }
    assert_eq!(count(&mut server, "ali has left the chatroom!"), 2);
    assert!(!server.texts().iter().any(|text| text.contains("cut off")));
}

#[test]
fn a_reset_is_one_disconnect_with_its_reason() {
    let mut server = Server::start(&[]);
    let (ali, mut bob) = (server.join("ali"), server.join("bob"));
    ali.send("not said");
    ali.reset();
    bob.expect("ali has left the chatroom!");
    server.expect_log("ali has left the chatroom!");
    assert_eq!(count(&mut server, "ali is cut off: connection broken"), 1);
    assert_eq!(count(&mut server, "ali has left the chatroom!"), 1);
    let dan = server.join("dan");
    dan.say("hello");
    bob.expect("dan: hello");
}

#[test]
fn an_end_with_unread_data_is_one_disconnect_and_loses_no_line() {
    let mut server = Server::start(&["--rate", "0"]);
    let mut bob = server.join("bob");
    for round in 0..20 {
        // The peer has not read what it was sent: its kernel makes a reset of the close.
        let ali = server.join("ali");
        bob.say("read this");
        let peeked = || ali.stream().peek(&mut [0]).is_ok();
        wait_until("it is there to be read", peeked);
        ali.say("said before the end");
        ali.stream().shutdown(Shutdown::Write).unwrap();
        drop(ali);
        bob.expect("ali: said before the end");
        bob.expect("ali has left the chatroom!");
        server.expect_log("ali has left the chatroom!");
        assert_eq!(count(&mut server, "ali has left the chatroom!"), round + 1);
        // The server has not read what the peer sent before it closed.
        server.signal(Signal::STOP);
        let mut stream = connect(&server);
        let lines = numbered_lines(50);
        stream
            .write_all(format!("carl\n{lines}").as_bytes())
            .unwrap();
        drop(stream);
        server.signal(Signal::CONT);
        for number in 0..50 {
            bob.expect(&format!("carl: line {number}"));
        }
        bob.expect("carl has left the chatroom!");
    }
}

/// What others said made the next write to it fail, and then the rest of its lines was dropped.
#[test]
fn a_paced_sender_that_closes_is_heard_to_its_end_though_others_speak() {
    let server = Server::start(&["--rate", "20", "--burst", "20"]);
    let (ali, mut bob, talker) = (
        server.join("ali"),
        server.join("bob"),
        server.join("talker"),
    );
    ali.send(numbered_lines(60));
    drop(ali);
    for number in 0..60 {
        if number % 10 == 0 {
            talker.say("hello");
        }
        let before = bob.lines_before(&format!("ali: line {number}"));
        assert!(
            before.iter().all(|line| line == "talker: hello"),
            "{before:?}"
        );
    }
    let before = bob.lines_before("ali has left the chatroom!");
    assert!(
        before.iter().all(|line| line == "talker: hello"),
        "{before:?}"
    );
}

#[test]
fn who_closes_its_side_and_stays_keeps_nothing_busy() {
    let server = Server::start(&["--name-timeout", "0"]);
    let mut ali = server.join("ali");
    let before = descriptors(&server);
    let half: Vec<TcpStream> = (0..100).map(|_| connect(&server)).collect();
    for stream in &half {
        stream.shutdown(Shutdown::Write).unwrap();
    }
    wait_until("they are closed", || descriptors(&server) == before);
    let busy = busy_part(&server, Duration::from_millis(300));
    assert!(busy < 0.2, "busy for nothing: {busy}");
    let mut bob = server.connect();
    bob.expect(PROMPT);
    bob.enter("bob");
    bob.say("hello");
    ali.expect("bob: hello");
}
