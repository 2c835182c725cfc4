//! The conversation of a script that speaks in objects itself (`--json`).

use std::borrow::Cow;
use std::mem;

use super::super::incoming::Fragment;
use super::super::outbox::Line;
use super::{Place, Session, Told};
use crate::client::entry::Entry;
use crate::room::access::Key;
use crate::wire::json::{Message, Request, Resume};

impl Session {
    /// Returns the conversation before its first connection; what the server tells is kept as it
    /// comes.
    pub(in crate::client) fn of_script(entry: Entry) -> Self {
        Self {
            raw: Some(Vec::new()),
            ..Self::new(entry, false, false)
        }
    }

    /// Takes a line of the script's: an object, or what a person would type. A line without an id
    /// is not acknowledged.
    pub(in crate::client) fn take_request(&mut self, fragment: Fragment) {
        let is_line = fragment.starts && fragment.ends;
        if !is_line || !fragment.text.starts_with('{') {
            if is_line && !self.asks_name() && !self.asks_password() {
                self.lines += 1;
                // There is place for it: the input was asked for.
                self.outbox.push_as(None, self.lines, fragment.text);
                return;
            }
            return self.take_fragment(fragment);
        }
        match Request::parse(fragment.text.as_bytes()) {
            Ok(Request::Line { id, line }) => {
                self.lines += 1;
                let id = id.map(Cow::into_owned);
                self.outbox.push_as(id, self.lines, line.into_owned());
            }
            Ok(Request::Password(password)) if self.asks_password() => {
                self.give_password(&password);
            }
            Ok(Request::Name(name)) if self.asks_name() => {
                self.take_line(name.into_owned());
            }
            Ok(Request::Keeper { name, key }) if self.asks_name() => {
                self.take_line(format!("{name} {key}"));
            }
            Ok(Request::Resume(resume)) if self.asks_name() => {
                let Resume {
                    boot,
                    seq,
                    name,
                    token,
                    key,
                } = resume;
                if let Some(key) = key.and_then(|key| Key::parse(&key)) {
                    self.entry.secrets().learn(&name, key);
                }
                self.place = Some(Place {
                    boot: boot.into_owned(),
                    seq,
                    token: token.map(Cow::into_owned),
                });
                self.take_line(name.into_owned());
            }
            Ok(Request::Password(_)) => self.answer(&Message::Error {
                code: "no-password".into(),
                text: "No password is asked for.".into(),
                id: None,
            }),
            Ok(Request::Name(_) | Request::Keeper { .. } | Request::Resume(_)) => {
                self.answer(&Message::Error {
                    code: "has-name".into(),
                    text: "You have a name.".into(),
                    id: None,
                });
            }
            Err(malformed) => self.answer(&malformed.message()),
        }
    }

    /// Returns what there is to tell the script, in objects.
    pub(in crate::client) fn take_raw(&mut self) -> Vec<u8> {
        while let Some(told) = self.take_told() {
            // All else the server has told by an object.
            if let Told::Refused {
                line: Some(line),
                why,
            } = told
                && !line.was_sent
            {
                self.refuse(&line, &why);
            }
        }
        self.raw.as_mut().map(mem::take).unwrap_or_default()
    }

    /// Tells of a line that the server was not even sent.
    fn refuse(&mut self, line: &Line, why: &str) {
        self.answer(&Message::Error {
            code: "line-too-long".into(),
            text: why.into(),
            id: line.id.as_deref().map(Into::into),
        });
    }

    fn answer(&mut self, message: &Message<'_>) {
        if let Some(raw) = &mut self.raw {
            message.put(raw);
        }
    }
}
