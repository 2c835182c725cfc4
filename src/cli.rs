//! The command line: what can be asked for, under which names, with which defaults.

mod files;
mod generate;
mod join;
mod listen;
mod trace;

use std::env;

use clap::builder::{BoolishValueParser, PossibleValuesParser, TypedValueParser};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use log::LevelFilter;

pub use crate::client::options::DEFAULT_PORT;
pub use crate::failure::Failure;
use crate::hub::limits::Limits;
use crate::server;

pub use self::files::{FileOptions, WriteOptions};
pub use self::generate::generate;
pub use self::join::JoinOptions;
pub use self::listen::ListenOn;
pub use self::trace::{FramingOption, TimeOption, TraceOptions};

/// The exit codes, told at the end of every `--help`.
const EXIT_CODES: &str = "\
Exit codes: 0 success, 1 failure, 2 wrong usage.";

/// The signals and the exit codes, told at the end of `serve --help`.
const SERVE_HELP: &str = "\
Signals: SIGINT or SIGTERM closes the room (the second one at once), SIGUSR1 logs how it goes, \
SIGHUP reads the lists anew and opens the record anew.

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
        let command = Self::command().mut_subcommands(|command| {
            command.mut_args(|argument| {
                let is_empty = |name| env::var_os(name).is_some_and(|value| value.is_empty());
                if argument.get_env().is_some_and(is_empty) {
                    argument.env(None::<&str>)
                } else {
                    argument
                }
            })
        });
        Self::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit())
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the room's server in the foreground
    Serve(ServeOptions),
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

/// What `chatroom serve` is told.
#[derive(Debug, Clone, Args)]
#[command(after_help = SERVE_HELP)]
pub struct ServeOptions {
    /// Address to listen on, with a name for all addresses it has; may be given several times.
    /// IPv6 as `[::1]:5050`; `5050` is a port of 127.0.0.1, `:5050` of every address
    #[arg(
        long,
        value_name = "ADDR:PORT",
        env = "CHATROOM_LISTEN",
        value_parser = listen::parse,
        value_delimiter = ',',
        default_value = "127.0.0.1:5050"
    )]
    pub listen: Vec<ListenOn>,

    /// Tell the room when somebody joins
    #[arg(long, env = "CHATROOM_ANNOUNCE_JOINS", value_parser = BoolishValueParser::new())]
    pub announce_joins: bool,

    /// How many lines of the talk so far a newcomer is shown
    #[arg(
        long,
        value_name = "LINES",
        env = "CHATROOM_HISTORY",
        default_value_t = 0
    )]
    pub history: usize,

    /// Longest line accepted, in bytes without its line end
    #[arg(
        long,
        value_name = "BYTES",
        env = "CHATROOM_MAX_LINE_BYTES",
        default_value_t = 4096
    )]
    pub max_line_bytes: usize,

    /// Size of the transcript: how far, in bytes, a reader may fall behind before it is cut
    #[arg(
        long,
        value_name = "BYTES",
        env = "CHATROOM_BACKLOG_BYTES",
        default_value_t = 8 * 1024 * 1024
    )]
    pub backlog_bytes: usize,

    /// Most connections at once [default: what the descriptor limit allows]
    #[arg(long, value_name = "N", env = "CHATROOM_MAX_CONNECTIONS")]
    pub max_connections: Option<usize>,

    /// Most connections of one address, IPv6 counted by its /64 [default: no limit]
    #[arg(long, value_name = "N", env = "CHATROOM_MAX_PER_ADDRESS")]
    pub max_per_address: Option<usize>,

    /// Seconds a connection may take to give a name; 0 is for ever
    #[arg(
        long,
        value_name = "SECONDS",
        env = "CHATROOM_NAME_TIMEOUT",
        default_value_t = 30
    )]
    pub name_timeout: u16,

    /// Seconds a member may be silent; 0 is for ever
    #[arg(
        long,
        value_name = "SECONDS",
        env = "CHATROOM_IDLE_TIMEOUT",
        default_value_t = 0
    )]
    pub idle_timeout: u16,

    /// Seconds a member may take nothing of what it is sent; 0 is for ever
    #[arg(
        long,
        value_name = "SECONDS",
        env = "CHATROOM_STALL_TIMEOUT",
        default_value_t = 60
    )]
    pub stall_timeout: u16,

    /// Lines a second that one member may say; over it, it is slowed, and nothing is lost. 0 is
    /// any number
    #[arg(
        long,
        value_name = "LINES",
        env = "CHATROOM_RATE",
        default_value_t = 100
    )]
    pub rate: u32,

    /// Lines that one member may say at once, before --rate holds
    #[arg(
        long,
        value_name = "LINES",
        env = "CHATROOM_BURST",
        default_value_t = 1000
    )]
    pub burst: u32,

    /// How much to log: off, error, warn, info, debug or trace
    #[arg(
        long,
        value_name = "LEVEL",
        env = "CHATROOM_LOG_LEVEL",
        default_value = "info",
        value_parser = log_levels(),
        ignore_case = true,
        hide_possible_values = true
    )]
    pub log_level: LevelFilter,

    /// Name the address in each line of the log about a connection that comes, is refused or is cut
    #[arg(long, env = "CHATROOM_LOG_ADDRESSES", value_parser = BoolishValueParser::new())]
    pub log_addresses: bool,

    /// Files that are read and written.
    #[command(flatten)]
    pub files: FileOptions,
}

