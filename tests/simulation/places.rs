//! Scenes of who has a place in the room, and who has none any more.

use chatroom::hub::limits::Limits;

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

/// Strangers that go on sending, and are waited for, can't be any number.
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
