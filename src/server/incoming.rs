//! Whom the listeners have, up to the hub.

use std::io::Write;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use log::{debug, warn};
use mio::Interest;
use mio::net::TcpStream;

use super::arrivals::{Arrived, Outcome, Way};
use super::listener::{Accepted, Listener, Scheme};
use super::sources::Source;
use super::{Server, web};
use crate::hub::Layers;
use crate::hub::framed::Framed;
use crate::tick::Tick;

/// Connections accepted from one listener in one turn.
const ACCEPTS_MAX: usize = 128;

/// How long a turn may go on with those on their way in, but for the step under way.
const LETTING_IN: Duration = Duration::from_millis(2);

/// The same while members are owed something, or wait to be heard: they come first, and yet nobody waits
/// for ever.
const LETTING_IN_BESIDE: Duration = Duration::from_micros(250);

/// The code that those who don't come in are counted under.
const NOT_ARRIVED: &str = "not-arrived";

/// Registered once for everything: no system call when interest changes.
const INTEREST: Interest = Interest::READABLE
    .add(Interest::WRITABLE)
    .add(Interest::PRIORITY);

impl Server {
    /// Returns whether somebody may be let in, or go on on the way in, without an event.
    pub(super) fn has_incoming(&self) -> bool {
        let can_accept = |listener: &Listener| {
            listener.is_ready() && (self.arrivals.has_place() || !self.leads_to_arrivals(listener))
        };
        self.arrivals.has_work() || self.listeners.iter().any(can_accept)
    }

    /// Returns whether who comes to a listener may have something to do before the hub hears of it.
    fn leads_to_arrivals(&self, listener: &Listener) -> bool {
        match listener.scheme() {
            Scheme::Tls | Scheme::Http | Scheme::Https => true,
            Scheme::Plain => !self.proxy_from.is_empty(),
            Scheme::Metrics => false,
        }
    }

    /// Goes on with those on their way in, and hands the hub those who have arrived: at least one, and more
    /// as long as there is time.
    pub(super) fn let_in(&mut self, now: Tick) {
        if self.arrivals.len() == 0 {
            return;
        }
        let most = if self.hub.has_work() {
            LETTING_IN_BESIDE
        } else {
            LETTING_IN
        };
        let until = Instant::now() + most;
        while !self.hub.must_reap_first()
            && let Some(outcome) = self.arrivals.next(now, until, &self.site)
        {
            match outcome {
                Outcome::Arrived(arrived) => self.arrive(arrived, now),
                Outcome::Left => {}
                Outcome::Failed(address, why) => {
                    self.hub.turn_away_unheard(address, NOT_ARRIVED, &why);
                }
            }
            if Instant::now() >= until {
                return;
            }
        }
    }

    fn arrive(&mut self, arrived: Arrived, now: Tick) {
        let Arrived {
            mut stream,
            address,
            origin,
            sealed,
            opened,
        } = arrived;
        let framed = opened.map(|opened| Box::new(Framed::new(opened.wants_json, now)));
        let layers = Layers {
            sealed,
            framed,
            origin,
        };
        if self.hub.admit(address).is_err() {
            return self.hub.refuse_by(stream, layers, address);
        }
        let token = Source::Connection(self.hub.next_id()).into();
        let registry = self.poll.registry();
        match registry.reregister(&mut stream, token, INTEREST) {
            Ok(()) => self.hub.accept_by(stream, layers, address),
            Err(error) => warn!("a connection can't be watched and is closed: {error}"),
        }
    }

    /// Accepts people whom one listener has.
    pub(super) fn accept_people(&mut self, index: usize, now: Tick) {
        let leads_to_arrivals = self.leads_to_arrivals(&self.listeners[index]);
        for _ in 0..ACCEPTS_MAX {
            if self.hub.must_reap_first() || (leads_to_arrivals && !self.arrivals.has_place()) {
                return;
            }
            let listener = &mut self.listeners[index];
            match listener.accept(now) {
                Accepted::Stream(stream, address) => {
                    let scheme = listener.scheme();
                    self.take_in(stream, address, scheme, now);
                }
                Accepted::Broken => {}
                Accepted::Nobody => return,
            }
        }
    }

    /// Takes in a connection that was just accepted.
    fn take_in(&mut self, mut stream: TcpStream, address: IpAddr, scheme: Scheme, now: Tick) {
        let canonical = address.to_canonical();
        let config = self.certificates.as_ref().filter(|_| scheme.is_sealed());
        let way = Way {
            by_proxy: self.proxy_from.iter().any(|net| net.contains(&canonical)),
            tls: config.map(super::Certificates::config),
            is_web: scheme.is_web(),
        };
        let registry = self.poll.registry();
        if way.is_open() {
            if self.hub.admit(address).is_err() {
                return self.hub.refuse(stream, address);
            }
            let token = Source::Connection(self.hub.next_id()).into();
            match registry.register(&mut stream, token, INTEREST) {
                Ok(()) => self.hub.accept(stream, address),
                Err(error) => warn!("a connection can't be watched and is closed: {error}"),
            }
            return;
        }
        // Nothing that it could read can be said to it yet.
        let arriving = self.arrivals.len();
        let is_admitted = || self.hub.admit_beside(arriving, address).is_ok();
        let has_place = way.by_proxy || (self.arrivals.has_place_for(address) && is_admitted());
        if !has_place {
            if scheme == Scheme::Http {
                let told = stream.write(web::NO_PLACE.as_bytes());
                debug!("its last words were taken so: {told:?}");
            }
            let why = "too many are on their way in, or there";
            return self.hub.turn_away_unheard(address, NOT_ARRIVED, &why);
        }
        let token = Source::Arrival(self.arrivals.next_index()).into();
        match registry.register(&mut stream, token, INTEREST) {
            Ok(()) => self.arrivals.enter(stream, address, way, now),
            Err(error) => warn!("a connection can't be watched and is closed: {error}"),
        }
    }
}
