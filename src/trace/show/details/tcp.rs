//! The TCP layer of one frame as a tree, in Wireshark's words.

use std::fmt::{self, Write as _};

use crate::trace::packet::bytes::{u16_at, u32_at};
use crate::trace::packet::options::{self, TcpOption, TcpOptions};
use crate::trace::packet::{ACK, FIN, Packet, RST, SYN, URG};
use crate::trace::show::list::Flags;
use crate::trace::show::text::{Hex, Seconds};
use crate::trace::tcp::{Marks, Scale, Segment, StreamRow, completeness_text, not_after};

/// The twelve flags as bits, name and letter, highest first.
const FLAGS: [(&str, &str, u16); 9] = [
    ("...0 .... ....", "Accurate ECN", 0x100),
    (".... 0... ....", "Congestion Window Reduced", 0x080),
    (".... .0.. ....", "ECN-Echo", 0x040),
    (".... ..0. ....", "Urgent", 0x020),
    (".... ...0 ....", "Acknowledgment", 0x010),
    (".... .... 0...", "Push", 0x008),
    (".... .... .0..", "Reset", 0x004),
    (".... .... ..0.", "Syn", 0x002),
    (".... .... ...0", "Fin", 0x001),
];

/// The marks as expert information: severity and words, in the order of the analysis.
const EXPERTS: [(Marks, &str, &str); 14] = [
    (
        Marks::REUSED_PORTS,
        "Note",
        "A new tcp session is started with the same ports as an earlier session in this trace",
    ),
    (
        Marks::FAST_RETRANSMISSION,
        "Note",
        "This frame is a (suspected) fast retransmission",
    ),
    (
        Marks::SPURIOUS_RETRANSMISSION,
        "Note",
        "This frame is a (suspected) spurious retransmission",
    ),
    (
        Marks::SENT_AGAIN,
        "Note",
        "This frame is a (suspected) retransmission",
    ),
    (
        Marks::OUT_OF_ORDER,
        "Warning",
        "This frame is a (suspected) out-of-order segment",
    ),
    (
        Marks::LOST_SEGMENT,
        "Warning",
        "Previous segment(s) not captured (common at capture start)",
    ),
    (
        Marks::ACK_LOST_SEGMENT,
        "Warning",
        "ACKed segment that wasn't captured (common at capture start)",
    ),
    (Marks::WINDOW_UPDATE, "Chat", "TCP window update"),
    (
        Marks::WINDOW_FULL,
        "Warning",
        "TCP window specified by the receiver is now completely full",
    ),
    (Marks::KEEP_ALIVE, "Note", "TCP keep-alive segment"),
    (
        Marks::KEEP_ALIVE_ACK,
        "Note",
        "ACK to a TCP keep-alive segment",
    ),
    (Marks::ZERO_WINDOW_PROBE, "Note", "TCP Zero Window Probe"),
    (Marks::ZERO_WINDOW, "Warning", "TCP Zero Window segment"),
    (
        Marks::ZERO_WINDOW_PROBE_ACK,
        "Note",
        "ACK to a TCP Zero Window Probe",
    ),
];

