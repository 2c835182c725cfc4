//! What the room's members are sent: its events, written down once for everybody in each encoding.
//!
//! A [`Feed`] is one encoding of the room: its transcript, and who is slow to take it. [`Feeds`] are
//! all of them, what they have in common, and the one order in which they are written. What a
//! connection is owed is its cursor into a transcript and its [`splices`], which it keeps itself.

pub mod fan_out;
mod feeds;
pub mod history;
pub mod slow_readers;
pub mod splices;
pub mod transcript;

use std::ops::Range;
use std::time::Duration;

pub use self::feeds::{Ends, Feeds, Stands};
use self::slow_readers::{Behind, Sight, SlowReaders};
pub use self::transcript::Transcript;
use crate::room::MemberId;
use crate::tick::Tick;

/// What may differ from room to room.
#[derive(Debug, Clone, Copy)]
pub struct FeedOptions {
    /// How many bytes of talk are kept for readers who are behind, as people read it. Of JSON twice
    /// as many are, which says about as much.
    pub backlog_bytes: usize,
    /// How many lines of the talk so far a newcomer is shown.
    pub history_lines: usize,
    /// Whether everybody is told when somebody joins.
    pub announce_joins: bool,
    /// How long a reader may take nothing of what it is sent; none for ever.
    pub stall_timeout: Option<Duration>,
}

/// One encoding of one room.
#[derive(Debug)]
pub struct Feed {
    transcript: Transcript,
    /// Who takes what it is sent slower than it comes.
    pub slow_readers: SlowReaders,
    /// How many members hear the room in this encoding.
    pub readers: usize,
}

impl Feed {
    /// Returns a feed of a room that has not heard anything.
    #[must_use]
    pub fn new(backlog_bytes: usize, stall_timeout: Option<Duration>) -> Self {
        // Readers who read on may fall half a backlog behind before the room waits for them.
        let far_bytes = backlog_bytes as u64 / 2;
        Self {
            transcript: Transcript::new(backlog_bytes),
            slow_readers: SlowReaders::new(far_bytes, stall_timeout),
            readers: 0,
        }
    }

    /// Returns what the room heard lately.
    #[must_use]
    pub fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// Writes a line down, put together from `parts`, and returns where it stands.
    pub fn append<P: AsRef<[u8]>>(&mut self, parts: &[P]) -> Range<u64> {
        self.transcript.append(parts)
    }

    /// Returns the oldest place from where somebody may be made to hear what was said before it
    /// came: that must not make a slow reader of it at once.
    #[must_use]
    pub fn reach(&self) -> u64 {
        let reach = self.transcript.capacity() as u64 / 4;
        let end = self.transcript.end();
        self.transcript.start().max(end.saturating_sub(reach))
    }

    /// Looks how far behind the watched readers are; see [`SlowReaders::look`].
    pub fn look_at_slow_readers(
        &mut self,
        now: Tick,
        mut see: impl FnMut(MemberId, &Transcript) -> Option<Sight>,
        stalled: impl FnMut(MemberId),
    ) -> Behind {
        let transcript = &self.transcript;
        let see = |id| see(id, transcript);
        self.slow_readers.look(transcript.end(), now, see, stalled)
    }
}
