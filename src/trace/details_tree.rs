//! The link, IP and TCP layers of one frame as a tree, in Wireshark's words.

use std::fmt::{self, Write as _};

use super::capture::Frame;
use super::options::{self, TcpOption, TcpOptions};
use super::packet::{self, ACK, FIN, Packet, RST, SYN, link, u16_at, u32_at};
use super::packet_list::Flags;
use super::streams::{StreamRow, completeness_text};
use super::tcp::{Marks, Scale, Segment};
use super::text::Seconds;

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
const EXPERTS: [(Marks, &str, &str); 13] = [
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

/// Returns a link type's name and number in Wireshark.
pub(super) fn encapsulation(link: u16) -> String {
    match link {
        link::NULL => "NULL/Loopback (15)".to_owned(),
        link::ETHERNET => "Ethernet (1)".to_owned(),
        link::LOOP => "OpenBSD loopback (174)".to_owned(),
        12 | 14 | 101 => "Raw IP (7)".to_owned(),
        link::SLL => "Linux cooked-mode capture v1 (25)".to_owned(),
        link::SLL2 => "Linux cooked-mode capture v2 (210)".to_owned(),
        228 => "Raw IPv4 (129)".to_owned(),
        229 => "Raw IPv6 (130)".to_owned(),
        other => format!("{} (link type {other})", packet::link_name(other)),
    }
}

/// Returns the protocols of a frame, from the outside in.
pub(super) fn protocols(frame: &Frame<'_>, packet: &Packet<'_>, again: bool) -> String {
    let mut names = match frame.link {
        link::NULL | link::LOOP => vec!["null"],
        link::ETHERNET => vec!["eth", "ethertype"],
        link::SLL | link::SLL2 => vec!["sll", "ethertype"],
        228 | 229 => vec![],
        _ => vec!["raw"],
    };
    for tag in tags(frame, packet) {
        names.push(if tag.kind == 0x88a8 {
            "ieee8021ad"
        } else {
            "vlan"
        });
        names.push("ethertype");
    }
    names.push(if packet.src.is_ipv4() { "ip" } else { "ipv6" });
    names.push("tcp");
    // What was sent before is not given to the next layer again.
    if !packet.payload.is_empty() && !again {
        names.push("data");
    }
    names.join(":")
}

struct Tag {
    kind: u16,
    control: u16,
    inner: u16,
}

/// Returns the VLAN tags of an Ethernet frame.
fn tags(frame: &Frame<'_>, packet: &Packet<'_>) -> Vec<Tag> {
    let mut found = Vec::new();
    let mut at = 12;
    while frame.link == link::ETHERNET && at + 6 <= packet.ip_at {
        let kind = u16_at(frame.data, at);
        if !matches!(kind, 0x8100 | 0x88a8 | 0x9100) {
            break;
        }
        found.push(Tag {
            kind,
            control: u16_at(frame.data, at + 2),
            inner: u16_at(frame.data, at + 4),
        });
        at += 4;
    }
    found
}

/// Writes the link layer.
pub(super) fn link(out: &mut String, frame: &Frame<'_>, packet: &Packet<'_>) -> fmt::Result {
    let data = frame.data;
    match frame.link {
        link::NULL | link::LOOP => {
            let family = u32_at(data, 0);
            let swapped = family.swap_bytes();
            let family = if frame.link == link::NULL && swapped >> 16 == 0 {
                swapped
            } else {
                family
            };
            let name = if packet.src.is_ipv4() { "IP" } else { "IPv6" };
            writeln!(out, "Null/Loopback\n    Family: {name} ({family})")
        }
        link::ETHERNET => {
            let (dst, src) = (Mac(&data[..6]), Mac(&data[6..12]));
            writeln!(out, "Ethernet II, Src: {src}, Dst: {dst}")?;
            mac(out, "Destination", dst)?;
            mac(out, "Source", src)?;
            writeln!(out, "    Type: {}", EtherType(u16_at(data, 12)))?;
            for tag in tags(frame, packet) {
                let (id, priority) = (tag.control & 0xfff, tag.control >> 13);
                let name = EtherType(tag.kind).name();
                let dei = tag.control >> 12 & 1;
                writeln!(out, "{name}, PRI: {priority}, DEI: {dei}, ID: {id}")?;
                writeln!(out, "    Type: {}", EtherType(tag.inner))?;
            }
            Ok(())
        }
        link::SLL | link::SLL2 => {
            let version = if frame.link == link::SLL { 1 } else { 2 };
            let at = if version == 1 { 14 } else { 0 };
            writeln!(out, "Linux cooked capture v{version}")?;
            writeln!(out, "    Protocol: {}", EtherType(u16_at(data, at)))
        }
        228 | 229 => Ok(()),
        _ => writeln!(out, "Raw packet data"),
    }
}

fn mac(out: &mut String, name: &str, address: Mac<'_>) -> fmt::Result {
    let first = address.0[0];
    let local = if first & 2 != 0 {
        "..1. .... .... .... .... = LG bit: Locally administered address (this is NOT the factory default)"
    } else {
        "..0. .... .... .... .... = LG bit: Globally unique address (factory default)"
    };
    let group = if first & 1 != 0 {
        "...1 .... .... .... .... = IG bit: Group address (multicast/broadcast)"
    } else {
        "...0 .... .... .... .... = IG bit: Individual address (unicast)"
    };
    writeln!(out, "    {name}: {address}\n        Address: {address}")?;
    writeln!(out, "        .... {local}\n        .... {group}")
}

#[derive(Clone, Copy)]
struct Mac<'a>(&'a [u8]);

