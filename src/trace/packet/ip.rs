//! The IP header: from whom to whom, and where what it carries lies.
//!
//! `etherparse` reads the fixed part; the extensions of IPv6 are walked here, because a capture may
//! end inside them.

use std::net::IpAddr;

use etherparse::err::ipv4::HeaderSliceError as Ipv4Error;
use etherparse::{Ipv4HeaderSlice, Ipv6HeaderSlice};

use super::bytes::u16_at;
use super::skip::Skip;

const EXTENSIONS_MAX: usize = 16;
const IPV6_HEADER_BYTES: usize = 40;

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
        if header.is_fragmenting_payload() {
            return Err(Skip::Fragment);
        }
        Ok(Self {
            src: IpAddr::V4(header.source_addr()),
            dst: IpAddr::V4(header.destination_addr()),
            id: header.identification(),
            protocol: header.protocol().0,
            at: at + header_len,
            len,
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
        };
        let mut rest = &ip[IPV6_HEADER_BYTES..];
        for _ in 0..EXTENSIONS_MAX {
            let Some(len) = extension(found.protocol, rest)? else {
                return Ok(found);
            };
            found.protocol = rest[0];
            found.at += len;
            found.len = found.len.checked_sub(narrow(len)).ok_or(Skip::BadIp)?;
            rest = rest.get(len..).unwrap_or(&[]);
        }
        Err(Skip::BadIp)
    }
}

/// Returns how long the extension of IPv6 is that starts here, if it is one.
fn extension(protocol: u8, bytes: &[u8]) -> Result<Option<usize>, Skip> {
    match (protocol, bytes.get(..8)) {
        (0 | 43 | 60, Some(bytes)) => Ok(Some((usize::from(bytes[1]) + 1) * 8)),
        (51, Some(bytes)) => Ok(Some((usize::from(bytes[1]) + 2) * 4)),
        (44, Some(bytes)) if u16_at(bytes, 2) & 0xfff9 == 0 => Ok(Some(8)),
        (44, Some(_)) => Err(Skip::Fragment),
        (0 | 43 | 44 | 51 | 60, None) => Err(Skip::ShortIp),
        _ => Ok(None),
    }
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
        assert_eq!(read(&v6(0, &payload)), Err(Skip::Fragment));
        assert_eq!(read(&v6(0, &payload[..7])), Err(Skip::ShortIp));
    }

    #[test]
    fn a_chain_of_extensions_without_end_is_given_up() {
        assert_eq!(read(&v6(0, &[0; 160])), Err(Skip::BadIp));
    }
}
