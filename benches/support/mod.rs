//! What the benches share: servers as children, crowds that join and talk, the floor to compare
//! with, and how results are put together.
#![allow(
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::unchecked_time_subtraction,
    reason = "each bench uses its own part of this; a bench that can't measure fails by panicking"
)]

pub(crate) mod crowd;
pub(crate) mod floor;
pub(crate) mod machine;
pub(crate) mod member;
pub(crate) mod micro;
pub(crate) mod pair;
pub(crate) mod seal;
pub(crate) mod server;
pub(crate) mod tally;
pub(crate) mod wire;

pub(crate) use crowd::{Crowd, Members, Pace, Talk};
pub(crate) use server::Server;
pub(crate) use tally::Tally;
pub(crate) use wire::{Text, Wire};
