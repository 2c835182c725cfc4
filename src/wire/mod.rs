//! What the room's members read and write, in either encoding: events to bytes and back.

pub mod json;
pub mod plain;

/// How a member is told of the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Lines for people: [`plain`].
    Plain,
    /// Objects for programs: [`json`].
    Json,
}

/// Where an event stands in the room's one order, and when it happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Its number; the first is 1.
    pub seq: u64,
    /// When, in milliseconds since 1970 (UTC).
    pub time_ms: u64,
}
