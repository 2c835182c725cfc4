//! What the person gives a conversation: lines, one of which may be a name.

use super::super::commands;
use super::super::incoming::Fragment;
use super::{Session, Speech, Told};
use crate::line::command::Command;

impl Session {
    /// Takes a line of the person's: a name when it is their turn to give one, and another name
    /// when they ask for that while theirs is held. Returns `false` if too much waits already.
    pub(in crate::client) fn take_line(&mut self, line: String) -> bool {
        self.lines += 1;
        if self.asks_password() {
            self.give_password(&line);
            return true;
        }
        if self.entry.asks() {
            let name = self.learn_key(&line);
            if self.entry.give(&name) {
                self.give_name(&name);
            }
            return true;
        }
        if self
            .away
            .as_ref()
            .is_some_and(|away| away.refused.is_some())
            && let Command::Nick(name) = Command::parse(&line)
        {
            let name = self.learn_key(name);
            self.entry.rename(&name);
            return true;
        }
        if !self.may_send(&line) {
            return true;
        }
        self.outbox.push(self.lines, line)
    }

    /// Takes a line of the input that may be too long to be one.
    pub(in crate::client) fn take_fragment(&mut self, fragment: Fragment) {
        if fragment.starts && fragment.ends {
            // There is place for it: the input was asked for.
            self.take_line(fragment.text);
        } else if fragment.starts {
            self.lines += 1;
            self.refuse_long(fragment.text);
        }
    }

    /// Sends bytes as they are, to a server that is spoken to in lines.
    pub(in crate::client) fn pass(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Puts into [`out`](Self::out) what may be sent by now, and tells what was.
    pub(in crate::client) fn pump(&mut self) {
        match &self.speech {
            Speech::Objects(..) => self.pump_objects(),
            // A line counts as sent when the whole of it is.
            Speech::Lines(_) if self.entry.is_inside() && self.out.is_empty() => {
                if self.outbox.unanswered() > 0
                    && let Some(line) = self.outbox.pop()
                {
                    let line = commands::to_send(self.is_typed, &line.text).into_owned();
                    self.is_quitting = Command::parse(&line) == Command::Quit;
                    self.told.push_back(Told::Own {
                        line,
                        time_ms: None,
                    });
                }
                if let Some(line) = self.outbox.first_unsent() {
                    let line = commands::to_send(self.is_typed, &line.text).into_owned();
                    self.put_line(&line);
                    self.outbox.mark_sent();
                }
            }
            Speech::Lines(_) | Speech::Opening(..) => {}
        }
    }
}
