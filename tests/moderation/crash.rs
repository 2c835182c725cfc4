//! A server that is killed at any moment leaves files that can be read, and misses next to nothing.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::common::{Peer, Server, Signal};
use crate::house::House;
use crate::measure::{idle, slow_tests};

/// What people have been told, and when.
#[derive(Default)]
struct Heard {
    lines: Vec<String>,
    topics: Vec<(usize, Instant)>,
}

#[test]
fn a_server_killed_at_any_moment_leaves_whole_files() {
    let house = House::new();
    let rounds = if slow_tests() { 200 } else { 20 };
    let mut topic = 0;
    let mut recorded = 0;
    let mut moment = 7_u64;
    for round in 0..rounds {
        moment = moment
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let life = Duration::from_millis(moment >> 33 & 0x3FF);
        let mut server = house.start(&["--rate", "0"]);
        let heard = live(&house, &mut server, life, round, &mut topic);
        server.wait();
        let killed = Instant::now();
        // The next one waits until what the last had handed over is written.
        house.start(&[]).stop();
        let record = house.read("record");
        let events: Vec<Value> = record
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .collect();
        assert!(record.ends_with('\n'));
        let said: Vec<&str> = events[recorded..]
            .iter()
            .filter(|event| event["event"] == "said")
            .map(|event| event["text"].as_str().unwrap())
            .collect();
        recorded = events.len();
        let missing = heard.lines.len().saturating_sub(said.len());
        assert!(
            missing <= 1,
            "round {round}: {missing} lines that were heard are missing"
        );
        for (said, heard) in said.iter().zip(&heard.lines) {
            assert_eq!(said, heard, "round {round}");
        }
        let state = house.read("state");
        let saved = state
            .lines()
            .find_map(|line| line.strip_prefix("topic chief topic "));
        let saved: usize = saved.map_or(0, |number| number.parse().expect("not garbled"));
        let old = Duration::from_millis(1500);
        let sure = heard.topics.iter().rfind(|(_, when)| killed - *when > old);
        assert!(
            saved <= topic && sure.is_none_or(|(number, _)| saved >= *number),
            "round {round}"
        );
    }
}

/// Lets people talk and the topic change until the server is killed.
fn live(
    house: &House,
    server: &mut Server,
    life: Duration,
    round: usize,
    topic: &mut usize,
) -> Heard {
    let mut chief = house.chief(server);
    let mut talker = server.join("talker");
    let mut heard = Heard::default();
    let end = Instant::now() + life;
    let mut number = 0;
    let drain = |chief: &mut Peer, heard: &mut Heard, wanted: &str| {
        loop {
            let told = chief.line();
            if let Some(text) = told.strip_prefix("talker: ") {
                heard.lines.push(text.to_owned());
            }
            if told.contains(wanted) {
                return;
            }
        }
    };
    while Instant::now() < end {
        for _ in 0..20 {
            number += 1;
            talker.say(format!("line {round} {number}"));
        }
        drain(&mut chief, &mut heard, &format!("line {round} {number}"));
        *topic += 1;
        chief.say(format!("/topic topic {topic}"));
        drain(&mut chief, &mut heard, &format!("the topic: topic {topic}"));
        heard.topics.push((*topic, Instant::now()));
        talker.drain();
        server.drain_log();
        idle(Duration::from_millis(2));
    }
    // Something is on its way when it happens.
    talker.say(format!("line {round} last\nline {round} very last"));
    server.signal(Signal::KILL);
    while let Some(line) = chief.line_or_end() {
        if let Some(text) = line.strip_prefix("talker: ") {
            heard.lines.push(text.to_owned());
        }
    }
    heard
}
