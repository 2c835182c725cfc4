//! Many connections on one loop: who says what, who reads how fast, and what each hears when.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, Socket, Type};

use crate::common::incoming::unblock;

/// How fast somebody reads.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reads {
    /// Everything, as soon as it is there.
    All,
    /// So many bytes a second, through a small buffer.
    BytesAS(u64),
    /// Nothing, with the smallest buffer there is.
    Nothing,
}

/// The receive buffer of who reads slowly, in bytes: what lies in it was taken.
const SMALL_BUFFER_BYTES: usize = 64 * 1024;

/// How much a slow reader reads at once at least, in bytes.
const SIP_BYTES: u64 = 4096;

/// How long the loop sleeps at most while somebody reads slowly.
const SIP_EVERY: Duration = Duration::from_millis(5);

/// One connection.
#[derive(Debug)]
pub(crate) struct Conn {
    stream: TcpStream,
    reads: Reads,
    came: Instant,
    unsent: Vec<u8>,
    sent: usize,
    read: u64,
    /// The start of a line whose end has not come.
    line: Vec<u8>,
    /// The server has closed or broken it.
    pub(crate) ended: bool,
}

impl Conn {
    /// Connects, and begins to join as `name`.
    #[track_caller]
    pub(crate) fn join(address: SocketAddr, name: &str, reads: Reads) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        match reads {
            Reads::All => {}
            Reads::BytesAS(_) => socket.set_recv_buffer_size(SMALL_BUFFER_BYTES).unwrap(),
            Reads::Nothing => socket.set_recv_buffer_size(2048).unwrap(),
        }
        socket.set_tcp_nodelay(true).unwrap();
        socket.connect(&address.into()).unwrap();
        let stream = socket.into();
        unblock(&stream);
        Self {
            stream,
            reads,
            came: Instant::now(),
            unsent: format!("{name}\n").into_bytes(),
            sent: 0,
            read: 0,
            line: Vec::new(),
            ended: false,
        }
    }

    /// Sends `bytes`, as soon as the server takes them.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.unsent.extend_from_slice(bytes);
    }

    /// Reads at another speed from now on.
    pub(crate) fn read_from_now_on(&mut self, reads: Reads) {
        self.reads = reads;
    }

    /// Returns since when it is there.
    pub(crate) fn came(&self) -> Instant {
        self.came
    }

    /// Returns whether the server's side of the connection has taken all.
    pub(crate) fn is_sent(&self) -> bool {
        self.sent == self.unsent.len()
    }

    /// Says that no more comes.
    pub(crate) fn finish(&self) {
        // It may be broken already.
        self.stream.shutdown(std::net::Shutdown::Write).ok();
    }

    /// Returns how many bytes it may read now.
    fn budget(&self, now: Instant) -> u64 {
        match self.reads {
            Reads::All => u64::MAX,
            Reads::Nothing => 0,
            Reads::BytesAS(bytes) => {
                let allowed = (now - self.came).as_millis() as u64 * bytes / 1000;
                let budget = allowed.saturating_sub(self.read);
                if budget < SIP_BYTES { 0 } else { budget }
            }
        }
    }

    fn wants(&self, now: Instant) -> PollFlags {
        let mut wants = PollFlags::empty();
        if !self.ended {
            wants.set(PollFlags::IN, self.budget(now) > 0);
            wants.set(PollFlags::OUT, !self.is_sent());
        }
        wants
    }

    fn write(&mut self) {
        match self.stream.write(&self.unsent[self.sent..]) {
            Ok(count) => self.sent += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => self.ended = true,
        }
        if self.is_sent() {
            self.unsent.clear();
            self.sent = 0;
        }
    }

    fn read(&mut self, scratch: &mut [u8], now: Instant, mut hear: impl FnMut(&[u8])) {
        let most = scratch.len().min(self.budget(now) as usize);
        let mut bytes = match self.stream.read(&mut scratch[..most]) {
            Ok(0) => {
                self.ended = true;
                return;
            }
            Ok(count) => &scratch[..count],
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Err(_) => {
                self.ended = true;
                return;
            }
        };
        self.read += bytes.len() as u64;
        while let Some(at) = memchr::memchr(b'\n', bytes) {
            let (line, rest) = (&bytes[..at], &bytes[at + 1..]);
            bytes = rest;
            if self.line.is_empty() {
                hear(line);
            } else {
                self.line.extend_from_slice(line);
                hear(&self.line);
                self.line.clear();
            }
        }
        self.line.extend_from_slice(bytes);
    }
}

/// Many connections, on one loop.
#[derive(Debug)]
pub(crate) struct Loop {
    pub(crate) conns: Vec<Conn>,
    scratch: Vec<u8>,
}

impl Loop {
    /// Returns a loop over `conns`.
    pub(crate) fn new(conns: Vec<Conn>) -> Self {
        Self {
            conns,
            scratch: vec![0; 64 * 1024],
        }
    }

    /// Waits until something can be done, at most until `until`, and does it. `hear` is handed each
    /// line with the number of the connection that it came on.
    pub(crate) fn turn(&mut self, until: Instant, mut hear: impl FnMut(usize, &[u8])) {
        let now = Instant::now();
        let mut fds: Vec<PollFd<'_>> = self
            .conns
            .iter()
            .map(|conn| PollFd::new(&conn.stream, conn.wants(now)))
            .collect();
        let sips = |conn: &Conn| matches!(conn.reads, Reads::BytesAS(_)) && !conn.ended;
        let mut patience = until.saturating_duration_since(now);
        if self.conns.iter().any(sips) {
            patience = patience.min(SIP_EVERY);
        }
        let timeout = Timespec::try_from(patience).unwrap();
        poll(&mut fds, Some(&timeout)).unwrap();
        let ready: Vec<PollFlags> = fds.iter().map(PollFd::revents).collect();
        for (number, (conn, ready)) in self.conns.iter_mut().zip(ready).enumerate() {
            if conn.ended {
                continue;
            }
            if ready.contains(PollFlags::OUT) {
                conn.write();
            }
            let broken = ready.intersects(PollFlags::ERR | PollFlags::HUP);
            if ready.contains(PollFlags::IN) && conn.budget(now) > 0 {
                conn.read(&mut self.scratch, now, |line| hear(number, line));
            } else if broken {
                conn.ended = true;
            }
        }
    }

    /// Takes turns until `done`, at most for `patience`.
    #[track_caller]
    pub(crate) fn run(
        &mut self,
        patience: Duration,
        mut hear: impl FnMut(usize, &[u8]),
        mut done: impl FnMut(&Self) -> bool,
    ) {
        let deadline = Instant::now() + patience;
        while !done(self) {
            assert!(Instant::now() < deadline, "not within {patience:?}");
            self.turn(deadline, &mut hear);
        }
    }
}
