//! The command of real faults: three NATS servers, three nodes, 150 people who talk. Servers and nodes are
//! killed, stopped and started again at random; in the end each person's text is checked against
//! the stream.
//!
//! `cargo test --release --test backplane faults -- --ignored --nocapture`, for ten minutes or
//! `CHATROOM_FAULTS_S` seconds, from the seed `CHATROOM_FAULTS_SEED`.

mod crowd;
mod liveness;
mod verdict;

use std::env;
use std::time::{Duration, Instant};

use chatroom::backplane::nats::Options;
use rustix::process::Signal;

use self::crowd::Crowd;
use self::liveness::Watch;
use crate::common::{Server, chatroom};
use crate::nats_server::{Nats, cluster, options};

/// How many nodes there are, and how many people at each.
const NODES: usize = 3;
const PEOPLE: usize = 50;

/// The room.
const ROOM: &str = "faults";

/// Numbers that follow from a seed.
#[derive(Debug)]
struct Random(u64);

impl Random {
    /// Returns a number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        // Knuth's linear congruences: good enough to choose.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn ms(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from))
    }
}

/// What is done to a server or a node, and when it ends.
#[derive(Debug, Clone, Copy)]
struct Fault {
    index: usize,
    killed: bool,
    until: Instant,
}

/// What happened, in figures.
#[derive(Debug, Default)]
struct Tally {
    nats_killed: usize,
    nats_stopped: usize,
    nodes_killed: usize,
    nodes_stopped: usize,
}

struct House {
    nats: Vec<Nats>,
    nodes: Vec<Option<Server>>,
    /// One that has begun to start, and which.
    starting: Option<(usize, Server)>,
    random: Random,
    nats_fault: Option<Fault>,
    node_fault: Option<Fault>,
    next_nats: Instant,
    next_node: Instant,
    tally: Tally,
    watch: Watch,
}

fn seconds() -> u64 {
    let told = env::var("CHATROOM_FAULTS_S").ok();
    told.and_then(|told| told.parse().ok()).unwrap_or(600)
}

fn seed() -> u64 {
    let told = env::var("CHATROOM_FAULTS_SEED").ok();
    told.and_then(|told| told.parse().ok())
        .unwrap_or_else(|| std::process::id().into())
}

/// Begins to start a node.
fn node(nats: &[Nats]) -> Server {
    let urls: Vec<_> = nats.iter().map(Nats::url).collect();
    let mut command = chatroom();
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--log-talk", "off"])
        .args(["--backplane", &urls.join(","), "--room", ROOM])
        .args(["--replicas", "3", "--backplane-timeout", "60"]);
    Server::spawn(command)
}

#[test]
#[ignore = "takes ten minutes"]
fn nothing_is_lost_doubled_or_out_of_order_whatever_dies() {
    let Some(nats) = cluster() else { return };
    let seed = seed();
    println!("seed {seed}");
    let nodes = (0..NODES).map(|_| {
        let mut node = node(&nats);
        while !node.has_become_ready() {
            node.drain_log();
        }
        Some(node)
    });
    let nodes: Vec<_> = nodes.collect();
    let start = Instant::now();
    let mut house = House {
        nats,
        nodes,
        starting: None,
        random: Random(seed),
        nats_fault: None,
        node_fault: None,
        next_nats: start + Duration::from_secs(5),
        next_node: start + Duration::from_secs(8),
        tally: Tally::default(),
        watch: Watch::new(NODES, 3, start),
    };
    let mut crowd = Crowd::new(NODES, PEOPLE);
    let end = start + Duration::from_secs(seconds());
    let mut told = start;
    while Instant::now() < end {
        house.turn(true);
        crowd.turn(&house.nodes, true);
        house.look(&crowd, true);
        if told.elapsed() > Duration::from_secs(10) {
            told = Instant::now();
            house.watch.tell(format_args!(
                "{} in the room, {} lines said, {:?}",
                crowd.present(),
                crowd.said(),
                house.tally
            ));
        }
    }
    // All that was begun comes to its end, and what was said is heard.
    let settled = Instant::now() + Duration::from_secs(90);
    while house.has_fault() || house.watch.is_cut_off() || crowd.is_waiting() || !crowd.is_quiet() {
        assert!(
            Instant::now() < settled,
            "it doesn't come to rest: {crowd:?}"
        );
        house.turn(false);
        crowd.turn(&house.nodes, false);
        house.look(&crowd, false);
    }
    let options = || Options {
        replicas: 3,
        ..options(ROOM)
    };
    let addresses: Vec<_> = house.nats.iter().map(Nats::address).collect();
    let copies = verdict::read_copies(options, &addresses);
    let people = crowd.into_people();
    let verdict = verdict::judge(&copies[0].1, &people);
    if verdict.is_err() || copies.len() > 1 {
        verdict::write_down(seed, &copies, &people);
    }
    println!("{:?}", house.tally);
    println!("{}", house.watch.figures());
    assert!(
        copies.len() == 1,
        "the NATS servers' own copies of the stream differ; by one of them: {verdict:?}"
    );
    println!("{}", verdict.unwrap());
    house.watch.judge();
}

