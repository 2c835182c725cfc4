//! Random lives of one room on several nodes: people come, speak, whisper, rename and go; connections to
//! the stream break, nodes are cut off for longer than their lease, die and start again, acknowledgements
//! are lost, batches come twice, clocks step. Then all nodes must have applied the same events in the same
//! order, what was said to a node that lives once each, and each who came must be here or have left once.

mod gaps;
mod letters;
mod stream;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chatroom::backplane::Incoming;
use chatroom::hub::backplane::Settings;
use chatroom::room::access::{Access, Keeping};
use chatroom::tick::Tick;
use chatroom::wire::json::Message;
use chatroom::wire::plain::GREETING;

use crate::rig::drive::Drive;
use crate::rig::random::Random;
use crate::rig::screen::Screen;
use crate::rig::wire::EVERYTHING;
use stream::{Port, Stream};

const STEPS: usize = 120;
const NAMES: [&str; 7] = ["ali", "bob", "eve", "zoe", "kim", "سهیل", "dan"];
const TIMEOUT: Duration = Duration::from_secs(30);

struct Node {
    drive: Drive,
    port: Port,
    /// The lines that everybody was told, by their numbers.
    told: BTreeMap<u64, String>,
    /// How often it had missed events.
    gaps: u64,
    people: Vec<Person>,
}

/// Somebody who has connected.
struct Person {
    peer: usize,
    /// It has been let in.
    is_in: bool,
    /// What it has been sent.
    heard: Vec<u8>,
    /// What it has said, each once.
    said: Vec<u64>,
    /// It has said that it leaves.
    quits: bool,
}

struct World {
    random: Random,
    stream: Stream,
    nodes: Vec<Node>,
    /// What nodes that have died were told.
    dead: Vec<BTreeMap<u64, String>>,
    /// How often those went on though nobody knew what had happened before.
    holes: u64,
    now: Tick,
    time_ms: u64,
    starts: usize,
    lines: u64,
    /// Lines that may have been lost with a node, or with a name that was taken meanwhile.
    uncertain: BTreeSet<u64>,
}

impl World {
    fn new(seed: u64, held_max: Option<usize>) -> Self {
        let mut world = Self {
            random: Random::new(seed),
            stream: Stream {
                held_max,
                ..Stream::default()
            },
            nodes: Vec::new(),
            dead: Vec::new(),
            holes: 0,
            now: Tick::START + Duration::from_secs(100),
            time_ms: 1_764_079_201_000,
            starts: 0,
            lines: 0,
            uncertain: BTreeSet::new(),
        };
        for _ in 0..2 + world.random.below(2) {
            world.start_node();
        }
        world
    }

    fn start_node(&mut self) {
        let access = Access::new(Keeping {
            names_max: 10,
            days: 90,
        });
        let mut drive = Drive::with(crate::limits(), access);
        drive.now = self.now;
        drive.hub.start_turn(self.now);
        drive.hub.share(&Settings {
            boot: format!("n{}", self.starts),
            timeout: TIMEOUT,
        });
        drive.hub.begin_record();
        self.starts += 1;
        let mut node = Node {
            drive,
            port: Port::default(),
            told: BTreeMap::new(),
            gaps: 0,
            people: Vec::new(),
        };
        // Asks for what it needs, before it is connected.
        node.drive.hub.speak_to(&mut node.port);
        self.nodes.push(node);
    }

