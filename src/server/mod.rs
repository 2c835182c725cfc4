//! The shell around the hub: the poll, listeners, signals and the clock. No rules in it.

mod keeper;
pub mod listener;
mod sources;

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use log::{info, warn};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook_mio::v1_0::Signals;

use self::keeper::{Keeper, Kept};
use self::listener::{Accepted, Listener};
use self::sources::Source;
use crate::failure::Failure;
use crate::hub::limits::{DRAIN_S, Limits};
use crate::hub::{Hub, Readiness};
use crate::room::access::Keeping;
use crate::store;
use crate::store::lists::Files;
use crate::tick::Tick;

/// Events taken from the kernel in one turn.
const EVENTS_MAX: usize = 1024;

/// Connections accepted from one listener in one turn.
const ACCEPTS_MAX: usize = 256;

/// What the server is told.
#[derive(Debug, Clone)]
pub struct Options {
    /// Addresses to listen on.
    pub listen: Vec<SocketAddr>,
    /// Most connections at once; as many as the descriptor limit allows, if it isn't given.
    pub connections_max: Option<usize>,
    /// The other limits.
    pub limits: Limits,
    /// Which files are written.
    pub paths: store::Paths,
    /// Which files are read.
    pub files: Files,
    /// What is kept of people, where there is a file for it.
    pub keeping: Keeping,
}

/// Runs the server until it is told to stop.
///
/// # Errors
/// Fails when an address can't be listened on or the limits contradict each other.
pub fn serve(options: &Options) -> Result<(), Failure> {
    let descriptors = raise_descriptor_limit().saturating_sub(options.listen.len());
    let limits = options.limits.fit(options.connections_max, descriptors);
    let limits = limits.map_err(Failure::usage)?;
    let mut server = Server::new(options, limits)?;
    info!("{limits}");
    for listener in &server.listeners {
        info!("listening on {}", listener.address());
    }
    info!("Server is Running and waiting for connections...");
    server
        .run()
        .map_err(|error| Failure::new(format!("the event loop failed: {error}")))
}

/// Raises the soft limit of open descriptors to the hard one, and returns what is in force.
fn raise_descriptor_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let in_force = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => raised.current,
        Err(error) => {
            warn!("the descriptor limit stays at its soft value: {error}");
            limit.current
        }
    };
    // Where there is no limit, the kernel's own for a process (fs.nr_open) is this by default.
    in_force.map_or(1 << 20, |descriptors| descriptors as usize)
}

/// The shell: the poll and what is registered with it.
struct Server {
    poll: Poll,
    events: Events,
    listeners: Vec<Listener>,
    signals: Signals,
    hub: Hub<TcpStream>,
    keeper: Keeper,
    started: Instant,
    /// Set by the first signal to end.
    closing: bool,
    /// How long the longest turn took, from one poll to the next.
    longest_turn: Duration,
}

/// Whether the loop goes on.
#[derive(PartialEq, Eq)]
enum Next {
    Turn,
    Stop,
}

