//! One room on several real servers and a real NATS server: people on all of them.

use std::time::Duration;

use rustix::process::Signal;

use crate::common::program::{self, Program};
use crate::common::{GREETING, PROMPT, Peer, Server, reference};
use crate::nats_server::Nats;

/// Starts so many nodes, each with `flags`.
pub(crate) fn nodes(nats: &Nats, count: usize, flags: &[&str]) -> Vec<Server> {
    let url = nats.url();
    let flags = [&["--backplane", &url], flags].concat();
    (0..count).map(|_| Server::start(&flags)).collect()
}

#[test]
fn the_reference_session_across_two_nodes_over_nc() {
    let Some(nats) = Nats::start() else { return };
    let mut servers = nodes(&nats, 2, &[]);
    if program::nc(servers[0].address()).is_none() {
        return;
    }
    let mut seats: Vec<(&str, Program)> = Vec::new();
    for text in reference::TALK.lines() {
        if let Some(name) = text.strip_suffix(" is joined to the chatroom!") {
            let node = usize::from(name == "ali");
            let nc = program::nc(servers[node].address()).unwrap();
            let mut seat = Program::start(nc);
            seat.screen.expect_line(PROMPT);
            seat.type_text(&format!("{name}\n"));
            seat.screen.expect_line(GREETING);
            seats.push((name, seat));
        } else if let Some(name) = text.strip_suffix(" has left the chatroom!") {
            let place = seats.iter().position(|seat| seat.0 == name).unwrap();
            let mut seat = seats.remove(place).1;
            seat.end_input();
            assert!(seat.wait().success());
            let screen = String::from_utf8(seat.screen.read_to_end().to_vec()).unwrap();
            assert_eq!(screen, reference::screen(name), "{name}'s screen");
            for (_, seat) in &mut seats {
                seat.screen.expect_line(text);
            }
        } else {
            let (name, said) = text.split_once(" said ").unwrap();
            for (who, seat) in &mut seats {
                if *who == name {
                    seat.type_text(&format!("{said}\n"));
                }
            }
            let line = format!("{name}: {said}");
            for (who, seat) in &mut seats {
                if *who != name {
                    seat.screen.expect_line(&line);
                }
            }
        }
        // Each console tells all of it, in one order.
        for server in &mut servers {
            server.expect_log(text);
        }
    }
    for server in &mut servers {
        let told: String = server.stop().iter().fold(String::new(), |mut told, text| {
            if text.contains("chatroom!") || text.contains(" said ") {
                told.push_str(text);
                told.push('\n');
            }
            told
        });
        assert_eq!(told, reference::TALK);
    }
}

#[test]
fn people_on_two_nodes_ask_and_whisper_and_rename() {
    let Some(nats) = Nats::start() else { return };
    let mut servers = nodes(&nats, 2, &[]);
    let mut ali = servers[0].join("ali");
    let mut bob = servers[1].join("bob");
    bob.say("hello");
    ali.expect("bob: hello");
    ali.say("/msg bob a secret");
    bob.expect("ali (privately): a secret");
    ali.expect("* Your message reached bob.");
    bob.say("/r thanks");
    ali.expect("bob (privately): thanks");
    bob.expect("* Your message reached ali.");
    ali.say("/who");
    ali.expect("* Here (2): ali, bob");
    ali.say("/whois bob");
    let told = ali.expect_notice("");
    assert!(told.starts_with("* That is bob, here since "), "{told}");
    bob.say("/ignore ali");
    bob.expect_notice("");
    ali.say("/msg bob again");
    let told = ali.expect_notice("");
    assert!(told.contains("bob"), "{told}");
    ali.say("nobody hears this");
    servers[1].expect_log("ali said nobody hears this");
    bob.say("/unignore ali");
    bob.expect_notice("");
    bob.say("/nick robert");
    bob.expect("* You are now known as robert.");
    ali.expect("bob is now known as robert!");
    // A name that is taken elsewhere is taken here.
    let mut eve = servers[0].connect();
    eve.expect(PROMPT);
    eve.say("ROBERT");
    eve.expect_notice("That name looks like robert");
    eve.expect(PROMPT);
    eve.say("bob");
    eve.expect(GREETING);
}

/// What a keeper is told of its key.
fn keep(peer: &mut Peer) -> String {
    peer.say("/keep");
    loop {
        let told = peer.expect_notice("");
        if let Some((_, key)) = told.split_once("shown only now: ") {
            return key.to_owned();
        }
    }
}

