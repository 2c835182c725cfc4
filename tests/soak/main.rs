//! A day compressed: people come, on plain lines and over TLS, talk, are moderated and leave, for as
//! long as it is told, while signals come, the record is rotated and metrics are read. Memory and
//! descriptors have to stay where they are.
//!
//! ```text
//! cargo test --release --test soak -- --ignored --nocapture       # ten minutes
//! CHATROOM_SOAK_S=60 cargo test --release --test soak -- --ignored --nocapture
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says how it goes"
)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../moderation/house.rs"]
#[allow(dead_code, reason = "a part of it is used")]
mod house;
#[path = "../tls/person.rs"]
#[allow(dead_code, reason = "a part of it is used")]
mod person;
#[path = "../rig/random.rs"]
#[allow(dead_code, reason = "a part of it is used")]
mod random;

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use common::{PATIENCE, Peer, Server, Signal};
use house::House;
use person::Person;
use random::Random;

/// People in the room on plain lines, about.
const CROWD: usize = 100;

/// And over TLS.
const SEALED: usize = 10;

/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(5);

/// What of the time has to pass before memory is compared: buffers have found their sizes.
const WARM_PART: u32 = 5;

/// What is looked at.
#[derive(Debug, Clone, Copy)]
struct Look {
    resident_bytes: u64,
    descriptors: usize,
}

struct Soak {
    server: Server,
    tls: SocketAddr,
    metrics: SocketAddr,
    random: Random,
    crowd: Vec<Peer>,
    sealed: Vec<Person>,
    /// Hears everything, keeps the peace, and is never sent away.
    chief: Peer,
    house: House,
    lines: u64,
    joins: u64,
    recorded: u64,
}

impl Soak {
    fn start() -> Self {
        let house = House::new();
        let configuration = house.path("chatroom.toml");
        fs::write(&configuration, "announce-joins = true\nhistory = 20\n").unwrap();
        let server = house.start(&[
            "--config",
            configuration.to_str().unwrap(),
            "--listen",
            "tls://127.0.0.1:0",
            "--tls-dir",
            house.path("").to_str().unwrap(),
            "--metrics",
            "127.0.0.1:0",
            "--rate",
            "0",
            "--log-addresses",
        ]);
        let metrics = server.texts().iter().find_map(|text| {
            let address = text.strip_prefix("metrics at http://")?;
            address.strip_suffix("/metrics")?.parse().ok()
        });
        Self {
            chief: house.chief(&server),
            tls: server.tls_address(),
            server,
            house,
            metrics: metrics.unwrap(),
            random: Random::new(17),
            crowd: Vec::new(),
            sealed: Vec::new(),
            lines: 0,
            joins: 0,
            recorded: 0,
        }
    }

    /// Lets a round of things happen.
    fn round(&mut self) {
        while self.crowd.len() < CROWD {
            self.joins += 1;
            let name = format!("u{}", self.joins);
            self.crowd.push(self.server.join(&name));
        }
        for _ in 0..CROWD {
            let who = self.random.below(self.crowd.len());
            let peer = &self.crowd[who];
            match self.random.below(100) {
                0 => drop(self.crowd.swap_remove(who)),
                1 => self.crowd.swap_remove(who).reset(),
                2 => peer.say("/who"),
                3 => peer.say(format!("/nick n{}", self.lines)),
                4 => peer.say("/me waves"),
                5 => peer.say("/msg chief psst"),
                6 => peer.send("half a line"),
                7 => self.crowd.swap_remove(who).say("/quit"),
                8 => drop(self.server.connect()),
                _ => {
                    let length = self.random.below(200);
                    peer.say("x".repeat(length));
                }
            }
            self.lines += 1;
            if self.crowd.is_empty() {
                break;
            }
        }
        self.crowd.iter_mut().for_each(Peer::drain);
        self.keep_the_peace();
        self.talk_sealed();
        let round = format!("/msg chief round {}", self.lines);
        self.chief.say(round);
        while !self.chief.line().contains(&format!("round {}", self.lines)) {}
        self.server.drain_log();
        self.server.forget_log();
        self.chief.forget();
        self.crowd.iter_mut().for_each(Peer::forget);
    }

