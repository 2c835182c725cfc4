//! Where the room is: host and port as people write them, and the way there.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::AsFd;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

use super::options::DEFAULT_PORT;
use crate::failure::Failure;

/// How long one address of a host may take to answer.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A silent connection is probed after this long, and given up after three probes more: a server
/// whose machine vanished never says so itself.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_PROBES: u32 = 3;

/// A room's host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// TLS is spoken there.
    tls: bool,
    host: String,
    port: u16,
}

/// What stands before an address where TLS is spoken.
const TLS: &str = "tls://";

impl Address {
    /// Reads `HOST`, `HOST:PORT`, `[IPV6]:PORT`, `[IPV6]` or a bare IPv6 address, each with `tls://`
    /// before it or not; a missing port is [`DEFAULT_PORT`].
    ///
    /// # Errors
    /// Fails as wrong usage when there is no host or the port is not one.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let (tls, place) = match text.strip_prefix(TLS) {
            Some(place) => (true, place),
            None => (false, text),
        };
        let (host, port) = split(place).ok_or_else(|| wrong(text))?;
        let port = match port {
            None => DEFAULT_PORT,
            Some(digits) => digits
                .parse()
                .ok()
                .filter(|port| *port != 0)
                .ok_or_else(|| wrong(text))?,
        };
        if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(wrong(text));
        }
        Ok(Self {
            tls,
            host: host.to_owned(),
            port,
        })
    }

    /// Returns whether TLS is spoken there.
    pub(super) fn is_tls(&self) -> bool {
        self.tls
    }

    /// Returns the host.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Returns the address when it is one already, and no name.
    pub(super) fn literal(&self) -> Option<SocketAddr> {
        let ip = self.host.parse().ok()?;
        Some(SocketAddr::new(ip, self.port))
    }

    /// Returns the addresses of the host, at least one.
    ///
    /// # Errors
    /// Fails with one line that says what to do when the host is unknown.
    pub(super) fn resolve(&self) -> Result<Vec<SocketAddr>, Failure> {
        let found = (self.host.as_str(), self.port)
            .to_socket_addrs()
            .map(Vec::from_iter)
            .and_then(|found| match found[..] {
                [] => Err(io::ErrorKind::NotFound.into()),
                _ => Ok(found),
            });
        found.map_err(|error| {
            let host = &self.host;
            Failure::new(format!(
                "can't find the host {host}: check its spelling ({error})"
            ))
        })
    }

    /// Connects, trying each of the `addresses` in turn; the stream is left in blocking mode.
    ///
    /// # Errors
    /// Fails with one line that says what was tried and what to do.
    pub(super) fn connect(&self, addresses: &[SocketAddr]) -> Result<TcpStream, Failure> {
        let mut trouble = io::ErrorKind::NotFound.into();
        for address in addresses {
            match open(address) {
                Ok(stream) => return Ok(stream),
                Err(error) => trouble = error,
            }
        }
        Err(self.unreachable(&trouble))
    }

    fn unreachable(&self, trouble: &io::Error) -> Failure {
        Failure::new(match trouble.kind() {
            io::ErrorKind::ConnectionRefused => format!(
                "nobody listens at {self}: check the address, or start a room there with \
                 `chatroom serve --listen {self}`"
            ),
            io::ErrorKind::TimedOut => {
                format!("no answer from {self}: check the address, the network and the firewall")
            }
            _ => format!("can't connect to {self}: {trouble}; check the address and the network"),
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.tls { TLS } else { "" })?;
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

fn open(address: &SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(address, CONNECT_TIMEOUT)?;
    prepare(&stream)?;
    Ok(stream)
}

/// Sets the options of a new connection.
///
/// # Errors
/// Fails when the connection is gone already.
pub(super) fn prepare(stream: &impl AsFd) -> io::Result<()> {
    let socket = SockRef::from(stream);
    socket.set_tcp_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_AFTER)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_PROBES);
    socket.set_tcp_keepalive(&keepalive)
}

fn split(text: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None if rest.is_empty() => Some((host, None)),
            None => None,
        };
    }
    match text.split_once(':') {
        // More than one colon and no brackets: an IPv6 address without a port.
        Some((_, rest)) if rest.contains(':') => Some((text, None)),
        Some((host, port)) => Some((host, Some(port))),
        None => Some((text, None)),
    }
}

fn wrong(text: &str) -> Failure {
    let text: String = text.escape_debug().take(80).collect();
    Failure::usage(format!(
        "`{text}` is not an address: give it as HOST, HOST:PORT or [IPV6]:PORT, such as \
         127.0.0.1:{DEFAULT_PORT}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        for (text, shown) in [
            ("localhost", "localhost:5050"),
            ("localhost:7", "localhost:7"),
            ("127.0.0.1:65535", "127.0.0.1:65535"),
            ("[::1]:5051", "[::1]:5051"),
            ("[::1]", "[::1]:5050"),
            ("::1", "[::1]:5050"),
            ("fe80::1%lo", "[fe80::1%lo]:5050"),
        ] {
            let address = Address::parse(text).map(|address| address.to_string());
            assert_eq!(address.ok().as_deref(), Some(shown), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_wrong_usage() {
        for text in [
            "",
            ":5050",
            "host:",
            "host:0",
            "host:65536",
            "host:http",
            "[::1",
            "[::1]x",
            "[]:1",
            "a b:1",
            "\u{1b}[31m:x",
            "\u{1b}c",
        ] {
            let failure = Address::parse(text).err().map(|failure| {
                assert!(!failure.message.contains('\u{1b}'), "{failure}");
                failure.exit_code
            });
            assert_eq!(failure, Some(2), "{text:?}");
        }
    }

    #[test]
    fn a_closed_port_is_told_with_what_to_do() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address::parse(&listener.local_addr().unwrap().to_string()).unwrap();
        drop(listener);
        let failure = address.connect(&address.resolve().unwrap()).unwrap_err();
        assert_eq!(failure.exit_code, 1);
        assert!(failure.message.contains("chatroom serve"), "{failure}");
        assert!(!failure.message.contains('\n'));
    }
}
