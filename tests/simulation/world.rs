//! One random life of a room: the real hub, and peers of every kind around it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Duration, Instant};

use chatroom::server::hub::{Hub, Readiness};
use chatroom::server::limits::Limits;

use crate::random::Random;
use crate::stream::{SimStream, Wire};

/// The longest line the simulated room accepts.
pub const MAX_LINE_BYTES: usize = 128;

/// How a peer takes what it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Takes everything at once.
    Steady,
    /// Takes a little now and then.
    Slow,
    /// Takes nothing after a while.
    Stalled,
}

/// How a peer has ended its side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Open,
    /// In order: by `/quit`, or by closing its side.
    Orderly,
    Reset,
}

/// Somebody outside.
#[derive(Debug)]
pub struct Peer {
    pub wire: Rc<RefCell<Wire>>,
    pub key: usize,
    pub manner: Manner,
    pub end: End,
    /// Every name it has asked for.
    pub names: Vec<String>,
    /// The numbers of the lines it has said to all, in order, as far as they were sent before an
    /// orderly end.
    pub said: Vec<u64>,
    /// The numbers of its private messages, and to whom.
    pub whispered: Vec<u64>,
    /// Bytes on their way to the server.
    flight: VecDeque<u8>,
}

impl Peer {
    fn send(&mut self, line: &str, random: &mut Random) {
        self.flight.extend(line.as_bytes());
        self.flight
            .extend(*random.pick(&[&b"\n"[..], b"\r\n", b"\r\0"]));
    }
}

