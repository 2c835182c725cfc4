//! The room as programs see it: JSON lines, on the real server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::needless_pass_by_value,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says why it is skipped"
)]

#[path = "rig/bot.rs"]
mod bot;
mod common;
#[path = "rig/table.rs"]
mod table;

use bot::Bot;
use common::{GREETING, PROMPT, Server, Signal};
use serde_json::json;

#[test]
fn people_and_programs_are_in_one_room() {
    let server = Server::start(&[]);
    let mut ali = server.join("ali");
    let mut bot = Bot::join(&server, "bot");
    ali.say("hi \"bot\"");
    bot.expect(
        "said",
        json!({"seq": 3, "name": "ali", "text": "hi \"bot\""}),
    );
    bot.say("1", "hello\u{1b}[2J سلام");
    ali.expect("bot: hello\u{FFFD}[2J سلام");
    bot.expect("ack", json!({"id": "1", "seq": 4}));
    bot.send(&json!({"line": "/me waves"}));
    ali.expect("* bot waves");
    ali.say("/me too");
    bot.expect("me", json!({"seq": 6, "name": "ali", "text": "too"}));
    // People aren't told of joins; programs are.
    let bob = server.join("bob");
    bot.expect("joined", json!({"seq": 7, "name": "bob"}));
    bob.say("/nick rob");
    bot.expect("renamed", json!({"seq": 8, "name": "bob", "to": "rob"}));
    bob.say("/msg bot psst");
    bot.expect("private", json!({"name": "rob", "text": "psst"}));
    bot.say("2", "/r and you");
    bot.expect("notice", json!({"code": "reached"}));
    bot.expect("ack", json!({"id": "2", "seq": null}));
    bob.say("/quit");
    bot.expect("left", json!({"seq": 9, "name": "rob"}));
}

#[test]
fn every_event_of_the_readme_is_seen() {
    let server = Server::start(&["--history", "9", "--lame-duck", "300"]);
    let ali = server.join("ali");
    let mut bot = Bot::join(&server, "bot");
    for line in ["hi", "/me waves", "/msg bot psst", "/nick alia", "/quit"] {
        ali.say(line);
        bot.next();
    }
    let bob = server.join("bob");
    bot.expect("joined", json!({"name": "bob"}));
    for line in [
        "hello",
        "/who",
        "/who nobody",
        "/msg eve hi",
        "/nick rob",
        "",
        "/dance",
    ] {
        bot.say(line, line);
        while !matches!(bot.next()["event"].as_str().unwrap(), "ack" | "error") {}
    }
    let mut late = Bot::connect(&server);
    late.send(&json!({"resume": {"boot": "another", "seq": 1, "name": "late"}}));
    late.expect("welcome", json!({"resumed": false}));
    late.expect("gap", json!({"missed": null}));
    late.expect("history-begin", json!({}));
    while late.next()["event"] != "history-end" {}
    late.expect("members", json!({"count": 3}));
    bot.expect("joined", json!({"name": "late"}));
    server.signal(Signal::TERM);
    let words = "The chatroom closes in 300 s.";
    bot.expect("announced", json!({ "text": words }));
    server.signal(Signal::TERM);
    bot.expect("closing", json!({}));
    bot.seen.append(&mut late.seen);
    // The others are seen where there are operators: tests/moderation.
    bot.seen
        .extend(["act", "key", "password"].map(str::to_owned));
    assert_eq!(bot.seen, bot.table.kinds());
    drop(bob);
}

