//! Connections on their way in: what has to happen before the hub hears of them. A proxy in front
//! says whom it stands for, then TLS shakes hands.
//!
//! A handshake costs as much as hundreds of lines, so those who talk must not wait for those who come:
//! a turn has a small budget of time for all handshakes together, an address has few at once, and
//! all together have a bound. Beyond that the kernel's queue holds who comes; only when nothing has moved for
//! a while does the oldest make place.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use log::debug;
use mio::net::TcpStream;
use slab::Slab;

use crate::hub::per_address::PerAddress;
use crate::hub::sealed::Sealed;
use crate::layer::proxy::{self, Header};
use crate::layer::tls::handshake::{Config, Handshake, Progress};
use crate::room::Notice;
use crate::tick::Tick;

/// Most connections on their way in; each may hold some 10 KB of a handshake.
const ARRIVALS_MAX: usize = 1024;

/// Most of one address (IPv6: of one /64).
const ARRIVALS_PER_ADDRESS: usize = 256;

/// How long a turn may go on with them, but for the one under way.
const TURN: Duration = Duration::from_millis(2);

/// How long one may take while others wait for its place.
const PATIENCE: Duration = Duration::from_secs(3);

/// Bytes read from one at once.
const READ_BYTES: usize = 16 * 1024;

/// The type of a record that a handshake begins with.
const HANDSHAKE_RECORD: u8 = 22;

/// One connection on its way in.
#[derive(Debug)]
struct Arrival {
    stream: TcpStream,
    address: IpAddr,
    /// Tells it from others that had the same place.
    number: u64,
    /// A proxy has to say whom it stands for.
    by_proxy: bool,
    /// What a proxy has said.
    header: Option<Header>,
    /// TLS is to be spoken.
    tls: Option<Config>,
    handshake: Option<Box<Handshake>>,
    /// What the stream has not taken yet.
    unsent: Vec<u8>,
    /// It waits for its turn.
    queued: bool,
}

/// How a connection comes.
#[derive(Debug, Clone)]
pub(super) struct Way {
    /// A proxy has to say whom it stands for.
    pub by_proxy: bool,
    /// TLS is to be spoken, so.
    pub tls: Option<Config>,
}

impl Way {
    /// Returns whether nothing has to happen before the hub hears of a connection.
    pub(super) fn is_open(&self) -> bool {
        !self.by_proxy && self.tls.is_none()
    }
}

/// What became of one that is on its way no more.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It can be let in.
    Arrived(Arrived),
    /// It can't, for this reason.
    Failed(IpAddr, String),
}

/// One that can be let in.
#[derive(Debug)]
pub(super) struct Arrived {
    pub stream: TcpStream,
    pub address: IpAddr,
    /// Whom a proxy stands for, if it comes by one.
    pub header: Option<Header>,
    pub sealed: Option<Box<Sealed>>,
}

/// What a step has come to.
enum Step {
    /// Nothing more can be done before an event.
    Waits,
    /// The handshake is over, or there was none.
    Done(Option<Box<Sealed>>),
    /// It has ended, or has to.
    Failed(String),
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
        let index = self.slab.insert(Arrival {
            stream,
            address,
            number,
            by_proxy: way.by_proxy,
            header: None,
            tls: way.tls,
            handshake: None,
            unsent: Vec::new(),
            queued: false,
        });
        if !way.by_proxy {
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
    /// nobody, once a turn that began at `start` has no more time for them.
    pub(super) fn next(&mut self, now: Tick, start: Instant) -> Option<Outcome> {
        if let Some((address, why)) = self.pop_overdue(now) {
            return Some(Outcome::Failed(address, why));
        }
        while start.elapsed() < TURN
            && let Some((index, number)) = self.queue.pop_front()
        {
            let arrival = self.slab.get_mut(index);
            let Some(arrival) = arrival.filter(|arrival| arrival.number == number) else {
                continue;
            };
            arrival.queued = false;
            let by_proxy = arrival.by_proxy;
            match arrival.go_on(&mut self.scratch) {
                Step::Waits if by_proxy && !arrival.by_proxy => {
                    let address = arrival.address;
                    if !self.per_address.has_place(address) {
                        self.remove(index);
                        let why = "too many of its address are on their way in".to_owned();
                        return Some(Outcome::Failed(address, why));
                    }
                    self.per_address.enter(index, address);
                }
                Step::Waits => {}
                Step::Done(sealed) => {
                    self.handshakes.completed += u64::from(sealed.is_some());
                    let Arrival {
                        stream,
                        address,
                        header,
                        ..
                    } = self.remove(index);
                    return Some(Outcome::Arrived(Arrived {
                        stream,
                        address,
                        header,
                        sealed,
                    }));
                }
                Step::Failed(why) => {
                    return Some(Outcome::Failed(self.give_up(index), why));
                }
            }
        }
        None
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
        self.handshakes.failed += u64::from(arrival.tls.is_some());
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
    fn pop_overdue(&mut self, now: Tick) -> Option<(IpAddr, String)> {
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
                let address = self.give_up(index);
                return Some((address, "it took too long to come in".to_owned()));
            }
            self.order.pop_front();
        }
    }
}

