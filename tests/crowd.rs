//! Ten thousand members at once, on default flags.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says why it is skipped"
)]

mod common;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use common::{GREETING, PROMPT, Peer, Server};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// How many members there are when the descriptor limit allows.
const MEMBERS: usize = 10_000;

/// How long it may take on any machine, in a debug build.
const LIMIT: Duration = Duration::from_mins(1);

/// Raises the soft descriptor limit to the hard one and returns how many members fit.
fn members_that_fit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).expect("the soft limit may rise to the hard one");
    // What is neither a member's: the log, the poll, standard streams.
    let spare = 100;
    let fitting = limit
        .maximum
        .and_then(|most| usize::try_from(most).ok())
        .map_or(MEMBERS, |most| most.saturating_sub(spare));
    if fitting < MEMBERS {
        println!("the hard descriptor limit allows {fitting} members instead of {MEMBERS}");
    }
    fitting.min(MEMBERS)
}

#[test]
fn ten_thousand_members_join_hear_a_line_and_leave() {
    let members = members_that_fit();
    let start = Instant::now();
    let mut server = Server::start(&[]);
    let mut speaker = server.join("speaker");
    let mut crowd: Vec<Peer> = Vec::new();
    for number in 1..members {
        let peer = server.connect();
        peer.say(format!("member{number}"));
        crowd.push(peer);
        server.drain_log();
    }
    for peer in &mut crowd {
        peer.expect(PROMPT);
        peer.expect(GREETING);
        server.drain_log();
    }
    println!("{members} members after {:?}", start.elapsed());

    speaker.say("hello everybody");
    for peer in &mut crowd {
        peer.expect("speaker: hello everybody");
    }
    println!("all heard after {:?}", start.elapsed());

    // Half of them say so, half just go.
    for peer in crowd.iter().step_by(2) {
        peer.say("/quit");
    }
    drop(crowd);
    let mut left = BTreeSet::new();
    for _ in 1..members {
        let line = speaker.line();
        let name = line
            .strip_suffix(" has left the chatroom!")
            .expect("only leaving");
        assert!(left.insert(name.to_owned()), "{name} left twice");
        server.drain_log();
    }
    for number in 1..members {
        assert!(
            left.contains(&format!("member{number}")),
            "member{number} never left"
        );
    }
    println!("all gone after {:?}", start.elapsed());

    // And the room is as good as new.
    let mut newcomer = server.join("newcomer");
    speaker.say("hello");
    newcomer.expect("speaker: hello");
    assert!(start.elapsed() < LIMIT, "took {:?}", start.elapsed());
}