#[test]
fn what_is_no_request_gets_an_error_and_does_no_more() {
    let server = Server::start(&[]);
    let mut ali = server.join("ali");
    let mut bot = Bot::connect(&server);
    bot.say("1", "too soon");
    bot.expect("error", json!({"code": "no-name", "id": "1"}));
    for name in ["ali", "a b", "/json", ""] {
        bot.send(&json!({"name": name}));
        let error = bot.next();
        assert!(
            matches!(error["code"].as_str(), Some("name-taken" | "bad-name")),
            "{error}"
        );
    }
    bot.send(&json!({"name": "bot"}));
    bot.expect("welcome", json!({"name": "bot"}));
    bot.next();
    bot.send(&json!({"name": "rob"}));
    bot.expect("error", json!({"code": "has-name"}));
    for line in [
        "hello",
        "{}",
        "[1]",
        "{\"line\":7}",
        "{\"line\":\"a\",\"name\":\"b\"}",
        "{\"line\":\"a\"",
        "\"\\ud800\"",
        "{\"line\":\"\\ud800\"}",
        "{\"id\":null,\"line\":{}}",
        "GET / HTTP/1.1",
        &"[".repeat(5000),
        &json!({"id": "x".repeat(65), "line": "a"}).to_string(),
    ] {
        bot.peer.say(line);
        bot.expect("error", json!({"code": "bad-request", "id": null}));
    }
    bot.peer.send(b"{\"line\":\"\xff\"}\n\n\r\n");
    bot.expect("error", json!({"code": "bad-request"}));
    bot.say("2", "");
    bot.expect("ack", json!({"id": "2", "seq": null}));
    bot.say("3", "still here");
    ali.expect("bot: still here");
}

#[test]
fn a_line_may_be_as_long_as_anybodys_and_no_longer() {
    let server = Server::start(&["--max-line-bytes", "200"]);
    let mut ali = server.join("ali");
    let mut bot = Bot::join(&server, "bot");
    // The longest there is on the wire: each of its characters as an escape.
    let escaped = format!("{{\"id\":\"1\",\"line\":\"{}\"}}", "\\u00fc".repeat(100));
    bot.peer.say(escaped);
    ali.expect(&format!("bot: {}", "ü".repeat(100)));
    bot.expect("ack", json!({"id": "1", "seq": 3}));
    bot.say("2", &"x".repeat(201));
    bot.expect("error", json!({"code": "line-too-long", "id": "2"}));
    bot.say("3", &"x".repeat(100_000));
    bot.expect("error", json!({"code": "line-too-long", "id": null}));
    bot.say("4", &"x".repeat(200));
    ali.expect(&format!("bot: {}", "x".repeat(200)));
    bot.expect("ack", json!({"id": "4"}));
}

#[test]
fn a_line_sent_again_is_said_once() {
    let server = Server::start(&[]);
    let mut ali = server.join("ali");
    let mut bot = Bot::join(&server, "bot");
    for _ in 0..2 {
        bot.say("a", "once");
        bot.expect("ack", json!({"id": "a", "seq": 3}));
    }
    // One that was refused was not taken.
    for _ in 0..2 {
        bot.say("b", "/msg bob hi");
        bot.expect("error", json!({"code": "nobody-called", "id": "b"}));
    }
    bot.say("b", "twice");
    bot.expect("ack", json!({"id": "b", "seq": 4}));
    let resume = bot.resume(&json!(3), "bot");
    drop(bot);
    ali.expect("bot: once");
    ali.expect("bot: twice");
    ali.expect("bot has left the chatroom!");
    let mut bot = Bot::connect(&server);
    bot.send(&resume);
    bot.say("b", "twice");
    bot.expect("welcome", json!({"seq": 6, "resumed": true}));
    bot.expect("said", json!({"seq": 4, "text": "twice"}));
    bot.expect("left", json!({"seq": 5, "name": "bot"}));
    bot.expect("members", json!({"names": ["ali", "bot"]}));
    bot.expect("ack", json!({"id": "b", "seq": 4}));
    bot.say("c", "again");
    ali.expect("bot: again");
}

