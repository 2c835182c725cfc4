//! The command line: what can be asked for, under which names, with which defaults.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use log::LevelFilter;

/// The port chatroom listens on and joins unless told otherwise.
pub const DEFAULT_PORT: u16 = 5050;

/// The exit codes, told at the end of every `--help`.
const EXIT_CODES: &str = "\
Exit codes: 0 success, 1 failure, 2 wrong usage.";

/// The exit codes of `chatroom join`, which scripts tell apart.
const JOIN_EXIT_CODES: &str = "\
Exit codes: 0 success (also when the reader of the output is gone), 1 failure (also when the server
goes away before the input ends), 2 wrong usage, 3 the name given was refused.";

/// The signals and the exit codes, told at the end of `serve --help`.
const SERVE_HELP: &str = "\
Signals: SIGINT or SIGTERM closes the room (the second one at once), SIGUSR1 logs how it goes.

Exit codes: 0 success, 1 failure, 2 wrong usage.";

/// The exit codes and the live capture, told at the end of `trace --help`.
const TRACE_HELP: &str = "\
Live: tcpdump -i lo -U --immediate-mode -B 65536 -w - 'tcp port 5050' | chatroom trace -

Exit codes: 0 success, 1 nothing on the port or --check found something, 2 bad input or wrong usage.";

/// One public chat room that anyone joins with nc or telnet.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
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
}

/// What `chatroom serve` is told.
#[derive(Debug, Clone, Args)]
#[command(after_help = SERVE_HELP)]
pub struct ServeOptions {
    /// Address to listen on; may be given several times, IPv6 as `[::1]:5050`
    #[arg(
        long,
        value_name = "ADDR:PORT",
        env = "CHATROOM_LISTEN",
        value_parser = listen_address,
        value_delimiter = ',',
        default_value = "127.0.0.1:5050"
    )]
    pub listen: Vec<SocketAddr>,

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
        default_value = "info"
    )]
    pub log_level: LevelFilter,
}

/// What `chatroom join` is told.
#[derive(Debug, Clone, Args)]
#[command(after_help = JOIN_EXIT_CODES)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag that is given or not"
)]
pub struct JoinOptions {
    /// The room's host and port; a host alone means port 5050
    #[arg(
        value_name = "ADDR:PORT",
        env = "CHATROOM_SERVER",
        default_value = "127.0.0.1:5050"
    )]
    pub server: String,

    /// Answer the prompt for a name with NAME
    #[arg(long, value_name = "NAME", env = "CHATROOM_NAME")]
    pub name: Option<String>,

    /// Show the time, hours and minutes, before each line
    #[arg(long, env = "CHATROOM_TIMESTAMPS", value_parser = BoolishValueParser::new())]
    pub timestamps: bool,

    /// Show only what people say, not who comes and goes; in a pipe, none of the server's own words
    #[arg(long, env = "CHATROOM_QUIET", value_parser = BoolishValueParser::new())]
    pub quiet: bool,

    /// Ring the terminal's bell when a line names you or is for you alone
    #[arg(long, env = "CHATROOM_BELL", value_parser = BoolishValueParser::new())]
    pub bell: bool,

    /// When to use colours: always, never, or auto (on a terminal, unless `NO_COLOR` is set)
    #[arg(
        long,
        value_name = "WHEN",
        env = "CHATROOM_COLOR",
        value_enum,
        default_value_t,
        hide_possible_values = true
    )]
    pub color: ColorWhen,

    /// Leave when the connection is lost, as in a pipe, instead of coming back
    #[arg(long, env = "CHATROOM_NO_RECONNECT", value_parser = BoolishValueParser::new())]
    pub no_reconnect: bool,

    /// Read and write plain lines, also on a terminal
    #[arg(long, env = "CHATROOM_PLAIN", value_parser = BoolishValueParser::new())]
    pub plain: bool,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal that has them, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Whatever the output is.
    Always,
    /// Not at all.
    Never,
}

fn listen_address(text: &str) -> Result<SocketAddr, &'static str> {
    let advice =
        "give an IP address and a port, such as 127.0.0.1:5050, 0.0.0.0:5050 or [::1]:5050";
    text.parse().map_err(|_| advice)
}

/// What `chatroom trace` is told.
#[derive(Debug, Clone, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
#[command(after_help = TRACE_HELP)]
pub struct TraceOptions {
    /// Capture to read, pcap or pcapng; - reads standard input
    #[arg(value_name = "FILE", env = "CHATROOM_TRACE_FILE")]
    pub file: PathBuf,

    /// The room's port
    #[arg(short, long, value_name = "N", env = "CHATROOM_TRACE_PORT", default_value_t = DEFAULT_PORT)]
    pub port: u16,

