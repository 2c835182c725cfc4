//! Everything about chosen frames: a tree in Wireshark's words, and the bytes.
//!
//! Frames are kept until the capture ends, because what a conversation lacks is only known then.

use std::fmt::{self, Write as _};

use crate::trace::capture::{Frame, OwnedFrame};
use crate::trace::chat::Note;
use crate::trace::packet::{ACK, Packet, RST, Skip};
use crate::trace::show::clock::Clock;
use crate::trace::show::text::{Hex, Isolated, Safe, Seconds, Span, Utc};
use crate::trace::tcp::{Marks, Segment, StreamRow};
mod ip;
mod link;
mod tcp;

/// Most frames that are shown in detail.
pub const FRAMES_MAX: usize = 1000;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The frames that were asked for.
#[derive(Debug)]
pub struct Details {
    wanted: Vec<(u64, u64)>,
    kept: Vec<Kept>,
    /// The streams of the frames that are kept, as they turned out.
    rows: Vec<StreamRow>,
    redact: bool,
    /// When the frame before this one came.
    previous: Option<i64>,
}

#[derive(Debug)]
struct Kept {
    frame: OwnedFrame,
    time: i64,
    since_previous: i64,
    seen: Result<(Box<Segment>, Option<Note>), Skip>,
}

impl Kept {
    /// Returns whether the payload goes to the next layer: not if it tells why the connection is
    /// reset, nor if it was sent before, which isn't asked where a part of it is missing.
    fn hands_payload_on(&self, packet: &Packet<'_>) -> bool {
        let again = Marks(Marks::RETRANSMISSION.0 | Marks::SPURIOUS_RETRANSMISSION.0);
        let sent_again = |seen: &(Box<Segment>, _)| seen.0.marks.any(again);
        let is_whole = packet.payload.len() == packet.len as usize;
        let known = is_whole && self.seen.as_ref().is_ok_and(sent_again);
        !(packet.payload.is_empty() || packet.has(RST) || known)
    }
}

impl Details {
    /// Returns a collection of the frames in these ranges.
    #[must_use]
    pub fn new(wanted: &[(u64, u64)], redact: bool) -> Self {
        Self {
            wanted: wanted.to_vec(),
            kept: Vec::new(),
            rows: Vec::new(),
            redact,
            previous: None,
        }
    }

    /// Takes a TCP segment.
    pub fn packet(&mut self, frame: &Frame<'_>, time: i64, segment: &Segment, note: Option<&Note>) {
        self.keep(frame, time, |_| {
            Ok((Box::new(segment.clone()), note.cloned()))
        });
    }

    /// Takes a frame that isn't looked at.
    pub fn skipped(&mut self, frame: &Frame<'_>, time: i64, why: Skip) {
        self.keep(frame, time, |_| Err(why));
    }

    /// Takes a stream that is over.
    pub fn ended(&mut self, row: &StreamRow) {
        let of_row = |seen: &(Box<Segment>, _)| seen.0.stream == row.stream;
        if self
            .kept
            .iter()
            .any(|kept| kept.seen.as_ref().is_ok_and(of_row))
        {
            self.rows.push(row.clone());
        }
    }

    fn keep(
        &mut self,
        frame: &Frame<'_>,
        time: i64,
        seen: impl FnOnce(&Self) -> Result<(Box<Segment>, Option<Note>), Skip>,
    ) {
        if self.wanted.is_empty() {
            return;
        }
        let since_previous = time - self.previous.unwrap_or(time);
        self.previous = Some(time);
        let wanted = |(first, last): &(u64, u64)| (*first..=*last).contains(&frame.number);
        if self.kept.len() < FRAMES_MAX && self.wanted.iter().any(wanted) {
            let seen = seen(self);
            self.kept.push(Kept {
                frame: OwnedFrame::new(frame),
                time,
                since_previous,
                seen,
            });
        }
    }

    /// Writes all of them, once every stream is over.
    #[must_use]
    pub fn write(&self, clock: &Clock) -> String {
        let mut out = String::new();
        for (at, kept) in self.kept.iter().enumerate() {
            if at > 0 {
                out.push('\n');
            }
            // Writing to a string can't fail.
            let written = self.frame(&mut out, kept, clock);
            debug_assert!(written.is_ok());
        }
        out
    }