#[test]
fn who_comes_back_takes_the_place_of_its_older_connection() {
    let server = Server::start(&[]);
    let mut ali = server.join("ali");
    let mut older = Bot::join(&server, "bot");
    let mut stranger = Bot::connect(&server);
    let mut resume = older.resume(&json!(2), "bot");
    resume["resume"]["token"] = json!("1-0000000000000000");
    stranger.send(&resume);
    stranger.expect("error", json!({"code": "name-taken"}));
    // Renamed just before the break: it doesn't know of that.
    older.say("1", "/nick rob");
    ali.expect("bot is now known as rob!");
    let mut newer = Bot::connect(&server);
    newer.send(&older.resume(&json!(2), "bot"));
    older.expect("renamed", json!({"seq": 3}));
    older.expect("notice", json!({"code": "now-known-as"}));
    older.expect("ack", json!({"id": "1"}));
    older.expect("notice", json!({"code": "replaced"}));
    assert_eq!(older.peer.line_or_end(), None);
    ali.expect("rob has left the chatroom!");
    newer.expect(
        "welcome",
        json!({"seq": 5, "name": "bot", "resumed": true, "token": older.welcome["token"]}),
    );
    newer.expect("renamed", json!({"seq": 3}));
    newer.expect("left", json!({"seq": 4, "name": "rob"}));
    newer.expect("members", json!({"names": ["ali", "bot"]}));
}

#[test]
fn who_was_away_for_long_is_told_how_much_is_lost() {
    let server = Server::start(&["--max-line-bytes", "200", "--backlog-bytes", "8192"]);
    let ali = server.join("ali");
    let mut bot = Bot::join(&server, "bot");
    let resume = bot.resume(&json!(2), "bot");
    bot.peer.say("{\"line\":\"/quit\"}");
    assert_eq!(bot.peer.line_or_end(), None);
    let mut ears = Bot::join(&server, "ears");
    for number in 0..100 {
        ali.say(format!("line {number}"));
        ears.expect(
            "said",
            json!({"seq": 5 + number, "text": format!("line {number}")}),
        );
    }
    let mut bot = Bot::connect(&server);
    bot.send(&resume);
    bot.expect("welcome", json!({"seq": 105, "resumed": true}));
    let missed = bot.next();
    assert_eq!(missed["event"], "gap");
    let missed = missed["missed"].as_u64().unwrap();
    assert!((40..60).contains(&missed), "{missed}");
    for seq in 2 + missed + 1..105 {
        bot.expect("said", json!({"seq": seq}));
    }
    bot.expect("members", json!({"count": 3}));
}

#[test]
fn what_people_said_before_any_program_came_is_history() {
    let server = Server::start(&["--history", "2"]);
    let mut ali = server.join("ali");
    let mut bob = server.join("bob");
    for line in ["one", "/me two", "three"] {
        ali.say(line);
        bob.line();
    }
    let mut bot = Bot::connect(&server);
    bot.send(&json!({"name": "bot"}));
    bot.expect("welcome", json!({"seq": 6}));
    bot.expect("history-begin", json!({}));
    bot.expect("me", json!({"seq": 4, "name": "ali", "text": "two"}));
    bot.expect("said", json!({"seq": 5, "name": "ali", "text": "three"}));
    bot.expect("history-end", json!({}));
    bot.expect("members", json!({"count": 3}));
    bot.say("1", "hello");
    ali.expect("bot: hello");
    // Who only says to have been here is a newcomer.
    let mut again = Bot::connect(&server);
    again.send(&json!({"resume": {"boot": again.hello["boot"], "seq": 1, "name": "again"}}));
    again.expect("welcome", json!({"seq": 8, "resumed": false}));
    again.expect("gap", json!({"missed": null}));
    again.expect("history-begin", json!({}));
    again.expect("said", json!({"seq": 5}));
    again.expect("joined", json!({"seq": 6}));
    again.expect("said", json!({"seq": 7}));
    again.expect("history-end", json!({}));
}

#[test]
fn only_whoever_has_no_name_may_ask_for_json() {
    let server = Server::start(&[]);
    let mut ali = server.join("ali");
    ali.say("/json");
    ali.expect_notice("/json is unknown");
    // Also behind a name that was refused.
    let mut bot = server.connect();
    bot.expect(PROMPT);
    bot.say("a b");
    bot.expect_notice("space");
    bot.expect(PROMPT);
    bot.say("/json\r");
    assert!(bot.line().starts_with("{\"event\":\"hello\""));
    // And people who never ask are told nothing else than before.
    let mut bob = server.connect();
    bob.expect(PROMPT);
    bob.say("bob");
    bob.expect(GREETING);
}
