//! Every way in which a capture is shown.
//!
//! An output is a [`Sink`](sink::Sink) in a file of its own, and a line in [`outputs`], which knows
//! where it goes. [`account`] keeps what can only be told when the capture is over.

pub mod account;
mod details;
mod info;
mod list;
mod messages;
pub mod outputs;
mod picture;
mod records;
pub mod seen;
pub mod sink;
mod summary;
pub mod text;
pub mod time;
