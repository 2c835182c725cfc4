//! One frame, as every output sees it.

use super::time::Clock;
use crate::trace::capture::{Frame, Moment};
use crate::trace::chat::Note;
use crate::trace::packet::{Packet, Skip};
use crate::trace::tcp::Segment;

/// One frame with what each layer says of it.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The frame.
    pub frame: &'a Frame<'a>,
    /// Its number and time.
    pub at: Moment,
    /// The clock that told the time.
    pub clock: &'a Clock,
    /// The TCP segment in it, or why there is none to look at.
    pub found: Result<Found<'a>, Skip>,
}

/// A TCP segment with what each layer says of it.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// The headers.
    pub packet: &'a Packet<'a>,
    /// What is known in its stream.
    pub segment: &'a Segment,
    /// What it is for in the talk, if it is on the room's port.
    pub note: Option<&'a Note>,
}
