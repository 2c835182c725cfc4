//! What is due without a word of the server, and when.

use std::time::Duration;

use super::{Client, FIRST_WORD_MAX, Happened, PING_AFTER, Phase, SILENCE_MAX};
use crate::tick::Tick;

impl Client {
    /// Does what is due, with or without a word of the server.
    pub fn tick(&mut self, now: Tick) {
        self.now = now;
        if matches!(self.phase, Phase::Off | Phase::Failed(_)) {
            return;
        }
        if now - self.heard >= self.silence_max() {
            return self.fail("the NATS server says nothing any more", false);
        }
        let greeted = matches!(self.phase, Phase::Setup(_) | Phase::Up);
        if greeted && now - self.heard >= PING_AFTER && now - self.pinged >= PING_AFTER {
            self.out.extend_from_slice(b"PING\r\n");
            self.pinged = now;
        }
        while let Some((counter, round)) = self.sent.pop_overdue(now) {
            let why = "the stream hasn't said that it has it".to_owned();
            self.happened.push_back(Happened::Refused {
                counter,
                round,
                why,
            });
        }
        self.give_up_questions();
        match self.phase {
            Phase::Setup(_) if self.ask_again.is_some_and(|at| at <= now) => self.ask_for_setup(),
            Phase::Up => self.tick_up(),
            _ => {}
        }
    }

    fn tick_up(&mut self) {
        if self.snapshots.is_due(self.now) {
            self.get_part(true);
        }
        if self.following.is_lost(self.now) {
            self.remark("the stream's consumer is silent: another one is asked for".to_owned());
            if self.following.refuse(self.now) {
                return self.fail("the stream's consumers are silent", false);
            }
        }
        self.follow();
    }

    fn silence_max(&self) -> Duration {
        match self.phase {
            Phase::Info { .. } => FIRST_WORD_MAX,
            _ => SILENCE_MAX,
        }
    }

    /// Returns when something is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Tick> {
        let silent = self.heard + self.silence_max();
        match self.phase {
            Phase::Off | Phase::Failed(_) => None,
            Phase::Info { .. } | Phase::Tls | Phase::Hello => Some(silent),
            Phase::Setup(_) | Phase::Up => {
                let ping = self.heard.max(self.pinged) + PING_AFTER;
                let question = self.questions.front().map(|(.., deadline)| *deadline);
                let (again, following) = if matches!(self.phase, Phase::Up) {
                    (self.snapshots.due(), self.following.deadline())
                } else {
                    (self.ask_again, None)
                };
                [
                    Some(silent),
                    Some(ping),
                    question,
                    again,
                    self.sent.deadline(),
                    following,
                ]
                .into_iter()
                .flatten()
                .min()
            }
        }
    }
}
