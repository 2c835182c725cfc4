//! Lives of members who are told in JSON, break off at any byte and come back: everybody has heard
//! every event once and in order, or was told of the gap; no line is said twice.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use chatroom::hub::limits::{Limits, Slice, WRITE_COST_BYTES};
use chatroom::wire::json::{Message, Request, Resume};
use chatroom::wire::plain;

use crate::rig::drive::{BOOT, Drive};
use crate::rig::random::Random;
use crate::rig::screen::Screen;
use crate::rig::wire::{EVERYTHING, Mischief, Wire};

const STEPS: usize = 200;
const MAX_LINE_BYTES: usize = 128;

/// What everybody was told of each event, by its number: when, and what.
type Order = BTreeMap<u64, (u64, String)>;

/// How far a client has come on its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It has asked to come in.
    Asking,
    /// Its name is held by its own older connection.
    Refused,
    /// It is in the room.
    In,
}

/// Somebody who is told in JSON.
struct Client {
    name: String,
    /// The number of its connection in the drive, and what it has read of it.
    link: usize,
    read: usize,
    phase: Phase,
    /// The number of its own coming, which it isn't told of again.
    coming: u64,
    /// It is shown what was before it came.
    in_history: bool,
    /// What it is known by when it comes back.
    token: Option<String>,
    /// The last event it knows of; none before it was ever in.
    last: Option<u64>,
    here: BTreeSet<String>,
    /// Lines that are not acknowledged, by their ids.
    waiting: VecDeque<(String, String)>,
    ids: usize,
    /// Older connections that the server does not know to be broken.
    ghosts: Vec<usize>,
}