impl Arrival {
    /// Does what can be done without waiting.
    fn go_on(&mut self, scratch: &mut [u8]) -> Step {
        if self.by_proxy {
            match self.hear_proxy(scratch) {
                Ok(true) => {}
                Ok(false) => return Step::Waits,
                Err(why) => return Step::Failed(why),
            }
        }
        let Some(config) = &self.tls else {
            return Step::Done(None);
        };
        if let Err(why) = send(&mut self.stream, &mut self.unsent) {
            return Step::Failed(why.to_string());
        }
        let handshake = match self.handshake.take() {
            Some(handshake) => handshake,
            None => match Handshake::new(config) {
                Ok(handshake) => Box::new(handshake),
                Err(error) => return Step::Failed(error.to_string()),
            },
        };
        self.shake_hands(handshake, scratch)
    }

    /// Reads whom the proxy stands for; returns whether it has said so.
    fn hear_proxy(&mut self, scratch: &mut [u8]) -> Result<bool, String> {
        // What comes behind the header stays where it is.
        let peeked = self.stream.peek(&mut scratch[..proxy::HEADER_BYTES_MAX]);
        let length = match peeked {
            Ok(0) => return Err("it ended before the PROXY header did".to_owned()),
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error.to_string()),
        };
        let header = proxy::parse(&scratch[..length]);
        let Some(header) = header.map_err(|_| "it has no proper PROXY header".to_owned())? else {
            return Ok(false);
        };
        let read = self.stream.read_exact(&mut scratch[..header.length]);
        read.map_err(|error| error.to_string())?;
        self.by_proxy = false;
        self.address = header.source.unwrap_or(self.address);
        self.header = Some(header);
        Ok(true)
    }

    /// Goes on with the handshake, as long as something comes.
    fn shake_hands(&mut self, mut handshake: Box<Handshake>, scratch: &mut [u8]) -> Step {
        loop {
            let length = match self.stream.read(scratch) {
                Ok(0) => return Step::Failed("it ended within the handshake".to_owned()),
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.handshake = Some(handshake);
                    return Step::Waits;
                }
                Err(error) => return Step::Failed(error.to_string()),
            };
            if handshake.is_new() && scratch[0] != HANDSHAKE_RECORD {
                let words = format!("* {}\n", Notice::NeedsTls);
                let told = self.stream.write(words.as_bytes());
                debug!("its last words were taken so: {told:?}");
                return Step::Failed("it doesn't speak TLS".to_owned());
            }
            match handshake.go_on(&scratch[..length], &mut self.unsent) {
                Progress::Waiting(waiting) => handshake = waiting,
                Progress::Done(session) => {
                    if let Err(error) = send(&mut self.stream, &mut self.unsent) {
                        return Step::Failed(error.to_string());
                    }
                    let unsent = std::mem::take(&mut self.unsent);
                    return Step::Done(Some(Box::new(Sealed::new(session, unsent))));
                }
                Progress::Failed(error) => {
                    let told = send(&mut self.stream, &mut self.unsent);
                    debug!("the alert was sent so: {told:?}");
                    return Step::Failed(format!("TLS: {error}"));
                }
            }
            if let Err(error) = send(&mut self.stream, &mut self.unsent) {
                return Step::Failed(error.to_string());
            }
        }
    }
}

/// Sends what is in `unsent`, as far as the stream takes it at once.
fn send(stream: &mut TcpStream, unsent: &mut Vec<u8>) -> io::Result<()> {
    while !unsent.is_empty() {
        match stream.write(unsent) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(sent) => drop(unsent.drain(..sent)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
