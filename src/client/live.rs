//! The client on a terminal: the line being typed at the bottom, the room above it.

mod bottom;
mod own;
mod talk;
mod view;

use std::time::{Duration, Instant};
use std::{io, mem};

use mio::{Events, Interest, Poll, Token};
use rustix::process::{Signal, kill_current_process_group};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGWINCH};
use signal_hook::low_level::emulate_default_handler;
use signal_hook_mio::v1_0::Signals;

use own::Desk;
use talk::Talk;
use view::View;

use super::address::Address;
use super::capability::Capability;
use super::commands::Own;
use super::editor::Request;
use super::entry::Entry;
use super::keys::Store;
use super::link::Link;
use super::options::Options;
use super::reach::Reached;
use super::record::Record;
use super::settings::Kept;
use super::stdio::{Input, Output, Read};
use super::terminal::Terminal;
use super::theme::Theme;
use crate::failure::Failure;

const SERVER: Token = Token(0);
const INPUT: Token = Token(1);
const SIGNALS: Token = Token(2);
const OUTPUT: Token = Token(3);

/// Read from the keyboard at once, at most.
const KEYS_BYTES: usize = 4096;

/// How many bytes of lines wait for a terminal that is slow or stopped; then the server has to wait.
const DUE_BYTES_MAX: usize = 1024 * 1024;

/// How long the terminal may take to show the last of it.
const SHOWING_MAX: Duration = Duration::from_secs(2);

/// How long the server may take to close once we are leaving.
const LEAVING_MAX: Duration = Duration::from_secs(2);

/// One person's stay in a room, on a terminal.
pub(super) struct Live {
    poll: Poll,
    signals: Signals,
    input: Input,
    output: Output,
    view: View,
    desk: Desk,
    talk: Talk,
    /// Until when the server may close; none while we stay.
    leaving: Option<Instant>,
    /// We went on after a stop; the signal that says so is still to come.
    resumed: bool,
    no_reconnect: bool,
}

