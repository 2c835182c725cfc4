//! The client on a terminal: the line being typed at the bottom, the room above it.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};
use std::{io, mem, net};

use mio::{Events, Interest, Poll, Token};
use rustix::process::{Signal, kill_current_process_group};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGWINCH};
use signal_hook::low_level::emulate_default_handler;
use signal_hook_mio::v1_0::Signals;

use super::address::Address;
use super::clock::Clock;
use super::editor::{Editor, Request};
use super::entry::{Answer, Entry};
use super::incoming::{Incoming, Piece};
use super::link::{Link, Received};
use super::look::{self, Heard, Look};
use super::outbox::Outbox;
use super::stdio::{self, Input, Read};
use super::terminal::Terminal;
use crate::cli::{Failure, JoinOptions};
use crate::line::command::Command;

const SERVER: Token = Token(0);
const INPUT: Token = Token(1);
const SIGNALS: Token = Token(2);

/// Read from the server in one turn, at most: little enough for a slow terminal to show before the
/// next key is looked at.
const RECEIVE_BYTES: usize = 16 * 1024;

/// Read from the keyboard at once, at most.
const KEYS_BYTES: usize = 4096;

/// How long the server may take to close once we are leaving.
const LEAVING_MAX: Duration = Duration::from_secs(2);

/// How often a name that was ours may be refused when we come back, before the person is asked:
/// the server may need a while to notice that the old connection is dead.
const REFUSALS_MAX: u32 = 5;

/// One person's stay in a room, on a terminal.
pub(super) struct Live {
    poll: Poll,
    signals: Signals,
    terminal: Terminal,
    input: Input,
    editor: Editor,
    link: Link,
    entry: Entry,
    incoming: Incoming,
    outbox: Outbox,
    /// The name to give, until it is sent.
    name_due: Option<String>,
    /// Since when the connection is lost; none once we are back.
    away: Option<Away>,
    /// Until when the server may close; none while we stay.
    leaving: Option<Instant>,
    /// We sent `/quit`.
    quitting: bool,
    /// We went on after a stop; the signal that says so is still to come.
    resumed: bool,
    look: Look,
    clock: Clock,
    server: String,
    options: JoinOptions,
    scratch: Vec<u8>,
}

/// The time between two stays in the room.
#[derive(Debug)]
struct Away {
    since: Instant,
    refusals: u32,
}

/// Why the loop ends.
enum End {
    /// The person left, or the terminal is gone.
    Done,
    /// A signal asks for it.
    Signal(i32),
    Failed(Failure),
}

impl Live {
    /// Takes over the terminal and a connected stream.
    ///
    /// # Errors
    /// Fails when the poll, the signals or the terminal can't be set up.
    pub(super) fn start(
        stream: net::TcpStream,
        addresses: Vec<net::SocketAddr>,
        address: &Address,
        entry: Entry,
        options: &JoinOptions,
        look: Look,
    ) -> Result<Self, Failure> {
        let set_up = || {
            let poll = Poll::new()?;
            let mut signals = Signals::new([SIGWINCH, SIGCONT, SIGTERM, SIGHUP, SIGINT, SIGQUIT])?;
            let registry = poll.registry();
            registry.register(&mut signals, SIGNALS, Interest::READABLE)?;
            let input = Input::register(registry, INPUT)?;
            let link = Link::new(stream, addresses, registry, SERVER, haste())?;
            let terminal = Terminal::take_over()?;
            io::Result::Ok(Self {
                poll,
                signals,
                input,
                editor: Editor::new(terminal.size()),
                terminal,
                link,
                entry,
                incoming: Incoming::default(),
                outbox: Outbox::default(),
                name_due: None,
                away: None,
                leaving: None,
                quitting: false,
                resumed: false,
                look,
                clock: Clock::default(),
                server: address.to_string(),
                options: options.clone(),
                scratch: vec![0; RECEIVE_BYTES],
            })
        };
        set_up()
            .map_err(|error| Failure::new(format!("can't use this terminal: {error}; try --plain")))
    }

    /// Runs until the person leaves.
    ///
    /// # Errors
    /// Fails when the server goes away for good, or lines could not be sent.
    pub(super) fn run(mut self) -> Result<(), Failure> {
        let mut events = Events::with_capacity(8);
        let end = loop {
            if let Err(end) = self.turn(&mut events) {
                break end;
            }
        };
        let unsent = self.tell_unsent();
        // The terminal may be what went away.
        drop(stdio::write_all(&self.editor.take_output_wiped()));
        drop(self);
        match end {
            End::Done if unsent => Err(Failure::new("what is shown as not sent was not sent")),
            End::Done => Ok(()),
            End::Failed(failure) => Err(failure),
            End::Signal(signal) => {
                // With the terminal restored, end as the signal would have ended us.
                let ended = emulate_default_handler(signal);
                Err(Failure::new(format!(
                    "stopped by signal {signal}: {ended:?}"
                )))
            }
        }
    }

