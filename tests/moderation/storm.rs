//! A banned network that comes all at once costs no more than a full room, and nobody notices.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::common::{Peer, Server};
use crate::house::{House, connect_from};
use crate::measure::processor_time;

/// How many come.
const STORM: usize = 5000;

/// Lets a storm come from 127.0.0.9, while somebody talks; returns how long the server worked, and how
/// long the slowest of a hundred lines but one took.
fn storm(server: &mut Server, speaker: &Peer, listener: &mut Peer) -> (Duration, Duration) {
    let before = processor_time(server.id());
    let mut took: Vec<Duration> = Vec::new();
    for number in 0..STORM {
        turned_away(server.address());
        if number % 50 == 0 {
            let start = Instant::now();
            speaker.say(format!("line {number}"));
            assert!(listener.line().ends_with(&format!(": line {number}")));
            took.push(start.elapsed());
            server.drain_log();
        }
    }
    took.sort_unstable();
    let used = processor_time(server.id()).saturating_sub(before);
    (used, took[took.len() - 2])
}

fn turned_away(address: SocketAddr) {
    let mut peer = connect_from(9, address);
    assert!(peer.line().starts_with("* "));
    peer.expect_end();
}

#[test]
fn a_banned_storm_costs_no_more_than_a_full_room() {
    let house = House::new();
    let mut banning = house.start(&[]);
    let mut chief = house.chief(&banning);
    let bob = banning.join("bob");
    chief.say("/ban 127.0.0.8/29 for 1h a whole network");
    chief.expect_notice("has banned an address until ");
    let mut full = Server::start(&["--max-connections", "2"]);
    let mut ali = full.join("ali");
    let eve = full.join("eve");
    // A busy machine may take one of them for the other.
    let mut tries = Vec::new();
    for _ in 0..5 {
        let (by_full, late_full) = storm(&mut full, &eve, &mut ali);
        let (by_ban, late_ban) = storm(&mut banning, &bob, &mut chief);
        println!("full: {by_full:?}, {late_full:?}; banned: {by_ban:?}, {late_ban:?}");
        let slack = Duration::from_millis(40);
        if by_ban <= by_full.mul_f64(1.15) + slack && late_ban <= late_full * 2 + slack / 10 {
            return;
        }
        tries.push((by_full, by_ban, late_full, late_ban));
    }
    panic!("{tries:?}");
}