/// The room and everybody around it.
pub struct World {
    pub hub: Hub<SimStream>,
    /// The first is the observer: it is steady, never speaks and never leaves.
    pub peers: Vec<Peer>,
    pub options: Limits,
    random: Random,
    now: Instant,
    next_line: u64,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let options = Limits {
            max_line_bytes: MAX_LINE_BYTES,
            backlog_bytes: 4096 << random.below(4),
            max_connections: 64,
            history_lines: *random.pick(&[0, 0, 1, 3]),
            announce_joins: random.one_in(2),
        };
        let now = Instant::now();
        let mut world = Self {
            hub: Hub::new(options, now),
            peers: Vec::new(),
            options,
            random,
            now,
            next_line: 0,
        };
        world.join(Manner::Steady);
        world.run_until_quiet();
        world
    }

    /// Lets something happen, and the server take a turn.
    pub fn step(&mut self) {
        let alive: Vec<usize> = (1..self.peers.len())
            .filter(|&at| self.peers[at].end == End::Open && !self.peers[at].wire.borrow().dropped)
            .collect();
        match self.random.below(20) {
            0..2 if !self.hub.is_full() => {
                let manners = [
                    Manner::Steady,
                    Manner::Steady,
                    Manner::Slow,
                    Manner::Stalled,
                ];
                let manner = *self.random.pick(&manners);
                self.join(manner);
            }
            2 if !alive.is_empty() => {
                let at = *self.random.pick(&alive);
                self.end(at);
            }
            3..16 if !alive.is_empty() => {
                let at = *self.random.pick(&alive);
                for _ in 0..=self.random.below(4) {
                    self.speak(at);
                }
            }
            16 => {
                // An event that is late or for nothing.
                let key = self.random.below(70);
                let readiness = Readiness {
                    readable: true,
                    writable: true,
                    read_to_end: self.random.one_in(2),
                };
                self.hub.ready(key, readiness);
            }
            _ => {}
        }
        self.let_things_move(false);
        self.turn();
    }

    /// Lets everything that is on its way arrive, everybody but the stalled read on, and the
    /// server do all it has to do.
    pub fn run_until_quiet(&mut self) {
        for _ in 0..100_000 {
            self.let_things_move(true);
            self.turn();
            let idle = |peer: &Peer| {
                let wire = peer.wire.borrow();
                wire.dropped || (peer.flight.is_empty() && !wire.readable && !wire.writable)
            };
            if !self.hub.has_work() && self.peers.iter().all(idle) {
                return;
            }
        }
        panic!("the hub does not come to rest");
    }

    /// Lets so much time pass that whoever drains is given up.
    pub fn wait(&mut self, time: Duration) {
        self.now += time;
    }

    fn join(&mut self, manner: Manner) {
        let window = if manner == Manner::Steady {
            usize::MAX
        } else {
            self.random.below(2000)
        };
        let wire = Wire::new(window, Random::new(self.random.next()));
        let name = format!("p{}", self.peers.len());
        let mut peer = Peer {
            wire: Rc::clone(&wire),
            key: self.hub.next_key(),
            manner,
            end: End::Open,
            names: vec![name.clone()],
            said: Vec::new(),
            whispered: Vec::new(),
            flight: VecDeque::new(),
        };
        if !self.peers.is_empty() && self.random.one_in(4) {
            // A name that somebody has, or nobody may have.
            let refused = *self.random.pick(&["P0", "a b", ":", "", "the"]);
            peer.send(refused, &mut self.random);
        }
        peer.send(&name, &mut self.random);
        self.peers.push(peer);
        self.hub.accept(SimStream(wire));
    }

    fn end(&mut self, at: usize) {
        let how = self.random.below(3);
        let peer = &mut self.peers[at];
        match how {
            0 => {
                peer.send("/quit", &mut self.random);
                peer.end = End::Orderly;
            }
            // Closes its side behind what is on the way; the last line may lack its end.
            1 => peer.end = End::Orderly,
            _ => {
                peer.end = End::Reset;
                let mut wire = peer.wire.borrow_mut();
                wire.reset = true;
                wire.readable = true;
                wire.writable = true;
                peer.flight.clear();
            }
        }
    }

    fn speak(&mut self, at: usize) {
        let number = self.next_line;
        self.next_line += 1;
        let other = self.random.below(self.peers.len());
        let filler = "x".repeat(self.random.below(100));
        let peer = &mut self.peers[at];
        let line = match self.random.below(16) {
            0 => "/who".to_owned(),
            1 => "/help".to_owned(),
            2 => "/nonsense".to_owned(),
            3 => "y".repeat(MAX_LINE_BYTES + 1 + self.random.below(300)),
            4 => String::new(),
            5 => {
                peer.whispered.push(number);
                format!("/msg p{other} #{number}#")
            }
            6 => {
                let name = format!("p{at}n{number}");
                peer.names.push(name.clone());
                format!("/nick {name}")
            }
            7 => {
                peer.said.push(number);
                format!("/me {filler} #{number}#")
            }
            _ => {
                peer.said.push(number);
                format!("{filler} #{number}#")
            }
        };
        peer.send(&line, &mut self.random);
    }

    /// Lets bytes arrive and windows open: a random part, or all.
    fn let_things_move(&mut self, all: bool) {
        for peer in &mut self.peers {
            let mut wire = peer.wire.borrow_mut();
            if wire.dropped {
                peer.flight.clear();
                continue;
            }
            let most = if all {
                peer.flight.len()
            } else {
                self.random.below(200)
            };
            let count = most.min(peer.flight.len());
            if count > 0 {
                let bytes: Vec<u8> = peer.flight.drain(..count).collect();
                wire.arrived.extend(bytes);
                wire.readable = true;
            }
            if peer.end == End::Orderly && peer.flight.is_empty() && !wire.finished {
                wire.finished = true;
                wire.readable = true;
            }
            if peer.manner == Manner::Slow && (all || self.random.one_in(3)) {
                let bytes = if all { 100_000 } else { self.random.below(500) };
                wire.open_window(bytes);
            }
        }
    }

    /// One turn of the server's loop, with the events that are due, some of them a turn late.
    fn turn(&mut self) {
        self.hub.start_turn(self.now);
        let mut order: Vec<usize> = (0..self.peers.len()).collect();
        for at in (1..order.len()).rev() {
            order.swap(at, self.random.below(at + 1));
        }
        for at in order {
            if self.random.one_in(5) {
                continue;
            }
            let peer = &self.peers[at];
            let readiness = {
                let mut wire = peer.wire.borrow_mut();
                if wire.dropped || !(wire.readable || wire.writable) {
                    continue;
                }
                let readiness = Readiness {
                    readable: wire.readable,
                    writable: wire.writable,
                    read_to_end: wire.finished || wire.reset,
                };
                wire.readable = false;
                wire.writable = false;
                readiness
            };
            self.hub.ready(peer.key, readiness);
        }
        self.hub.resume();
        self.hub.settle();
        self.hub.reap();
    }
}
