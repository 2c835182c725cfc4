//! What a frame is for in the talk.

use super::arrival::{Arrival, Way};
use super::step::Step;
use crate::trace::packet::{FIN, RST, SYN};
use crate::trace::tcp::Marks;

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

impl Step<'_> {
    /// Says what a frame is for; every frame of the port gets exactly one answer.
    pub(super) fn phase(&self, arrival: &Arrival<'_>) -> Phase {
        let Arrival {
            packet,
            segment,
            way,
            ..
        } = *arrival;
        let seen = &self.seen;
        let visit = self.known.visits.get(segment.stream);
        let named = visit.is_some_and(|visit| visit.joined.is_some());
        if packet.has(SYN) {
            Phase::Handshake
        } else if packet.has(FIN | RST) {
            if seen.left {
                Phase::Leave
            } else {
                Phase::Teardown
            }
        } else if segment.marks.any(Marks::ALIVE) {
            Phase::KeepAlive
        } else if packet.len > 0 {
            match way {
                _ if visit.is_some_and(|visit| visit.is_shaking_hands(way)) => Phase::Handshake,
                Way::Up if seen.joining || !named => Phase::Join,
                Way::Up => Phase::Message,
                Way::Down if seen.copy.is_some() => Phase::FanOut,
                Way::Down if seen.answer_delay.is_some() => Phase::Ack,
                Way::Down if seen.joining => Phase::Join,
                Way::Down => Phase::Other,
            }
        } else if seen.ack_delay.is_some() && way == Way::Up {
            Phase::FanOutAck
        } else if visit.is_some_and(|visit| visit.closing.is_some()) {
            Phase::Teardown
        } else if segment.marks.any(Marks::WINDOW_UPDATE) {
            Phase::Other
        } else if way == Way::Down && (seen.ack_delay.is_some() || segment.acks.is_some()) {
            Phase::Ack
        } else if visit.is_some_and(|visit| !visit.has_spoken()) {
            Phase::Handshake
        } else {
            Phase::Other
        }
    }
}
