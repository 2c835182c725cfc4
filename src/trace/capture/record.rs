//! Where a frame lies in what is read.

use std::ops::Range;

/// A record with a frame in it, which starts where the source stands.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) time_ns: Option<i64>,
    pub(super) digits: u8,
    pub(super) link: u16,
    pub(super) length: u32,
    /// Where the frame's bytes are in the record.
    pub(super) data: Range<usize>,
    /// How long the record is.
    pub(super) total: usize,
}
