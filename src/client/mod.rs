//! The client: one poll over the server's socket and standard input.
//!
//! Line mode, `plain`, is a filter: what the server sends goes to standard output, what is typed
//! or piped in goes to the server. `entry` holds the talk about the name, `incoming` cuts what
//! arrives into lines that are safe to show, `address` finds the server and `stdio` reads and
//! writes the standard streams without changing their modes.

mod address;
mod entry;
mod incoming;
mod plain;
mod stdio;

use crate::cli::{Failure, JoinOptions};

use address::Address;
use entry::Entry;

/// Joins a room until the input or the server ends.
///
/// # Errors
/// Fails when the room can't be reached or goes away, and, with exit code 3, when nobody is there
/// to answer for a refused `--name`.
pub fn join(options: &JoinOptions) -> Result<(), Failure> {
    let entry = Entry::new(options.name.as_deref())?;
    let address = Address::parse(&options.server)?;
    let stream = address.connect()?;
    plain::Session::start(stream, &address, entry)?.run()
}
