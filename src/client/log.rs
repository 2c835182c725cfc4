//! The log of a talk in plain lines: what came, and what was sent.

use std::io::{Write, stderr};

use super::entry::Entry;
use super::event::Event;
use super::incoming::{Fragment, Incoming};
use super::record::Record;
use super::secrets::split;

/// Keeps both sides of the talk in a record, if one is wanted.
#[derive(Debug)]
pub(super) struct Log {
    record: Option<Record>,
    sent: Incoming,
    /// The last line sent before the person was in the room: their name, unless it was given.
    name: String,
}

impl Log {
    /// Returns a log into `record`.
    pub(super) fn new(record: Option<Record>) -> Self {
        Self {
            record,
            sent: Incoming::default(),
            name: String::new(),
        }
    }

    /// Keeps what the server sent.
    pub(super) fn hear(&mut self, fragment: &Fragment) {
        if self.record.is_some() {
            self.event(&Event::of(fragment), None);
        }
    }

    /// Keeps what the server tells, and when it says it was.
    pub(super) fn event(&mut self, event: &Event, at_ms: Option<u64>) {
        if let Some(record) = &mut self.record {
            complain(record.event(event, at_ms));
        }
    }

    /// Keeps a line that the server has under the name of `me`.
    pub(super) fn own(&mut self, line: &str, me: &str, at_ms: Option<u64>) {
        if let Some(record) = &mut self.record {
            complain(record.own(line, me, at_ms));
        }
    }

    /// Keeps what is sent to the server as it is.
    pub(super) fn send(&mut self, mut bytes: &[u8], entry: &Entry) {
        let Some(record) = &mut self.record else {
            return;
        };
        while let Some(fragment) = self.sent.take(&mut bytes) {
            if !entry.is_inside() {
                // A key behind it is no part of it.
                split(&fragment.text).0.clone_into(&mut self.name);
                continue;
            }
            let name = match entry.name() {
                "" => self.name.trim(),
                name => name,
            };
            complain(record.own(&fragment.text, name, None));
        }
    }
}

fn complain(trouble: Option<String>) {
    if let Some(trouble) = trouble {
        // Nobody is left to tell if that fails, too.
        drop(writeln!(stderr(), "chatroom: {trouble}"));
    }
}
