//! The pseudo-headers of Linux cooked captures as a tree, in Wireshark's words.

use std::fmt::{self, Write as _};

use super::llc::EtherType;
use crate::trace::packet::bytes::{u16_at, u32_at};
use crate::trace::show::text::{Hex, Mac};

/// Writes the header of version 1.
pub(super) fn cooked(out: &mut String, data: &[u8]) -> fmt::Result {
    out.push_str("Linux cooked capture v1\n");
    writeln!(out, "    Packet type: {}", PacketType(u16_at(data, 0)))?;
    writeln!(
        out,
        "    Link-layer address type: {}",
        Hardware(u16_at(data, 2))
    )?;
    cooked_source(out, usize::from(u16_at(data, 4)), &data[6..14])?;
    writeln!(out, "    Protocol: {}", EtherType(u16_at(data, 14)))
}

/// Writes the header of version 2.
pub(super) fn cooked_2(out: &mut String, data: &[u8]) -> fmt::Result {
    out.push_str("Linux cooked capture v2\n");
    writeln!(out, "    Protocol: {}", EtherType(u16_at(data, 0)))?;
    writeln!(out, "    Interface index: {}", u32_at(data, 4))?;
    writeln!(
        out,
        "    Link-layer address type: {}",
        Hardware(u16_at(data, 8))
    )?;
    writeln!(out, "    Packet type: {}", PacketType(u16::from(data[10])))?;
    cooked_source(out, usize::from(data[11]), &data[12..20])
}

/// Writes the sender's address, of which the eight bytes of `field` hold as many as there are.
fn cooked_source(out: &mut String, length: usize, field: &[u8]) -> fmt::Result {
    writeln!(out, "    Link-layer address length: {length}")?;
    let (address, unused) = field.split_at(length.min(field.len()));
    match address {
        [] => {}
        [a, b, c, d] => writeln!(out, "    Source: {a}.{b}.{c}.{d}")?,
        [_, _, _, _, _, _] => writeln!(out, "    Source: {}", Mac(address))?,
        other => writeln!(out, "    Source: {}", Hex(other))?,
    }
    if unused.is_empty() {
        return Ok(());
    }
    writeln!(out, "    Unused: {}", Hex(unused))
}

/// How a host saw the packet, in a cooked capture.
struct PacketType(u16);

impl fmt::Display for PacketType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            0 => "Unicast to us",
            1 => "Broadcast",
            2 => "Multicast",
            3 => "Unicast to another host",
            4 => "Sent by us",
            _ => "Unknown",
        };
        write!(f, "{name} ({})", self.0)
    }
}

/// The kind of an interface, in a cooked capture.
struct Hardware(u16);

impl fmt::Display for Hardware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            0 => "NET/ROM pseudo",
            1 => "Ethernet",
            6 => "IEEE 802",
            32 => "InfiniBand",
            280 => "Controller Area Network",
            512 => "PPP",
            519 => "Raw IP",
            768 => "IPIP tunnel",
            772 => "Loopback",
            776 => "sit0 device - IPv6-in-IPv4",
            778 => "GRE over IP",
            801 => "IEEE 802.11",
            802 => "IEEE 802.11 + Prism2 header",
            803 => "IEEE 802.11 + radiotap header",
            0xfffe => "zero header length",
            0xffff => "Void type, nothing is known",
            _ => "Unknown",
        };
        write!(f, "{name} ({})", self.0)
    }
}
