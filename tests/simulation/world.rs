//! One random life of a room: the real hub, and peers of every kind around it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use chatroom::hub::Readiness;
use chatroom::hub::limits::{
    HELD_BYTES_MAX, Limits, PRIVATE_BYTES_MAX, READ_BYTES, Slice, WRITE_COST_BYTES,
};
use chatroom::room::MemberId;

use crate::rig::drive::{Drive, HOME};
use crate::rig::random::Random;
use crate::rig::screen::Screen;
use crate::rig::wire::{EVERYTHING, Mischief, Wire};

/// The longest line the simulated room accepts.
pub const MAX_LINE_BYTES: usize = 128;

/// How many times some seconds pass in which nothing happens before nothing more will.
const LONG_WAITS: u32 = 30;

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

/// Somebody outside, under its number in the drive.
#[derive(Debug)]
pub struct Peer {
    pub wire: Rc<RefCell<Wire>>,
    pub manner: Manner,
    pub end: End,
    /// Every name it has asked for.
    pub names: Vec<String>,
    /// The numbers of the lines it has said to all, in order.
    pub said: Vec<u64>,
    /// The numbers of its private messages.
    pub whispered: Vec<u64>,
    /// Those of them that answer whoever it was that wrote to it last.
    pub replied: Vec<u64>,
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
    pub drive: Drive,
    /// The first is the observer: it is steady, never speaks and never leaves.
    pub peers: Vec<Peer>,
    pub options: Limits,
    random: Random,
    /// What was said to all, by number: what follows the name.
    pub said: Vec<String>,
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
            rate: *random.pick(&[0, 0, 10, 1000]),
            burst: *random.pick(&[1, 5, 1000]),
            stall_timeout_s: *random.pick(&[0, 60]),
            // The fan-out takes several turns, as in a room of thousands.
            slice: Slice {
                slots: 1 + random.below(8),
                bytes: WRITE_COST_BYTES << random.below(5),
            },
            ..Limits::default()
        };
        let mut world = Self {
            drive: Drive::new(options),
            peers: Vec::new(),
            options,
            random,
            said: Vec::new(),
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
            0..2 if self.drive.hub.admit(HOME).is_ok() => {
                let manners = [
                    Manner::Steady,
                    Manner::Steady,
                    Manner::Slow,
                    Manner::Stalled,
                ];
                let manner = *self.random.pick(&manners);
                self.join(manner);
            }
            2 if !alive.is_empty() && !self.random.one_in(20) => {
                let at = *self.random.pick(&alive);
                self.end(at);
            }
            3..16 if !alive.is_empty() => {
                let at = *self.random.pick(&alive);
                for _ in 0..=self.random.below(4) {
                    self.speak(at);
                }
            }
            2 if self.random.one_in(20) => {
                // Half of the room breaks off at once.
                for &at in alive.iter().step_by(2) {
                    self.break_off(at);
                }
            }
            16 => {
                // An event that is late or for nothing.
                let key = self.random.below(70);
                let readiness = Readiness {
                    readable: true,
                    writable: true,
                    read_until_empty: self.random.one_in(2),
                };
                self.drive.hub.ready(MemberId::from_slot(key), readiness);
            }
            _ => {}
        }
        self.let_things_move(false);
        self.turn();
    }

    /// Lets everything that is on its way arrive, everybody but the stalled read on, and the
    /// server do all it has to do.
    pub fn run_until_quiet(&mut self) {
        let mut long_waits = 0;
        for _ in 0..100_000 {
            self.let_things_move(true);
            self.turn();
            let on_its_way = |peer: &Peer| !peer.flight.is_empty() && !peer.wire.borrow().dropped;
            let quiet = self.drive.is_quiet() && !self.peers.iter().any(on_its_way);
            if !quiet {
                continue;
            }
            let Some(deadline) = self.drive.hub.deadline() else {
                return;
            };
            // Those on WebSockets are asked for ever whether they are there.
            long_waits += u32::from(deadline - self.drive.now > Duration::from_secs(2));
            if long_waits > LONG_WAITS {
                return;
            }
            self.drive.skip_to_deadline();
        }
        panic!("the hub does not come to rest");
    }

    fn join(&mut self, manner: Manner) {
        let window = if manner == Manner::Steady {
            EVERYTHING
        } else {
            self.random.below(2000)
        };
        let mischief = Mischief::Chance(Random::new(self.random.next()));
        let wire = if self.random.one_in(3) {
            Wire::framed(window, mischief, self.random.next())
        } else {
            Wire::new(window, mischief, Screen::Keeps(Vec::new()))
        };
        let at = self.drive.accept(wire);
        let wire = Rc::clone(&self.drive.peers[at].wire);
        let longer = if self.peers.is_empty() {
            0
        } else {
            self.random.below(14)
        };
        let name = format!("p{}{}", self.peers.len(), "-z".repeat(longer));
        let mut peer = Peer {
            wire,
            manner,
            end: End::Open,
            names: vec![name.clone()],
            said: Vec::new(),
            whispered: Vec::new(),
            replied: Vec::new(),
            flight: VecDeque::new(),
        };
        if !self.peers.is_empty() && self.random.one_in(4) {
            // A name that somebody has, or nobody may have.
            let refused = *self.random.pick(&["P0", "a b", ":", "", "the"]);
            peer.send(refused, &mut self.random);
        }
        peer.send(&name, &mut self.random);
        self.peers.push(peer);
    }

    fn end(&mut self, at: usize) {
        match self.random.below(4) {
            0 => {
                let peer = &mut self.peers[at];
                peer.send("/quit", &mut self.random);
                peer.end = End::Orderly;
            }
            1 => self.peers[at].end = End::Orderly,
            2 => {
                // The last line lacks its end, or half of it.
                self.speak(at);
                let peer = &mut self.peers[at];
                peer.flight.pop_back();
                peer.end = End::Orderly;
            }
            _ => self.break_off(at),
        }
    }

    fn break_off(&mut self, at: usize) {
        let peer = &mut self.peers[at];
        peer.end = End::Reset;
        peer.flight.clear();
        peer.wire.borrow_mut().reset();
    }

    fn speak(&mut self, at: usize) {
        let number = self.said.len() as u64;
        self.said.push(String::new());
        let other = self.random.below(self.peers.len());
        let other = self.peers[other].names[0].clone();
        let observer = self.peers[0].names[0].clone();
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
                format!("/msg {other} #{number}#")
            }
            8 => {
                peer.whispered.push(number);
                peer.replied.push(number);
                format!("/r #{number}#")
            }
            6 if number.is_multiple_of(2) => {
                // One's own name otherwise written, or the observer's, which is refused.
                let name = if number.is_multiple_of(4) {
                    &peer.names[0]
                } else {
                    &observer
                };
                let name = name.to_uppercase();
                if number.is_multiple_of(4) {
                    peer.names.push(name.clone());
                }
                format!("/nick {name}")
            }
            6 => {
                let name = format!("p{at}n{number}");
                peer.names.push(name.clone());
                format!("/nick {name}")
            }
            7 => {
                peer.said.push(number);
                let text = format!("me{filler} #{number}#");
                self.said[number as usize].clone_from(&text);
                format!("/me {text}")
            }
            _ => {
                peer.said.push(number);
                let text = format!("{filler} #{number}#");
                self.said[number as usize].clone_from(&text);
                text
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
                wire.send(&bytes);
            }
            if wire.told_end && peer.end == End::Open && peer.manner != Manner::Stalled {
                // Most close their side when the other is closed.
                peer.end = End::Orderly;
            }
            if peer.end == End::Orderly && peer.flight.is_empty() && !wire.finished {
                wire.finish();
            }
            if peer.manner == Manner::Slow && (all || self.random.one_in(3)) {
                let bytes = if all { 100_000 } else { self.random.below(500) };
                wire.open_window(bytes);
            }
        }
    }

    /// One turn of the server's loop, with the events that are due, some of them a turn late.
    fn turn(&mut self) {
        let Self { drive, random, .. } = self;
        drive.now += Duration::from_millis(random.below(50) as u64);
        // Now and then the clock is a little behind.
        let behind = Duration::from_millis(if random.one_in(10) { 100 } else { 0 });
        let mut order: Vec<usize> = (0..drive.peers.len()).collect();
        for at in (1..order.len()).rev() {
            order.swap(at, random.below(at + 1));
        }
        let on_time = order.into_iter().filter(|_| !random.one_in(5));
        drive.turn_at(drive.now.minus(behind), on_time);
        self.check();
    }

    /// What must be true after every turn.
    fn check(&self) {
        let audit = self.drive.hub.audit();
        assert_eq!(audit.names, audit.members + audit.leaving, "{audit:?}");
        assert_eq!(audit.held_bytes, audit.held_bytes_counted, "{audit:?}");
        assert!(
            audit.unfinished_bytes_max <= MAX_LINE_BYTES + 1,
            "{audit:?}"
        );
        // One answer may come on top of what is just allowed; the longest is the list of names.
        assert!(
            audit.private_bytes_max <= PRIVATE_BYTES_MAX + 5000,
            "{audit:?}"
        );
        assert!(
            audit.held_bytes <= HELD_BYTES_MAX + self.peers.len() * READ_BYTES,
            "{audit:?}"
        );
        let ended = self.peers.len() - audit.open;
        assert_eq!(
            audit.disconnects, ended as u64,
            "each ends for one reason: {audit:?}"
        );
    }
}