/// Writes the TCP layer.
pub(super) fn tree(
    out: &mut String,
    packet: &Packet<'_>,
    segment: &Segment,
    row: Option<&StreamRow>,
    time: i64,
) -> fmt::Result {
    let (src, dst, len) = (packet.src_port, packet.dst_port, packet.len);
    write!(
        out,
        "Transmission Control Protocol, Src Port: {src}, Dst Port: {dst}, Seq: {}",
        segment.seq
    )?;
    if packet.has(ACK) {
        write!(out, ", Ack: {}", segment.ack)?;
    }
    writeln!(out, ", Len: {len}")?;
    writeln!(out, "    Source Port: {src}\n    Destination Port: {dst}")?;
    writeln!(out, "    [Stream index: {}]", segment.stream)?;
    if let Some(row) = row {
        let completeness = if segment.is_first {
            row.completeness_at_first
        } else {
            row.completeness
        };
        let words = completeness_text(completeness);
        writeln!(out, "    [Conversation completeness: {words}]")?;
    }
    writeln!(out, "    [TCP Segment Len: {len}]")?;
    let next = segment
        .seq
        .wrapping_add(len)
        .wrapping_add(u32::from(packet.has(SYN | FIN)));
    let relative = "(relative sequence number)";
    writeln!(out, "    Sequence Number: {}    {relative}", segment.seq)?;
    writeln!(out, "    Sequence Number (raw): {}", packet.seq)?;
    writeln!(out, "    [Next Sequence Number: {next}    {relative}]")?;
    let relative = if packet.has(ACK) {
        "    (relative ack number)"
    } else {
        ""
    };
    writeln!(out, "    Acknowledgment Number: {}{relative}", segment.ack)?;
    if packet.ack != 0 && !packet.has(ACK) {
        let words = "The acknowledgment number field is nonzero while the ACK flag is not set";
        expert_info(out, 8, "Note", "Protocol", words)?;
    }
    writeln!(out, "    Acknowledgment number (raw): {}", packet.ack)?;
    let words = packet.header_len / 4;
    writeln!(
        out,
        "    {words:04b} .... = Header Length: {} bytes ({words})",
        packet.header_len
    )?;
    flags(out, packet, segment)?;
    writeln!(out, "    Window: {}", packet.window)?;
    writeln!(out, "    [Calculated window size: {}]", segment.window)?;
    match segment.scale {
        None => {}
        Some(Scale::Unknown) => writeln!(out, "    [Window size scaling factor: -1 (unknown)]")?,
        Some(Scale::Unused) => {
            writeln!(
                out,
                "    [Window size scaling factor: -2 (no window scaling used)]"
            )?;
        }
        Some(Scale::Shift(shift)) => {
            writeln!(out, "    [Window size scaling factor: {}]", 1_u32 << shift)?;
        }
    }
    writeln!(out, "    Checksum: 0x{:04x} [unverified]", packet.checksum)?;
    writeln!(out, "    [Checksum Status: Unverified]")?;
    writeln!(out, "    Urgent Pointer: {}", packet.urgent)?;
    if packet.urgent != 0 && !packet.has(URG) {
        let words = "The urgent pointer field is nonzero while the URG flag is not set";
        expert_info(out, 8, "Note", "Protocol", words)?;
    }
    options_tree(out, packet, segment)?;
    writeln!(out, "    [Timestamps]")?;
    let (first, previous) = (time - segment.first_time, time - segment.previous_time);
    writeln!(
        out,
        "        [Time since first frame in this TCP stream: {} seconds]",
        Seconds(first, 9)
    )?;
    writeln!(
        out,
        "        [Time since previous frame in this TCP stream: {} seconds]",
        Seconds(previous, 9)
    )?;
    analysis(out, segment, row)
}

fn flags(out: &mut String, packet: &Packet<'_>, segment: &Segment) -> fmt::Result {
    writeln!(
        out,
        "    Flags: 0x{:03x} ({})",
        packet.flags,
        Flags(packet.flags)
    )?;
    let reserved = packet.flags >> 9;
    let set = if reserved != 0 { "Set" } else { "Not set" };
    writeln!(out, "        {reserved:03b}. .... .... = Reserved: {set}")?;
    for (bits, name, flag) in FLAGS {
        let (bits, set) = if packet.has(flag) {
            (bits.replace('0', "1"), "Set")
        } else {
            (bits.to_owned(), "Not set")
        };
        writeln!(out, "        {bits} = {name}: {set}")?;
        if !packet.has(flag) {
            continue;
        }
        match flag {
            RST => expert(out, 12, "Warning", "Connection reset (RST)")?,
            FIN => expert(out, 12, "Chat", "Connection finish (FIN)")?,
            SYN => {
                let (what, port) = if packet.has(ACK) {
                    ("acknowledge (SYN+ACK)", packet.src_port)
                } else {
                    ("request (SYN)", packet.dst_port)
                };
                let words = format!("Connection establish {what}: server port {port}");
                expert(out, 12, "Chat", &words)?;
            }
            _ => {}
        }
    }
    let letters: String = "RRRACEUAPRSF"
        .chars()
        .enumerate()
        .map(|(at, letter)| {
            if packet.flags & 0x800 >> at != 0 {
                letter
            } else {
                '·'
            }
        })
        .collect();
    writeln!(out, "        [TCP Flags: {letters}]")?;
    if packet.has(FIN) {
        let how = if segment.closes_first {
            "initiates"
        } else {
            "undergoes"
        };
        let words = format!("This frame {how} the connection closing");
        expert(out, 12, "Note", &words)?;
    }
    Ok(())
}

fn expert(out: &mut String, indent: usize, severity: &str, words: &str) -> fmt::Result {
    expert_info(out, indent, severity, "Sequence", words)
}

/// Writes a remark.
pub(super) fn expert_info(
    out: &mut String,
    indent: usize,
    severity: &str,
    group: &str,
    words: &str,
) -> fmt::Result {
    let (space, inner) = (" ".repeat(indent), " ".repeat(indent + 4));
    writeln!(out, "{space}[Expert Info ({severity}/{group}): {words}]")?;
    writeln!(
        out,
        "{inner}[{words}]\n{inner}[Severity level: {severity}]\n{inner}[Group: {group}]"
    )
}

