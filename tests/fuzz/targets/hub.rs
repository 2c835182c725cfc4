//! The whole server but its poll: the input is a script of what happens to it.

use std::borrow::Cow;
use std::cell::RefMut;
use std::time::Duration;

use chatroom::hub::Readiness;
use chatroom::hub::disconnect::Disconnect;
use chatroom::hub::limits::{Limits, PRIVATE_BYTES_MAX, Slice};
use chatroom::room::MemberId;
use chatroom::wire::Encoding;
use chatroom::wire::json::{Request, Resume, line_bytes_max};

use super::rig::drive::{BOOT, Drive, HOME};
use super::rig::screen::{Check, Screen};
use super::rig::wire::{EVERYTHING, Mischief, Wire};

/// Most people in one script, and most connections at once.
const PEERS_MAX: usize = 48;
const CONNECTIONS_MAX: usize = 12;

/// Most that people send in one script, so that each is short.
const SENT_MAX: usize = 16 * 1024;

/// Most memory at once: the hub's 64 KiB to read into, the backlog, and for each connection its
/// answers, their edits and what is held back; all of it twice, since buffers grow by doubling.
const MEMORY_MAX: u64 = 4 * 1024 * 1024;

/// What people type, ready made: the fuzzer need not find it letter by letter.
const PHRASES: [&[u8]; 24] = [
    b"\n",
    b"\r\n",
    b"\r\0",
    b"p\n",
    b"q\n",
    b"r\r\n",
    b"s\r\0",
    b"/who\n",
    b"/help\n",
    b"/quit\n",
    b"/me waves\n",
    b"/msg p hello\n",
    b"/msg q hello\n",
    b"/nick P\n",
    b"/nick t\n",
    b"//x\n",
    b"hello",
    b"hello\n",
    b"GET / HTTP/1.1\r\n",
    b"\xff\xfb\x01\xff\xfd\x01",
    b"\xff\xf6",
    b"\xff\xfa\x18",
    b"\xff\xf0",
    b"\xe2\x80\xae\x1b[2J",
];

/// What programs send.
const REQUESTS: [&[u8]; 20] = [
    b"/json\n",
    b"/json\r\n{\"name\":\"p\"}\n",
    b"/json\n{\"name\":\"q\"}\n{\"id\":\"1\",\"line\":\"x\"}\n",
    b"{\"name\":\"p\"}\n",
    b"{\"name\":\"x\\\"\\\\\"}\n",
    b"{\"line\":\"hello\"}\n",
    b"{\"line\":\"h\\u0007\\ud83d\\ude00\"}\n",
    b"{\"id\":\"1\",\"line\":\"once\"}\n",
    b"{\"id\":\"2\",\"line\":\"/who\"}\n",
    b"{\"id\":\"3\",\"line\":\"/nick t\"}\n",
    b"{\"id\":\"4\",\"line\":\"/quit\"}\n",
    b"{\"id\":\"5\",\"line\":\"/msg p psst\"}\n",
    b"{\"id\":\"6\",\"line\":\"\"}\n",
    b"{\"resume\":{\"boot\":\"boot\",\"seq\":2,\"name\":\"p\"}}\n",
    b"{\"resume\":{\"boot\":\"other\",\"seq\":2,\"name\":\"q\"}}\n",
    b"{\"resume\":{\"boot\":\"boot\",\"seq\":18446744073709551615,\"name\":\"r\"}}\n",
    b"{\"id\":\"7\",\"line\":\"",
    b"\"}\n",
    b"{\"resume\":\"\xc2\x85\xe2\x80\xae\"}\n",
    b"[[[[{\"a\":[1e999]}\n",
];

/// Events from here on are those of programs.
const PROGRAMS: u8 = 0xE0;

/// Plays a script and lets the hub come to rest.
pub(crate) fn run(input: &[u8]) {
    let memory = allocation_counter::measure(|| play(input)).bytes_max;
    assert!(memory < MEMORY_MAX, "{memory} bytes of memory");
}

