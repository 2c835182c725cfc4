//! The TCP header of one frame as a tree, in Wireshark's words.

use std::fmt::{self, Write as _};

use super::expert::{expert, expert_info};
use super::tcp_options;
use crate::trace::packet::{ACK, FIN, Packet, RST, SYN, URG};
use crate::trace::show::info::Flags;
use crate::trace::show::time::Seconds;
use crate::trace::tcp::{Marks, Scale, Segment, StreamRow, completeness_text};

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
    numbers(out, packet, segment)?;
    let words = packet.header_len / 4;
    writeln!(
        out,
        "    {words:04b} .... = Header Length: {} bytes ({words})",
        packet.header_len
    )?;
    flags(out, packet, segment)?;
    writeln!(out, "    Window: {}", packet.window)?;
    writeln!(out, "    [Calculated window size: {}]", segment.window)?;
    scaling(out, segment.scale)?;
    writeln!(out, "    Checksum: 0x{:04x} [unverified]", packet.checksum)?;
    writeln!(out, "    [Checksum Status: Unverified]")?;
    writeln!(out, "    Urgent Pointer: {}", packet.urgent)?;
    if packet.urgent != 0 && !packet.has(URG) {
        let words = "The urgent pointer field is nonzero while the URG flag is not set";
        expert_info(out, 8, "Note", "Protocol", words)?;
    }
    tcp_options::tree(out, packet, segment)?;
    timestamps(out, segment, time)?;
    analysis(out, segment, row)
}

fn numbers(out: &mut String, packet: &Packet<'_>, segment: &Segment) -> fmt::Result {
    let len = packet.len;
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
    writeln!(out, "    Acknowledgment number (raw): {}", packet.ack)
}

fn scaling(out: &mut String, scale: Option<Scale>) -> fmt::Result {
    match scale {
        None => Ok(()),
        Some(Scale::Unknown) => writeln!(out, "    [Window size scaling factor: -1 (unknown)]"),
        Some(Scale::Unused) => {
            writeln!(
                out,
                "    [Window size scaling factor: -2 (no window scaling used)]"
            )
        }
        Some(Scale::Shift(shift)) => {
            writeln!(out, "    [Window size scaling factor: {}]", 1_u32 << shift)
        }
    }
}

fn timestamps(out: &mut String, segment: &Segment, time: i64) -> fmt::Result {
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
    )
}

fn flags(out: &mut String, packet: &Packet<'_>, segment: &Segment) -> fmt::Result {
    writeln!(
        out,
        "    Flags: 0x{:03x} ({})",
        packet.flags,
        Flags::new(packet, segment)
    )?;
    let reserved = packet.flags >> 9;
    let set = if reserved != 0 { "Set" } else { "Not set" };
    writeln!(out, "        {reserved:03b}. .... .... = Reserved: {set}")?;
    let shown = if let Some(ace) = segment.ace {
        writeln!(
            out,
            "        ...{} {:02b}.. .... = ACE: {ace}",
            ace >> 2,
            ace & 3
        )?;
        &FLAGS[3..]
    } else {
        &FLAGS[..]
    };
    for &(bits, name, flag) in shown {
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
    writeln!(out, "        [TCP Flags: {}]", letters(packet, segment))?;
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

/// Returns the flags as a letter each, or the last three of them as a count.
fn letters(packet: &Packet<'_>, segment: &Segment) -> String {
    "RRRACEUAPRSF"
        .chars()
        .enumerate()
        .map(|(at, letter)| {
            if let Some(ace) = segment.ace
                && (3..6).contains(&at)
            {
                ['-', char::from(b'0' + ace as u8), '-'][at - 3]
            } else if packet.flags & 0x800 >> at != 0 {
                letter
            } else {
                '·'
            }
        })
        .collect()
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