/// What a person brings along.
pub(super) struct Person {
    pub(super) kept: Kept,
    pub(super) capability: Capability,
    pub(super) record: Option<Record>,
    /// Where the keys of their names are kept.
    pub(super) store: Option<Store>,
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
        reached: Reached,
        address: &Address,
        entry: Entry,
        options: &Options,
        theme: Theme,
        person: Person,
    ) -> Result<Self, Failure> {
        let set_up = || {
            let poll = Poll::new()?;
            let mut signals = Signals::new([SIGWINCH, SIGCONT, SIGTERM, SIGHUP, SIGINT, SIGQUIT])?;
            let registry = poll.registry();
            registry.register(&mut signals, SIGNALS, Interest::READABLE)?;
            let input = Input::register(registry, INPUT)?;
            let output = Output::register(registry, OUTPUT)?;
            let link = Link::new(reached, address.clone(), registry, SERVER)?;
            let terminal = Terminal::take_over()?;
            let view = View::new(terminal.size(), options, theme);
            let mut view = view.with(person.record, person.store);
            let desk = Desk {
                kept: person.kept,
                capability: person.capability,
                terminal,
                server: address.to_string(),
            };
            desk.begin(&mut view);
            io::Result::Ok(Self {
                poll,
                signals,
                input,
                output,
                view,
                desk,
                talk: Talk::new(link, entry, options.plain),
                leaving: None,
                resumed: false,
                no_reconnect: options.no_reconnect,
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
        drop(self.show_all());
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
                SERVER => self.talk.link.note(event),
                INPUT => self.input.set_ready(),
                OUTPUT => self.output.set_ready(),
                _ => signalled = true,
            }
        }
        if signalled {
            self.hear_signals()?;
        }
        if self.input.is_ready() {
            self.take_keys()?;
        }
        self.talk.link.tick(self.poll.registry(), Instant::now());
        if self.wants_more() {
            self.receive()?;
        } else {
            self.view.pass_quiet_turn();
        }
        self.talk.send(&mut self.view);
        self.check_leaving()?;
        self.set_bottom();
        self.show()
    }

    /// Returns whether the server is to be read from.
    fn wants_more(&self) -> bool {
        self.talk.link.is_readable() && self.view.editor.due_bytes() < DUE_BYTES_MAX
    }

    /// Writes to the terminal what it has to be told, as far as it takes it.
    fn show(&mut self) -> Result<(), End> {
        self.output.write(&[]).map_err(hung_up)?;
        // What it shows next is drawn only when it can be shown.
        if self.output.waiting() > 0 {
            return Ok(());
        }
        let output = self.view.editor.take_output();
        self.output.write(&output).map_err(hung_up)
    }

    /// Shows all lines without the one being typed, if the terminal takes them soon.
    fn show_all(&mut self) -> Result<(), End> {
        let output = self.view.editor.take_output_wiped();
        self.output.write(&output).map_err(hung_up)?;
        self.output.finish(Some(SHOWING_MAX)).map_err(hung_up)
    }

    /// Returns how long nothing happens by itself; forever on an idle connection.
    fn idle_for(&self) -> Option<Duration> {
        let shows_more = self.view.editor.due_bytes() > 0 && self.output.waiting() == 0;
        if self.wants_more() || shows_more || self.view.is_curious() {
            return Some(Duration::ZERO);
        }
        let now = Instant::now();
        let leaving = self
            .leaving
            .map(|until| until.saturating_duration_since(now));
        // The countdown goes on each second.
        let link = &self.talk.link;
        let second = link.next_try(now).map(|left| {
            let part = Duration::from_nanos(left.subsec_nanos().into());
            part + Duration::from_millis(1)
        });
        let waits = [link.idle_for(now), leaving, second];
        waits.into_iter().flatten().min()
    }

    fn receive(&mut self) -> Result<(), End> {
        let Some(how) = self.talk.receive(&mut self.view) else {
            return Ok(());
        };
        if self.leaving.is_some() || self.talk.session.is_quitting() {
            return Err(End::Done);
        }
        if self.no_reconnect {
            let server = &self.desk.server;
            return Err(failed(format!(
                "the connection to {server} is lost ({how})"
            )));
        }
        self.talk.lose(&how, &mut self.view);
        Ok(())
    }

    fn hear_signals(&mut self) -> Result<(), End> {
        let signals: Vec<_> = self.signals.pending().collect();
        for signal in signals {
            match signal {
                SIGWINCH => self.view.editor.resize(self.desk.terminal.size()),
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
        let now = Instant::now();
        let requests = self.view.editor.feed(&keys[..count]);
        if !matches!(requests[..], [Request::Focus(_)]) {
            self.view.see();
            if self.talk.link.is_resting() {
                self.talk.link.try_now(now);
            }
        }
        for request in requests {
            match request {
                Request::Send(line) => self.take_line(line),
                Request::Focus(focused) => self.view.focus(focused),
                Request::Nothing => self.talk.link.try_now(now),
                Request::Overflow => self
                    .view
                    .tell("That is too much at once; some was left out."),
                Request::Suspend => self.suspend()?,
                Request::Leave => self.leave()?,
            }
        }
        Ok(())
    }

    fn take_line(&mut self, line: String) {
        // Whatever it is, it is for the server alone.
        if self.talk.session.asks_password() {
            return self.talk.take_line(line, &mut self.view);
        }
        match Own::parse(&line) {
            None => {}
            // The room has commands of its own to tell of.
            Some(own @ Own::Help) => self.desk.obey(&own, &mut self.view),
            Some(own) => {
                self.view.show_typed(&line);
                return self.desk.obey(&own, &mut self.view);
            }
        }
        self.talk.take_line(line, &mut self.view);
    }

    /// Stops as Ctrl-Z does anywhere, and goes on when the shell says so.
    fn suspend(&mut self) -> Result<(), End> {
        self.show_all()?;
        self.desk.terminal.restore();
        // Where there is no shell to go back to, the kernel ignores this and we go on at once.
        if kill_current_process_group(Signal::TSTP).is_err() {
            self.view.tell("This terminal can't be suspended.");
        }
        self.resumed = true;
        self.resume()
    }

    fn resume(&mut self) -> Result<(), End> {
        self.desk.terminal.make_raw().map_err(|_| End::Done)?;
        self.view.take_back();
        Ok(())
    }

    /// Leaves once everything is sent; at once when asked again or nobody is there to send it to.
    fn leave(&mut self) -> Result<(), End> {
        if self.leaving.is_some() || !self.talk.link.is_up() {
            return Err(End::Done);
        }
        self.leaving = Some(Instant::now() + LEAVING_MAX);
        Ok(())
    }

    fn check_leaving(&mut self) -> Result<(), End> {
        let Some(until) = self.leaving else {
            return Ok(());
        };
        if !self.talk.link.is_up() || until <= Instant::now() {
            return Err(End::Done);
        }
        if self.talk.session.is_sent() {
            self.talk.link.finish();
        }
        Ok(())
    }
}

fn hung_up(_: io::Error) -> End {
    End::Done
}

fn failed(message: String) -> End {
    End::Failed(Failure::new(message))
}
