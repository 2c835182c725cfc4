//! Where connections come in: what is listened on, and who is let in there.

use std::io::{self, ErrorKind};

use log::warn;
use mio::Interest;

use super::http::EXCHANGES_MAX;
use super::listener::{Accepted, Endpoint, Listener, Scheme};
use super::metrics::View;
use super::sources::Source;
use super::{DEFAULT_LISTEN, Options, Server, inherited};
use crate::failure::Failure;
use crate::tick::Tick;

/// Listens wherever the server is told to, and on what it is handed.
pub(super) fn listen(options: &Options) -> Result<Vec<Listener>, Failure> {
    let mut listeners = Vec::new();
    for (scheme, socket) in inherited::take()? {
        let listener = Listener::adopt(scheme, socket);
        listeners.push(listener.map_err(|error| {
            Failure::new(format!("can't listen on an inherited socket: {error}"))
        })?);
    }
    let mode = options.socket_mode;
    for &address in &options.metrics {
        let endpoint = Endpoint::Port(Scheme::Metrics, address);
        listeners.push(bind(&endpoint, mode)?);
    }
    let has_room = listeners
        .iter()
        .any(|listener| listener.scheme() != Scheme::Metrics);
    let default = Endpoint::Port(Scheme::Plain, DEFAULT_LISTEN);
    let default = (options.listen.is_empty() && !has_room).then_some(&default);
    for endpoint in options.listen.iter().chain(default) {
        listeners.push(bind(endpoint, mode)?);
    }
    // Those that stay open to the end come first, so that the others can go.
    listeners.sort_by_key(|listener| listener.scheme() != Scheme::Metrics);
    Ok(listeners)
}

fn bind(endpoint: &Endpoint, mode: u32) -> Result<Listener, Failure> {
    Listener::bind(endpoint, mode).map_err(|error| cannot_listen(endpoint, &error))
}

/// Says why an address can't be listened on, and what to do.
fn cannot_listen(endpoint: &Endpoint, error: &io::Error) -> Failure {
    let (shown, flag) = match endpoint {
        Endpoint::Port(Scheme::Metrics, address) => (address.to_string(), "--metrics"),
        endpoint => (endpoint.to_string(), "--listen"),
    };
    let advice = match error.kind() {
        ErrorKind::AddrInUse => "another program listens there; stop it, or give another",
        ErrorKind::PermissionDenied if matches!(endpoint, Endpoint::Port(..)) => {
            "ports below 1024 need privileges; give a higher one with"
        }
        ErrorKind::AddrNotAvailable => "this machine has no such address; give one it has with",
        _ => return Failure::new(format!("can't listen on {shown}: {error}")),
    };
    Failure::new(format!(
        "can't listen on {shown}: {advice} {flag} ADDR:PORT"
    ))
}

impl Server {
    /// Listens on nothing any more but what those ask who look after the server.
    pub(super) fn shut_doors(&mut self) {
        self.listeners
            .retain(|listener| listener.scheme() == Scheme::Metrics);
        self.arrivals.clear();
    }

    /// Accepts whom the listeners have.
    pub(super) fn accept(&mut self, now: Tick) {
        for index in 0..self.listeners.len() {
            match self.listeners[index].scheme() {
                Scheme::Plain | Scheme::Tls | Scheme::Http | Scheme::Https => {
                    self.accept_people(index, now);
                }
                Scheme::Metrics => self.accept_requests(index, now),
            }
        }
    }

    fn accept_requests(&mut self, index: usize, now: Tick) {
        // A few a turn: the room's people come first.
        for _ in 0..EXCHANGES_MAX / 4 {
            if let Some(until) = self.exchanges.pause(now) {
                self.listeners[index].pause(until);
            }
            let mut stream = match self.listeners[index].accept(now) {
                Accepted::Stream(stream, _) => stream,
                Accepted::Broken => continue,
                Accepted::Nobody => return,
            };
            let interest = Interest::READABLE | Interest::WRITABLE;
            let token = Source::Exchange(self.exchanges.next_place()).into();
            match self.poll.registry().register(&mut stream, token, interest) {
                Ok(()) => self.exchanges.accept(stream, now),
                Err(error) => warn!("a request can't be watched and is dropped: {error}"),
            }
        }
    }

    /// Goes on with a request, as far as it goes.
    pub(super) fn go_on_with_request(&mut self, place: usize, now: Tick) {
        let view = View {
            hub: &self.hub,
            turns: &self.turns,
            files: self.keeper.health(),
            process: &self.process,
            handshakes: self.arrivals.handshakes(),
            ending: !self.ending.is_open(),
            now,
        };
        self.exchanges.ready(place, |request| view.answer(request));
    }
}