    /// One pass of the loop: poll, signals, keys, receive, send, and one write to the terminal.
    fn turn(&mut self, events: &mut Events) -> Result<(), End> {
        if let Err(error) = self.poll.poll(events, self.idle_for())
            && error.kind() != io::ErrorKind::Interrupted
        {
            return Err(failed(format!("can't wait for events: {error}")));
        }
        let mut signalled = false;
        for event in &*events {
            match event.token() {
                SERVER => self.link.note(event),
                INPUT => self.input.set_ready(),
                _ => signalled = true,
            }
        }
        if signalled {
            self.hear_signals()?;
        }
        if self.input.is_ready() {
            self.take_keys()?;
        }
        self.link.tick(self.poll.registry(), Instant::now());
        if self.link.is_readable() {
            self.receive()?;
        }
        self.send();
        self.check_leaving()?;
        let prompt = self.prompt();
        self.editor.set_prompt(prompt, self.outbox.rows());
        write(&self.editor.take_output())
    }

    /// Returns how long nothing happens by itself; forever on an idle connection.
    fn idle_for(&self) -> Option<Duration> {
        if self.link.is_readable() {
            return Some(Duration::ZERO);
        }
        let now = Instant::now();
        let leaving = self
            .leaving
            .map(|until| until.saturating_duration_since(now));
        self.link.idle_for(now).into_iter().chain(leaving).min()
    }

    fn hear_signals(&mut self) -> Result<(), End> {
        let signals: Vec<_> = self.signals.pending().collect();
        for signal in signals {
            match signal {
                SIGWINCH => self.editor.resize(self.terminal.size()),
                SIGCONT if mem::take(&mut self.resumed) => {}
                SIGCONT => self.resume()?,
                signal => return Err(End::Signal(signal)),
            }
        }
        Ok(())
    }

    fn take_keys(&mut self) -> Result<(), End> {
        let mut keys = [0; KEYS_BYTES];
        let count = match self.input.read(self.poll.registry(), &mut keys) {
            Ok(Read::Bytes(count)) => count,
            Ok(Read::Later) => return Ok(()),
            // The terminal hung up.
            Ok(Read::End) | Err(_) => return Err(End::Done),
        };
        for request in self.editor.feed(&keys[..count]) {
            match request {
                Request::Send(line) => {
                    if !self.outbox.push(line) {
                        self.tell("Not kept: too much waits already; press Up to get it back.");
                    }
                }
                Request::Overflow => self.tell("That is too much at once; some was left out."),
                Request::Suspend => self.suspend()?,
                Request::Leave => self.leave()?,
            }
        }
        Ok(())
    }

    /// Stops as Ctrl-Z does anywhere, and goes on when the shell says so.
    fn suspend(&mut self) -> Result<(), End> {
        write(&self.editor.take_output_wiped())?;
        self.terminal.restore();
        // Where there is no shell to go back to, the kernel ignores this and we go on at once.
        if kill_current_process_group(Signal::TSTP).is_err() {
            self.tell("This terminal can't be suspended.");
        }
        self.resumed = true;
        self.resume()
    }

    fn resume(&mut self) -> Result<(), End> {
        self.terminal.make_raw().map_err(|_| End::Done)?;
        self.editor.lose_screen();
        Ok(())
    }

    /// Leaves once everything is sent; at once when asked again or nobody is there to send it to.
    fn leave(&mut self) -> Result<(), End> {
        if self.leaving.is_some() || !self.link.is_up() {
            return Err(End::Done);
        }
        self.leaving = Some(Instant::now() + LEAVING_MAX);
        Ok(())
    }

