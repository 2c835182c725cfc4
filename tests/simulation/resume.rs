//! Lives of members who are told in JSON, break off at any byte and come back: everybody has heard
//! every event once and in order, or was told of the gap; no line is said twice.

use std::collections::BTreeSet;
use std::time::Duration;

use chatroom::hub::limits::{IDS_MAX, Limits, Slice, WRITE_COST_BYTES};
use chatroom::wire::plain;

use crate::client::{Client, Order, Phase, tag};
use crate::rig::drive::Drive;
use crate::rig::random::Random;
use crate::rig::screen::Screen;
use crate::rig::table::Table;
use crate::rig::wire::{EVERYTHING, Mischief, Wire};

const STEPS: usize = 200;
const MAX_LINE_BYTES: usize = 128;

struct World {
    drive: Drive,
    random: Random,
    order: Order,
    table: Table,
    clients: Vec<Client>,
    /// A plain member who hears everything, and one who talks.
    ears: usize,
    talker: usize,
    lines: usize,
    time_ms: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let limits = Limits {
            max_line_bytes: MAX_LINE_BYTES,
            backlog_bytes: 4096 << random.below(5),
            history_lines: *random.pick(&[0, 0, 1, 5]),
            announce_joins: random.one_in(2),
            rate: *random.pick(&[0, 0, 100]),
            stall_timeout_s: 60,
            slice: Slice {
                slots: 1 + random.below(8),
                bytes: WRITE_COST_BYTES << random.below(5),
            },
            ..Limits::default()
        };
        let mut drive = Drive::new(limits);
        let ears = drive.join("ears", EVERYTHING);
        let talker = drive.join("talker", EVERYTHING);
        let mut world = Self {
            drive,
            random,
            order: Order::new(),
            table: Table::read(),
            clients: Vec::new(),
            ears,
            talker,
            lines: 0,
            time_ms: 1_000_000,
        };
        world.settle();
        world
    }

    fn step(&mut self) {
        match self.random.below(10) {
            0 if self.clients.len() < 6 => self.join(),
            1 if !self.clients.is_empty() => {
                let at = self.random.below(self.clients.len());
                self.break_off(at);
            }
            2..6 if !self.clients.is_empty() => {
                let at = self.random.below(self.clients.len());
                for _ in 0..=self.random.below(4) {
                    self.speak(at);
                }
            }
            6..8 => {
                let line = self.line();
                self.drive.say(self.talker, &line);
            }
            _ => {}
        }
        for at in 0..self.clients.len() {
            let bytes = self.random.below(800);
            self.drive.wire(self.clients[at].link).open_window(bytes);
            if self.random.one_in(3) {
                self.read(at, false);
            }
        }
        self.turn();
    }

    fn turn(&mut self) {
        self.drive.now += Duration::from_millis(self.random.below(40) as u64);
        // The time of day may be set back.
        self.time_ms = (self.time_ms + 60).saturating_sub(self.random.below(90) as u64);
        self.drive.hub.set_time_of_day(self.time_ms);
        self.drive.turn();
    }

    /// Lets everything come to rest, and everybody come back who is not in.
    fn settle(&mut self) {
        for _ in 0..10_000 {
            for at in 0..self.clients.len() {
                while let Some(ghost) = self.clients[at].ghosts.pop() {
                    self.drive.wire(ghost).reset();
                }
                self.drive.wire(self.clients[at].link).open_window(100_000);
                self.read(at, true);
            }
            self.turn();
            let is_done = |client: &Client| {
                let is_read = self.drive.wire(client.link).received().len() == client.read;
                client.phase == Phase::In && client.waiting.is_empty() && is_read
            };
            if self.drive.is_quiet() && self.clients.iter().all(is_done) {
                return;
            }
        }
        panic!("they do not come to rest");
    }

    fn line(&mut self) -> String {
        self.lines += 1;
        let filler = "x".repeat(self.random.below(60));
        format!("{filler} \"#{}#", self.lines)
    }

    fn connect(&mut self) -> usize {
        let window = self.random.below(4000);
        let mischief = Mischief::Chance(Random::new(self.random.next()));
        self.drive
            .accept(Wire::new(window, mischief, Screen::Keeps(Vec::new())))
    }

    fn join(&mut self) {
        let link = self.connect();
        let at = self.clients.len();
        self.clients.push(Client::new(format!("p{at}"), link));
        self.ask(at, b"/json\n");
    }

    /// Lets a client ask to come in, behind what it sends `first`.
    fn ask(&mut self, at: usize, first: &[u8]) {
        let client = &mut self.clients[at];
        let bytes = client.ask();
        let mut wire = self.drive.wire(client.link);
        wire.send(first);
        wire.send(&bytes);
    }

    /// Breaks a client's connection: of what was on its way in either direction, some is lost. Then
    /// it comes back, as who it was or as somebody new.
    fn break_off(&mut self, at: usize) {
        let (ghost, anew) = (self.random.one_in(3), self.random.one_in(4));
        let client = &mut self.clients[at];
        {
            let mut wire = self.drive.wire(client.link);
            let arrived = wire.arrived.len();
            let kept = self.random.below(arrived + 1);
            wire.arrived.truncate(kept);
            if !ghost {
                wire.reset();
            }
        }
        if ghost {
            client.ghosts.push(client.link);
        }
        if anew && !ghost {
            client.begin_anew();
        }
        self.come_back(at);
    }

    fn come_back(&mut self, at: usize) {
        let link = self.connect();
        self.clients[at].change_to(link);
        self.ask(at, b"/json\n");
    }

    fn speak(&mut self, at: usize) {
        let line = match self.random.below(16) {
            0..2 => format!("/nick p{at}n{}", self.lines),
            2..4 => "/who".to_owned(),
            _ => self.line(),
        };
        let client = &mut self.clients[at];
        // More than the server remembers would be said twice.
        if client.phase == Phase::In && client.waiting.len() < IDS_MAX {
            let bytes = client.say(line);
            self.drive.wire(client.link).send(&bytes);
        }
    }

    /// Lets a client read what has come, or a part of it; one that was let go of comes back.
    fn read(&mut self, at: usize, all: bool) {
        let client = &mut self.clients[at];
        let (lines, dropped) = {
            let wire = self.drive.wire(client.link);
            let mut come = &wire.received()[client.read..];
            if !all {
                come = &come[..self.random.below(come.len() + 1)];
            }
            let whole = memchr::memrchr(b'\n', come).map_or(0, |end| end + 1);
            client.read += whole;
            (come[..whole].to_vec(), wire.dropped)
        };
        for line in lines.split(|&byte| byte == b'\n') {
            if !line.is_empty() && line != plain::PROMPT.as_bytes() {
                client.hear(line, &self.table, &mut self.order);
            }
        }
        if dropped {
            self.come_back(at);
        } else if client.phase == Phase::Refused {
            for ghost in client.ghosts.drain(..) {
                self.drive.wire(ghost).reset();
            }
            self.ask(at, b"");
        }
    }

    fn judge(&self) {
        let names: BTreeSet<String> = self
            .drive
            .hub
            .room()
            .names()
            .iter()
            .map(String::from)
            .collect();
        for client in &self.clients {
            assert_eq!(client.here, names, "{}", client.name);
        }
        let said: Vec<&str> = self
            .order
            .values()
            .filter_map(|(_, told)| tag(told))
            .collect();
        let unique: BTreeSet<&str> = said.iter().copied().collect();
        assert_eq!(unique.len(), said.len(), "said twice: {said:?}");
        let times = self.order.values().map(|(time, _)| time);
        assert!(times.is_sorted(), "time goes back");
        // People with nc were told the same, in the same order.
        let text = self.drive.heard(self.ears);
        let heard: Vec<&str> = text.lines().filter_map(tag).collect();
        if let Some(first) = said.first() {
            let from = heard.iter().position(|line| line == first).unwrap();
            let whole = &heard[from..];
            let gone: Vec<&&str> = whole
                .iter()
                .filter(|line| !unique.contains(**line))
                .collect();
            // What happened while nobody was told in JSON is known to nobody here.
            let known: Vec<&str> = whole
                .iter()
                .copied()
                .filter(|line| unique.contains(line))
                .collect();
            assert_eq!(known, said, "another order; {} unknown", gone.len());
        }
    }
}

#[test]
fn whoever_breaks_off_comes_back_to_every_event_once() {
    crate::for_each_seed(|seed| {
        let mut world = World::new(seed);
        for _ in 0..STEPS {
            world.step();
        }
        world.settle();
        world.judge();
    });
}
