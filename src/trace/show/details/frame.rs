//! What is said of a frame as a whole, and its bytes.

use std::fmt::{self, Write as _};

use super::link;
use crate::trace::capture::Frame;
use crate::trace::show::time::{Seconds, Utc};

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// When a frame came, in nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) since_first: i64,
    pub(super) since_previous: i64,
}

/// Writes the frame; `protocols` are those in it from the network layer in.
pub(super) fn tree(
    out: &mut String,
    frame: &Frame<'_>,
    times: Times,
    protocols: &[&str],
) -> fmt::Result {
    let (length, captured) = (frame.length, frame.data.len());
    let (bits, captured_bits) = (u64::from(length) * 8, captured * 8);
    writeln!(
        out,
        "Frame {}: {length} bytes on wire ({bits} bits), {captured} bytes captured ({captured_bits} bits)",
        frame.number
    )?;
    let encapsulation = link::encapsulation(frame.link);
    writeln!(out, "    Encapsulation type: {encapsulation}")?;
    if let Some(time) = frame.time_ns {
        writeln!(out, "    Arrival Time: {}", arrival(time))?;
        writeln!(out, "    [Time shift for this packet: 0.000000000 seconds]")?;
        writeln!(out, "    Epoch Time: {} seconds", Seconds(time, 9))?;
    }
    let since = Seconds(times.since_previous, 9);
    writeln!(
        out,
        "    [Time delta from previous captured frame: {since} seconds]"
    )?;
    let since = Seconds(times.since_first, 9);
    writeln!(
        out,
        "    [Time since reference or first frame: {since} seconds]"
    )?;
    writeln!(out, "    Frame Number: {}", frame.number)?;
    writeln!(out, "    Frame Length: {length} bytes ({bits} bits)")?;
    writeln!(
        out,
        "    Capture Length: {captured} bytes ({captured_bits} bits)"
    )?;
    if protocols.is_empty() {
        return Ok(());
    }
    writeln!(out, "    [Protocols in frame: {}]", protocols.join(":"))
}

/// Writes a time as `Nov 14, 2023 22:15:39.118954000 UTC`.
fn arrival(time: i64) -> String {
    let text = Utc(time, 9).to_string();
    let mut parts = text.splitn(3, ['-', ' ']);
    let year = parts.next().unwrap_or_default();
    let month: usize = parts
        .next()
        .and_then(|month| month.parse().ok())
        .unwrap_or(1);
    let rest = parts.next().unwrap_or_default();
    let (day, clock) = rest.split_once(' ').unwrap_or((rest, ""));
    let month = MONTHS.get(month.wrapping_sub(1)).unwrap_or(&"");
    let day = day.trim_start_matches('0');
    format!("{month} {day:>2}, {year} {clock} UTC")
}

/// Writes the first `shown` bytes as offset, hexadecimal and ASCII, sixteen to a line, and how many
/// more there are.
pub(super) fn hex_dump(out: &mut String, bytes: &[u8], shown: usize) -> fmt::Result {
    let (bytes, hidden) = bytes.split_at(shown.min(bytes.len()));
    let digits = if bytes.len() > 0x1_0000 { 5 } else { 4 };
    for (at, line) in bytes.chunks(16).enumerate() {
        write!(out, "{:0digits$x}  ", at * 16)?;
        for column in 0..16 {
            match line.get(column) {
                Some(byte) => write!(out, "{byte:02x} ")?,
                None => out.push_str("   "),
            }
        }
        out.push_str("  ");
        out.extend(line.iter().map(|byte| match byte {
            0x20..=0x7e => char::from(*byte),
            _ => '.',
        }));
        out.push('\n');
    }
    if !hidden.is_empty() {
        writeln!(out, "<{} bytes>", hidden.len())?;
    }
    Ok(())
}
