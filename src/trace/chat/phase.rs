//! What a frame is for in the talk.

/// What a frame is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// SYN, SYN/ACK, the ACK after it.
    Handshake,
    /// A name, and what the server says to it.
    Join,
    /// Somebody says something.
    Message,
    /// The server acknowledges it.
    Ack,
    /// The server sends somebody a copy.
    FanOut,
    /// Who got a copy acknowledges it.
    FanOutAck,
    /// Somebody leaves.
    Leave,
    /// What closes the connection after that.
    Teardown,
    /// Asking whether the other side is still there.
    KeepAlive,
    /// Anything else.
    Other,
}

impl Phase {
    /// Returns its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::Join => "join",
            Self::Message => "message",
            Self::Ack => "ack",
            Self::FanOut => "fan-out",
            Self::FanOutAck => "fan-out ack",
            Self::Leave => "leave",
            Self::Teardown => "teardown",
            Self::KeepAlive => "keep-alive",
            Self::Other => "other",
        }
    }
}
