//! Line mode: a filter between the standard streams and the server.
//!
//! Whatever the server speaks, lines go in and lines come out. To one that speaks in lines they pass
//! as they are.

mod input;
mod told;

use std::io::{self, IsTerminal, Read as _, Write as _};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::address::{self, Address};
use super::echo::Echo;
use super::entry::Entry;
use super::incoming::Incoming;
use super::keys::Store;
use super::last_line::LastLine;
use super::log::Log;
use super::options::Options;
use super::printer::Printer;
use super::reach::Reached;
use super::record::Record;
use super::refusals::Refusals;
use super::session::{Session, Wants};
use super::stdio::{Input, Output};
use super::theme::Theme;
use super::way::{Tls, Way};
use crate::failure::Failure;

const SERVER: Token = Token(0);
const INPUT: Token = Token(1);
const OUTPUT: Token = Token(2);
const SIGNALS: Token = Token(3);

/// Read from the server in one turn, at most.
const RECEIVE_BYTES: usize = 64 * 1024;

/// How much waits for a terminal that is slow or stopped; then the server has to wait.
const SHOW_BYTES: usize = 1024 * 1024;

/// Read from standard input at once, and so what waits to be sent, at most.
const SEND_BYTES: usize = 16 * 1024;

/// One person's stay in a room, from connected to gone.
#[derive(Debug)]
pub(super) struct Filter {
    poll: Poll,
    way: Way,
    /// How TLS is spoken, if it is.
    tls: Option<Tls>,
    server: String,
    input: Input,
    output: Output,
    session: Session,
    /// Cuts the input into lines, for a server that speaks in objects.
    typed: Incoming,
    /// A person types the lines, and reads what came of them.
    is_person: bool,
    refusals: Refusals,
    printer: Printer,
    log: Log,
    /// Where the keys of a person's names are kept.
    store: Option<Store>,
    echo: Echo,
    /// Input that was read and has to wait.
    unheard: Vec<u8>,
    scratch: Vec<u8>,
    /// Text to be shown at the end of the turn.
    shown: Vec<u8>,
    last_line: LastLine,
    // Edge-triggered: readiness is forgotten only when the socket says it would block.
    readable: bool,
    writable: bool,
    sending: Sending,
}

/// The files that the talk and its keys are kept in.
pub(super) struct Files {
    pub(super) record: Option<Record>,
    pub(super) store: Option<Store>,
}

/// How far the way to the server is: `Open -> Ended -> Shut`, or `Broken`.
#[derive(Debug, PartialEq, Eq)]
enum Sending {
    /// Input goes to the server.
    Open,
    /// The input has ended; what is unsent still goes.
    Ended,
    /// All was sent and the server was told that no more comes.
    Shut,
    /// The server takes nothing more; what it still says is read to its end.
    Broken(String),
}

