//! What is known about one segment in its stream, and the words for it.

/// One end of a stream: the one with the lower address and port, or the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The lower one.
    Low,
    /// The higher one.
    High,
}

/// What is to be said about one segment, as a set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Marks(pub u32);

impl Marks {
    /// The port pair was used by an earlier connection.
    pub const REUSED_PORTS: Self = Self(1);
    /// Sent before, and not one of the next three.
    pub const RETRANSMISSION: Self = Self(1 << 1);
    /// Sent again after duplicate ACKs.
    pub const FAST_RETRANSMISSION: Self = Self(1 << 2);
    /// Sent again though acknowledged.
    pub const SPURIOUS_RETRANSMISSION: Self = Self(1 << 3);
    /// Any of these three.
    pub const SENT_AGAIN: Self = Self(7 << 1);
    /// Overtaken by a later segment.
    pub const OUT_OF_ORDER: Self = Self(1 << 4);
    /// A segment before this one is missing.
    pub const LOST_SEGMENT: Self = Self(1 << 5);
    /// Acknowledges what was not captured.
    pub const ACK_LOST_SEGMENT: Self = Self(1 << 6);
    /// Only tells a new window.
    pub const WINDOW_UPDATE: Self = Self(1 << 7);
    /// Fills the receiver's window.
    pub const WINDOW_FULL: Self = Self(1 << 8);
    /// Keep-alive.
    pub const KEEP_ALIVE: Self = Self(1 << 9);
    /// Answer to a keep-alive.
    pub const KEEP_ALIVE_ACK: Self = Self(1 << 10);
    /// The same ACK again.
    pub const DUPLICATE_ACK: Self = Self(1 << 11);
    /// Asks whether the window is still closed.
    pub const ZERO_WINDOW_PROBE: Self = Self(1 << 12);
    /// The window is closed.
    pub const ZERO_WINDOW: Self = Self(1 << 13);
    /// The window is still closed.
    pub const ZERO_WINDOW_PROBE_ACK: Self = Self(1 << 14);
    /// Asks whether the other side is there or has room, or answers.
    pub const ALIVE: Self = Self(3 << 9 | 1 << 12 | 1 << 14);

    /// Returns whether any of `other` is set.
    #[must_use]
    pub fn any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Returns whether nothing is set.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Adds `other`.
    pub fn set(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// How a window is scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// The handshake was not seen.
    Unknown,
    /// One side doesn't scale, so neither does.
    Unused,
    /// Shift by so many bits.
    Shift(u8),
}

impl Scale {
    /// Returns a window in bytes.
    #[must_use]
    pub fn apply(self, window: u32) -> u32 {
        match self {
            Self::Shift(shift) => window << shift,
            Self::Unknown | Self::Unused => window,
        }
    }
}

/// What is known about a segment in its stream.
#[derive(Debug, Clone)]
pub struct Segment {
    /// The stream's number, in order of first packet.
    pub stream: u32,
    /// Which end sent it.
    pub side: Side,
    /// Relative sequence number.
    pub seq: u32,
    /// Relative acknowledgement number; raw if ACK isn't set.
    pub ack: u32,
    /// What is said about it.
    pub marks: Marks,
    /// Which dup ACK this is, and of which frame.
    pub duplicate_ack: Option<(u64, u32)>,
    /// The frame it acknowledges, and how long that took in nanoseconds.
    pub acks: Option<(u64, i64)>,
    /// How long the sender waited before sending again, and since which frame.
    pub rto: Option<(i64, u64)>,
    /// Bytes sent and not acknowledged, with this segment.
    pub bytes_in_flight: Option<u32>,
    /// Whether something was looked into, even if there is nothing to say about it.
    pub(super) looked_into: bool,
    /// Bytes sent since the last PSH, with this segment.
    pub push_bytes: Option<u32>,
    /// Time from SYN to the ACK that ends the handshake.
    pub initial_rtt: Option<i64>,
    /// The window in bytes.
    pub window: u32,
    /// How it was scaled; `None` on a SYN, whose window never is.
    pub scale: Option<Scale>,
    /// What three of its flags count together, if its sender counts marks (accurate ECN).
    pub ace: Option<u16>,
    /// What was known of the conversation before this packet.
    pub completeness_before: u8,
    /// Its sender is the first to send a FIN; known when the stream is over.
    pub closes_first: bool,
    /// It is the first of its stream.
    pub is_first: bool,
    /// The first number of the other direction, for SACK blocks.
    pub other_base: u32,
    /// Time of the stream's first frame.
    pub first_time: i64,
    /// Time of the stream's frame before this one.
    pub previous_time: i64,
}

impl Segment {
    /// Returns a segment about which nothing is known but its stream.
    pub(super) fn blank(stream: u32, side: Side, completeness: u8, times: (i64, i64)) -> Self {
        Self {
            stream,
            side,
            seq: 0,
            ack: 0,
            marks: Marks::default(),
            duplicate_ack: None,
            acks: None,
            rto: None,
            bytes_in_flight: None,
            looked_into: false,
            push_bytes: None,
            initial_rtt: None,
            window: 0,
            scale: None,
            ace: None,
            completeness_before: completeness,
            closes_first: false,
            is_first: false,
            other_base: 0,
            first_time: times.0,
            previous_time: times.1,
        }
    }

    /// Forgets what the analysis has found.
    pub(super) fn forget_findings(&mut self) {
        self.marks = Marks::default();
        self.duplicate_ack = None;
        self.acks = None;
        self.rto = None;
        self.bytes_in_flight = None;
        self.push_bytes = None;
        self.looked_into = false;
    }

    /// Returns whether anything is said about the segment, as a SEQ/ACK analysis.
    #[must_use]
    pub fn is_analysed(&self) -> bool {
        !self.marks.is_empty() || self.acks.is_some() || self.looked_into
    }
}
