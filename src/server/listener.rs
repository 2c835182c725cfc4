//! Accepting: within a budget, past broken connections, and patiently when descriptors run out.

use std::fmt;
use std::fs;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use log::warn;
use mio::net::{TcpListener, TcpStream, UnixListener};
use mio::{Interest, Registry, Token};
use rustix::io::Errno;
use socket2::{Domain, Protocol, SockAddr, Socket, TcpKeepalive, Type};

use crate::hub::limits::{
    KEEPALIVE_AFTER_S, KEEPALIVE_EVERY_S, KEEPALIVE_PROBES, KERNEL_UNSENT_BYTES, UNANSWERED_S,
};
use crate::tick::Tick;

/// Connections the kernel may hold ready for us; `net.core.somaxconn` caps it, 4096 by default.
const QUEUE_MAX: i32 = 4096;

/// How long a listener waits after descriptors or memory have run out, unless a connection ends
/// before.
const PAUSE: Duration = Duration::from_secs(1);

/// What is spoken at a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// The room's lines.
    Plain,
    /// The room's lines, within TLS.
    Tls,
    /// HTTP, for browsers: the page, and the room's lines over WebSocket.
    Http,
    /// The same, within TLS.
    Https,
    /// HTTP, for those who look after the server.
    Metrics,
}

impl Scheme {
    /// Returns whether TLS is spoken.
    #[must_use]
    pub fn is_sealed(self) -> bool {
        matches!(self, Self::Tls | Self::Https)
    }

    /// Returns whether HTTP is spoken to browsers.
    #[must_use]
    pub fn is_web(self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }

    /// Returns how many connections the kernel may hold ready.
    fn queue_max(self) -> i32 {
        match self {
            Self::Plain | Self::Tls | Self::Http | Self::Https => QUEUE_MAX,
            // A scrape is not to wait behind thousands of others.
            Self::Metrics => 64,
        }
    }
}

