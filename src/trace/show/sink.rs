//! What an output is.

use super::account::{Finding, Story, Totals};
use super::seen::Seen;
use super::time::Clock;
use crate::trace::chat::event::Event;
use crate::trace::chat::units::Framing;
use crate::trace::tcp::StreamRow;
use crate::trace::tls::key_log::KeyLog;

/// One way to show a capture. It is told everything in order and appends to `out` what it has to say,
/// without knowing where that goes.
pub trait Sink {
    /// Takes a frame.
    fn packet(&mut self, _seen: &Seen<'_>, _out: &mut String) {}

    /// Takes something that happened in the talk.
    fn event(&mut self, _event: &Event, _clock: &Clock, _out: &mut String) {}

    /// Takes a stream that is over.
    fn stream(&mut self, _row: &StreamRow) {}

    /// Takes the end of the capture.
    fn finish(&mut self, _whole: &Whole<'_>, _out: &mut String) {}
}

/// What is known when the capture is over.
#[derive(Debug)]
pub struct Whole<'a> {
    /// What was counted.
    pub totals: &'a Totals,
    /// What was found, the worst first.
    pub findings: &'a [Finding],
    /// Findings beyond those.
    pub more_findings: u64,
    /// Something was asked for, and nothing is that.
    pub nothing_matched: bool,
    /// What is to be drawn, if anything draws.
    pub story: Option<&'a Story>,
    /// The clock as the last frame left it.
    pub clock: &'a Clock,
    /// What ended a message.
    pub framing: Framing,
    /// The secrets that there are of sealed connections, if there is a log of them.
    pub keys: Option<&'a KeyLog>,
    /// Streams on other ports.
    pub other_streams: u64,
    /// Streams forgotten for want of room.
    pub evicted: u64,
}