    fn step(&mut self) {
        let at = self.random.below(self.nodes.len());
        match self.random.below(40) {
            0..6 => self.connect_to(at),
            6..9 => self.come(at),
            9..16 => self.speak(at),
            16 => self.leave(at),
            17 => self.rename(at),
            18 => self.whisper(at),
            19 if self.random.one_in(2) => self.cut(at),
            20 if self.random.one_in(12) => self.die(at),
            21 if self.random.one_in(6) && self.nodes.len() < 4 => self.start_node(),
            22 if self.random.one_in(2) => {
                // Long enough for leases to lapse, if beats don't come.
                for _ in 0..8 {
                    self.pass(Duration::from_millis(1900));
                }
            }
            23 => self.time_ms = self.time_ms.saturating_sub(self.random.below(5000) as u64),
            24..27 => {
                let time = Duration::from_millis(self.random.below(900) as u64);
                self.pass(time);
            }
            27..32 => self.bring(at, true),
            _ => self.tell(at),
        }
        // It may be another that is there.
        self.turn(at.min(self.nodes.len() - 1));
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.time_ms += time.as_millis() as u64;
        for at in 0..self.nodes.len() {
            self.turn(at);
            if self.random.one_in(2) {
                self.bring(at, true);
                self.tell(at);
            }
        }
    }

    /// Lets a node take a turn, and brings its letters and beats where they belong.
    fn turn(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        node.drive.now = self.now;
        node.drive
            .hub
            .set_time_of_day(self.time_ms + 1000 * at as u64);
        for _ in 0..2 {
            node.drive.turn();
            node.drive.hub.speak_to(&mut node.port);
        }
        node.note();
        if let Some(parts) = node.port.put.take_if(|_| self.stream.held_max.is_some()) {
            // At once, as seen by who reads it a second later.
            self.stream.snapshot = parts;
        }
        let (letters, beats) = (
            std::mem::take(&mut node.port.letters),
            std::mem::take(&mut node.port.beats),
        );
        let is_up = node.port.is_up;
        for other in self.nodes.iter_mut().filter(|_| is_up) {
            if !other.port.is_up {
                continue;
            }
            for boot in &beats {
                other.drive.hub.hear_backplane(Incoming::Beat { boot });
            }
            for (_, payload) in letters.iter().filter(|(boot, _)| boot == other.port.boot()) {
                other.drive.hub.hear_backplane(Incoming::Told { payload });
            }
        }
    }

    fn bring(&mut self, at: usize, flaky: bool) {
        let (stream, random) = (&mut self.stream, &mut self.random);
        for _ in 0..=random.below(4) {
            let port = &mut self.nodes[at].port;
            port.bring(stream, self.time_ms, random, flaky);
        }
    }

    fn tell(&mut self, at: usize) {
        let most = 1 + self.random.below(8);
        let node = &mut self.nodes[at];
        node.drive.now = self.now;
        node.drive.hub.start_turn(self.now);
        for _ in 0..most {
            node.note();
            let Some(incoming) = node.port.next(&self.stream) else {
                break;
            };
            node.drive.hub.hear_backplane(incoming);
            node.note_gap();
        }
    }

    fn connect_to(&mut self, at: usize) {
        let last_seq = self.stream.batches.len() as u64;
        let node = &mut self.nodes[at];
        if node.port.is_up {
            return;
        }
        node.port.is_up = true;
        let first_seq = self.stream.first_seq();
        node.drive.hub.start_turn(self.now);
        node.drive.hub.hear_backplane(Incoming::Up {
            first_seq,
            last_seq,
            stream: "first",
        });
    }

    fn cut(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        if node.port.is_up {
            node.port.cut(&mut self.random);
            let why = "the connection broke".to_owned();
            node.drive.hub.hear_backplane(Incoming::Down { why });
        }
    }

    /// Cuts a node off until the stream holds nothing any more of what it has not heard.
    fn leave_behind(&mut self, at: usize) {
        let Some(held_max) = self.stream.held_max else {
            return;
        };
        self.cut(at);
        let enough = self.stream.batches.len() + held_max + 1;
        // Where all of the others have nobody, they say nothing.
        for _ in 0..2000 {
            if self.stream.batches.len() > enough {
                break;
            }
            self.now += Duration::from_millis(20);
            self.time_ms += 20;
            for other in (0..self.nodes.len()).filter(|other| *other != at) {
                self.connect_to(other);
                if self.random.one_in(20) {
                    self.come(other);
                }
                self.speak(other);
                self.turn(other);
                self.bring(other, false);
                self.tell(other);
            }
            if self.random.one_in(50) {
                self.speak(at);
            }
            self.turn(at);
        }
    }