struct World {
    drive: Drive,
    random: Random,
    order: Order,
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
        self.clients.push(Client {
            name: format!("p{at}"),
            link,
            read: 0,
            phase: Phase::Asking,
            coming: 0,
            token: None,
            in_history: false,
            last: None,
            here: BTreeSet::new(),
            waiting: VecDeque::new(),
            ids: 0,
            ghosts: Vec::new(),
        });
        self.ask(at, b"/json\n");
    }

    /// Lets a client ask to come in, and send again what was not acknowledged.
    fn ask(&mut self, at: usize, first: &[u8]) {
        let client = &mut self.clients[at];
        client.phase = Phase::Asking;
        let mut bytes = first.to_vec();
        let name = client.name.as_str().into();
        let request = match client.last {
            Some(seq) => Request::Resume(Resume {
                boot: BOOT.into(),
                seq,
                name,
                token: client.token.as_deref().map(Cow::from),
            }),
            None => Request::Name(name),
        };
        request.put(&mut bytes);
        for (id, line) in &client.waiting {
            put_line(id, line, &mut bytes);
        }
        let link = client.link;
        self.drive.wire(link).send(&bytes);
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
            client.last = None;
            client.waiting.clear();
        }
        self.come_back(at);
    }

    fn come_back(&mut self, at: usize) {
        let link = self.connect();
        let client = &mut self.clients[at];
        (client.link, client.read, client.in_history) = (link, 0, false);
        self.ask(at, b"/json\n");
    }

    fn speak(&mut self, at: usize) {
        let mut line = self.line();
        if self.random.one_in(8) {
            line = format!("/nick p{at}n{}", self.lines);
        } else if self.random.one_in(8) {
            line = "/who".to_owned();
        }
        let client = &mut self.clients[at];
        // More than the server remembers would be said twice.
        if client.phase != Phase::In || client.waiting.len() >= 32 {
            return;
        }
        client.ids += 1;
        let id = client.ids.to_string();
        let mut bytes = Vec::new();
        put_line(&id, &line, &mut bytes);
        client.waiting.push_back((id, line));
        let link = client.link;
        self.drive.wire(link).send(&bytes);
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
                client.hear(line, &mut self.order);
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

    fn judge(&mut self) {
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

impl Client {
    fn hear(&mut self, line: &[u8], order: &mut Order) {
        let message = Message::parse(line).unwrap_or_else(|error| {
            panic!("{error}: {}", String::from_utf8_lossy(line));
        });
        if let Some(seq) = message.seq() {
            self.hear_event(seq, &message, order);
            return;
        }
        match message {
            Message::Hello(hello) => assert_eq!(hello.boot, BOOT),
            Message::Welcome {
                seq,
                name,
                resumed,
                token,
            } => {
                assert_eq!((&*name, resumed), (&*self.name, self.last.is_some()));
                self.token = Some(token.into_owned());
                self.phase = Phase::In;
                self.coming = seq;
                let last = self.last.get_or_insert(seq - 1);
                assert!(*last < seq);
            }
            Message::HistoryBegin => self.in_history = true,
            Message::HistoryEnd => self.in_history = false,
            Message::Gap { missed } => {
                let last = self.last.as_mut().expect("there is something to miss");
                *last += missed.expect("the server is the same");
            }
            Message::Members { count, names, more } => {
                assert_eq!((count, more), (names.len(), 0));
                self.pass_own_coming();
                self.here = names.into_iter().map(Cow::into_owned).collect();
            }
            Message::Ack { id, seq, time } => self.hear_ack(&id, seq, time, order),
            Message::Error { code, .. } if code == "name-taken" => self.phase = Phase::Refused,
            // Lines that were sent along with a name that is taken.
            Message::Error { code, .. } => {
                assert_eq!(code, "no-name", "{}", String::from_utf8_lossy(line))
            }
            Message::Notice { .. } => {}
            other => panic!("{other:?}"),
        }
    }

    fn hear_event(&mut self, seq: u64, message: &Message<'_>, order: &mut Order) {
        let (time, told) = told(message);
        let known = order.entry(seq).or_insert_with(|| (time, told.clone()));
        assert_eq!(*known, (time, told), "number {seq} is two events");
        if self.in_history {
            return;
        }
        self.pass(seq);
        match message {
            Message::Joined(coming) => {
                self.here.insert(coming.name.clone().into_owned());
            }
            Message::Left(coming) => {
                self.here.remove(&*coming.name);
            }
            Message::Renamed { name, to, .. } => {
                self.here.remove(&**name);
                self.here.insert(to.clone().into_owned());
                if *name == self.name && seq > self.coming {
                    self.name = to.clone().into_owned();
                }
            }
            _ => {}
        }
    }

    fn hear_ack(&mut self, id: &str, seq: Option<u64>, time: Option<u64>, order: &mut Order) {
        let at = self.waiting.iter().position(|(waiting, _)| waiting == id);
        let (_, line) = self.waiting.remove(at.expect("acknowledged once")).unwrap();
        let Some((seq, time)) = seq.zip(time) else {
            assert_eq!(line, "/who");
            return;
        };
        if Some(seq) > self.last {
            self.pass(seq);
        }
        let told = if line.starts_with('/') {
            assert!(
                order.contains_key(&seq),
                "a new name is told its owner, too"
            );
            return;
        } else {
            (time, format!("{}: {line}", self.name))
        };
        let known = order.entry(seq).or_insert_with(|| told.clone());
        // It may have been said under another name.
        assert_eq!((known.0, tag(&known.1)), (time, tag(&told.1)));
        if known.1 != told.1 {
            assert!(known.1.ends_with(&line), "{known:?} is not {line}");
        }
    }

    /// Takes note of the next event that it knows of; there must be none between.
    fn pass(&mut self, seq: u64) {
        self.pass_own_coming();
        let last = self.last.as_mut().expect("it is in");
        assert_eq!(seq, *last + 1, "{}: a gap, or heard twice", self.name);
        *last = seq;
    }

    fn pass_own_coming(&mut self) {
        if self.last == Some(self.coming - 1) {
            self.last = Some(self.coming);
        }
    }
}

fn put_line(id: &str, line: &str, out: &mut Vec<u8>) {
    let (id, line) = (Some(id.into()), line.into());
    Request::Line { id, line }.put(out);
}

/// Returns when an event was, and what is told of it.
fn told(message: &Message<'_>) -> (u64, String) {
    match message {
        Message::Said(talk) | Message::Me(talk) => {
            (talk.time, format!("{}: {}", talk.name, talk.text))
        }
        Message::Joined(coming) => (coming.time, format!("{} joined", coming.name)),
        Message::Left(coming) => (coming.time, format!("{} left", coming.name)),
        Message::Renamed { time, name, to, .. } => (*time, format!("{name} is {to}")),
        other => panic!("no event: {other:?}"),
    }
}

/// Returns the number of a line that somebody said.
fn tag(line: &str) -> Option<&str> {
    line.strip_suffix('#')?.rsplit('#').next()
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
