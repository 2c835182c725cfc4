//! One frame's headers: link, IP, TCP.
//!
//! Knows one frame at a time and nothing of what came before. Nothing here is copied: a packet
//! borrows its options and payload from the frame. Lengths are those that the headers claim; bytes
//! that the capture lacks are missing from `payload`, never invented.
//!
//! The TCP header is read here and not by `etherparse`, because that wants all of the options
//! captured and hides three of the twelve flags.

pub mod bytes;
mod endpoint;
mod ip;
mod link;
pub mod link_type;
pub mod options;
mod skip;

use std::net::IpAddr;

use self::bytes::{u16_at, u32_at};
pub use self::endpoint::Endpoint;
use self::ip::Ip;
pub use self::skip::Skip;
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

impl<'a> Packet<'a> {
    /// Reads the headers of a frame.
    ///
    /// # Errors
    /// Says why the frame isn't a TCP segment that can be looked at.
    pub fn parse(frame: &Frame<'a>) -> Result<Self, Skip> {
        let (ip_at, version) = link::network_layer(frame.link, frame.data)?;
        let ip = Ip::read(frame.data, ip_at, version, frame.length)?;
        if ip.protocol != PROTOCOL_TCP {
            return Err(Skip::NotTcp);
        }
        Self::tcp(frame.data, ip_at, &ip)
    }

    /// Reads the TCP header that `ip` carries.
    fn tcp(data: &'a [u8], ip_at: usize, ip: &Ip) -> Result<Self, Skip> {
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
