//! What systemd is told of the server (`sd_notify(3)`): that it is ready, how it goes, that it still
//! turns, that it reloads, that it ends.
//!
//! Said by the loop itself: a loop that hangs says nothing, and is restarted.

use std::env;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use log::{debug, warn};
use sd_notify::NotifyState;

use crate::tick::Tick;

/// How often the status is told where there is no watchdog, and something changes.
const STATUS_EVERY: Duration = Duration::from_secs(10);

/// How much goes on, as it is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Activity {
    /// How many are in the room.
    pub members: usize,
    /// How many lines it has heard so far.
    pub lines: u64,
}

/// The socket that systemd listens at, and what it was told last.
#[derive(Debug)]
pub(super) struct Notifier {
    socket: UnixDatagram,
    /// The watchdog has to hear of us.
    watched: bool,
    every: Duration,
    due: Tick,
    told: Activity,
    now: Activity,
    /// The lines a second told last.
    rate: u64,
}

impl Notifier {
    /// Returns what the environment asks for, if it does.
    pub(super) fn from_env() -> Option<Self> {
        let path = env::var_os("NOTIFY_SOCKET").filter(|path| !path.is_empty())?;
        let socket = connect(path.as_bytes());
        let socket = socket
            .inspect_err(|error| warn!("the service manager can't be told how it goes: {error}"))
            .ok()?;
        let watchdog = sd_notify::watchdog_enabled();
        Some(Self {
            socket,
            watched: watchdog.is_some(),
            // Twice as often as it has to be, as sd_watchdog_enabled(3) advises.
            every: watchdog.map_or(STATUS_EVERY, |period| period / 2),
            due: Tick::START,
            told: Activity::default(),
            now: Activity::default(),
            rate: 0,
        })
    }

    /// Says that the server can be connected to.
    pub(super) fn ready(&mut self, now: Tick) {
        self.due = now + self.every;
        let status = self.status();
        self.tell(&[NotifyState::Ready, NotifyState::Status(&status)]);
    }

    /// Says that files are being read anew; [`ready`](Self::ready) has to follow.
    pub(super) fn reloading(&self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => self.tell(&[NotifyState::Reloading, now]),
            Err(error) => warn!("the clock can't be read: {error}"),
        }
    }

    /// Says that the server ends, which takes up to `most`.
    pub(super) fn stopping(&self, most: Duration) {
        // Systemd's own patience comes on top.
        let usec = u32::try_from(most.as_micros()).unwrap_or(u32::MAX);
        self.tell(&[
            NotifyState::Stopping,
            NotifyState::ExtendTimeoutUsec(usec),
            NotifyState::Status("closing"),
        ]);
    }

    /// Takes note of how it goes, and tells it if it is time to.
    pub(super) fn turn(&mut self, activity: Activity, now: Tick) {
        self.now = activity;
        if self.deadline().is_none_or(|due| now < due) {
            return;
        }
        let passed = (now + self.every - self.due).as_secs().max(1);
        self.rate = (activity.lines - self.told.lines) / passed;
        self.told = activity;
        self.due = now + self.every;
        let status = self.status();
        let watchdog = self.watched.then_some(NotifyState::Watchdog);
        let message: Vec<_> = watchdog
            .into_iter()
            .chain([NotifyState::Status(&status)])
            .collect();
        self.tell(&message);
    }

    /// Returns when something is to be told: never while nothing changes, unless a watchdog waits.
    pub(super) fn deadline(&self) -> Option<Tick> {
        let news = self.watched || self.now != self.told || self.rate > 0;
        news.then_some(self.due)
    }

    fn status(&self) -> String {
        let (members, rate) = (self.now.members, self.rate);
        format!("{members} in the room, {rate} lines/s")
    }

    /// Sends a message. One that can't be sent at once is lost: nothing here waits for systemd.
    fn tell(&self, states: &[NotifyState<'_>]) {
        let lines: Vec<_> = states.iter().map(ToString::to_string).collect();
        if let Err(error) = self.socket.send(lines.join("\n").as_bytes()) {
            debug!("the service manager was not told {lines:?}: {error}");
        }
    }
}

fn connect(path: &[u8]) -> io::Result<UnixDatagram> {
    let address = match path.strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(path))?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}
