//! The server: the hub of connections, and the thin shell of poll, listeners and signals around it.

use crate::cli::{Failure, ServeOptions};

/// Runs the server until it is told to stop.
///
/// # Errors
/// Fails when an address can't be listened on or the limits contradict each other.
pub fn serve(_options: &ServeOptions) -> Result<(), Failure> {
    Err(Failure::new("not built yet"))
}
