//! What happened in the room, as told by its traffic. The outputs know these and nothing else of
//! the talk.

use std::rc::Rc;

use crate::trace::capture::Moment;
use crate::trace::packet::Endpoint;
pub use crate::trace::tls::{Way, Word};

/// A person, by connection.
#[derive(Debug, Clone)]
pub struct Who {
    /// Stream number.
    pub stream: u32,
    /// Name as it was on the wire, or `port N` as long as it is unknown.
    pub name: Rc<[u8]>,
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The person closed it (FIN).
    Closed,
    /// The person said that no more comes over the sealed connection.
    CloseNotify,
    /// The person broke it (RST).
    Reset,
    /// The person asked the server to end it.
    Quit,
    /// The server closed it.
    Cut,
    /// The server said that no more comes over the sealed connection.
    CutCloseNotify,
    /// The server broke it.
    CutReset,
}

impl Ending {
    /// Returns it in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Closed => "FIN",
            Self::CloseNotify => "close_notify",
            Self::Reset => "RST",
            Self::Quit => "/quit",
            Self::Cut => "FIN by the server",
            Self::CutCloseNotify => "close_notify by the server",
            Self::CutReset => "RST by the server",
        }
    }
}

/// What a copy is a copy of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Original {
    /// A message.
    Message,
    /// The news that somebody joined.
    Join,
    /// The news that somebody left.
    Leave,
}

/// One thing that happened. `id` ties what belongs to one message, join or leave together.
#[derive(Debug, Clone)]
pub enum Event {
    /// A connection was opened: SYN, SYN/ACK, ACK.
    Connected {
        /// Whose.
        who: Who,
        /// Its client end.
        client: Endpoint,
        /// The SYN.
        syn: Moment,
        /// The SYN/ACK, if captured.
        syn_ack: Option<Moment>,
        /// The ACK.
        at: Moment,
    },
    /// A connection was refused.
    Refused {
        /// Whose.
        who: Who,
        /// The SYN.
        syn: Moment,
        /// The RST.
        at: Moment,
    },
    /// Somebody gave a name.
    Joined {
        /// Ties its copies.
        id: u64,
        /// Who.
        who: Who,
        /// Its client end.
        client: Endpoint,
        /// The frame that completed the name.
        at: Moment,
    },
    /// Somebody said something.
    Said {
        /// Ties its copies.
        id: u64,
        /// Who.
        who: Who,
        /// The frame that completed it.
        at: Moment,
        /// What, as it was on the wire.
        text: Vec<u8>,
        /// Bytes of it are missing.
        partial: bool,
    },
    /// The server acknowledged what somebody said.
    Acked {
        /// Of what.
        id: u64,
        /// The acknowledgement.
        at: Moment,
        /// How long it took.
        delay: i64,
    },
    /// A copy reached somebody.
    Copied {
        /// Of what.
        id: u64,
        /// Of what kind.
        of: Original,
        /// When that was.
        original: Moment,
        /// To whom.
        to: Who,
        /// The frame that completed the copy.
        at: Moment,
        /// How long after the original.
        delay: i64,
        /// The acknowledgement, and how long it took.
        acked: Option<(Moment, i64)>,
    },
    /// Everything that was to come of a message, join or leave has come, or won't.
    Settled {
        /// Of what.
        id: u64,
        /// Of what kind.
        of: Original,
        /// How many copies were seen.
        copies: usize,
        /// From the first copy to the last.
        spread: i64,
    },
    /// A copy that should have come didn't.
    Missing {
        /// Of what kind.
        of: Original,
        /// When that was.
        original: Moment,
        /// To whom.
        to: Who,
        /// The capture lacks bytes to that person, so the copy may be among them.
        not_captured: bool,
    },
    /// Somebody left.
    Left {
        /// Ties its copies.
        id: u64,
        /// Who.
        who: Who,
        /// The frame that tells.
        at: Moment,
        /// How.
        how: Ending,
    },
    /// A connection is over for both sides.
    Ended {
        /// Whose.
        who: Who,
        /// When the first side began to close.
        began: Moment,
        /// The last frame of it.
        at: Moment,
    },
    /// Bytes are missing from the capture.
    Gap {
        /// Whose connection.
        who: Who,
        /// The frame that showed it.
        at: Moment,
        /// Bytes that were acknowledged and not captured.
        lost: u64,
        /// Bytes that the snap length cut off.
        cut: u64,
    },
    /// Something can be told of a sealed connection.
    Sealed {
        /// Whose.
        who: Who,
        /// The frame that tells.
        at: Moment,
        /// Which way it went.
        way: Way,
        /// What.
        word: Word,
    },
    /// The server told somebody something that is nobody's message.
    Notice {
        /// Whom.
        who: Who,
        /// The frame that completed it.
        at: Moment,
        /// What.
        text: Vec<u8>,
        /// Bytes of it are missing.
        partial: bool,
    },
}

impl Event {
    /// Returns the stream that it is about, if it is about one.
    #[must_use]
    pub fn stream(&self) -> Option<u32> {
        match self {
            Self::Connected { who, .. }
            | Self::Refused { who, .. }
            | Self::Joined { who, .. }
            | Self::Said { who, .. }
            | Self::Left { who, .. }
            | Self::Ended { who, .. }
            | Self::Gap { who, .. }
            | Self::Sealed { who, .. }
            | Self::Notice { who, .. } => Some(who.stream),
            Self::Copied { to, .. } | Self::Missing { to, .. } => Some(to.stream),
            Self::Acked { .. } | Self::Settled { .. } => None,
        }
    }

    /// Returns when it happened.
    #[must_use]
    pub fn moment(&self) -> Option<Moment> {
        match self {
            Self::Connected { at, .. }
            | Self::Refused { at, .. }
            | Self::Joined { at, .. }
            | Self::Said { at, .. }
            | Self::Acked { at, .. }
            | Self::Copied { at, .. }
            | Self::Left { at, .. }
            | Self::Ended { at, .. }
            | Self::Gap { at, .. }
            | Self::Sealed { at, .. }
            | Self::Notice { at, .. } => Some(*at),
            Self::Missing { original, .. } => Some(*original),
            Self::Settled { .. } => None,
        }
    }
}
