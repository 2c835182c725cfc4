//! What a conversation keeps to itself: keys that answer the question for a name, and the password.

use std::time::Instant;

use super::super::entry::{Answer, Entry};
use super::super::event::Event;
use super::super::notices::{self, NOT_KEPT, WRONG_KEY};
use super::super::secrets;
use super::{Session, Speech, Told, told_event};
use crate::line::command::Command;
use crate::room::access::Key;
use crate::wire::json::{Request, Resume};
use crate::wire::plain::KEY_LINES;

/// How far the talk about the password and the key is, on one connection.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a step that was taken or not"
)]
pub(super) struct Giving {
    /// The server waits for the password before anything else.
    pub(super) is_locked: bool,
    /// It is the person's turn to give the password.
    asks: bool,
    /// The server has said something: who asks for a password asks for it first.
    pub(super) has_heard: bool,
    /// A password was given.
    has_given: bool,
    /// The last name was given with its key.
    with_key: bool,
}

/// What a person is told whose line has a key in it.
const HAS_KEY: &str =
    "Not sent: there is a key in it, which is nobody else's business. /nick NAME KEY uses one.";

impl Session {
    /// Returns whether it is the person's turn to give the password of the room.
    pub(in crate::client) fn asks_password(&self) -> bool {
        self.giving.asks
    }

    /// Hears whether the password is needed, or was right.
    pub(super) fn hear_password(&mut self, is_needed: bool, now: Instant) {
        if is_needed {
            self.hear_password_asked();
        } else if std::mem::take(&mut self.giving.is_locked) {
            self.feed(&Event::Prompt, told_event(Event::Prompt), now);
        }
    }

    /// Answers the question for the password, or lets the person answer.
    pub(super) fn hear_password_asked(&mut self) {
        self.giving.is_locked = true;
        if self.giving.has_given {
            self.entry.secrets().set_password(None);
            self.refusal = Some(Entry::refused_password());
        }
        if let Some(password) = self.entry.secrets().password().map(str::to_owned) {
            self.put_password(&password);
        } else {
            self.giving.asks = true;
            self.told.push_back(told_event(Event::AskPassword));
        }
    }

    /// Takes the password that the person gives; it is given again on each connection.
    pub(super) fn give_password(&mut self, password: &str) {
        self.giving.asks = false;
        let password = password.to_owned();
        self.put_password(&password);
        self.entry.secrets().set_password(Some(password));
    }

    fn put_password(&mut self, password: &str) {
        self.giving.has_given = true;
        match self.speech {
            Speech::Objects(..) => Request::Password(password.into()).put(&mut self.out),
            Speech::Lines(_) | Speech::Opening(..) => self.put_line(password),
        }
    }

    /// Returns the name in `line`, which may give its key, too, and remembers that.
    pub(super) fn learn_key(&mut self, line: &str) -> String {
        let (name, key) = secrets::split(line);
        if let Some(key) = key {
            self.entry.secrets().learn(name, key);
        }
        name.to_owned()
    }

    /// Returns whether a line may be sent as it is; else the person is told why not. A key in it is
    /// remembered where one belongs.
    pub(super) fn may_send(&mut self, line: &str) -> bool {
        if !secrets::has_key(line) {
            return true;
        }
        if let Command::Nick(claim) = Command::parse(line)
            && secrets::split(claim).1.is_some()
        {
            self.learn_key(claim);
            return true;
        }
        if self.is_typed {
            self.told.push_back(Told::Word(HAS_KEY.to_owned()));
        }
        !self.is_typed
    }

    /// Gives the name to the server, with its key if that is known.
    pub(super) fn give_name(&mut self, name: &str) {
        let key = self.entry.secrets().key(name).map(Key::reveal);
        self.giving.with_key = key.is_some();
        match (&self.speech, &self.place, key) {
            (Speech::Objects(..), Some(place), key) => {
                let resume = Resume {
                    boot: place.boot.as_str().into(),
                    seq: place.seq,
                    name: name.into(),
                    token: place.token.as_deref().map(Into::into),
                    key: key.map(Into::into),
                };
                Request::Resume(resume).put(&mut self.out);
            }
            (Speech::Objects(..), None, Some(key)) => {
                let (name, key) = (name.into(), key.into());
                Request::Keeper { name, key }.put(&mut self.out);
            }
            (Speech::Objects(..), None, None) => Request::Name(name.into()).put(&mut self.out),
            (Speech::Lines(_) | Speech::Opening(..), _, Some(key)) => {
                self.put_line(&format!("{name} {key}"));
            }
            (Speech::Lines(_) | Speech::Opening(..), _, None) => self.put_line(name),
        }
        if self.away.is_none() {
            self.told.push_back(Told::Name(name.to_owned()));
        }
    }

    /// Returns what the server's answer to a name comes to: one that isn't kept any more is given
    /// once more without its key, and a wrong key not again.
    pub(super) fn after_key(&mut self, answer: Option<Answer>) -> Option<Answer> {
        if answer != Some(Answer::Refused) || !self.giving.with_key {
            return answer;
        }
        let name = self.entry.name().to_owned();
        if self.entry.notice().starts_with(WRONG_KEY) {
            self.entry.secrets().forget(&name);
        } else if self.entry.notice().starts_with(NOT_KEPT) {
            self.entry.secrets().forget(&name);
            return self.entry.give_again();
        }
        answer
    }

    /// Takes note of what a notice tells of our own keys; returns whether that is all the person has
    /// to know of it.
    pub(super) fn note_keys(&mut self, notice: &str) -> bool {
        if let Some(name) = notices::unkept(notice) {
            self.entry.secrets().forget(name);
            self.told.push_back(Told::Unkept(name.to_owned()));
        }
        let [first, second] = KEY_LINES;
        let keeps = self.entry.secrets().keeps();
        if let Some(claim) = notice.strip_prefix(second)
            && let (name, Some(key)) = secrets::split(claim)
        {
            self.entry.secrets().learn(name, key);
            if keeps {
                let name = name.to_owned();
                self.told.push_back(Told::Key { name, key });
            }
            return keeps;
        }
        keeps && notice.starts_with(first)
    }
}
