//! One frame's headers: link, IP, TCP.
//!
//! Knows one frame at a time and nothing of what came before. Nothing here is copied: a packet
//! borrows its options and payload from the frame. Lengths are those that the headers claim; bytes
//! that the capture lacks are missing from `payload`, never invented.
//!
//! `etherparse` reads the IP headers. The link layer is read here because it takes Null/Loopback
//! for Ethernet and knows neither Loop nor SLL2 nor LLC; so is the TCP header, because it wants all
//! of the options captured and hides three of the twelve flags.

pub mod options;

use std::fmt;
use std::net::IpAddr;

use etherparse::err::ipv4::HeaderSliceError as Ipv4Error;
use etherparse::{Ipv4HeaderSlice, Ipv6HeaderSlice};

use crate::trace::capture::Frame;

/// FIN, the sender has no more data.
pub const FIN: u16 = 0x001;
/// SYN, synchronise sequence numbers.
pub const SYN: u16 = 0x002;
/// RST, the connection is reset.
pub const RST: u16 = 0x004;
/// PSH, push.
pub const PSH: u16 = 0x008;
/// ACK, the acknowledgement number counts.
pub const ACK: u16 = 0x010;
/// URG, the urgent pointer counts.
pub const URG: u16 = 0x020;

/// Link type numbers with a name.
pub mod link {
    /// BSD loopback: four bytes of address family in the capturing host's order.
    pub const NULL: u16 = 0;
    /// Ethernet.
    pub const ETHERNET: u16 = 1;
    /// OpenBSD loopback: as `NULL`, in network order.
    pub const LOOP: u16 = 108;
    /// Linux cooked capture.
    pub const SLL: u16 = 113;
    /// Linux cooked capture, version 2.
    pub const SLL2: u16 = 276;
}

const VLAN_TAGS_MAX: usize = 8;
const EXTENSIONS_MAX: usize = 16;
const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
const PROTOCOL_TCP: u8 = 6;

/// A TCP segment in its frame.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    /// Sender's address.
    pub src: IpAddr,
    /// Receiver's address.
    pub dst: IpAddr,
    /// Sender's port.
    pub src_port: u16,
    /// Receiver's port.
    pub dst_port: u16,
    /// Raw sequence number.
    pub seq: u32,
    /// Raw acknowledgement number, whether or not ACK is set.
    pub ack: u32,
    /// All twelve bits: three reserved, AE, CWR, ECE, URG, ACK, PSH, RST, SYN, FIN.
    pub flags: u16,
    /// The window as it stands in the header.
    pub window: u16,
    /// The checksum as it stands in the header.
    pub checksum: u16,
    /// The urgent pointer as it stands in the header.
    pub urgent: u16,
    /// The identification in an IPv4 header, else 0.
    pub ip_id: u16,
    /// Length of the TCP header with its options, in bytes.
    pub header_len: u8,
    /// Options, as far as they were captured.
    pub options: &'a [u8],
    /// Length of the segment by the IP header.
    pub len: u32,
    /// The segment, as far as it was captured.
    pub payload: &'a [u8],
    /// Where the IP header starts in the frame.
    pub ip_at: usize,
    /// Where the TCP header starts in the frame.
    pub tcp_at: usize,
}

/// Why a frame is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Skip {
    /// A link type that isn't supported.
    UnknownLink(u16),
    /// Not IP.
    NotIp,
    /// IP, but not TCP.
    NotTcp,
    /// A piece of a fragmented IP packet.
    Fragment,
    /// The frame ends inside the link or IP header.
    ShortIp,
    /// An IP header that contradicts itself.
    BadIp,
    /// The frame ends inside the TCP header.
    ShortTcp,
    /// A TCP header that contradicts itself.
    BadTcp,
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownLink(link) => {
                write!(
                    f,
                    "link type {link} ({}) is not supported",
                    link_name(*link)
                )
            }
            Self::NotIp => f.write_str("not IP"),
            Self::NotTcp => f.write_str("not TCP"),
            Self::Fragment => f.write_str("IP fragment (not reassembled)"),
            Self::ShortIp => f.write_str("IP header cut short"),
            Self::BadIp => f.write_str("bad IP header"),
            Self::ShortTcp => f.write_str("TCP header cut short"),
            Self::BadTcp => f.write_str("bad TCP header"),
        }
    }
}

/// Returns the name of a link type.
#[must_use]
pub fn link_name(link: u16) -> &'static str {
    match link {
        0 => "NULL",
        1 => "EN10MB",
        9 => "PPP",
        12 | 14 | 101 => "RAW",
        105 => "IEEE802_11",
        108 => "LOOP",
        113 => "LINUX_SLL",
        127 => "IEEE802_11_RADIO",
        147..=162 => USER_LINKS[usize::from(link) - 147],
        220 => "USB_LINUX_MMAPPED",
        228 => "IPV4",
        229 => "IPV6",
        276 => "LINUX_SLL2",
        _ => "unknown",
    }
}

