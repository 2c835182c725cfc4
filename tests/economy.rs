//! What a line and a member cost, counted rather than timed: allocations, calls, bytes.
//!
//! These guard the speed of the server on machines that are too busy to measure it.

// A test stops at what it doesn't expect.
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
use chatroom::hub::limits::{Limits, Slice, WRITE_COST_BYTES};
use chatroom::wire::Encoding;

use rig::crowd::{Crowd, wire};
use rig::drive::Drive;
use rig::frames::{FIN, TEXT, frame};
use rig::screen::Screen;
use rig::wire::{EVERYTHING, Mischief, Wire};

/// Nobody is slowed, so that what is counted is the work itself.
fn room_of(members: usize) -> Crowd {
    let limits = Limits {
        backlog_bytes: 1 << 20,
        rate: 0,
        ..Limits::default()
    };
    Crowd::of(members, limits)
}

/// Lets one member say something, and the hub do all that follows in one turn, or in a large room in one
/// for each slice of its writes.
fn turn(room: &mut Crowd, member: usize, input: &[u8]) {
    room.turn([(member, input)]);
    let writes_a_slice = Slice::default().bytes / WRITE_COST_BYTES;
    for _ in 0..room.hub.len() / writes_a_slice {
        room.turn::<&[u8]>([]);
    }
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

/// Half of whom are told in JSON.
fn mixed_room_of(members: usize) -> Crowd {
    let mut room = room_of(members / 2);
    for number in 0..members / 2 {
        let member = members / 2 + number;
        let came = room.join(&format!("/json\n{{\"name\":\"p{number:07}\"}}\n"));
        assert_eq!(came, member);
    }
    assert_eq!(room.hub.room().names().count(), members);
    room
}

const SAID: &str = r#"{"line":"hello"}"#;
const SAID_WITH_ID: &str = r#"{"id":"7","line":"hello"}"#;

#[test]
fn a_line_relayed_in_two_encodings_allocates_nothing() {
    const MEMBERS: usize = 100;
    const ROUNDS: u64 = 1000;
    let with_ids = (0..=ROUNDS).map(|id| format!("{{\"id\":\"{id}\",\"line\":\"hello\"}}"));
    for (speaker, lines, each) in [
        (0, vec!["hello".to_owned()], 0),
        (MEMBERS - 1, vec![SAID.to_owned()], 0),
        (MEMBERS - 1, with_ids.collect(), 0),
        // Text with an escape in it is put together elsewhere: twice, since it grows.
        (MEMBERS - 1, vec![r#"{"line":"he\"llo"}"#.to_owned()], 2),
    ] {
        let lines: Vec<String> = lines.into_iter().map(|line| line + "\r\n").collect();
        let mut room = mixed_room_of(MEMBERS);
        let mut talk = |rounds: u64| {
            for round in 0..rounds as usize {
                // Every third line comes in two parts.
                let line = lines[round % lines.len()].as_bytes();
                let (first, second) = line.split_at(usize::from(round % 3 == 0));
                turn(&mut room, speaker, first);
                turn(&mut room, speaker, second);
            }
        };
        talk(100);
        let allocations = measure(|| talk(ROUNDS)).count_total;
        assert_eq!(allocations, each * ROUNDS, "{}", lines[0]);
    }
}

#[test]
fn a_line_to_n_members_of_two_encodings_is_one_read_and_n_writes() {
    for (speaker, line, own) in [
        (0, &b"hello"[..], 0),
        (999, SAID.as_bytes(), 0),
        // The acknowledgement.
        (999, SAID_WITH_ID.as_bytes(), 1),
    ] {
        let line = [line, b"\n"].concat();
        let mut room = mixed_room_of(1000);
        wire(|wire| (wire.reads, wire.writes) = (0, 0));
        turn(&mut room, speaker, &line);
        let calls = wire(|wire| (wire.reads, wire.writes));
        assert_eq!(calls, (1, 999 + own));
    }
}

/// Half of whom came over WebSocket.
fn web_room_of(members: usize) -> Crowd {
    let mut room = room_of(members / 2);
    for number in 0..members / 2 {
        let came = room.join_framed(&format!("w{number:07}"));
        assert_eq!(came, members / 2 + number);
    }
    assert_eq!(room.hub.room().names().count(), members);
    room
}

#[test]
fn a_line_relayed_to_and_from_websockets_allocates_nothing() {
    const MEMBERS: usize = 100;
    for speaker in [0, MEMBERS - 1] {
        let mut room = web_room_of(MEMBERS);
        let line = |text: &str| match speaker {
            0 => format!("{text}\n").into_bytes(),
            _ => frame(FIN | TEXT, text.as_bytes()),
        };
        let lines = ["hello", "می\u{200C}خواهم", "two\nin one"].map(line);
        let mut talk = |rounds: usize| {
            for round in 0..rounds {
                let (first, second) = lines[round % 3].split_at(usize::from(round % 9 < 3));
                turn(&mut room, speaker, first);
                turn(&mut room, speaker, second);
            }
        };
        talk(100);
        let allocations = measure(|| talk(1000)).count_total;
        assert_eq!(allocations, 0, "{speaker}");
    }
}

#[test]
fn a_line_to_n_members_some_on_websocket_is_one_read_and_n_writes() {
    for (speaker, line) in [
        (0, b"hello\n".to_vec()),
        (999, frame(FIN | TEXT, b"hello")),
        (999, frame(FIN | TEXT, b"one\ntwo\nthree")),
    ] {
        let mut room = web_room_of(1000);
        wire(|wire| (wire.reads, wire.writes) = (0, 0));
        turn(&mut room, speaker, &line);
        let calls = wire(|wire| (wire.reads, wire.writes));
        assert_eq!(calls, (1, 999));
    }
}

#[test]
fn a_websocket_costs_at_most_64_bytes_more() {
    const MEMBERS: usize = 4000;
    let mut rooms = Vec::with_capacity(2);
    let mut cost = |room: fn(usize) -> Crowd| measure(|| rooms.push(room(MEMBERS))).bytes_current;
    let [plain, web] = [room_of, web_room_of].map(&mut cost);
    let each = (web - plain).cast_unsigned() / (MEMBERS as u64 / 2);
    println!("{each} bytes more for each");
    assert!(each <= 64, "{each} bytes more for each");
}

/// The way round all members was cut short by what one of them was told in JSON, in ten times as
/// many bytes.
#[test]
fn one_program_in_the_room_does_not_make_people_wait_sooner() {
    let heard_at_once = |programs: usize| {
        let mut room = Crowd::of(
            2000,
            Limits {
                rate: 0,
                // The way round takes long.
                slice: Slice {
                    slots: 1,
                    ..Slice::default()
                },
                ..Limits::default()
            },
        );
        for number in 0..programs {
            room.join(&format!("/json\n{{\"name\":\"p{number}\"}}\n"));
        }
        let end = |room: &Crowd| room.hub.feeds().ends()[0];
        let before = end(&room);
        let line = "x\n".repeat(100);
        for speaker in 0..1000 {
            room.turn([(speaker, &line)]);
            if !wire(|wire| wire.arrived.is_empty()) {
                break;
            }
        }
        wire(|wire| wire.arrived.clear());
        end(&room) - before
    };
    let [alone, together] = [0, 1].map(heard_at_once);
    println!("{alone} bytes heard among people, {together} with a program");
    assert!(together > alone * 9 / 10, "{together} of {alone}");
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

/// Its number, by which it is known when it comes back, and who has that number.
#[test]
fn a_member_told_in_json_costs_at_most_50_bytes_more() {
    const MEMBERS: usize = 4000;
    let mut rooms = Vec::with_capacity(2);
    let mut cost = |room: fn(usize) -> Crowd| {
        let cost = measure(|| rooms.push(room(MEMBERS)));
        cost.bytes_current
    };
    let [plain, mixed] = [room_of, mixed_room_of].map(&mut cost);
    let transcript = rooms[1].hub.feeds().of(Encoding::Json).transcript();
    let more = (mixed - plain).cast_unsigned() - transcript.capacity() as u64;
    let each = more / (MEMBERS as u64 / 2);
    println!("{each} bytes more for each");
    assert!(each <= 50, "{each} bytes more for each");
}

/// Each kept where its own lines stood in what it had not read: four times the backlog together.
#[test]
fn members_who_talk_and_never_read_cost_no_more_than_the_backlog() {
    const MEMBERS: usize = 1000;
    let limits = Limits {
        rate: 0,
        ..Limits::default()
    };
    let mut room = Drive::new(limits);
    let wire_of = |window| Wire::new(window, Mischief::None, Screen::Dark);
    let ears = room.accept(wire_of(EVERYTHING));
    room.say(ears, "ears");
    for number in 0..MEMBERS {
        // It takes prompt and greeting.
        let stuck = room.accept(wire_of(58));
        room.say(stuck, &format!("s{number}"));
    }
    room.settle();
    // Who has taken nothing for a while is not waited for.
    room.pass(Duration::from_secs(1));
    let memory = measure(|| {
        for _ in 0..600 {
            (1..=MEMBERS).for_each(|stuck| room.say(stuck, "x"));
            room.say(ears, "x");
            room.pass(Duration::from_millis(1));
        }
        // They are overrun.
        let line = "x".repeat(4000);
        for _ in 0..limits.backlog_bytes / 4000 {
            room.say(ears, &line);
            room.pass(Duration::from_millis(1));
        }
        room.settle();
    });
    assert_eq!(room.hub.len(), 1);
    println!(
        "{} bytes at most, {} at the end",
        memory.bytes_max, memory.bytes_current
    );
    assert!(memory.bytes_current < 1 << 20, "{memory:?}");
    assert!(
        memory.bytes_max <= limits.backlog_bytes as u64,
        "{memory:?}"
    );
}

/// Each member was given a box to be told the end in.
#[test]
fn closing_the_room_allocates_nothing_for_each() {
    const MEMBERS: usize = 10_000;
    let mut room = room_of(MEMBERS);
    let memory = measure(|| {
        room.hub.shut_down();
        room.settle();
    });
    assert!(room.hub.is_empty());
    println!("{} bytes a member", memory.bytes_max / MEMBERS as u64);
    // Lists of everybody grow by doubling.
    assert!(memory.count_max < 200, "{memory:?}");
}
