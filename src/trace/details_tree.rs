//! The link and IP layers of one frame as a tree, in Wireshark's words.

use std::fmt::{self, Write as _};

use super::capture::Frame;
use super::packet::{self, Packet, link, u16_at, u32_at};

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
