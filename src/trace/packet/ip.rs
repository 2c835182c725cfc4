//! The IP header: from whom to whom, and where what it carries lies.
//!
//! `etherparse` reads the fixed part; the extensions of IPv6 are walked here, because a capture may
//! end inside them.

use std::net::IpAddr;

use etherparse::err::ipv4::HeaderSliceError as Ipv4Error;
use etherparse::{Ipv4HeaderSlice, Ipv6HeaderSlice};

use super::bytes::{u16_at, u32_at};
use super::skip::Skip;

const EXTENSIONS_MAX: usize = 16;
const IPV6_HEADER_BYTES: usize = 40;
/// Number of the extension of IPv6 that a fragment has.
const FRAGMENT: u8 = 44;

/// Number of TCP as what IP carries.
pub(super) const TCP: u8 = 6;

/// What an IP header says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ip {
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    /// The identification in an IPv4 header, else 0.
    pub(super) id: u16,
    /// Number of the protocol that it carries.
    pub(super) protocol: u8,
    /// Where that starts in the frame.
    pub(super) at: usize,
    /// How long that is, captured or not.
    pub(super) len: u32,
    /// Which part of a packet it is, if it isn't all of one.
    pub(super) part: Option<Part>,
}

/// Which part of a packet a fragment carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    /// Ties the fragments of a packet together, with the addresses.
    pub(super) id: u32,
    /// Where in what the packet carries, in bytes.
    pub(super) offset: u32,
    /// Others follow.
    pub(super) more: bool,
}

impl Ip {
    /// Reads the header at `at` of a frame that is `length` bytes long on the wire; `version` as far
    /// as the link layer tells.
    pub(super) fn read(
        data: &[u8],
        at: usize,
        version: Option<u8>,
        length: u32,
    ) -> Result<Self, Skip> {
        let ip = data.get(at..).ok_or(Skip::ShortIp)?;
        let version = match version {
            Some(version) => version,
            None => ip.first().ok_or(Skip::ShortIp)? >> 4,
        };
        // Bytes of the frame from the IP header on, captured or not.
        let room = length.saturating_sub(narrow(at));
        match version {
            4 => Self::v4(ip, at, room),
            6 => Self::v6(ip, at, room),
            _ => Err(Skip::NotIp),
        }
    }

    fn v4(ip: &[u8], at: usize, room: u32) -> Result<Self, Skip> {
        let header = Ipv4HeaderSlice::from_slice(ip).map_err(|error| match error {
            Ipv4Error::Len(_) => Skip::ShortIp,
            Ipv4Error::Content(_) => Skip::BadIp,
        })?;
        let header_len = header.slice().len();
        // Segmentation offload leaves 0 there: the rest of the frame is the packet.
        let total = match header.total_len() {
            0 => room,
            total => u32::from(total).min(room),
        };
        let len = total.checked_sub(narrow(header_len)).ok_or(Skip::BadIp)?;
        let part = header.is_fragmenting_payload().then(|| Part {
            id: u32::from(header.identification()),
            offset: u32::from(header.fragments_offset().value()) * 8,
            more: header.more_fragments(),
        });
        Ok(Self {
            src: IpAddr::V4(header.source_addr()),
            dst: IpAddr::V4(header.destination_addr()),
            id: header.identification(),
            protocol: header.protocol().0,
            at: at + header_len,
            len,
            part,
        })
    }

    fn v6(ip: &[u8], at: usize, room: u32) -> Result<Self, Skip> {
        if ip.first().is_some_and(|byte| byte >> 4 != 6) {
            return Err(Skip::BadIp);
        }
        let header = Ipv6HeaderSlice::from_slice(ip).map_err(|_| Skip::ShortIp)?;
        let room = room.saturating_sub(narrow(IPV6_HEADER_BYTES));
        let mut found = Self {
            src: IpAddr::V6(header.source_addr()),
            dst: IpAddr::V6(header.destination_addr()),
            id: 0,
            protocol: header.next_header().0,
            at: at + IPV6_HEADER_BYTES,
            len: u32::from(header.payload_length()).min(room),
            part: None,
        };
        found.walk(&ip[IPV6_HEADER_BYTES..])?;
        Ok(found)
    }

