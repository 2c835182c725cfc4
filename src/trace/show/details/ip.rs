//! The IP layer of one frame as a tree, in Wireshark's words.

use std::fmt::{self, Write as _};
use std::net::IpAddr;

use super::tcp::{expert_info, remark_on_idle};
use crate::trace::packet::Packet;
use crate::trace::packet::bytes::{u16_at, u32_at};
use crate::trace::show::text::{Address, Hex, Mac, bits};

/// Fewer hops than these are worth a word.
const FEW_HOPS: u8 = 5;

/// Returns the protocols of the IP layer, from the outside in.
pub(super) fn protocols(data: &[u8], packet: &Packet<'_>) -> Vec<&'static str> {
    if packet.src.is_ipv4() {
        return vec!["ip"];
    }
    let extensions = extensions(data, packet).into_iter();
    std::iter::once("ipv6")
        .chain(extensions.map(|extension| match extension.kind {
            0 => "ipv6.hopopts",
            43 => "ipv6.routing",
            44 => "ipv6.fraghdr",
            51 => "ah",
            _ => "ipv6.dstopts",
        }))
        .collect()
}

/// Writes the IP layer.
pub(super) fn ip(out: &mut String, data: &[u8], packet: &Packet<'_>) -> fmt::Result {
    if packet.src.is_ipv4() {
        return ipv4(out, &data[packet.ip_at..packet.tcp_at], packet);
    }
    ipv6(out, &data[packet.ip_at..], packet)?;
    for extension in extensions(data, packet) {
        extension_tree(out, &extension)?;
    }
    Ok(())
}

fn ipv4(out: &mut String, header: &[u8], packet: &Packet<'_>) -> fmt::Result {
    let length = header[0] & 0x0f;
    let (src, dst) = (packet.src, packet.dst);
    writeln!(out, "Internet Protocol Version 4, Src: {src}, Dst: {dst}")?;
    writeln!(out, "    0100 .... = Version: 4")?;
    writeln!(
        out,
        "    .... {length:04b} = Header Length: {} bytes ({length})",
        length * 4
    )?;
    services(out, u16::from(header[1]))?;
    match u16_at(header, 2) {
        0 => writeln!(
            out,
            "    [Total Length: {} bytes (reported as 0, presumed to be because of \"TCP segmentation offload\" (TSO))]",
            packet.end() - packet.ip_at
        )?,
        total => writeln!(out, "    Total Length: {total}")?,
    }
    let id = packet.ip_id;
    writeln!(out, "    Identification: 0x{id:04x} ({id})")?;
    fragment(out, u16_at(header, 6))?;
    writeln!(out, "    Time to Live: {}", header[8])?;
    few_hops(out, header[8], packet.dst)?;
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
    )?;
    ipv4_options(out, &header[20..])
}

fn services(out: &mut String, service: u16) -> fmt::Result {
    let ((dscp_long, dscp), (ecn_long, ecn)) = (dscp(service >> 2), ecn(service & 3));
    writeln!(
        out,
        "    Differentiated Services Field: 0x{service:02x} (DSCP: {dscp}, ECN: {ecn})"
    )?;
    writeln!(
        out,
        "        {}.. = Differentiated Services Codepoint: {dscp_long} ({})",
        bits(service >> 2, 6),
        service >> 2
    )?;
    writeln!(
        out,
        "        .... ..{:02b} = Explicit Congestion Notification: {ecn_long} ({})",
        service & 3,
        service & 3
    )
}

