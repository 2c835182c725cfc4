//! What is known of the room, and one step in it.

use super::event::{Event, Who};
use super::matching::Matcher;
use super::units::Framing;
use super::visits::Visits;
use crate::trace::capture::Moment;

/// What is known of the room so far.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) framing: Framing,
    pub(super) visits: Visits,
    pub(super) matcher: Matcher,
    pub(super) leaves_are_told: bool,
    /// Time of the last packet.
    pub(super) now: i64,
}

/// What was seen while one frame was looked at.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// A name was given, or the server said something to somebody without one.
    pub(super) joining: bool,
    /// Somebody left.
    pub(super) left: bool,
    /// A unit ended.
    pub(super) units: bool,
    /// A copy ended: of whose, when, to whom.
    pub(super) copy: Option<(Who, Moment, Who)>,
    /// How long the acknowledged message or copy waited for it.
    pub(super) ack_delay: Option<i64>,
    /// How long a program waited for the server's word on what it said.
    pub(super) answer_delay: Option<i64>,
}

/// One step: it changes what is known, and says what happened. Its rules stand in `people`, `server`,
/// `json` and `fan_out`.
#[derive(Debug)]
pub(super) struct Step<'a> {
    pub(super) known: &'a mut Known,
    pub(super) seen: Seen,
    /// What happened, in its order.
    pub(super) events: Vec<Event>,
}

impl<'a> Step<'a> {
    pub(super) fn new(known: &'a mut Known) -> Self {
        Self {
            known,
            seen: Seen::default(),
            events: Vec::new(),
        }
    }
}
