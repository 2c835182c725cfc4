//! The fuzz targets' bodies, each a function of any bytes that panics where a promise is broken.
//! `cargo fuzz` runs them on what it makes up, `tests/corpus.rs` on what is kept of that.
#![allow(dead_code, reason = "each fuzz target runs one of these")]

pub(crate) mod commands;
pub(crate) mod hub;
pub(crate) mod lines;
pub(crate) mod names;
pub(crate) mod requests;
pub(crate) mod tls;
pub(crate) mod websocket;

#[path = "../../rig/mod.rs"]
mod rig;

use rig::screen::assert_safe;
