//! What `chatroom trace` is told.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::DEFAULT_PORT;
use crate::trace::chat::units::Framing;
use crate::trace::options::{Options, TimeStyle};
use crate::trace::packet::{PORTS_MAX, Ports};

/// The exit codes and the live capture, told at the end of `trace --help`.
const TRACE_HELP: &str = "\
Live: tcpdump -i lo -U --immediate-mode -B 65536 -w - 'tcp port 5050' | chatroom trace -

Exit codes: 0 success; 1 nothing on the port, nothing that was asked for, or --check found
something; 2 wrong usage or bad input. Of a capture that breaks off in the middle of a packet, what
came before is told as always, and the code is 2.";

/// What `chatroom trace` is told.
#[derive(Debug, Clone, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
#[command(after_help = TRACE_HELP)]
pub struct TraceOptions {
    /// Capture to read, pcap or pcapng, or a record of the server's, of which the talk is told; - reads
    /// standard input
    #[arg(value_name = "FILE", env = "CHATROOM_TRACE_FILE")]
    pub file: PathBuf,

    /// The room's port; several with commas, as of one with TLS and one without
    #[arg(
        short,
        long,
        value_name = "N[,N]",
        env = "CHATROOM_TRACE_PORT",
        default_value_t = Ports::from(DEFAULT_PORT),
        value_parser = parse_ports
    )]
    pub port: Ports,

    /// What ends a message
    #[arg(
        long,
        value_name = "HOW",
        env = "CHATROOM_TRACE_FRAMING",
        value_enum,
        default_value_t = FramingOption::Auto
    )]
    pub framing: FramingOption,

    /// Secrets of TLS connections, as programs log them where SSLKEYLOGFILE says: reads what is sealed
    #[arg(long, value_name = "FILE", env = "CHATROOM_TRACE_KEYLOG")]
    pub keylog: Option<PathBuf>,

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
        default_value_t = 20_000
    )]
    pub max_streams: usize,
}

impl From<&TraceOptions> for Options {
    fn from(options: &TraceOptions) -> Self {
        Self {
            file: options.file.clone(),
            ports: options.port,
            framing: match options.framing {
                FramingOption::Auto => None,
                FramingOption::Lines => Some(Framing::Lines),
                FramingOption::Segments => Some(Framing::Segments),
            },
            key_log: options.keylog.clone(),
            packets: options.packets,
            details: options.details.clone(),
            messages: options.messages,
            summary: options.summary,
            output: options.output.clone(),
            full: options.full,
            rows_max: options.rows,
            stream: options.stream,
            from: options.from,
            to: options.to,
            time: match options.time {
                TimeOption::Relative => TimeStyle::Relative,
                TimeOption::Epoch => TimeStyle::Epoch,
                TimeOption::Utc => TimeStyle::Utc,
            },
            redact: options.redact,
            plain: options.plain,
            check: options.check,
            streams_max: options.max_streams,
        }
    }
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

/// Reads a port or several.
fn parse_ports(text: &str) -> Result<Ports, String> {
    let ports = text.split(',').map(|port| port.trim().parse());
    let ports: Result<Vec<u16>, _> = ports.collect();
    let ports = ports.map_err(|error| error.to_string())?;
    Ports::new(&ports).ok_or_else(|| format!("more than {PORTS_MAX} ports"))
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