/// Why the loop stops.
enum Stop {
    /// As it should: the input ended and was sent, or nobody reads the output any more.
    Done,
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Filter {
    /// Takes over a connected stream.
    ///
    /// # Errors
    /// Fails when the poll or standard input can't be set up.
    pub(super) fn start(
        reached: Reached,
        address: &Address,
        entry: Entry,
        options: &Options,
        theme: Theme,
        files: Files,
    ) -> Result<Self, Failure> {
        let printer = Printer::new(options, theme);
        let session = Session::new(entry, options.plain, false);
        Self::set_up(reached, address, session, printer, files)
            .map_err(|error| Failure::new(format!("can't watch the standard input: {error}")))
    }

    fn set_up(
        reached: Reached,
        address: &Address,
        session: Session,
        printer: Printer,
        files: Files,
    ) -> io::Result<Self> {
        let Reached { mut way, tls, .. } = reached;
        let poll = Poll::new()?;
        let both = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(way.source(), SERVER, both)?;
        Ok(Self {
            input: Input::register(poll.registry(), INPUT)?,
            output: Output::register(poll.registry(), OUTPUT)?,
            poll,
            way,
            // The first words may have come with the end of the handshake.
            readable: tls.is_some(),
            tls,
            server: address.to_string(),
            session,
            typed: Incoming::default(),
            is_person: io::stdin().is_terminal(),
            refusals: Refusals::default(),
            printer,
            log: Log::new(files.record),
            store: files.store,
            echo: Echo::default(),
            unheard: Vec::new(),
            scratch: vec![0; RECEIVE_BYTES],
            shown: Vec::new(),
            last_line: LastLine::default(),
            writable: false,
            sending: Sending::Open,
        })
    }

    /// Runs until the input or the server ends.
    ///
    /// # Errors
    /// Fails when the server goes away first, when nobody can answer for a refused name, and when
    /// a standard stream breaks.
    pub(super) fn run(mut self) -> Result<(), Failure> {
        let mut events = Events::with_capacity(8);
        let stop = loop {
            if let Err(stop) = self.turn(&mut events) {
                break stop;
            }
        };
        // Whoever reads it may be gone, which is no failure.
        drop(self.output.finish(None));
        match stop {
            Stop::Done => self.refusals.result(self.session.lines()),
            Stop::Failed(failure) => Err(failure),
        }
    }

    /// One pass of the loop: poll, receive, take input, send.
    fn turn(&mut self, events: &mut Events) -> Result<(), Stop> {
        let busy = self.wants_more() || self.has_input();
        if let Err(error) = self.poll.poll(events, busy.then_some(Duration::ZERO))
            && error.kind() != io::ErrorKind::Interrupted
        {
            return Err(Failure::new(format!("can't wait for events: {error}")).into());
        }
        for event in &*events {
            match event.token() {
                INPUT => self.input.set_ready(),
                OUTPUT => self.output.set_ready(),
                SIGNALS => self.echo.hear_signals(),
                _ => {
                    // An error is told by the read or the write that meets it.
                    self.readable |=
                        event.is_readable() || event.is_read_closed() || event.is_error();
                    self.writable |= event.is_writable() || event.is_write_closed();
                    // What can't be sent is told by the read, or goes at the next event.
                    drop(self.way.flush());
                }
            }
        }
        let received = if self.wants_more() {
            self.receive()
        } else {
            Ok(())
        };
        // Before the question is shown: whoever answers it at once is as little seen.
        self.set_echo();
        self.show()?;
        received?;
        if self.has_input() {
            self.take_input()?;
        }
        self.set_echo();
        self.send();
        Ok(())
    }

    /// Returns whether the server is to be read from: not while a terminal shows nothing.
    fn wants_more(&self) -> bool {
        self.readable && self.output.waiting() < SHOW_BYTES
    }

    fn wants_input(&self) -> bool {
        self.sending == Sending::Open && self.session.wants_input(SEND_BYTES)
    }

    fn receive(&mut self) -> Result<(), Stop> {
        match self.way.read(&mut self.scratch) {
            Ok(0) => {
                self.hear_rest();
                Err(self.gone("closed the connection"))
            }
            Ok(count) => self.hear(count),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.readable = false;
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => {
                self.hear_rest();
                Err(self.lost(&error.to_string()))
            }
        }
    }

    fn hear(&mut self, count: usize) -> Result<(), Stop> {
        self.session.hear(&self.scratch[..count], Instant::now());
        self.tell();
        if let Some(refusal) = self.session.take_refusal()
            && !self.is_person
        {
            return Err(refusal.into());
        }
        match self.session.wants() {
            None => Ok(()),
            Some(Wants::StartOver | Wants::Pause) => self
                .start_over()
                .map_err(|error| self.lost(&error.to_string())),
        }
    }

    /// Connects again to a server that is to be spoken to in lines.
    fn start_over(&mut self) -> io::Result<()> {
        let socket = TcpStream::connect(self.way.socket().peer_addr()?)?;
        address::prepare(&socket)?;
        let mut way = Way::new(socket, self.tls.as_ref())?;
        let both = Interest::READABLE | Interest::WRITABLE;
        let registry = self.poll.registry();
        registry.register(way.source(), SERVER, both)?;
        self.way = way;
        self.readable = false;
        self.writable = false;
        self.session.start_over();
        Ok(())
    }

    fn hear_rest(&mut self) {
        self.session.hear_end();
        self.tell();
    }

    /// Sends what waits and, after the end of the input, tells the server that no more comes.
    fn send(&mut self) {
        self.session.pump();
        self.tell();
        let out = self.session.out();
        let mut broken = None;
        while self.writable && !out.is_empty() {
            match self.way.write(out) {
                Ok(count) => drop(out.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.writable = false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    broken = Some(error);
                    break;
                }
            }
        }
        if let Some(error) = broken {
            self.break_off(&error);
        }
        if self.sending == Sending::Ended && self.session.is_all_sent() {
            self.sending = Sending::Shut;
            if let Err(error) = self.way.finish() {
                self.break_off(&error);
            }
        }
    }

    /// Stops sending; what the server said before it broke off is still to be read.
    fn break_off(&mut self, error: &io::Error) {
        self.session.out().clear();
        self.sending = Sending::Broken(error.to_string());
        self.readable = true;
    }

    /// Returns why to stop now that the server has closed in good order.
    fn gone(&self, how: &str) -> Stop {
        let is_sent = self.session.is_sent();
        let quits = self.session.is_quitting() || self.last_line.is_quit();
        match &self.sending {
            Sending::Shut if is_sent => Stop::Done,
            Sending::Shut => self.lost("the last lines were not acknowledged"),
            Sending::Open | Sending::Ended if is_sent && quits => Stop::Done,
            Sending::Open | Sending::Ended => {
                Failure::new(format!("the server at {} {how}", self.server)).into()
            }
            Sending::Broken(reason) => self.lost(reason),
        }
    }

    fn lost(&self, reason: &str) -> Stop {
        Failure::new(format!(
            "the connection to {} is lost: {reason}",
            self.server
        ))
        .into()
    }
}
