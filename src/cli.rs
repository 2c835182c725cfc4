//! The command line: what can be asked for, under which names, with which defaults.

mod backplane;
mod config;
mod entrance;
mod files;
mod generate;
mod given;
mod join;
mod listen;
mod manual;
mod serve;
mod trace;

use clap::builder::BoolishValueParser;
use clap::{Args, FromArgMatches, Parser, Subcommand, ValueEnum};

pub use crate::client::options::DEFAULT_PORT;
pub use crate::failure::Failure;

pub use self::backplane::BackplaneOptions;
pub use self::entrance::EntranceOptions;
pub use self::files::{FileOptions, WriteOptions};
pub use self::generate::generate;
use self::given::Given;
pub use self::join::JoinOptions;
pub use self::listen::ListenOn;
pub use self::serve::{LogFormat, ServeOptions};
pub use self::trace::{FramingOption, TimeOption, TraceOptions};

/// The command that runs a server.
const SERVE: &str = "serve";

/// The exit codes, told at the end of every `--help`.
const EXIT_CODES: &str = "\
Exit codes: 0 success, 1 failure, 2 wrong usage.";

/// One public chat room that anyone joins with nc or telnet.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Reads the arguments and the environment, in which an empty variable is as good as none;
    /// prints what is wrong with them, or the help, and exits.
    #[must_use]
    pub fn read() -> Self {
        Self::try_read().unwrap_or_else(|error| error.exit())
    }

    fn try_read() -> Result<Self, clap::Error> {
        let given = Given::read(given::command_in_environment())?;
        let mut cli = Self::from_arg_matches(&given.matches)?;
        if let Command::Serve(options) = &mut cli.command {
            options.in_force = given.in_force();
        }
        Ok(cli)
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the room's server in the foreground
    Serve(Box<ServeOptions>),
    /// Join a room from this terminal, a pipe or a file
    Join(JoinOptions),
    /// Show a room's traffic: who said what, the packets, the timing, a picture
    Trace(TraceOptions),
    /// Print something that helps other programs
    Generate(GenerateOptions),
    /// Write the server's files; what the server asks while it goes on
    #[command(hide = true)]
    Write(WriteOptions),
    /// Print the addresses of a host; what the client asks while it goes on
    #[command(hide = true)]
    Resolve(ResolveOptions),
}

/// What `chatroom generate` is told.
#[derive(Debug, Clone, Args)]
pub struct GenerateOptions {
    /// What to print
    #[arg(value_name = "WHAT", env = "CHATROOM_GENERATE", value_enum)]
    pub what: Generated,

    /// Of a key: the name that it keeps
    #[arg(
        value_name = "NAME",
        env = "CHATROOM_GENERATE_NAME",
        required_if_eq("what", "key")
    )]
    pub name: Option<String>,

    /// Of a key: the name is an operator's
    #[arg(long, env = "CHATROOM_GENERATE_OPERATOR", value_parser = BoolishValueParser::new())]
    pub operator: bool,
}

/// What `chatroom generate` can print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Generated {
    /// A Wireshark dissector for the room's protocol, in Lua
    Dissector,
    /// A key that keeps a name, and its line for the state file; the first operator is made so
    Key,
    /// A configuration file for serve, every setting explained
    Config,
    /// A systemd unit that runs the server in a sandbox
    Service,
    /// A systemd unit for its socket
    Socket,
    /// A dashboard of Grafana for the metrics
    Dashboard,
    /// The manual page, chatroom(1)
    Man,
    /// Completions for bash
    Bash,
    /// Completions for zsh
    Zsh,
    /// Completions for fish
    Fish,
}

/// What `chatroom resolve` is told.
#[derive(Debug, Clone, Args)]
pub struct ResolveOptions {
    /// The host, and the port that each of its addresses is printed with
    #[arg(value_name = "HOST:PORT", env = "CHATROOM_RESOLVE")]
    pub server: String,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_has_an_environment_name() {
        for command in Cli::command().get_subcommands() {
            for argument in command.get_arguments().filter(|a| a.get_id() != "help") {
                let name = argument
                    .get_env()
                    .map(|name| name.to_string_lossy().into_owned());
                assert!(
                    name.is_some_and(|name| name.starts_with("CHATROOM_")),
                    "{} {} has no environment name",
                    command.get_name(),
                    argument.get_id()
                );
            }
        }
    }
}
