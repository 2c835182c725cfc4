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

use common::Server;
use common::crowd::{crowd_permit, join_crowd, that_fit};

/// How many members there are when the descriptor limit allows.
const MEMBERS: usize = 10_000;

/// How long it may take on any machine, in a debug build.
const LIMIT: Duration = Duration::from_mins(1);

#[test]
fn ten_thousand_members_join_hear_a_line_and_leave() {
    let _permit = crowd_permit();
    let members = that_fit(MEMBERS);
    let start = Instant::now();
    let mut server = Server::start(&[]);
    let mut speaker = server.join("speaker");
    let mut crowd = join_crowd(&mut server, "member", members - 1);
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
    for number in 0..members - 1 {
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
