//! Everything about chosen frames: a tree in Wireshark's words, and the bytes.
//!
//! Frames are kept until the capture ends, because what a stream lacks is only known then.

mod cooked;
mod expert;
mod fddi;
mod fragments;
mod frame;
mod ipv4;
mod ipv6;
mod link;
mod llc;
mod ppp;
mod services;
mod tcp;
mod tcp_options;

use std::fmt::{self, Write as _};

use self::frame::{Times, hex_dump};
use super::seen::Seen;
use super::sink::{Sink, Whole};
use super::text::{Hex, Isolated, Safe, written};
use super::time::{Clock, Span};
use crate::trace::capture::OwnedFrame;
use crate::trace::chat::Note;
use crate::trace::options::Options;
use crate::trace::packet::{ACK, Datagram, Packet, RST, Skip};
use crate::trace::tcp::{Marks, Segment, StreamRow};

/// Most frames that are shown in detail.
const FRAMES_MAX: usize = 1000;

/// Keeps the frames that were asked for, and writes everything about them.
#[derive(Debug)]
pub(super) struct Details {
    wanted: Vec<(u64, u64)>,
    kept: Vec<Chosen>,
    /// The streams of the frames that are kept, as they turned out.
    rows: Vec<StreamRow>,
    redact: bool,
    /// When the frame before this one came.
    previous: Option<i64>,
}

impl Details {
    /// Returns what these options ask for.
    #[must_use]
    pub(super) fn new(options: &Options) -> Self {
        Self {
            wanted: options.details.clone(),
            kept: Vec::new(),
            rows: Vec::new(),
            redact: options.redact,
            previous: None,
        }
    }
}

impl Sink for Details {
    fn packet(&mut self, seen: &Seen<'_>, _out: &mut String) {
        let (time, number) = (seen.at.time, seen.frame.number);
        let since_previous = time - self.previous.unwrap_or(time);
        self.previous = Some(time);
        let wanted = |(first, last): &(u64, u64)| (*first..=*last).contains(&number);
        if self.kept.len() < FRAMES_MAX && self.wanted.iter().any(wanted) {
            let times = Times {
                since_first: time,
                since_previous,
            };
            self.kept.push(Chosen::new(seen, times));
        }
    }

    fn stream(&mut self, row: &StreamRow) {
        let of_row = |told: &Told| told.segment.stream == row.stream;
        let mut told = self.kept.iter().filter_map(|kept| kept.told.as_ref().ok());
        if told.any(of_row) {
            self.rows.push(row.clone());
        }
    }

    fn finish(&mut self, whole: &Whole<'_>, out: &mut String) {
        for (at, kept) in self.kept.iter().enumerate() {
            if at > 0 {
                out.push('\n');
            }
            written(self.frame(out, kept, whole.clock));
        }
    }
}

/// A frame that was asked for.
#[derive(Debug)]
struct Chosen {
    frame: OwnedFrame,
    /// The IP packet that it completed, if that was put together.
    datagram: Option<Datagram>,
    times: Times,
    told: Result<Told, Skip>,
}

/// What the layers said of it.
#[derive(Debug)]
struct Told {
    segment: Segment,
    note: Option<Note>,
}

impl Chosen {
    fn new(seen: &Seen<'_>, times: Times) -> Self {
        Self {
            frame: OwnedFrame::new(seen.frame),
            datagram: seen
                .found
                .ok()
                .and_then(|found| found.packet.datagram.cloned()),
            times,
            told: seen.found.map(|found| Told {
                segment: found.segment.clone(),
                note: found.note.cloned(),
            }),
        }
    }

    /// Returns whether the payload goes to the next layer: not if it tells why the connection is
    /// reset, nor if it was sent before, which isn't asked where a part of it is missing.
    fn hands_payload_on(&self, packet: &Packet<'_>) -> bool {
        let again = Marks(Marks::RETRANSMISSION.0 | Marks::SPURIOUS_RETRANSMISSION.0);
        let sent_again = |told: &Told| told.segment.marks.any(again);
        let is_whole = packet.payload.len() == packet.len as usize;
        let known = is_whole && self.told.as_ref().is_ok_and(sent_again);
        !(packet.payload.is_empty() || packet.has(RST) || known)
    }
}

impl Details {
    fn frame(&self, out: &mut String, kept: &Chosen, clock: &Clock) -> fmt::Result {
        let frame = kept.frame.frame();
        let parsed = match &kept.datagram {
            Some(datagram) => Packet::of(datagram),
            None => Packet::parse(&frame),
        };
        let (told, packet) = match (&kept.told, &parsed) {
            (Ok(told), Ok(packet)) => (told, packet),
            (Err(why), _) | (_, Err(why)) => {
                frame::tree(out, &frame, kept.times, &[])?;
                writeln!(out, "[Not looked at: {why}]\n")?;
                // Nobody knows what of it people said.
                let shown = if self.redact { 0 } else { usize::MAX };
                return hex_dump(out, frame.data, shown);
            }
        };
        let mut protocols = link::protocols(&frame, packet);
        let network = packet.datagram.map_or(frame.data, |whole| &whole.data);
        protocols.extend(network_protocols(network, packet));
        protocols.push("tcp");
        if kept.hands_payload_on(packet) {
            protocols.push("data");
        }
        frame::tree(out, &frame, kept.times, &protocols)?;
        link::tree(out, &frame, packet)?;
        self.network(out, network, packet)?;
        let row = self.row(&told.segment);
        let segment = match row {
            Some(row) => as_it_turned_out(&told.segment, packet, row),
            None => told.segment.clone(),
        };
        tcp::tree(out, packet, &segment, row, kept.times.since_first)?;
        if let Some(note) = &told.note {
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
        let payload_at = packet
            .datagram
            .map_or_else(|| packet.payload_at(), |whole| whole.carried_at);
        let shown = if self.redact { payload_at } else { usize::MAX };
        let Some(datagram) = packet.datagram else {
            return hex_dump(out, frame.data, shown);
        };
        writeln!(out, "Frame ({} bytes):", frame.data.len())?;
        hex_dump(out, frame.data, shown)?;
        fragments::bytes(out, packet, datagram, !self.redact)
    }

    fn network(&self, out: &mut String, data: &[u8], packet: &Packet<'_>) -> fmt::Result {
        if packet.src.is_ipv4() {
            ipv4::tree(out, &data[packet.ip_at..packet.tcp_at], packet)?;
            return fragments::tree(out, packet, !self.redact);
        }
        ipv6::tree(out, data, packet, !self.redact)
    }

    fn row(&self, segment: &Segment) -> Option<&StreamRow> {
        self.rows.iter().find(|row| row.stream == segment.stream)
    }
}

fn network_protocols(data: &[u8], packet: &Packet<'_>) -> Vec<&'static str> {
    if packet.src.is_ipv4() {
        vec!["ip"]
    } else {
        ipv6::protocols(data, packet)
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
    segment.ace = packet.ace().filter(|_| own.counts_marks);
    segment.closes_first = own.closed_first;
    segment
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
            clock.write_with(original.time, digits)
        )?;
    }
    if let Some(delay) = note.delay {
        write!(out, ", after {}", Span(delay))?;
    }
    writeln!(out, "]")
}

fn payload(out: &mut String, kept: &Chosen, packet: &Packet<'_>) -> fmt::Result {
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