    fn frame(&self, out: &mut String, kept: &Kept, clock: &Clock) -> fmt::Result {
        let frame = kept.frame.frame();
        let packet = Packet::parse(&frame);
        frame_tree(out, &frame, kept, packet.as_ref().ok())?;
        match (&kept.seen, packet.as_ref()) {
            (Ok((segment, note)), Ok(packet)) => {
                link::link(out, &frame, packet)?;
                ip::ip(out, frame.data, packet)?;
                let row = self.rows.iter().find(|row| row.stream == segment.stream);
                let segment = row.map_or_else(
                    || (**segment).clone(),
                    |row| as_it_turned_out(segment, packet, row),
                );
                tcp::tree(out, packet, &segment, row, kept.time)?;
                if let Some(note) = note {
                    chat_line(out, note, clock, frame.digits)?;
                }
                if !self.redact {
                    payload(out, kept, packet)?;
                }
                if packet.has_cut_options() {
                    out.push_str("[Packet size limited during capture: TCP truncated]\n");
                }
                out.push('\n');
                // Behind the payload may lie what fills the frame up.
                let shown = if self.redact {
                    frame.data.len().min(packet.payload_at())
                } else {
                    frame.data.len()
                };
                hex_dump(out, &frame.data[..shown])?;
                if shown < frame.data.len() {
                    writeln!(out, "<{} bytes>", frame.data.len() - shown)?;
                }
                Ok(())
            }
            (Err(why), _) | (_, Err(why)) => {
                writeln!(out, "[Not looked at: {why}]\n")?;
                hex_dump(out, frame.data)
            }
        }
    }
}

/// Returns a segment by what was known of its stream in the end: an answer to the SYN may come late,
/// begin elsewhere and tell the scale of the windows.
fn as_it_turned_out(segment: &Segment, packet: &Packet<'_>, row: &StreamRow) -> Segment {
    let from_first = (packet.src, packet.src_port) == (row.first.address, row.first.port);
    let (own, other) = if from_first { (0, 1) } else { (1, 0) };
    let mut segment = segment.clone();
    let (own, other) = (&row.ends[own], &row.ends[other]);
    if let Some(base) = own.base {
        segment.seq = packet.seq.wrapping_sub(base);
    }
    if let Some(base) = other.base {
        if packet.has(ACK) {
            segment.ack = packet.ack.wrapping_sub(base);
        }
        segment.other_base = base;
    }
    if segment.scale.is_some() {
        segment.scale = Some(own.scale);
        segment.window = own.scale.apply(u32::from(packet.window));
    }
    segment.closes_first = own.closed_first;
    segment
}

fn frame_tree(
    out: &mut String,
    frame: &Frame<'_>,
    kept: &Kept,
    packet: Option<&Packet<'_>>,
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
    let since = Seconds(kept.since_previous, 9);
    writeln!(
        out,
        "    [Time delta from previous captured frame: {since} seconds]"
    )?;
    let since = Seconds(kept.time, 9);
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
    if let Some(packet) = packet {
        let mut protocols = link::protocols(frame, packet);
        protocols.extend(ip::protocols(frame.data, packet));
        protocols.push("tcp");
        if kept.hands_payload_on(packet) {
            protocols.push("data");
        }
        writeln!(out, "    [Protocols in frame: {}]", protocols.join(":"))?;
    }
    Ok(())
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

/// Says what the frame is for in the talk.
fn chat_line(out: &mut String, note: &Note, clock: &Clock, digits: u8) -> fmt::Result {
    write!(out, "[Chat: {}", note.phase.name())?;
    if let Some((from, original, to)) = &note.copy {
        write!(
            out,
            ", copy for {} of what {} sent in frame {} at {}",
            Isolated(&to.name),
            Isolated(&from.name),
            original.frame,
            clock.write(original.time, digits)
        )?;
    }
    if let Some(delay) = note.delay {
        write!(out, ", after {}", Span(delay))?;
    }
    writeln!(out, "]")
}

fn payload(out: &mut String, kept: &Kept, packet: &Packet<'_>) -> fmt::Result {
    if packet.has(RST) && !packet.payload.is_empty() {
        return writeln!(out, "    Reset cause: {}", Safe(packet.payload));
    }
    if !kept.hands_payload_on(packet) {
        return Ok(());
    }
    writeln!(out, "    TCP payload ({} bytes)", packet.payload.len())?;
    writeln!(out, "Data ({} bytes)", packet.payload.len())?;
    writeln!(out, "    Data: {}", Hex(packet.payload))?;
    writeln!(out, "    [Length: {}]", packet.payload.len())
}

/// Writes bytes as offset, hexadecimal and ASCII, sixteen to a line.
fn hex_dump(out: &mut String, bytes: &[u8]) -> fmt::Result {
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
    Ok(())
}
