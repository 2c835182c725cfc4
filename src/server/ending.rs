//! What signals ask for: to close the room, step by step, to read files anew, to say how it goes.

use std::time::Duration;

use log::{info, warn};
use signal_hook::consts::{SIGHUP, SIGUSR1};

use super::backplane::Shared;
use super::keeper::Kept;
use super::{Next, Server};
use crate::logging;
use crate::tick::Tick;

/// How far the room has come in closing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// It is open.
    Open,
    /// Nobody new comes in any more; it closes at a certain time.
    LameDuck(Tick),
    /// Everybody is sent what is owed, and goes.
    Closing,
}

/// The end of the room, which comes in steps. Each signal to end takes the next one.
#[derive(Debug)]
pub(super) struct Ending {
    lame_duck: Duration,
    grace: Duration,
    step: Step,
}

impl Ending {
    /// Returns the end of a room that goes on for `lame_duck` after the first signal, and waits for
    /// `grace` until what is owed has been sent.
    pub(super) fn new(lame_duck: Duration, grace: Duration) -> Self {
        Self {
            lame_duck,
            grace,
            step: Step::Open,
        }
    }

    /// Returns whether new people may come.
    pub(super) fn is_open(&self) -> bool {
        self.step == Step::Open
    }

    /// Returns whether the room is closing: it ends once nobody is there.
    pub(super) fn is_closing(&self) -> bool {
        self.step == Step::Closing
    }

    /// Returns when the next step is due.
    pub(super) fn deadline(&self) -> Option<Tick> {
        match self.step {
            Step::LameDuck(until) => Some(until),
            Step::Open | Step::Closing => None,
        }
    }
}

impl Server {
    /// Does what the signals that have come ask for.
    pub(super) fn signalled(&mut self, now: Tick) -> Next {
        for signal in self.signals.pending().collect::<Vec<_>>() {
            match signal {
                SIGUSR1 => self.report(),
                SIGHUP => self.reload(now),
                _ if self.take_next_step(now) == Next::Stop => return Next::Stop,
                _ => {}
            }
        }
        Next::Turn
    }

    /// Takes the next step towards the end.
    fn take_next_step(&mut self, now: Tick) -> Next {
        match self.ending.step {
            Step::Open if !self.ending.lame_duck.is_zero() => self.begin_lame_duck(now),
            Step::Open | Step::LameDuck(_) => self.begin_closing(),
            Step::Closing => {
                warn!(
                    "Closing at once: {} connections are cut off.",
                    self.hub.len()
                );
                return Next::Stop;
            }
        }
        Next::Turn
    }

    /// Lets nobody new in, and tells those who are there how long the room stays open.
    fn begin_lame_duck(&mut self, now: Tick) {
        let lame_duck = self.ending.lame_duck;
        self.ending.step = Step::LameDuck(now + lame_duck);
        self.shut_doors();
        self.tell_stopping(lame_duck + self.ending.grace);
        let words = format!("The chatroom closes in {} s.", lame_duck.as_secs());
        self.hub.announce(&words);
    }

    /// Closes the room if its time as a lame duck is over.
    pub(super) fn end_lame_duck(&mut self, now: Tick) {
        if self.ending.deadline().is_some_and(|until| until <= now) {
            self.begin_closing();
        }
    }

    fn begin_closing(&mut self) {
        info!(
            "The chatroom is closing: {} connections have {} s.",
            self.hub.len(),
            self.ending.grace.as_secs()
        );
        self.tell_stopping(self.ending.grace);
        self.ending.step = Step::Closing;
        self.shut_doors();
        self.hub.shut_down();
    }

    fn tell_stopping(&self, most: Duration) {
        if let Some(notifier) = &self.notifier {
            notifier.stopping(most);
        }
    }

    /// Reads anew what can be read anew. Nobody is dropped, whatever comes of it.
    fn reload(&mut self, now: Tick) {
        if let Some(notifier) = &self.notifier {
            notifier.reloading();
        }
        if let Some(certificates) = &mut self.certificates {
            certificates.reload(now);
        }
        match (self.reread)() {
            Ok(changed) => {
                logging::set_level(changed.log_level);
                self.hub.set_log_talk(changed.log_talk);
                info!("Reloaded: log-level and log-talk are as they are set now.");
            }
            Err(failure) => warn!("Not reloaded, all stays as it was: {failure}"),
        }
        self.keeper.reload(&mut self.hub);
        if let Some(notifier) = &mut self.notifier {
            notifier.ready(now);
        }
    }

    /// Says how it goes, and how it went so far.
    pub(super) fn report(&self) {
        let departing = match self.hub.departing() {
            0 => String::new(),
            departing => format!(", {departing} told to go"),
        };
        let refused = self.hub.counters().refused();
        let turned_away: u64 = refused.iter().map(|(_, count)| count).sum();
        info!(
            "{} connections, {} in the room{departing}{}{}; so far {} turned away, ended: {}; longest turn {:.1} ms, \
             under load {:.1} ms of processor time",
            self.hub.len(),
            self.hub.room().names().count(),
            Kept(self.hub.room().access()),
            Shared(self.hub.backplane_figures()),
            turned_away,
            self.hub.disconnects(),
            self.turns.longest.as_secs_f64() * 1e3,
            self.turns.most_worked.as_secs_f64() * 1e3,
        );
    }
}
