//! Keeping the peace and keeping the talk: operators, kept names, bans, the files; on the real binary.
//!
//! What takes minutes runs whole only with `CHATROOM_SLOW_TESTS=1`, and a part of it always.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says why it is skipped"
)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../hostile/measure.rs"]
#[expect(dead_code, reason = "only a part of it is needed here")]
mod measure;

mod by_nc;
mod crash;
mod disks;
mod guessing;
mod house;
mod keeping;
mod lists;
mod names;
mod proxied;
mod storm;
#[path = "../rig/table.rs"]
#[expect(dead_code, reason = "only a part of it is needed here")]
mod table;
mod writer;