    /// What ends a message
    #[arg(
        long,
        value_name = "HOW",
        env = "CHATROOM_TRACE_FRAMING",
        value_enum,
        default_value_t = FramingOption::Auto
    )]
    pub framing: FramingOption,

    /// The packet list, as Wireshark writes it
    #[arg(short = 'l', long, env = "CHATROOM_TRACE_PACKETS")]
    pub packets: bool,

    /// Everything about these frames, with a hex dump: N or N-M, several with commas
    #[arg(
        short,
        long,
        value_name = "N[,N-M]",
        env = "CHATROOM_TRACE_DETAILS",
        value_delimiter = ',',
        value_parser = parse_frames
    )]
    pub details: Vec<(u64, u64)>,

    /// Who said what, with each copy's delay [default, with --summary]
    #[arg(short, long, env = "CHATROOM_TRACE_MESSAGES")]
    pub messages: bool,

    /// Streams, participants, latencies and findings [default, with --messages]
    #[arg(short, long, env = "CHATROOM_TRACE_SUMMARY")]
    pub summary: bool,

    /// Also write FILE: .svg ladder, .html report, .mmd Mermaid, .txt ladder, .ndjson records
    #[arg(
        short,
        long,
        value_name = "FILE",
        env = "CHATROOM_TRACE_OUTPUT",
        value_delimiter = ','
    )]
    pub output: Vec<PathBuf>,

    /// Draw every packet instead of one row for each handshake and teardown
    #[arg(long, env = "CHATROOM_TRACE_FULL")]
    pub full: bool,

    /// Most rows to draw
    #[arg(
        long,
        value_name = "N",
        env = "CHATROOM_TRACE_ROWS",
        default_value_t = 2000
    )]
    pub rows: usize,

    /// Show only this stream
    #[arg(long, value_name = "N", env = "CHATROOM_TRACE_STREAM")]
    pub stream: Option<u32>,

    /// Show only from this second of the capture on
    #[arg(long, value_name = "SECONDS", env = "CHATROOM_TRACE_FROM", value_parser = parse_seconds, allow_negative_numbers = true)]
    pub from: Option<i64>,

    /// Show only up to this second of the capture
    #[arg(long, value_name = "SECONDS", env = "CHATROOM_TRACE_TO", value_parser = parse_seconds, allow_negative_numbers = true)]
    pub to: Option<i64>,

    /// How to write times
    #[arg(
        long,
        value_name = "HOW",
        env = "CHATROOM_TRACE_TIME",
        value_enum,
        default_value_t = TimeOption::Relative
    )]
    pub time: TimeOption,

    /// Write how many bytes there were in place of what people said
    #[arg(long, env = "CHATROOM_TRACE_REDACT")]
    pub redact: bool,

    /// Call every packet TCP in the list, as a tool that doesn't know the room would
    #[arg(long, env = "CHATROOM_TRACE_PLAIN")]
    pub plain: bool,

    /// Fail with exit code 1 if there is a finding of level warn
    #[arg(long, env = "CHATROOM_TRACE_CHECK")]
    pub check: bool,

    /// Most streams to follow at once
    #[arg(
        long,
        value_name = "N",
        env = "CHATROOM_TRACE_MAX_STREAMS",
        default_value_t = 20_480
    )]
    pub max_streams: usize,
}

/// What ends a message on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FramingOption {
    /// Lines if one of the first 16 data segments holds a line end, else segments
    Auto,
    /// A line end
    Lines,
    /// The end of a TCP segment
    Segments,
}

/// How times are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TimeOption {
    /// Seconds since the first frame
    Relative,
    /// Seconds since 1970
    Epoch,
    /// Date and time, UTC
    Utc,
}

/// What `chatroom generate` is told.
#[derive(Debug, Clone, Copy, Args)]
pub struct GenerateOptions {
    /// What to print
    #[arg(value_name = "WHAT", env = "CHATROOM_GENERATE", value_enum)]
    pub what: Generated,
}

/// What `chatroom generate` can print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Generated {
    /// A Wireshark dissector for the room's protocol, in Lua
    Dissector,
}

/// Reads a frame number or a range of them.
fn parse_frames(text: &str) -> Result<(u64, u64), String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| match text.trim().parse() {
        Ok(0) | Err(_) => Err(format!("{text:?} is not a frame number")),
        Ok(number) => Ok(number),
    };
    let (first, last) = (number(first)?, number(last)?);
    if first > last {
        return Err(format!("{first} comes after {last}"));
    }
    Ok((first, last))
}

/// Reads seconds as nanoseconds.
fn parse_seconds(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text:?} is not a number of seconds");
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let only_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > 9 || !only_digits(whole) || !only_digits(part) {
        return Err(wrong());
    }
    let seconds: i64 = whole.parse().map_err(|_| wrong())?;
    let nanoseconds: i64 = format!("{part:0<9}").parse().map_err(|_| wrong())?;
    seconds
        .checked_mul(1_000_000_000)
        .and_then(|total| total.checked_add(nanoseconds))
        .map(|total| sign * total)
        .ok_or_else(wrong)
}

/// Why a command ended without success: one line for standard error, and the exit code.
#[derive(Debug)]
pub struct Failure {
    /// 1 for a failure, 2 for wrong usage, 3 for a refused name.
    pub exit_code: u8,
    /// What went wrong and what to do about it.
    pub message: String,
}

impl Failure {
    /// Returns a failure at run time (exit code 1).
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            exit_code: 1,
            message: message.into(),
        }
    }

    /// Returns a failure for what was asked (exit code 2).
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            exit_code: 2,
            message: message.into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn frames_are_numbers_and_ranges() {
        assert_eq!(parse_frames("35"), Ok((35, 35)));
        assert_eq!(parse_frames("35-40"), Ok((35, 40)));
        for wrong in ["", "0", "-", "5-", "-5", "9-3", "x"] {
            assert!(parse_frames(wrong).is_err(), "{wrong:?} was taken");
        }
    }

    #[test]
    fn seconds_have_up_to_nine_digits() {
        assert_eq!(parse_seconds("139.117796"), Ok(139_117_796_000));
        assert_eq!(parse_seconds("-0.5"), Ok(-500_000_000));
        for wrong in ["", ".", "-", "1e3", "1.0000000001", "99999999999999", "+1"] {
            assert!(parse_seconds(wrong).is_err(), "{wrong:?} was taken");
        }
    }

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
