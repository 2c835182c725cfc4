//! What only few connections have at any moment, and the boxes it is kept in.

use super::framed::{Between, Framed};
use super::limits::{PRIVATE_BYTES_MAX, SPLICES_MAX};
use super::sealed::Sealed;
use crate::feed::splices::Splices;
use crate::layer::tls::record::SENT_BYTES_MAX;
use crate::line::input::Input;
use crate::tick::Tick;

/// Boxes kept for reuse, so that talking allocates nothing once warm.
const POOL_MAX: usize = 512;

/// Largest buffer, in bytes, that a box kept for reuse may hold.
const POOL_BYTES_MAX: usize = 512;

/// What only few connections have at any moment.
#[derive(Debug, Default)]
pub(super) struct Extra {
    /// What stands between its stream and its lines, for as long as it is there.
    pub(super) sealed: Option<Box<Sealed>>,
    /// The same for a WebSocket, above that.
    pub(super) framed: Option<Box<Framed>>,
    /// What it needs while something is going on.
    pub(super) talk: Option<Box<Talk>>,
}

impl Extra {
    /// Returns both, what stands before the stream to be written through.
    pub(super) fn both(&mut self) -> (Option<&mut Sealed>, Option<&Talk>) {
        (self.sealed.as_deref_mut(), self.talk.as_deref())
    }
}

/// What a connection needs while something is going on.
#[derive(Debug, Default)]
pub(super) struct Talk {
    pub(super) input: Input,
    pub(super) splices: Splices,
    /// Where in the transcript a draining connection's claim ends, if not at the transcript's end, and
    /// when.
    pub(super) until: Option<u64>,
    pub(super) deadline: Option<Tick>,
    /// Of somebody who comes back after a break: what it has heard.
    pub(super) heard_before: Option<HeardBefore>,
    /// Of a WebSocket: control frames that are on their way.
    pub(super) between: Option<Box<Between>>,
}

/// What somebody has heard of the room before its connection broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeardBefore {
    /// Every event up to this number.
    UpTo(u64),
    /// Something that this start of the server doesn't know of.
    Unknown,
}

impl Talk {
    pub(super) fn is_owed_too_much(&self) -> bool {
        self.splices.private_len() > PRIVATE_BYTES_MAX || self.splices.len() >= SPLICES_MAX
    }

    fn is_idle(&self) -> bool {
        self.splices.is_empty()
            && self.input.is_idle()
            && self.heard_before.is_none()
            && self.between.is_none()
    }
}

/// Boxes that were needed once and will be again.
#[expect(clippy::vec_box, reason = "the boxes are what is kept for reuse")]
#[derive(Debug, Default)]
pub struct Pool {
    extras: Vec<Box<Extra>>,
    talks: Vec<Box<Talk>>,
    /// The one buffer that records are sealed in.
    record: Vec<u8>,
}

impl Pool {
    /// Returns what is in `place` for a connection that something is going on with, where it is put
    /// if there is none.
    pub(super) fn lend<'e>(&mut self, place: &'e mut Option<Box<Extra>>) -> &'e mut Talk {
        let extra = place.get_or_insert_with(|| self.extras.pop().unwrap_or_default());
        let talk = &mut extra.talk;
        talk.get_or_insert_with(|| self.talks.pop().unwrap_or_default())
    }

    /// Takes what is in `place` back if nothing in it is needed.
    pub(super) fn take_back(&mut self, place: &mut Option<Box<Extra>>) {
        let Some(extra) = place else {
            return;
        };
        if let Some(talk) = &mut extra.talk {
            // Where something else keeps the box, large buffers that are empty go all the same.
            talk.splices.shrink(POOL_BYTES_MAX);
            talk.input.shrink(POOL_BYTES_MAX);
            talk.between.take_if(|between| between.is_idle());
        }
        if let Some(mut talk) = extra.talk.take_if(|talk| talk.is_idle())
            && self.talks.len() < POOL_MAX
            && talk.input.capacity() + talk.splices.capacity() <= POOL_BYTES_MAX
        {
            talk.splices.begin_anew();
            self.talks.push(talk);
        }
        let is_empty = |extra: &mut Box<Extra>| {
            extra.talk.is_none() && extra.sealed.is_none() && extra.framed.is_none()
        };
        if let Some(extra) = place.take_if(is_empty)
            && self.extras.len() < POOL_MAX
        {
            self.extras.push(extra);
        }
    }

    /// Lends the buffer that records are sealed in, empty.
    pub(super) fn record(&mut self) -> &mut Vec<u8> {
        self.record.clear();
        self.record.reserve(SENT_BYTES_MAX);
        &mut self.record
    }
}
