//! The room waits for the many, not for the few: readers of so many bytes a second, on a clock that
//! nothing else takes time of.

use std::time::Duration;

use chatroom::hub::disconnect::Disconnect;
use chatroom::hub::limits::Limits;
use chatroom::tick::Tick;

use crate::limits;
use crate::rig::drive::Drive;
use crate::rig::screen::Screen;
use crate::rig::wire::{EVERYTHING, Mischief, Wire};

/// How far the clock goes on at once.
const STEP: Duration = Duration::from_millis(1);
const STEPS_A_S: usize = 1000;

/// What the buffers between the server and a reader hold.
const BUFFER_BYTES: usize = 64 * 1024;

/// What one connection brings in a millisecond at most, flooding.
const FLOOD_BYTES_A_STEP: usize = 20_000;

const MB: usize = 1_000_000;

/// A room with readers of so many bytes a second.
struct Room {
    scene: Drive,
    /// Who reads how many bytes in a step.
    paced: Vec<(usize, usize)>,
}

impl Room {
    fn new(limits: Limits) -> Self {
        Self {
            scene: Drive::new(limits),
            paced: Vec::new(),
        }
    }

    /// Lets somebody join who reads so many bytes a second, or everything.
    fn join(&mut self, name: &str, bytes_a_s: Option<usize>) -> usize {
        let window = bytes_a_s.map_or(EVERYTHING, |_| BUFFER_BYTES);
        let peer = self
            .scene
            .accept(Wire::new(window, Mischief::None, Screen::Dark));
        if let Some(bytes_a_s) = bytes_a_s {
            self.paced.push((peer, bytes_a_s / STEPS_A_S));
        }
        self.scene.say(peer, name);
        peer
    }

    /// Lets a millisecond pass, in which everybody reads its part.
    fn step(&mut self) {
        let scene = &self.scene;
        self.paced.retain(|&(peer, _)| scene.is_open(peer));
        for &(peer, bytes_a_step) in &self.paced {
            let mut wire = scene.wire(peer);
            // What is not there when its time has come can't be read later.
            let unread = BUFFER_BYTES.saturating_sub(wire.window);
            wire.open_window(unread.min(bytes_a_step));
        }
        self.scene.pass(STEP);
    }

    fn cut(&self) -> u64 {
        self.scene.hub.disconnects().of(Disconnect::SlowReader)
    }

    fn since(&self, start: Tick) -> Duration {
        self.scene.now - start
    }
}

/// Sends a burst from each of `senders`, lets everybody read until nothing comes any more, and
/// returns how long it took until `ears` had heard it.
fn burst(room: &mut Room, senders: &[usize], lines: usize, ears: &[usize]) -> Duration {
    let line = [&[b'x'; 1000][..], b"\n"].concat();
    let written = |room: &Room, peer: usize| room.scene.wire(peer).bytes;
    let before: Vec<usize> = ears.iter().map(|&peer| written(room, peer)).collect();
    // What each hears: everybody's lines but its own, with a name of three letters.
    let goal = |peer| {
        let others = senders.iter().filter(|&&sender| sender != peer).count();
        others * lines * ("s00: ".len() + line.len())
    };
    let start = room.scene.now;
    let mut left = vec![lines; senders.len()];
    loop {
        for (&sender, left) in senders.iter().zip(&mut left) {
            let mut wire = room.scene.wire(sender);
            let count = (*left).min(FLOOD_BYTES_A_STEP / line.len());
            if count > 0 && wire.arrived.len() < BUFFER_BYTES {
                wire.send(&line.repeat(count));
                *left -= count;
            }
        }
        room.step();
        let all = ears.iter().zip(&before).all(|(&peer, before)| {
            !room.scene.is_open(peer) || written(room, peer) - before >= goal(peer)
        });
        if all {
            return room.since(start);
        }
        assert!(room.since(start) < Duration::from_mins(2), "it never ends");
    }
}

/// Lets 20 members send 4,000 lines of 1 KB each to 40 who read so many bytes a second.
fn burst_to_readers(bytes_a_s: usize) -> Duration {
    let mut room = Room::new(limits());
    let senders: Vec<usize> = (0..20)
        .map(|n| room.join(&format!("s{n:02}"), Some(2 * bytes_a_s)))
        .collect();
    let readers: Vec<usize> = (0..40)
        .map(|n| room.join(&format!("r{n:02}"), Some(bytes_a_s)))
        .collect();
    room.step();
    let all = [&senders[..], &readers].concat();
    let took = burst(&mut room, &senders, 4000, &all);
    println!("80 MB within {took:?}, {} cut", room.cut());
    assert_eq!(room.cut(), 0);
    assert!(all.iter().all(|&peer| room.scene.is_open(peer)));
    took
}

#[test]
fn a_burst_of_ten_times_the_backlog_cuts_nobody_who_reads() {
    let took = burst_to_readers(40 * MB);
    assert!(took < Duration::from_millis(2500), "took {took:?}");
}