fn play(input: &[u8]) {
    let mut script = Script(input);
    let mut world = World::new(&mut script);
    while let Some(event) = script.next() {
        world.happen(event, &mut script);
    }
    world.come_to_rest();
    world.shut_down();
    world.come_to_rest();
    let Drive { hub, peers, .. } = &world.drive;
    assert!(hub.is_empty(), "{} are left", hub.len());
    assert!(peers.iter().all(|peer| peer.wire.borrow().dropped));
    let ends: u64 = Disconnect::ALL
        .iter()
        .map(|&why| hub.disconnects().of(why))
        .sum();
    assert_eq!(ends, peers.len() as u64, "each ends once");
}

/// The bytes of a script that are not played yet.
struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn number(&mut self) -> usize {
        usize::from(self.next().unwrap_or(0))
    }

    fn bytes(&mut self) -> &'a [u8] {
        let length = self.number().min(self.0.len());
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        bytes
    }
}

struct World {
    drive: Drive,
    sent: usize,
    limits: Limits,
    closing: bool,
}

impl World {
    fn new(script: &mut Script<'_>) -> Self {
        let settings = script.number();
        let pick = |bit: usize| settings >> bit & 1;
        let limits = Limits {
            max_line_bytes: 128,
            backlog_bytes: 4096,
            max_connections: CONNECTIONS_MAX,
            max_per_address: [None, Some(8)][pick(0)],
            name_timeout_s: [0, 5][pick(1)],
            idle_timeout_s: [0, 9][pick(2)],
            stall_timeout_s: [0, 7][pick(3)],
            grace_s: 5,
            rate: [0, 10][pick(4)],
            burst: [1, 50][pick(5)],
            history_lines: [0, 3][pick(6)],
            announce_joins: pick(7) == 1,
            log_addresses: pick(7) == 1,
            log_talk: pick(6) == 1,
            slice: Slice {
                bytes: 10_000,
                slots: 5,
            },
        };
        Self {
            drive: Drive::new(limits),
            sent: 0,
            limits,
            closing: false,
        }
    }

    fn happen(&mut self, event: u8, script: &mut Script<'_>) {
        let number = script.number();
        if event >= PROGRAMS {
            self.happen_to_program(event, number, script.number());
            return self.check();
        }
        match event % 12 {
            0 => self.join(number),
            1 => {
                let bytes = script.bytes();
                self.send(number, bytes, 1);
            }
            2 | 3 => {
                let phrase = PHRASES[script.number() % PHRASES.len()];
                self.send(number, phrase, 1);
            }
            4 => {
                let phrase = PHRASES[script.number() % PHRASES.len()];
                self.send(number, phrase, 16 * script.number());
            }
            5 => self.turn(number),
            6 => {
                self.drive.now += Duration::from_millis(50) * number as u32;
                self.turn(0);
            }
            7 => {
                let key = number % (CONNECTIONS_MAX + 2);
                let readiness = Readiness {
                    readable: number & 16 != 0,
                    writable: number & 32 != 0,
                    read_until_empty: number & 64 != 0,
                };
                self.drive.hub.ready(MemberId::from_slot(key), readiness);
            }
            8 if number == 200 => self.shut_down(),
            _ => self.bother(number, event, script),
        }
        self.check();
    }

    fn happen_to_program(&mut self, event: u8, number: usize, choice: usize) {
        if event.is_multiple_of(4) {
            self.resume(number, choice);
        } else {
            let request = REQUESTS[choice % REQUESTS.len()];
            self.send(number, request, 1);
        }
    }

    /// Lets a program ask to come in as who another one was, by the token that was given last.
    fn resume(&mut self, number: usize, seq: usize) {
        let mut tokens = self.drive.peers.iter().filter_map(|peer| {
            let wire = peer.wire.borrow();
            match &wire.screen {
                Screen::Checks(check) => check.token.clone(),
                _ => None,
            }
        });
        let resume = Request::Resume(Resume {
            boot: BOOT.into(),
            seq: seq as u64,
            name: ["p", "q", "r"][number % 3].into(),
            token: tokens.next_back().map(Cow::from),
            key: None,
        });
        let mut bytes = Vec::new();
        resume.put(&mut bytes);
        self.send(number / 3, &bytes, 1);
    }

