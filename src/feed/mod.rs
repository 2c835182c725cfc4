//! One encoding of one room: its transcript, who still has to be sent it, and who is slow to take it.
//!
//! The room's events are written down once for everybody who hears them in this encoding. What a
//! connection is owed is its cursor into the transcript and its [`splices`], which it keeps itself.

pub mod fan_out;
pub mod slow_readers;
pub mod splices;
pub mod transcript;

use std::ops::Range;
use std::time::Duration;

use self::fan_out::FanOut;
use self::slow_readers::{Behind, Sight, SlowReaders};
pub use self::transcript::Transcript;
use crate::room::{Event, MemberId, Names};
use crate::tick::Tick;
use crate::wire::plain;

/// What may differ from feed to feed.
#[derive(Debug, Clone, Copy)]
pub struct FeedOptions {
    /// How many bytes of talk are kept for readers who are behind.
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
    options: FeedOptions,
    transcript: Transcript,
    /// Where the hub is on its way round those who hear it.
    pub fan_out: FanOut,
    /// Who takes what it is sent slower than it comes.
    pub slow_readers: SlowReaders,
    /// How many members hear the room in this encoding.
    pub readers: usize,
}

impl Feed {
    /// Returns a feed of a room that has not heard anything.
    #[must_use]
    pub fn new(options: FeedOptions) -> Self {
        // Readers who read on may fall half a backlog behind before the room waits for them.
        let far_bytes = options.backlog_bytes as u64 / 2;
        Self {
            options,
            transcript: Transcript::new(options.backlog_bytes),
            fan_out: FanOut::default(),
            slow_readers: SlowReaders::new(far_bytes, options.stall_timeout),
            readers: 0,
        }
    }

    /// Returns what the room heard lately.
    #[must_use]
    pub fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// Returns where a newcomer's hearing starts.
    #[must_use]
    pub fn history_start(&self) -> u64 {
        // What a newcomer hears of the talk so far must not make a slow reader of it at once.
        let reach = self.transcript.capacity() / 4;
        self.transcript.back(self.options.history_lines, reach)
    }

    /// Writes an event down, and returns where it stands; nowhere if nobody is told of it. `names`
    /// are those before the event, `slots` how many may hear it.
    pub fn append(&mut self, event: &Event<'_>, names: &Names, slots: usize) -> Option<Range<u64>> {
        if matches!(event, Event::Joined { .. }) && !self.options.announce_joins {
            return None;
        }
        let line = plain::Line::of(event, names)?;
        let stands = self.transcript.append(&line.parts());
        self.fan_out.extend(slots, stands.start);
        Some(stands)
    }

    /// Returns whether more than `bytes_max` bytes lie between the transcript's end and where the
    /// fan-out has come round.
    #[must_use]
    pub fn is_behind(&self, bytes_max: u64) -> bool {
        let end = self.transcript.end();
        end - self.fan_out.sent_up_to(end) > bytes_max
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
