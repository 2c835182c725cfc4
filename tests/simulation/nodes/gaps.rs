//! Streams that hold little: nodes that were cut off find that what they have not heard is gone.

use std::cell::Cell;

use super::{STEPS, World};

#[test]
fn nodes_that_missed_events_know_the_room_again() {
    let [gaps, holes, died, lives] = [0; 4].map(Cell::new);
    let add = |sum: &Cell<u64>, count: u64| sum.set(sum.get() + count);
    crate::for_each_seed(|seed| {
        let mut world = World::new(seed, Some(10 + seed as usize % 12));
        for _ in 0..2 * STEPS {
            world.step();
        }
        world.heal();
        world.judge();
        add(&lives, 1);
        add(&died, world.dead.len() as u64);
        add(&holes, world.has_holes().into());
        add(&gaps, world.nodes.iter().map(|node| node.gaps).sum());
    });
    let sums = [&lives, &gaps, &holes, &died].map(Cell::get);
    println!("lives, gaps, lives with a hole, nodes died: {sums:?}");
    // Else it would show nothing.
    assert!(
        lives.get() < 1000 || sums.iter().all(|sum| *sum > 100),
        "{sums:?}"
    );
}
