//! Connections on their way in: what has to happen before the hub hears of them. A proxy in front
//! says whom it stands for, then TLS shakes hands, then a browser asks for the page or a WebSocket.
//!
//! A handshake costs as much as hundreds of lines, so those who talk must not wait for those who come:
//! a turn has a small budget of time for all of them together, an address has few at once, and
//! all together have a bound. Beyond that the kernel's queue holds who comes; only when nothing has moved for
//! a while does the oldest make place.

mod arrival;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use slab::Slab;

use self::arrival::{Arrival, Step};
use super::web::{Opened, Site};
use crate::hub::Origin;
use crate::hub::per_address::PerAddress;
use crate::hub::sealed::{SPACE_BYTES, Sealed};
use crate::layer::tls::handshake::Config;
use crate::tick::Tick;

/// Most connections on their way in; each may hold some 10 KB of a handshake.
const ARRIVALS_MAX: usize = 1024;

/// Most of one address (IPv6: of one /64).
const ARRIVALS_PER_ADDRESS: usize = 256;

/// How long one may take while others wait for its place.
const PATIENCE: Duration = Duration::from_secs(3);

/// Bytes read from one at once.
const READ_BYTES: usize = SPACE_BYTES;

/// How a connection comes.
#[derive(Debug, Clone)]
pub(super) struct Way {
    /// A proxy has to say whom it stands for.
    pub by_proxy: bool,
    /// TLS is to be spoken, so.
    pub tls: Option<Config>,
    /// HTTP is spoken.
    pub is_web: bool,
}

impl Way {
    /// Returns whether nothing has to happen before the hub hears of a connection.
    pub(super) fn is_open(&self) -> bool {
        !self.by_proxy && self.tls.is_none() && !self.is_web
    }
}

/// What became of one that is on its way no more.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It can be let in.
    Arrived(Arrived),
    /// It can't, for this reason.
    Failed(IpAddr, String),
    /// It has been answered, and wanted no more.
    Left,
}

/// One that can be let in.
#[derive(Debug)]
pub(super) struct Arrived {
    pub stream: TcpStream,
    pub address: IpAddr,
    /// Where the person is.
    pub origin: Origin,
    pub sealed: Option<Box<Sealed>>,
    /// It is a WebSocket.
    pub opened: Option<Opened>,
}

/// How many TLS handshakes came to their end, since the start.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Handshakes {
    pub completed: u64,
    pub failed: u64,
}

/// Those on their way in.
#[derive(Debug)]
pub(super) struct Arrivals {
    slab: Slab<Arrival>,
    per_address: PerAddress,
    /// Those for whom something can be done.
    queue: VecDeque<(usize, u64)>,
    /// All of them, the oldest first, some of them gone.
    order: VecDeque<(usize, u64, Tick)>,
    next_number: u64,
    /// How long it may take them; none for ever.
    timeout: Option<Duration>,
    handshakes: Handshakes,
    scratch: Vec<u8>,
}

impl Arrivals {
    /// Returns a place where nobody is, for those who may take `timeout_s` seconds, 0 for ever.
    pub(super) fn new(timeout_s: u16) -> Self {
        Self {
            slab: Slab::new(),
            per_address: PerAddress::new(Some(ARRIVALS_PER_ADDRESS)),
            queue: VecDeque::new(),
            order: VecDeque::new(),
            next_number: 0,
            timeout: (timeout_s > 0).then(|| Duration::from_secs(timeout_s.into())),
            handshakes: Handshakes::default(),
            scratch: vec![0; READ_BYTES],
        }
    }

    /// Returns how many handshakes have ended so far.
    pub(super) fn handshakes(&self) -> Handshakes {
        self.handshakes
    }

    /// Returns how many there are.
    pub(super) fn len(&self) -> usize {
        self.slab.len()
    }

    /// Returns whether one more may come now. If not, [`deadline`](Self::deadline) says when to ask
    /// again, unless somebody goes before.
    pub(super) fn has_place(&self) -> bool {
        self.len() < ARRIVALS_MAX
    }

    /// Returns whether one more of `address` may come.
    pub(super) fn has_place_for(&self, address: IpAddr) -> bool {
        self.per_address.has_place(address)
    }

    /// Returns the index that the next one will have.
    pub(super) fn next_index(&self) -> usize {
        self.slab.vacant_key()
    }

    /// Takes in a connection. What has come of it makes an event.
    pub(super) fn enter(&mut self, stream: TcpStream, address: IpAddr, way: Way, now: Tick) {
        let number = self.next_number;
        self.next_number += 1;
        let by_proxy = way.by_proxy;
        let index = self.slab.insert(Arrival::new(stream, address, number, way));
        if !by_proxy {
            // A proxy brings any number.
            self.per_address.enter(index, address);
        }
        self.order.push_back((index, number, now));
    }

