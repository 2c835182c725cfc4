//! The start: the only time when the backplane is waited for.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Registry};
use rustix::rand::{GetRandomFlags, getrandom};

use super::servers::Servers;
use super::{Backplane, Options, READ_BYTES, channel};
use crate::backplane::nats::{self, Client};
use crate::failure::Failure;
use crate::server::sources::Source;
use crate::tick::Tick;

impl Backplane {
    /// Connects, and waits until all is as it should be.
    ///
    /// # Errors
    /// Says what is not, if somebody has to change something, or once the time is over.
    pub(in crate::server) fn start(
        options: &Options,
        registry: &Registry,
    ) -> Result<Box<Self>, Failure> {
        let failed = |error: io::Error| Failure::new(format!("can't start: {error}"));
        let mut poll = Poll::new().map_err(failed)?;
        let temporary = poll.registry().try_clone().map_err(failed)?;
        let mut backplane = Self::new(options, temporary)?;
        let started = Instant::now();
        let mut events = Events::with_capacity(4);
        let mut last = None;
        while !backplane.client.is_up() {
            let now = Tick::START + started.elapsed();
            let server = backplane.servers.current().name.clone();
            // What is up stays to be told.
            let problem = backplane.go_on(now, &mut |client| client.advance(now));
            if let Some(problem) = problem {
                let told = format!("the backplane {server}: {}", problem.why);
                if problem.for_good {
                    return Err(Failure::new(told));
                }
                last = Some(told);
            }
            let left = options.timeout.saturating_sub(started.elapsed());
            if left.is_zero() && !backplane.client.is_up() {
                let seconds = options.timeout.as_secs();
                let last = last.unwrap_or_else(|| "the backplane is silent".to_owned());
                return Err(Failure::new(format!("{last} (within {seconds} s)")));
            }
            let wait = backplane
                .deadline()
                .map_or(left, |due| (due - now).min(left));
            backplane
                .wait(&mut poll, &mut events, wait)
                .map_err(failed)?;
        }
        backplane.move_to(registry).map_err(failed)?;
        Ok(backplane)
    }

    fn new(options: &Options, registry: Registry) -> Result<Box<Self>, Failure> {
        let mut bytes = [0; 24];
        if getrandom(&mut bytes, GetRandomFlags::empty()) != Ok(bytes.len()) {
            return Err(Failure::new("the system gives no random bytes"));
        }
        let seed = bytes[16..]
            .iter()
            .fold(0, |seed, byte| seed << 8 | u64::from(*byte));
        let client = Client::new(nats::Options {
            room: options.room.clone(),
            replicas: options.replicas,
            max_age: options.max_age,
            max_bytes: options.max_bytes,
            credentials: options.who.read()?,
            inbox: data_encoding::HEXLOWER.encode(&bytes[..16]),
        });
        Ok(Box::new(Self {
            client,
            servers: Servers::find(&options.servers, seed)?,
            tls: channel::config(options)?,
            registry,
            channel: None,
            due: Tick::START,
            connect_deadline: Tick::START,
            failed: 0,
            random: seed | 1,
            readable: false,
            blocked: false,
            paused: false,
            told: None,
            scratch: vec![0; READ_BYTES].into(),
        }))
    }

    /// Waits for an event of the one connection there is.
    fn wait(&mut self, poll: &mut Poll, events: &mut Events, wait: Duration) -> io::Result<()> {
        match poll.poll(events, Some(wait)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => result?,
        }
        for event in &*events {
            self.set_ready(event.is_read_closed() || event.is_error());
        }
        Ok(())
    }

    fn move_to(&mut self, registry: &Registry) -> io::Result<()> {
        let new = registry.try_clone()?;
        if let Some(channel) = &mut self.channel {
            self.registry.deregister(channel.stream())?;
            let interest = Interest::READABLE | Interest::WRITABLE;
            new.register(channel.stream(), Source::Backplane.into(), interest)?;
        }
        self.registry = new;
        self.set_ready(false);
        self.servers.learn(self.client.others());
        self.servers.keep_to_ports();
        Ok(())
    }
}
