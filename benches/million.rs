//! What the room itself needs for a million members, whose streams cost nothing: no kernel, only
//! the hub. How much time to hand one line to everybody, and how much memory for each.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench prints what it measured, and fails by panicking"
)]

#[path = "../tests/rig/mod.rs"]
mod rig;

use std::time::{Duration, Instant};

use allocation_counter::measure;
use chatroom::hub::limits::Limits;
use criterion::{Criterion, SamplingMode, Throughput};

use rig::crowd::{Crowd, wire};

const MEMBERS: usize = 1_000_000;

const LINE: &[u8] = b"hello this is a line of sixty-four bytes, as people write them.\n";

fn room_of(members: usize) -> Crowd {
    let limits = Limits {
        max_connections: members,
        rate: 0,
        ..Limits::default()
    };
    Crowd::of(members, limits)
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
            let empty = measure(|| drop(room_of(0))).bytes_max;
            let mut full = None;
            let allocated = measure(|| full = Some(room_of(MEMBERS))).bytes_current;
            bytes = allocated.cast_unsigned() - empty;
            full.expect("it was measured")
        });
        bencher.iter_custom(|lines| {
            wire(|wire| wire.writes = 0);
            let start = Instant::now();
            for _ in 0..lines {
                room.turn([(0, LINE)]);
                room.settle();
            }
            let elapsed = start.elapsed();
            let writes = usize::try_from(lines).unwrap() * (MEMBERS - 1);
            assert_eq!(wire(|wire| wire.writes), writes);
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
