//! One line of a talk, in either direction.

use crate::trace::capture::Moment;

/// A unit that stands by itself.
#[derive(Debug, Clone)]
pub(super) struct Spoken {
    pub(super) bytes: Vec<u8>,
    pub(super) partial: bool,
    pub(super) end: u32,
    pub(super) at: Moment,
}

impl Spoken {
    /// Returns other words for it.
    pub(super) fn saying(&self, bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            partial: self.partial,
            ..*self
        }
    }
}
