//! The shell around the client of NATS: which server, when to connect, bytes in and out. Never waits
//! but at the start.

mod channel;
mod servers;
mod start;

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use log::{info, warn};
use mio::{Interest, Registry};
use rustix::rand::{GetRandomFlags, getrandom};
use rustls::ClientConfig;

use self::channel::Channel;
use self::servers::Servers;
pub use self::servers::{Url, Who};
use super::sources::Source;
use crate::backplane::nats::{self, Client};
use crate::failure::Failure;
use crate::hub::Hub;
use crate::hub::backplane::Figures;
use crate::stream::Stream;
use crate::tick::Tick;

/// How long a server may take to accept a connection and to shake hands.
const CONNECT_MAX: Duration = Duration::from_secs(4);

/// The wait after a server has failed, while there are others to try.
const SHORT_WAIT: Duration = Duration::from_millis(20);

/// The first wait once all have failed; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// The longest.
const LONGEST_WAIT: Duration = Duration::from_secs(4);

/// How long the same is wrong until it is told again.
const TELL_AGAIN: Duration = Duration::from_mins(1);

/// Bytes read at once.
const READ_BYTES: usize = 64 * 1024;

/// How often a turn reads.
const READS_MAX: usize = 16;

/// What the server is told about the backplane.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where NATS is.
    pub servers: Vec<Url>,
    /// Who we are there.
    pub who: Who,
    /// A file of the authorities that vouch for those servers; the system's, without.
    pub authorities: Option<PathBuf>,
    /// The room's name.
    pub room: String,
    /// How many servers keep the room's events.
    pub replicas: u32,
    /// How long they are kept; for ever if zero.
    pub max_age: Duration,
    /// How many bytes of them; any number without.
    pub max_bytes: Option<u64>,
    /// How long the start waits for the backplane, and newcomers while it is cut off.
    pub timeout: Duration,
}

/// How the room is shared, in words; nothing where it isn't.
pub(super) struct Shared(pub(super) Option<Figures>);

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(figures) = self.0 else {
            return Ok(());
        };
        let state = if figures.up { "up" } else { "CUT OFF" };
        write!(
            f,
            "; backplane {state}, {} members elsewhere, {} nodes, {} bytes wait for it, {} events came too late",
            figures.elsewhere, figures.nodes, figures.waiting_bytes, figures.refused
        )
    }
}

/// Returns a word that no other start of any node has.
///
/// # Errors
/// Fails where the system gives no random bytes.
pub(super) fn boot() -> Result<String, Failure> {
    let mut bytes = [0; 8];
    if getrandom(&mut bytes, GetRandomFlags::empty()) != Ok(bytes.len()) {
        return Err(Failure::new("the system gives no random bytes"));
    }
    Ok(data_encoding::HEXLOWER.encode(&bytes))
}

/// The connection to the backplane, or the way to one.
#[derive(Debug)]
pub(super) struct Backplane {
    client: Client,
    servers: Servers,
    tls: Option<Arc<ClientConfig>>,
    registry: Registry,
    channel: Option<Channel>,
    /// When to try the next server.
    due: Tick,
    /// When the server has to have accepted and shaken hands.
    connect_deadline: Tick,
    /// How many have failed since the last was up.
    failed: u32,
    random: u64,
    /// The stream may have something.
    readable: bool,
    /// The stream takes no more.
    blocked: bool,
    /// The room can hear no more for now.
    paused: bool,
    /// What was said last to be wrong, and when.
    told: Option<(String, Tick)>,
    scratch: Box<[u8]>,
}

impl Backplane {
    /// Returns the ports that are connected to.
    pub(super) fn ports(&self) -> Vec<u16> {
        self.servers.ports()
    }

    /// Takes note that the stream may have something, or take something, and whether it has `ended`.
    pub(super) fn set_ready(&mut self, ended: bool) {
        (self.readable, self.blocked) = (true, false);
        if let Some(channel) = self.channel.as_mut().filter(|_| ended) {
            channel.set_ended();
        }
    }

    /// Returns whether something can be done without an event.
    pub(super) fn has_work(&self) -> bool {
        self.readable && !self.paused
    }

    /// Returns when something has to be done.
    pub(super) fn deadline(&self) -> Option<Tick> {
        if self.paused {
            return None;
        }
        match &self.channel {
            None => Some(self.due),
            Some(channel) if channel.is_connecting() => Some(self.connect_deadline),
            Some(_) if self.client.wants_tls() => Some(self.connect_deadline),
            Some(_) => self.client.deadline(),
        }
    }

    /// Does what can be done without waiting, and has the room hear what has happened. While it can
    /// hear no more, what comes waits in the kernel.
    pub(super) fn hear<S: Stream>(&mut self, hub: &mut Hub<S>, now: Tick) {
        self.paused = !hub.can_hear_batches();
        if self.paused {
            return;
        }
        let server = self.servers.current().name.clone();
        let problem = self.go_on(now, &mut |client| {
            while let Some(incoming) = client.next(now) {
                hub.hear_backplane(incoming);
            }
        });
        if let Some(problem) = problem {
            self.tell(&server, problem.why, now);
        }
    }

    /// Logs what is wrong; the same is told again only after a while.
    fn tell(&mut self, server: &str, why: String, now: Tick) {
        let told = self.told.as_ref();
        if told.is_none_or(|(told, at)| *told != why || now - *at >= TELL_AGAIN) {
            warn!("the backplane {server}: {why}");
            self.told = Some((why, now));
        }
    }

    /// Sends what the room has to say.
    pub(super) fn speak<S: Stream>(&mut self, hub: &mut Hub<S>) {
        hub.speak_to(&mut self.client);
        self.flush();
    }