    /// Does something to one peer's wire.
    fn bother(&self, number: usize, event: u8, script: &mut Script<'_>) {
        let Some(mut wire) = self.pick(number) else {
            return;
        };
        match event % 12 {
            8 => wire.open_window(16 * script.number()),
            9 => wire.finish(),
            10 => wire.reset(),
            _ => {
                let number = script.number();
                wire.mischief = Mischief::Told {
                    step: number % 16,
                    interrupts: number / 16,
                };
            }
        }
        // Of a broken stream, the poll may tell again.
        wire.writable |= wire.reset;
    }

    fn pick(&self, number: usize) -> Option<RefMut<'_, Wire>> {
        let peers = self.drive.peers.len();
        (peers > 0).then(|| self.drive.wire(number % peers))
    }

    fn join(&mut self, window: usize) {
        let hub = &self.drive.hub;
        if self.drive.peers.len() == PEERS_MAX || hub.must_reap_first() || hub.admit(HOME).is_err()
        {
            return;
        }
        let windows = [EVERYTHING, 0, 100, 4000];
        let window = windows[window % windows.len()];
        let screen = Screen::Checks(Check::default());
        self.drive.accept(Wire::new(window, Mischief::None, screen));
    }

    fn send(&mut self, number: usize, bytes: &[u8], times: usize) {
        for _ in 0..times {
            self.sent += bytes.len();
            if self.sent > SENT_MAX {
                return;
            }
            let Some(mut wire) = self.pick(number) else {
                return;
            };
            if !wire.finished && !wire.reset && !wire.dropped && !bytes.is_empty() {
                wire.send(bytes);
            }
        }
    }

    /// One turn of the server's loop; `late` peers' events come with the next.
    fn turn(&mut self, late: usize) {
        let on_time = |at: &usize| late >> (at % 8) & 1 == 0;
        self.drive
            .turn_in((0..self.drive.peers.len()).filter(on_time));
    }

    fn shut_down(&mut self) {
        self.closing = true;
        self.drive.hub.shut_down();
    }

    fn check(&self) {
        let departing_max = self.limits.departing_max();
        let departing = self.drive.hub.departing();
        assert!(
            departing <= departing_max || self.closing,
            "{departing} depart"
        );
        assert!(self.drive.hub.len() <= CONNECTIONS_MAX + departing_max);
        let open = (0..self.drive.peers.len()).filter(|&peer| self.drive.is_open(peer));
        assert_eq!(
            open.count(),
            self.drive.hub.len(),
            "who is let go is forgotten"
        );
        let audit = self.drive.hub.audit();
        assert_eq!(audit.names, audit.members + audit.leaving);
        assert!(audit.open <= CONNECTIONS_MAX);
        let line_bytes_max = line_bytes_max(self.limits.max_line_bytes);
        assert!(audit.unfinished_bytes_max <= line_bytes_max + 1);
        assert!(
            audit.private_bytes_max <= 2 * PRIVATE_BYTES_MAX,
            "{audit:?}"
        );
        assert_eq!(audit.held_bytes, audit.held_bytes_counted);
        let feeds = self.drive.hub.feeds();
        let capacities = feeds.iter().map(|feed| feed.transcript().capacity());
        let backlog_bytes = self.limits.backlog_bytes;
        assert!(
            capacities.eq([backlog_bytes, 2 * backlog_bytes]
                .into_iter()
                .take(feeds.iter().count()))
        );
        let readers = [Encoding::Plain, Encoding::Json].map(|encoding| feeds.of(encoding).readers);
        assert!(feeds.readers() == audit.members, "{readers:?}: {audit:?}");
    }

    /// Everybody reads on, and time passes, until nothing is left to do.
    fn come_to_rest(&mut self) {
        for _ in 0..50_000 {
            for peer in &self.drive.peers {
                let mut wire = peer.wire.borrow_mut();
                wire.mischief = Mischief::None;
                wire.open_window(1 << 20);
            }
            self.turn(0);
            if !self.drive.is_quiet() {
                continue;
            }
            self.check();
            if !self.drive.skip_to_deadline() {
                return;
            }
            self.drive.now += Duration::from_secs(3);
        }
        panic!("the hub does not come to rest");
    }
}
