//! What people have heard, against what the stream has.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::net::SocketAddr;

use chatroom::backplane::Link;
use chatroom::backplane::nats::Options;
use serde_json::Value;

use super::crowd::Person;
use crate::nats_server::{Heard, Node};

/// A batch of the stream.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Batch {
    seq: u64,
    boot: String,
    counter: u64,
    round: u64,
    events: Vec<Value>,
}

/// What the stream has, in its order.
pub(crate) type Stream = Vec<Batch>;

/// How often the stream is read: each time another of the three servers may tell what it keeps.
const READINGS: usize = 12;

/// Reads the whole stream, again and again, and returns the readings that differ, each with how often it
/// was read.
#[track_caller]
pub(crate) fn read_copies(
    options: impl Fn() -> Options,
    servers: &[SocketAddr],
) -> Vec<(usize, Stream)> {
    let mut copies: Vec<(usize, Stream)> = Vec::new();
    for _ in 0..READINGS {
        let stream = read_stream(options(), servers);
        match copies.iter_mut().find(|(_, copy)| *copy == stream) {
            Some((times, _)) => *times += 1,
            None => copies.push((1, stream)),
        }
    }
    copies.sort_by_key(|(times, _)| std::cmp::Reverse(*times));
    copies
}

/// Writes down the copies and what people heard, for somebody who looks for what went wrong.
pub(crate) fn write_down(seed: u64, copies: &[(usize, Stream)], people: &[Person]) {
    let mut text = String::new();
    for (times, stream) in copies {
        writeln!(text, "read {times} times").unwrap();
        for batch in stream {
            let events = serde_json::to_string(&batch.events).unwrap();
            let Batch {
                seq,
                boot,
                counter,
                round,
                ..
            } = batch;
            writeln!(text, "{seq} {boot} {counter}-{round} {events}").unwrap();
        }
    }
    for person in people {
        let Person {
            name, said, heard, ..
        } = person;
        writeln!(text, "{name} said {said}, heard {}", heard.join("; ")).unwrap();
    }
    let path = std::env::temp_dir().join(format!("chatroom-faults-{seed}.txt"));
    std::fs::write(&path, text).unwrap();
    println!("what the stream has and what was heard: {}", path.display());
}

/// Reads the whole stream.
#[track_caller]
fn read_stream(options: Options, servers: &[SocketAddr]) -> Stream {
    let (mut node, first, last) = Node::up(options, servers);
    assert_eq!(first, 1, "the stream has lost its beginning");
    node.client.follow_from(1);
    let mut stream = Vec::new();
    let mut at = 0;
    while at < last {
        let heard = node.expect(|heard| matches!(heard, Heard::Batch { .. }));
        let Heard::Batch { seq, payload, .. } = heard else {
            unreachable!()
        };
        at = seq;
        let batch: Value = serde_json::from_slice(&payload).unwrap();
        stream.push(Batch {
            seq,
            boot: batch["node"].as_str().unwrap().to_owned(),
            counter: batch["n"].as_u64().unwrap(),
            round: batch["r"].as_u64().unwrap(),
            events: batch["events"].as_array().unwrap().clone(),
        });
    }
    stream
}

/// Returns the members of the stream's batches that count, as every node sees it: of a boot each
/// counter once, in order, and none of a boot that was declared gone.
fn counting(stream: &Stream) -> (Vec<(&str, &Value)>, usize) {
    let mut last: HashMap<&str, u64> = HashMap::new();
    let mut gone = HashSet::new();
    let mut events = Vec::new();
    let mut ignored = 0;
    for batch in stream {
        let boot = batch.boot.as_str();
        let before = last.entry(boot).or_default();
        if batch.counter != *before + 1 || gone.contains(boot) {
            ignored += 1;
            continue;
        }
        *before = batch.counter;
        for entry in &batch.events {
            if let Some(dead) = entry["gone"].as_str() {
                gone.insert(dead);
            }
            events.push((boot, entry));
        }
    }
    (events, ignored)
}

/// What everybody has to have heard.
struct Talk {
    /// The lines `NAME: TEXT`, in order.
    lines: Vec<String>,
    /// How many lines there were when somebody first came in, by name.
    came: HashMap<String, usize>,
}