#[test]
fn operators_reach_people_on_other_nodes() {
    let Some(nats) = Nats::start() else { return };
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("state");
    let key = chatroom::room::access::Key::from_bytes([7; 16]);
    let hash = key.hash().to_hex();
    let line = format!("keep chief operator used 2026-11-25T14:00:01Z sha256 {hash}\n");
    std::fs::write(&state, line).unwrap();
    // The first to come brings what the room keeps.
    let first = nodes(&nats, 1, &["--state", state.to_str().unwrap()]).remove(0);
    let second = nodes(&nats, 1, &[]).remove(0);
    let mut chief = second.connect();
    chief.expect(PROMPT);
    chief.say(format!("chief {}", key.reveal()));
    chief.expect(GREETING);
    let (mut ali, mut bob) = (first.join("ali"), first.join("bob"));
    chief.say("/topic tea and cake");
    let topic = "* The operator chief has set the topic: tea and cake";
    for peer in [&mut ali, &mut bob, &mut chief] {
        peer.expect(topic);
    }
    chief.say("/mute bob");
    for peer in [&mut ali, &mut bob, &mut chief] {
        peer.expect_notice("The operator chief has muted bob");
    }
    bob.say("hello?");
    bob.expect_notice("you are muted");
    chief.say("/kick bob");
    ali.expect("* The operator chief has kicked bob.");
    ali.expect("bob has left the chatroom!");
    chief.expect("* The operator chief has kicked bob.");
    chief.expect("bob has left the chatroom!");
    bob.expect("* The operator chief has kicked bob.");
    bob.expect_end();
    chief.say("/ban ali too loud");
    chief.expect_notice("The operator chief has banned ali");
    chief.expect("ali has left the chatroom!");
    // A kept name is kept everywhere.
    let mut carl = second.join("carl");
    keep(&mut carl);
    drop(carl);
    chief.expect("carl has left the chatroom!");
    let mut other = first.connect();
    other.expect(PROMPT);
    other.say("carl");
    other.expect_notice("");
    other.expect(PROMPT);
    other.say("ali");
    other.expect_notice("");
}

#[test]
fn a_node_that_is_killed_leaves_once_and_its_names_are_free() {
    let Some(nats) = Nats::start() else { return };
    let mut servers = nodes(&nats, 3, &[]);
    let mut ali = servers[0].join("ali");
    let mut eve = servers[1].join("eve");
    let _bob = servers[2].join("bob");
    eve.say("hi");
    ali.expect("eve: hi");
    let killed = servers.remove(2);
    killed.signal(Signal::KILL);
    ali.expect("bob has left the chatroom!");
    eve.expect("bob has left the chatroom!");
    let bob = servers[0].join("bob");
    bob.say("back");
    // Nothing else was said of it.
    ali.expect("bob: back");
    eve.expect("bob: back");
}

#[test]
fn a_node_that_was_stopped_lets_its_people_in_again() {
    let Some(nats) = Nats::start() else { return };
    let servers = nodes(&nats, 2, &[]);
    let mut ali = servers[0].join("ali");
    let mut bob = servers[1].join("bob");
    servers[1].signal(Signal::STOP);
    bob.say("said to who doesn't listen");
    ali.expect("bob has left the chatroom!");
    servers[1].signal(Signal::CONT);
    ali.expect("bob: said to who doesn't listen");
    bob.expect("* The others took this part of the room for lost; you are let in again.");
    ali.say("welcome");
    bob.expect("ali: welcome");
}

#[test]
fn what_is_said_while_nats_is_gone_comes_when_it_is_back() {
    let Some(mut nats) = Nats::start() else {
        return;
    };
    let servers = nodes(&nats, 2, &["--history", "10"]);
    let mut ali = servers[0].join("ali");
    let mut bob = servers[1].join("bob");
    nats.kill();
    let waits =
        "* The room is cut off from its other machines; what you say waits until it is back.";
    ali.expect(waits);
    bob.expect(waits);
    for number in 0..100 {
        ali.say(format!("line {number}"));
    }
    nats.restart();
    ali.expect("* The room is whole again.");
    bob.expect("* The room is whole again.");
    for number in 0..100 {
        bob.expect(&format!("ali: line {number}"));
    }
    // Who starts now has the history of the whole room, and knows who is here.
    let third = nodes(&nats, 1, &["--history", "10"]).remove(0);
    let mut eve = third.connect();
    eve.expect(PROMPT);
    eve.say("ali");
    eve.expect_notice("That name is taken");
    eve.expect(PROMPT);
    eve.say("eve");
    eve.expect(GREETING);
    eve.expect_notice("10 lines from before you came");
    for number in 90..100 {
        eve.expect(&format!("ali: line {number}"));
    }
    eve.expect_notice("");
    eve.say("/who");
    eve.expect_notice("Here (3): ");
}

