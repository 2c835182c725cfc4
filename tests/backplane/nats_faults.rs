//! What becomes of a client when NATS servers stop, die, and come back.

use std::time::{Duration, Instant};

use chatroom::backplane::Link;
use chatroom::backplane::nats::Options;
use rustix::process::Signal;

use crate::nats_server::{Heard, Nats, Node, PATIENCE, cluster, options};

/// A node that does what the room's side will: sends again what has not come back, in order, and
/// applies a batch only when its counter is the next.
struct Speaker {
    node: Node,
    published: u64,
    applied: u64,
    seq: u64,
    round: u32,
    ups: usize,
    downs: usize,
}

impl Speaker {
    fn new(options: Options, servers: &[std::net::SocketAddr]) -> Self {
        let (mut node, ..) = Node::up(options, servers);
        node.client.follow_from(1);
        Self {
            node,
            published: 0,
            applied: 0,
            seq: 0,
            round: 0,
            ups: 1,
            downs: 0,
        }
    }

    fn publish(&mut self) {
        self.published += 1;
        self.send(self.published);
    }

    fn send(&mut self, counter: u64) {
        let payload = format!("{counter} {}", self.round);
        self.node
            .client
            .publish(counter, self.round, payload.as_bytes());
    }

    fn publish_again(&mut self) {
        self.round += 1;
        for counter in self.applied + 1..=self.published {
            self.send(counter);
        }
    }

    /// Publishes again what has not come back, as another round; not for each of those that went
    /// wrong together.
    fn begin_round(&mut self, failed: u32) {
        if failed == self.round {
            self.publish_again();
        }
    }

    fn turn(&mut self) {
        while let Some(heard) = self.node.next_heard_within(Duration::ZERO) {
            match heard {
                Heard::Up { .. } => {
                    self.ups += 1;
                    self.publish_again();
                }
                Heard::Down(_) => self.downs += 1,
                Heard::Refused { round, .. } => self.begin_round(round),
                Heard::Batch { seq, payload, .. } => {
                    assert!(seq > self.seq, "{seq} comes after {}", self.seq);
                    self.seq = seq;
                    let (counter, round) = read(&payload);
                    assert!(counter <= self.published);
                    if counter == self.applied + 1 {
                        self.applied = counter;
                    } else if counter > self.applied {
                        self.begin_round(round);
                    }
                }
                _ => {}
            }
        }
        self.node.turn();
    }

    /// Says one thing after the other until `is_over`.
    #[track_caller]
    fn speak_until(&mut self, is_over: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + 2 * PATIENCE;
        while !is_over(self) {
            assert!(
                Instant::now() < deadline,
                "{} of {}: {:?}",
                self.applied,
                self.published,
                self.node.problems
            );
            if self.published - self.applied < 500 {
                self.publish();
            }
            self.turn();
        }
    }

    /// Waits until all that was said is applied.
    #[track_caller]
    fn settle(&mut self) {
        let deadline = Instant::now() + 2 * PATIENCE;
        while self.applied < self.published {
            assert!(
                Instant::now() < deadline,
                "{} of {}: {:?}",
                self.applied,
                self.published,
                self.node.problems
            );
            self.turn();
        }
    }
}

/// Returns the counter and the round of a batch.
fn read(payload: &[u8]) -> (u64, u32) {
    let text = std::str::from_utf8(payload).unwrap();
    let (counter, round) = text.split_once(' ').unwrap();
    (counter.parse().unwrap(), round.parse().unwrap())
}

#[test]
fn a_server_that_is_killed_and_comes_back_loses_and_doubles_nothing() {
    let Some(mut nats) = Nats::start() else {
        return;
    };
    let mut speaker = Speaker::new(options("kill"), &[nats.address()]);
    for round in 1..=3 {
        let before = speaker.applied;
        speaker.speak_until(|speaker| speaker.applied >= before + 300);
        nats.signal(Signal::TERM);
        nats.kill();
        speaker.speak_until(|speaker| speaker.downs == round);
        nats.restart();
        speaker.speak_until(|speaker| speaker.ups == round + 1);
    }
    speaker.settle();
}

