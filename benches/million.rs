//! What the room itself needs for a million members, whose streams cost nothing: no kernel, only
//! the hub. How much time to hand one line to everybody, and how much memory for each.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench prints what it measured, and fails by panicking"
)]

use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind, Read, Write};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use allocation_counter::measure;
use chatroom::hub::limits::Limits;
use chatroom::hub::{Hub, Readiness};
use chatroom::room::MemberId;
use chatroom::stream::Stream;
use chatroom::tick::Tick;
use criterion::{Criterion, SamplingMode, Throughput};

const MEMBERS: usize = 1_000_000;

const LINE: &[u8] = b"hello this is a line of sixty-four bytes, as people write them.\n";

thread_local! {
    /// What the next read of any stream finds.
    static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    /// How many writes there were.
    static WRITES: Cell<usize> = const { Cell::new(0) };
}

/// A stream that takes everything at no cost, and is as large as a socket.
struct Silent(#[expect(dead_code, reason = "it takes the place of a descriptor")] i32);

impl Read for Silent {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        INPUT.with_borrow_mut(|input| {
            if input.is_empty() {
                return Err(ErrorKind::WouldBlock.into());
            }
            let count = input.len();
            buffer[..count].copy_from_slice(input);
            input.clear();
            Ok(count)
        })
    }
}

impl Write for Silent {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        WRITES.set(WRITES.get() + 1);
        Ok(buffer.len())
    }

    fn write_vectored(&mut self, buffers: &[io::IoSlice<'_>]) -> io::Result<usize> {
        WRITES.set(WRITES.get() + 1);
        Ok(buffers.iter().map(|buffer| buffer.len()).sum())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for Silent {
    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A hub full of members.
struct Room {
    hub: Hub<Silent>,
}

impl Room {
    fn of(members: usize) -> Self {
        let limits = Limits {
            max_connections: members,
            rate: 0,
            ..Limits::default()
        };
        let mut room = Self {
            hub: Hub::new(limits, Tick::START),
        };
        for number in 0..members {
            let key = room.hub.next_id();
            room.hub.accept(Silent(0), Ipv4Addr::LOCALHOST.into());
            room.says(key, format!("u{number:07}\n").as_bytes());
            if number % 256 == 0 {
                room.settle();
            }
        }
        room.settle();
        assert_eq!(room.hub.room().names().count(), members);
        room
    }

    /// Lets one member say something that the others have not heard yet.
    fn says(&mut self, key: MemberId, bytes: &[u8]) {
        INPUT.with_borrow_mut(|input| input.extend_from_slice(bytes));
        let readiness = Readiness {
            readable: true,
            ..Readiness::default()
        };
        self.hub.ready(key, readiness);
    }

    /// Lets the turns go by that it takes until everybody has heard everything.
    fn settle(&mut self) {
        loop {
            self.hub.start_turn(Tick::START);
            self.hub.resume();
            self.hub.settle();
            self.hub.reap();
            if !self.hub.has_work() {
                return;
            }
        }
    }
}

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let mut group = criterion.benchmark_group("a_million_members");
    group
        .sampling_mode(SamplingMode::Flat)
        .throughput(Throughput::Elements(MEMBERS as u64 - 1));
    let mut room = None;
    let mut bytes = 0;
    group.bench_function("one line to everybody", |bencher| {
        let room = room.get_or_insert_with(|| {
            let empty = measure(|| drop(Room::of(0))).bytes_max;
            let mut full = None;
            let allocated = measure(|| full = Some(Room::of(MEMBERS))).bytes_current;
            bytes = allocated.cast_unsigned() - empty;
            full.expect("it was measured")
        });
        bencher.iter_custom(|lines| {
            WRITES.set(0);
            let start = Instant::now();
            for _ in 0..lines {
                room.says(MemberId::from_slot(0), LINE);
                room.settle();
            }
            let elapsed = start.elapsed();
            assert_eq!(
                WRITES.get(),
                usize::try_from(lines).unwrap() * (MEMBERS - 1)
            );
            elapsed
        });
    });
    group.finish();
    if bytes > 0 {
        println!(
            "  {} bytes of memory a member, names of 8 characters; the transcript is there once\n",
            bytes / MEMBERS as u64
        );
    }
    criterion.final_summary();
}
