//! The link layer of one frame as a tree, in Wireshark's words.

use std::fmt::{self, Write as _};

use super::expert::expert_info;
use super::llc::{self, EtherType};
use super::{cooked, fddi, ppp};
use crate::trace::capture::Frame;
use crate::trace::packet::bytes::{u16_at, u32_at};
use crate::trace::packet::{Packet, link_type};
use crate::trace::show::text::{Hex, Mac, bits};

/// What an Ethernet frame is filled up to, without its check sequence.
const SHORTEST_FRAME: usize = 60;
const CHECK_SEQUENCE: usize = 4;

const LLC_LENGTH_MAX: u16 = 1500;
/// Returns a link type's name and number in Wireshark.
pub(super) fn encapsulation(link: u16) -> String {
    match link {
        link_type::NULL => "NULL/Loopback (15)".to_owned(),
        link_type::ETHERNET => "Ethernet (1)".to_owned(),
        link_type::PPP => "PPP (4)".to_owned(),
        link_type::FDDI => "FDDI with bit-swapped MAC addresses (6)".to_owned(),
        link_type::LOOP => "OpenBSD loopback (174)".to_owned(),
        link if link_type::is_raw(link) => "Raw IP (7)".to_owned(),
        link_type::SLL => "Linux cooked-mode capture v1 (25)".to_owned(),
        link_type::SLL2 => "Linux cooked-mode capture v2 (210)".to_owned(),
        link_type::IPV4 => "Raw IPv4 (129)".to_owned(),
        link_type::IPV6 => "Raw IPv6 (130)".to_owned(),
        other => format!("{} (link type {other})", link_type::name(other)),
    }
}

/// Returns the protocols of the link layer, from the outside in.
pub(super) fn protocols(frame: &Frame<'_>, packet: &Packet<'_>) -> Vec<&'static str> {
    let tags = tags(frame, packet);
    let mut names = match frame.link {
        link_type::NULL | link_type::LOOP => vec!["null"],
        link_type::ETHERNET => vec!["eth", "ethertype"],
        link_type::PPP => ppp::protocols(frame.data),
        link_type::FDDI => vec!["fddi", "llc"],
        link_type::SLL | link_type::SLL2 => vec!["sll", "ethertype"],
        link_type::IPV4 | link_type::IPV6 => vec![],
        _ => vec!["raw"],
    };
    for tag in &tags {
        names.push(if tag.kind == 0x88a8 {
            "ieee8021ad"
        } else {
            "vlan"
        });
        names.push("ethertype");
    }
    if frame.link == link_type::ETHERNET && length_at(&tags, frame.data) {
        names.pop();
        names.push("llc");
    }
    names
}

struct Tag {
    kind: u16,
    control: u16,
    inner: u16,
}

/// Returns the VLAN tags of a frame.
fn tags(frame: &Frame<'_>, packet: &Packet<'_>) -> Vec<Tag> {
    let (kind_at, mut at) = match frame.link {
        link_type::ETHERNET => (12, 14),
        link_type::SLL => (14, 16),
        link_type::SLL2 => (0, 20),
        _ => return Vec::new(),
    };
    let mut kind = u16_at(frame.data, kind_at);
    let mut found = Vec::new();
    while at + 4 <= packet.ip_at && matches!(kind, 0x8100 | 0x88a8 | 0x9100) {
        let tag = Tag {
            kind,
            control: u16_at(frame.data, at),
            inner: u16_at(frame.data, at + 2),
        };
        kind = tag.inner;
        found.push(tag);
        at += 4;
    }
    found
}

/// Writes the link layer.
pub(super) fn tree(out: &mut String, frame: &Frame<'_>, packet: &Packet<'_>) -> fmt::Result {
    match frame.link {
        link_type::NULL | link_type::LOOP => return null(out, frame),
        link_type::ETHERNET => ethernet(out, frame.data)?,
        link_type::SLL => cooked::cooked(out, frame.data)?,
        link_type::SLL2 => cooked::cooked_2(out, frame.data)?,
        link_type::PPP => return ppp::tree(out, frame.data, packet),
        link_type::FDDI => {
            fddi::tree(out, frame.data)?;
            return llc::snap(out, u16_at(frame.data, packet.ip_at - 2));
        }
        link_type::IPV4 | link_type::IPV6 => return Ok(()),
        _ => return writeln!(out, "Raw packet data"),
    }
    let tags = tags(frame, packet);
    for tag in &tags {
        vlan(out, tag)?;
    }
    trailer(out, frame, packet)?;
    if frame.link == link_type::ETHERNET && length_at(&tags, frame.data) {
        llc::snap(out, u16_at(frame.data, packet.ip_at - 2))?;
    }
    Ok(())
}