    fn flush(&mut self) {
        let Some(channel) = &mut self.channel else {
            return;
        };
        while !self.blocked && !channel.is_connecting() && !self.client.wants_tls() {
            match channel.write(self.client.output()) {
                Ok(0) => break,
                Ok(bytes) => self.client.sent(bytes),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // What is wrong is said by the next read.
                Err(error) => {
                    self.blocked = true;
                    self.readable |= error.kind() != ErrorKind::WouldBlock;
                }
            }
        }
    }

    /// Goes on, and has `listen` take out what has happened; returns what has gone wrong with the
    /// server, if something has.
    fn go_on(&mut self, now: Tick, listen: &mut dyn FnMut(&mut Client)) -> Option<nats::Problem> {
        let was_up = self.client.is_up();
        let done = self.step(now, listen);
        for remark in self.client.take_remarks() {
            warn!("the backplane: {remark}");
        }
        if !was_up && self.client.is_up() {
            let version = self.client.version().chars();
            let version: String = version.filter(|c| !c.is_control()).take(20).collect();
            info!(
                "the backplane is up: {}, NATS {version}",
                self.servers.current().name
            );
            (self.failed, self.told) = (0, None);
        }
        let problem = match done {
            Err(error) => nats::Problem {
                why: error.to_string(),
                for_good: false,
            },
            Ok(()) => self.client.problem()?.clone(),
        };
        self.close(&problem.why, now);
        listen(&mut self.client);
        Some(problem)
    }

    fn step(&mut self, now: Tick, listen: &mut dyn FnMut(&mut Client)) -> io::Result<()> {
        // What waits from before the connection, or from the start.
        listen(&mut self.client);
        if self.channel.is_none() {
            if now < self.due {
                return Ok(());
            }
            self.connect(now)?;
        }
        while self.arrive(now)? {
            // Who stood still itself reads before it judges whether the server did.
            self.readable |= self.client.deadline().is_some_and(|due| due <= now);
            self.read(now, listen)?;
            // The server's first words may have asked for TLS.
            if !self.client.wants_tls() {
                self.tick(now, listen);
                break;
            }
        }
        Ok(())
    }

    /// Does what is due, and sends what waits to be sent.
    fn tick(&mut self, now: Tick, listen: &mut dyn FnMut(&mut Client)) {
        if self.client.problem().is_none() {
            self.client.tick(now);
            listen(&mut self.client);
        }
        self.flush();
    }

    /// Connects to the next server.
    fn connect(&mut self, now: Tick) -> io::Result<()> {
        self.connect_deadline = now + CONNECT_MAX;
        let mut channel = Channel::connect(self.servers.current())?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        let token = Source::Backplane.into();
        self.registry.register(channel.stream(), token, interest)?;
        self.channel = Some(channel);
        (self.readable, self.blocked) = (false, false);
        Ok(())
    }

    /// Sees to it that the server has accepted and, where TLS is to be spoken, shaken hands; returns
    /// whether it has.
    fn arrive(&mut self, now: Tick) -> io::Result<bool> {
        let Some(channel) = &mut self.channel else {
            return Ok(false);
        };
        let overdue = now >= self.connect_deadline;
        if channel.is_connecting() {
            if !std::mem::take(&mut self.readable) || !channel.has_connected()? {
                return if overdue {
                    Err(ErrorKind::TimedOut.into())
                } else {
                    Ok(false)
                };
            }
            self.client.connected(self.servers.current().tls, now);
            self.readable = true;
        }
        if !self.client.wants_tls() {
            return Ok(true);
        }
        if !channel.shake_hands(self.tls.as_ref(), self.servers.current())? {
            self.readable = false;
            return if overdue {
                Err(ErrorKind::TimedOut.into())
            } else {
                Ok(false)
            };
        }
        self.client.secured();
        (self.readable, self.blocked) = (true, false);
        Ok(true)
    }

    fn read(&mut self, now: Tick, listen: &mut dyn FnMut(&mut Client)) -> io::Result<()> {
        let Some(channel) = &mut self.channel else {
            return Ok(());
        };
        for _ in 0..READS_MAX {
            if !self.readable || self.client.wants_tls() || self.client.problem().is_some() {
                break;
            }
            match channel.read(&mut self.scratch) {
                Ok(0) => {
                    // Its last words, such as why it closes.
                    listen(&mut self.client);
                    return if self.client.problem().is_some() {
                        Ok(())
                    } else {
                        Err(io::Error::new(
                            ErrorKind::UnexpectedEof,
                            "the NATS server has closed the connection",
                        ))
                    };
                }
                Ok(bytes) => {
                    self.readable = bytes == self.scratch.len() || channel.may_hold_more();
                    self.client.receive(&self.scratch[..bytes], now);
                    listen(&mut self.client);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.readable = false,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Closes the connection, and sees when to try the next server.
    fn close(&mut self, why: &str, now: Tick) {
        self.client.disconnected(why);
        self.servers.learn(self.client.others());
        // Dropping it takes it out of the poll.
        self.channel = None;
        self.readable = false;
        self.servers.turn_to_next();
        let wait = if self.failed < self.servers.count() {
            SHORT_WAIT
        } else {
            let doublings = (self.failed - self.servers.count()).min(8);
            LONGEST_WAIT.min(FIRST_WAIT * (1 << doublings))
        };
        self.failed = self.failed.saturating_add(1);
        self.due = now + self.jittered(wait);
    }

    /// Returns a wait between half and three halves of this, so that nodes don't all come at once.
    fn jittered(&mut self, wait: Duration) -> Duration {
        // Marsaglia's xorshift: nothing depends on how well it is done.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        wait / 2 + wait * (self.random % 1024) as u32 / 1024
    }
}
