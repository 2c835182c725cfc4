//! A hub on in-memory streams, for scenes that are put on purpose.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::time::Duration;

use chatroom::hub::limits::Limits;
use chatroom::hub::{Hub, Readiness};
use chatroom::room::MemberId;
use chatroom::tick::Tick;

use crate::random::Random;
use crate::stream::{SimStream, Wire};

/// Where everybody is.
pub const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// A window that never closes.
pub const EVERYTHING: usize = usize::MAX;

/// A hub and the other ends of its connections, by slot.
pub struct Scene {
    pub hub: Hub<SimStream>,
    pub wires: Vec<Rc<RefCell<Wire>>>,
    pub now: Tick,
}

impl Scene {
    pub fn new(limits: Limits) -> Self {
        let now = Tick::START;
        Self {
            hub: Hub::new(limits, now),
            wires: Vec::new(),
            now,
        }
    }

    /// Lets somebody connect who takes `window` bytes, and returns its slot.
    pub fn connect(&mut self, window: usize) -> usize {
        let key = self.hub.next_id().slot();
        let wire = Wire::new(window, Random::new(key as u64));
        self.hub.accept(SimStream(Rc::clone(&wire)), HOME);
        if key == self.wires.len() {
            self.wires.push(wire);
        } else {
            self.wires[key] = wire;
        }
        key
    }

    pub fn join(&mut self, name: &str, window: usize) -> usize {
        let key = self.connect(window);
        self.say(key, name);
        self.turn();
        key
    }

    pub fn say(&self, key: usize, line: &str) {
        let mut wire = self.wires[key].borrow_mut();
        wire.arrived.extend(line.bytes().chain([b'\n']));
        wire.readable = true;
    }

    pub fn reset(&self, key: usize) {
        let mut wire = self.wires[key].borrow_mut();
        (wire.reset, wire.readable, wire.writable) = (true, true, true);
    }

    /// Hands out all events that are due, and lets the hub do its work.
    pub fn turn(&mut self) {
        self.hub.start_turn(self.now);
        for key in 0..self.wires.len() {
            let mut wire = self.wires[key].borrow_mut();
            let due = !wire.dropped && (wire.readable || wire.writable);
            let readiness = Readiness {
                readable: std::mem::take(&mut wire.readable),
                writable: std::mem::take(&mut wire.writable),
                read_until_empty: wire.finished || wire.reset,
            };
            drop(wire);
            if due {
                self.hub.ready(MemberId::from_slot(key), readiness);
            }
        }
        self.hub.resume();
        self.hub.settle();
        self.hub.reap();
    }

    /// Takes turns until there is nothing to do, and returns how many.
    pub fn settle(&mut self) -> usize {
        for turns in 0..100_000 {
            let due = |wire: &Rc<RefCell<Wire>>| {
                let wire = wire.borrow();
                !wire.dropped && (wire.readable || wire.writable)
            };
            if !self.hub.has_work() && !self.wires.iter().any(due) {
                return turns;
            }
            self.turn();
        }
        panic!("the hub does not come to rest");
    }

    pub fn pass(&mut self, time: Duration) {
        self.now += time;
        self.turn();
        self.settle();
    }

    /// Returns what has been received since the last call.
    pub fn heard(&self, key: usize) -> String {
        String::from_utf8(std::mem::take(&mut self.wires[key].borrow_mut().received)).unwrap()
    }

    pub fn is_open(&self, key: usize) -> bool {
        !self.wires[key].borrow().dropped
    }
}

/// The default limits, but for the rate.
pub fn limits() -> Limits {
    Limits {
        rate: 0,
        ..Limits::default()
    }
}