impl House {
    fn has_fault(&self) -> bool {
        self.nats_fault.is_some() || self.node_fault.is_some() || self.starting.is_some()
    }

    fn look(&mut self, crowd: &Crowd, talking: bool) {
        if let Some((index, node)) = &self.starting {
            self.watch.read_log(*index, node);
        }
        self.watch.look(&self.nodes, crowd.heard_at(), talking);
    }

    /// Ends the faults whose time is over, and begins others if there `may` be.
    fn turn(&mut self, may: bool) {
        let now = Instant::now();
        let starting = self.starting.as_mut().map(|(_, node)| node);
        for node in self.nodes.iter_mut().flatten().chain(starting) {
            node.drain_log();
        }
        self.end_faults(now);
        if may && self.nats_fault.is_none() && now >= self.next_nats {
            self.harm_nats(now);
        }
        let whole = self.node_fault.is_none() && self.starting.is_none();
        if may && whole && now >= self.next_node {
            self.harm_node(now);
        }
    }

    fn end_faults(&mut self, now: Instant) {
        if let Some(fault) = self.nats_fault.take_if(|fault| fault.until <= now) {
            if fault.killed {
                self.nats[fault.index].restart();
            } else {
                self.nats[fault.index].signal(Signal::CONT);
            }
            self.watch.nats_runs(fault.index, true);
            let index = fault.index;
            self.watch.tell(format_args!("NATS server {index} is back"));
            // It has to have what it has missed, or two of three would be without it.
            self.next_nats = now + self.random.ms(6_000, 12_000);
        }
        // A node that starts needs the stream.
        let may_start = self.nats_fault.is_none();
        if let Some(fault) = self
            .node_fault
            .take_if(|fault| fault.until <= now && (!fault.killed || may_start))
        {
            if fault.killed {
                self.starting = Some((fault.index, node(&self.nats)));
                self.watch.starts(fault.index);
            } else if let Some(node) = &self.nodes[fault.index] {
                node.signal(Signal::CONT);
                self.watch.stands(fault.index, false);
            }
            let index = fault.index;
            self.watch.tell(format_args!("node {index} is back"));
            self.next_node = now + self.random.ms(3_000, 9_000);
        }
        let ready = |(_, node): &mut (usize, Server)| node.has_become_ready();
        if let Some((index, node)) = self.starting.take_if(ready) {
            self.nodes[index] = Some(node);
            self.next_node = now + self.random.ms(3_000, 9_000);
        }
    }

    fn harm_nats(&mut self, now: Instant) {
        let index = self.random.below(3) as usize;
        let killed = self.random.below(2) == 0;
        if killed {
            self.nats[index].kill();
            self.tally.nats_killed += 1;
        } else {
            self.nats[index].signal(Signal::STOP);
            self.tally.nats_stopped += 1;
        }
        let until = now + self.random.ms(500, 9_000);
        let what = if killed { "killed" } else { "stopped" };
        self.watch.nats_runs(index, false);
        self.watch
            .tell(format_args!("NATS server {index} is {what}"));
        self.nats_fault = Some(Fault {
            index,
            killed,
            until,
        });
    }

    fn harm_node(&mut self, now: Instant) {
        let index = self.random.below(NODES as u64) as usize;
        let killed = self.random.below(2) == 0;
        if killed {
            if let Some(mut node) = self.nodes[index].take() {
                node.signal(Signal::KILL);
                node.wait();
                self.watch.ends(index, &node);
            }
            self.tally.nodes_killed += 1;
        } else {
            if let Some(node) = &self.nodes[index] {
                node.signal(Signal::STOP);
            }
            self.watch.stands(index, true);
            self.tally.nodes_stopped += 1;
        }
        let until = now + self.random.ms(500, 18_000);
        let what = if killed { "killed" } else { "stopped" };
        self.watch.tell(format_args!("node {index} is {what}"));
        self.node_fault = Some(Fault {
            index,
            killed,
            until,
        });
    }
}
