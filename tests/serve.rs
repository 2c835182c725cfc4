//! `chatroom serve`: its flags, and what it says when it can't start.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says why it is skipped"
)]

mod common;

use std::net::TcpListener;

use common::{GREETING, PROMPT, Peer, Program, Server, chatroom};

/// What comes behind what was before somebody came.
const PAST_END: &str = "* That was before.";

#[test]
fn history_shows_a_newcomer_the_last_lines() {
    let server = Server::start(&["--history", "3"]);
    let mut ali = server.join("ali");
    let mut bob = server.join("bob");
    for number in 1..=5 {
        ali.say(format!("line {number}"));
        bob.expect(&format!("ali: line {number}"));
    }
    let mut late = server.join("late");
    late.expect_notice("3 lines from before you came, ");
    for number in 3..=5 {
        late.expect(&format!("ali: line {number}"));
    }
    late.expect(PAST_END);
    late.say("thanks");
    ali.expect("late: thanks");
    ali.say("live");
    late.expect("ali: live");
    // Somebody who spoke and left sees the own lines of then like anybody else's.
    bob.finish();
    late.expect("bob has left the chatroom!");
}

#[test]
fn history_is_as_long_as_the_talk_was() {
    let server = Server::start(&["--history", "100"]);
    let mut ali = server.join("ali");
    let mut bob = server.join("bob");
    ali.say("the only line");
    bob.expect("ali: the only line");
    let mut late = server.join("late");
    late.expect_notice("The line from before you came, ");
    late.expect("ali: the only line");
    late.expect(PAST_END);
    bob.say("next");
    late.expect("bob: next");
    ali.expect("bob: next");
}

#[test]
fn announced_joins_reach_everybody_else() {
    let server = Server::start(&["--announce-joins"]);
    let mut ali = server.join("ali");
    let mut bob = server.join("bob");
    ali.expect("bob is joined to the chatroom!");
    ali.say("welcome");
    bob.expect("ali: welcome");
}

#[test]
fn one_connection_too_many_is_told_so_and_closed() {
    let server = Server::start(&["--max-connections", "3"]);
    let mut ali = server.join("ali");
    let mut bob = server.join("bob");
    let mut stranger = server.connect();
    stranger.expect(PROMPT);
    for _ in 0..5 {
        let mut rejected = server.connect();
        rejected.expect_notice("");
        rejected.expect_end();
    }
    bob.finish();
    ali.expect("bob has left the chatroom!");
    let mut next = server.join("next");
    ali.say("welcome");
    next.expect("ali: welcome");
    let mut rejected = server.connect();
    rejected.expect_notice("");
    rejected.expect_end();
    // Somebody without a name makes room, too.
    stranger.finish();
    server.join("another");
}

#[test]
fn one_room_on_every_address() {
    let mut command = chatroom();
    command.args(["serve", "--listen", "127.0.0.1:0"]);
    // Not every machine has IPv6; 127.0.0.2 is on every Linux.
    let second = TcpListener::bind("[::1]:0").map_or("127.0.0.2:0", |_| "[::1]:0");
    command.args(["--listen", second]);
    let server = Server::run(command);
    let [first, second] = *server.addresses() else {
        panic!("not two addresses: {server:?}");
    };
    let mut ali = Peer::join(first, "ali");
    let mut bob = Peer::join(second, "bob");
    ali.say("hello");
    bob.expect("ali: hello");
    bob.say("hi");
    ali.expect("bob: hi");
}

#[test]
fn flags_have_names_in_the_environment() {
    let mut command = chatroom();
    command.arg("serve").envs([
        ("CHATROOM_LISTEN", "127.0.0.1:0,127.0.0.2:0"),
        ("CHATROOM_ANNOUNCE_JOINS", "true"),
        ("CHATROOM_HISTORY", "1"),
        ("CHATROOM_MAX_LINE_BYTES", "700"),
        ("CHATROOM_MAX_CONNECTIONS", "2"),
        ("CHATROOM_BACKLOG_BYTES", "1000000"),
        ("CHATROOM_LOG_LEVEL", "info"),
    ]);
    let server = Server::run(command);
    assert_eq!(server.addresses().len(), 2);
    let mut ali = server.join("ali");
    ali.say("x".repeat(701));
    ali.expect_notice("700");
    ali.say("hello");
    // Whoever comes later must see it as history: wait until it was said.
    ali.say("/who");
    ali.expect_notice("ali");
    let mut bob = server.join("bob");
    bob.expect_notice("The line from before you came, ");
    bob.expect("ali: hello");
    bob.expect(PAST_END);
    ali.expect("bob is joined to the chatroom!");
    let mut rejected = server.connect();
    rejected.expect_notice("");
    rejected.expect_end();
}

#[test]
fn the_effective_limits_are_logged_at_start() {
    let mut server = Server::start(&[
        "--max-line-bytes",
        "1234",
        "--backlog-bytes",
        "7654321",
        "--max-connections",
        "321",
    ]);
    let log = server.stop().join("\n");
    let (start, _) = log.split_once(common::RUNNING).unwrap();
    for limit in ["1234", "7654321", "321"] {
        assert!(start.contains(limit), "{limit} is missing: {start}");
    }
}

#[test]
fn the_room_goes_on_when_nobody_reads_its_log() {
    let server = Server::start(&[]);
    let ali = server.join("ali");
    let mut bob = server.join("bob");
    // Several times what a pipe holds.
    let text = "x".repeat(1000);
    for _ in 0..1000 {
        ali.say(&text);
        bob.expect(&format!("ali: {text}"));
    }
}

#[test]
fn the_room_goes_on_when_the_reader_of_its_log_is_gone() {
    let mut server = Server::start(&[]);
    server.close_log();
    let ali = server.join("ali");
    let mut bob = server.join("bob");
    for _ in 0..10 {
        ali.say("hello");
        bob.expect("ali: hello");
    }
}

#[test]
fn an_address_in_use_is_one_line_and_exit_code_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = chatroom();
    command.args(["serve", "--listen", &address]);
    let mut program = Program::start(command);
    assert_eq!(program.wait().code(), Some(1));
    program.errors.read_to_end();
    let message = program.errors.next_line().unwrap();
    assert!(message.contains(&address), "{message}");
    assert_eq!(program.errors.next_line(), None, "one line");
}

#[test]
fn a_bad_address_is_wrong_usage() {
    for address in [
        "nonsense",
        "127.0.0.1",
        "127.0.0.1:99999",
        ":99999",
        "host:",
        "",
    ] {
        let mut command = chatroom();
        command.args(["serve", "--listen", address]);
        let mut program = Program::start(command);
        assert_eq!(program.wait().code(), Some(2), "{address:?}");
        assert!(program.screen.read_to_end().is_empty());
    }
}

#[test]
fn a_newcomer_sees_the_prompt_and_the_greeting_and_nothing_else() {
    let server = Server::start(&[]);
    let mut ali = server.join("ali");
    ali.say("before");
    let mut bob = server.join("bob");
    ali.say("/who");
    ali.expect_notice("bob");
    let screen = bob.finish();
    assert_eq!(screen, format!("{PROMPT}\n{GREETING}\n").into_bytes());
}