fn fragment(out: &mut String, word: u16) -> fmt::Result {
    let flags = word >> 13;
    let mut words = String::new();
    for (bit, name) in [(4, ", Reserved bit"), (2, ", Don't fragment")] {
        if flags & bit != 0 {
            words.push_str(name);
        }
    }
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

/// Remarks on a packet that was about to be thrown away, or might leave the link and mustn't.
fn few_hops(out: &mut String, hops: u8, dst: IpAddr) -> fmt::Result {
    let IpAddr::V4(dst) = dst else { return Ok(()) };
    let words = if dst.octets()[..3] == [224, 0, 0] {
        if hops == 1 {
            return Ok(());
        }
        "\"Time To Live\" != 1 for a packet sent to the Local Network Control Block (see RFC 3171)"
            .to_owned()
    } else if hops < FEW_HOPS && !dst.is_multicast() {
        format!("\"Time To Live\" only {hops}")
    } else {
        return Ok(());
    };
    expert_info(out, 8, "Note", "Sequence", &words)
}

struct Ipv4Option {
    kind: u8,
    /// Bytes with kind and length; 1 where these are all there is.
    length: usize,
}

fn ipv4_options(out: &mut String, mut bytes: &[u8]) -> fmt::Result {
    if bytes.is_empty() {
        return Ok(());
    }
    write!(out, "    Options: ({} bytes)", bytes.len())?;
    let mut options = Vec::new();
    while let Some(&kind) = bytes.first() {
        let length = match kind {
            0 | 1 => 1,
            _ => usize::from(bytes.get(1).copied().unwrap_or(0)),
        };
        if length == 0 || length > bytes.len() {
            break;
        }
        options.push(Ipv4Option { kind, length });
        bytes = if kind == 0 { &[] } else { &bytes[length..] };
    }
    for option in options.iter().filter(|option| option.kind > 1) {
        write!(out, ", {}", ipv4_option_name(option.kind).0)?;
    }
    out.push('\n');
    let mut idle = 0;
    for option in options {
        remark_on_idle(out, option.kind, &mut idle)?;
        ipv4_option(out, &option)?;
    }
    Ok(())
}

fn ipv4_option(out: &mut String, option: &Ipv4Option) -> fmt::Result {
    let (name, number_name) = ipv4_option_name(option.kind);
    write!(out, "        IP Option - {name}")?;
    if option.kind > 1 {
        write!(out, " ({} bytes)", option.length)?;
    }
    let (copy, class, number) = (
        option.kind >> 7,
        option.kind >> 5 & 3,
        u16::from(option.kind & 31),
    );
    let copied = if copy == 1 { "Yes" } else { "No" };
    let class_name = match class {
        0 => "Control",
        2 => "Debugging and measurement",
        _ => "Reserved for future use",
    };
    let digits = format!("{number:05b}");
    let (high, low) = digits.split_at(1);
    writeln!(
        out,
        "\n            Type: {}\n                {copy}... .... = Copy on fragmentation: {copied}",
        option.kind
    )?;
    writeln!(
        out,
        "                .{class:02b}. .... = Class: {class_name} ({class})"
    )?;
    writeln!(
        out,
        "                ...{high} {low} = Number: {number_name} ({number})"
    )?;
    if option.kind > 1 {
        writeln!(out, "            Length: {}", option.length)?;
    }
    Ok(())
}

/// Returns an option's name, and that of its number.
fn ipv4_option_name(kind: u8) -> (&'static str, &'static str) {
    match kind {
        0 => ("End of Options List (EOL)", "End of Option List (EOL)"),
        1 => ("No-Operation (NOP)", "No-Operation (NOP)"),
        7 => ("Record Route", "Record route"),
        68 => ("Time Stamp", "Time stamp"),
        130 => ("Security", "Security"),
        131 => ("Loose Source Route", "Loose source route"),
        136 => ("Stream ID", "Stream identifier"),
        137 => ("Strict Source Route", "Strict source route"),
        148 => ("Router Alert", "Router Alert"),
        _ => ("Unknown", "Unknown"),
    }
}

fn ipv6(out: &mut String, header: &[u8], packet: &Packet<'_>) -> fmt::Result {
    let (src, dst) = (Address(packet.src), Address(packet.dst));
    let (traffic, flow) = (u16_at(header, 0) >> 4 & 0xff, u32_at(header, 0) & 0xf_ffff);
    let ((dscp_long, dscp), (ecn_long, ecn)) = (dscp(traffic >> 2), ecn(traffic & 3));
    writeln!(out, "Internet Protocol Version 6, Src: {src}, Dst: {dst}")?;
    writeln!(out, "    0110 .... = Version: 6")?;
    writeln!(
        out,
        "    .... {} .... .... .... .... .... = Traffic Class: 0x{traffic:02x} (DSCP: {dscp}, ECN: {ecn})",
        bits(traffic, 8)
    )?;
    writeln!(
        out,
        "        .... {}.. .... .... .... .... .... = Differentiated Services Codepoint: {dscp_long} ({})",
        bits(traffic >> 2, 6),
        traffic >> 2
    )?;
    writeln!(
        out,
        "        .... .... ..{:02b} .... .... .... .... .... = Explicit Congestion Notification: {ecn_long} ({})",
        traffic & 3,
        traffic & 3
    )?;
    writeln!(
        out,
        "    .... {} = Flow Label: 0x{flow:05x}",
        flow_bits(flow)
    )?;
    writeln!(out, "    Payload Length: {}", u16_at(header, 4))?;
    writeln!(out, "    Next Header: {}", NextHeader(header[6]))?;
    writeln!(out, "    Hop Limit: {}", header[7])?;
    writeln!(
        out,
        "    Source Address: {src}\n    Destination Address: {dst}"
    )?;
    hardware_address(out, "Source", &header[8..24])?;
    hardware_address(out, "Destination", &header[24..40])
}

/// Writes the hardware address that an IPv6 address was made of (RFC 4291, appendix A).
fn hardware_address(out: &mut String, whose: &str, address: &[u8]) -> fmt::Result {
    let [first, rest @ ..] = &address[8..] else {
        return Ok(());
    };
    let &[second, third, 0xff, 0xfe, ref own @ ..] = rest else {
        return Ok(());
    };
    let mac = [&[first ^ 2, second, third], own].concat();
    writeln!(out, "    [{whose} SLAAC MAC: {}]", Mac(&mac))
}

/// One extension header of IPv6.
struct Extension<'a> {
    kind: u8,
    bytes: &'a [u8],
}

