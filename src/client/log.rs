//! The log of a talk in plain lines: what came, and what was sent.

use std::io::{Write, stderr};

use super::entry::Entry;
use super::event::Event;
use super::incoming::{Fragment, Incoming};
use super::record::Record;

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
        if let Some(record) = &mut self.record {
            complain(record.event(&Event::of(fragment)));
        }
    }

    /// Keeps what is sent to the server.
    pub(super) fn send(&mut self, mut bytes: &[u8], entry: &Entry) {
        let Some(record) = &mut self.record else {
            return;
        };
        while let Some(fragment) = self.sent.take(&mut bytes) {
            if !entry.is_inside() {
                self.name = fragment.text;
                continue;
            }
            let name = match entry.name() {
                "" => self.name.trim(),
                name => name,
            };
            complain(record.own(&fragment.text, name));
        }
    }
}

fn complain(trouble: Option<String>) {
    if let Some(trouble) = trouble {
        // Nobody is left to tell if that fails, too.
        drop(writeln!(stderr(), "chatroom: {trouble}"));
    }
}
