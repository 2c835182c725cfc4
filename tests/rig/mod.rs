//! The whole server but its poll: the real hub on wires in memory, with a clock that is told the
//! time. What happens around it is decided by a script, a seed, a fuzzer or a bench.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "each program uses its own part of this, and fails by panicking"
)]

pub(crate) mod crowd;
pub(crate) mod drive;
pub(crate) mod frames;
pub(crate) mod random;
pub(crate) mod screen;
pub(crate) mod table;
pub(crate) mod wire;
