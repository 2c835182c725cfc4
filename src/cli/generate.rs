//! What `chatroom generate` prints.

use std::env;
use std::io::{self, Write};

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Cli, GenerateOptions, Generated, SERVE, config, manual};
use crate::failure::Failure;
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
/// Fails when standard output can't be written, unless nobody reads it any more.
pub fn generate(options: GenerateOptions) -> Result<(), Failure> {
    let text = text(options.what);
    print(&text.map_err(|error| Failure::new(format!("can't tell: {error}")))?)
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
    })
}

/// Returns what lets a shell complete this program's words.
fn completion(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "chatroom", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
