//! The shell around the hub: the poll, listeners, signals and the clock. No rules in it.

mod arrivals;
pub mod backplane;
pub mod certificates;
mod descriptors;
mod doors;
mod ending;
mod http;
mod incoming;
mod inherited;
mod keeper;
pub mod listener;
mod metrics;
mod notify;
pub mod sandbox;
mod sources;
mod turns;
pub mod web;

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ipnet::IpNet;
use log::{LevelFilter, info};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook_mio::v1_0::Signals;

use self::arrivals::Arrivals;
use self::backplane::Backplane;
use self::certificates::{Certificates, Place};
use self::descriptors::raise_descriptor_limit;
use self::ending::Ending;
use self::http::{EXCHANGES_MAX, Exchanges};
use self::keeper::Keeper;
use self::listener::{Endpoint, Listener, Scheme};
use self::metrics::Process;
use self::notify::{Activity, Notifier};
use self::sources::Source;
use self::turns::Turns;
use self::web::{Origin, Site};
use crate::failure::Failure;
use crate::hub::limits::Limits;
use crate::hub::{self, Hub, Readiness};
use crate::room::access::Keeping;
use crate::store;
use crate::store::lists::Files;
use crate::tick::Tick;

/// Events taken from the kernel in one turn.
const EVENTS_MAX: usize = 1024;

/// Where the server listens when it is told nothing and handed nothing.
pub const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5050);

/// What the server is told.
#[derive(Debug, Clone)]
pub struct Options {
    /// What to listen on: nothing for what is inherited, or else [`DEFAULT_LISTEN`].
    pub listen: Vec<Endpoint>,
    /// The permissions of socket files.
    pub socket_mode: u32,
    /// Where the certificate is, if something speaks TLS.
    pub certificate: Place,
    /// Whose connections begin with a PROXY header.
    pub proxy_from: Vec<IpNet>,
    /// Pages that may connect over WebSocket beside the server's own.
    pub web_origins: Vec<Origin>,
    /// Addresses at which those who look after the server learn how it goes.
    pub metrics: Vec<SocketAddr>,
    /// Most connections at once; as many as the descriptor limit allows, if it isn't given.
    pub connections_max: Option<usize>,
    /// How long the room goes on after it was told to close, with nobody new.
    pub lame_duck: Duration,
    /// What is given up once the server has started.
    pub sandbox: sandbox::Options,
    /// Reads anew what may change while the server runs.
    pub reread: fn() -> Result<Changeable, Failure>,
    /// The other limits.
    pub limits: Limits,
    /// Which files are written.
    pub paths: store::Paths,
    /// Which files are read.
    pub files: Files,
    /// What is kept of people, where there is a file for it.
    pub keeping: Keeping,
    /// The backplane, where the room is on many machines.
    pub backplane: Option<backplane::Options>,
}

/// What may change while the server runs.
#[derive(Debug, Clone, Copy)]
pub struct Changeable {
    /// How much is logged.
    pub log_level: LevelFilter,
    /// Whether the log tells what is said.
    pub log_talk: bool,
}

/// Checks the limits that a server would have.
///
/// # Errors
/// Says which contradict each other.
pub fn check(options: &Options) -> Result<Limits, Failure> {
    let requests = if options.metrics.is_empty() {
        0
    } else {
        options.metrics.len() + EXCHANGES_MAX
    };
    let kept_back = options.listen.len().max(1) + requests;
    let descriptors = raise_descriptor_limit().saturating_sub(kept_back);
    let limits = options.limits.fit(options.connections_max, descriptors);
    let limits = limits.map_err(Failure::usage)?;
    if options.backplane.is_some() {
        limits.check_shared().map_err(Failure::usage)?;
    }
    Ok(limits)
}

