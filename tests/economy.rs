//! What a line and a member cost, counted rather than timed: allocations, calls, bytes.
//!
//! These guard the speed of the server on machines that are too busy to measure it.

// A test stops at what it doesn't expect.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::Ipv4Addr;
use std::rc::Rc;

use allocation_counter::measure;
use chatroom::hub::limits::Limits;
use chatroom::hub::{Hub, Readiness};
use chatroom::room::MemberId;
use chatroom::stream::Stream;
use chatroom::tick::Tick;

/// Nobody is slowed, so that what is counted is the work itself.
fn limits() -> Limits {
    Limits {
        backlog_bytes: 1 << 20,
        rate: 0,
        ..Limits::default()
    }
}

const READABLE: Readiness = Readiness {
    readable: true,
    writable: false,
    read_until_empty: false,
};

/// What all streams of one room share: the next input, and how often they were called.
#[derive(Debug, Default)]
struct Calls {
    input: RefCell<Vec<u8>>,
    reads: Cell<usize>,
    writes: Cell<usize>,
    bytes: Cell<usize>,
}

/// A stream that takes everything, and brings what is put in for whoever reads next.
#[derive(Debug)]
struct Counting(Rc<Calls>);

impl Read for Counting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.reads.set(self.0.reads.get() + 1);
        let mut input = self.0.input.borrow_mut();
        if input.is_empty() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let length = input.len();
        buffer[..length].copy_from_slice(&input);
        input.clear();
        Ok(length)
    }
}

impl Write for Counting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let length = slices.iter().map(|slice| slice.len()).sum();
        self.0.writes.set(self.0.writes.get() + 1);
        self.0.bytes.set(self.0.bytes.get() + length);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for Counting {
    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A room whose members are numbered from 0.
struct Room {
    hub: Hub<Counting>,
    calls: Rc<Calls>,
}

impl Room {
    /// Returns a room of so many members, with different names of eight characters.
    fn of(members: usize) -> Self {
        let calls = Rc::new(Calls::default());
        calls.input.borrow_mut().reserve(4096);
        let mut room = Self {
            hub: Hub::new(limits(), Tick::START),
            calls,
        };
        for member in 0..members {
            room.hub
                .accept(Counting(Rc::clone(&room.calls)), Ipv4Addr::LOCALHOST.into());
            room.turn(member, format!("u{member:07}\n").as_bytes());
        }
        assert_eq!(room.hub.room().names().count(), members);
        room
    }

    /// Lets one member say something, and the hub do all that follows.
    fn turn(&mut self, member: usize, input: &[u8]) {
        self.calls.input.borrow_mut().extend_from_slice(input);
        self.hub.start_turn(Tick::START);
        self.hub.ready(MemberId::from_slot(member), READABLE);
        self.hub.resume();
        self.hub.settle();
        self.hub.reap();
        assert!(!self.hub.has_work());
    }
}

#[test]
fn a_relayed_line_allocates_nothing() {
    let mut room = Room::of(100);
    let lines: [&[u8]; 3] = [
        b"hello\n",
        "می\u{200C}خواهم\r\n".as_bytes(),
        b"two\nin one\n",
    ];
    let mut talk = |rounds: usize| {
        for round in 0..rounds {
            // Every third line comes in two parts.
            let (first, second) = lines[round % 3].split_at(usize::from(round % 9 < 3));
            room.turn(round % 10, first);
            room.turn(round % 10, second);
        }
    };
    talk(100);
    let allocations = measure(|| talk(1000)).count_total;
    assert_eq!(allocations, 0);
}

#[test]
fn a_line_to_n_members_is_one_read_and_n_writes() {
    for members in [2, 10, 1000] {
        let mut room = Room::of(members);
        for (speaker, line) in [(0, &b"hello\n"[..]), (members - 1, b"one\ntwo\nthree\n")] {
            room.calls.reads.set(0);
            room.calls.writes.set(0);
            room.turn(speaker, line);
            let calls = (room.calls.reads.get(), room.calls.writes.get());
            assert_eq!(calls, (1, members - 1));
        }
    }
}

#[test]
fn lines_of_many_speakers_ride_in_one_write_to_each() {
    let mut room = Room::of(100);
    room.calls.writes.set(0);
    room.calls.bytes.set(0);
    for speaker in 0..50 {
        room.calls.input.borrow_mut().extend_from_slice(b"hello\n");
        room.hub.ready(MemberId::from_slot(speaker), READABLE);
    }
    room.hub.settle();
    assert_eq!(room.calls.writes.get(), 100);
    let line = "u0000000: hello\n".len();
    assert_eq!(
        room.calls.bytes.get(),
        (100 * 50 - 50) * line,
        "nobody hears the own line"
    );
}

#[test]
fn a_member_costs_at_most_100_bytes() {
    let empty = measure(|| drop(Room::of(0))).bytes_max;
    let members = 100_000;
    let mut kept = None;
    let room = measure(|| kept = Some(Room::of(members)));
    let bytes = (room.bytes_current.cast_unsigned() - empty) / members as u64;
    assert!(bytes <= 100, "{bytes} bytes a member");
}
