//! What an attacker, a broken client or a broken network does, on the real binary.
//!
//! Each test names what must survive. What takes minutes runs only with `CHATROOM_SLOW_TESTS=1`;
//! some tests are larger then.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says why it is skipped"
)]

#[path = "../common/mod.rs"]
mod common;

mod descriptors;
mod flood;
mod gone;
mod log;
mod measure;
mod one_loop;
mod patience;
mod places;
mod readers;
mod resets;
mod silence;
mod storms;
mod strangers;
mod telnet;
mod text;