fn talk(events: &[(&str, &Value)]) -> Talk {
    // A member is known by its boot and its number there.
    let mut names: HashMap<(&str, u64), String> = HashMap::new();
    let (mut lines, mut came) = (Vec::new(), HashMap::new());
    for (boot, event) in events {
        if let Some(joined) = event.get("joined") {
            let name = joined["name"].as_str().unwrap().to_owned();
            came.entry(name.clone()).or_insert(lines.len());
            names.insert((*boot, joined["n"].as_u64().unwrap()), name);
        } else if let Some(said) = event.get("said") {
            let number = said[0].as_u64().unwrap();
            if let Some(name) = names.get(&(*boot, number)) {
                lines.push(format!("{name}: {}", said[1].as_str().unwrap()));
            }
        }
    }
    Talk { lines, came }
}

/// Checks everybody, and returns the figures.
///
/// # Errors
/// Says of whom something is wrong.
pub(crate) fn judge(stream: &Stream, people: &[Person]) -> Result<String, String> {
    let (events, ignored) = counting(stream);
    let talk = talk(&events);
    let all = &talk.lines;
    let different: HashSet<&String> = all.iter().collect();
    if different.len() < all.len() {
        return Err("the stream has a line twice that counts".to_owned());
    }
    let mut joins: HashMap<&str, usize> = HashMap::new();
    for (_, event) in &events {
        if let Some(name) = event["joined"]["name"].as_str() {
            *joins.entry(name).or_default() += 1;
        }
    }
    let mut wrong = String::new();
    let mut heard = 0;
    for person in people {
        let checked = check_said(person, all)
            .and_then(|()| check_heard(person, &talk))
            .and_then(|()| check_left(person, &joins));
        if let Err(why) = checked {
            writeln!(wrong, "{}: {why}", person.name).unwrap();
        }
        heard += person.heard.len();
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let said: u64 = people.iter().map(|person| person.said).sum();
    Ok(format!(
        "{} people, {} to the end; {said} lines written, {} in the stream, {heard} heard; \
         {} batches, {ignored} that didn't count",
        people.len(),
        people.iter().filter(|person| person.stayed).count(),
        all.len(),
        stream.len()
    ))
}

/// What somebody said is there once and in order, from the first line on; all of it if they stayed.
fn check_said(person: &Person, all: &[String]) -> Result<(), String> {
    let prefix = format!("{}: ", person.name);
    let own = all.iter().filter_map(|line| line.strip_prefix(&prefix));
    let mut count = 0;
    for text in own {
        count += 1;
        if text != count.to_string() {
            return Err(format!("line {text} stands in the place of line {count}"));
        }
    }
    let lost = person.stayed && count < person.said;
    if lost || count > person.said {
        return Err(format!(
            "{} lines were said, {count} are there",
            person.said
        ));
    }
    Ok(())
}

/// What somebody heard is all that others said, without a gap, from their coming to the last; to the end
/// if they stayed.
fn check_heard(person: &Person, talk: &Talk) -> Result<(), String> {
    let own = format!("{}: ", person.name);
    let said = person.heard.iter().filter(|line| line.contains(": "));
    let Some(&came) = talk.came.get(&person.name) else {
        let heard = said.count();
        return if heard == 0 && !person.stayed {
            Ok(())
        } else {
            Err(format!("{heard} lines were heard, and they never came in"))
        };
    };
    let after = talk.lines[came..].iter();
    let mut others = after.filter(|line| !line.starts_with(&own));
    for line in said {
        let there = others.next();
        if there != Some(line) {
            return Err(format!("{line:?} is heard where {there:?} stands"));
        }
    }
    let missed = others.count();
    if person.stayed && missed > 0 {
        return Err(format!("the last {missed} lines are missing"));
    }
    Ok(())
}

/// Nobody is heard to have left more often than they came: who was at a node that was cut off for long
/// comes twice.
fn check_left(person: &Person, joins: &HashMap<&str, usize>) -> Result<(), String> {
    let mut left: HashMap<&str, usize> = HashMap::new();
    for line in &person.heard {
        if let Some(name) = line.strip_suffix(" has left the chatroom!") {
            *left.entry(name).or_default() += 1;
        }
    }
    let more = left
        .iter()
        .find(|(name, times)| joins.get(*name).is_none_or(|joins| *times > joins));
    more.map_or(Ok(()), |(name, times)| {
        Err(format!("{name} has left {times} times"))
    })
}
