//! Who says nothing: without a name, with one, for ever.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::common::crowd::{crowd_permit, that_fit};
use crate::common::{GREETING, PROMPT, Peer, Server, Signal};
use crate::measure::{busy_part, connect_deaf, descriptors, idle, wait_until};

/// How long a person may have to wait for the greeting, whatever others do.
const WELCOME: Duration = Duration::from_secs(1);

/// Lets somebody join within [`WELCOME`].
#[track_caller]
fn join_soon(server: &Server, name: &str) -> Peer {
    let start = Instant::now();
    let peer = server.join(name);
    let took = start.elapsed();
    assert!(took < WELCOME, "{name} had to wait {took:?}");
    peer
}

#[test]
fn thousands_who_say_nothing_are_gone_at_the_deadline() {
    let _permit = crowd_permit();
    let count = that_fit(4000);
    let server = Server::start(&["--name-timeout", "2"]);
    let before = descriptors(&server);
    let start = Instant::now();
    let mut silent: Vec<Peer> = (0..count).map(|_| server.connect()).collect();
    let all_in = Instant::now();
    let mut ali = join_soon(&server, "ali");
    // A byte now and then doesn't help.
    while start.elapsed() < Duration::from_secs(1) {
        silent.iter().step_by(100).for_each(|peer| peer.send("x"));
        idle(Duration::from_millis(200));
    }
    let busy = busy_part(&server, Duration::from_millis(200));
    println!("{count} within {:?}, busy {busy}", all_in - start);
    for peer in &mut silent {
        peer.expect(PROMPT);
        peer.expect("* Your name did not come within 2 s; join again.");
        peer.expect_end();
    }
    let took = all_in.elapsed();
    assert!(took < Duration::from_secs(8), "gone after {took:?}");
    assert!(start.elapsed() >= Duration::from_secs(2), "too early");
    let bob = join_soon(&server, "bob");
    bob.say("hello");
    ali.expect("bob: hello");
    drop(silent);
    wait_until("their places are free", || {
        descriptors(&server) == before + 2
    });
}

#[test]
fn the_nameless_hold_half_of_the_places_at_most() {
    let server = Server::start(&["--max-connections", "40", "--name-timeout", "0"]);
    let mut members: Vec<Peer> = (0..10).map(|n| server.join(&format!("m{n}"))).collect();
    let mut silent: Vec<Peer> = Vec::new();
    for _ in 0..100 {
        silent.push(server.connect());
        silent.last_mut().unwrap().expect(PROMPT);
    }
    // The oldest make place for the newest, and there is always one for who gives a name.
    for peer in &mut silent[..80] {
        peer.expect_notice("Your place is needed");
        peer.expect_end();
    }
    for number in 10..21 {
        members.push(join_soon(&server, &format!("m{number}")));
    }
    members[0].say("hello");
    for peer in &mut members[1..] {
        peer.expect("m0: hello");
    }
    // Now all places are taken: nobody has to go for somebody who only knocks.
    let mut late = server.connect();
    late.expect_notice("full");
    late.expect_end();
    silent[99].enter("nina");
    members[0].say("hello nina");
    silent[99].expect("m0: hello nina");
}

/// While what they were owed was waited for, those who had made place still held it.
#[test]
fn the_nameless_who_read_nothing_hold_half_of_the_places_at_most() {
    let server = Server::start(&["--max-connections", "40"]);
    let mut stuck = Vec::new();
    for number in 0..5 {
        for _ in 0..30 {
            let mut stream = connect_deaf(&server);
            // Each is refused as a name, and each refusal is owed.
            stream.write_all("a b\n".repeat(4000).as_bytes()).unwrap();
            stuck.push(stream);
        }
        let start = Instant::now();
        wait_until("there is a place", || {
            let mut person = server.connect();
            person.say(format!("person{number}"));
            person.line() == PROMPT && person.line() == GREETING
        });
        let took = start.elapsed();
        assert!(took < WELCOME, "had to wait {took:?}");
    }
}

#[test]
fn a_member_who_is_silent_for_too_long_leaves_and_who_speaks_stays() {
    let mut server = Server::start(&["--idle-timeout", "2"]);
    let (mut ali, mut bob) = (server.join("ali"), server.join("bob"));
    let start = Instant::now();
    let mut left = false;
    while start.elapsed() < Duration::from_secs(6) {
        bob.say("/who");
        let mut line = bob.line();
        if line == "ali has left the chatroom!" {
            assert!(!left, "ali left twice");
            assert!(start.elapsed() >= Duration::from_secs(2), "too early");
            left = true;
            line = bob.line();
        }
        assert!(line.starts_with("* Here "), "{line}");
        idle(Duration::from_millis(300));
    }
    assert!(left, "ali is still here");
    ali.expect("* You were silent for 2 s; join again.");
    ali.expect_end();
    server.expect_log("ali has left the chatroom!");
}

#[test]
fn somebody_who_has_quit_and_goes_on_sending_is_closed_though_others_speak() {
    let server = Server::start(&["--rate", "0"]);
    let (mut bob, carl) = (server.join("bob"), server.join("carl"));
    let before = descriptors(&server);
    let mut ali = server.connect();
    // More than is read at once: there is still something to read behind the end.
    server.signal(Signal::STOP);
    ali.send(["ali\n/quit\n", &"and so on\n".repeat(20_000)].concat());
    server.signal(Signal::CONT);
    ali.expect(PROMPT);
    ali.expect(GREETING);
    bob.expect("ali has left the chatroom!");
    let start = Instant::now();
    // Found by fuzzing: what others said made the server forget that time was up.
    for number in 0..1000 {
        carl.say(format!("line {number}"));
        bob.expect(&format!("carl: line {number}"));
        if descriptors(&server) == before {
            let took = start.elapsed();
            assert!(took > Duration::from_secs(3), "closed after {took:?}");
            return;
        }
        idle(Duration::from_millis(10));
    }
    panic!("still open after {:?}", start.elapsed());
}
