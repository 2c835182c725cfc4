//! WebSocket members and the page's files: the real binary against those who speak HTTP and WebSocket
//! well, badly and not at all.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says where"
)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../tls/person.rs"]
#[allow(dead_code, reason = "these tests use a part of it")]
mod person;
#[path = "../rig/mod.rs"]
mod rig;

mod clients;
mod files;
mod frames;
mod handshake;
mod hostile;
mod hub;
mod peer;
mod proxies;
mod talk;
