//! Kept names and their keys, bans of people and addresses, and what becomes of it all when the server
//! is started anew.

use serde_json::{Value, json};

use crate::common::{GREETING, PROMPT, Peer, Server};
use crate::house::{House, connect_from, join_from, keep};
use crate::table::Table;

/// Gives a name that must be refused.
#[track_caller]
fn refused(peer: &mut Peer, name: &str, word: &str) {
    peer.say(name);
    peer.expect_notice(word);
    peer.expect(PROMPT);
}

/// Reads an event, which must be one that the README tells of.
fn next(peer: &mut Peer) -> Value {
    let line = peer.line();
    Table::read().check(&line);
    serde_json::from_str(&line).unwrap()
}

/// Connects, asks for JSON, sends `first`, and returns the answer.
fn by_json(server: &Server, first: &Value) -> (Peer, Value) {
    let mut peer = server.connect();
    peer.expect(PROMPT);
    peer.say(format!("/json\n{first}"));
    assert_eq!(next(&mut peer)["event"], "hello");
    let answer = next(&mut peer);
    (peer, answer)
}

#[test]
fn a_name_is_kept_by_a_key_also_over_a_new_start() {
    let house = House::new();
    let mut server = house.start(&[]);
    let mut ali = server.join("ali");
    let answer = keep(&mut ali);
    let key = answer.strip_prefix("ali ").unwrap().to_owned();
    let wrong = format!("ali {}", key.replace(['0', '1', '2'], "3"));
    ali.finish();
    for start in 0..2 {
        let mut peer = server.connect();
        peer.expect(PROMPT);
        refused(&mut peer, "ali", "That name is kept");
        refused(&mut peer, "ALI", "That name looks like ali, which is kept");
        refused(&mut peer, &wrong, "That is not the key of ali.");
        // Nearly a key: nobody is shown it.
        let notice = {
            peer.say(&answer[..answer.len() - 1]);
            let notice = peer.expect_notice("That name has a space in it: ali");
            peer.expect(PROMPT);
            notice
        };
        assert!(!notice.contains(&key[..9]), "{notice}");
        peer.enter(&answer);
        peer.finish();
        if start == 0 {
            server.stop();
            server = house.start(&[]);
        }
    }
    // No secret is anywhere.
    let log = server.stop().join("\n");
    for text in [log, house.read("state"), house.read("record")] {
        assert!(!text.contains(&key[..9]), "{text}");
    }
    assert!(house.read("state").contains("\nkeep ali member used "));
}

#[test]
fn a_ghost_makes_place_for_who_has_the_key() {
    let house = House::new();
    let server = house.start(&[]);
    let mut ears = server.join("ears");
    let mut ghost = server.join("ali");
    let answer = keep(&mut ghost);
    let mut ali = server.connect();
    ali.expect(PROMPT);
    ali.enter(&answer);
    ghost.expect_notice("You have come back on another connection.");
    ghost.expect_end();
    ears.expect("ali has left the chatroom!");
    ali.say("here again");
    ears.expect("ali: here again");
    // The same by JSON, and again by a resume.
    let key = answer.strip_prefix("ali ").unwrap();
    let (_, answer) = by_json(&server, &json!({"name": "ali"}));
    assert_eq!(answer["code"], "name-kept");
    let (_, answer) = by_json(&server, &json!({"name": "ali", "key": "no"}));
    assert_eq!(answer["code"], "wrong-key");
    let (mut bot, answer) = by_json(&server, &json!({"name": "ali", "key": key}));
    assert_eq!(answer["event"], "welcome");
    ali.expect_notice("You have come back on another connection.");
    let resume = json!({"boot": "another", "seq": 1, "name": "ali", "key": key});
    let (_, answer) = by_json(&server, &json!({"resume": resume}));
    assert_eq!(
        (&answer["event"], &answer["name"]),
        (&json!("welcome"), &json!("ali"))
    );
    assert_eq!(next(&mut bot)["event"], "members");
    assert_eq!(next(&mut bot)["code"], "replaced");
}

#[test]
fn acts_are_events_for_programs() {
    let house = House::new();
    let server = house.start(&[]);
    let chief = house.chief(&server);
    let (mut bot, _) = by_json(&server, &json!({"name": "bot"}));
    assert_eq!(next(&mut bot)["event"], "members");
    chief.say("/topic tea");
    let told = next(&mut bot);
    assert_eq!(
        (&told["event"], &told["code"], &told["by"], &told["what"]),
        (
            &json!("act"),
            &json!("topic"),
            &json!("chief"),
            &json!("tea")
        )
    );
    assert!(told["seq"].is_u64() && told["time"].is_u64());
    bot.say(json!({"id": "1", "line": "/keep"}).to_string());
    let told = next(&mut bot);
    assert_eq!(
        (&told["event"], &told["name"]),
        (&json!("key"), &json!("bot"))
    );
    assert_eq!(next(&mut bot)["event"], "ack");
    bot.say(json!({"id": "2", "line": "/lock"}).to_string());
    let told = next(&mut bot);
    assert_eq!(
        (&told["event"], &told["code"], &told["id"]),
        (&json!("error"), &json!("for-operators"), &json!("2"))
    );
    chief.say("/kick bot no bots");
    let told = next(&mut bot);
    assert_eq!(
        (&told["code"], &told["name"], &told["what"]),
        (&json!("kicked"), &json!("bot"), &json!("no bots"))
    );
    bot.expect_end();
}