/// Runs the server until it is told to stop.
///
/// # Errors
/// Fails when an address can't be listened on or the limits contradict each other.
pub fn serve(options: &Options) -> Result<(), Failure> {
    let listeners = doors::listen(options)?;
    let limits = check(options)?;
    let mut server = Server::new(options, listeners, limits)?;
    info!("{limits}");
    server.enter_sandbox(&options.sandbox)?;
    for listener in &server.listeners {
        match listener.scheme() {
            Scheme::Plain | Scheme::Tls => info!("listening on {}", listener.endpoint()),
            Scheme::Http | Scheme::Https => info!("the page is at {}/", listener.endpoint()),
            Scheme::Metrics => info!("metrics at {}", listener.endpoint()),
        }
    }
    if let Some(certificates) = &server.certificates {
        info!("the certificate's SHA-256: {}", certificates.fingerprint());
    }
    info!("Server is Running and waiting for connections...");
    if let Some(notifier) = &mut server.notifier {
        notifier.ready(Tick::START);
    }
    server
        .run()
        .map_err(|error| Failure::new(format!("the event loop failed: {error}")))
}

/// The shell: the poll and what is registered with it.
struct Server {
    poll: Poll,
    events: Events,
    listeners: Vec<Listener>,
    signals: Signals,
    certificates: Option<Certificates>,
    proxy_from: Vec<IpNet>,
    site: Site,
    arrivals: Arrivals,
    hub: Hub<TcpStream>,
    keeper: Keeper,
    started: Instant,
    ending: Ending,
    reread: fn() -> Result<Changeable, Failure>,
    notifier: Option<Notifier>,
    exchanges: Exchanges,
    process: Process,
    turns: Turns,
    backplane: Option<Box<Backplane>>,
}

/// Whether the loop goes on.
#[derive(PartialEq, Eq)]
enum Next {
    Turn,
    Stop,
}

