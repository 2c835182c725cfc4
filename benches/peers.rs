//! What a user would run instead: the same load on the room, the floor, Redis pub/sub, NATS, ngircd,
//! mosquitto and `ncat --chat`, each on loopback with its throttles off.
//!
//! ```text
//! cargo bench --bench peers                 # prints one table
//! cargo bench --bench peers -- --save       # writes it to benches/results.tsv, too
//! cargo bench --bench peers -- --chart      # draws benches/fanout.svg from benches/results.tsv
//! ```
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    reason = "it prints what it measured, and fails by panicking"
)]

#[path = "peers/chart.rs"]
mod chart;
#[path = "peers/programs.rs"]
mod programs;
#[path = "peers/results.rs"]
mod results;
mod support;

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use programs::Program;
use results::{Figures, Results};
use support::machine::{self, raise_descriptor_limit};
use support::{Crowd, Members, Pace, Talk, floor};

/// How often everything is measured; what counts is the median.
const ROUNDS: usize = 3;

/// How long one load lasts, or a little longer.
const LASTS: Duration = Duration::from_millis(500);

/// What members do.
struct Load {
    name: &'static str,
    members: Members,
    pace: Pace,
}

const LOADS: [Load; 5] = [
    Load {
        name: "one at a time",
        members: members(900, 1),
        pace: Pace::Window(1),
    },
    Load {
        name: "64 in flight",
        members: members(900, 1),
        pace: Pace::Window(64),
    },
    Load {
        name: "300 speak",
        members: members(900, 300),
        pace: Pace::Window(300),
    },
    Load {
        name: "50 a second",
        members: members(900, 1),
        pace: Pace::PerSecond(50.0),
    },
    Load {
        name: "one at a time, 90 members",
        members: members(90, 1),
        pace: Pace::Window(1),
    },
];

const fn members(count: usize, speakers: usize) -> Members {
    Members {
        count,
        speakers,
        stalled: 0,
    }
}

fn main() {
    floor::run_if_asked();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let asked = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let results_path = beside("results.tsv");
    if asked("--chart") {
        let results = fs::read_to_string(&results_path)
            .unwrap_or_else(|error| panic!("{}: {error}", results_path.display()));
        write(
            &beside("fanout.svg"),
            &chart::draw(&Results::parse(&results)),
        );
        return;
    }
    raise_descriptor_limit();
    let (programs, missing): (Vec<Program>, Vec<Program>) = Program::ALL
        .into_iter()
        .partition(|program| program.is_installed());
    let mut results = Results::new(machine::describe(), machine::today());

    for round in 1..=ROUNDS {
        for load in &LOADS {
            for &program in &programs {
                if load.members.count <= program.members_max() {
                    eprintln!(
                        "round {round} of {ROUNDS}: {}, {}",
                        load.name,
                        program.name()
                    );
                    // One that fails does not take the others' results along.
                    match catch_unwind(|| measure(program, load)) {
                        Ok(figures) => results.add(load.name, program.name(), figures),
                        Err(_) => eprintln!("{} failed", program.name()),
                    }
                }
            }
        }
    }
    println!("{}", results.table());
    for program in missing {
        println!("skipped {}: {}", program.name(), program.how_to_install());
    }
    if asked("--save") {
        write(&results_path, &results.to_string());
    }
}

/// Starts a program, lets a crowd join and talk.
fn measure(program: Program, load: &Load) -> Figures {
    let started = program.start();
    let server = &started.server;
    let empty = server.resident_bytes();
    let mut crowd = Crowd::join(server, load.members);
    let bytes = server.resident_bytes().saturating_sub(empty);
    let talk = Talk {
        at_most: LASTS,
        ..Talk::new(u64::MAX >> 16, load.pace)
    };
    let heard = crowd.say(server, talk);
    let latency_us = |quantile| heard.latency.value_at_quantile(quantile) as f64 / 1000.0;
    Figures {
        rate: heard.rate(),
        cpu_ns: heard.cpu_ns(),
        p50_us: latency_us(0.5),
        p99_us: latency_us(0.99),
        bytes: bytes as f64 / load.members.count as f64,
    }
}

/// Returns the path of a file that is kept beside this one.
fn beside(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("benches")
        .join(name)
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    println!("wrote {}", path.display());
}
