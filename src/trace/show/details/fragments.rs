//! The fragments that an IP packet was put together from, in Wireshark's words.

use std::fmt::{self, Write as _};

use super::frame::hex_dump;
use crate::trace::packet::{Datagram, Packet};
use crate::trace::show::text::Hex;

/// Writes the fragments, if there are any, and with `shown` what they carry.
pub(super) fn tree(out: &mut String, packet: &Packet<'_>, shown: bool) -> fmt::Result {
    let Some(datagram) = packet.datagram else {
        return Ok(());
    };
    let (version, carried) = (version(packet), carried(datagram));
    let (count, length) = (datagram.fragments.len(), carried.len());
    write!(out, "    [{count} {version} Fragments ({length} bytes): ")?;
    for (at, fragment) in datagram.fragments.iter().enumerate() {
        let comma = if at > 0 { ", " } else { "" };
        write!(out, "{comma}#{}({})", fragment.frame, fragment.len)?;
    }
    out.push_str("]\n");
    for fragment in &datagram.fragments {
        let (frame, first, len) = (fragment.frame, fragment.offset, fragment.len);
        let last = first + len - 1;
        writeln!(
            out,
            "        [Frame: {frame}, payload: {first}-{last} ({len} bytes)]"
        )?;
        if fragment.overlaps {
            out.push_str("            [Fragment overlap: True]\n");
        }
        if fragment.conflicts {
            out.push_str("            [Conflicting data in fragment overlap: True]\n");
        }
    }
    writeln!(out, "        [Fragment count: {count}]")?;
    writeln!(out, "        [Reassembled {version} length: {length}]")?;
    if shown {
        let data = Hex(carried);
        writeln!(out, "        [Reassembled {version} data: {data}]")?;
    }
    Ok(())
}

/// Writes what they carry, the payload only if it is `shown`.
pub(super) fn bytes(
    out: &mut String,
    packet: &Packet<'_>,
    datagram: &Datagram,
    shown: bool,
) -> fmt::Result {
    let carried = carried(datagram);
    let headers = packet.payload_at().saturating_sub(datagram.carried_at);
    let end = if shown { carried.len() } else { headers };
    writeln!(
        out,
        "Reassembled {} ({} bytes):",
        version(packet),
        carried.len()
    )?;
    hex_dump(out, carried, end)
}

fn version(packet: &Packet<'_>) -> &'static str {
    if packet.src.is_ipv4() { "IPv4" } else { "IPv6" }
}

fn carried(datagram: &Datagram) -> &[u8] {
    &datagram.data[datagram.carried_at..]
}