    fn die(&mut self, at: usize) {
        if self.nodes.len() < 2 {
            return;
        }
        let mut node = self.nodes.swap_remove(at);
        node.note();
        self.uncertain
            .extend(node.people.iter().flat_map(|person| &person.said));
        self.holes += node.holes();
        self.dead.push(node.told);
    }

    fn come(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        if node.people.len() >= 6 {
            return;
        }
        let peer = node.drive.connect(EVERYTHING);
        let name = *self.random.pick(&NAMES);
        node.drive.say(peer, name);
        node.people.push(Person {
            peer,
            is_in: false,
            heard: Vec::new(),
            said: Vec::new(),
            quits: false,
        });
    }

    fn somebody(&mut self, at: usize) -> Option<usize> {
        let people = &self.nodes[at].people;
        let here = (0..people.len()).filter(|&who| people[who].is_in && !people[who].quits);
        let here: Vec<usize> = here.collect();
        (!here.is_empty()).then(|| *self.random.pick(&here))
    }

    fn speak(&mut self, at: usize) {
        let Some(who) = self.somebody(at) else {
            return;
        };
        for _ in 0..=self.random.below(3) {
            self.lines += 1;
            let node = &mut self.nodes[at];
            let person = &mut node.people[who];
            person.said.push(self.lines);
            let line = format!("#{}#", self.lines);
            node.drive.say(person.peer, &line);
        }
    }

    fn leave(&mut self, at: usize) {
        let Some(who) = self.somebody(at) else {
            return;
        };
        let node = &mut self.nodes[at];
        node.people[who].quits = true;
        let peer = node.people[who].peer;
        if self.random.one_in(2) {
            node.drive.say(peer, "/quit");
        } else {
            node.drive.wire(peer).finish();
        }
    }

    fn rename(&mut self, at: usize) {
        if let Some(who) = self.somebody(at) {
            let name = *self.random.pick(&NAMES);
            let node = &self.nodes[at];
            node.drive
                .say(node.people[who].peer, &format!("/nick {name}"));
        }
    }

    fn whisper(&mut self, at: usize) {
        if let Some(who) = self.somebody(at) {
            let name = *self.random.pick(&NAMES);
            let node = &self.nodes[at];
            let line = format!("/msg {name} pst");
            node.drive.say(node.people[who].peer, &line);
        }
    }

    /// Connects all, and lets time pass until all is told.
    fn heal(&mut self) {
        // Longer than the lease of those who have died, and where nodes may not know the room, than all of
        // them wait for one who does.
        let rounds = if self.stream.held_max.is_some() {
            300
        } else {
            120
        };
        for round in 0..4 * rounds {
            for at in 0..self.nodes.len() {
                self.connect_to(at);
                self.turn(at);
                for _ in 0..4 {
                    self.bring(at, false);
                    self.tell(at);
                }
                self.turn(at);
            }
            self.now += Duration::from_millis(200);
            self.time_ms += 200;
            let living = self.nodes.len();
            let is_quiet = |node: &Node| {
                let figures = node.drive.hub.backplane_figures().unwrap();
                let knows = figures.waiting_bytes == 0 && figures.nodes <= living;
                knows && node.port.is_quiet(&self.stream) && node.drive.is_quiet()
            };
            if round > rounds && self.nodes.iter().all(is_quiet) {
                return;
            }
        }
        for node in &self.nodes {
            eprintln!("{:?}", node.drive.hub.backplane_figures());
        }
        panic!("the nodes do not come to rest");
    }

    /// Returns whether something may have happened that nobody heard of who lives.
    fn has_holes(&self) -> bool {
        self.holes > 0 || self.nodes.iter().any(|node| node.holes() > 0)
    }

