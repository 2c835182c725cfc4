//! What people and programs read of the room: its events as bytes, and back.
//!
//! The one place that knows the words on the wire. The server writes with it, the client and the
//! trace read with it, so that no two of them can disagree. Pure.

pub mod plain;
