//! Programs, which are told in JSON, in a room on two nodes.

use serde_json::json;

use crate::bot::Bot;
use crate::nats_server::Nats;
use crate::nodes::nodes;

#[test]
fn a_line_sent_again_is_said_once_on_all_nodes() {
    let Some(mut nats) = Nats::start() else {
        return;
    };
    let servers = nodes(&nats, 2, &[]);
    let mut ali = servers[1].join("ali");
    let mut bot = Bot::join(&servers[0], "bot");
    // The second time it is on its way.
    bot.say("a", "once");
    bot.say("a", "once");
    let seq = bot.expect("ack", json!({"id": "a"}))["seq"].clone();
    bot.expect("ack", json!({"id": "a", "seq": seq}));
    ali.expect("bot: once");
    // Nobody has acknowledged what waits for NATS, so a program says it again.
    nats.kill();
    bot.expect("notice", json!({"code": "cut-off"}));
    bot.say("b", "twice");
    nats.restart();
    bot.expect("notice", json!({"code": "whole-again"}));
    bot.say("b", "twice");
    let seq = bot.expect("ack", json!({"id": "b"}))["seq"].clone();
    bot.expect("ack", json!({"id": "b", "seq": seq}));
    ali.expect_notice("The room is cut off");
    ali.expect_notice("The room is whole again");
    ali.expect("bot: twice");
    bot.say("c", "thrice");
    bot.expect("ack", json!({"id": "c"}));
    ali.expect("bot: thrice");
}

#[test]
fn a_program_that_comes_back_knows_what_it_missed_at_the_node_it_was_at() {
    let Some(nats) = Nats::start() else { return };
    let servers = nodes(&nats, 2, &["--history", "10"]);
    let mut ali = servers[1].join("ali");
    let mut ear = servers[0].join("ear");
    let bot = Bot::join(&servers[0], "bot");
    let resume = bot.resume(&bot.welcome["seq"], "bot");
    drop(bot);
    ali.expect("bot has left the chatroom!");
    ali.say("missed");
    ali.say("heard");
    ear.lines_before("ali: heard");
    let mut bot = Bot::connect(&servers[0]);
    bot.send(&resume);
    bot.expect("welcome", json!({"name": "bot", "resumed": true}));
    bot.expect("left", json!({"name": "bot"}));
    bot.expect("said", json!({"name": "ali", "text": "missed"}));
    bot.expect("said", json!({"name": "ali", "text": "heard"}));
    bot.expect("members", json!({"count": 3}));
    drop(bot);
    ali.expect("bot has left the chatroom!");
    // Another node counts by itself: it says so, and tells what it has.
    let mut bot = Bot::connect(&servers[1]);
    bot.send(&resume);
    bot.expect("welcome", json!({"name": "bot", "resumed": false}));
    bot.expect("gap", json!({"missed": null}));
    bot.expect("history-begin", json!({}));
    let mut said = Vec::new();
    loop {
        let event = bot.next();
        match event["event"].as_str().unwrap() {
            "said" => said.push(event["text"].clone()),
            "history-end" => break,
            _ => {}
        }
    }
    assert_eq!(said, ["missed", "heard"]);
    bot.expect("members", json!({"count": 3}));
}
