//! Kept names that run out, and are freed; and what programs are told of the past.

use crate::common::{GREETING, PROMPT, Peer, Server};
use crate::house::{House, keep};
use crate::table::Table;

/// Joins by a proxy, from `source`.
fn join_from(server: &Server, source: &str, name: &str) -> Peer {
    let mut peer = server.connect();
    peer.send(format!("PROXY TCP4 {source} 127.0.0.1 4711 5050\r\n"));
    peer.expect(PROMPT);
    peer.enter(name);
    peer
}

#[test]
fn coming_back_again_and_again_filled_the_list_of_kept_names() {
    let house = House::new();
    let mut server = house.start(&["--proxy-from", "127.0.0.1"]);
    for number in 0..8 {
        let mut peer = join_from(&server, "203.0.113.7", &format!("eve{number}"));
        if number < 5 {
            keep(&mut peer);
            // Another key for the same name is no other name.
            peer.say("/newkey");
            peer.expect_notice("This is its key");
            peer.expect_notice("Your answer");
        } else {
            peer.say("/keep");
            peer.expect_notice("Your address keeps names too fast; try again in ");
        }
        // Gone before the next one comes, who would hear of it.
        peer.say("/quit");
        peer.expect_end();
    }
    keep(&mut join_from(&server, "203.0.113.8", "ali"));
    server.stop();
    let kept = house
        .read("state")
        .lines()
        .filter(|l| l.starts_with("keep "))
        .count();
    assert_eq!(kept, 1 + 5 + 1);
}

#[test]
fn operators_free_a_kept_name_for_whoever_wants_it() {
    let house = House::new();
    let mut server = house.start(&[]);
    let mut ali = server.join("ali");
    let answer = keep(&mut ali);
    let mut chief = house.chief(&server);
    ali.say("/unkeep ali");
    ali.expect_notice("Your command is for operators: /unkeep NAME");
    chief.say("/unkeep ali");
    let told = "* The operator chief lets the name ali be anybody's again.";
    ali.expect(told);
    chief.expect(told);
    // It stays, as anybody; its key opens nothing any more.
    ali.say("/whoami");
    ali.expect_notice("name not kept");
    ali.say("/quit");
    ali.expect_end();
    let mut other = server.connect();
    other.expect(PROMPT);
    other.say(&answer);
    other.expect_notice("That name is not kept");
    other.expect(PROMPT);
    other.say("ali");
    other.expect(GREETING);
    server.stop();
    assert!(!house.read("state").contains("ali"));
}

#[test]
fn the_past_in_json_left_out_what_operators_did() {
    let house = House::new();
    let server = house.start(&["--history", "9"]);
    let mut chief = house.chief(&server);
    chief.say("hello\n/topic tea");
    chief.expect_notice("has set the topic");
    let mut bot = server.connect();
    bot.expect(PROMPT);
    bot.say("/json\n{\"name\":\"bot\"}");
    let table = Table::read();
    let mut kinds = Vec::new();
    while kinds.last().is_none_or(|kind| kind != "history-end") {
        let line = bot.line();
        kinds.push(table.check(&line));
        assert!(kinds.last().unwrap() != "announced" || line.contains("has set the topic: tea"));
    }
    assert_eq!(
        kinds,
        [
            "hello",
            "welcome",
            "history-begin",
            "said",
            "announced",
            "history-end"
        ]
    );
}

#[test]
fn a_key_given_as_a_name_is_neither_shown_nor_logged() {
    let house = House::new();
    let mut server = house.start(&["--log-addresses", "--log-level", "debug"]);
    let (name, key) = house.chief.split_once(' ').unwrap();
    let mut eve = server.connect();
    eve.expect(PROMPT);
    for line in [
        key.to_owned(),
        format!("{key} {name}"),
        format!("chie {key}"),
    ] {
        eve.say(&line);
        let told = eve.expect_notice("That name ");
        assert!(!told.contains(key), "{told}");
        eve.expect(PROMPT);
    }
    eve.say("/json");
    eve.line();
    for request in [
        format!("{{\"name\":\"{key}\"}}"),
        format!("{{\"name\":\"{key}\",\"key\":\"{name}\"}}"),
    ] {
        eve.say(&request);
        let told = eve.line();
        assert!(told.contains("\"error\"") && !told.contains(key), "{told}");
    }
    let log = server.stop().join("\n");
    assert!(!log.contains(key) && log.contains("(key)"), "{log}");
}
