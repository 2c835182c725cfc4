//! The backplane against real NATS servers.
//!
//! Debian's `nats-server` is asked, or the program that `CHATROOM_NATS_SERVER` names.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says where"
)]

#[path = "../common/mod.rs"]
mod common;

#[path = "../fuzz/targets/nats.rs"]
mod any_server;
mod anything;
mod faults;
mod nats_client;
mod nats_faults;
mod nats_refusals;
mod nats_server;
mod nodes;
mod scripted;
mod shell;
