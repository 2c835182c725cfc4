//! `join --json`: the server's events as they are, for a script.

use std::io;

use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};

use super::address::Address;
use super::entry::Entry;
use super::incoming::{Fragment, Incoming};
use super::link::{Link, Received};
use super::options::Options;
use super::reach::Reached;
use super::session::{Session, Wants};
use super::stdio::{Input, Output, Read};
use crate::failure::Failure;

const SERVER: Token = Token(0);
const INPUT: Token = Token(1);
const OUTPUT: Token = Token(2);

/// Read at once, at most.
const RECEIVE_BYTES: usize = 64 * 1024;
const INPUT_BYTES: usize = 16 * 1024;

/// How much waits for a terminal that is slow or stopped; then the server has to wait.
const SHOW_BYTES: usize = 1024 * 1024;

/// What the command line gives, so that nobody is there to answer where it is refused.
struct Given {
    name: bool,
    password: bool,
}

/// A script's stay in a room.
pub(super) struct Relay {
    poll: Poll,
    link: Link,
    session: Session,
    input: Input,
    output: Output,
    /// Cuts the input into lines.
    given: Incoming,
    has_ended: bool,
    told: Given,
    no_reconnect: bool,
    server: String,
    scratch: Vec<u8>,
}

impl Relay {
    /// Takes over a connected stream.
    ///
    /// # Errors
    /// Fails when the poll or standard input can't be set up.
    pub(super) fn start(
        reached: Reached,
        address: &Address,
        entry: Entry,
        options: &Options,
    ) -> Result<Self, Failure> {
        let set_up = || {
            let poll = Poll::new()?;
            let registry = poll.registry();
            io::Result::Ok(Self {
                link: Link::new(reached, address.clone(), registry, SERVER)?,
                input: Input::register(registry, INPUT)?,
                output: Output::register(registry, OUTPUT)?,
                poll,
                session: Session::of_script(entry),
                given: Incoming::default(),
                has_ended: false,
                told: Given {
                    name: options.name.is_some() || options.key_file.is_some(),
                    password: options.password_file.is_some(),
                },
                no_reconnect: options.no_reconnect,
                server: address.to_string(),
                scratch: vec![0; RECEIVE_BYTES],
            })
        };
        set_up().map_err(|error| Failure::new(format!("can't watch the standard input: {error}")))
    }

    /// Runs until the input ends and the server has all of it, or nobody reads the output.
    ///
    /// # Errors
    /// Fails when the server doesn't speak JSON, refuses the name given, or goes away for good.
    pub(super) fn run(mut self) -> Result<(), Failure> {
        let mut events = Events::with_capacity(8);
        let end = loop {
            match self.turn(&mut events) {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(failure) => break Err(failure),
            }
        };
        // Whoever reads it may be gone, which is no failure.
        drop(self.output.finish(None));
        end
    }

    /// One pass of the loop; `false` at the end of it all.
    fn turn(&mut self, events: &mut Events) -> Result<bool, Failure> {
        if let Err(error) = self.poll.poll(events, self.idle_for())
            && error.kind() != io::ErrorKind::Interrupted
        {
            return Err(Failure::new(format!("can't wait for events: {error}")));
        }
        for event in &*events {
            match event.token() {
                INPUT => self.input.set_ready(),
                OUTPUT => self.output.set_ready(),
                _ => self.link.note(event),
            }
        }
        self.link.tick(self.poll.registry(), Instant::now());
        let goes_on = !self.wants_more() || self.receive()?;
        let shown = self.session.take_raw();
        match self.output.write(&shown) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(false),
            written => written.map_err(|error| {
                Failure::new(format!("can't write to the standard output: {error}"))
            })?,
        }
        self.check_name()?;
        if self.wants_input() {
            self.take_input()?;
        }
        self.send();
        Ok(goes_on)
    }

    fn idle_for(&self) -> Option<Duration> {
        if self.wants_more() || self.wants_input() {
            return Some(Duration::ZERO);
        }
        self.link.idle_for(Instant::now())
    }

    fn wants_more(&self) -> bool {
        self.link.is_readable() && self.output.waiting() < SHOW_BYTES
    }

    fn wants_input(&self) -> bool {
        !self.has_ended && self.input.is_ready() && self.session.wants_input(INPUT_BYTES)
    }

    /// Reads once; `false` when the server has closed as it was asked to.
    fn receive(&mut self) -> Result<bool, Failure> {
        let now = Instant::now();
        match self.link.receive(&mut self.scratch) {
            Received::Later => {}
            Received::Bytes(count) => {
                self.session.hear(&self.scratch[..count], now);
                if self.session.is_inside() {
                    self.link.reset_pause();
                }
                if self.session.wants() == Some(Wants::Pause) {
                    self.link.lose(now);
                    self.session.lose(now);
                } else if self.session.wants().is_some() || self.session.speaks_lines() {
                    let server = &self.server;
                    return Err(Failure::new(format!(
                        "the server at {server} speaks no JSON"
                    )));
                }
            }
            Received::Lost(how) => {
                let is_over = self.has_ended && self.session.is_sent();
                if is_over || self.session.is_quitting() {
                    return Ok(false);
                }
                let is_asked = self.session.asks_name() || self.session.asks_password();
                if self.no_reconnect || is_asked {
                    let server = &self.server;
                    return Err(Failure::new(format!(
                        "the connection to {server} is lost ({how})"
                    )));
                }
                self.link.lose(now);
                self.session.lose(now);
            }
        }
        Ok(true)
    }

    /// Nobody is there to answer for a refused name that was given; a script's own it hears of.
    fn check_name(&mut self) -> Result<(), Failure> {
        let is_given = if self.session.asks_password() {
            self.told.password
        } else {
            self.told.name
        };
        match self.session.take_refusal() {
            Some(refusal) if is_given => Err(refusal),
            _ => Ok(()),
        }
    }

    fn take_input(&mut self) -> Result<(), Failure> {
        let mut bytes = [0; INPUT_BYTES];
        match self.input.read(self.poll.registry(), &mut bytes) {
            Ok(Read::Bytes(count)) => {
                let mut bytes = &bytes[..count];
                while let Some(fragment) = self.given.take(&mut bytes) {
                    self.session.take_request(fragment);
                }
            }
            Ok(Read::Later) => {}
            Ok(Read::End) => {
                self.has_ended = true;
                if let Some(rest) = self.given.rest() {
                    self.session.take_request(Fragment { ends: true, ..rest });
                }
            }
            Err(error) => {
                let message = format!("can't read the standard input: {error}");
                return Err(Failure::new(message));
            }
        }
        Ok(())
    }

    fn send(&mut self) {
        loop {
            self.session.pump();
            let out = self.session.out();
            if out.is_empty() || !self.link.send(out) {
                break;
            }
        }
        if self.has_ended && self.session.is_sent() {
            self.link.finish();
        }
    }
}
