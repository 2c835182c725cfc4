//! Who is meant: a member's number.

use std::fmt;

/// A connection's number, by which the room knows its member: no two have the same at a time. The
/// slab's slot and the poll's token are the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(u32);

impl MemberId {
    /// Returns the number of the connection in a slot; there are fewer than four billion.
    #[must_use]
    pub fn from_slot(slot: usize) -> Self {
        Self(slot as u32)
    }

    /// Returns the slot of the connection.
    #[must_use]
    pub fn slot(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