impl fmt::Display for Mac<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02x}", if at > 0 { ":" } else { "" })?;
        }
        Ok(())
    }
}

struct EtherType(u16);

impl EtherType {
    fn name(&self) -> &'static str {
        match self.0 {
            0x0800 => "IPv4",
            0x86dd => "IPv6",
            0x8100 | 0x9100 => "802.1Q Virtual LAN",
            0x88a8 => "802.1ad Provider Bridge",
            _ => "Unknown",
        }
    }
}

impl fmt::Display for EtherType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (0x{:04x})", self.name(), self.0)
    }
}

/// Writes the IP layer.
pub(super) fn ip(out: &mut String, data: &[u8], packet: &Packet<'_>) -> fmt::Result {
    let header = &data[packet.ip_at..];
    let (src, dst) = (packet.src, packet.dst);
    if packet.src.is_ipv6() {
        let (traffic, flow) = (u16_at(header, 0) >> 4 & 0xff, u32_at(header, 0) & 0xf_ffff);
        writeln!(out, "Internet Protocol Version 6, Src: {src}, Dst: {dst}")?;
        writeln!(out, "    0110 .... = Version: 6")?;
        writeln!(
            out,
            "    .... {} .... .... .... .... .... = Traffic Class: 0x{traffic:02x} (DSCP: {}, ECN: {})",
            bits(traffic, 8),
            dscp(traffic >> 2).1,
            ecn(traffic & 3).1
        )?;
        writeln!(
            out,
            "    .... {} = Flow Label: 0x{flow:05x}",
            flow_bits(flow)
        )?;
        writeln!(out, "    Payload Length: {}", u16_at(header, 4))?;
        let next = if header[6] == 6 {
            "TCP".to_owned()
        } else {
            "IPv6 extension".to_owned()
        };
        writeln!(out, "    Next Header: {next} ({})", header[6])?;
        writeln!(out, "    Hop Limit: {}", header[7])?;
        return writeln!(
            out,
            "    Source Address: {src}\n    Destination Address: {dst}"
        );
    }
    let length = header[0] & 0x0f;
    let service = u16::from(header[1]);
    writeln!(out, "Internet Protocol Version 4, Src: {src}, Dst: {dst}")?;
    writeln!(out, "    0100 .... = Version: 4")?;
    writeln!(
        out,
        "    .... {length:04b} = Header Length: {} bytes ({length})",
        length * 4
    )?;
    let ((dscp_long, dscp), (ecn_long, ecn)) = (dscp(service >> 2), ecn(service & 3));
    writeln!(
        out,
        "    Differentiated Services Field: 0x{service:02x} (DSCP: {dscp}, ECN: {ecn})"
    )?;
    let six = bits(service >> 2, 6);
    writeln!(
        out,
        "        {}.. = Differentiated Services Codepoint: {dscp_long} ({})",
        six,
        service >> 2
    )?;
    writeln!(
        out,
        "        .... ..{:02b} = Explicit Congestion Notification: {ecn_long} ({})",
        service & 3,
        service & 3
    )?;
    writeln!(out, "    Total Length: {}", u16_at(header, 2))?;
    let id = packet.ip_id;
    writeln!(out, "    Identification: 0x{id:04x} ({id})")?;
    fragment(out, u16_at(header, 6))?;
    writeln!(out, "    Time to Live: {}", header[8])?;
    writeln!(out, "    Protocol: TCP (6)")?;
    let sum = u16_at(header, 10);
    writeln!(
        out,
        "    Header Checksum: 0x{sum:04x} [validation disabled]"
    )?;
    writeln!(out, "    [Header checksum status: Unverified]")?;
    writeln!(
        out,
        "    Source Address: {src}\n    Destination Address: {dst}"
    )
}

fn fragment(out: &mut String, word: u16) -> fmt::Result {
    let flags = word >> 13;
    let words = if flags & 2 != 0 {
        ", Don't fragment"
    } else {
        ""
    };
    let set = |bit: u16| if flags & bit != 0 { "Set" } else { "Not set" };
    writeln!(out, "    {flags:03b}. .... = Flags: 0x{flags:x}{words}")?;
    writeln!(
        out,
        "        {}... .... = Reserved bit: {}",
        flags >> 2,
        set(4)
    )?;
    writeln!(
        out,
        "        .{}.. .... = Don't fragment: {}",
        flags >> 1 & 1,
        set(2)
    )?;
    writeln!(
        out,
        "        ..{}. .... = More fragments: {}",
        flags & 1,
        set(1)
    )?;
    writeln!(out, "    ...0 0000 0000 0000 = Fragment Offset: 0")
}

