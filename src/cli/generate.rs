//! What `chatroom generate` prints.

use std::io::{self, Write};

use super::{GenerateOptions, Generated};
use crate::failure::Failure;
use crate::trace::DISSECTOR;

/// Prints what was asked for.
///
/// # Errors
/// Fails when standard output can't be written, unless nobody reads it any more.
pub fn generate(options: GenerateOptions) -> Result<(), Failure> {
    let text = match options.what {
        Generated::Dissector => DISSECTOR,
    };
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes());
    match written.and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("can't write: {error}")))
        }
        _ => Ok(()),
    }
}
