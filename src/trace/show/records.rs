//! Records for other programs: one JSON object a line.

use std::fmt::{self, Write as _};

use super::account::{Finding, Level};
use super::info::Info;
use super::seen::{Found, Seen};
use super::sink::{Sink, Whole};
use super::text::{Address, Json, Said, written};
use super::time::{Clock, Seconds};
use crate::trace::capture::Moment;
use crate::trace::chat::event::{Event, Original, Way, Who, Word};
use crate::trace::options::Options;
use crate::trace::tcp::{Marks, Scale, Segment};
use crate::trace::tls::SuiteName;

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

/// Writes records.
#[derive(Debug)]
pub(super) struct Records {
    redact: bool,
}

impl Records {
    /// Returns what these options ask for.
    #[must_use]
    pub(super) fn new(options: &Options) -> Self {
        Self {
            redact: options.redact,
        }
    }
}

impl Sink for Records {
    fn packet(&mut self, seen: &Seen<'_>, out: &mut String) {
        if let Ok(found) = &seen.found {
            written(packet_record(seen, found, out));
        }
    }

    fn event(&mut self, event: &Event, _clock: &Clock, out: &mut String) {
        written(event_record(event, self.redact, out));
    }

    fn finish(&mut self, whole: &Whole<'_>, out: &mut String) {
        for finding in whole.findings {
            written(finding_record(finding, out));
        }
    }
}

/// Writes the record of one TCP frame.
fn packet_record(seen: &Seen<'_>, found: &Found<'_>, out: &mut String) -> fmt::Result {
    let (frame, packet, segment) = (seen.frame, found.packet, found.segment);
    write!(out, "{{\"record\":\"packet\",\"frame\":{}", frame.number)?;
    match frame.time_ns {
        Some(_) => write!(out, ",\"time_relative\":{}", Seconds(seen.at.time, 9))?,
        None => out.push_str(",\"time_relative\":null"),
    }
    write!(
        out,
        ",\"length\":{},\"src\":\"{}\",\"srcport\":{},\"dst\":\"{}\",\"dstport\":{},\"stream\":{}",
        frame.length,
        Address(packet.src),
        packet.src_port,
        Address(packet.dst),
        packet.dst_port,
        segment.stream
    )?;
    write!(
        out,
        ",\"seq\":{},\"ack\":{},\"len\":{},\"flags\":\"0x{:04x}\",\"window_size_value\":{}",
        segment.seq, segment.ack, packet.len, packet.flags, packet.window
    )?;
    write!(out, ",\"window_size\":{}", segment.window)?;
    match segment.scale {
        None => out.push_str(",\"window_size_scalefactor\":null"),
        Some(Scale::Unknown) => out.push_str(",\"window_size_scalefactor\":-1"),
        Some(Scale::Unused) => out.push_str(",\"window_size_scalefactor\":-2"),
        Some(Scale::Shift(shift)) => {
            write!(out, ",\"window_size_scalefactor\":{}", 1_u32 << shift)?;
        }
    }
    out.push_str(",\"analysis\":{");
    analysis(out, segment)?;
    out.push('}');
    if let Some(note) = found.note {
        write!(out, ",\"phase\":\"{}\"", note.phase.name())?;
    }
    let info = Info(packet, segment).to_string();
    writeln!(out, ",\"info\":{}}}", Json(info.as_bytes()))
}

fn analysis(out: &mut String, segment: &Segment) -> fmt::Result {
    let mut separator = "";
    let mut field = |out: &mut String, name: &str, value: &dyn fmt::Display| {
        let written = write!(out, "{separator}\"{name}\":{value}");
        separator = ",";
        written
    };
    let mut marks = segment.marks;
    if marks.any(Marks::FAST_RETRANSMISSION) || marks.any(Marks::SPURIOUS_RETRANSMISSION) {
        marks.set(Marks::RETRANSMISSION);
    }
    for (mark, name) in FIELDS {
        if marks.any(mark) {
            field(out, name, &true)?;
        }
    }
    if let Some((frame, number)) = segment.duplicate_ack {
        field(out, "duplicate_ack_num", &number)?;
        field(out, "duplicate_ack_frame", &frame)?;
    }
    if let Some((frame, rtt)) = segment.acks {
        field(out, "acks_frame", &frame)?;
        // Wireshark doesn't tell spans of 0.
        if rtt != 0 {
            field(out, "ack_rtt", &Seconds(rtt, 9))?;
        }
    }
    if let Some((rto, frame)) = segment.rto.filter(|(rto, _)| *rto != 0) {
        field(out, "rto", &Seconds(rto, 9))?;
        field(out, "rto_frame", &frame)?;
    }
    if let Some(bytes) = segment.bytes_in_flight {
        field(out, "bytes_in_flight", &bytes)?;
    }
    if let Some(bytes) = segment.push_bytes {
        field(out, "push_bytes_sent", &bytes)?;
    }
    if let Some(rtt) = segment.initial_rtt {
        field(out, "initial_rtt", &Seconds(rtt, 9))?;
    }
    field(out, "completeness", &segment.completeness_before)
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
        Event::Copied { .. } | Event::Missing { .. } => copy_record(event, out),
        Event::Sealed { who, at, way, word } => {
            begin(out, "tls", *at, who)?;
            sealed_fields(out, *way, word)
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
        _ => Ok(()),
    }
}

fn sealed_fields(out: &mut String, way: Way, word: &Word) -> fmt::Result {
    let way = match way {
        Way::Up => "up",
        Way::Down => "down",
    };
    write!(out, ",\"way\":\"{way}\",\"what\":")?;
    match word {
        Word::Asked { server_name } => {
            out.push_str("\"asked\",\"server_name\":");
            match server_name {
                Some(name) => writeln!(out, "{}}}", Json(name)),
                None => out.write_str("null}\n"),
            }
        }
        Word::Agreed { version, suite } => {
            let suite = SuiteName(*suite);
            writeln!(
                out,
                "\"agreed\",\"version\":\"{version}\",\"suite\":\"{suite}\"}}"
            )
        }
        Word::Opened => out.write_str("\"opened\"}\n"),
        Word::Sealed { bytes, why } => {
            writeln!(out, "\"sealed\",\"bytes\":{bytes},\"why\":\"{why}\"}}")
        }
        Word::Alert(alert) => writeln!(out, "\"alert\",\"alert\":\"{alert}\"}}"),
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

fn finding_record(finding: &Finding, out: &mut String) -> fmt::Result {
    let frames: Vec<_> = finding.frames.iter().map(u64::to_string).collect();
    let level = match finding.kind.level() {
        Level::Warn => "warn",
        Level::Info => "info",
    };
    let stream = finding
        .stream
        .map_or_else(|| "null".to_owned(), |stream| stream.to_string());
    writeln!(
        out,
        "{{\"record\":\"finding\",\"level\":\"{level}\",\"kind\":\"{}\",\"stream\":{stream},\"name\":{},\"count\":{},\"frames\":[{}],\"detail\":{},\"meaning\":{}}}",
        finding.kind.name(),
        Json(&finding.name),
        finding.count,
        frames.join(","),
        Json(finding.detail.as_bytes()),
        Json(finding.kind.meaning().as_bytes())
    )
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
