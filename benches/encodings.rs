//! What the second encoding costs, and WebSocket's frames: rooms in which nobody, one, or half of the
//! members are told in JSON, or all come over WebSocket, in turn, so that their ratios hold on a
//! machine that is not quiet.
//!
//! Not criterion's, since what is compared are rooms beside each other, with their memory. Takes
//! how many rounds to run, and prints medians.
#![allow(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a bench prints what it measured"
)]

mod support;

use std::time::Duration;

use support::machine::raise_descriptor_limit;
use support::tally::median;
use support::{Crowd, Members, Pace, Server, Talk, Tally, Wire};

/// Rounds, if not told otherwise.
const ROUNDS: usize = 3;

/// How long one talk takes, about.
const TALK: Duration = Duration::from_secs(2);

/// Who is told how: a name, and in JSON one of how many.
const ROOMS: [(&str, Wire); 4] = [
    ("all plain", Wire::Room),
    ("one in JSON", Wire::RoomWithJson(900)),
    ("half in JSON", Wire::RoomWithJson(2)),
    ("WebSocket", Wire::Web),
];

/// What one kind of room came to.
#[derive(Default)]
struct Sum {
    one_at_a_time: Tally,
    in_flight: Tally,
    bytes: Vec<f64>,
}

fn main() {
    let descriptors = raise_descriptor_limit();
    let rounds = std::env::args().find_map(|argument| argument.parse().ok());
    for count in [900, 19_500] {
        if count <= descriptors {
            compare(count, rounds.unwrap_or(ROUNDS));
        }
    }
}

fn compare(count: usize, rounds: usize) {
    let mut sums = ROOMS.map(|_| Sum::default());
    for _ in 0..rounds {
        for ((_, wire), sum) in ROOMS.iter().zip(&mut sums) {
            let server = Server::room_that_speaks(*wire);
            measure(&server, count, sum);
        }
    }
    println!("{count} members");
    for ((name, _), sum) in ROOMS.iter().zip(&sums) {
        println!(
            "  {name:12} {:>9.0} deliveries/s one at a time ({:.2}), {:>9.0} with 64 in flight ({:.2}), \
             {:>5.0} and {:>4.0} ns of processor each, {:>4.0} bytes a member",
            sum.one_at_a_time.rate(),
            sum.one_at_a_time.rate() / sums[0].one_at_a_time.rate(),
            sum.in_flight.rate(),
            sum.in_flight.rate() / sums[0].in_flight.rate(),
            sum.one_at_a_time.cpu_ns(),
            sum.in_flight.cpu_ns(),
            median(sum.bytes.iter().copied()),
        );
    }
}

fn measure(server: &Server, count: usize, sum: &mut Sum) {
    let empty = server.resident_bytes();
    let mut crowd = Crowd::join(server, Members::one_speaker(count));
    let bytes = server.resident_bytes().saturating_sub(empty);
    sum.bytes.push(bytes as f64 / count as f64);
    for (window, tally) in [(1, &mut sum.one_at_a_time), (64, &mut sum.in_flight)] {
        let talk = Talk {
            at_most: TALK,
            ..Talk::new(u64::MAX >> 32, Pace::Window(window))
        };
        tally.add(crowd.say(server, talk));
    }
}