/// Reads the name of a level; an error names them all.
fn log_levels() -> impl TypedValueParser<Value = LevelFilter> {
    PossibleValuesParser::new(["off", "error", "warn", "info", "debug", "trace"])
        .try_map(|level| level.parse::<LevelFilter>())
}

impl From<&ServeOptions> for server::Options {
    fn from(options: &ServeOptions) -> Self {
        Self {
            listen: options.listen.iter().flat_map(|on| on.0.clone()).collect(),
            connections_max: options.max_connections,
            limits: Limits {
                max_line_bytes: options.max_line_bytes,
                backlog_bytes: options.backlog_bytes,
                max_per_address: options.max_per_address,
                name_timeout_s: options.name_timeout,
                idle_timeout_s: options.idle_timeout,
                stall_timeout_s: options.stall_timeout,
                rate: options.rate,
                burst: options.burst,
                history_lines: options.history,
                announce_joins: options.announce_joins,
                log_addresses: options.log_addresses,
                ..Limits::default()
            },
            paths: options.files.paths(),
            files: options.files.files(),
            keeping: options.files.keeping(),
        }
    }
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

    fn limits(arguments: &[&str], descriptors: usize) -> Result<Limits, String> {
        #[derive(Parser)]
        struct Serve {
            #[command(flatten)]
            options: ServeOptions,
        }
        let arguments = ["serve"].iter().chain(arguments);
        let options = Serve::try_parse_from(arguments).unwrap().options;
        let options = server::Options::from(&options);
        options.limits.fit(options.connections_max, descriptors)
    }

    #[test]
    fn contradictions_are_named() {
        for (arguments, flag) in [
            (&["--max-line-bytes", "127"][..], "--max-line-bytes 127"),
            (&["--max-line-bytes", "1048577"], "--max-line-bytes 1048577"),
            (&["--backlog-bytes", "1000"], "--backlog-bytes 1000"),
            (
                &["--backlog-bytes", "4294967295"],
                "--backlog-bytes 4294967295",
            ),
            (
                &["--backlog-bytes", "65536", "--max-line-bytes", "8192"],
                "--backlog-bytes 65536",
            ),
            (&["--max-connections", "0"], "--max-connections 0"),
            (&["--max-per-address", "0"], "--max-per-address 0"),
            (&["--burst", "0"], "--burst 0"),
            (&["--name-timeout", "32001"], "--name-timeout 32001"),
            (&["--idle-timeout", "65535"], "--idle-timeout 65535"),
            (&["--stall-timeout", "60000"], "--stall-timeout 60000"),
            (&["--max-connections", "100000"], "--max-connections 100000"),
        ] {
            let error = limits(arguments, 1024).unwrap_err();
            assert!(error.starts_with(flag) && error.contains("give"), "{error}");
        }
        assert_eq!(limits(&[], 1024).unwrap().max_connections, 972);
        assert!(limits(&["--backlog-bytes", "65536"], 1024).is_ok());
    }

    #[test]
    fn the_defaults_of_the_command_line_are_these() {
        let told_nothing = limits(&[], 1024).unwrap();
        assert_eq!(
            Limits {
                max_connections: usize::MAX,
                ..told_nothing
            },
            Limits::default()
        );
    }
}
