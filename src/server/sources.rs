//! What the poll tells of: signals, listeners and connections, and the tokens that stand for them.

use std::io;
use std::net::{IpAddr, Shutdown};

use mio::Token;
use mio::net::TcpStream;
use socket2::SockRef;

use super::http::EXCHANGES_MAX;
use crate::room::MemberId;
use crate::stream::Stream;

const SIGNALS: usize = usize::MAX;

const WRITER: usize = SIGNALS - 1;

const REPORTS: usize = SIGNALS - 2;

const BACKPLANE: usize = SIGNALS - 3;

/// The token of the first listener; the next ones count down.
const FIRST_LISTENER: usize = SIGNALS - 4;

/// Tokens below this are connections, by their slot; there are fewer than four billion.
const CONNECTIONS_END: usize = 1 << 32;

/// Tokens from there on below this are requests, by their place.
const EXCHANGES_END: usize = CONNECTIONS_END + EXCHANGES_MAX;

/// Tokens from there on below this are connections on their way in, by their index.
const ARRIVALS_END: usize = 2 * CONNECTIONS_END;

/// Where an event comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// A signal has come.
    Signals,
    /// The writer of the files takes more.
    Writer,
    /// The writer of the files says something.
    Reports,
    /// Something has happened to the connection to the backplane.
    Backplane,
    /// Somebody waits at the listener with this index.
    Listener(usize),
    /// Something has happened to the request at this place.
    Exchange(usize),
    /// Something has happened to the connection on its way in with this index.
    Arrival(usize),
    /// Something has happened to a connection.
    Connection(MemberId),
}

impl From<Source> for Token {
    fn from(source: Source) -> Self {
        Self(match source {
            Source::Signals => SIGNALS,
            Source::Writer => WRITER,
            Source::Reports => REPORTS,
            Source::Backplane => BACKPLANE,
            Source::Listener(index) => FIRST_LISTENER - index,
            Source::Exchange(place) => CONNECTIONS_END + place,
            Source::Arrival(index) => EXCHANGES_END + index,
            Source::Connection(id) => id.slot(),
        })
    }
}

impl From<Token> for Source {
    fn from(Token(token): Token) -> Self {
        match token {
            SIGNALS => Self::Signals,
            WRITER => Self::Writer,
            REPORTS => Self::Reports,
            BACKPLANE => Self::Backplane,
            CONNECTIONS_END..EXCHANGES_END => Self::Exchange(token - CONNECTIONS_END),
            EXCHANGES_END..ARRIVALS_END => Self::Arrival(token - EXCHANGES_END),
            ARRIVALS_END.. => Self::Listener(FIRST_LISTENER - token),
            slot => Self::Connection(MemberId::from_slot(slot)),
        }
    }
}

impl Stream for TcpStream {
    fn finish(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }

    fn write_ahead(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let flags = libc::MSG_MORE | libc::MSG_NOSIGNAL;
        SockRef::from(&*self).send_with_flags(bytes, flags)
    }

    /// Setting the option, set or not, sends what waits (tcp(7)); the kernel does so by itself only
    /// after a fifth of a second.
    fn send_off(&mut self) -> io::Result<()> {
        self.set_nodelay(true)
    }

    fn address(&self) -> Option<IpAddr> {
        self.peer_addr().ok().map(|address| address.ip())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_where_it_comes_from() {
        let last = MemberId::from_slot(CONNECTIONS_END - 1);
        for source in [
            Source::Signals,
            Source::Writer,
            Source::Reports,
            Source::Backplane,
            Source::Listener(0),
            Source::Listener(9),
            Source::Exchange(0),
            Source::Exchange(EXCHANGES_MAX - 1),
            Source::Arrival(0),
            Source::Arrival(CONNECTIONS_END / 2),
            Source::Connection(MemberId::from_slot(0)),
            Source::Connection(last),
        ] {
            assert_eq!(Source::from(Token::from(source)), source);
        }
    }
}