/// An address to listen on, as it is given and shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A port: `127.0.0.1:5050`, `tls://127.0.0.1:5051` or `http://127.0.0.1:8080`.
    Port(Scheme, SocketAddr),
    /// A socket file: `unix:/run/chatroom/room.sock`.
    File(PathBuf),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(Scheme::Plain, address) => address.fmt(f),
            Self::Port(Scheme::Tls, address) => write!(f, "tls://{address}"),
            Self::Port(Scheme::Http, address) => write!(f, "http://{address}"),
            Self::Port(Scheme::Https, address) => write!(f, "https://{address}"),
            Self::Port(Scheme::Metrics, address) => write!(f, "http://{address}/metrics"),
            Self::File(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// The socket of a listener.
#[derive(Debug)]
enum Acceptor {
    Port(TcpListener),
    File(UnixListener),
}

/// One address that is listened on.
#[derive(Debug)]
pub struct Listener {
    acceptor: Acceptor,
    endpoint: Endpoint,
    /// Somebody may be waiting. Edge-triggered: no event will say so again before `Nobody`.
    ready: bool,
    /// Until when nothing is accepted, for want of descriptors.
    paused_until: Option<Tick>,
    /// When that was last logged.
    warned: Option<Tick>,
}

/// What came of accepting.
#[derive(Debug)]
pub enum Accepted {
    /// A connection, and where it comes from.
    Stream(TcpStream, IpAddr),
    /// A connection that ended before it was accepted, or one network error that was its own.
    Broken,
    /// Nobody is waiting, or nobody can be let in for now.
    Nobody,
}

impl Listener {
    /// Listens on `endpoint`; a socket file gets the permissions `file_mode`.
    ///
    /// # Errors
    /// As the system says: the address is in use, not this machine's, or not permitted.
    pub fn bind(endpoint: &Endpoint, file_mode: u32) -> io::Result<Self> {
        match endpoint {
            Endpoint::Port(scheme, address) => Self::bind_port(*scheme, *address),
            Endpoint::File(path) => Self::bind_file(path, file_mode),
        }
    }

    fn bind_port(scheme: Scheme, address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        if address.is_ipv6() {
            // So that 0.0.0.0 and [::] can be listened on together.
            socket.set_only_v6(true)?;
        }
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        Self::adopt(scheme, socket.into())
    }

    /// Listens on a socket that is bound already, and may listen already.
    ///
    /// # Errors
    /// As the system says.
    pub fn adopt(scheme: Scheme, socket: StdListener) -> io::Result<Self> {
        let socket = Socket::from(socket);
        // Accepted sockets inherit these: no system call for each of them.
        socket.set_tcp_nodelay(true)?;
        socket.set_tcp_notsent_lowat(KERNEL_UNSENT_BYTES)?;
        // Peers that vanished without a word: probes find those that are owed nothing, the time
        // limit those that are.
        let keepalive = TcpKeepalive::new()
            .with_time(Duration::from_secs(KEEPALIVE_AFTER_S))
            .with_interval(Duration::from_secs(KEEPALIVE_EVERY_S))
            .with_retries(KEEPALIVE_PROBES);
        socket.set_tcp_keepalive(&keepalive)?;
        socket.set_tcp_user_timeout(Some(Duration::from_secs(UNANSWERED_S)))?;
        socket.set_nonblocking(true)?;
        socket.listen(scheme.queue_max())?;
        let socket: StdListener = socket.into();
        let endpoint = Endpoint::Port(scheme, socket.local_addr()?);
        let acceptor = Acceptor::Port(TcpListener::from_std(socket));
        Ok(Self::new(acceptor, endpoint))
    }

    fn bind_file(path: &Path, mode: u32) -> io::Result<Self> {
        let address = SockAddr::unix(path)?;
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        if let Err(error) = socket.bind(&address) {
            if error.kind() != ErrorKind::AddrInUse || !is_stale(path) {
                return Err(error);
            }
            fs::remove_file(path)?;
            socket.bind(&address)?;
        }
        // Before anybody can connect.
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
        socket.set_nonblocking(true)?;
        socket.listen(QUEUE_MAX)?;
        let acceptor = Acceptor::File(UnixListener::from_std(OwnedFd::from(socket).into()));
        Ok(Self::new(acceptor, Endpoint::File(path.to_owned())))
    }

    fn new(acceptor: Acceptor, endpoint: Endpoint) -> Self {
        Self {
            acceptor,
            endpoint,
            ready: false,
            paused_until: None,
            warned: None,
        }
    }

    /// Returns what is listened on, with the port that port 0 became.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Returns what is spoken.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        match self.endpoint {
            Endpoint::Port(scheme, _) => scheme,
            Endpoint::File(_) => Scheme::Plain,
        }
    }

    /// Lets the poll tell of those who wait.
    ///
    /// # Errors
    /// As the system says.
    pub fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let interest = Interest::READABLE;
        match &mut self.acceptor {
            Acceptor::Port(socket) => registry.register(socket, token, interest),
            Acceptor::File(socket) => registry.register(socket, token, interest),
        }
    }

    /// Takes note that somebody is waiting.
    pub fn set_ready(&mut self) {
        self.ready = true;
    }

    /// Returns whether accepting is worth a try without waiting for an event.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready && self.paused_until.is_none()
    }

    /// Returns when to try again.
    #[must_use]
    pub fn deadline(&self) -> Option<Tick> {
        self.paused_until
    }

    /// Accepts nobody until then.
    pub fn pause(&mut self, until: Tick) {
        self.paused_until = Some(until);
    }

    /// Ends a pause: descriptors have been freed.
    pub fn try_again(&mut self) {
        self.paused_until = None;
    }

    /// Accepts one connection; `now` is when the turn began.
    pub fn accept(&mut self, now: Tick) -> Accepted {
        if self.paused_until.is_some_and(|until| now >= until) {
            self.paused_until = None;
        }
        if !self.is_ready() {
            return Accepted::Nobody;
        }
        let accepted = match &self.acceptor {
            Acceptor::Port(socket) => {
                // A socket that was handed over may take both kinds of addresses.
                let canonical =
                    |(stream, peer): (_, SocketAddr)| (stream, peer.ip().to_canonical());
                socket.accept().map(canonical)
            }
            Acceptor::File(socket) => socket.accept().map(|(stream, _)| {
                // The calls are the same for all streams; one kind is one kind less.
                let stream = TcpStream::from(OwnedFd::from(stream));
                (stream, Ipv4Addr::LOCALHOST.into())
            }),
        };
        match accepted {
            Ok((stream, address)) => Accepted::Stream(stream, address),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.ready = false;
                Accepted::Nobody
            }
            // The matter of that one connection.
            Err(error) if is_transient(&error) => Accepted::Broken,
            Err(error) => {
                // Each connection that ends may let one in and make the next one fail.
                if self.warned.is_none_or(|warned| now - warned >= PAUSE) {
                    warn!("{}: nobody can be let in for now: {error}", self.endpoint);
                    self.warned = Some(now);
                }
                self.paused_until = Some(now + PAUSE);
                Accepted::Nobody
            }
        }
    }
}

/// Returns whether a socket file is what a server left that was killed: nobody answers there. A file of
/// another kind refuses connections, too, and is somebody's.
fn is_stale(path: &Path) -> bool {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    let refused = |error: io::Error| error.kind() == ErrorKind::ConnectionRefused;
    is_socket && UnixStream::connect(path).is_err_and(refused)
}

/// Who listens no more leaves no file behind.
impl Drop for Listener {
    fn drop(&mut self) {
        if let Endpoint::File(path) = &self.endpoint
            && let Err(error) = fs::remove_file(path)
        {
            warn!("{}: {error}", self.endpoint);
        }
    }
}

/// Returns whether `error` is one connection's own (accept(2), "Error handling"). Others say that
/// the process or the system has run out of something: trying at once would only burn the processor.
fn is_transient(error: &io::Error) -> bool {
    let transient = [
        Errno::CONNABORTED,
        Errno::INTR,
        Errno::PROTO,
        Errno::PERM,
        Errno::NETDOWN,
        Errno::NETUNREACH,
        Errno::HOSTDOWN,
        Errno::HOSTUNREACH,
        Errno::NONET,
        Errno::NOPROTOOPT,
        Errno::OPNOTSUPP,
    ];
    Errno::from_io_error(error).is_some_and(|errno| transient.contains(&errno))
}
