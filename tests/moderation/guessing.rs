//! Whoever tries keys finds out next to nothing, and holds up nobody.

use std::time::{Duration, Instant};

use crate::common::{PROMPT, Peer, Server};
use crate::house::{House, keep};
use crate::measure::longest_turn;

/// Tries ten thousand wrong keys from a hundred connections; returns how many of them were looked at
/// at all, how long it took, and how long the longest turn of the loop was.
fn guess() -> (usize, Duration, Duration) {
    let house = House::new();
    let mut server = house.start(&["--rate", "0"]);
    let mut ali = server.join("ali");
    keep(&mut ali);
    ali.finish();
    let begin = Instant::now();
    let mut looked_at = 0;
    let mut tried = 0;
    let mut guessers: Vec<Peer> = (0..100).map(|_| connect(&server)).collect();
    while tried < 10_000 {
        for guesser in &mut guessers {
            let keys = tried..tried + 10;
            let lines: Vec<String> = keys.map(|key| format!("ali {key:032x}")).collect();
            guesser.say(lines.join("\n"));
            tried += 10;
        }
        for guesser in &mut guessers {
            if !read_answers(guesser, &mut looked_at) {
                *guesser = connect(&server);
            }
        }
        server.drain_log();
    }
    let took = begin.elapsed();
    let log = server.stop();
    (looked_at, took, longest_turn(log))
}

fn connect(server: &Server) -> Peer {
    let mut peer = server.connect();
    peer.expect(PROMPT);
    peer
}

/// Reads ten answers; returns whether the connection is still there.
fn read_answers(guesser: &mut Peer, looked_at: &mut usize) -> bool {
    for _ in 0..10 {
        let Some(line) = guesser.line_or_end() else {
            return false;
        };
        if line == "* That is not the key of ali." {
            *looked_at += 1;
        } else {
            assert!(
                line.starts_with("* That was not looked at: too many wrong ones came lately"),
                "{line}"
            );
        }
        match guesser.line_or_end() {
            Some(line) => assert_eq!(line, PROMPT),
            None => return false,
        }
    }
    true
}

#[test]
fn ten_thousand_wrong_keys_find_out_nothing_and_hold_up_nobody() {
    const GOAL: Duration = Duration::from_millis(10);
    // A busy machine takes the processor away from a turn now and then, but not each time.
    let mut longest = Duration::MAX;
    for _ in 0..3 {
        let (looked_at, took, turn) = guess();
        println!("{looked_at} of 10000 keys were looked at within {took:?}, longest turn {turn:?}");
        let allowed = 5 + took.as_secs() as usize / 3 + 1;
        assert!(
            (1..=allowed).contains(&looked_at),
            "{looked_at} in {took:?}"
        );
        longest = longest.min(turn);
        if longest < GOAL {
            return;
        }
    }
    panic!("the longest turn took {longest:?}");
}
