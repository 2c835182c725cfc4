//! Ignoring somebody costs those who ignore and nobody else: counted rather than timed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

#[path = "rig/mod.rs"]
mod rig;

use std::time::Duration;

use allocation_counter::measure;
use chatroom::hub::limits::Limits;

use rig::crowd::{Crowd, wire};
use rig::drive::Drive;
use rig::screen::Screen;
use rig::wire::{EVERYTHING, Mischief, Wire};

const MEMBERS: usize = 1000;

fn limits() -> Limits {
    Limits {
        backlog_bytes: 1 << 20,
        rate: 0,
        ..Limits::default()
    }
}

/// Lets one member say something, and returns how many writes it took to tell the others.
fn writes(room: &mut Crowd, member: usize, line: &str) -> usize {
    wire(|wire| wire.writes = 0);
    room.turn([(member, line)]);
    room.settle();
    wire(|wire| wire.writes)
}

#[test]
fn a_line_of_somebody_whom_a_thousand_ignore_costs_no_more_than_another() {
    let mut room = Crowd::of(MEMBERS + 2, limits());
    let (ignored, other) = (0, MEMBERS + 1);
    let ignore = |room: &mut Crowd| {
        for member in 1..=MEMBERS {
            room.turn([(member, "/ignore u0000000\n")]);
            room.settle();
        }
    };
    let memory = measure(|| ignore(&mut room)).bytes_current;
    let each = memory.cast_unsigned() / MEMBERS as u64;
    println!("{each} bytes for each who ignores somebody");
    assert!(each <= 400, "{each} bytes");
    assert_eq!(writes(&mut room, other, "hello\n"), MEMBERS + 1);
    assert_eq!(
        writes(&mut room, ignored, "hello\n"),
        1,
        "the one who doesn't"
    );
    let allocations = measure(|| {
        for _ in 0..100 {
            writes(&mut room, ignored, "hello\n");
            writes(&mut room, other, "hello\n");
        }
    });
    assert_eq!(allocations.count_total, 0);
    for member in 1..=MEMBERS {
        room.turn([(member, "/unignore u0000000\n")]);
    }
    room.settle();
    assert_eq!(writes(&mut room, ignored, "hello\n"), MEMBERS + 1);
}

/// What somebody is spared who reads nothing would have to be remembered line by line.
#[test]
fn whoever_ignores_and_never_reads_costs_a_bounded_memory() {
    let mut room = Drive::new(limits());
    let talk = room.join("talk", EVERYTHING);
    let noise = room.join("noise", EVERYTHING);
    let stuck = room.accept(Wire::new(200, Mischief::None, Screen::Keeps(Vec::new())));
    room.say(stuck, "stuck\n/ignore noise");
    room.settle();
    let memory = measure(|| {
        for number in 0..2000 {
            room.say(talk, &format!("#{number}"));
            room.settle();
            room.say(noise, "x");
            room.settle();
            room.heard(talk);
            room.heard(noise);
        }
    });
    println!("{} bytes", memory.bytes_current);
    assert!(memory.bytes_current < 64 * 1024, "{memory:?}");
    room.wire(stuck).open_window(EVERYTHING);
    room.pass(Duration::from_millis(1));
    let heard = room.heard(stuck);
    // Everything of the others comes, in order, and what it is spared it doesn't hear as long as
    // that can be remembered.
    let lines: Vec<&str> = heard
        .lines()
        .filter(|line| line.starts_with("talk: "))
        .collect();
    let all: Vec<String> = (0..2000).map(|number| format!("talk: #{number}")).collect();
    assert_eq!(lines, all);
    let noise = heard.matches("noise: x").count();
    assert!((1..=1800).contains(&noise), "{noise}");
}
