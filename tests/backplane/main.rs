//! The backplane against real NATS servers.
//!
//! Debian's `nats-server` is asked, or the program that `CHATROOM_NATS_SERVER` names.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::needless_pass_by_value,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says where"
)]

#[path = "../common/mod.rs"]
mod common;

#[path = "../fuzz/targets/nats.rs"]
mod any_server;
mod anything;
#[path = "../rig/bot.rs"]
mod bot;
mod faults;
mod figures;
mod nats_client;
mod nats_faults;
mod nats_refusals;
mod nats_server;
mod nodes;
mod programs;
mod scripted;
mod shell;
#[path = "../rig/table.rs"]
#[allow(dead_code, reason = "a part of it is used")]
mod table;
