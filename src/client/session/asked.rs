//! What the shells ask of a conversation.

use std::time::Instant;

use super::super::entry::Entry;
use super::super::incoming::FRAGMENT_MAX_BYTES;
use super::super::outbox::Outbox;
use super::{Away, Session, Speech, Told, Wants};
use crate::failure::Failure;

impl Session {
    /// Makes ready for the next connection after this one was lost.
    pub(in crate::client) fn lose(&mut self, now: Instant) {
        if self.away.is_none() && !self.entry.asks() && !self.asks_password() {
            self.away = Some(Away {
                since: now,
                refused: None,
            });
        }
        self.entry.come_back();
        self.renew();
    }

    /// Makes ready for the next connection after [`Wants::StartOver`].
    pub(in crate::client) fn start_over(&mut self) {
        self.entry.come_back();
        self.renew();
    }

    /// Takes the next thing to tell the person.
    pub(in crate::client) fn take_told(&mut self) -> Option<Told> {
        self.told.pop_front()
    }

    /// Returns the bytes to be sent; who has sent some takes them out.
    pub(in crate::client) fn out(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// Returns what is to become of the connection, if it is not to stay.
    pub(in crate::client) fn wants(&self) -> Option<Wants> {
        self.wants
    }

    /// Returns the name the person goes by or wants to.
    pub(in crate::client) fn name(&self) -> &str {
        self.entry.name()
    }

    /// Returns whether it is the person's turn to give a name.
    pub(in crate::client) fn asks_name(&self) -> bool {
        self.entry.asks()
    }

    /// Returns whether the person is in the room.
    pub(in crate::client) fn is_inside(&self) -> bool {
        self.entry.is_inside()
    }

    /// Returns whether the connection is lost and we are not back yet.
    pub(in crate::client) fn is_away(&self) -> bool {
        self.away.is_some()
    }

    /// Returns whether the name to come back under is somebody's.
    pub(in crate::client) fn is_held(&self) -> bool {
        self.away
            .as_ref()
            .is_some_and(|away| away.refused.is_some())
    }

    /// Returns whether input passes as it is, by [`pass`](Self::pass).
    pub(in crate::client) fn speaks_lines(&self) -> bool {
        matches!(self.speech, Speech::Lines(_))
    }

    /// Returns whether input of so many bytes may come.
    pub(in crate::client) fn wants_input(&self, bytes: usize) -> bool {
        (self.entry.is_open() || self.asks_password())
            && self.out.is_empty()
            && match &self.speech {
                Speech::Opening(..) => false,
                // What came before the password that is known would be taken for it.
                Speech::Lines(_) => self.giving.has_heard || !self.entry.knows_password(),
                // A line may have started before.
                Speech::Objects(..) => {
                    self.outbox.first_unsent().is_none()
                        && self.outbox.has_place(bytes + FRAGMENT_MAX_BYTES)
                }
            }
    }

    /// Returns whether everything was sent.
    pub(in crate::client) fn is_all_sent(&self) -> bool {
        self.outbox.first_unsent().is_none() && self.out.is_empty()
    }

    /// Returns whether everything was sent, and the server has it as far as it says.
    pub(in crate::client) fn is_sent(&self) -> bool {
        self.outbox.is_empty() && self.out.is_empty()
    }

    /// Returns whether we asked the server to let us go.
    pub(in crate::client) fn is_quitting(&self) -> bool {
        self.is_quitting
    }

    /// Returns the number of the last line taken; the first is 1.
    pub(in crate::client) fn lines(&self) -> u64 {
        self.lines
    }

    /// Returns why the name was refused, once.
    pub(in crate::client) fn take_refusal(&mut self) -> Option<Failure> {
        self.refusal.take()
    }

    /// Returns the lines that wait: to be sent, or for the server's word that it has them.
    pub(in crate::client) fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    /// Returns the talk about the name.
    pub(in crate::client) fn entry(&self) -> &Entry {
        &self.entry
    }
}
