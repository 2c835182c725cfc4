//! The client on a real pseudo-terminal, against the real server and against hostile ones.
// A test stops at what it doesn't expect; its modules are one program, not a library.
#![allow(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod attention;
mod away;
#[path = "../common/mod.rs"]
mod common;
mod desk;
mod events;
mod held;
mod hostile;
mod private;
mod quiet;
mod resume;
mod scripts;
mod secrets;
mod settings;
mod strangers;
mod talk;
mod typing;
mod ways_out;
mod wire;
