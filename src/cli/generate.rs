//! What `chatroom generate` prints.

use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::rand::{GetRandomFlags, getrandom};

use super::{GenerateOptions, Generated};
use crate::failure::Failure;
use crate::room::Name;
use crate::room::access::key::KEY_BYTES;
use crate::room::access::{Kept, Key};
use crate::store::state;
use crate::trace::DISSECTOR;

/// Prints what was asked for.
///
/// # Errors
/// Fails when standard output can't be written, unless nobody reads it any more, and for a key when
/// its name can't be one.
pub fn generate(options: &GenerateOptions) -> Result<(), Failure> {
    match options.what {
        Generated::Dissector => print(DISSECTOR),
        Generated::Key => {
            let name = options.name.as_deref().unwrap_or_default();
            generate_key(name, options.operator)
        }
    }
}

/// Prints the line of the state file that keeps a name on standard output, and the key for people to
/// read on standard error: only the line belongs into the file.
fn generate_key(text: &str, operator: bool) -> Result<(), Failure> {
    let name =
        Name::parse(text).map_err(|why| Failure::usage(format!("that name {why}: {text}")))?;
    let mut bytes = [0; KEY_BYTES];
    let drawn = getrandom(&mut bytes, GetRandomFlags::empty());
    if drawn != Ok(KEY_BYTES) {
        return Err(Failure::new("the system gives no random bytes"));
    }
    let key = Key::from_bytes(bytes);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let kept = Kept {
        name,
        hash: key.hash(),
        operator,
        used_ms: now.unwrap_or_default().as_millis() as u64,
    };
    print(&state::kept_line(&kept))?;
    let (name, key) = (kept.name.as_str(), key.reveal());
    let told = writeln!(
        io::stderr(),
        "The line above belongs into the state file, while the server is stopped.\n\
         The key of {name}, shown only now: {key}\n\
         The answer to the question for a name is from then on: {name} {key}"
    );
    told.map_err(|error| Failure::new(format!("can't write: {error}")))
}

fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes());
    match written.and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("can't write: {error}")))
        }
        _ => Ok(()),
    }
}