/// Writes so many low bits, in groups of four from the left.
fn bits(value: u16, count: usize) -> String {
    let digits = format!("{value:0count$b}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

fn flow_bits(flow: u32) -> String {
    let (high, low) = ((flow >> 16) as u16, (flow & 0xffff) as u16);
    format!("{} {}", bits(high, 4), bits(low, 16))
}

fn dscp(point: u16) -> (String, String) {
    let class = point >> 3;
    match (point & 7, point) {
        (_, 0) => ("Default".to_owned(), "CS0".to_owned()),
        (_, 46) => ("Expedited Forwarding".to_owned(), "EF PHB".to_owned()),
        (0, _) => (format!("Class Selector {class}"), format!("CS{class}")),
        (drop @ (2 | 4 | 6), 8..40) => {
            let name = format!("{class}{}", drop / 2);
            (format!("Assured Forwarding {name}"), format!("AF{name}"))
        }
        _ => ("Unknown".to_owned(), "Unknown".to_owned()),
    }
}

fn ecn(bits: u16) -> (&'static str, &'static str) {
    match bits {
        0 => ("Not ECN-Capable Transport", "Not-ECT"),
        1 => ("ECN-Capable Transport codepoint '01'", "ECT(1)"),
        2 => ("ECN-Capable Transport codepoint '10'", "ECT(0)"),
        _ => ("Congestion Experienced", "CE"),
    }
}

/// Writes the TCP layer.
pub(super) fn tcp(
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
        let words = completeness_text(row.completeness);
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
        let how = if segment.completeness_before & 16 == 0 {
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
    let (space, inner) = (" ".repeat(indent), " ".repeat(indent + 4));
    writeln!(out, "{space}[Expert Info ({severity}/Sequence): {words}]")?;
    writeln!(
        out,
        "{inner}[{words}]\n{inner}[Severity level: {severity}]\n{inner}[Group: Sequence]"
    )
}

fn options_tree(out: &mut String, packet: &Packet<'_>, segment: &Segment) -> fmt::Result {
    if packet.options.is_empty() {
        return Ok(());
    }
    write!(out, "    Options: ({} bytes)", packet.header_len - 20)?;
    for option in TcpOptions::new(packet.options) {
        write!(out, ", {}", option_name(option.kind))?;
    }
    out.push('\n');
    for option in TcpOptions::new(packet.options) {
        tcp_option(out, &option, segment)?;
    }
    Ok(())
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
        _ => "Unknown",
    }
}

fn tcp_option(out: &mut String, option: &TcpOption<'_>, segment: &Segment) -> fmt::Result {
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
            writeln!(
                out,
                ": {size} bytes\n            Kind: Maximum Segment Size (2)"
            )?;
            writeln!(
                out,
                "            Length: {length}\n            MSS Value: {size}"
            )
        }
        (options::WINDOW_SCALE, [shift]) => {
            let factor = 1_u32 << (*shift).min(options::MOST_WINDOW_SHIFT);
            writeln!(
                out,
                ": {shift} (multiply by {factor})\n            Kind: Window Scale (3)"
            )?;
            writeln!(
                out,
                "            Length: {length}\n            Shift count: {shift}"
            )?;
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
            writeln!(out, "            [TCP SACK Count: {}]", blocks.len())
        }
        _ => writeln!(
            out,
            "\n            Kind: {kind}\n            Length: {length}"
        ),
    }
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
        writeln!(
            out,
            "        [The RTT to ACK the segment was: {} seconds]",
            Seconds(rtt, 9)
        )?;
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
        }
    }
    let again = Marks(
        Marks::RETRANSMISSION.0 | Marks::FAST_RETRANSMISSION.0 | Marks::SPURIOUS_RETRANSMISSION.0,
    );
    if segment.marks.any(again) {
        expert(
            out,
            12,
            "Note",
            "This frame is a (suspected) retransmission",
        )?;
    }
    if let Some((rto, frame)) = segment.rto {
        writeln!(
            out,
            "            [The RTO for this segment was: {} seconds]",
            Seconds(rto, 9)
        )?;
        writeln!(out, "            [RTO based on delta from frame: {frame}]")?;
    }
    if let Some((frame, number)) = segment.duplicate_ack {
        writeln!(out, "            [This is a TCP duplicate ack]")?;
        writeln!(out, "        [Duplicate ACK #: {number}]")?;
        writeln!(out, "        [Duplicate to the ACK in frame: {frame}]")?;
        expert(out, 12, "Note", &format!("Duplicate ACK (#{number})"))?;
    }
    Ok(())
}
