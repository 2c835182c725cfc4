//! What only few connections have at any moment, and the boxes it is kept in.

use super::limits::{PRIVATE_BYTES_MAX, SPLICES_MAX};
use crate::feed::splices::Splices;
use crate::line::input::Input;
use crate::tick::Tick;

/// Boxes kept for reuse, so that talking allocates nothing once warm.
const POOL_MAX: usize = 512;

/// Largest buffer, in bytes, that a box kept for reuse may hold.
const POOL_BYTES_MAX: usize = 512;

/// What only few connections have at any moment. A layer that stands between a connection's stream
/// and its lines, such as TLS, has its place here, too.
#[derive(Debug, Default)]
pub(super) struct Extra {
    pub(super) input: Input,
    pub(super) splices: Splices,
    /// Where in the transcript a draining connection's claim ends, and when.
    pub(super) until: u64,
    pub(super) deadline: Option<Tick>,
    /// Of somebody who comes back after a break: what it has heard.
    pub(super) heard_before: Option<HeardBefore>,
}

/// What somebody has heard of the room before its connection broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeardBefore {
    /// Every event up to this number.
    UpTo(u64),
    /// Something that this start of the server doesn't know of.
    Unknown,
}

impl Extra {
    pub(super) fn is_owed_too_much(&self) -> bool {
        self.splices.private_len() > PRIVATE_BYTES_MAX || self.splices.len() >= SPLICES_MAX
    }

    fn is_idle(&self) -> bool {
        self.splices.is_empty() && self.input.is_idle() && self.heard_before.is_none()
    }
}

/// Boxes that were needed once and will be again.
#[expect(clippy::vec_box, reason = "the boxes are what is kept for reuse")]
#[derive(Debug, Default)]
pub struct Pool(Vec<Box<Extra>>);

impl Pool {
    /// Returns the box in `place`, where one is put if there is none.
    pub(super) fn lend<'e>(&mut self, place: &'e mut Option<Box<Extra>>) -> &'e mut Extra {
        place.get_or_insert_with(|| self.0.pop().unwrap_or_default())
    }

    /// Takes the box in `place` back if nothing in it is needed.
    pub(super) fn take_back(&mut self, place: &mut Option<Box<Extra>>) {
        if let Some(extra) = place {
            // Where something else keeps the box, large buffers that are empty go all the same.
            extra.splices.shrink(POOL_BYTES_MAX);
            extra.input.shrink(POOL_BYTES_MAX);
        }
        if let Some(mut extra) = place.take_if(|extra| extra.is_idle())
            && self.0.len() < POOL_MAX
            && extra.input.capacity() + extra.splices.capacity() <= POOL_BYTES_MAX
        {
            extra.splices.begin_anew();
            self.0.push(extra);
        }
    }
}