/// Returns the headers between those of IPv6 and TCP, which `Packet::parse` has walked before.
fn extensions<'a>(data: &'a [u8], packet: &Packet<'_>) -> Vec<Extension<'a>> {
    let mut found = Vec::new();
    let mut kind = data[packet.ip_at + 6];
    let mut rest = &data[packet.ip_at + 40..packet.tcp_at];
    while rest.len() >= 8 {
        let length = match kind {
            44 => 8,
            51 => (usize::from(rest[1]) + 2) * 4,
            _ => (usize::from(rest[1]) + 1) * 8,
        };
        let (bytes, behind) = rest.split_at(length.min(rest.len()));
        found.push(Extension { kind, bytes });
        kind = bytes[0];
        rest = behind;
    }
    found
}

fn extension_tree(out: &mut String, extension: &Extension<'_>) -> fmt::Result {
    let bytes = extension.bytes;
    let next = NextHeader(bytes[0]);
    match extension.kind {
        44 => {
            let reserved = bytes[3] >> 1 & 3;
            out.push_str("    Fragment Header for IPv6\n");
            writeln!(out, "        Next header: {next}")?;
            writeln!(out, "        Reserved octet: 0x{:02x}", bytes[1])?;
            writeln!(out, "        0000 0000 0000 0... = Offset: 0 (0 bytes)")?;
            writeln!(
                out,
                "        .... .... .... .{reserved:02b}. = Reserved bits: {reserved}"
            )?;
            writeln!(out, "        .... .... .... ...0 = More Fragments: No")?;
            writeln!(out, "        Identification: 0x{:08x}", u32_at(bytes, 4))
        }
        51 => {
            out.push_str("    Authentication Header\n");
            writeln!(out, "        Next header: {next}")?;
            writeln!(out, "        Length: {} ({} bytes)", bytes[1], bytes.len())
        }
        kind => {
            writeln!(out, "    {}", NextHeader(kind).name())?;
            writeln!(out, "        Next Header: {next}")?;
            writeln!(out, "        Length: {}", bytes[1])?;
            writeln!(out, "        [Length: {} bytes]", bytes.len())?;
            if kind == 43 {
                return Ok(());
            }
            extension_options(out, &bytes[2..])
        }
    }
}

/// Writes the options of a hop-by-hop or destination options header.
fn extension_options(out: &mut String, mut bytes: &[u8]) -> fmt::Result {
    while let Some(&kind) = bytes.first() {
        if kind == 0 {
            out.push_str("        Pad1\n            Type: Pad1 (0x00)\n            Pad1\n");
            bytes = &bytes[1..];
            continue;
        }
        let length = bytes.get(1).map_or(0, |length| usize::from(*length));
        let Some(value) = bytes.get(2..2 + length) else {
            return Ok(());
        };
        extension_option(out, kind, value)?;
        bytes = &bytes[2 + length..];
    }
    Ok(())
}

fn extension_option(out: &mut String, kind: u8, value: &[u8]) -> fmt::Result {
    let name = match kind {
        1 => "PadN",
        4 => "Tunnel Encapsulation Limit",
        5 => "Router Alert",
        _ => "Unknown",
    };
    let low = u16::from(kind & 31);
    let digits = format!("{low:05b}");
    let (high_bit, low_bits) = digits.split_at(1);
    let action = ["Skip and continue", "Discard", "Discard", "Discard"][usize::from(kind >> 6)];
    let changes = if kind & 0x20 != 0 { "Yes" } else { "No" };
    writeln!(
        out,
        "        {name}\n            Type: {name} (0x{kind:02x})"
    )?;
    writeln!(
        out,
        "                {:02b}.. .... = Action: {action} ({})",
        kind >> 6,
        kind >> 6
    )?;
    writeln!(
        out,
        "                ..{}. .... = May Change: {changes}",
        kind >> 5 & 1
    )?;
    writeln!(
        out,
        "                ...{high_bit} {low_bits} = Low-Order Bits: 0x{low:02x}"
    )?;
    writeln!(out, "            Length: {}", value.len())?;
    match value {
        [] if kind == 1 => writeln!(out, "            PadN: <none>"),
        _ if kind == 1 => writeln!(out, "            PadN: {}", Hex(value)),
        _ => Ok(()),
    }
}

struct NextHeader(u8);

impl NextHeader {
    fn name(&self) -> &'static str {
        match self.0 {
            0 => "IPv6 Hop-by-Hop Option",
            6 => "TCP",
            43 => "Routing Header for IPv6",
            44 => "Fragment Header for IPv6",
            51 => "Authentication Header",
            60 => "Destination Options for IPv6",
            _ => "Unknown",
        }
    }
}

impl fmt::Display for NextHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.0)
    }
}

fn flow_bits(flow: u32) -> String {
    let (high, low) = ((flow >> 16) as u16, (flow & 0xffff) as u16);
    format!("{} {}", bits(high, 4), bits(low, 16))
}

fn dscp(point: u16) -> (String, String) {
    let class = point >> 3;
    match (point & 7, point) {
        (_, 0) => ("Default".to_owned(), "CS0".to_owned()),
        (_, 1) => ("Lower Effort".to_owned(), "LE".to_owned()),
        (_, 44) => ("Voice Admit".to_owned(), "VOICE-ADMIT".to_owned()),
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