#[test]
fn a_server_that_stands_still_is_left_and_loses_nothing() {
    let Some(nats) = Nats::start() else { return };
    let mut speaker = Speaker::new(options("still"), &[nats.address()]);
    speaker.speak_until(|speaker| speaker.applied >= 100);
    nats.signal(Signal::STOP);
    let stopped = Instant::now();
    speaker.speak_until(|speaker| speaker.downs == 1);
    let noticed = stopped.elapsed();
    assert!(noticed < Duration::from_secs(9), "it took {noticed:?}");
    nats.signal(Signal::CONT);
    speaker.speak_until(|speaker| speaker.ups == 2);
    speaker.settle();
}

#[test]
fn a_short_stop_is_no_fault() {
    let Some(nats) = Nats::start() else { return };
    let mut speaker = Speaker::new(options("short"), &[nats.address()]);
    speaker.speak_until(|speaker| speaker.applied >= 100);
    nats.signal(Signal::STOP);
    let stopped = Instant::now();
    speaker.speak_until(|_| stopped.elapsed() > Duration::from_secs(2));
    nats.signal(Signal::CONT);
    speaker.settle();
    assert_eq!(speaker.downs, 0);
}

#[test]
fn a_consumer_that_is_taken_away_is_replaced() {
    use std::io::{Read, Write};
    let Some(nats) = Nats::start() else { return };
    let mut speaker = Speaker::new(options("gone"), &[nats.address()]);
    speaker.speak_until(|speaker| speaker.applied >= 100);
    let mut other = std::net::TcpStream::connect(nats.address()).unwrap();
    let mut ask = |subject: &str, until: &str| {
        write!(other, "SUB answer 1\r\nPUB {subject} answer 0\r\n\r\n").unwrap();
        let mut answered = String::new();
        while !answered.contains(until) {
            let mut bytes = [0; 4096];
            let read = other.read(&mut bytes).unwrap();
            answered.push_str(&String::from_utf8_lossy(&bytes[..read]));
        }
        answered
    };
    let names = ask(
        "$JS.API.CONSUMER.NAMES.chatroom_gone",
        "consumer_names_response",
    );
    let json = &names[names.rfind("\"consumers\":[\"").unwrap() + 14..];
    let name = json.split('"').next().unwrap();
    ask(
        &format!("$JS.API.CONSUMER.DELETE.chatroom_gone.{name}"),
        "\"success\":true",
    );
    let before = speaker.applied;
    speaker.speak_until(|speaker| speaker.applied >= before + 500);
    speaker.settle();
    assert_eq!(speaker.downs, 0);
}

#[test]
fn a_cluster_goes_on_without_any_one_of_its_servers() {
    let Some(mut cluster) = cluster() else { return };
    let addresses: Vec<_> = cluster.iter().map(Nats::address).collect();
    let three = || Options {
        replicas: 3,
        ..options("cluster")
    };
    // Until the servers have found each other, streams can't be made.
    let mut speaker = Speaker::new(three(), &addresses);
    for server in &mut cluster {
        let before = speaker.applied;
        speaker.speak_until(|speaker| speaker.applied >= before + 200);
        server.kill();
        let before = speaker.applied;
        // The first of these may have been on its way.
        speaker.speak_until(|speaker| speaker.applied >= before + 700);
        server.restart();
        let restarted = Instant::now();
        speaker.speak_until(|_| restarted.elapsed() > Duration::from_secs(3));
    }
    speaker.settle();
    println!("{} batches, {} times down", speaker.applied, speaker.downs);
    // Another server's node reads the same.
    let (mut other, _, last) = Node::up(three(), &[cluster[1].address()]);
    assert!(last >= speaker.seq);
    other.client.follow_from(1);
    let mut applied = 0;
    while applied < speaker.applied {
        let Heard::Batch { payload, .. } =
            other.expect(|heard| matches!(heard, Heard::Batch { .. }))
        else {
            unreachable!()
        };
        let (counter, _) = read(&payload);
        if counter == applied + 1 {
            applied = counter;
        }
    }
}