    fn check_leaving(&self) -> Result<(), End> {
        let Some(until) = self.leaving else {
            return Ok(());
        };
        if !self.link.is_up() || until <= Instant::now() {
            return Err(End::Done);
        }
        if self.outbox.is_empty() || !self.entry.is_open() {
            self.link.finish();
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<(), End> {
        let mut scratch = mem::take(&mut self.scratch);
        let received = self.link.receive(&mut scratch);
        if let Received::Bytes(count) = received {
            let mut input = &scratch[..count];
            while let Some(piece) = self.incoming.take(&mut input) {
                self.hear(&piece);
                if !self.link.is_up() {
                    // Dropped on our side: the rest is of a talk that is over.
                    break;
                }
            }
        }
        self.scratch = scratch;
        match received {
            Received::Bytes(_) | Received::Later => Ok(()),
            Received::Lost(how) => self.lose(&how),
        }
    }

    fn hear(&mut self, piece: &Piece) {
        match piece.whole().and_then(|line| self.entry.heard(line)) {
            Some(Answer::Send(name)) => self.name_due = Some(name),
            Some(Answer::Refused) if self.away.is_some() => return self.insist(),
            Some(Answer::Entered) => {
                self.link.settle();
                if let Some(away) = self.away.take() {
                    return self.tell_back(&away);
                }
            }
            Some(Answer::Refused) | None => {}
        }
        if self.away.is_some() {
            if !self.entry.is_open() {
                // What the server asks someone who comes back is answered without them.
                return;
            }
            self.away = None;
        }
        self.show(piece);
    }

    /// Comes back later with the name that is refused now, or leaves it to the person.
    fn insist(&mut self) {
        let refusals = self.away.as_mut().map_or(0, |away| {
            away.refusals += 1;
            away.refusals
        });
        if refusals <= REFUSALS_MAX {
            self.entry.insist();
            self.drop_connection();
        } else {
            self.away = None;
            let notice = self.entry.notice().to_owned();
            self.tell(&format!("{notice}. Type another name."));
        }
    }

    fn tell_back(&mut self, away: &Away) {
        let seconds = away.since.elapsed().as_secs();
        let name = self.entry.name().to_owned();
        self.tell(&format!(
            "Back in the room as {name}; what was said in the {seconds} s between is missing here."
        ));
    }

    fn lose(&mut self, how: &str) -> Result<(), End> {
        if let Some(piece) = self.incoming.rest() {
            self.show(&piece);
        }
        if self.leaving.is_some() || self.quitting {
            return Err(End::Done);
        }
        if self.options.no_reconnect {
            let server = &self.server;
            return Err(failed(format!(
                "the connection to {server} is lost ({how})"
            )));
        }
        if self.away.is_none() {
            self.tell(&format!(
                "The connection is lost ({how}). Coming back; what you send waits."
            ));
            self.away = Some(Away {
                since: Instant::now(),
                refusals: 0,
            });
        }
        self.entry.come_back();
        self.drop_connection();
        Ok(())
    }

    fn drop_connection(&mut self) {
        self.link.lose(Instant::now());
        self.incoming = Incoming::default();
        self.name_due = None;
    }

    /// Sends what waits, as far as it goes, and shows what is sent.
    fn send(&mut self) {
        if let Some(name) = &self.name_due {
            if !self.link.send(name) {
                return;
            }
            if self.away.is_none() {
                let shown = self.look.dim(&format!("you: {name}"));
                self.print(&shown);
            }
            self.name_due = None;
        }
        while self.entry.is_open()
            && let Some(line) = self.outbox.first()
        {
            if !self.link.send(line) {
                return;
            }
            let line = self.outbox.pop().unwrap_or_default();
            let shown = if self.entry.is_inside() {
                self.quitting = Command::parse(&line) == Command::Quit;
                self.look.show_own(&line)
            } else {
                self.entry.gave(&line);
                self.look.dim(&format!("you: {line}"))
            };
            self.print(&shown);
        }
    }

    fn show(&mut self, piece: &Piece) {
        let heard = piece.whole().map_or(Heard::Other, Heard::parse);
        self.learn(&heard, &piece.text);
        let coming = matches!(
            heard,
            Heard::Came(_) | Heard::Left(_) | Heard::Renamed { .. }
        );
        if coming && self.options.quiet {
            return;
        }
        let shown = self.look.show(&piece.text, &heard, self.entry.name());
        self.print(&shown.text);
        if shown.calls && self.options.bell {
            self.editor.ring();
        }
    }

    /// Learns who is there, for completion.
    fn learn(&mut self, heard: &Heard<'_>, line: &str) {
        match *heard {
            Heard::Said { name, .. }
            | Heard::SaidPrivately { name, .. }
            | Heard::Did { name, .. }
            | Heard::Came(name) => self.editor.hear_of(name),
            Heard::Left(name) => self.editor.forget(name),
            Heard::Renamed { from, to } => {
                self.editor.forget(from);
                self.editor.hear_of(to);
            }
            Heard::Notice => {
                for name in look::names_listed(line) {
                    self.editor.hear_of(name);
                }
            }
            Heard::Prompt | Heard::Greeting | Heard::Other => {}
        }
    }

    /// Tells the person something that no server said.
    fn tell(&mut self, text: &str) {
        let line = self.look.dim(&format!("* {text}"));
        self.print(&line);
    }

    fn print(&mut self, line: &str) {
        if self.options.timestamps {
            let time = self.look.dim(self.clock.now());
            self.editor.print(&format!("{time} {line}"));
        } else {
            self.editor.print(line);
        }
    }

    fn prompt(&self) -> &'static str {
        if self.leaving.is_some() {
            "(leaving) > "
        } else if self.away.is_some() {
            "(offline) > "
        } else {
            "> "
        }
    }

    /// Shows what was typed and not sent, for the person to copy; returns whether a line waited.
    fn tell_unsent(&mut self) -> bool {
        let waited = !self.outbox.is_empty();
        while let Some(line) = self.outbox.pop() {
            self.editor.print(&format!("not sent: {line}"));
        }
        for line in self.editor.draft().to_owned().lines() {
            self.editor.print(&format!("not sent: {line}"));
        }
        waited
    }
}

/// Returns a number between a half and one, another for each client.
fn haste() -> f64 {
    let random = RandomState::new().hash_one(0) % 1024;
    // Below 1024, so exact.
    0.5 + f64::from(random as u32) / 2048.0
}

fn write(output: &[u8]) -> Result<(), End> {
    // The terminal hung up.
    stdio::write_all(output).map_err(|_| End::Done)
}

fn failed(message: String) -> End {
    End::Failed(Failure::new(message))
}
