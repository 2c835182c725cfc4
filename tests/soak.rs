//! A day compressed: people come, talk, change their names and leave, for as long as it is told, while
//! signals come and metrics are read. Memory and descriptors have to stay where they are.
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

mod common;
#[path = "rig/random.rs"]
#[allow(dead_code, reason = "a part of it is used")]
mod random;

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use common::{PATIENCE, Peer, Server, Signal, chatroom};
use random::Random;

/// People in the room, about.
const CROWD: usize = 100;

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
    metrics: SocketAddr,
    random: Random,
    crowd: Vec<Peer>,
    /// Hears everything, and is never sent away.
    ears: Peer,
    lines: u64,
    joins: u64,
}

impl Soak {
    fn start(configuration: &str) -> Self {
        let mut command = chatroom();
        command.args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--metrics",
            "127.0.0.1:0",
            "--config",
            configuration,
            "--rate",
            "0",
            "--history",
            "20",
            "--log-addresses",
        ]);
        let server = Server::run(command);
        let metrics = server.texts().iter().find_map(|text| {
            let address = text.strip_prefix("metrics at http://")?;
            address.strip_suffix("/metrics")?.parse().ok()
        });
        Self {
            ears: server.join("ears"),
            server,
            metrics: metrics.unwrap(),
            random: Random::new(17),
            crowd: Vec::new(),
            lines: 0,
            joins: 0,
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
                5 => peer.say("/msg ears psst"),
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
        let round = format!("/msg ears round {}", self.lines);
        self.ears.say(round);
        while !self.ears.line().contains(&format!("round {}", self.lines)) {}
        self.server.drain_log();
        self.server.forget_log();
        self.ears.forget();
        self.crowd.iter_mut().for_each(Peer::forget);
    }

    /// Lets what happens to servers happen, and returns how it is.
    fn look(&self) -> Look {
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
    let directory = tempfile::tempdir().unwrap();
    let configuration = directory.path().join("chatroom.toml");
    fs::write(&configuration, "announce-joins = true\n").unwrap();
    let mut soak = Soak::start(configuration.to_str().unwrap());
    let start = Instant::now();
    let mut looks = Vec::new();
    while start.elapsed() < time {
        let until = (start.elapsed() + LOOK).min(time);
        while start.elapsed() < until {
            soak.round();
        }
        looks.push((start.elapsed(), soak.look()));
    }
    let warm = looks
        .iter()
        .find(|(at, _)| *at >= time / WARM_PART)
        .expect("a look")
        .1;
    let last = looks.last().expect("a look").1;
    println!(
        "{seconds} s: {} things said and done, {} joins; resident {} KB after a fifth of it and {} KB at the end, \
         descriptors {} and {}",
        soak.lines,
        soak.joins,
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