    /// Walks the extensions of IPv6 that start in `rest`, up to what is none or is a part of a packet.
    pub(super) fn walk(&mut self, mut rest: &[u8]) -> Result<(), Skip> {
        for _ in 0..EXTENSIONS_MAX {
            let Some(len) = extension(self.protocol, rest)? else {
                return Ok(());
            };
            if self.protocol == FRAGMENT {
                self.part = part(rest);
            }
            self.protocol = rest[0];
            self.at += len;
            self.len = self.len.checked_sub(narrow(len)).ok_or(Skip::BadIp)?;
            rest = rest.get(len..).unwrap_or(&[]);
            if self.part.is_some() {
                return Ok(());
            }
        }
        Err(Skip::BadIp)
    }

    /// Returns whether it may carry TCP; behind extensions, a fragment doesn't tell.
    pub(super) fn may_carry_tcp(&self) -> bool {
        self.protocol == TCP || (self.src.is_ipv6() && is_extension(self.protocol))
    }
}

/// Returns how long the extension of IPv6 is that starts here, if it is one.
fn extension(protocol: u8, bytes: &[u8]) -> Result<Option<usize>, Skip> {
    match (protocol, bytes.get(..8)) {
        (0 | 43 | 60, Some(bytes)) => Ok(Some((usize::from(bytes[1]) + 1) * 8)),
        (51, Some(bytes)) => Ok(Some((usize::from(bytes[1]) + 2) * 4)),
        (FRAGMENT, Some(_)) => Ok(Some(8)),
        (other, None) if is_extension(other) => Err(Skip::ShortIp),
        _ => Ok(None),
    }
}

fn is_extension(protocol: u8) -> bool {
    matches!(protocol, 0 | 43 | FRAGMENT | 51 | 60)
}

/// Reads a fragment header; one whose packet is whole says nothing.
fn part(header: &[u8]) -> Option<Part> {
    let word = u16_at(header, 2);
    (word & 0xfff9 != 0).then(|| Part {
        id: u32_at(header, 4),
        offset: u32::from(word & 0xfff8),
        more: word & 1 == 1,
    })
}

/// Frames are at most 262,144 bytes, so no offset in one is cut here.
fn narrow(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v6(next: u8, payload: &[u8]) -> Vec<u8> {
        let mut ip = vec![0x60, 0, 0, 0, 0, payload.len() as u8, next, 64];
        ip.extend([0; 32]);
        ip.extend(payload);
        ip
    }

    fn read(ip: &[u8]) -> Result<(u8, usize, u32), Skip> {
        Ip::read(ip, 0, None, narrow(ip.len())).map(|ip| (ip.protocol, ip.at, ip.len))
    }

    #[test]
    fn the_extensions_of_ipv6_are_walked() {
        let mut payload = vec![60, 0, 0, 0, 0, 0, 0, 0];
        payload.extend([51, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        payload.extend([44, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        payload.extend([6, 0, 0, 0, 0, 0, 0, 1]);
        payload.extend([7; 20]);
        assert_eq!(read(&v6(0, &payload)), Ok((6, 40 + 48, 20)));
        payload[40 + 3] = 1;
        let fragment = Ip::read(&v6(0, &payload), 0, None, 1000).unwrap();
        let part = Part {
            id: 1,
            offset: 0,
            more: true,
        };
        assert_eq!(fragment.part, Some(part));
        assert_eq!(read(&v6(0, &payload[..7])), Err(Skip::ShortIp));
    }

    #[test]
    fn a_chain_of_extensions_without_end_is_given_up() {
        assert_eq!(read(&v6(0, &[0; 160])), Err(Skip::BadIp));
    }
}
