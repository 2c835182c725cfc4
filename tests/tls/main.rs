//! TLS: the record layer and the handshake against rustls, the hub on sealed wires, and the real
//! binary against those who speak it well, badly, and not at all.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says where"
)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../rig/mod.rs"]
mod rig;

mod certificates;
mod crowd;
mod entrance;
mod handshake;
mod hostile;
mod hub;
mod join;
mod oracle;
mod person;
mod records;
