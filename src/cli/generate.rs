//! What `chatroom generate` prints.

use std::env;
use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::rand::{GetRandomFlags, getrandom};

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Cli, GenerateOptions, Generated, SERVE, config, manual};
use crate::failure::Failure;
use crate::room::Name;
use crate::room::access::key::KEY_BYTES;
use crate::room::access::{Kept, Key};
use crate::store::state;
use crate::trace::DISSECTOR;

/// The unit of the service; where the program is stands in place of `@PROGRAM@`.
const SERVICE: &str = include_str!("texts/chatroom.service");

/// The unit of its socket.
const SOCKET: &str = include_str!("texts/chatroom.socket");

/// What Grafana shows of the metrics.
const DASHBOARD: &str = include_str!("texts/dashboard.json");

/// Prints what was asked for.
///
/// # Errors
/// Fails when standard output can't be written, unless nobody reads it any more, and for a key when
/// its name can't be one.
pub fn generate(options: &GenerateOptions) -> Result<(), Failure> {
    if options.what == Generated::Key {
        let name = options.name.as_deref().unwrap_or_default();
        return generate_key(name, options.operator);
    }
    let text = text(options.what);
    print(&text.map_err(|error| Failure::new(format!("can't tell: {error}")))?)
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

/// Prints a text.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes());
    match written.and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("can't write: {error}")))
        }
        _ => Ok(()),
    }
}

fn text(what: Generated) -> io::Result<String> {
    Ok(match what {
        Generated::Dissector => DISSECTOR.to_owned(),
        Generated::Config => {
            let program = Cli::command();
            program
                .find_subcommand(SERVE)
                .map(config::template)
                .unwrap_or_default()
        }
        Generated::Service => {
            let program = env::current_exe()?;
            SERVICE.replace("@PROGRAM@", &program.to_string_lossy())
        }
        Generated::Socket => SOCKET.to_owned(),
        Generated::Dashboard => DASHBOARD.to_owned(),
        Generated::Man => manual::manual()?,
        Generated::Bash => completion(Shell::Bash),
        Generated::Zsh => completion(Shell::Zsh),
        Generated::Fish => completion(Shell::Fish),
        // Not a text alone.
        Generated::Key => String::new(),
    })
}

/// Returns what lets a shell complete this program's words.
fn completion(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "chatroom", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
