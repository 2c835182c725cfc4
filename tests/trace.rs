//! `chatroom trace` from the outside: the real binary and the library on real captures, against what
//! tshark prints and against what was said.
//!
//! Nothing but Rust is needed: what tshark printed is committed beside the captures. Where tshark or
//! tcpdump is installed, it is asked again; with `CHATROOM_REQUIRE_INTEROP=1` they must be.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test may stop where it stands, and says why it skips something"
)]

#[path = "trace/broken.rs"]
mod broken;
#[path = "trace/chat.rs"]
mod chat;
mod common;
#[path = "trace/dissector.rs"]
mod dissector;
#[path = "trace/errors.rs"]
mod errors;
#[path = "trace/follow.rs"]
mod follow;
#[path = "trace/house.rs"]
mod house;
#[path = "trace/json.rs"]
mod json;
#[path = "trace/layers.rs"]
mod layers;
#[path = "trace/live.rs"]
mod live;
#[path = "trace/live_sealed.rs"]
mod live_sealed;
#[path = "trace/made.rs"]
mod made;
#[path = "trace/parity.rs"]
mod parity;
#[path = "trace/past.rs"]
mod past;
#[path = "trace/pictures.rs"]
mod pictures;
#[path = "trace/robustness.rs"]
mod robustness;
#[path = "trace/seal.rs"]
mod seal;
#[path = "trace/sealed.rs"]
mod sealed;
#[path = "trace/support.rs"]
mod support;