fn options_tree(out: &mut String, packet: &Packet<'_>, segment: &Segment) -> fmt::Result {
    if packet.options.is_empty() {
        return Ok(());
    }
    write!(out, "    Options: ({} bytes)", packet.header_len - 20)?;
    for option in TcpOptions::new(packet.options) {
        write!(out, ", {}", option_name(option.kind))?;
        if is_unknown(option.kind) {
            write!(out, " (0x{:02x})", option.kind)?;
        }
    }
    out.push('\n');
    let mut idle = 0;
    for option in TcpOptions::new(packet.options) {
        remark_on_idle(out, option.kind, &mut idle)?;
        tcp_option(out, &option, packet, segment)?;
    }
    let has_size = TcpOptions::new(packet.options).any(|option| option.kind == options::MSS);
    if packet.has(SYN) && !has_size && !packet.has_cut_options() {
        let words = "The SYN packet does not contain a MSS option";
        expert_info(out, 8, "Note", "Protocol", words)?;
    }
    Ok(())
}

/// Counts options that do nothing, 1 in IP and in TCP, and remarks on the fourth in a row.
pub(super) fn remark_on_idle(out: &mut String, kind: u8, idle: &mut u32) -> fmt::Result {
    *idle = if kind == options::NOP { *idle + 1 } else { 0 };
    if *idle != 4 {
        return Ok(());
    }
    let words = "4 NOP in a row - a router may have removed some options";
    expert_info(out, 8, "Warning", "Protocol", words)
}

fn is_unknown(kind: u8) -> bool {
    option_name(kind) == "Unknown"
}

fn option_name(kind: u8) -> &'static str {
    match kind {
        options::END => "End of Option List (EOL)",
        options::NOP => "No-Operation (NOP)",
        options::MSS => "Maximum segment size",
        options::WINDOW_SCALE => "Window scale",
        options::SACK_PERMITTED => "SACK permitted",
        options::SACK => "SACK",
        options::TIMESTAMPS => "Timestamps",
        options::MD5 => "TCP MD5 signature",
        options::FAST_OPEN => "TCP Fast Open",
        _ => "Unknown",
    }
}

fn tcp_option(
    out: &mut String,
    option: &TcpOption<'_>,
    packet: &Packet<'_>,
    segment: &Segment,
) -> fmt::Result {
    let (kind, length) = (option.kind, option.value.len() + 2);
    write!(out, "        TCP Option - {}", option_name(kind))?;
    match (kind, option.value) {
        (options::END | options::NOP, _) => {
            let name = if kind == options::END {
                "End of Option List"
            } else {
                "No-Operation"
            };
            writeln!(out, "\n            Kind: {name} ({kind})")
        }
        (options::MSS, [_, _]) => {
            let size = u16_at(option.value, 0);
            writeln!(out, ": {size} bytes")?;
            if !packet.has(SYN) {
                let words = "The non-SYN packet does contain a MSS option";
                expert_info(out, 12, "Warning", "Protocol", words)?;
            }
            writeln!(out, "            Kind: Maximum Segment Size (2)")?;
            writeln!(
                out,
                "            Length: {length}\n            MSS Value: {size}"
            )
        }
        (options::WINDOW_SCALE, [shift]) => {
            let factor = 1_u32 << (*shift).min(options::WINDOW_SHIFT_MAX);
            writeln!(
                out,
                ": {shift} (multiply by {factor})\n            Kind: Window Scale (3)"
            )?;
            writeln!(
                out,
                "            Length: {length}\n            Shift count: {shift}"
            )?;
            if *shift > options::WINDOW_SHIFT_MAX {
                let words = "Window scale shift exceeds 14";
                expert_info(out, 16, "Warning", "Protocol", words)?;
            }
            writeln!(out, "            [Multiplier: {factor}]")
        }
        (options::SACK_PERMITTED, _) => {
            writeln!(
                out,
                "\n            Kind: SACK Permitted (4)\n            Length: {length}"
            )
        }
        (options::TIMESTAMPS, value) if value.len() == 8 => {
            let (value, echo) = (u32_at(value, 0), u32_at(value, 4));
            writeln!(
                out,
                ": TSval {value}, TSecr {echo}\n            Kind: Time Stamp Option (8)"
            )?;
            writeln!(
                out,
                "            Length: {length}\n            Timestamp value: {value}"
            )?;
            writeln!(out, "            Timestamp echo reply: {echo}")
        }
        (options::SACK, _) => {
            let base = segment.other_base;
            let blocks: Vec<_> = option
                .sack_blocks()
                .map(|(left, right)| (left.wrapping_sub(base), right.wrapping_sub(base)))
                .collect();
            for (left, right) in &blocks {
                write!(out, " {left}-{right}")?;
            }
            writeln!(
                out,
                "\n            Kind: SACK (5)\n            Length: {length}"
            )?;
            for (left, right) in &blocks {
                writeln!(out, "            left edge = {left} (relative)")?;
                writeln!(out, "            right edge = {right} (relative)")?;
            }
            writeln!(out, "            [TCP SACK Count: {}]", blocks.len())?;
            duplicate_sack(out, &blocks, segment.ack)
        }
        (options::FAST_OPEN, cookie) => {
            writeln!(
                out,
                "\n            Kind: TCP Fast Open Cookie (34)\n            Length: {length}"
            )?;
            if cookie.is_empty() {
                return writeln!(out, "            Fast Open Cookie Request");
            }
            writeln!(out, "            Fast Open Cookie: {}", Hex(cookie))
        }
        (options::MD5, digest) if digest.len() == 16 => {
            writeln!(
                out,
                "\n            Kind: MD5 Signature Option (19)\n            Length: {length}"
            )?;
            writeln!(out, "            MD5 digest: {}", Hex(digest))
        }
        (_, payload) => other_option(out, kind, payload),
    }
}

