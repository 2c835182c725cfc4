//! A hub on wires in memory, and the turns of its loop.

use std::cell::{RefCell, RefMut};
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::time::Duration;

use chatroom::hub::framed::Framed;
use chatroom::hub::limits::Limits;
use chatroom::hub::sealed::Sealed;
use chatroom::hub::{Hub, Layers, Readiness};
use chatroom::room::{Access, MemberId};
use chatroom::stream::Stream;
use chatroom::tick::Tick;

use super::random::Random;
use super::screen::Screen;
use super::wire::{End, Mischief, Wire};

/// Where everybody is.
pub(crate) const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Which start of the server it is.
pub(crate) const BOOT: &str = "boot";

/// One turn of the server's loop. An event is taken out of `events` when those before it have been
/// dealt with.
pub(crate) fn turn<S: Stream>(
    hub: &mut Hub<S>,
    now: Tick,
    events: impl IntoIterator<Item = (MemberId, Readiness)>,
) {
    hub.start_turn(now);
    for (id, readiness) in events {
        hub.ready(id, readiness);
    }
    hub.resume();
    hub.settle();
    hub.reap();
}

/// The other end of a connection.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) wire: Rc<RefCell<Wire>>,
    pub(crate) id: MemberId,
}

/// A hub and the other ends of its connections, in the order they came.
#[derive(Debug)]
pub(crate) struct Drive {
    pub(crate) hub: Hub<End>,
    pub(crate) peers: Vec<Peer>,
    pub(crate) now: Tick,
}

impl Drive {
    /// Returns a hub without connections.
    pub(crate) fn new(limits: Limits) -> Self {
        Self::with(limits, Access::default())
    }

    /// Returns the same with what its room begins with.
    pub(crate) fn with(limits: Limits, access: Access) -> Self {
        let now = Tick::START;
        Self {
            hub: Hub::with(limits, now, BOOT, access),
            peers: Vec::new(),
            now,
        }
    }

    /// Lets somebody connect over `wire`, and returns its number.
    pub(crate) fn accept(&mut self, wire: Wire) -> usize {
        let address = wire.address;
        let wire = Rc::new(RefCell::new(wire));
        let id = self.hub.next_id();
        let is_framed = wire.borrow().frames.is_some();
        let framed = is_framed.then(|| Box::new(Framed::new(false, self.now)));
        let layers = Layers {
            framed,
            ..Layers::default()
        };
        let end = End(Rc::clone(&wire));
        self.hub.accept_by(end, layers, address);
        self.peers.push(Peer { wire, id });
        self.peers.len() - 1
    }

    /// Lets somebody connect over `wire` whose bytes are sealed, and returns its number.
    pub(crate) fn accept_sealed(&mut self, wire: Wire, sealed: Box<Sealed>) -> usize {
        let wire = Rc::new(RefCell::new(wire));
        let id = self.hub.next_id();
        let end = End(Rc::clone(&wire));
        self.hub.accept_sealed(end, sealed, HOME);
        self.peers.push(Peer { wire, id });
        self.peers.len() - 1
    }

    /// Returns somebody's wire.
    pub(crate) fn wire(&self, peer: usize) -> RefMut<'_, Wire> {
        self.peers[peer].wire.borrow_mut()
    }

    /// Returns whether the server has not let go of somebody.
    pub(crate) fn is_open(&self, peer: usize) -> bool {
        !self.wire(peer).dropped
    }

    /// Takes a turn, with the events that are due of those in `order`.
    pub(crate) fn turn_in(&mut self, order: impl IntoIterator<Item = usize>) {
        self.turn_at(self.now, order);
    }

    /// The same with a clock that shows something else.
    pub(crate) fn turn_at(&mut self, now: Tick, order: impl IntoIterator<Item = usize>) {
        let peers = &self.peers;
        let events = order.into_iter().filter_map(|peer| {
            let Peer { wire, id } = &peers[peer];
            Some((*id, wire.borrow_mut().take_events()?))
        });
        turn(&mut self.hub, now, events);
    }

    /// Takes a turn, with all events that are due.
    pub(crate) fn turn(&mut self) {
        self.turn_in(0..self.peers.len());
    }

    /// Returns whether nothing happens until time passes.
    pub(crate) fn is_quiet(&self) -> bool {
        let quiet = |peer: &Peer| peer.wire.borrow().is_quiet();
        !self.hub.has_work() && self.peers.iter().all(quiet)
    }

    /// Lets so much time pass as makes something due, and returns whether anything ever will be.
    pub(crate) fn skip_to_deadline(&mut self) -> bool {
        let deadline = self.hub.deadline();
        self.now = self.now.max(deadline.unwrap_or(self.now));
        deadline.is_some()
    }
}

/// What scripts say: everybody's events come at once, and in order.
impl Drive {
    /// Lets somebody connect who takes `window` bytes, and returns its number.
    pub(crate) fn connect(&mut self, window: usize) -> usize {
        let seed = self.hub.next_id().slot() as u64;
        let mischief = Mischief::Chance(Random::new(seed));
        self.accept(Wire::new(window, mischief, Screen::Keeps(Vec::new())))
    }

    /// The same over a WebSocket.
    pub(crate) fn connect_framed(&mut self, window: usize) -> usize {
        let seed = self.hub.next_id().slot() as u64;
        let mischief = Mischief::Chance(Random::new(seed));
        self.accept(Wire::framed(window, mischief, seed))
    }

    /// Lets somebody join who takes `window` bytes, and returns its number.
    pub(crate) fn join(&mut self, name: &str, window: usize) -> usize {
        let peer = self.connect(window);
        self.say(peer, name);
        self.turn();
        peer
    }

    /// Lets somebody send a line.
    pub(crate) fn say(&self, peer: usize, line: &str) {
        let mut wire = self.wire(peer);
        wire.send(line.as_bytes());
        wire.send(b"\n");
    }

    /// Takes turns until there is nothing to do, and returns how many.
    pub(crate) fn settle(&mut self) -> usize {
        for turns in 0..100_000 {
            if self.is_quiet() {
                return turns;
            }
            self.turn();
        }
        panic!("the hub does not come to rest");
    }

    /// Lets time pass, and the hub do what there is to do then.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.now += time;
        self.turn();
        self.settle();
    }

    /// Returns what somebody has received since the last call.
    pub(crate) fn heard(&self, peer: usize) -> String {
        match &mut self.wire(peer).screen {
            Screen::Frames(reader) => String::from_utf8(std::mem::take(&mut reader.text)).unwrap(),
            Screen::Keeps(bytes) => String::from_utf8(std::mem::take(bytes)).unwrap(),
            screen => panic!("nothing is kept of it: {screen:?}"),
        }
    }

    /// Forgets those whom the server has let go of: the others have new numbers.
    pub(crate) fn forget_the_gone(&mut self) {
        self.peers.retain(|peer| !peer.wire.borrow().dropped);
    }
}
