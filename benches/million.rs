//! What the room itself needs for a million members, whose streams cost nothing: no kernel, only
//! the hub. How much time to hand one line to everybody, and how much memory for each.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a bench prints what it measured, and fails by panicking"
)]

mod support;

use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use chatroom::cli::{Cli, Command};
use chatroom::server::hub::{Hub, Readiness};
use chatroom::server::limits::Limits;
use clap::Parser;
use criterion::{Criterion, SamplingMode, Throughput};
use support::machine;

const MEMBERS: usize = 1_000_000;

const LINE: &[u8] = b"hello this is a line of sixty-four bytes, as people write them.\n";

thread_local! {
    /// What the next read of any stream finds.
    static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    /// How many writes there were.
    static WRITES: Cell<usize> = const { Cell::new(0) };
}

/// A stream that takes everything at no cost, and is as large as a socket.
struct Stream(#[expect(dead_code, reason = "it takes the place of a descriptor")] i32);

impl Read for Stream {
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

impl Write for Stream {
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

/// A hub full of members, and the time it is there.
struct Room {
    hub: Hub<Stream>,
    now: Instant,
}

impl Room {
    fn of(members: usize) -> Self {
        let most = (members + 1).to_string();
        let cli = Cli::try_parse_from(["chatroom", "serve", "--max-connections", &most]);
        let Ok(Command::Serve(options)) = cli.map(|cli| cli.command) else {
            panic!("it has a serve command with --max-connections");
        };
        let limits = Limits::new(&options, 2 * members).expect("they are consistent");
        let now = Instant::now();
        let mut room = Self {
            hub: Hub::new(limits, now),
            now,
        };
        for number in 0..members {
            let key = room.hub.next_key();
            room.hub.accept(Stream(0));
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
    fn says(&mut self, key: usize, bytes: &[u8]) {
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
            // A member who speaks every second is in no haste.
            self.now += Duration::from_secs(1);
            self.hub.start_turn(self.now);
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
            let before = machine::resident_bytes(std::process::id());
            let room = Room::of(MEMBERS);
            bytes = machine::resident_bytes(std::process::id()) - before;
            room
        });
        bencher.iter_custom(|lines| {
            WRITES.set(0);
            let start = Instant::now();
            for _ in 0..lines {
                room.says(0, LINE);
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
            "  {} bytes of memory a member, of which the transcript's is none: it is there once\n",
            bytes / MEMBERS as u64
        );
    }
    criterion.final_summary();
}