/// Writes an option that is unknown, or known but of a wrong length.
fn other_option(out: &mut String, kind: u8, value: &[u8]) -> fmt::Result {
    let length = value.len() + 2;
    let (name, right) = match kind {
        options::MSS => ("Maximum Segment Size", 4),
        options::WINDOW_SCALE => ("Window Scale", 3),
        options::TIMESTAMPS => ("Time Stamp Option", 10),
        options::MD5 => ("MD5 Signature Option", 18),
        _ => ("Unknown", length),
    };
    writeln!(
        out,
        "\n            Kind: {name} ({kind})\n            Length: {length}"
    )?;
    if right != length {
        return expert(out, 16, "Note", &format!("option length should be {right}"));
    }
    if value.is_empty() {
        return Ok(());
    }
    writeln!(out, "            Payload: {}", Hex(value))
}

/// Tells of a first block that reports a duplicate (RFC 2883): it was acknowledged before, or lies
/// in the second.
fn duplicate_sack(out: &mut String, blocks: &[(u32, u32)], ack: u32) -> fmt::Result {
    let &[(left, right), ref others @ ..] = blocks else {
        return Ok(());
    };
    let inside = |other: &(u32, u32)| not_after(other.0, left) && not_after(right, other.1);
    if !not_after(right, ack) && !others.first().is_some_and(inside) {
        return Ok(());
    }
    writeln!(out, "            [D-SACK Left Edge = {left} (relative)]")?;
    writeln!(out, "            [D-SACK Right Edge = {right} (relative)]")?;
    writeln!(out, "            D-SACK Sequence")?;
    expert_info(out, 16, "Warning", "Sequence", "D-SACK Sequence")
}

fn analysis(out: &mut String, segment: &Segment, row: Option<&StreamRow>) -> fmt::Result {
    if !segment.is_analysed() {
        return Ok(());
    }
    writeln!(out, "    [SEQ/ACK analysis]")?;
    if let Some((frame, rtt)) = segment.acks {
        writeln!(
            out,
            "        [This is an ACK to the segment in frame: {frame}]"
        )?;
        if rtt != 0 {
            writeln!(
                out,
                "        [The RTT to ACK the segment was: {} seconds]",
                Seconds(rtt, 9)
            )?;
        }
    }
    let rtt = row.map_or(0, |row| row.initial_rtt);
    if rtt != 0 {
        writeln!(out, "        [iRTT: {} seconds]", Seconds(rtt, 9))?;
    }
    if let (Some(flight), Some(pushed)) = (segment.bytes_in_flight, segment.push_bytes) {
        writeln!(out, "        [Bytes in flight: {flight}]")?;
        writeln!(out, "        [Bytes sent since last PSH flag: {pushed}]")?;
    }
    if segment.marks.is_empty() {
        return Ok(());
    }
    writeln!(out, "        [TCP Analysis Flags]")?;
    for (mark, severity, words) in EXPERTS {
        if segment.marks.any(mark) {
            expert(out, 12, severity, words)?;
            if mark == Marks::SENT_AGAIN {
                timeout(out, segment)?;
            }
        }
    }
    if let Some((frame, number)) = segment.duplicate_ack {
        writeln!(out, "            [This is a TCP duplicate ack]")?;
        writeln!(out, "        [Duplicate ACK #: {number}]")?;
        writeln!(out, "        [Duplicate to the ACK in frame: {frame}]")?;
        expert(out, 12, "Note", &format!("Duplicate ACK (#{number})"))?;
    }
    Ok(())
}

/// Tells how long the sender has waited before it sent this again.
fn timeout(out: &mut String, segment: &Segment) -> fmt::Result {
    let Some((rto, frame)) = segment.rto.filter(|(rto, _)| *rto != 0) else {
        return Ok(());
    };
    writeln!(
        out,
        "            [The RTO for this segment was: {} seconds]",
        Seconds(rto, 9)
    )?;
    writeln!(out, "            [RTO based on delta from frame: {frame}]")
}
