//! The password of the room, which everybody is asked for before the name where there is one.

use std::collections::BTreeSet;

use super::connections::Connections;
use crate::room::access::{Answer, KeyHash};
use crate::room::{Audience, Effect, MemberId, Notice};
use crate::stream::Stream;
use crate::wire::Encoding;
use crate::wire::json::Message;

/// What is kept of the password, if there is one, and who has still to give it.
#[derive(Debug, Default)]
pub(super) struct Password {
    hash: Option<KeyHash>,
    strangers: BTreeSet<MemberId>,
}

impl Password {
    /// Sets what is kept of the password, if there is one. Who has given another has given one.
    pub(super) fn set(&mut self, hash: Option<KeyHash>) {
        self.hash = hash;
    }

    /// Returns whether a newcomer has to give it, and takes note of that.
    pub(super) fn is_needed_of(&mut self, id: MemberId) -> bool {
        let needed = self.hash.is_some();
        if needed {
            self.strangers.insert(id);
        }
        needed
    }

    /// Returns whether a connection has still to give it.
    pub(super) fn is_asked_of(&self, id: MemberId) -> bool {
        !self.strangers.is_empty() && self.strangers.contains(&id)
    }

    /// Forgets a connection that has ended, or has given it.
    pub(super) fn leave(&mut self, id: MemberId) {
        self.strangers.remove(&id);
    }
}

impl<S: Stream> Connections<S> {
    /// Takes a line for the password, and returns whether a name is to be asked for now.
    pub(super) fn try_password(&mut self, id: MemberId, line: &[u8]) -> bool {
        let answer = if !self.password.is_asked_of(id) {
            // A program may say it where none is needed.
            self.tell_message(id, &Message::Password { needed: false });
            return false;
        } else if let Some(wait_s) = self.try_wait_s(id) {
            Answer::TooManyTries { wait_s }
        } else if self
            .password
            .hash
            .is_none_or(|hash| hash == KeyHash::of(line))
        {
            self.password.leave(id);
            if self.slots.encoding(id) == Encoding::Json {
                self.tell_message(id, &Message::Password { needed: false });
                return false;
            }
            return true;
        } else {
            Answer::WrongPassword
        };
        self.push(id, Effect::Notice(Notice::Access(answer)));
        self.push(id, Effect::AskPassword);
        false
    }
}
