//! The IPv6 header of one frame and its extensions as a tree, in Wireshark's words.

use std::fmt::{self, Write as _};

use super::fragments;
use super::services::{dscp, ecn};
use crate::trace::packet::Packet;
use crate::trace::packet::bytes::{u16_at, u32_at};
use crate::trace::show::text::{Address, Hex, Mac, bits};

/// Returns the protocols of the header and its extensions, from the outside in.
pub(super) fn protocols(data: &[u8], packet: &Packet<'_>) -> Vec<&'static str> {
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

/// Writes the header and its extensions, and the fragments, with `shown` what they carry.
pub(super) fn tree(out: &mut String, data: &[u8], packet: &Packet<'_>, shown: bool) -> fmt::Result {
    header(out, &data[packet.ip_at..], packet)?;
    for extension in extensions(data, packet) {
        extension_tree(out, &extension)?;
        if extension.kind == 44 {
            fragments::tree(out, packet, shown)?;
        }
    }
    Ok(())
}

fn header(out: &mut String, header: &[u8], packet: &Packet<'_>) -> fmt::Result {
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
            let (offset, reserved) = (u16_at(bytes, 2) >> 3, bytes[3] >> 1 & 3);
            let more = bytes[3] & 1;
            out.push_str("    Fragment Header for IPv6\n");
            writeln!(out, "        Next header: {next}")?;
            writeln!(out, "        Reserved octet: 0x{:02x}", bytes[1])?;
            writeln!(
                out,
                "        {}... = Offset: {offset} ({} bytes)",
                bits(offset, 13),
                u32::from(offset) * 8
            )?;
            writeln!(
                out,
                "        .... .... .... .{reserved:02b}. = Reserved bits: {reserved}"
            )?;
            let words = if more == 1 { "Yes" } else { "No" };
            writeln!(
                out,
                "        .... .... .... ...{more} = More Fragments: {words}"
            )?;
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