/// Returns whether a length stands where the innermost type does otherwise.
fn length_at(tags: &[Tag], data: &[u8]) -> bool {
    tags.last()
        .map_or_else(|| u16_at(data, 12), |tag| tag.inner)
        <= LLC_LENGTH_MAX
}

fn null(out: &mut String, frame: &Frame<'_>) -> fmt::Result {
    let family = u32_at(frame.data, 0);
    let swapped = family.swap_bytes();
    let family = if frame.link == link_type::NULL && swapped >> 16 == 0 {
        swapped
    } else {
        family
    };
    out.push_str("Null/Loopback\n");
    match family {
        1501.. => writeln!(out, "    Type: {}", EtherType((family & 0xffff) as u16)),
        2 => writeln!(out, "    Family: IP (2)"),
        other => writeln!(out, "    Family: IPv6 ({other})"),
    }
}

fn ethernet(out: &mut String, data: &[u8]) -> fmt::Result {
    let (dst, src) = (Mac(&data[..6]), Mac(&data[6..12]));
    let kind = u16_at(data, 12);
    if kind <= LLC_LENGTH_MAX {
        out.push_str("IEEE 802.3 Ethernet \n");
    } else {
        writeln!(out, "Ethernet II, Src: {src}, Dst: {dst}")?;
    }
    mac(out, "Destination", dst)?;
    mac(out, "Source", src)?;
    kind_or_length(out, kind)
}

fn kind_or_length(out: &mut String, word: u16) -> fmt::Result {
    if word <= LLC_LENGTH_MAX {
        return writeln!(out, "    Length: {word}");
    }
    writeln!(out, "    Type: {}", EtherType(word))
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

fn vlan(out: &mut String, tag: &Tag) -> fmt::Result {
    let (id, priority, dei) = (
        tag.control & 0xfff,
        tag.control >> 13,
        tag.control >> 12 & 1,
    );
    let (class, dei_words) = if tag.kind == 0x88a8 {
        writeln!(out, "IEEE 802.1ad, ID: {id}")?;
        (priority.to_string(), dei.to_string())
    } else {
        writeln!(
            out,
            "802.1Q Virtual LAN, PRI: {priority}, DEI: {dei}, ID: {id}"
        )?;
        let eligible = if dei == 1 { "Eligible" } else { "Ineligible" };
        let class = PRIORITIES[usize::from(priority)];
        (format!("{class} ({priority})"), eligible.to_owned())
    };
    writeln!(
        out,
        "    {priority:03b}. .... .... .... = Priority: {class}"
    )?;
    writeln!(out, "    ...{dei} .... .... .... = DEI: {dei_words}")?;
    writeln!(out, "    .... {} = ID: {id}", bits(id, 12))?;
    kind_or_length(out, tag.inner)
}

const PRIORITIES: [&str; 8] = [
    "Best Effort (default)",
    "Background",
    "Excellent Effort",
    "Critical Applications",
    "Video, < 100ms latency and jitter",
    "Voice, < 10ms latency and jitter",
    "Internetwork Control",
    "Network Control",
];

/// Writes what stands behind the IP packet: what fills the frame up, what nobody knows, and the
/// check sequence.
fn trailer(out: &mut String, frame: &Frame<'_>, packet: &Packet<'_>) -> fmt::Result {
    let Some(rest) = frame.data.get(packet.end..) else {
        return Ok(());
    };
    let length = frame.length as usize;
    let filling = SHORTEST_FRAME.saturating_sub(packet.end).min(rest.len());
    let may_fill = length >= SHORTEST_FRAME && frame.link != link_type::SLL2;
    let filled = may_fill && rest[..filling].iter().all(|byte| *byte == 0);
    let (padding, rest) = rest.split_at(if filled { filling } else { 0 });
    let tagged = !tags(frame, packet).is_empty();
    let checked = frame.link == link_type::ETHERNET
        && !tagged
        && length >= SHORTEST_FRAME + CHECK_SEQUENCE
        && length == frame.data.len()
        && rest.len() >= CHECK_SEQUENCE;
    let (unknown, check) = rest.split_at(if checked {
        rest.len() - CHECK_SEQUENCE
    } else {
        rest.len()
    });
    if !padding.is_empty() {
        writeln!(out, "    Padding: {}", Hex(padding))?;
    }
    if !unknown.is_empty() {
        writeln!(out, "    Trailer: {}", Hex(unknown))?;
        if may_fill && filling > 0 && !filled {
            let words = "Didn't find padding of zeros, and an undecoded trailer exists. There may be padding of non-zeros.";
            expert_info(out, 8, "Note", "Protocol", words)?;
        }
    }
    if !check.is_empty() {
        writeln!(
            out,
            "    Frame check sequence: 0x{:08x} [unverified]",
            u32_at(check, 0)
        )?;
        writeln!(out, "    [FCS Status: Unverified]")?;
    }
    Ok(())
}
