//! People whose stream doesn't say where they are: behind a proxy, and at a socket file.

use std::io::Write;
use std::os::unix::net::UnixStream;

use crate::common::incoming::Incoming;
use crate::common::{GREETING, PROMPT, Peer, Server};
use crate::house::House;

/// Connects by a proxy that says `source` of whom it stands for.
fn behind_proxy(server: &Server, source: &str) -> Peer {
    let peer = server.connect();
    let header = match source {
        "" => "PROXY UNKNOWN\r\n".to_owned(),
        source => format!("PROXY TCP4 {source} 127.0.0.1 4711 5050\r\n"),
    };
    peer.send(header);
    peer
}

fn join(server: &Server, source: &str, answer: &str) -> Peer {
    let mut peer = behind_proxy(server, source);
    peer.expect(PROMPT);
    peer.enter(answer);
    peer
}

#[test]
fn a_ban_by_name_held_the_proxys_address_and_closed_everybody_behind_it() {
    let house = House::new();
    let mut server = house.start(&["--proxy-from", "127.0.0.1"]);
    let mut chief = join(&server, "203.0.113.1", &house.chief);
    let mut eve = join(&server, "203.0.113.7", "eve");
    let mut double = join(&server, "203.0.113.7", "double");
    let mut ali = join(&server, "203.0.113.8", "ali");
    chief.say("/whois eve");
    chief.expect_notice("at 203.0.113.7");
    chief.say("/ban eve noise");
    for peer in [&mut chief, &mut eve, &mut double, &mut ali] {
        peer.expect("* The operator chief has banned eve for good (noise).");
    }
    for peer in [&mut eve, &mut double] {
        peer.expect_notice("You are banned for good (noise)");
        peer.expect_end();
    }
    // Everybody else behind the same proxy stays, and others come in.
    let here = |peer: &mut Peer| {
        peer.say("/who");
        while !peer.line().starts_with("* Here (") {}
    };
    here(&mut chief);
    here(&mut ali);
    join(&server, "203.0.113.9", "bob");
    let mut again = behind_proxy(&server, "203.0.113.7");
    again.expect_notice("You are banned for good (noise)");
    again.expect_end();
    server.stop();
    let state = house.read("state");
    let bans: Vec<&str> = state.lines().filter(|l| l.starts_with("ban")).collect();
    assert!(
        matches!(bans[..], [ban] if ban.contains("203.0.113.7/32") && ban.contains("eve")),
        "{state}"
    );
}

#[test]
fn of_whom_a_proxy_knows_nothing_the_name_alone_is_banned() {
    let house = House::new();
    let mut server = house.start(&["--proxy-from", "127.0.0.1"]);
    let chief = join(&server, "203.0.113.1", &house.chief);
    let mut eve = join(&server, "", "eve");
    let mut ali = join(&server, "", "ali");
    chief.say("/ban eve");
    eve.expect_notice("has banned eve");
    eve.expect_notice("You are banned for good");
    eve.expect_end();
    ali.expect_notice("has banned eve");
    ali.expect("eve has left the chatroom!");
    join(&server, "", "bob");
    server.stop();
    let state = house.read("state");
    assert!(!state.contains("127.0.0.1"), "{state}");
}

#[test]
fn wrong_keys_of_one_behind_a_proxy_slow_nobody_else_behind_it() {
    let house = House::new();
    let server = house.start(&["--proxy-from", "127.0.0.1"]);
    let wrong = "chief 2eef-4b2f-26e9-9b3c-deda-540d-105a-bb6b";
    for tries in [3, 2] {
        let mut eve = behind_proxy(&server, "203.0.113.7");
        for _ in 0..tries {
            eve.expect(PROMPT);
            eve.say(wrong);
            eve.expect_notice("is not the key");
        }
    }
    let mut eve = behind_proxy(&server, "203.0.113.7");
    eve.expect(PROMPT);
    eve.say(wrong);
    eve.expect_notice("That was not looked at");
    join(&server, "203.0.113.8", &house.chief);
}

#[test]
fn at_a_socket_file_a_ban_by_name_holds_the_name_and_nobody_else() {
    let house = House::new();
    let socket = house.path("room.sock");
    let endpoint = format!("unix:{}", socket.display());
    let mut server = house.start(&["--listen", &endpoint]);
    let join = |answer: &str| {
        let mut person = Incoming::new(UnixStream::connect(&socket).unwrap());
        person.expect_line(PROMPT);
        person
            .source()
            .write_all(format!("{answer}\n").as_bytes())
            .unwrap();
        person.expect_line(GREETING);
        person
    };
    // By TCP: its own address is one that must not count for those at the file.
    let chief = house.chief(&server);
    let [mut eve, mut ali] = ["eve", "ali"].map(join);
    chief.say("/ban eve");
    let told = "* The operator chief has banned eve for good.";
    eve.expect_line(told);
    eve.expect_line("* You are banned for good");
    assert_eq!(eve.next_line(), None);
    ali.expect_line(told);
    ali.expect_line("eve has left the chatroom!");
    join("bob");
    ali.source().write_all(b"hello\n").unwrap();
    let mut again = Incoming::new(UnixStream::connect(&socket).unwrap());
    again.expect_line(PROMPT);
    again.source().write_all(b"eve\n").unwrap();
    assert!(again.next_line().unwrap().contains("banned"));
    server.stop();
    let state = house.read("state");
    assert!(!state.contains("127.0.0.1"), "{state}");
}
