//! One connection that asks for the page: requests, one after the other, and their answers.

use std::io::{self, ErrorKind, Read};
use std::net::{IpAddr, Shutdown};

use memchr::memchr;
use mio::net::TcpStream;

use super::{Opened, Outcome, Site, Whence};
use crate::hub::sealed::Sealed;
use crate::server::http::{HEAD_BYTES_MAX, Request, Status};

/// Most requests over one connection.
const REQUESTS_MAX: u32 = 100;

/// How many are answered before others have their turn.
const REQUESTS_AT_ONCE: u32 = 8;

/// Most reads at the end, for what is unread then: it would take the answer back.
const LAST_READS_MAX: usize = 4;

/// What a connection has asked for so far.
#[derive(Debug, Default)]
pub(in crate::server) struct Visit {
    /// What has come of a request.
    head: Vec<u8>,
    /// Its answer is on the way.
    outcome: Option<Outcome>,
    /// How many there were.
    requests: u32,
}

/// How far it has come.
#[derive(Debug)]
pub(in crate::server) enum Progress {
    /// Nothing more can be done before an event.
    Waits,
    /// Others have their turn first.
    GoesOn,
    /// It is a WebSocket.
    Opened(Opened),
    /// It is over.
    Over,
}

/// What a connection is.
pub(in crate::server) struct Way<'a> {
    pub(in crate::server) stream: &'a mut TcpStream,
    pub(in crate::server) sealed: Option<&'a mut Sealed>,
    /// See [`Whence::address`].
    pub(in crate::server) address: IpAddr,
    /// A PROXY header has named that.
    pub(in crate::server) is_named: bool,
}

impl Visit {
    /// Returns whether all that was asked for was answered, and something was.
    pub(in crate::server) fn is_idle(&self) -> bool {
        self.requests > 0 && self.head.is_empty() && self.outcome.is_none()
    }

    /// Goes on as far as it goes.
    ///
    /// # Errors
    /// As the stream says: the connection is broken.
    pub(in crate::server) fn go_on(
        &mut self,
        mut way: Way<'_>,
        site: &Site,
        scratch: &mut [u8],
    ) -> io::Result<Progress> {
        let last = self.requests + REQUESTS_AT_ONCE;
        loop {
            if let Some(outcome) = &mut self.outcome {
                if !outcome
                    .answer
                    .write(way.stream, way.sealed.as_deref_mut())?
                {
                    return Ok(Progress::Waits);
                }
                if let Some(opened) = outcome.opened {
                    return Ok(Progress::Opened(opened));
                }
                if outcome.closes {
                    way.close()?;
                    return Ok(Progress::Over);
                }
                self.outcome = None;
                // Another may have come behind it.
                self.answer_next(&way, site);
                continue;
            }
            if self.requests >= last {
                return Ok(Progress::GoesOn);
            }
            let length = match way.read(scratch, HEAD_BYTES_MAX.saturating_sub(self.head.len())) {
                Ok(0) => return Ok(Progress::Over),
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Progress::Waits),
                Err(error) => return Err(error),
            };
            self.head.extend_from_slice(&scratch[..length]);
            // Only a line's end can end the head: who sends byte by byte makes no work.
            if memchr(b'\n', &scratch[..length]).is_some() || self.head.len() >= HEAD_BYTES_MAX {
                self.answer_next(&way, site);
            }
        }
    }

    /// Answers the request whose head has come, if there is one.
    fn answer_next(&mut self, way: &Way<'_>, site: &Site) {
        let whence = || Whence {
            address: way.address,
            is_local: !way.is_named && is_local(way.stream),
        };
        let (length, mut outcome) = match Request::parse(&self.head) {
            Ok(None) => return,
            Ok(Some(request)) => {
                let is_alone = request.length == self.head.len();
                let outcome = site.answer(&request, whence(), is_alone);
                (request.length, outcome)
            }
            Err(status) => (
                self.head.len(),
                Outcome::refused((status, words_of(status))),
            ),
        };
        self.head.drain(..length);
        self.requests += 1;
        outcome.closes |= self.requests >= REQUESTS_MAX;
        self.outcome = Some(outcome);
    }
}

impl Way<'_> {
    /// Reads at most so many bytes; of a sealed stream as many as a record has.
    fn read(&mut self, scratch: &mut [u8], most: usize) -> io::Result<usize> {
        match &mut self.sealed {
            Some(sealed) => sealed.fill(self.stream, scratch),
            None => self.stream.read(&mut scratch[..most]),
        }
    }

    /// Says that no more comes.
    fn close(&mut self) -> io::Result<()> {
        if let Some(sealed) = &mut self.sealed {
            sealed.finish(self.stream)?;
        }
        self.stream.shutdown(Shutdown::Write)?;
        let mut rest = [0; 4096];
        for _ in 0..LAST_READS_MAX {
            if !self.stream.read(&mut rest).is_ok_and(|length| length > 0) {
                break;
            }
        }
        Ok(())
    }
}

/// Returns whether a stream came to an address that is for this machine alone.
fn is_local(stream: &TcpStream) -> bool {
    let address = stream.local_addr();
    address.is_ok_and(|address| address.ip().to_canonical().is_loopback())
}

fn words_of(status: Status) -> &'static str {
    match status {
        Status::MethodNotAllowed => "Only GET and HEAD are answered.\n",
        Status::HeadTooLarge => "The request is too long.\n",
        _ => "That was no proper request.\n",
    }
}
