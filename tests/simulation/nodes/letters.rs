//! What is said to one person alone at another node: answered, or said not to be.

use std::time::Duration;

use super::{Person, World};
use crate::rig::wire::EVERYTHING;

const LOST: &str =
    "Your message to bob may not have arrived: that part of the room doesn't answer.";
const REACHED: &str = "Your message reached bob.";

impl World {
    fn join(&mut self, at: usize, name: &str) {
        let node = &mut self.nodes[at];
        let peer = node.drive.connect(EVERYTHING);
        node.drive.say(peer, name);
        node.people.push(Person {
            peer,
            is_in: false,
            heard: Vec::new(),
            said: Vec::new(),
            quits: false,
        });
    }

    /// Returns how often ali was told something.
    fn told(&self, words: &str) -> usize {
        self.nodes[0].people[0].heard().matches(words).count()
    }
}

/// A world where ali is at the first node and bob at the second.
fn world() -> World {
    let mut world = World::new(1, None);
    world.join(0, "ali");
    world.join(1, "bob");
    world.heal();
    world
}

fn whisper(world: &mut World) {
    let node = &world.nodes[0];
    node.drive.say(node.people[0].peer, "/msg bob pst");
    world.turn(0);
}

#[test]
fn a_letter_that_is_answered_is_answered_once() {
    let mut world = world();
    whisper(&mut world);
    world.heal();
    assert_eq!((world.told(REACHED), world.told(LOST)), (1, 0));
}

#[test]
fn a_letter_to_a_node_that_is_dead_is_said_to_be_lost_once() {
    let mut world = world();
    world.nodes.remove(1);
    whisper(&mut world);
    for _ in 0..4 {
        world.pass(Duration::from_secs(1));
    }
    assert_eq!(world.told(LOST), 0, "too early");
    for _ in 0..2 {
        world.pass(Duration::from_secs(1));
    }
    assert_eq!((world.told(REACHED), world.told(LOST)), (0, 1));
    world.heal();
    assert_eq!((world.told(REACHED), world.told(LOST)), (0, 1));
}

#[test]
fn a_letter_that_can_not_be_sent_is_said_so_at_once() {
    let mut world = world();
    world.cut(0);
    whisper(&mut world);
    world.turn(0);
    assert_eq!(world.told("Your message was not sent: bob"), 1);
    world.heal();
    assert_eq!((world.told(REACHED), world.told(LOST)), (0, 0));
}
