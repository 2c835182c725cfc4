//! Sockets that systemd opened and hands over at start (`LISTEN_FDS`, `sd_listen_fds(3)`).
//!
//! So a port below 1024 needs no privileges, and who connects while the server is restarted waits
//! in the socket's queue.

use std::env;
use std::io;
use std::net::TcpListener;

use listenfd::ListenFd;

use super::listener::Scheme;
use crate::failure::Failure;

/// Takes the sockets that were handed over, with what is spoken at each: none, if nobody handed any
/// over.
///
/// # Errors
/// Fails if one is not a TCP socket that listens.
pub(super) fn take() -> Result<Vec<(Scheme, TcpListener)>, Failure> {
    let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    let mut handed = ListenFd::from_env();
    let mut sockets = Vec::new();
    for index in 0..handed.len() {
        let scheme = scheme_of(names.next().unwrap_or_default());
        let not_one = |error| Failure::new(format!("can't use inherited socket {index}: {error}"));
        if let Some(socket) = handed.take_tcp_listener(index).map_err(not_one)? {
            if !rustix::net::sockopt::socket_acceptconn(&socket).unwrap_or(false) {
                return Err(not_one(io::Error::other("it doesn't listen")));
            }
            sockets.push((scheme, socket));
        }
    }
    Ok(sockets)
}

/// Returns what is spoken at a socket of this name (`FileDescriptorName=`). One that was given none has that of its unit,
/// `chatroom.socket`, or is called unknown.
fn scheme_of(name: &str) -> Scheme {
    match name {
        "metrics" => Scheme::Metrics,
        "tls" => Scheme::Tls,
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        _ => Scheme::Plain,
    }
}
