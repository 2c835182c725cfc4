//! The way to the server: one connection, and after it is lost the next.

use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read as _, Write as _};
use std::mem;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use super::address::{self, Address, CONNECT_TIMEOUT};
use super::lookup::Lookup;
use super::reach::Reached;
use super::way::{Tls, Way};

/// The pauses between tries to connect double from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(30);

/// A connection that is there, being made, or to be made later.
#[derive(Debug)]
pub(super) struct Link {
    token: Token,
    address: Address,
    /// What the address was found to be the last time it was looked up.
    found: Vec<SocketAddr>,
    /// The question where the server is now, while it is under way.
    lookup: Option<Lookup>,
    /// The connection, but while it is down.
    way: Option<Way>,
    /// How TLS is spoken, if it is.
    tls: Option<Tls>,
    phase: Phase,
    /// How often in a row it failed to get into the room.
    failures: u32,
    /// Spreads the tries of many clients of a server that went away: between a half and one.
    jitter: f64,
    // Edge-triggered: readiness is forgotten only when the socket says it would block.
    readable: bool,
    writable: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Up,
    /// Looked up, or connected to.
    Connecting {
        deadline: Instant,
    },
    Down {
        until: Instant,
    },
    /// Down until somebody asks for it.
    Resting,
}

/// What reading from the server brought.
#[derive(Debug)]
pub(super) enum Received {
    /// This many bytes, at least one.
    Bytes(usize),
    /// Nothing for now.
    Later,
    /// The connection is lost; says how.
    Lost(String),
}

impl Link {
    /// Takes over a connected stream; when it is lost `address` is looked up anew, and what it is
    /// found to be tried in turn. Until then that is `found`.
    ///
    /// # Errors
    /// Fails when the stream can't be watched.
    pub(super) fn new(
        reached: Reached,
        address: Address,
        registry: &Registry,
        token: Token,
    ) -> io::Result<Self> {
        let Reached {
            mut way,
            tls,
            found,
        } = reached;
        registry.register(way.source(), token, BOTH_WAYS)?;
        Ok(Self {
            token,
            address,
            found,
            lookup: None,
            // The first words may have come with the end of the handshake.
            readable: tls.is_some(),
            tls,
            way: Some(way),
            phase: Phase::Up,
            failures: 0,
            jitter: jitter(),
            writable: false,
        })
    }

    /// Notes what the poll reported of the socket.
    pub(super) fn note(&mut self, event: &Event) {
        // An error is told by the read or the write that meets it.
        self.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
        self.writable |= event.is_writable() || event.is_write_closed();
        if let Some(way) = self.way.as_mut().filter(|_| self.phase == Phase::Up) {
            // What can't be sent is told by the read, or goes at the next event.
            drop(way.flush());
        }
    }

    /// Returns whether the server can be talked to.
    pub(super) fn is_up(&self) -> bool {
        self.phase == Phase::Up
    }

    /// Returns whether there may be something to receive.
    pub(super) fn is_readable(&self) -> bool {
        self.readable && self.is_up()
    }

    /// Returns whether the next connection waits to be asked for.
    pub(super) fn is_resting(&self) -> bool {
        self.phase == Phase::Resting
    }

    /// Returns how long it is until the next try to connect.
    pub(super) fn next_try(&self, now: Instant) -> Option<Duration> {
        match self.phase {
            Phase::Down { until } => Some(until.saturating_duration_since(now)),
            Phase::Up | Phase::Connecting { .. } | Phase::Resting => None,
        }
    }

    /// Returns how long nothing has to be done here unless the poll says so.
    pub(super) fn idle_for(&self, now: Instant) -> Option<Duration> {
        let next = match self.phase {
            Phase::Up | Phase::Resting => return None,
            Phase::Connecting { deadline } => deadline,
            Phase::Down { until } => until,
        };
        Some(next.saturating_duration_since(now))
    }

    /// Tries to connect once it is time, and looks how that goes.
    pub(super) fn tick(&mut self, registry: &Registry, now: Instant) {
        match self.phase {
            Phase::Down { until } if until <= now => self.look_up(registry, now),
            Phase::Connecting { deadline } => {
                self.check_lookup(registry, now);
                self.check_connecting(now);
                if deadline <= now && !self.is_up() {
                    self.lose(now);
                }
            }
            Phase::Up | Phase::Down { .. } | Phase::Resting => {}
        }
    }

    fn look_up(&mut self, registry: &Registry, now: Instant) {
        self.phase = Phase::Connecting {
            deadline: now + CONNECT_TIMEOUT,
        };
        if let Some(address) = self.address.literal() {
            self.found = vec![address];
            return self.connect(registry, now);
        }
        match Lookup::start(&self.address, registry, self.token) {
            Ok(lookup) => self.lookup = Some(lookup),
            Err(_) => self.connect(registry, now),
        }
    }

