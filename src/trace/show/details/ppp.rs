//! PPP as a tree, in Wireshark's words; or Cisco's HDLC, which comes under the same link type.

use std::fmt::{self, Write as _};

use super::llc::EtherType;
use crate::trace::packet::Packet;
use crate::trace::packet::bytes::u16_at;

/// Returns the protocols.
pub(super) fn protocols(data: &[u8]) -> Vec<&'static str> {
    if is_hdlc(data) {
        vec!["ppp", "chdlc"]
    } else {
        vec!["ppp"]
    }
}

/// Writes the header.
pub(super) fn tree(out: &mut String, data: &[u8], packet: &Packet<'_>) -> fmt::Result {
    if is_hdlc(data) {
        return hdlc(out, data);
    }
    out.push_str("Point-to-Point Protocol\n");
    if data.starts_with(&[0xff, 0x03]) {
        out.push_str("    Address: 0xff\n    Control: 0x03\n");
    }
    let (version, protocol) = match data[packet.ip_at - 1] {
        0x57 => (6, 0x57),
        _ => (4, 0x21),
    };
    writeln!(
        out,
        "    Protocol: Internet Protocol version {version} (0x{protocol:04x})"
    )
}

fn is_hdlc(data: &[u8]) -> bool {
    matches!(data.first(), Some(0x0f | 0x8f))
}

fn hdlc(out: &mut String, data: &[u8]) -> fmt::Result {
    let address = if data[0] == 0x0f {
        "Unicast (0x0f)"
    } else {
        "Multicast (0x8f)"
    };
    out.push_str("Cisco HDLC\n");
    writeln!(
        out,
        "    Address: {address}\n    Control: 0x{:02x}",
        data[1]
    )?;
    match u16_at(data, 2) {
        0x0800 => writeln!(out, "    Protocol: IP (0x0800)"),
        kind => writeln!(out, "    Protocol: {}", EtherType(kind)),
    }
}
