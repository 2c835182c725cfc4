//! The whole server but its poll, on in-memory streams, through random lives of a room.
//!
//! Each seed is one life: people join, speak, whisper, rename, fall behind, quit, close and break
//! off, while reads and writes are cut short, interrupted and late. Then everybody still there
//! must have heard what the room promises: every line said while they were in it, whole, once, in
//! one order for all.
//!
//! A failing seed is printed; `CHATROOM_SEED=N cargo test --test simulation` plays it again, and
//! `CHATROOM_SEEDS=N` plays that many.
// A test stops at what it doesn't expect; its modules are one program, not a library.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout
)]

#[path = "../rig/mod.rs"]
mod rig;

mod client;
mod fairness;
mod moderated;
mod nodes;
mod patience;
mod places;
mod programs;
mod resume;
mod rules;
mod scenes;
mod verdict;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use chatroom::hub::limits::Limits;

use world::World;

const STEPS: usize = 300;

fn live(seed: u64) {
    let mut world = World::new(seed);
    for _ in 0..STEPS {
        world.step();
    }
    world.run_until_quiet();
    verdict::judge(&world);
    world.drive.hub.shut_down();
    world.run_until_quiet();
    verdict::judge_the_end(&world);
}

/// The default limits, but for the rate.
fn limits() -> Limits {
    Limits {
        rate: 0,
        ..Limits::default()
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|value| value.parse().expect(name))
}

/// Lives the life of each seed that is asked for, and names the first that fails.
fn for_each_seed(live: impl Fn(u64)) {
    let seeds = match number("CHATROOM_SEED") {
        Some(seed) => {
            chatroom::logging::start(log::LevelFilter::Trace, chatroom::logging::Format::Text);
            seed..seed + 1
        }
        None => 0..number("CHATROOM_SEEDS").unwrap_or(2000),
    };
    for seed in seeds {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| live(seed))) {
            eprintln!(
                "seed {seed} failed; again: CHATROOM_SEED={seed} cargo test --test simulation"
            );
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn every_life_of_a_room_keeps_the_promises() {
    for_each_seed(live);
}
