//! The one order of what happens to the room, and the time of day.

use smol_str::SmolStr;

use crate::wire::Stamp;

/// Numbers the room's events, and tells when each happened.
///
/// The numbers mean something within one start of the server, which its *boot* id names.
#[derive(Debug)]
pub(super) struct Order {
    boot: SmolStr,
    seq: u64,
    time_ms: u64,
}

impl Order {
    /// Returns the order of a room to which nothing has happened.
    pub(super) fn new(boot: &str) -> Self {
        Self {
            boot: boot.into(),
            seq: 0,
            time_ms: 0,
        }
    }

    /// Returns the name of this start of the server.
    pub(super) fn boot(&self) -> &str {
        &self.boot
    }

    /// Sets the time of day, in milliseconds since 1970 (UTC). One that goes back is taken to stand
    /// still: no event happens before those before it.
    pub(super) fn set_time_ms(&mut self, time_ms: u64) {
        self.time_ms = self.time_ms.max(time_ms);
    }

    /// Returns the time of day, in milliseconds since 1970 (UTC).
    pub(super) fn time_ms(&self) -> u64 {
        self.time_ms
    }

    /// Returns the stamp of an event that happened at a certain time, before the server was started.
    pub(super) fn next_at(&mut self, time_ms: u64) -> Stamp {
        Stamp {
            time_ms,
            ..self.next()
        }
    }

    /// Returns the number of the last event.
    pub(super) fn seq(&self) -> u64 {
        self.seq
    }

    /// Sets the number of the last event, where it is known from elsewhere.
    pub(super) fn set_seq(&mut self, seq: u64) {
        self.seq = seq;
    }

    /// Returns the stamp of one more event.
    pub(super) fn next(&mut self) -> Stamp {
        self.seq += 1;
        Stamp {
            seq: self.seq,
            time_ms: self.time_ms,
        }
    }
}
