//! The options of `chatroom serve`.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{BoolishValueParser, PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Args, ValueEnum};
use log::LevelFilter;

use super::files::FileOptions;
use super::listen::{self, ListenOn, Ports};
use super::switch::Switch as _;
use super::{BackplaneOptions, EntranceOptions, entrance, generate, given};
use crate::failure::Failure;
use crate::hub::limits::Limits;
use crate::server::sandbox;
use crate::{logging, server};

/// The signals and the exit codes, told at the end of `serve --help`.
const SERVE_HELP: &str = "\
Signals: SIGINT or SIGTERM closes the room, step by step: --lame-duck, then --grace; another one
takes the next step at once. SIGHUP reads files anew, SIGUSR1 logs how it goes.

Exit codes: 0 success, 1 failure, 2 wrong usage.";

/// What `chatroom serve` is told.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Debug, Clone, Args)]
#[command(after_help = SERVE_HELP)]
pub struct ServeOptions {
    /// Address to listen on, with a name for all addresses it has; may be given several times.
    /// IPv6 as `[::1]:5050`; `5050` is a port of 127.0.0.1, `:5050` of every address; with `tls://`
    /// before it TLS is spoken, with `http://` or `https://` it has the page; `unix:FILE` is a file
    /// [default: the sockets that systemd hands over, or else 127.0.0.1:5050]
    #[arg(
        long,
        value_name = "ADDR:PORT",
        env = "CHATROOM_LISTEN",
        value_parser = listen::parse,
        value_delimiter = ','
    )]
    pub listen: Vec<ListenOn>,

    /// Address at which to tell how it goes: /metrics, as Prometheus reads it, and /healthz
    #[arg(
        long,
        value_name = "ADDR:PORT",
        env = "CHATROOM_METRICS",
        value_parser = listen::parse_ports,
        value_delimiter = ','
    )]
    pub metrics: Vec<Ports>,

    /// TLS, and what stands in front.
    #[command(flatten)]
    pub entrance: EntranceOptions,

    /// Tell the room when somebody joins
    #[arg(long, env = "CHATROOM_ANNOUNCE_JOINS", switch(), default_value = "no")]
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

    /// Seconds that what is owed is waited for when the room closes
    #[arg(
        long,
        value_name = "SECONDS",
        env = "CHATROOM_GRACE",
        default_value_t = 5
    )]
    pub grace: u16,

    /// Seconds the room goes on after it was told to close, while nobody new comes in
    #[arg(
        long,
        value_name = "SECONDS",
        env = "CHATROOM_LAME_DUCK",
        default_value_t = 0
    )]
    pub lame_duck: u16,

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
    #[arg(long, env = "CHATROOM_LOG_ADDRESSES", switch(), default_value = "no")]
    pub log_addresses: bool,

    /// Log what is said in the room
    #[arg(
        long,
        value_name = "on|off",
        env = "CHATROOM_LOG_TALK",
        action = ArgAction::Set,
        default_value = "on",
        value_parser = BoolishValueParser::new(),
        hide_possible_values = true
    )]
    pub log_talk: bool,

    /// How a line of the log is written; json is an object a line
    #[arg(
        long,
        value_name = "HOW",
        env = "CHATROOM_LOG_FORMAT",
        value_enum,
        default_value_t = LogFormat::Text
    )]
    pub log_format: LogFormat,

    /// User to become once the ports are open, where it is started as root
    #[arg(long, value_name = "NAME", env = "CHATROOM_USER")]
    pub user: Option<String>,

    /// Give up nothing after the start: neither files nor system calls nor capabilities
    #[arg(long, env = "CHATROOM_NO_SANDBOX", switch(), default_value = "no")]
    pub no_sandbox: bool,

    /// File to read settings from, in TOML with the flags' names as keys; flags and variables win
    #[arg(long, value_name = "FILE", env = "CHATROOM_CONFIG")]
    pub config: Option<PathBuf>,

    /// Check all settings, print those in force and where each comes from, and exit
    #[arg(long, env = "CHATROOM_CHECK", value_parser = BoolishValueParser::new())]
    pub check: bool,

    /// The settings in force, and where each comes from.
    #[arg(skip)]
    pub(super) in_force: String,

    /// Files that are read and written.
    #[command(flatten)]
    pub files: Box<FileOptions>,

    /// A room on many machines.
    #[command(flatten)]
    pub backplane: Box<BackplaneOptions>,
}

/// How a line of the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// For programs
    Json,
}

impl ServeOptions {
    /// Returns the folders of what is read anew: editors put new files in the places of old ones, so
    /// leave to read those that are there now would not do.
    fn readable(&self) -> Vec<PathBuf> {
        let configuration = self.config.as_deref().and_then(entrance::parent);
        let certificate = self.entrance.readable(&self.listen);
        let others = self.files.folders().into_iter().chain(certificate);
        configuration.into_iter().chain(others).collect()
    }

    /// Checks that a server could start with these options, and prints those in force.
    ///
    /// # Errors
    /// Says what contradicts what.
    pub fn check(&self) -> Result<(), Failure> {
        server::check(&self.into())?;
        generate::print(&self.in_force)
    }
}

impl From<LogFormat> for logging::Format {
    fn from(format: LogFormat) -> Self {
        match format {
            LogFormat::Text => Self::Text,
            LogFormat::Json => Self::Json,
        }
    }
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
            metrics: options.metrics.iter().flat_map(|on| on.0.clone()).collect(),
            certificate: options.entrance.certificate(),
            socket_mode: options.entrance.socket_mode,
            proxy_from: options.entrance.proxy_from.clone(),
            web_origins: options.entrance.web_origin.clone(),
            connections_max: options.max_connections,
            sandbox: sandbox::Options {
                wanted: !options.no_sandbox,
                user: options.user.clone(),
                readable: options.readable(),
                sockets: EntranceOptions::sockets(&options.listen),
                connects_to: Vec::new(),
            },
            backplane: options.backplane.options(),
            lame_duck: Duration::from_secs(options.lame_duck.into()),
            reread: given::reread,
            limits: Limits {
                max_line_bytes: options.max_line_bytes,
                backlog_bytes: options.backlog_bytes,
                max_per_address: options.max_per_address,
                name_timeout_s: options.name_timeout,
                idle_timeout_s: options.idle_timeout,
                stall_timeout_s: options.stall_timeout,
                grace_s: options.grace,
                rate: options.rate,
                burst: options.burst,
                history_lines: options.history,
                announce_joins: options.announce_joins,
                log_addresses: options.log_addresses,
                log_talk: options.log_talk,
                ..Limits::default()
            },
            paths: options.files.paths(options.user.as_ref()),
            files: options.files.files(),
            keeping: options.files.keeping(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

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
            (&["--grace", "40000"], "--grace 40000"),
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
