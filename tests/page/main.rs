//! The page in a real browser: Debian's Chromium, driven by its chromedriver, against the real server.
//! Left out where they are not installed; with `CHATROOM_REQUIRE_INTEROP=1` they must be.
//!
//! All tests share one browser, one after the other. `target/pictures` has what it looked like.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says why it is skipped"
)]

#[path = "../common/mod.rs"]
mod common;

mod away;
mod browser;
mod calls;
mod door;
mod files;
mod links;
mod long;
mod looks;
mod safety;
mod site;
mod talk;
mod webdriver;
mod writing;