    /// Takes note that something can be read from a connection, or written to it.
    pub(super) fn set_ready(&mut self, index: usize) {
        if let Some(arrival) = self.slab.get_mut(index)
            && !std::mem::replace(&mut arrival.queued, true)
        {
            self.queue.push_back((index, arrival.number));
        }
    }

    /// Returns whether something can be done without an event.
    pub(super) fn has_work(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Returns when somebody has taken too long.
    pub(super) fn deadline(&self) -> Option<Tick> {
        let (.., since) = self.order.front()?;
        Some(*since + self.patience()?)
    }

    /// Returns how long one may take at the moment.
    fn patience(&self) -> Option<Duration> {
        if self.has_place() {
            return self.timeout;
        }
        Some(
            self.timeout
                .map_or(PATIENCE, |timeout| timeout.min(PATIENCE)),
        )
    }

    /// Goes on with those for whom something can be done, until one of them is on its way no more;
    /// nobody, once it is past `until` after a step.
    pub(super) fn next(&mut self, now: Tick, until: Instant, site: &Site) -> Option<Outcome> {
        if let Some(outcome) = self.pop_overdue(now) {
            return Some(outcome);
        }
        while let Some((index, number)) = self.queue.pop_front() {
            let arrival = self.slab.get(index);
            if arrival.is_none_or(|arrival| arrival.number != number) {
                continue;
            }
            let outcome = self.go_on(index, site);
            if outcome.is_some() || Instant::now() >= until {
                return outcome;
            }
        }
        None
    }

    /// Goes on with one of them as far as it can, and returns what has become of it if it is on its way no
    /// more.
    fn go_on(&mut self, index: usize, site: &Site) -> Option<Outcome> {
        let arrival = &mut self.slab[index];
        arrival.queued = false;
        let by_proxy = arrival.by_proxy;
        let step = arrival.go_on(&mut self.scratch, site);
        let is_named = by_proxy && arrival.is_named;
        if is_named && matches!(step, Step::Waits | Step::GoesOn) {
            let address = arrival.address;
            if !self.per_address.has_place(address) {
                self.remove(index);
                let why = "too many of its address are on their way in".to_owned();
                return Some(Outcome::Failed(address, why));
            }
            self.per_address.enter(index, address);
        }
        match step {
            Step::Waits => None,
            Step::GoesOn => {
                self.set_ready(index);
                None
            }
            Step::Done(sealed, opened) => {
                self.handshakes.completed += u64::from(sealed.is_some());
                Some(Outcome::Arrived(self.arrived(index, sealed, opened)))
            }
            Step::Left => {
                self.remove(index);
                Some(Outcome::Left)
            }
            Step::Failed(why) => Some(Outcome::Failed(self.give_up(index), why)),
        }
    }

    /// Takes out one that can be let in.
    fn arrived(
        &mut self,
        index: usize,
        sealed: Option<Box<Sealed>>,
        opened: Option<Opened>,
    ) -> Arrived {
        let Arrival {
            stream,
            address,
            origin,
            ..
        } = self.remove(index);
        let said = opened.map_or(address, |opened| opened.address);
        Arrived {
            stream,
            // An address that isn't the stream's was named by who stands in front.
            origin: if said == address {
                origin
            } else {
                Origin::Named(said)
            },
            address: said,
            sealed,
            opened,
        }
    }

    /// Ends everybody: the room is closing.
    pub(super) fn clear(&mut self) {
        let timeout_s = self.timeout.map_or(0, |timeout| timeout.as_secs() as u16);
        let handshakes = self.handshakes;
        *self = Self {
            handshakes,
            ..Self::new(timeout_s)
        };
    }

    /// Takes out one that can't be let in, and returns where it came from.
    fn give_up(&mut self, index: usize) -> IpAddr {
        let arrival = self.remove(index);
        self.handshakes.failed += u64::from(arrival.shakes_hands());
        arrival.address
    }

    fn remove(&mut self, index: usize) -> Arrival {
        self.per_address.leave(index);
        let arrival = self.slab.remove(index);
        if self.slab.is_empty() {
            // Nobody's time runs out any more.
            self.order.clear();
        }
        arrival
    }

    /// Takes out the oldest if it has taken too long; forgets those that are gone.
    fn pop_overdue(&mut self, now: Tick) -> Option<Outcome> {
        loop {
            let &(index, number, since) = self.order.front()?;
            let arrival = self.slab.get(index);
            if arrival.is_some_and(|arrival| arrival.number == number) {
                let overdue = self
                    .patience()
                    .is_some_and(|patience| since + patience <= now);
                if !overdue {
                    return None;
                }
                self.order.pop_front();
                if self.slab[index].has_been_answered() {
                    self.remove(index);
                    return Some(Outcome::Left);
                }
                let why = "it took too long to come in".to_owned();
                return Some(Outcome::Failed(self.give_up(index), why));
            }
            self.order.pop_front();
        }
    }
}
