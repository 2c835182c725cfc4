//! The connections over which requests come. They cost the room nothing to speak of, whatever comes:
//! there are few at once, each has a few seconds, and so many a second are let in as answering takes
//! a small part of it. Nobody is refused: one too many takes the place of the oldest.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use memchr::memchr;
use mio::net::TcpStream;
use slab::Slab;

use super::request::{HEAD_BYTES_MAX, Request};
use super::{Response, Status};
use crate::tick::Tick;

/// Most connections at once.
pub(in crate::server) const EXCHANGES_MAX: usize = 16;

/// How long one may take, from its first byte to the last of the answer.
const TIME_MAX: Duration = Duration::from_secs(5);

/// How many are let in within [`WINDOW`]: at some 100 us each, a tenth of the time.
const ACCEPTS_MAX: u32 = 100;
const WINDOW: Duration = Duration::from_millis(100);

/// One request and its answer.
#[derive(Debug)]
struct Exchange {
    stream: TcpStream,
    head: Vec<u8>,
    /// The answer, and how much of it was sent.
    answer: Option<(Vec<u8>, usize)>,
    until: Tick,
}

/// All of them.
#[derive(Debug, Default)]
pub(in crate::server) struct Exchanges {
    places: Slab<Exchange>,
    /// When the current window ends, and how many were let in within it.
    window: (Tick, u32),
}

impl Exchanges {
    /// Returns until when nobody is let in, if so many were just now.
    pub(in crate::server) fn pause(&mut self, now: Tick) -> Option<Tick> {
        if now >= self.window.0 {
            self.window = (now + WINDOW, 0);
        }
        (self.window.1 >= ACCEPTS_MAX).then_some(self.window.0)
    }

    /// Returns the place that the next connection has; the oldest leaves, if there is none.
    pub(in crate::server) fn next_place(&mut self) -> usize {
        if self.places.len() >= EXCHANGES_MAX
            && let Some((oldest, _)) = self
                .places
                .iter()
                .min_by_key(|(_, exchange)| exchange.until)
        {
            self.places.remove(oldest);
        }
        self.places.vacant_key()
    }

    /// Takes in a connection.
    pub(in crate::server) fn accept(&mut self, stream: TcpStream, now: Tick) {
        self.window.1 += 1;
        self.places.insert(Exchange {
            stream,
            head: Vec::new(),
            answer: None,
            until: now + TIME_MAX,
        });
    }

    /// Goes on with the one at `place`, as far as it goes; `answer` answers its request.
    pub(in crate::server) fn ready(
        &mut self,
        place: usize,
        answer: impl FnOnce(&Request<'_>) -> Response,
    ) {
        if let Some(exchange) = self.places.get_mut(place)
            && exchange.go_on(answer).is_none()
        {
            self.places.remove(place);
        }
    }

    /// Ends those whose time is over.
    pub(in crate::server) fn end_overdue(&mut self, now: Tick) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.places.retain(|_, exchange| exchange.until > now);
        }
    }

    /// Returns when the next one's time is over.
    pub(in crate::server) fn deadline(&self) -> Option<Tick> {
        self.places.iter().map(|(_, exchange)| exchange.until).min()
    }
}

impl Exchange {
    /// Reads and writes what can be; nothing is returned once it is over.
    fn go_on(&mut self, answer: impl FnOnce(&Request<'_>) -> Response) -> Option<()> {
        if self.answer.is_none() {
            let response = match self.read()? {
                Ok(None) => return Some(()),
                Ok(Some(request)) => answer(&request).bytes(request.head_only),
                Err(status) => Response::text(status, "").bytes(false),
            };
            self.answer = Some((response, 0));
        }
        self.write()
    }

    /// Reads on; `None` if no request comes any more.
    fn read(&mut self) -> Option<Result<Option<Request<'_>>, Status>> {
        let mut has_line = false;
        let mut chunk = [0; 4096];
        // What more it sends is not read: its head is too large.
        while self.head.len() < HEAD_BYTES_MAX {
            match self.stream.read(&mut chunk) {
                Ok(0) => return None,
                Ok(length) => {
                    self.head.extend_from_slice(&chunk[..length]);
                    has_line |= memchr(b'\n', &chunk[..length]).is_some();
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return None,
            }
        }
        // Only a line's end can end the head: who sends byte by byte makes no work.
        if !has_line && self.head.len() < HEAD_BYTES_MAX {
            return Some(Ok(None));
        }
        Some(Request::parse(&self.head))
    }

    /// Writes on; nothing is returned once all is written, or nothing can be any more.
    fn write(&mut self) -> Option<()> {
        let (bytes, sent) = self.answer.as_mut()?;
        while *sent < bytes.len() {
            match self.stream.write(&bytes[*sent..]) {
                Ok(0) => return None,
                Ok(length) => *sent += length,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Some(()),
                Err(_) => return None,
            }
        }
        // What is unread when the socket is closed would take the answer back.
        self.stream.shutdown(Shutdown::Write).ok();
        let mut rest = [0; 4096];
        for _ in 0..4 {
            if !self.stream.read(&mut rest).is_ok_and(|length| length > 0) {
                break;
            }
        }
        None
    }
}
