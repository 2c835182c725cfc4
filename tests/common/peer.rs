//! A person at a raw socket.

use std::net::{Shutdown, SocketAddr, TcpStream};

use super::incoming::{Incoming, PATIENCE, lossy, write_all};
use super::{GREETING, PROMPT};

/// A connection to the room that says exactly the bytes it is told to.
#[derive(Debug)]
pub(crate) struct Peer {
    incoming: Incoming<TcpStream>,
}

impl From<TcpStream> for Peer {
    fn from(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("TCP has TCP_NODELAY");
        Self {
            incoming: Incoming::new(stream),
        }
    }
}

impl Peer {
    /// Connects and does nothing else.
    #[track_caller]
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)
            .unwrap_or_else(|error| panic!("connect to {address}: {error}"));
        stream.into()
    }

    /// Connects, answers the prompt with `name` and is in the room when this returns.
    #[track_caller]
    pub(crate) fn join(address: SocketAddr, name: &str) -> Self {
        let mut peer = Self::connect(address);
        peer.expect(PROMPT);
        peer.enter(name);
        peer
    }

    /// Gives `name`, which must be accepted.
    #[track_caller]
    pub(crate) fn enter(&mut self, name: &str) {
        self.say(name);
        self.expect(GREETING);
    }

    /// Returns the socket.
    pub(crate) fn stream(&self) -> &TcpStream {
        self.incoming.source()
    }

    /// Sends `bytes` as they are, in one piece if the socket takes it.
    #[track_caller]
    pub(crate) fn send(&self, bytes: impl AsRef<[u8]>) {
        write_all(self.incoming.source(), bytes.as_ref());
    }

    /// Sends `line` and a line feed.
    #[track_caller]
    pub(crate) fn say(&self, line: impl AsRef<[u8]>) {
        self.send([line.as_ref(), b"\n"].concat());
    }

    /// Waits for a line, which must be `wanted`.
    #[track_caller]
    pub(crate) fn expect(&mut self, wanted: &str) {
        self.incoming.expect_line(wanted);
    }

    /// Waits for a line and returns it.
    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        self.incoming
            .next_line()
            .expect("the server closed the connection instead of sending a line")
    }

    /// Waits for a line; `None` when the server closed the connection.
    #[track_caller]
    pub(crate) fn line_or_end(&mut self) -> Option<String> {
        self.incoming.next_line()
    }

    /// Waits for a line, which must be a notice with `word` in it; returns it.
    #[track_caller]
    pub(crate) fn expect_notice(&mut self, word: &str) -> String {
        let line = self.line();
        assert!(
            line.starts_with("* ") && line.contains(word),
            "not a notice with {word:?}: {line:?}"
        );
        line
    }

    /// Reads lines up to and including `marker` and returns those before it.
    #[track_caller]
    pub(crate) fn lines_before(&mut self, marker: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.line();
            if line == marker {
                return lines;
            }
            lines.push(line);
        }
    }

    /// Waits for the end, which must come in order and without another byte.
    #[track_caller]
    pub(crate) fn expect_end(&mut self) {
        assert_eq!(self.incoming.next_line(), None, "the end of the stream");
        assert!(!self.incoming.is_broken(), "the connection was reset");
    }

    /// Reads what there is without waiting, so that nothing piles up in the kernel.
    pub(crate) fn drain(&mut self) {
        self.incoming.drain();
    }

    /// Reads on, and forgets all that has come.
    pub(crate) fn forget(&mut self) {
        self.incoming.drain();
        while self.incoming.take_line().is_some() {}
        self.incoming.forget();
    }

    /// Ends the input, waits until the server has closed too and returns all it ever sent.
    #[track_caller]
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        self.stream()
            .shutdown(Shutdown::Write)
            .expect("an open connection can be half closed");
        let bytes = self.incoming.read_to_end().to_vec();
        assert!(
            !self.incoming.is_broken(),
            "reset after {:?}",
            lossy(&bytes)
        );
        bytes
    }

    /// Breaks the connection: the server sees a reset.
    pub(crate) fn reset(self) {
        socket2::SockRef::from(self.stream())
            .set_linger(Some(std::time::Duration::ZERO))
            .expect("TCP has SO_LINGER");
    }
}
