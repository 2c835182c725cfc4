//! Line mode: a filter between the standard streams and the server.

use std::io::{self, IsTerminal, Read as _, Write as _};
use std::net::{self, Shutdown};
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::address::Address;
use super::entry::{Answer, Entry};
use super::event::Event;
use super::incoming::{Fragment, Incoming};
use super::log::Log;
use super::options::Options;
use super::printer::Printer;
use super::record::Record;
use super::stdio::{Input, Output, Read};
use super::theme::Theme;
use crate::failure::Failure;
use crate::wire::plain::STAR;

const SERVER: Token = Token(0);
const INPUT: Token = Token(1);
const OUTPUT: Token = Token(2);

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
    stream: TcpStream,
    server: String,
    input: Input,
    output: Output,
    entry: Entry,
    incoming: Incoming,
    printer: Printer,
    log: Log,
    scratch: Vec<u8>,
    /// Text to be shown at the end of the turn.
    shown: Vec<u8>,
    /// Bytes on their way to the server; input is read only while there are none.
    unsent: Vec<u8>,
    last_line: LastLine,
    // Edge-triggered: readiness is forgotten only when the socket says it would block.
    readable: bool,
    writable: bool,
    sending: Sending,
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
        stream: net::TcpStream,
        address: &Address,
        entry: Entry,
        options: &Options,
        theme: Theme,
        record: Option<Record>,
    ) -> Result<Self, Failure> {
        let printer = Printer::new(options, theme);
        Self::set_up(stream, address, entry, printer, Log::new(record))
            .map_err(|error| Failure::new(format!("can't watch the standard input: {error}")))
    }

    fn set_up(
        stream: net::TcpStream,
        address: &Address,
        entry: Entry,
        printer: Printer,
        log: Log,
    ) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        let poll = Poll::new()?;
        let both = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut stream, SERVER, both)?;
        Ok(Self {
            input: Input::register(poll.registry(), INPUT)?,
            output: Output::register(poll.registry(), OUTPUT)?,
            poll,
            stream,
            server: address.to_string(),
            entry,
            incoming: Incoming::default(),
            printer,
            log,
            scratch: vec![0; RECEIVE_BYTES],
            shown: Vec::new(),
            unsent: Vec::new(),
            last_line: LastLine::default(),
            readable: false,
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
            Stop::Done => Ok(()),
            Stop::Failed(failure) => Err(failure),
        }
    }

    /// One pass of the loop: poll, receive, take input, send.
    fn turn(&mut self, events: &mut Events) -> Result<(), Stop> {
        let busy = self.wants_more() || (self.wants_input() && self.input.is_ready());
        if let Err(error) = self.poll.poll(events, busy.then_some(Duration::ZERO))
            && error.kind() != io::ErrorKind::Interrupted
        {
            return Err(Failure::new(format!("can't wait for events: {error}")).into());
        }
        for event in &*events {
            match event.token() {
                INPUT => self.input.set_ready(),
                OUTPUT => self.output.set_ready(),
                _ => {
                    // An error is told by the read or the write that meets it.
                    self.readable |=
                        event.is_readable() || event.is_read_closed() || event.is_error();
                    self.writable |= event.is_writable() || event.is_write_closed();
                }
            }
        }
        let received = if self.wants_more() {
            self.receive()
        } else {
            Ok(())
        };
        self.show()?;
        received?;
        if self.wants_input() && self.input.is_ready() {
            self.take_input()?;
        }
        self.send();
        Ok(())
    }

    /// Returns whether the server is to be read from: not while a terminal shows nothing.
    fn wants_more(&self) -> bool {
        self.readable && self.output.waiting() < SHOW_BYTES
    }

    fn wants_input(&self) -> bool {
        self.sending == Sending::Open && self.unsent.is_empty() && self.entry.is_open()
    }

    fn receive(&mut self) -> Result<(), Stop> {
        match self.stream.read(&mut self.scratch) {
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
        let scratch = std::mem::take(&mut self.scratch);
        let mut input = &scratch[..count];
        let mut heard = Ok(());
        while heard.is_ok()
            && let Some(fragment) = self.incoming.take(&mut input)
        {
            self.printer
                .print(&fragment, self.entry.name(), &mut self.shown);
            self.log.hear(&fragment);
            heard = self.answer(&fragment);
        }
        self.scratch = scratch;
        heard
    }

    fn answer(&mut self, fragment: &Fragment) -> Result<(), Stop> {
        // To copy a line is much faster than to know what it tells.
        if self.entry.is_inside() && !fragment.text.starts_with(STAR) {
            return Ok(());
        }
        match self.entry.heard(&Event::of(fragment)) {
            Some(Answer::Send(name)) => self.unsent = (name + "\n").into_bytes(),
            // On a terminal the person answers the prompt that just came again.
            Some(Answer::Refused) if !io::stdin().is_terminal() => {
                return Err(self.entry.refusal().into());
            }
            Some(Answer::Refused | Answer::Entered) | None => {}
        }
        Ok(())
    }

    fn hear_rest(&mut self) {
        if let Some(fragment) = self.incoming.rest() {
            self.printer
                .print(&fragment, self.entry.name(), &mut self.shown);
        }
    }

    /// Shows what arrived in one write.
    fn show(&mut self) -> Result<(), Stop> {
        let result = self.output.write(&self.shown);
        self.shown.clear();
        match result {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Stop::Done),
            Err(error) => {
                let message = format!("can't write to the standard output: {error}");
                Err(Failure::new(message).into())
            }
        }
    }

    fn take_input(&mut self) -> Result<(), Stop> {
        self.unsent.resize(SEND_BYTES, 0);
        let read = self.input.read(self.poll.registry(), &mut self.unsent);
        let count = match &read {
            Ok(Read::Bytes(count)) => *count,
            Ok(Read::Later | Read::End) | Err(_) => 0,
        };
        self.unsent.truncate(count);
        self.last_line.passes(&self.unsent);
        self.log.send(&self.unsent, &self.entry);
        match read {
            Ok(Read::Bytes(_) | Read::Later) => Ok(()),
            Ok(Read::End) => {
                self.sending = Sending::Ended;
                Ok(())
            }
            Err(error) => {
                Err(Failure::new(format!("can't read the standard input: {error}")).into())
            }
        }
    }

    /// Sends what waits and, after the end of the input, tells the server that no more comes.
    fn send(&mut self) {
        while self.writable && !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(count) => drop(self.unsent.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.writable = false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.break_off(&error),
            }
        }
        if self.sending == Sending::Ended && self.unsent.is_empty() {
            self.sending = Sending::Shut;
            if let Err(error) = self.stream.shutdown(Shutdown::Write) {
                self.break_off(&error);
            }
        }
    }

    /// Stops sending; what the server said before it broke off is still to be read.
    fn break_off(&mut self, error: &io::Error) {
        self.unsent.clear();
        self.sending = Sending::Broken(error.to_string());
        self.readable = true;
    }

    /// Returns why to stop now that the server has closed in good order.
    fn gone(&self, how: &str) -> Stop {
        match &self.sending {
            Sending::Shut => Stop::Done,
            Sending::Open if self.unsent.is_empty() && self.last_line.is_quit() => Stop::Done,
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

/// The last whole line that was sent, as far as it takes to know whether it asked to leave.
#[derive(Debug, Default)]
struct LastLine {
    start: Vec<u8>,
    is_quit: bool,
}

impl LastLine {
    fn passes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if byte == b'\n' {
                self.is_quit = self.start.trim_ascii_end() == QUIT;
                self.start.clear();
            } else if self.start.len() < 2 * QUIT.len() {
                self.start.push(byte);
            }
        }
    }

    fn is_quit(&self) -> bool {
        self.is_quit && self.start.is_empty()
    }
}

const QUIT: &[u8] = b"/quit";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_last_line_that_asks_to_leave_does() {
        for (sent, quit) in [
            (&b"bob\n/quit\n"[..], true),
            (b"bob\r\n/quit\r\n", true),
            (b"/quit\nmore", false),
            (b"/quit\nmore\n", false),
            (b"/quit", false),
            (b"//quit\n", false),
            (b"/quitter\n", false),
            (b"", false),
        ] {
            for size in 1..=sent.len().max(1) {
                let mut last = LastLine::default();
                sent.chunks(size).for_each(|chunk| last.passes(chunk));
                assert_eq!(last.is_quit(), quit, "{sent:?} by {size}");
            }
        }
    }
}
