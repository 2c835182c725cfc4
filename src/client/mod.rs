//! The client: one poll over the server's socket and standard input.

use crate::cli::{Failure, JoinOptions};

/// Joins a room until the input or the server ends.
///
/// # Errors
/// Fails when the room can't be reached or goes away.
pub fn join(_options: &JoinOptions) -> Result<(), Failure> {
    Err(Failure::new("not built yet"))
}