const USER_LINKS: [&str; 16] = [
    "USER0", "USER1", "USER2", "USER3", "USER4", "USER5", "USER6", "USER7", "USER8", "USER9",
    "USER10", "USER11", "USER12", "USER13", "USER14", "USER15",
];

impl<'a> Packet<'a> {
    /// Reads the headers of a frame.
    ///
    /// # Errors
    /// Says why the frame isn't a TCP segment that can be looked at.
    pub fn parse(frame: &Frame<'a>) -> Result<Self, Skip> {
        let (ip_at, version) = network_layer(frame.link, frame.data)?;
        let ip = frame.data.get(ip_at..).ok_or(Skip::ShortIp)?;
        let version = match version {
            Some(version) => version,
            None => ip.first().ok_or(Skip::ShortIp)? >> 4,
        };
        // Bytes of the frame from the IP header on, captured or not.
        let room = frame.length.saturating_sub(narrow(ip_at));
        match version {
            4 => Self::ipv4(frame.data, ip_at, room),
            6 => Self::ipv6(frame.data, ip_at, room),
            _ => Err(Skip::NotIp),
        }
    }

    fn ipv4(data: &'a [u8], ip_at: usize, room: u32) -> Result<Self, Skip> {
        let header = Ipv4HeaderSlice::from_slice(&data[ip_at..]).map_err(|error| match error {
            Ipv4Error::Len(_) => Skip::ShortIp,
            Ipv4Error::Content(_) => Skip::BadIp,
        })?;
        let header_len = narrow(header.slice().len());
        // Segmentation offload leaves 0 there: the rest of the frame is the packet.
        let total = match header.total_len() {
            0 => room,
            total => u32::from(total).min(room),
        };
        if total < header_len {
            return Err(Skip::BadIp);
        }
        if header.is_fragmenting_payload() {
            return Err(Skip::Fragment);
        }
        if header.protocol().0 != PROTOCOL_TCP {
            return Err(Skip::NotTcp);
        }
        let ends = (
            IpAddr::V4(header.source_addr()),
            IpAddr::V4(header.destination_addr()),
        );
        let tcp_at = ip_at + header.slice().len();
        let mut packet = Self::tcp(data, ip_at, tcp_at, total - header_len, ends)?;
        packet.ip_id = header.identification();
        Ok(packet)
    }

    fn ipv6(data: &'a [u8], ip_at: usize, room: u32) -> Result<Self, Skip> {
        let ip = &data[ip_at..];
        if ip.first().is_some_and(|byte| byte >> 4 != 6) {
            return Err(Skip::BadIp);
        }
        let header = Ipv6HeaderSlice::from_slice(ip).map_err(|_| Skip::ShortIp)?;
        let room = room.saturating_sub(40);
        let mut left = u32::from(header.payload_length()).min(room);
        let mut protocol = header.next_header().0;
        let mut at = ip_at + 40;
        for _ in 0..EXTENSIONS_MAX {
            let extension = data.get(at..at + 8);
            let len = match (protocol, extension) {
                (0 | 43 | 60, Some(bytes)) => (u32::from(bytes[1]) + 1) * 8,
                (51, Some(bytes)) => (u32::from(bytes[1]) + 2) * 4,
                (44, Some(bytes)) if u16_at(bytes, 2) & 0xfff9 == 0 => 8,
                (44, Some(_)) => return Err(Skip::Fragment),
                (0 | 43 | 44 | 51 | 60, None) => return Err(Skip::ShortIp),
                (PROTOCOL_TCP, _) => {
                    let ends = (
                        IpAddr::V6(header.source_addr()),
                        IpAddr::V6(header.destination_addr()),
                    );
                    return Self::tcp(data, ip_at, at, left, ends);
                }
                _ => return Err(Skip::NotTcp),
            };
            protocol = data[at];
            at += len as usize;
            left = left.checked_sub(len).ok_or(Skip::BadIp)?;
        }
        Err(Skip::BadIp)
    }

