//! Records for other programs: one JSON object a line.

use std::fmt::{self, Write as _};

use super::findings::{Finding, Level};
use super::list::Info;
use super::messages::Said;
use super::text::{Address, Json, Seconds};
use crate::trace::capture::Moment;
use crate::trace::chat::event::{Event, Original, Who};
use crate::trace::packet::Packet;
use crate::trace::tcp::{Marks, Scale, Segment};

/// The marks by tshark's field names, without `tcp.analysis.`.
const FIELDS: [(Marks, &str); 15] = [
    (Marks::REUSED_PORTS, "reused_ports"),
    (Marks::RETRANSMISSION, "retransmission"),
    (Marks::FAST_RETRANSMISSION, "fast_retransmission"),
    (Marks::SPURIOUS_RETRANSMISSION, "spurious_retransmission"),
    (Marks::OUT_OF_ORDER, "out_of_order"),
    (Marks::LOST_SEGMENT, "lost_segment"),
    (Marks::ACK_LOST_SEGMENT, "ack_lost_segment"),
    (Marks::WINDOW_UPDATE, "window_update"),
    (Marks::WINDOW_FULL, "window_full"),
    (Marks::KEEP_ALIVE, "keep_alive"),
    (Marks::KEEP_ALIVE_ACK, "keep_alive_ack"),
    (Marks::DUPLICATE_ACK, "duplicate_ack"),
    (Marks::ZERO_WINDOW_PROBE, "zero_window_probe"),
    (Marks::ZERO_WINDOW, "zero_window"),
    (Marks::ZERO_WINDOW_PROBE_ACK, "zero_window_probe_ack"),
];

/// The record of one TCP frame.
#[derive(Debug, Clone, Copy)]
pub struct PacketRecord<'a> {
    /// Frame number.
    pub number: u64,
    /// Nanoseconds since the first frame.
    pub time: Option<i64>,
    /// Length of the frame.
    pub length: u32,
    /// The headers.
    pub packet: &'a Packet<'a>,
    /// What is said about them.
    pub segment: &'a Segment,
    /// What the frame is for in the talk, if it is the room's.
    pub phase: Option<&'static str>,
}

impl fmt::Display for PacketRecord<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (packet, segment) = (self.packet, self.segment);
        write!(f, "{{\"record\":\"packet\",\"frame\":{}", self.number)?;
        match self.time {
            Some(time) => write!(f, ",\"time_relative\":{}", Seconds(time, 9))?,
            None => f.write_str(",\"time_relative\":null")?,
        }
        write!(
            f,
            ",\"length\":{},\"src\":\"{}\",\"srcport\":{},\"dst\":\"{}\",\"dstport\":{},\"stream\":{}",
            self.length,
            Address(packet.src),
            packet.src_port,
            Address(packet.dst),
            packet.dst_port,
            segment.stream
        )?;
        write!(
            f,
            ",\"seq\":{},\"ack\":{},\"len\":{},\"flags\":\"0x{:04x}\",\"window_size_value\":{}",
            segment.seq, segment.ack, packet.len, packet.flags, packet.window
        )?;
        write!(f, ",\"window_size\":{}", segment.window)?;
        match segment.scale {
            None => f.write_str(",\"window_size_scalefactor\":null")?,
            Some(Scale::Unknown) => f.write_str(",\"window_size_scalefactor\":-1")?,
            Some(Scale::Unused) => f.write_str(",\"window_size_scalefactor\":-2")?,
            Some(Scale::Shift(shift)) => {
                write!(f, ",\"window_size_scalefactor\":{}", 1_u32 << shift)?;
            }
        }
        f.write_str(",\"analysis\":{")?;
        analysis(f, segment)?;
        f.write_char('}')?;
        if let Some(phase) = self.phase {
            write!(f, ",\"phase\":\"{phase}\"")?;
        }
        let info = Info(packet, segment).to_string();
        write!(f, ",\"info\":{}}}", Json(info.as_bytes()))
    }
}

fn analysis(f: &mut fmt::Formatter<'_>, segment: &Segment) -> fmt::Result {
    let mut separator = "";
    let mut field = |f: &mut fmt::Formatter<'_>, name: &str, value: &dyn fmt::Display| {
        let written = write!(f, "{separator}\"{name}\":{value}");
        separator = ",";
        written
    };
    let mut marks = segment.marks;
    if marks.any(Marks::FAST_RETRANSMISSION) || marks.any(Marks::SPURIOUS_RETRANSMISSION) {
        marks.set(Marks::RETRANSMISSION);
    }
    for (mark, name) in FIELDS {
        if marks.any(mark) {
            field(f, name, &true)?;
        }
    }
    if let Some((frame, number)) = segment.duplicate_ack {
        field(f, "duplicate_ack_num", &number)?;
        field(f, "duplicate_ack_frame", &frame)?;
    }
    if let Some((frame, rtt)) = segment.acks {
        field(f, "acks_frame", &frame)?;
        // Wireshark doesn't tell spans of 0.
        if rtt != 0 {
            field(f, "ack_rtt", &Seconds(rtt, 9))?;
        }
    }
    if let Some((rto, frame)) = segment.rto.filter(|(rto, _)| *rto != 0) {
        field(f, "rto", &Seconds(rto, 9))?;
        field(f, "rto_frame", &frame)?;
    }
    if let Some(bytes) = segment.bytes_in_flight {
        field(f, "bytes_in_flight", &bytes)?;
    }
    if let Some(bytes) = segment.push_bytes {
        field(f, "push_bytes_sent", &bytes)?;
    }
    if let Some(rtt) = segment.initial_rtt {
        field(f, "initial_rtt", &Seconds(rtt, 9))?;
    }
    field(f, "completeness", &segment.completeness_before)
}