#[test]
fn a_ban_closes_a_whole_crowd_and_holds_over_a_new_start() {
    let house = House::new();
    let mut server = house.start(&[]);
    let mut chief = house.chief(&server);
    let mut crowd: Vec<Peer> = (0..20)
        .map(|number| join_from(9, server.address(), &format!("eve{number}")))
        .collect();
    let mut nameless = connect_from(9, server.address());
    nameless.expect(PROMPT);
    let mut bob = server.join("bob");
    chief.say("/ban eve7 for 2h noise");
    for peer in &mut crowd {
        assert!(
            peer.line()
                .starts_with("* The operator chief has banned eve7 until ")
        );
    }
    for peer in crowd.iter_mut().chain([&mut nameless]) {
        let line = peer.expect_notice("You are banned until ");
        assert!(line.ends_with(" (noise)"), "{line}");
    }
    for peer in &mut crowd {
        peer.expect_end();
    }
    for peer in [&mut chief, &mut bob] {
        peer.expect_notice("The operator chief has banned eve7");
        for _ in 0..20 {
            assert!(peer.line().ends_with(" has left the chatroom!"));
        }
    }
    for start in 0..2 {
        // Before the prompt.
        let mut banned = connect_from(9, server.address());
        banned.expect_notice("You are banned until ");
        banned.expect_end();
        let mut by_name = connect_from(8, server.address());
        by_name.expect(PROMPT);
        refused(&mut by_name, "Eve7", "That name is banned until ");
        by_name.enter("eve8");
        if start == 0 {
            server.stop();
            server = house.start(&[]);
        }
    }
    let mut chief = house.chief(&server);
    chief.say("/bans");
    chief.expect_notice("Here is who is banned or muted (1):");
    let line = chief.expect_notice("eve7 127.0.0.9/32: until ");
    assert!(line.ends_with(", by chief (noise)"), "{line}");
    chief.say("/unban 127.0.0.9");
    chief.expect_notice("has ended the ban of an address");
    join_from(9, server.address(), "eve7");
    let log = server.stop();
    assert!(log.last().unwrap().contains(" 0 bans, "), "{log:?}");
}

#[test]
fn whoever_shares_the_operators_address_is_banned_by_name_alone() {
    let house = House::new();
    let server = house.start(&[]);
    let mut chief = house.chief(&server);
    let mut bob = server.join("bob");
    chief.say("/ban bob");
    bob.expect_notice("The operator chief has banned bob for good.");
    bob.expect_notice("You are banned for good");
    bob.expect_end();
    chief.expect_notice("has banned bob");
    chief.expect("bob has left the chatroom!");
    let mut other = server.connect();
    other.expect(PROMPT);
    refused(&mut other, "bob", "That name is banned for good");
    other.enter("rob");
}

#[test]
fn topic_lock_slow_and_mute_hold_over_a_new_start() {
    let house = House::new();
    let mut server = house.start(&[]);
    let chief = house.chief(&server);
    let mut mona = server.join("mona");
    let answer = keep(&mut mona);
    for (order, word) in [
        ("/topic tea", "the topic: tea"),
        ("/slow 60", "one line in 1 min."),
        ("/mute mona", "has muted mona for good."),
        ("/lock", "has locked the room"),
    ] {
        chief.say(order);
        mona.expect_notice(word);
    }
    server.stop();
    server = house.start(&[]);
    let mut stranger = server.connect();
    stranger.expect(PROMPT);
    refused(&mut stranger, "new", "The room is locked");
    let mut chief = house.chief(&server);
    chief.expect("* The topic (by chief): tea");
    let mut mona = server.connect();
    mona.expect(PROMPT);
    mona.enter(&answer);
    mona.expect("* The topic (by chief): tea");
    mona.say("hello?");
    mona.expect_notice("you are muted for good.");
    chief.say("/unmute mona");
    mona.expect_notice("lets mona speak again.");
    mona.say("one\ntwo");
    mona.expect_notice("the room is slow, one line in 60 s; try again in 60 s.");
    chief.expect_notice("lets mona speak again.");
    chief.expect("mona: one");
    chief.say("/unlock");
    mona.expect_notice("has unlocked the room");
    stranger.enter("new");
    drop(server);
}

#[test]
fn whom_one_ignores_is_not_heard_and_nobody_else_knows() {
    let house = House::new();
    let server = house.start(&[]);
    let [mut ali, mut bob, mut eve] = ["ali", "bob", "eve"].map(|name| server.join(name));
    ali.say("/ignore eve");
    ali.expect_notice("You ignore eve now.");
    eve.say("one\n/me two\n/msg ali three\n/nick zoe\nfour");
    eve.expect_notice("Your line was not sent: ali ignores you.");
    eve.expect_notice("You are now known as zoe.");
    for line in [
        "eve: one",
        "* eve two",
        "eve is now known as zoe!",
        "zoe: four",
    ] {
        bob.expect(line);
    }
    bob.say("did you hear?");
    ali.expect("eve is now known as zoe!");
    ali.expect("bob: did you hear?");
    ali.say("/unignore zoe");
    ali.expect_notice("You hear zoe again.");
    eve.say("five");
    ali.expect("zoe: five");
}

#[test]
fn without_a_state_nobody_keeps_a_name_and_nobody_is_an_operator() {
    let server = Server::start(&[]);
    let mut ali = server.join("ali");
    ali.say("/keep");
    ali.expect_notice("The room keeps no names: it was started without --state.");
    ali.say("/kick bob");
    ali.expect_notice("Your command is for operators: /kick");
    ali.say("/whoami");
    ali.expect("* You are ali, silent for 0 s, name not kept, at 127.0.0.1.");
    let mut peer = server.connect();
    peer.expect(PROMPT);
    peer.say("ali 0f3a-0001-0203-0405-0607-0809-abcd-efff");
    peer.expect_notice("That name is not kept, so give it without a key: ali");
    peer.expect(PROMPT);
    peer.say("eve");
    peer.expect(GREETING);
}