impl Server {
    fn new(options: &Options, limits: Limits) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::new(format!("can't start: {error}"));
        let poll = Poll::new().map_err(failed)?;
        let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM, SIGUSR1]).map_err(failed)?;
        poll.registry()
            .register(&mut signals, Source::Signals.into(), Interest::READABLE)
            .map_err(failed)?;
        let mut listeners = Vec::new();
        for (index, &address) in options.listen.iter().enumerate() {
            let mut listener =
                Listener::bind(address).map_err(|error| cannot_listen(address, &error))?;
            let token = Source::Listener(index).into();
            poll.registry()
                .register(listener.source(), token, Interest::READABLE)
                .map_err(failed)?;
            listeners.push(listener);
        }
        let (keeper, hub) = Keeper::open(options, limits, poll.registry())?;
        Ok(Self {
            poll,
            events: Events::with_capacity(EVENTS_MAX),
            listeners,
            signals,
            hub,
            keeper,
            started: Instant::now(),
            closing: false,
            longest_turn: Duration::ZERO,
        })
    }

    fn run(&mut self) -> io::Result<()> {
        while self.turn()? == Next::Turn {}
        self.report();
        self.keeper.finish(&mut self.hub);
        Ok(())
    }

    /// Does one turn of the loop.
    fn turn(&mut self) -> io::Result<Next> {
        self.wait()?;
        let start = self.now();
        let next = self.work(start);
        self.longest_turn = self.longest_turn.max(self.now() - start);
        Ok(next)
    }

    /// Reads the clock.
    fn now(&self) -> Tick {
        Tick::START + self.started.elapsed()
    }

    /// Does what has to be done between two polls.
    fn work(&mut self, now: Tick) -> Next {
        self.hub.set_time_of_day(since_epoch().as_millis() as u64);
        self.hub.start_turn(now);
        if self.dispatch() == Next::Stop {
            return Next::Stop;
        }
        self.hub.resume();
        self.hub.announce_leaving();
        // Before anybody hears of it.
        self.keeper.restart_if_due(self.poll.registry(), now);
        self.keeper.keep(&mut self.hub, now);
        self.hub.settle();
        if self.hub.reap() > 0 {
            self.listeners.iter_mut().for_each(Listener::try_again);
        }
        if self.closing && self.hub.is_empty() {
            info!("The chatroom is closed.");
            return Next::Stop;
        }
        self.accept(now);
        Next::Turn
    }

    /// Waits for events, not at all while work is left over.
    fn wait(&mut self) -> io::Result<()> {
        let busy = self.hub.has_work() || self.listeners.iter().any(Listener::is_ready);
        let deadlines = self
            .listeners
            .iter()
            .filter_map(Listener::deadline)
            .chain(self.hub.deadline())
            .chain(self.keeper.deadline(&self.hub));
        let timeout = if busy {
            Some(Duration::ZERO)
        } else {
            deadlines.min().map(|deadline| deadline - self.now())
        };
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                self.events.clear();
                Ok(())
            }
            result => result,
        }
    }

    /// Hands each event to whom it concerns.
    fn dispatch(&mut self) -> Next {
        let (mut signalled, mut reports) = (false, false);
        for event in &self.events {
            match Source::from(event.token()) {
                Source::Signals => signalled = true,
                Source::Writer => self.keeper.flush(),
                Source::Reports => reports = true,
                Source::Listener(index) => {
                    if let Some(listener) = self.listeners.get_mut(index) {
                        listener.set_ready();
                    }
                }
                Source::Connection(id) => {
                    let ended = event.is_read_closed() || event.is_error();
                    let readiness = Readiness {
                        readable: event.is_readable() || ended,
                        writable: event.is_writable(),
                        read_until_empty: event.is_priority() || ended,
                    };
                    self.hub.ready(id, readiness);
                }
            }
        }
        if reports {
            self.keeper.listen(self.now());
        }
        if signalled {
            self.signalled()
        } else {
            Next::Turn
        }
    }

    /// Says how it goes if asked; begins to close at the first signal to end, and ends at once at
    /// the second.
    fn signalled(&mut self) -> Next {
        for signal in self.signals.pending().collect::<Vec<_>>() {
            if signal == SIGUSR1 {
                self.report();
                continue;
            }
            if signal == SIGHUP {
                self.keeper.reload(&mut self.hub);
                continue;
            }
            if self.closing {
                warn!(
                    "Closing at once: {} connections are cut off.",
                    self.hub.len()
                );
                return Next::Stop;
            }
            info!(
                "The chatroom is closing: {} connections have {DRAIN_S} s.",
                self.hub.len()
            );
            self.closing = true;
            self.listeners.clear();
            self.hub.shut_down();
        }
        Next::Turn
    }

    /// Says how it goes, and how it went so far.
    fn report(&self) {
        let departing = match self.hub.departing() {
            0 => String::new(),
            departing => format!(", {departing} told to go"),
        };
        info!(
            "{} connections, {} in the room{departing}{}; so far {} turned away, ended: {}; longest turn {:.1} ms",
            self.hub.len(),
            self.hub.room().names().count(),
            Kept(self.hub.room().access()),
            self.hub.turned_away(),
            self.hub.disconnects(),
            self.longest_turn.as_secs_f64() * 1e3,
        );
    }

    /// Accepts whom the listeners have.
    fn accept(&mut self, now: Tick) {
        for listener in &mut self.listeners {
            for _ in 0..ACCEPTS_MAX {
                if self.hub.must_reap_first() {
                    return;
                }
                let (mut stream, address) = match listener.accept(now) {
                    Accepted::Stream(stream, address) => (stream, address),
                    Accepted::Broken => continue,
                    Accepted::Nobody => break,
                };
                if self.hub.admit(address).is_err() {
                    self.hub.refuse(stream, address);
                    continue;
                }
                // Registered once for everything: no system call when interest changes.
                let interest = Interest::READABLE | Interest::WRITABLE | Interest::PRIORITY;
                let token = Source::Connection(self.hub.next_id()).into();
                match self.poll.registry().register(&mut stream, token, interest) {
                    Ok(()) => self.hub.accept(stream, address),
                    Err(error) => warn!("a connection can't be watched and is closed: {error}"),
                }
            }
        }
    }
}

/// Returns the time of day, as what has passed since 1970 (UTC).
fn since_epoch() -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default()
}

/// Returns a name for this start of the server that no other has.
fn boot() -> String {
    format!("{:x}-{:x}", since_epoch().as_nanos(), std::process::id())
}

/// Says why an address can't be listened on, and what to do.
fn cannot_listen(address: SocketAddr, error: &io::Error) -> Failure {
    let advice = match error.kind() {
        ErrorKind::AddrInUse => {
            "another program listens there; stop it, or give another --listen ADDR:PORT"
        }
        ErrorKind::PermissionDenied => {
            "ports below 1024 need privileges; give a higher one with --listen ADDR:PORT"
        }
        ErrorKind::AddrNotAvailable => {
            "this machine has no such address; give one it has with --listen ADDR:PORT"
        }
        _ => return Failure::new(format!("can't listen on {address}: {error}")),
    };
    Failure::new(format!("can't listen on {address}: {advice}"))
}
