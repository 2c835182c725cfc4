//! What a line and a member cost, counted rather than timed: allocations, calls, bytes.
//!
//! These guard the speed of the server on machines that are too busy to measure it.

// A test stops at what it doesn't expect.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "rig/mod.rs"]
mod rig;

use allocation_counter::measure;
use chatroom::hub::limits::Limits;

use rig::crowd::{Crowd, wire};

/// Nobody is slowed, so that what is counted is the work itself.
fn room_of(members: usize) -> Crowd {
    let limits = Limits {
        backlog_bytes: 1 << 20,
        rate: 0,
        ..Limits::default()
    };
    Crowd::of(members, limits)
}

/// Lets one member say something, and the hub do all that follows in one turn.
fn turn(room: &mut Crowd, member: usize, input: &[u8]) {
    room.turn([(member, input)]);
    assert!(!room.hub.has_work());
}

#[test]
fn a_relayed_line_allocates_nothing() {
    let mut room = room_of(100);
    let lines: [&[u8]; 3] = [
        b"hello\n",
        "می\u{200C}خواهم\r\n".as_bytes(),
        b"two\nin one\n",
    ];
    let mut talk = |rounds: usize| {
        for round in 0..rounds {
            // Every third line comes in two parts.
            let (first, second) = lines[round % 3].split_at(usize::from(round % 9 < 3));
            turn(&mut room, round % 10, first);
            turn(&mut room, round % 10, second);
        }
    };
    talk(100);
    let allocations = measure(|| talk(1000)).count_total;
    assert_eq!(allocations, 0);
}

#[test]
fn a_line_to_n_members_is_one_read_and_n_writes() {
    for members in [2, 10, 1000] {
        let mut room = room_of(members);
        for (speaker, line) in [(0, &b"hello\n"[..]), (members - 1, b"one\ntwo\nthree\n")] {
            wire(|wire| (wire.reads, wire.writes) = (0, 0));
            turn(&mut room, speaker, line);
            let calls = wire(|wire| (wire.reads, wire.writes));
            assert_eq!(calls, (1, members - 1));
        }
    }
}

#[test]
fn lines_of_many_speakers_ride_in_one_write_to_each() {
    let mut room = room_of(100);
    wire(|wire| (wire.writes, wire.bytes) = (0, 0));
    room.turn((0..50).map(|speaker| (speaker, "hello\n")));
    let line = "u0000000: hello\n".len();
    assert_eq!(
        wire(|wire| (wire.writes, wire.bytes)),
        (100, (100 * 50 - 50) * line),
        "nobody hears the own line"
    );
}

#[test]
fn a_member_costs_at_most_100_bytes() {
    let empty = measure(|| drop(room_of(0))).bytes_max;
    let members = 100_000;
    let mut kept = None;
    let room = measure(|| kept = Some(room_of(members)));
    let bytes = (room.bytes_current.cast_unsigned() - empty) / members as u64;
    assert!(bytes <= 100, "{bytes} bytes a member");
}
