//! Members whose streams cost nothing, to count and time the work of the room itself.

use chatroom::hub::framed::Framed;
use chatroom::hub::limits::{Limits, NAME_WORK, TURN_WORK_MAX};
use chatroom::hub::{Hub, Layers, Readiness};
use chatroom::room::MemberId;
use chatroom::tick::Tick;

use super::drive::{BOOT, HOME, turn};
use super::frames::{FIN, TEXT, frame};
use super::wire::{End, Handle, Shared, Wire};

/// How many join in one turn: no more than it hears.
const JOINING_AT_ONCE: usize = TURN_WORK_MAX / NAME_WORK / 2;

const READABLE: Readiness = Readiness {
    readable: true,
    writable: false,
    read_until_empty: false,
};

/// A hub full of members, numbered from 0, on the one wire of their thread.
#[derive(Debug)]
pub(crate) struct Crowd {
    pub(crate) hub: Hub<End<Shared>>,
}

impl Crowd {
    /// Returns a room of so many members, with different names of eight characters.
    pub(crate) fn of(members: usize, limits: Limits) -> Self {
        let mut crowd = Self {
            hub: Hub::new(limits, Tick::START, BOOT),
        };
        Shared(0).with(|wire| wire.arrived.reserve(4096));
        for first in (0..members).step_by(JOINING_AT_ONCE) {
            let joining = first..members.min(first + JOINING_AT_ONCE);
            for _ in joining.clone() {
                crowd.hub.accept(End(Shared(0)), HOME);
            }
            crowd.turn(joining.map(|member| (member, format!("u{member:07}\n"))));
            crowd.settle();
        }
        assert_eq!(crowd.hub.room().names().count(), members);
        crowd
    }

    /// Lets one more connect over WebSocket and say something, and returns its number.
    pub(crate) fn join_framed(&mut self, said: &str) -> usize {
        let member = self.hub.next_id().slot();
        let layers = Layers {
            framed: Some(Box::new(Framed::new(false, Tick::START))),
            ..Layers::default()
        };
        self.hub.accept_by(End(Shared(0)), layers, HOME);
        self.turn([(member, frame(FIN | TEXT, said.as_bytes()))]);
        self.settle();
        member
    }

    /// Lets one more connect and say something, and returns its number.
    pub(crate) fn join(&mut self, said: &str) -> usize {
        let member = self.hub.next_id().slot();
        self.hub.accept(End(Shared(0)), HOME);
        self.turn([(member, said)]);
        self.settle();
        member
    }

    /// Lets members say something, each when what was said before is read, and the hub take a turn.
    pub(crate) fn turn<B: AsRef<[u8]>>(&mut self, said: impl IntoIterator<Item = (usize, B)>) {
        let events = said.into_iter().map(|(member, bytes)| {
            Shared(0).with(|wire| {
                assert!(wire.arrived.is_empty(), "somebody else would read it");
                wire.arrived.extend(bytes.as_ref());
            });
            (MemberId::from_slot(member), READABLE)
        });
        turn(&mut self.hub, Tick::START, events);
    }

    /// Takes the turns that it takes until everybody has heard everything.
    pub(crate) fn settle(&mut self) {
        while self.hub.has_work() {
            turn(&mut self.hub, Tick::START, []);
        }
    }
}

/// Returns what `f` makes of the crowd's wire.
pub(crate) fn wire<T>(f: impl FnOnce(&mut Wire) -> T) -> T {
    Shared(0).with(f)
}
