//! What the two sides say to each other, and what happens when they lose sight of each other.

use std::mem;
use std::time::Instant;

use super::super::commands;
use super::super::entry::{Answer, Entry};
use super::super::event::{Event, Source};
use super::super::link::{Link, Received};
use super::super::outbox::Outbox;
use super::view::View;
use crate::line::command::Command;

/// Read from the server in one turn, at most: little enough for a slow terminal to show before the
/// next key is looked at.
const RECEIVE_BYTES: usize = 16 * 1024;

/// How often a name that was ours may be refused when we come back, before the person is asked:
/// the server may need a while to notice that the old connection is dead.
const REFUSALS_MAX: u32 = 5;

/// The talk with the server: over one connection, and after it is lost over the next.
pub(super) struct Talk {
    pub(super) link: Link,
    entry: Entry,
    source: Source,
    outbox: Outbox,
    /// The name to give, until it is sent.
    name_due: Option<String>,
    /// Since when the connection is lost; none once we are back.
    away: Option<Away>,
    /// We sent `/quit`.
    quitting: bool,
    scratch: Vec<u8>,
}

/// The time between two stays in the room.
#[derive(Debug)]
struct Away {
    since: Instant,
    refusals: u32,
}

impl Talk {
    /// Begins to talk over `link`.
    pub(super) fn new(link: Link, entry: Entry) -> Self {
        Self {
            link,
            entry,
            source: Source::default(),
            outbox: Outbox::default(),
            name_due: None,
            away: None,
            quitting: false,
            scratch: vec![0; RECEIVE_BYTES],
        }
    }

    /// Reads once and shows what came; says how the connection is lost, if it is. Either
    /// [`lose`](Self::lose) is next then, or the end.
    pub(super) fn receive(&mut self, view: &mut View) -> Option<String> {
        let mut scratch = mem::take(&mut self.scratch);
        let received = self.link.receive(&mut scratch);
        if let Received::Bytes(count) = received {
            let mut input = &scratch[..count];
            while let Some(event) = self.source.take(&mut input) {
                self.hear(&event, view);
                if !self.link.is_up() {
                    // Dropped on our side: the rest is of a talk that is over.
                    break;
                }
            }
        }
        self.scratch = scratch;
        match received {
            Received::Bytes(_) | Received::Later => None,
            Received::Lost(how) => {
                if let Some(event) = self.source.rest() {
                    view.show(&event, self.entry.name());
                }
                Some(how)
            }
        }
    }

    fn hear(&mut self, event: &Event, view: &mut View) {
        match self.entry.heard(event) {
            Some(Answer::Send(name)) => self.name_due = Some(name),
            Some(Answer::Refused) if self.away.is_some() => return self.retry_name(view),
            Some(Answer::Entered) => {
                self.link.reset_pause();
                if let Some(away) = self.away.take() {
                    return self.tell_back(&away, view);
                }
            }
            Some(Answer::Refused) | None => {}
        }
        if self.away.is_some() {
            if !self.entry.asks() {
                // What the server asks someone who comes back is answered without them.
                return;
            }
            self.away = None;
        }
        view.show(event, self.entry.name());
    }

    /// Comes back later with the name that is refused now, or leaves it to the person.
    fn retry_name(&mut self, view: &mut View) {
        let refusals = self.away.as_mut().map_or(0, |away| {
            away.refusals += 1;
            away.refusals
        });
        if refusals <= REFUSALS_MAX {
            self.entry.retry_name();
            self.drop_connection();
        } else {
            self.away = None;
            let notice = self.entry.notice();
            view.tell(&format!("{notice}. Type another name."));
        }
    }

    fn tell_back(&self, away: &Away, view: &mut View) {
        let seconds = away.since.elapsed().as_secs();
        let name = self.entry.name();
        view.expect_unread();
        view.tell_and_keep(&format!(
            "Back in the room as {name}; what was said in the {seconds} s between is missing here."
        ));
    }

    /// Makes ready for the next connection, after this one was lost as `how` says.
    pub(super) fn lose(&mut self, how: &str, view: &mut View) {
        if self.entry.asks() {
            // Nobody may be there to answer, and each connection asks anew.
            view.tell(&format!(
                "The connection is lost ({how}). Press a key to come back."
            ));
            self.drop_connection();
            self.entry.come_back();
            self.link.rest(Instant::now());
            return;
        }
        if self.away.is_none() {
            view.tell_and_keep(&format!(
                "The connection is lost ({how}). Coming back; what you send waits."
            ));
            self.away = Some(Away {
                since: Instant::now(),
                refusals: 0,
            });
        }
        self.entry.come_back();
        self.drop_connection();
    }

    fn drop_connection(&mut self) {
        self.link.lose(Instant::now());
        self.source = Source::default();
        self.name_due = None;
    }

    /// Takes a line that the person typed: a name when it is their turn to give one.
    /// Whoever sends something while offline wants to be back.
    pub(super) fn take_line(&mut self, line: String, view: &mut View) {
        self.link.try_now(Instant::now());
        if self.entry.asks() {
            if self.entry.give(&line) {
                self.name_due = Some(line);
            }
        } else if !self.outbox.push(line) {
            view.tell("Not kept: too much waits already; press Up to get it back.");
        }
    }

    /// Sends what waits, as far as it goes, and shows what is sent.
    pub(super) fn send(&mut self, view: &mut View) {
        if let Some(name) = &self.name_due {
            if !self.link.send(name) {
                return;
            }
            if self.away.is_none() {
                view.show_typed(name);
            }
            self.name_due = None;
        }
        while self.entry.is_inside()
            && let Some(line) = self.outbox.first()
        {
            let line = commands::to_send(line);
            if !self.link.send(&line) {
                return;
            }
            self.quitting = Command::parse(&line) == Command::Quit;
            view.show_own(&line, self.entry.name());
            self.outbox.pop();
        }
    }

    /// Returns whether the connection is lost and we are not back yet.
    pub(super) fn is_away(&self) -> bool {
        self.away.is_some()
    }

    /// Returns whether we asked the server to let us go.
    pub(super) fn is_quitting(&self) -> bool {
        self.quitting
    }

    /// Returns whether everything is sent.
    pub(super) fn is_sent(&self) -> bool {
        self.outbox.is_empty() && self.name_due.is_none()
    }

    /// Returns the rows that show what waits.
    pub(super) fn waiting_rows(&self) -> Vec<String> {
        self.outbox.rows()
    }

    /// Takes the next line that was never sent.
    pub(super) fn take_unsent(&mut self) -> Option<String> {
        self.outbox.pop()
    }
}