    /// Returns whether all nodes have the same people in the room.
    fn is_of_one_mind(&self) -> bool {
        let names = |node: &Node| -> BTreeSet<String> {
            let names = node.drive.hub.room().names();
            names.iter().map(str::to_owned).collect()
        };
        let first = names(&self.nodes[0]);
        self.nodes.iter().all(|node| names(node) == first)
    }

    fn judge(&self) {
        let mut log: BTreeMap<u64, &str> = BTreeMap::new();
        for told in self.nodes.iter().map(|node| &node.told).chain(&self.dead) {
            for (&seq, line) in told {
                let before = *log.entry(seq).or_insert(line);
                assert_eq!(before, line, "two nodes were told otherwise");
            }
        }
        for (expected, seq) in (1..).zip(log.keys()) {
            assert_eq!(expected, *seq, "nobody was told");
        }
        let here = Self::judge_presence(&log);
        self.judge_nodes(&here);
        self.judge_lines(&log);
    }

    /// Checks that all nodes know alike who is here, and that it is those who are connected.
    fn judge_nodes(&self, here: &BTreeSet<&str>) {
        let mut present = BTreeSet::new();
        for node in &self.nodes {
            let names: BTreeSet<&str> = node.drive.hub.room().names().iter().collect();
            assert_eq!(names, *here, "who is here");
            let last = self.stream.batches.len() as u64;
            assert_eq!(node.drive.hub.applied_seq(), last, "it lags");
            for person in node.people.iter().filter(|person| !person.quits) {
                let is_open = node.drive.is_open(person.peer);
                let id = node.drive.peers[person.peer].id;
                let name = node.drive.hub.room().names().of(id);
                if person.is_in && is_open && !name.is_empty() {
                    assert!(present.insert(name.to_owned()), "{name} twice");
                }
            }
        }
        let present: BTreeSet<&str> = present.iter().map(String::as_str).collect();
        if present != *here {
            for node in &self.nodes {
                for person in &node.people {
                    let id = node.drive.peers[person.peer].id;
                    let name = node.drive.hub.room().names().of(id);
                    let is_open = node.drive.is_open(person.peer);
                    eprintln!(
                        "{}: {name} {id} open {is_open} in {} quits {}\n{}",
                        node.port.boot(),
                        person.is_in,
                        person.quits,
                        person.heard()
                    );
                }
            }
        }
        assert_eq!(present, *here, "somebody is here whom nobody is");
    }

    /// Returns who is here, by what was told.
    fn judge_presence<'l>(log: &'l BTreeMap<u64, &str>) -> BTreeSet<&'l str> {
        let mut here = BTreeSet::new();
        for line in log.values() {
            match Message::parse(line.as_bytes()).unwrap() {
                Message::Joined(coming) => {
                    let name = borrowed(coming.name);
                    assert!(here.insert(name), "{name} came twice");
                }
                Message::Left(coming) => {
                    let name = borrowed(coming.name);
                    assert!(here.remove(name), "{name} left twice");
                }
                Message::Renamed { name, to, .. } => {
                    assert!(here.remove(&*name), "{name} was not here");
                    let to = borrowed(to);
                    assert!(here.insert(to), "{to} was here");
                }
                Message::Said(talk) => assert!(here.contains(&*talk.name), "{line}"),
                other => panic!("{other:?}"),
            }
        }
        here
    }

    fn judge_lines(&self, log: &BTreeMap<u64, &str>) {
        let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
        let mut texts = Vec::new();
        for line in log.values() {
            if let Message::Said(talk) = Message::parse(line.as_bytes()).unwrap() {
                let number = talk.text.trim_matches('#').parse().unwrap();
                *counts.entry(number).or_default() += 1;
                texts.push((number, format!("{}: {}", talk.name, talk.text)));
            }
        }
        for (number, count) in &counts {
            assert_eq!(*count, 1, "line {number} was told {count} times");
        }
        for node in &self.nodes {
            for person in &node.people {
                let heard = person.heard();
                // Its name was somebody else's when it was to be let in again.
                let asked = ["That name", "your name is needed once more"];
                let is_cut = heard.contains("took this part")
                    && asked.iter().any(|words| heard.contains(words))
                    || person.quits && node.port.boot().contains('-');
                for number in &person.said {
                    let told = counts.contains_key(number);
                    let certain = !is_cut && !self.uncertain.contains(number);
                    assert!(
                        told || !certain,
                        "line {number} was lost of who heard {heard}"
                    );
                }
                // What it has heard of the talk is a piece of it in that order, but for its own.
                let mut rest = texts
                    .iter()
                    .filter(|(number, _)| !person.said.contains(number));
                let mut began = false;
                for line in heard.lines().filter(|line| line.ends_with('#')) {
                    let next = if began && node.gaps == 0 {
                        rest.next()
                    } else {
                        rest.find(|(_, text)| text == line)
                    };
                    began = true;
                    assert_eq!(next.map(|(_, text)| text.as_str()), Some(line));
                }
                let is_here = person.is_in && !person.quits && node.drive.is_open(person.peer);
                if is_here && began && node.gaps == 0 {
                    assert_eq!(rest.next(), None, "it has not heard all");
                }
            }
        }
    }
}