impl Server {
    fn new(
        options: &Options,
        mut listeners: Vec<Listener>,
        limits: Limits,
    ) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::new(format!("can't start: {error}"));
        let poll = Poll::new().map_err(failed)?;
        let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM, SIGUSR1]).map_err(failed)?;
        poll.registry()
            .register(&mut signals, Source::Signals.into(), Interest::READABLE)
            .map_err(failed)?;
        for (index, listener) in listeners.iter_mut().enumerate() {
            let token = Source::Listener(index).into();
            listener.register(poll.registry(), token).map_err(failed)?;
        }
        let (keeper, mut hub) = Keeper::open(options, limits, poll.registry())?;
        if let Some(backplane) = &options.backplane {
            hub.share(&hub::backplane::Settings {
                boot: backplane::boot()?,
                timeout: backplane.timeout,
            });
        }
        let site = Site::new(options.web_origins.clone(), options.proxy_from.clone());
        if let Some(page) = site.page(&listeners) {
            hub.set_page(page);
        }
        let speaks = |scheme| listeners.iter().any(|listener| listener.scheme() == scheme);
        let watched = speaks(Scheme::Metrics);
        let is_sealed = speaks(Scheme::Tls) || speaks(Scheme::Https);
        let certificate = is_sealed.then(|| options.certificate.clone());
        let certificates = certificate.map(Certificates::load).transpose();
        let certificates =
            certificates.map_err(|why| Failure::new(format!("can't speak TLS: {why}")))?;
        let backplane = options.backplane.as_ref();
        let backplane = backplane.map(|options| Backplane::start(options, poll.registry()));
        Ok(Self {
            backplane: backplane.transpose()?,
            poll,
            events: Events::with_capacity(EVENTS_MAX),
            listeners,
            signals,
            certificates,
            proxy_from: options.proxy_from.clone(),
            site,
            arrivals: Arrivals::new(limits.name_timeout_s),
            hub,
            keeper,
            started: Instant::now(),
            ending: Ending::new(options.lame_duck, limits.grace()),
            reread: options.reread,
            notifier: Notifier::from_env(),
            exchanges: Exchanges::default(),
            process: Process::new(since_epoch(), watched),
            turns: Turns::default(),
        })
    }

    fn enter_sandbox(&self, options: &sandbox::Options) -> Result<(), Failure> {
        let ports = self.backplane.as_ref().map(|backplane| backplane.ports());
        sandbox::enter(&sandbox::Options {
            connects_to: ports.unwrap_or_default(),
            ..options.clone()
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
        let due = self.wait()?;
        let start = self.now();
        let next = self.work(start);
        let end = self.now();
        let delay = due.map_or(Duration::ZERO, |due| start - due);
        self.turns.count(end - start, delay, end);
        if let Some(notifier) = &mut self.notifier {
            let activity = Activity {
                members: self.hub.room().names().count(),
                lines: self.hub.counters().lines_in,
            };
            notifier.turn(activity, start);
        }
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
        if self.dispatch(now) == Next::Stop {
            return Next::Stop;
        }
        if let Some(backplane) = &mut self.backplane {
            backplane.hear(&mut self.hub, now);
        }
        self.exchanges.end_overdue(now);
        self.end_lame_duck(now);
        self.hub.resume();
        self.hub.announce_leaving();
        // Before anybody hears of it.
        self.keeper.restart_if_due(self.poll.registry(), now);
        self.keeper.keep(&mut self.hub, now);
        // Before this node's people are written to, which takes its time: all nodes wait for it.
        self.speak();
        self.hub.settle();
        if self.hub.reap() > 0 {
            self.listeners.iter_mut().for_each(Listener::try_again);
        }
        if self.ending.is_closing() && self.hub.is_empty() {
            info!("The chatroom is closed.");
            return Next::Stop;
        }
        if let Some(certificates) = &mut self.certificates {
            certificates.look(now);
        }
        self.speak();
        self.let_in(now);
        self.accept(now);
        Next::Turn
    }

    /// Hands over to the backplane what has come up.
    fn speak(&mut self) {
        if let Some(backplane) = &mut self.backplane {
            backplane.speak(&mut self.hub);
        }
    }

    /// Waits for events, not at all while work is left over, and returns until when at most.
    fn wait(&mut self) -> io::Result<Option<Tick>> {
        let backplane = self.backplane.as_ref();
        let busy = self.hub.has_work()
            || self.has_incoming()
            || backplane.is_some_and(|backplane| backplane.has_work());
        let deadlines = self
            .listeners
            .iter()
            .filter_map(Listener::deadline)
            .chain(self.certificates.as_ref().map(Certificates::deadline))
            .chain(self.arrivals.deadline())
            .chain(self.ending.deadline())
            .chain(self.notifier.as_ref().and_then(Notifier::deadline))
            .chain(self.exchanges.deadline())
            .chain(backplane.and_then(|backplane| backplane.deadline()))
            .chain(self.hub.deadline())
            .chain(self.keeper.deadline(&self.hub));
        let deadline = deadlines.min().filter(|_| !busy);
        let timeout = if busy {
            Some(Duration::ZERO)
        } else {
            deadline.map(|deadline| deadline - self.now())
        };
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                self.events.clear();
            }
            result => result?,
        }
        Ok(deadline)
    }

    /// Hands each event to whom it concerns.
    fn dispatch(&mut self, now: Tick) -> Next {
        let (mut signalled, mut reports) = (false, false);
        let mut asked = Vec::new();
        for event in &self.events {
            let ended = event.is_read_closed() || event.is_error();
            match Source::from(event.token()) {
                Source::Signals => signalled = true,
                Source::Writer => self.keeper.flush(),
                Source::Reports => reports = true,
                Source::Backplane => {
                    if let Some(backplane) = &mut self.backplane {
                        backplane.set_ready(ended);
                    }
                }
                Source::Listener(index) => {
                    if let Some(listener) = self.listeners.get_mut(index) {
                        listener.set_ready();
                    }
                }
                Source::Exchange(place) => asked.push(place),
                Source::Arrival(index) => self.arrivals.set_ready(index),
                Source::Connection(id) => {
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
            self.keeper.listen(now);
        }
        for place in asked {
            self.go_on_with_request(place, now);
        }
        if signalled {
            self.signalled(now)
        } else {
            Next::Turn
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
