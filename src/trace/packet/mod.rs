//! One frame's headers: link, IP, TCP.
//!
//! Knows one frame at a time and nothing of what came before, but for the [`Fragments`] of IP packets
//! that it puts together. Nothing else is copied: a packet borrows its options and payload from the
//! frame. Lengths are those that the headers claim; bytes that the capture lacks are missing from
//! `payload`, never invented.
//!
//! The TCP header is read here and not by `etherparse`, because that wants all of the options
//! captured and hides three of the twelve flags.

pub mod bytes;
mod endpoint;
mod fragments;
mod ip;
mod link;
pub mod link_type;
pub mod options;
mod ports;
mod skip;
mod tunnel;

use std::net::IpAddr;

use self::bytes::{u16_at, u32_at};
pub use self::endpoint::Endpoint;
pub use self::fragments::{Datagram, Fragment, Fragments};
use self::ip::Ip;
use self::link::Network;
pub use self::ports::{PORTS_MAX, Ports};
pub use self::skip::{Skip, Tunnel};
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
    /// Where the TCP header starts in the frame, or in the packet that was put together.
    pub tcp_at: usize,
    /// Where the IP packet, or its last fragment, ends in the frame, captured or not.
    pub end: usize,
    /// The IP packet that it is in, if that was put together from fragments.
    pub datagram: Option<&'a Datagram>,
}

impl<'a> Packet<'a> {
    /// Reads the headers of a frame; if it is the last missing fragment of an IP packet, then those of
    /// the packet, which is put into `whole`.
    ///
    /// # Errors
    /// Says why there is no TCP segment that can be looked at.
    pub fn read(
        frame: &Frame<'a>,
        fragments: &mut Fragments,
        whole: &'a mut Option<Datagram>,
    ) -> Result<Self, Skip> {
        let (ip_at, ip) = network(frame)?;
        let Some(part) = ip.part else {
            return Self::tcp(frame.data, ip_at, &ip);
        };
        *whole = fragments.add(frame, ip_at, &ip, part);
        whole.as_ref().map_or(Err(Skip::Fragment), Self::of)
    }

    /// Reads the headers of a frame that isn't a fragment.
    ///
    /// # Errors
    /// Says why there is no TCP segment that can be looked at.
    pub fn parse(frame: &Frame<'a>) -> Result<Self, Skip> {
        match network(frame)? {
            (_, Ip { part: Some(_), .. }) => Err(Skip::Fragment),
            (ip_at, ip) => Self::tcp(frame.data, ip_at, &ip),
        }
    }

    /// Reads the headers of an IP packet that was put together.
    ///
    /// # Errors
    /// Says why there is no TCP segment that can be looked at.
    pub fn of(datagram: &'a Datagram) -> Result<Self, Skip> {
        let mut ip = datagram.ip;
        if ip.src.is_ipv6() {
            ip.walk(&datagram.data[datagram.carried_at..])?;
        }
        match ip.part {
            Some(_) => Err(Skip::Fragment),
            None => Ok(Self {
                end: datagram.end,
                datagram: Some(datagram),
                ..Self::tcp(&datagram.data, datagram.ip_at, &ip)?
            }),
        }
    }

    /// Reads the TCP header that `ip` carries.
    fn tcp(data: &'a [u8], ip_at: usize, ip: &Ip) -> Result<Self, Skip> {
        if ip.protocol != ip::TCP {
            return Err(tunnel::in_ip(data, ip).map_or(Skip::NotTcp, Skip::Tunnelled));
        }
        let (tcp_at, total) = (ip.at, ip.len);
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
            src: ip.src,
            dst: ip.dst,
            src_port: u16_at(tcp, 0),
            dst_port: u16_at(tcp, 2),
            seq: u32_at(tcp, 4),
            ack: u32_at(tcp, 8),
            flags: u16_at(tcp, 12) & 0x0fff,
            window: u16_at(tcp, 14),
            checksum: u16_at(tcp, 16),
            urgent: u16_at(tcp, 18),
            ip_id: ip.id,
            header_len,
            options: &tcp[20..header_end],
            len: total - u32::from(header_len),
            payload: &tcp[header_end..],
            ip_at,
            tcp_at,
            end: tcp_at + total as usize,
            datagram: None,
        })
    }

    /// Returns the sender's end.
    #[must_use]
    pub fn source(&self) -> Endpoint {
        Endpoint {
            address: self.src,
            port: self.src_port,
        }
    }

    /// Returns the receiver's end.
    #[must_use]
    pub fn destination(&self) -> Endpoint {
        Endpoint {
            address: self.dst,
            port: self.dst_port,
        }
    }

    /// Returns where the segment starts in the frame, captured or not.
    #[must_use]
    pub fn payload_at(&self) -> usize {
        self.tcp_at + usize::from(self.header_len)
    }

    /// Returns whether the frame ends inside the options.
    #[must_use]
    pub fn has_cut_options(&self) -> bool {
        self.options.len() + 20 < usize::from(self.header_len)
    }

    /// Returns the flags AE, CWR and ECE as one number, which accurate ECN makes of them but in a SYN.
    #[must_use]
    pub fn ace(&self) -> Option<u16> {
        (!self.has(SYN)).then_some(self.flags >> 6 & 7)
    }

    /// Returns whether a flag is set.
    #[must_use]
    pub fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }
}

/// Returns where the IP header of a frame starts, and what it says.
fn network(frame: &Frame<'_>) -> Result<(usize, Ip), Skip> {
    let data = frame.data;
    let (ip_at, version) = match link::network_layer(frame.link, data)? {
        Network::Ip(at, version) => (at, version),
        Network::Mpls(at) => {
            return Err(tunnel::in_mpls(data, at).map_or(Skip::NotIp, Skip::Tunnelled));
        }
    };
    let ip = Ip::read(data, ip_at, version, frame.length)?;
    if ip.part.is_some() && !ip.may_carry_tcp() {
        return Err(Skip::NotTcp);
    }
    Ok((ip_at, ip))
}