#[test]
fn a_room_without_its_backplane_lets_nobody_new_in() {
    let Some(mut nats) = Nats::start() else {
        return;
    };
    let servers = nodes(&nats, 1, &["--backplane-timeout", "2"]);
    let mut ali = servers[0].join("ali");
    nats.kill();
    let mut early = servers[0].connect();
    early.expect(PROMPT);
    early.say("eve");
    early.expect("* The room is cut off from its other machines; please come back later.");
    early.expect_end();
    let mut late = servers[0].connect();
    late.expect("* The room is cut off from its other machines; please come back later.");
    late.expect_end();
    ali.say("still here");
    nats.restart();
    ali.expect_notice("The room is cut off");
    ali.expect("* The room is whole again.");
    // Who was sent away was waiting for its name, and has left.
    ali.expect("eve has left the chatroom!");
    let kim = servers[0].join("kim");
    kim.say("hi");
    ali.expect("kim: hi");
}

#[test]
fn what_is_written_into_the_stream_by_others_does_no_harm() {
    let Some(nats) = Nats::start() else { return };
    let mut servers = nodes(&nats, 2, &[]);
    let mut ali = servers[0].join("ali");
    let mut bob = servers[1].join("bob");
    bob.say("one");
    ali.expect("bob: one");
    let boot = "feed";
    let batch = |n: u64, events: &str| {
        format!(r#"{{"v":1,"node":"{boot}","n":{n},"r":0,"events":[{events}]}}"#)
    };
    let long = format!(r#"{{"said":[1,"{}"]}}"#, "x".repeat(50_000));
    let deep = "[".repeat(30_000);
    let joined = r#"{"joined":{"n":1,"name":"mallory"}}"#;
    for payload in [
        "",
        "{}",
        "\0\u{ff}",
        &deep,
        &batch(7, joined),
        &batch(1, joined),
        &batch(2, r#"{"said":[1,"\u001b[2Jescape"]}"#),
        &batch(3, r#"{"said":[1,"two\nali: false"]}"#),
        &batch(4, &long),
        &batch(5, r#"{"joined":{"n":2,"name":"al\u0000i"}}"#),
        &batch(6, r#"{"joined":{"n":2,"name":"ALI"}}"#),
        &batch(7, r#"{"renamed":{"n":1,"name":"server"}}"#),
        &batch(8, r#"{"act":[1,{"announce":"I am the operator"}]}"#),
        &batch(
            9,
            r#"{"left":18446744073709551615},{"gone":"\n"},{"lapsed":0}"#,
        ),
        &batch(10, r#"{"said":[1,"honest"]}"#),
        &batch(18_446_744_073_709_551_615, r#"{"left":1}"#),
    ] {
        publish(&nats, "chatroom.lobby.events", payload.as_bytes());
        publish(&nats, "chatroom.lobby.beat", payload.as_bytes());
    }
    ali.expect("mallory: honest");
    bob.expect("mallory: honest");
    // Nobody knows that node: it is gone after a while.
    ali.expect("mallory has left the chatroom!");
    bob.expect("mallory has left the chatroom!");
    bob.say("two");
    ali.expect("bob: two");
    for server in &mut servers {
        server.stop();
    }
}

/// Publishes something, by the text protocol of NATS.
fn publish(nats: &Nats, subject: &str, payload: &[u8]) {
    use std::io::{BufRead, BufReader, Write};
    let mut stream = std::net::TcpStream::connect(nats.address()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    write!(stream, "CONNECT {{\"verbose\":false}}\r\n").unwrap();
    write!(stream, "PUB {subject} {}\r\n", payload.len()).unwrap();
    stream.write_all(payload).unwrap();
    write!(stream, "\r\nPING\r\n").unwrap();
    let mut lines = BufReader::new(stream).lines();
    assert!(lines.any(|line| line.unwrap() == "PONG"));
}