/// Appends the record of something that happened, if it has one.
pub fn append_event(event: &Event, redact: bool, out: &mut String) {
    // Writing to a string can't fail.
    let written = event_record(event, redact, out);
    debug_assert!(written.is_ok());
}

fn event_record(event: &Event, redact: bool, out: &mut String) -> fmt::Result {
    match event {
        Event::Joined {
            id,
            who,
            client,
            at,
        } => {
            begin(out, "join", *at, who)?;
            writeln!(
                out,
                ",\"id\":{id},\"src\":\"{}\",\"srcport\":{}}}",
                client.address, client.port
            )
        }
        Event::Said {
            id,
            who,
            at,
            text,
            partial,
        } => {
            begin(out, "message", *at, who)?;
            let bytes = text.len();
            write!(out, ",\"id\":{id},\"bytes\":{bytes},\"partial\":{partial}")?;
            text_field(out, text, redact)
        }
        Event::Acked { id, at, delay } => writeln!(
            out,
            "{{\"record\":\"ack\",\"frame\":{},\"time_relative\":{},\"id\":{id},\"delay\":{}}}",
            at.frame,
            Seconds(at.time, 9),
            Seconds(*delay, 9)
        ),
        Event::Copied { .. } => copy_record(event, out),
        Event::Left { id, who, at, how } => {
            begin(out, "leave", *at, who)?;
            writeln!(out, ",\"id\":{id},\"how\":\"{}\"}}", how.words())
        }
        Event::Notice {
            who,
            at,
            text,
            partial,
        } => {
            begin(out, "notice", *at, who)?;
            write!(out, ",\"partial\":{partial}")?;
            text_field(out, text, redact)
        }
        Event::Missing {
            of,
            original,
            to,
            not_captured,
        } => {
            begin(out, "missing", *original, to)?;
            let kind = kind(*of);
            writeln!(out, ",\"of\":\"{kind}\",\"not_captured\":{not_captured}}}")
        }
        Event::Settled { .. } => Ok(()),
        _ => connection_record(event, out),
    }
}

fn copy_record(event: &Event, out: &mut String) -> fmt::Result {
    match event {
        Event::Copied {
            id,
            of,
            original,
            to,
            at,
            delay,
            acked,
        } => {
            begin(out, "copy", *at, to)?;
            let kind = kind(*of);
            write!(
                out,
                ",\"id\":{id},\"of\":\"{kind}\",\"of_frame\":{}",
                original.frame
            )?;
            write!(out, ",\"delay\":{}", Seconds(*delay, 9))?;
            match acked {
                Some((ack, delay)) => writeln!(
                    out,
                    ",\"ack_frame\":{},\"ack_delay\":{}}}",
                    ack.frame,
                    Seconds(*delay, 9)
                ),
                None => out.write_str(",\"ack_frame\":null,\"ack_delay\":null}\n"),
            }
        }
        _ => Ok(()),
    }
}

fn connection_record(event: &Event, out: &mut String) -> fmt::Result {
    match event {
        Event::Connected { who, syn, at, .. } => {
            begin(out, "connect", *at, who)?;
            writeln!(out, ",\"syn_frame\":{}}}", syn.frame)
        }
        Event::Refused { who, syn, at } => {
            begin(out, "refuse", *at, who)?;
            writeln!(out, ",\"syn_frame\":{}}}", syn.frame)
        }
        Event::Ended { who, began, at } => {
            begin(out, "end", *at, who)?;
            writeln!(out, ",\"began_frame\":{}}}", began.frame)
        }
        Event::Gap { who, at, lost, cut } => {
            begin(out, "gap", *at, who)?;
            writeln!(out, ",\"lost\":{lost},\"cut\":{cut}}}")
        }
        _ => Ok(()),
    }
}

/// Appends the record of a finding.
pub fn append_finding(finding: &Finding, out: &mut String) {
    let frames: Vec<_> = finding.frames.iter().map(u64::to_string).collect();
    let level = match finding.kind.level() {
        Level::Warn => "warn",
        Level::Info => "info",
    };
    let stream = finding
        .stream
        .map_or_else(|| "null".to_owned(), |stream| stream.to_string());
    let written = writeln!(
        out,
        "{{\"record\":\"finding\",\"level\":\"{level}\",\"kind\":\"{}\",\"stream\":{stream},\"name\":{},\"count\":{},\"frames\":[{}],\"detail\":{},\"meaning\":{}}}",
        finding.kind.name(),
        Json(&finding.name),
        finding.count,
        frames.join(","),
        Json(finding.detail.as_bytes()),
        Json(finding.kind.meaning().as_bytes())
    );
    debug_assert!(written.is_ok());
}

fn begin(out: &mut String, record: &str, at: Moment, who: &Who) -> fmt::Result {
    write!(
        out,
        "{{\"record\":\"{record}\",\"frame\":{},\"time_relative\":{},\"stream\":{},\"name\":{}",
        at.frame,
        Seconds(at.time, 9),
        who.stream,
        Json(&who.name)
    )
}

fn text_field(out: &mut String, text: &[u8], redact: bool) -> fmt::Result {
    let said = Said { text, redact: true }.to_string();
    let text = if redact { said.as_bytes() } else { text };
    writeln!(out, ",\"text\":{}}}", Json(text))
}

fn kind(of: Original) -> &'static str {
    match of {
        Original::Message => "message",
        Original::Join => "join",
        Original::Leave => "leave",
    }
}
