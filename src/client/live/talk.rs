//! What the two sides say to each other, and what happens when they lose sight of each other.

use std::mem;
use std::time::Instant;

use super::super::entry::Entry;
use super::super::link::{Link, Received};
use super::super::session::{Session, Wants};
use super::view::View;

/// Read from the server in one turn, at most: little enough for a slow terminal to show before the
/// next key is looked at.
const RECEIVE_BYTES: usize = 16 * 1024;

/// The conversation with the server, on the way to it.
pub(super) struct Talk {
    pub(super) link: Link,
    pub(super) session: Session,
    scratch: Vec<u8>,
}

impl Talk {
    /// Begins to talk over `link`; in lines if `is_plain`.
    pub(super) fn new(link: Link, entry: Entry, is_plain: bool) -> Self {
        Self {
            link,
            session: Session::new(entry, is_plain, true),
            scratch: vec![0; RECEIVE_BYTES],
        }
    }

    /// Reads once and shows what came; says how the connection is lost, if it is. Either
    /// [`lose`](Self::lose) is next then, or the end.
    pub(super) fn receive(&mut self, view: &mut View) -> Option<String> {
        let mut scratch = mem::take(&mut self.scratch);
        let received = self.link.receive(&mut scratch);
        if let Received::Bytes(count) = received {
            self.session.hear(&scratch[..count], Instant::now());
            self.show(view);
        }
        self.scratch = scratch;
        if self.session.is_inside() {
            self.link.reset_pause();
        }
        match self.session.wants() {
            Some(Wants::StartOver) => {
                self.link.lose(Instant::now());
                self.link.try_now(Instant::now());
                self.session.start_over();
            }
            Some(Wants::Pause) => {
                self.link.lose(Instant::now());
                self.session.lose(Instant::now());
            }
            None => {}
        }
        match received {
            Received::Bytes(_) | Received::Later => None,
            Received::Lost(how) => {
                self.session.hear_end();
                self.show(view);
                Some(how)
            }
        }
    }

    /// Makes ready for the next connection, after this one was lost as `how` says.
    pub(super) fn lose(&mut self, how: &str, view: &mut View) {
        let now = Instant::now();
        if self.session.asks_name() || self.session.asks_password() {
            // Nobody may be there to answer, and each connection asks anew.
            view.tell(&format!(
                "The connection is lost ({how}). Press a key to come back."
            ));
            self.link.rest(now);
        } else {
            if !self.session.is_away() {
                view.tell_and_keep(&format!(
                    "The connection is lost ({how}). Coming back; what you send waits."
                ));
            }
            self.link.lose(now);
        }
        self.session.lose(now);
    }

    /// Takes a line that the person typed: a name when it is their turn to give one.
    /// Whoever sends something while offline wants to be back.
    pub(super) fn take_line(&mut self, line: String, view: &mut View) {
        self.link.try_now(Instant::now());
        if !self.session.take_line(line) {
            view.tell("Not kept: too much waits already; press Up to get it back.");
        }
    }

    /// Sends what waits, as far as it goes, and shows what is sent.
    pub(super) fn send(&mut self, view: &mut View) {
        loop {
            self.session.pump();
            let out = self.session.out();
            if out.is_empty() || !self.link.send(out) {
                break;
            }
        }
        self.show(view);
    }

    fn show(&mut self, view: &mut View) {
        while let Some(told) = self.session.take_told() {
            view.show(&told, self.session.name());
        }
    }
}
