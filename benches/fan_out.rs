//! How fast a line reaches everybody: the room over real sockets, and beside it the floor, which
//! only reads and writes.
//!
//! Each run prints, below criterion's figures for the room, what both did in alternating samples
//! and their ratio. Percentiles count from when a message was meant to be sent.

mod support;

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput};
use support::floor;
use support::machine::raise_descriptor_limit;
use support::pair::Pair;
use support::{Members, Pace, Talk, Text};

/// What one iteration takes of the time: all of it, or the server's processor alone.
#[derive(Clone, Copy, PartialEq)]
enum Clock {
    Elapsed,
    Processor,
}

fn main() {
    floor::run_if_asked();
    let descriptors = raise_descriptor_limit();
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    round_trip(&mut criterion, descriptors);
    fan_out(&mut criterion, descriptors);
    talk(&mut criterion, descriptors);
    busy_room(&mut criterion, descriptors);
    message_size(&mut criterion, descriptors);
    criterion.final_summary();
}

/// How long does it take until another person reads what I said?
fn round_trip(criterion: &mut Criterion, descriptors: usize) {
    let mut group = flat(criterion, "round_trip");
    let talk = Talk::new(0, Pace::Window(1));
    measure(
        &mut group,
        "3 members",
        Members::one_speaker(3),
        talk,
        Clock::Elapsed,
        descriptors,
    );
    group.finish();
}

/// How many deliveries a second, with one line at a time and with 64 of them in flight?
fn fan_out(criterion: &mut Criterion, descriptors: usize) {
    for (name, window) in [("fan_out/one_at_a_time", 1), ("fan_out/64_in_flight", 64)] {
        let mut group = flat(criterion, name);
        for members in [10, 100, 1_000, 10_000] {
            let id = format!("{members} members");
            let talk = Talk::new(0, Pace::Window(window));
            let members = Members::one_speaker(members);
            measure(&mut group, &id, members, talk, Clock::Elapsed, descriptors);
        }
        group.finish();
    }
}

/// How many when many speak at once?
fn talk(criterion: &mut Criterion, descriptors: usize) {
    let mut group = flat(criterion, "talk");
    let members = Members {
        count: 900,
        speakers: 300,
        stalled: 0,
    };
    let talk = Talk::new(0, Pace::Window(300));
    measure(
        &mut group,
        "300 of 900 speak",
        members,
        talk,
        Clock::Elapsed,
        descriptors,
    );
    group.finish();
}

/// What does a busy room cost that has its time: 50 lines a second to 900 members? The time shown
/// is the processor's; the percentiles are those of an open loop.
fn busy_room(criterion: &mut Criterion, descriptors: usize) {
    let mut group = flat(criterion, "busy_room");
    // Processor time: some five times as much on the clock.
    group
        .warm_up_time(Duration::from_millis(50))
        .measurement_time(Duration::from_millis(600));
    let talk = Talk::new(0, Pace::PerSecond(50.0));
    measure(
        &mut group,
        "50 lines a second to 900",
        Members::one_speaker(900),
        talk,
        Clock::Processor,
        descriptors,
    );
    group.finish();
}

/// Does the length or the script of a message change the ratio to the floor?
fn message_size(criterion: &mut Criterion, descriptors: usize) {
    for (name, window) in [("message/one_at_a_time", 1), ("message/64_in_flight", 64)] {
        let mut group = flat(criterion, name);
        for (id, text) in [
            ("16 bytes to 900", Text::Ascii(16)),
            ("64 bytes of Persian to 900", Text::Persian(64)),
            ("4 KB to 900", Text::Ascii(4096)),
        ] {
            let talk = Talk {
                text,
                ..Talk::new(0, Pace::Window(window))
            };
            let members = Members::one_speaker(900);
            measure(&mut group, id, members, talk, Clock::Elapsed, descriptors);
        }
        group.finish();
    }
}

fn flat<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.sampling_mode(SamplingMode::Flat);
    group
}

/// Measures one kind of talk. An iteration is a batch of messages.
fn measure(
    group: &mut BenchmarkGroup<'_, WallTime>,
    id: &str,
    members: Members,
    talk: Talk,
    clock: Clock,
    descriptors: usize,
) {
    // Enough to fill the window several times, and not a single one to a crowd just opened.
    let fill = match talk.pace {
        Pace::Window(window) if window > 1 => 4 * window,
        _ => 1,
    };
    let batch = fill.max(members.count as u64 / 1000);
    group.throughput(Throughput::Elements(batch * (members.count as u64 - 1)));
    // Opened at the first use, so that what is filtered out costs nothing.
    let mut pair = None;
    group.bench_function(id, |bencher| {
        let pair = pair.get_or_insert_with(|| Pair::new(members, descriptors));
        bencher.iter_custom(|iterations| {
            let messages = iterations * batch;
            let (elapsed, processor) = pair.say(Talk { messages, ..talk });
            if clock == Clock::Elapsed {
                elapsed
            } else {
                processor
            }
        });
    });
    if let Some(pair) = pair {
        pair.print();
    }
}
