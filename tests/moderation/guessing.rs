//! Whoever tries keys finds out next to nothing, and holds up nobody.

use std::fs;
use std::time::{Duration, Instant};

use crate::common::{PROMPT, Peer, Server};
use crate::house::{House, keep};
use crate::measure::longest_turn;

/// What is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Secret {
    Key,
    Password,
}

impl Secret {
    fn question(self) -> &'static str {
        match self {
            Self::Key => PROMPT,
            Self::Password => "Please enter the password:",
        }
    }

    /// Returns a wrong one, as it is typed.
    fn wrong(self, number: usize) -> String {
        match self {
            Self::Key => format!("ali {number:032x}"),
            Self::Password => format!("guess {number}"),
        }
    }

    fn refusal(self) -> &'static str {
        match self {
            Self::Key => "* That is not the key of ali.",
            Self::Password => "* That is not the password.",
        }
    }
}

/// Tries ten thousand wrong secrets from a hundred connections; returns how many of them were looked at
/// at all, how long it took, and how long the longest turn of the loop was.
fn guess(secret: Secret) -> (usize, Duration, Duration) {
    let house = House::new();
    let password = house.path("password");
    fs::write(&password, "open sesame\n").unwrap();
    let password = ["--password-file", password.to_str().unwrap()];
    let mut flags = vec!["--rate", "0"];
    flags.extend(password.iter().filter(|_| secret == Secret::Password));
    let mut server = house.start(&flags);
    if secret == Secret::Key {
        let mut ali = server.join("ali");
        keep(&mut ali);
        ali.finish();
    }
    let begin = Instant::now();
    let mut looked_at = 0;
    let mut tried = 0;
    let mut guessers: Vec<Peer> = (0..100).map(|_| connect(&server, secret)).collect();
    while tried < 10_000 {
        for guesser in &mut guessers {
            let keys = tried..tried + 10;
            let lines: Vec<String> = keys.map(|key| secret.wrong(key)).collect();
            guesser.say(lines.join("\n"));
            tried += 10;
        }
        for guesser in &mut guessers {
            if !read_answers(guesser, secret, &mut looked_at) {
                *guesser = connect(&server, secret);
            }
        }
        server.drain_log();
    }
    let took = begin.elapsed();
    let log = server.stop();
    (looked_at, took, longest_turn(log))
}

fn connect(server: &Server, secret: Secret) -> Peer {
    let mut peer = server.connect();
    peer.expect(secret.question());
    peer
}

/// Reads ten answers; returns whether the connection is still there.
fn read_answers(guesser: &mut Peer, secret: Secret, looked_at: &mut usize) -> bool {
    for _ in 0..10 {
        let Some(line) = guesser.line_or_end() else {
            return false;
        };
        if line == secret.refusal() {
            *looked_at += 1;
        } else {
            assert!(
                line.starts_with("* That was not looked at: too many wrong ones came lately"),
                "{line}"
            );
        }
        match guesser.line_or_end() {
            Some(line) => assert_eq!(line, secret.question()),
            None => return false,
        }
    }
    true
}

/// Tries so often that a busy machine, which takes the processor away from a turn now and then, is no
/// excuse.
fn find_out_nothing(secret: Secret) {
    const GOAL: Duration = Duration::from_millis(10);
    let mut longest = Duration::MAX;
    for _ in 0..3 {
        let (looked_at, took, turn) = guess(secret);
        println!("{looked_at} of 10000 were looked at within {took:?}, longest turn {turn:?}");
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

#[test]
fn ten_thousand_wrong_keys_find_out_nothing_and_hold_up_nobody() {
    find_out_nothing(Secret::Key);
}

#[test]
fn ten_thousand_wrong_passwords_find_out_nothing_and_hold_up_nobody() {
    find_out_nothing(Secret::Password);
}
