//! Scenes of who has a place in the room, and who has none any more.

use std::time::Duration;

use chatroom::hub::disconnect::Disconnect;
use chatroom::hub::limits::{DRAIN_S, Limits};

use crate::limits;
use crate::rig::drive::{Drive, HOME};
use crate::rig::wire::EVERYTHING;

/// What a stranger sends: more than is read in one turn.
fn request() -> String {
    format!("GET / HTTP/1.1\n{}", "Cookie: x\n".repeat(30_000))
}

fn room_for(max_connections: usize) -> Drive {
    Drive::new(Limits {
        max_connections,
        ..limits()
    })
}

/// Who had made place for a newcomer held it until the next turn: the newcomer's neighbour in the
/// queue was told that the room is full.
#[test]
fn the_place_of_a_nameless_who_has_to_go_is_free_in_the_same_turn() {
    let mut scene = room_for(4);
    scene.join("ali", EVERYTHING);
    let silent = [scene.connect(EVERYTHING), scene.connect(EVERYTHING)];
    scene.settle();
    // Both come in the same turn.
    for newcomer in 0..2 {
        assert!(scene.hub.admit(HOME).is_ok(), "newcomer {newcomer}");
        scene.connect(EVERYTHING);
    }
    scene.settle();
    assert!(silent.iter().all(|&peer| !scene.is_open(peer)));
    assert_eq!(scene.hub.disconnects().of(Disconnect::Crowded), 2);
    assert_eq!(scene.hub.len(), 3);
}

/// A connection that was found broken by writing to it held its place one turn longer.
#[test]
fn the_place_of_a_member_whose_connection_breaks_is_free_in_the_same_turn() {
    let mut scene = room_for(3);
    let [ali, bob, _] = ["ali", "bob", "carl"].map(|name| scene.join(name, EVERYTHING));
    scene.settle();
    // No event tells of it before the next write.
    scene.wire(bob).reset = true;
    scene.say(ali, "hello");
    scene.turn();
    assert_eq!(scene.hub.disconnects().of(Disconnect::Reset), 1);
    assert!(scene.hub.admit(HOME).is_ok());
}

/// For five seconds each, those who had been told to go held the places of others.
#[test]
fn who_was_told_to_go_holds_no_place() {
    let mut scene = room_for(10);
    let ali = scene.join("ali", EVERYTHING);
    // One who has quit and reads nothing of what it is owed.
    let drained = scene.join("bob", 58);
    scene.settle();
    scene.say(ali, &"x".repeat(1000));
    scene.settle();
    scene.say(drained, "/quit");
    let strangers: Vec<usize> = (0..8)
        .map(|_| {
            let stranger = scene.connect(EVERYTHING);
            scene.say(stranger, &request());
            scene.settle();
            stranger
        })
        .collect();
    let gone = |scene: &Drive| {
        let strangers = strangers.iter().filter(|&&peer| !scene.is_open(peer));
        strangers.count() + usize::from(!scene.is_open(drained))
    };
    for second in 0..DRAIN_S - 1 {
        for &stranger in strangers.iter().filter(|&&peer| scene.is_open(peer)) {
            // It goes on sending: closing at once would take back what it was told.
            scene.say(stranger, "Cookie: x");
        }
        assert!(scene.hub.admit(HOME).is_ok(), "after {second} s");
        scene.pass(Duration::from_secs(1));
    }
    let bob = scene.join("bob", EVERYTHING);
    assert!(scene.heard(bob).contains("Chat with your friends"));
    scene.pass(Duration::from_secs(DRAIN_S));
    assert_eq!(gone(&scene), strangers.len() + 1);
}

/// ... but there can't be any number of them, either.
#[test]
fn those_who_were_told_to_go_are_limited_too() {
    const PLACES: usize = 10;
    let mut scene = room_for(PLACES);
    let ali = scene.join("ali", EVERYTHING);
    let mut most = 0;
    for _ in 0..1000 {
        if scene.hub.admit(HOME).is_ok() {
            let stranger = scene.connect(EVERYTHING);
            scene.say(stranger, &request());
        }
        scene.turn();
        for peer in 1..scene.peers.len() {
            if scene.is_open(peer) {
                scene.say(peer, "Cookie: x");
            }
        }
        scene.settle();
        most = most.max(scene.hub.len());
        scene.forget_the_gone();
    }
    println!("{most} connections for {PLACES} places");
    assert!(most <= 2 * PLACES, "{most} connections");
    assert!(scene.is_open(ali));
}
