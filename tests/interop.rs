//! The programs people really join with: telnet and nc; and a browser that strays in, by curl.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says why it is skipped"
)]

mod common;

use std::net::SocketAddr;
use std::time::Instant;

use common::{GREETING, PATIENCE, PROMPT, Peer, Program, Server, program};

/// Returns Debian's telnet, or `None` where it is missing.
fn telnet(arguments: &[&str]) -> Option<Program> {
    let mut command = program::tool("telnet", "telnet")?;
    command.args(arguments);
    Some(Program::start(command))
}

/// Joins the room at `address` as `name` by telnet.
fn join_by_telnet(address: SocketAddr, name: &str) -> Option<Program> {
    let port = address.port().to_string();
    let mut person = telnet(&[&address.ip().to_string(), &port])?;
    // Telnet's own three lines: trying, connected, the escape character.
    for _ in 0..3 {
        person.screen.next_line().unwrap();
    }
    person.screen.expect_line(PROMPT);
    person.type_text(&format!("{name}\n"));
    person.screen.expect_line(GREETING);
    Some(person)
}

#[test]
fn people_with_telnet_nc_and_chatroom_join_talk_with_each_other() {
    let mut server = Server::start(&[]);
    let Some(mut soheil) = join_by_telnet(server.address(), "سهیل") else {
        return;
    };
    let Some(nc) = program::nc(server.address()) else {
        return;
    };
    let mut ali = Program::start(nc);
    ali.screen.expect_line(PROMPT);
    ali.type_text("ali\n");
    ali.screen.expect_line(GREETING);
    let mut command = common::chatroom();
    command.args(["join", &server.address().to_string(), "--name", "hasan"]);
    let mut hasan = Program::start(command);
    hasan.screen.expect_line(PROMPT);
    hasan.screen.expect_line(GREETING);

    soheil.type_text("hello this is سهیل\n");
    ali.screen.expect_line("سهیل: hello this is سهیل");
    hasan.screen.expect_line("سهیل: hello this is سهیل");
    ali.type_text("hi سهیل\n");
    soheil.screen.expect_line("ali: hi سهیل");
    hasan.screen.expect_line("ali: hi سهیل");
    hasan.type_text("hi guys\n");
    soheil.screen.expect_line("hasan: hi guys");
    ali.screen.expect_line("hasan: hi guys");

    soheil.type_text("/quit\n");
    ali.screen.expect_line("سهیل has left the chatroom!");
    hasan.screen.expect_line("سهیل has left the chatroom!");
    assert_eq!(soheil.wait().code(), Some(0));
    ali.end_input();
    assert_eq!(ali.wait().code(), Some(0));
    hasan.screen.expect_line("ali has left the chatroom!");
    server.expect_log("ali has left the chatroom!");
}

#[test]
fn telnets_line_ends_are_line_ends() {
    let server = Server::start(&[]);
    let mut ali = server.join("ali");
    let Some(mut person) = join_by_telnet(server.address(), "person") else {
        return;
    };
    // Telnet sends a line feed as CR LF and a carriage return as CR NUL.
    person.type_text("one\ntwo\rthree\r\nfour\n");
    for line in ["one", "two", "three", "four"] {
        ali.expect(&format!("person: {line}"));
    }
}

#[test]
fn telnet_that_negotiates_is_refused_and_talks_on() {
    let server = Server::start(&[]);
    let mut ali = server.join("ali");
    let address = server.address();
    // A port with a dash before it: telnet offers its options at once.
    let port = format!("-{}", address.port());
    let Some(mut person) = telnet(&["--", &address.ip().to_string(), &port]) else {
        return;
    };
    for _ in 0..3 {
        person.screen.next_line().unwrap();
    }
    person.screen.expect_line(PROMPT);
    person.type_text("person\n");
    person.screen.expect_line(GREETING);
    person.type_text("hello\n");
    ali.expect("person: hello");
    ali.say("hi");
    person.screen.expect_line("ali: hi");
}

#[test]
fn telnet_is_told_that_the_room_closes() {
    let mut server = Server::start(&[]);
    let Some(mut person) = join_by_telnet(server.address(), "person") else {
        return;
    };
    server.stop();
    person.screen.expect_line(common::CLOSING);
    assert_eq!(person.wait().code(), Some(0));
}

#[test]
fn a_whole_talk_piped_into_nc_is_heard() {
    let server = Server::start(&[]);
    let mut ali = server.join("ali");
    let Some(nc) = program::nc(server.address()) else {
        return;
    };
    let mut person = Program::start(nc);
    person.type_text("person\nhello\nby the way\nlast, without a line end");
    person.end_input();
    for line in [
        "person: hello",
        "person: by the way",
        "person: last, without a line end",
        "person has left the chatroom!",
    ] {
        ali.expect(line);
    }
    assert_eq!(person.wait().code(), Some(0));
    let screen = person.screen.read_to_end();
    assert_eq!(screen, format!("{PROMPT}\n{GREETING}\n").into_bytes());
}

/// Waits until the server, which takes three connections, has done with the third.
fn wait_for_room_for_a_third(server: &Server) -> Peer {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut peer = server.connect();
        if peer.line() == PROMPT {
            return peer;
        }
        assert!(
            Instant::now() < deadline,
            "the third connection is still there"
        );
    }
}

/// Checks that nothing of what `stray` did, on a connection of its own, was broadcast.
#[track_caller]
fn assert_nothing_broadcast(stray: impl FnOnce(&Server) -> Option<()>) {
    let server = Server::start(&["--max-connections", "3", "--announce-joins"]);
    let mut ali = server.join("ali");
    let mut bob = server.join("bob");
    ali.expect("bob is joined to the chatroom!");
    if stray(&server).is_none() {
        return;
    }
    drop(wait_for_room_for_a_third(&server));
    bob.say("quiet here");
    ali.expect("bob: quiet here");
    ali.say("yes");
    bob.expect("ali: yes");
}

#[test]
fn what_curl_posts_is_not_broadcast() {
    for data in ["x", "mallory\nhello everybody\n", "x\r\n/me waves\r\n"] {
        for http09 in [&[][..], &["--http0.9", "--max-time", "2"]] {
            assert_nothing_broadcast(|server| {
                let mut command = program::tool("curl", "curl")?;
                command.args(["--silent", "--show-error", "--noproxy", "*"]);
                command.args(http09).args(["--data-binary", data]);
                command.arg(format!("http://{}/", server.address()));
                let mut curl = Program::start(command);
                curl.end_input();
                curl.wait();
                Some(())
            });
        }
    }
}

/// Checks that nothing of a browser's `request` with `data` is broadcast, whose end is orderly.
#[track_caller]
fn assert_request_is_not_broadcast(request: &str, data: &str) {
    assert_nothing_broadcast(|server| {
        let (address, length) = (server.address(), data.len());
        let mut peer = server.connect();
        peer.send(format!(
            "{request} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n\r\n{data}"
        ));
        peer.finish();
        Some(())
    });
}

#[test]
fn what_a_browser_posts_is_not_broadcast_even_at_an_orderly_end() {
    for data in ["x", "mallory\nhello everybody\n"] {
        for request in ["POST /", "PUT /", "GET /"] {
            assert_request_is_not_broadcast(request, data);
        }
    }
}

#[test]
fn what_a_browser_posts_to_a_path_longer_than_a_line_is_not_broadcast() {
    // Who makes a browser post chooses the path, too.
    let request = format!("POST /{}", "x".repeat(5000));
    assert_request_is_not_broadcast(&request, "x");
    assert_request_is_not_broadcast(&request, "mallory\nhello everybody\n");
}