    fn check_lookup(&mut self, registry: &Registry, now: Instant) {
        let Some(found) = self.lookup.as_mut().and_then(Lookup::take) else {
            return;
        };
        self.lookup = None;
        // A name server that is away, too, is no reason to forget where the server was.
        if !found.is_empty() {
            self.found = found;
        }
        self.connect(registry, now);
    }

    fn check_connecting(&mut self, now: Instant) {
        let Some(way) = &self.way else { return };
        if !mem::take(&mut self.writable) {
            return;
        }
        if has_connected(way.socket()) {
            self.phase = Phase::Up;
            self.readable = true;
            self.writable = true;
        } else {
            self.lose(now);
        }
    }

    /// Tries to connect at the next tick, however long the pause was to be.
    pub(super) fn try_now(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Down { .. } | Phase::Resting) {
            self.phase = Phase::Down { until: now };
        }
    }

    /// Drops the connection, and waits to be asked for the next one.
    pub(super) fn rest(&mut self, now: Instant) {
        self.lose(now);
        self.failures = 0;
        self.phase = Phase::Resting;
    }

    /// Notes that the person is in the room: the next pause will be short again.
    pub(super) fn reset_pause(&mut self) {
        self.failures = 0;
    }

    /// Drops the connection; the next one is tried after a pause.
    pub(super) fn lose(&mut self, now: Instant) {
        let pause = pause(self.failures).mul_f64(self.jitter);
        self.failures = self.failures.saturating_add(1);
        // Closing the socket takes it out of the poll.
        self.way = None;
        self.lookup = None;
        self.phase = Phase::Down { until: now + pause };
    }

    /// Reads once.
    pub(super) fn receive(&mut self, buffer: &mut [u8]) -> Received {
        let Some(way) = &mut self.way else {
            return Received::Later;
        };
        match way.read(buffer) {
            Ok(0) => Received::Lost("the server closed it".to_owned()),
            Ok(count) => Received::Bytes(count),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.readable = false;
                Received::Later
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Received::Later,
            Err(error) => Received::Lost(error.to_string()),
        }
    }

    /// Sends `bytes` as far as that goes now, and takes out what is sent; returns whether all is.
    pub(super) fn send(&mut self, bytes: &mut Vec<u8>) -> bool {
        let Some(way) = self.way.as_mut().filter(|_| self.phase == Phase::Up) else {
            return false;
        };
        while self.writable && !bytes.is_empty() {
            match way.write(bytes) {
                Ok(count) => drop(bytes.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.writable = false;
                    // A broken connection is told by the read; what the server said last is there.
                    self.readable |= error.kind() != io::ErrorKind::WouldBlock;
                }
            }
        }
        bytes.is_empty()
    }

    /// Tells the server that no more comes.
    pub(super) fn finish(&mut self) {
        if let Some(way) = &mut self.way {
            // A connection that is gone already is told by the next read.
            drop(way.finish());
        }
    }

    fn connect(&mut self, registry: &Registry, now: Instant) {
        let turn = self.failures as usize % self.found.len().max(1);
        let connecting = self.found.get(turn).and_then(|address| {
            let socket = TcpStream::connect(*address).ok()?;
            let mut way = Way::new(socket, self.tls.as_ref()).ok()?;
            registry
                .register(way.source(), self.token, BOTH_WAYS)
                .ok()?;
            Some(way)
        });
        if connecting.is_none() {
            return self.lose(now);
        }
        self.way = connecting;
        self.readable = false;
        self.writable = false;
    }
}

fn has_connected(stream: &TcpStream) -> bool {
    matches!(stream.take_error(), Ok(None))
        && stream.peer_addr().is_ok()
        && address::prepare(stream).is_ok()
}

/// Returns the pause after so many failures before.
fn pause(failures: u32) -> Duration {
    FIRST_PAUSE
        .saturating_mul(1 << failures.min(16))
        .min(LAST_PAUSE)
}

/// Returns a number between a half and one, another for each client.
fn jitter() -> f64 {
    let random = RandomState::new().hash_one(0) % 1024;
    // Below 1024, so exact.
    0.5 + f64::from(random as u32) / 2048.0
}

const BOTH_WAYS: Interest = Interest::READABLE.add(Interest::WRITABLE);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let seconds: Vec<_> = (0..7).map(|failures| pause(failures).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(pause(u32::MAX), LAST_PAUSE);
    }
}