    /// Does what operators do, to two who came for that.
    fn keep_the_peace(&mut self) {
        self.joins += 1;
        let (kicked, banned) = (format!("v{}", self.joins), format!("w{}", self.joins));
        let mut victims = [&kicked, &banned].map(|name| self.server.join(name));
        let acts = [
            format!("/topic {}", self.lines),
            "/slow 1\n/slow 0\n/announce all is well".to_owned(),
            format!("/mute {kicked} for 1m\n/unmute {kicked}\n/kick {kicked} enough"),
            format!("/ban {banned} for 1h\n/unban {banned}"),
        ];
        self.chief.say(acts.join("\n"));
        for victim in &mut victims {
            while victim.line_or_end().is_some() {}
        }
    }

    /// Lets those who speak TLS talk, and some of them come and go.
    fn talk_sealed(&mut self) {
        let address = self.tls;
        while self.sealed.len() < SEALED {
            self.joins += 1;
            self.sealed
                .push(Person::join(address, &format!("s{}", self.joins)));
        }
        for person in &mut self.sealed {
            person.say("sealed");
        }
        let word = format!("heard {}", self.lines);
        self.chief.say(&word);
        for person in &mut self.sealed {
            while person.line().unwrap().unwrap() != format!("chief: {word}") {}
        }
        let who = self.random.below(SEALED);
        let person = self.sealed.swap_remove(who);
        match self.random.below(3) {
            0 => person.finish(),
            1 => drop(person),
            _ => drop(Person::connect(address)),
        }
        // Somebody who speaks no TLS.
        Peer::connect(address).say("hello");
    }

    /// Takes the record away, as logrotate does, and counts its lines.
    fn rotate(&mut self) {
        let (record, old) = (self.house.path("record"), self.house.path("record.1"));
        if fs::rename(record, old).is_err() {
            // Not written anew yet.
            return;
        }
        for line in self.house.read("record.1").lines() {
            let event: serde_json::Value = serde_json::from_str(line).expect("whole lines");
            assert!(
                event["time"].is_u64() || event["time"].is_string(),
                "{line}"
            );
            self.recorded += 1;
        }
    }

    /// Lets what happens to servers happen, and returns how it is.
    fn look(&mut self) -> Look {
        self.rotate();
        for signal in [Signal::HUP, Signal::USR1] {
            self.server.signal(signal);
        }
        let mut stream = TcpStream::connect_timeout(&self.metrics, PATIENCE).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let resident = answer.lines().find_map(|line| {
            line.strip_prefix("process_resident_memory_bytes ")?
                .parse()
                .ok()
        });
        let descriptors = fs::read_dir(format!("/proc/{}/fd", self.server.id()));
        Look {
            resident_bytes: resident.expect("it tells"),
            descriptors: descriptors.unwrap().count(),
        }
    }
}

#[test]
#[ignore = "takes ten minutes, or CHATROOM_SOAK_S seconds"]
fn a_day_of_the_room_leaves_memory_and_descriptors_where_they_are() {
    let seconds = std::env::var("CHATROOM_SOAK_S").map_or(600, |text| text.parse().unwrap());
    let time = Duration::from_secs(seconds);
    let mut soak = Soak::start();
    let start = Instant::now();
    let mut looks = Vec::new();
    while start.elapsed() < time {
        let until = (start.elapsed() + LOOK).min(time);
        while start.elapsed() < until {
            soak.round();
        }
        let look = soak.look();
        println!("after {:.0?}: {look:?}", start.elapsed());
        looks.push((start.elapsed(), look));
    }
    let warm = looks
        .iter()
        .find(|(at, _)| *at >= time / WARM_PART)
        .expect("a look")
        .1;
    let last = looks.last().expect("a look").1;
    println!(
        "{seconds} s: {} things said and done, {} joins, {} lines of record; resident {} KB after a fifth of it and \
         {} KB at the end, descriptors {} and {}",
        soak.lines,
        soak.joins,
        soak.recorded,
        warm.resident_bytes / 1024,
        last.resident_bytes / 1024,
        warm.descriptors,
        last.descriptors,
    );
    // One that comes and goes is always under way.
    assert!(
        last.descriptors <= warm.descriptors + 10,
        "{warm:?} {last:?}"
    );
    assert!(
        last.resident_bytes < warm.resident_bytes + (2 << 20),
        "{warm:?} {last:?}"
    );
    soak.server.stop();
}
