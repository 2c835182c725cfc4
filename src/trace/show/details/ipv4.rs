//! The IPv4 header of one frame as a tree, in Wireshark's words.

use std::fmt::{self, Write as _};
use std::net::IpAddr;

use super::expert::{expert_info, remark_on_idle};
use super::services::{dscp, ecn};
use crate::trace::packet::Packet;
use crate::trace::packet::bytes::u16_at;
use crate::trace::show::text::bits;

/// Fewer hops than these are worth a word.
const FEW_HOPS: u8 = 5;

/// Writes the header.
pub(super) fn tree(out: &mut String, header: &[u8], packet: &Packet<'_>) -> fmt::Result {
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
            packet.end - packet.ip_at
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

fn fragment(out: &mut String, word: u16) -> fmt::Result {
    let flags = word >> 13;
    let mut words = String::new();
    for (bit, name) in [
        (4, ", Reserved bit"),
        (2, ", Don't fragment"),
        (1, ", More fragments"),
    ] {
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
    let offset = word & 0x1fff;
    let digits = bits(offset, 16);
    writeln!(
        out,
        "    ...{} = Fragment Offset: {}",
        &digits[3..],
        u32::from(offset) * 8
    )
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