impl Person {
    fn heard(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.heard)
    }
}

impl Node {
    fn holes(&self) -> u64 {
        self.drive.hub.backplane_figures().unwrap().holes
    }

    /// Leaves out what its people were told in place of what they missed: its numbers stand for other
    /// events.
    fn note_gap(&mut self) {
        let figures = self.drive.hub.backplane_figures().unwrap();
        if std::mem::replace(&mut self.gaps, figures.gaps) != figures.gaps {
            self.drive.hub.record_mut().unwrap().clear();
        }
    }

    /// Takes note of what its people have heard, and what everybody was told.
    fn note(&mut self) {
        for person in &mut self.people {
            if let Screen::Keeps(bytes) = &mut self.drive.wire(person.peer).screen {
                person.heard.append(bytes);
            }
            person.is_in |= person.heard().contains(GREETING);
        }
        let Some(record) = self.drive.hub.record_mut() else {
            return;
        };
        for line in std::mem::take(record).split(|&byte| byte == b'\n') {
            let line = String::from_utf8(line.to_vec()).unwrap();
            if let Some(seq) = chatroom::wire::json::seq_of(line.as_bytes()) {
                let before = self.told.insert(seq, line);
                assert_eq!(before, None, "a number was used twice");
            }
        }
    }
}

fn borrowed(text: std::borrow::Cow<'_, str>) -> &str {
    match text {
        std::borrow::Cow::Borrowed(text) => text,
        std::borrow::Cow::Owned(text) => panic!("{text} has escapes"),
    }
}

#[test]
fn one_room_on_several_nodes_keeps_its_promises() {
    let [died, again, refused, told] = [0; 4].map(std::cell::Cell::new);
    let add = |sum: &std::cell::Cell<u64>, count: u64| sum.set(sum.get() + count);
    let lives = std::cell::Cell::new(0);
    crate::for_each_seed(|seed| {
        let mut world = World::new(seed, None);
        for _ in 0..STEPS {
            world.step();
        }
        world.heal();
        world.judge();
        add(&lives, 1);
        add(&died, world.dead.len() as u64);
        for node in &world.nodes {
            let people = node.people.iter();
            let back = people.filter(|person| person.heard().contains("took this part"));
            add(&again, back.count() as u64);
            let figures = node.drive.hub.backplane_figures().unwrap();
            add(&refused, figures.refused);
            add(&told, node.told.len() as u64);
        }
    });
    let sums = [&died, &again, &refused, &told].map(std::cell::Cell::get);
    println!("{lives:?} lives: nodes died, people let in again, events refused, told: {sums:?}");
    // Else it would show nothing.
    assert!(
        lives.get() < 1000 || sums.iter().all(|sum| *sum > 100),
        "{sums:?}"
    );
}
