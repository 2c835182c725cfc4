//! What the two sides say to each other, and what happens when they lose sight of each other.

use std::mem;
use std::time::Instant;

use super::super::entry::Answer;
use super::super::incoming::{Fragment, Incoming};
use super::super::link::Received;
use super::super::theme::{self, Heard};
use super::{End, Live, failed};
use crate::line::command::Command;

/// How often a name that was ours may be refused when we come back, before the person is asked:
/// the server may need a while to notice that the old connection is dead.
const REFUSALS_MAX: u32 = 5;

/// The time between two stays in the room.
#[derive(Debug)]
pub(super) struct Away {
    since: Instant,
    refusals: u32,
}

impl Live {
    pub(super) fn receive(&mut self) -> Result<(), End> {
        let mut scratch = mem::take(&mut self.scratch);
        let received = self.link.receive(&mut scratch);
        if let Received::Bytes(count) = received {
            let mut input = &scratch[..count];
            while let Some(fragment) = self.incoming.take(&mut input) {
                self.hear(&fragment);
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

    fn hear(&mut self, fragment: &Fragment) {
        match fragment.whole().and_then(|line| self.entry.heard(line)) {
            Some(Answer::Send(name)) => self.name_due = Some(name),
            Some(Answer::Refused) if self.away.is_some() => return self.retry_name(),
            Some(Answer::Entered) => {
                self.link.settle();
                if let Some(away) = self.away.take() {
                    return self.tell_back(&away);
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
        self.show(fragment);
    }

    /// Comes back later with the name that is refused now, or leaves it to the person.
    fn retry_name(&mut self) {
        let refusals = self.away.as_mut().map_or(0, |away| {
            away.refusals += 1;
            away.refusals
        });
        if refusals <= REFUSALS_MAX {
            self.entry.retry_name();
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
        if let Some(fragment) = self.incoming.rest() {
            self.show(&fragment);
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

    /// Takes a line that the person typed: a name when it is their turn to give one.
    pub(super) fn take_line(&mut self, line: String) {
        if self.entry.asks() {
            if self.entry.give(&line) {
                self.name_due = Some(line);
            }
        } else if !self.outbox.push(line) {
            self.tell("Not kept: too much waits already; press Up to get it back.");
        }
    }

    /// Sends what waits, as far as it goes, and shows what is sent.
    pub(super) fn send(&mut self) {
        if let Some(name) = &self.name_due {
            if !self.link.send(name) {
                return;
            }
            if self.away.is_none() {
                let shown = self.theme.dim(&format!("you: {name}"));
                self.print(&shown);
            }
            self.name_due = None;
        }
        while self.entry.is_inside()
            && let Some(line) = self.outbox.first()
        {
            if !self.link.send(line) {
                return;
            }
            let line = self.outbox.pop().unwrap_or_default();
            self.quitting = Command::parse(&line) == Command::Quit;
            let shown = self.theme.show_own(&line);
            self.print(&shown);
        }
    }

    fn show(&mut self, fragment: &Fragment) {
        let heard = fragment.whole().map_or(Heard::Other, Heard::parse);
        self.learn(&heard, &fragment.text);
        let coming = matches!(
            heard,
            Heard::Came(_) | Heard::Left(_) | Heard::Renamed { .. }
        );
        if coming && self.options.quiet {
            return;
        }
        let shown = self.theme.show(&fragment.text, &heard, self.entry.name());
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
                for name in theme::names_listed(line) {
                    self.editor.hear_of(name);
                }
            }
            Heard::Prompt | Heard::Greeting | Heard::Other => {}
        }
    }

    /// Tells the person something that no server said.
    pub(super) fn tell(&mut self, text: &str) {
        let line = self.theme.dim(&format!("* {text}"));
        self.print(&line);
    }

    fn print(&mut self, line: &str) {
        if self.options.timestamps {
            let time = self.theme.dim(self.clock.now());
            self.editor.print(&format!("{time} {line}"));
        } else {
            self.editor.print(line);
        }
    }
}