    /// Reads the TCP header at `tcp_at`; header and segment take `total` bytes.
    fn tcp(
        data: &'a [u8],
        ip_at: usize,
        tcp_at: usize,
        total: u32,
        (src, dst): (IpAddr, IpAddr),
    ) -> Result<Self, Skip> {
        let end = data.len().min(tcp_at.saturating_add(total as usize));
        let tcp = data.get(tcp_at..end).ok_or(Skip::ShortTcp)?;
        if tcp.len() < 20 {
            return Err(Skip::ShortTcp);
        }
        let header_len = (tcp[12] >> 4) * 4;
        if header_len < 20 || u32::from(header_len) > total {
            return Err(Skip::BadTcp);
        }
        let header_end = tcp.len().min(usize::from(header_len));
        Ok(Self {
            src,
            dst,
            src_port: u16_at(tcp, 0),
            dst_port: u16_at(tcp, 2),
            seq: u32_at(tcp, 4),
            ack: u32_at(tcp, 8),
            flags: u16_at(tcp, 12) & 0x0fff,
            window: u16_at(tcp, 14),
            checksum: u16_at(tcp, 16),
            urgent: u16_at(tcp, 18),
            ip_id: 0,
            header_len,
            options: &tcp[20..header_end],
            len: total - u32::from(header_len),
            payload: &tcp[header_end..],
            ip_at,
            tcp_at,
        })
    }

    /// Returns where the segment starts in the frame, captured or not.
    #[must_use]
    pub fn payload_at(&self) -> usize {
        self.tcp_at + usize::from(self.header_len)
    }

    /// Returns where the packet ends in the frame, captured or not, by its IP header.
    #[must_use]
    pub fn end(&self) -> usize {
        self.payload_at() + self.len as usize
    }

    /// Returns whether the frame ends inside the options.
    #[must_use]
    pub fn has_cut_options(&self) -> bool {
        self.options.len() + 20 < usize::from(self.header_len)
    }

    /// Returns whether a flag is set.
    #[must_use]
    pub fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }
}

/// Returns where the network layer starts, and its version where the link layer tells.
fn network_layer(link: u16, data: &[u8]) -> Result<(usize, Option<u8>), Skip> {
    match link {
        link::NULL => family(data, false).map(|version| (4, Some(version))),
        link::LOOP => family(data, true).map(|version| (4, Some(version))),
        link::ETHERNET => ethernet(data, 12),
        12 | 14 | 101 => Ok((0, None)),
        228 => Ok((0, Some(4))),
        229 => Ok((0, Some(6))),
        link::SLL => ethernet(data, 14),
        link::SLL2 => match ethertype_version(u16_in(data, 0)?) {
            Some(version) => Ok((20, Some(version))),
            None if is_vlan(u16_in(data, 0)?) => ethernet(data, 22),
            None => Err(Skip::NotIp),
        },
        other => Err(Skip::UnknownLink(other)),
    }
}

/// Reads the address family of a loopback frame. It stands in the order of the host that captured,
/// which nobody wrote down: families are small numbers, so large ones are in the other order.
fn family(data: &[u8], network_order: bool) -> Result<u8, Skip> {
    let bytes = data.get(..4).ok_or(Skip::ShortIp)?;
    let mut family = u32_at(bytes, 0);
    if !network_order && family.swap_bytes() >> 16 == 0 {
        family = family.swap_bytes();
    }
    match family {
        2 => Ok(4),
        24 | 28 | 30 => Ok(6),
        1501..=0xffff => ethertype_version(narrow_16(family)).ok_or(Skip::NotIp),
        _ => Err(Skip::NotIp),
    }
}

/// Follows the type field at `at` through VLAN tags and LLC.
fn ethernet(data: &[u8], mut at: usize) -> Result<(usize, Option<u8>), Skip> {
    let mut kind = u16_in(data, at)?;
    for _ in 0..VLAN_TAGS_MAX {
        if !is_vlan(kind) {
            break;
        }
        at += 4;
        kind = u16_in(data, at)?;
    }
    at += 2;
    if kind <= 1500 && data.get(at..at + 6) == Some(&[0xaa, 0xaa, 0x03, 0, 0, 0]) {
        kind = u16_in(data, at + 6)?;
        at += 8;
    }
    match ethertype_version(kind).ok_or(Skip::NotIp)? {
        // Whatever follows the IPv4 type says itself which version it is.
        4 => Ok((at, None)),
        version => Ok((at, Some(version))),
    }
}

fn is_vlan(kind: u16) -> bool {
    matches!(kind, 0x8100 | 0x88a8 | 0x9100)
}

fn ethertype_version(kind: u16) -> Option<u8> {
    match kind {
        ETHERTYPE_IPV4 => Some(4),
        ETHERTYPE_IPV6 => Some(6),
        _ => None,
    }
}

fn u16_in(data: &[u8], at: usize) -> Result<u16, Skip> {
    let bytes = data.get(at..at + 2).ok_or(Skip::ShortIp)?;
    Ok(u16_at(bytes, 0))
}

/// Returns the number at `at`, in network order; the caller has made sure that it is there.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

/// Returns the number at `at`, in network order; the caller has made sure that it is there.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Frames are at most 262,144 bytes, so no offset in one is cut here.
fn narrow(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

fn narrow_16(number: u32) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}
