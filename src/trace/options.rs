//! What `chatroom trace` is asked for; filled by the command line.

use std::path::PathBuf;

use super::chat::units::Framing;
use super::packet::Ports;

/// What `chatroom trace` is asked for.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a wish of its own, granted or not"
)]
pub struct Options {
    /// Capture to read; `-` is standard input.
    pub file: PathBuf,
    /// The room's ports.
    pub ports: Ports,
    /// What ends a message; `None` to find out.
    pub framing: Option<Framing>,
    /// Where the secrets of sealed connections are.
    pub key_log: Option<PathBuf>,
    /// Show the packet list.
    pub packets: bool,
    /// Show everything about the frames from the first to the last of each pair.
    pub details: Vec<(u64, u64)>,
    /// Show who said what.
    pub messages: bool,
    /// Show the summary.
    pub summary: bool,
    /// Files to write, each of the kind that its ending says.
    pub output: Vec<PathBuf>,
    /// Draw every packet.
    pub full: bool,
    /// Most rows to draw.
    pub rows_max: usize,
    /// Show only this stream.
    pub stream: Option<u32>,
    /// Show only from this time on, in nanoseconds since the first frame.
    pub from: Option<i64>,
    /// Show only up to this time.
    pub to: Option<i64>,
    /// How to write times.
    pub time: TimeStyle,
    /// Write how many bytes there were in place of what people said.
    pub redact: bool,
    /// Call every packet TCP in the list.
    pub plain: bool,
    /// Fail if there is a finding of level warn.
    pub check: bool,
    /// Most streams to follow at once.
    pub streams_max: usize,
}

impl Options {
    /// Returns what leaves something out, as it was asked for: `--stream 3 --from 5`; empty if nothing
    /// does.
    #[must_use]
    pub fn asked_for(&self) -> String {
        let seconds = |time: i64| {
            let sign = if time < 0 { "-" } else { "" };
            let time = time.unsigned_abs();
            let part = format!("{:09}", time % 1_000_000_000);
            let part = part.trim_end_matches('0');
            let point = if part.is_empty() { "" } else { "." };
            format!("{sign}{}{point}{part}", time / 1_000_000_000)
        };
        let parts = [
            self.stream.map(|stream| format!("--stream {stream}")),
            self.from.map(|from| format!("--from {}", seconds(from))),
            self.to.map(|to| format!("--to {}", seconds(to))),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// How times are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeStyle {
    /// Seconds since the first frame.
    Relative,
    /// Seconds since 1970.
    Epoch,
    /// Date and time, UTC.
    Utc,
}
