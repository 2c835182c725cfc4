//! The header that a proxy in front of the server begins a connection with, telling whom it stands
//! for (the PROXY protocol of `HAProxy`, versions 1 and 2).

use std::net::IpAddr;

use ppp::{PartialResult, v1, v2};

/// Longest header that is read, in bytes: that of version 1 has at most 107, and nobody's version 2
/// as many, certificates and all.
pub const HEADER_BYTES_MAX: usize = 2048;

/// Longest header of version 1, in bytes.
const TEXT_BYTES_MAX: usize = 107;

/// How version 1 begins.
const TEXT_START: &[u8] = b"PROXY ";

/// How version 2 begins.
const BINARY_START: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// A whole header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Whom the proxy stands for; nobody where it speaks for itself, or for somebody whose address
    /// is none of these.
    pub source: Option<IpAddr>,
    /// How many bytes the header is.
    pub length: usize,
}

/// A connection does not begin with a header, or with one that means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// Reads the header that `bytes` begin with; `None` as long as its end has not come.
///
/// # Errors
/// Says that there is no such header.
pub fn parse(bytes: &[u8]) -> Result<Option<Header>, Malformed> {
    let binary = bytes.len().min(BINARY_START.len());
    if bytes[..binary] == BINARY_START[..binary] {
        parse_binary(bytes)
    } else {
        parse_text(bytes)
    }
}

fn parse_binary(bytes: &[u8]) -> Result<Option<Header>, Malformed> {
    let header = v2::Header::try_from(bytes);
    if header.is_incomplete() {
        return waits(bytes.len() < HEADER_BYTES_MAX);
    }
    let header = header.map_err(|_| Malformed)?;
    let source = match header.addresses {
        v2::Addresses::IPv4(addresses) => Some(addresses.source_address.into()),
        v2::Addresses::IPv6(addresses) => Some(addresses.source_address.into()),
        v2::Addresses::Unix(_) | v2::Addresses::Unspecified => None,
    };
    Ok(Some(Header {
        // A proxy that looks whether the server is there has nobody behind it.
        source: source.filter(|_| header.command == v2::Command::Proxy),
        length: header.len(),
    }))
}

fn parse_text(bytes: &[u8]) -> Result<Option<Header>, Malformed> {
    let start = bytes.len().min(TEXT_START.len());
    if bytes[..start] != TEXT_START[..start] {
        return Err(Malformed);
    }
    // The crate takes some starts of a header for a malformed one: it is asked about whole lines.
    let line = &bytes[..bytes.len().min(TEXT_BYTES_MAX)];
    let Some(end) = memchr::memmem::find(line, b"\r\n") else {
        return waits(bytes.len() < TEXT_BYTES_MAX);
    };
    let line = &line[..end + 2];
    let header = v1::Header::try_from(line).map_err(|_| Malformed)?;
    Ok(Some(Header {
        source: match header.addresses {
            v1::Addresses::Tcp4(addresses) => Some(addresses.source_address.into()),
            v1::Addresses::Tcp6(addresses) => Some(addresses.source_address.into()),
            v1::Addresses::Unknown => None,
        },
        length: line.len(),
    }))
}

fn waits(may: bool) -> Result<Option<Header>, Malformed> {
    if may { Ok(None) } else { Err(Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binary(command: u8, family: u8, addresses: &[u8]) -> Vec<u8> {
        let mut bytes = BINARY_START.to_vec();
        bytes.extend([command, family]);
        bytes.extend((addresses.len() as u16).to_be_bytes());
        bytes.extend(addresses);
        bytes
    }

    fn whole(bytes: &[u8]) -> Header {
        for end in 0..bytes.len() {
            assert_eq!(parse(&bytes[..end]), Ok(None), "{end} of {bytes:?}");
        }
        let header = parse(bytes).unwrap().unwrap();
        assert_eq!(header.length, bytes.len());
        let more = [bytes, b"ali\n"].concat();
        assert_eq!(parse(&more), Ok(Some(header)));
        header
    }

    #[test]
    fn headers_of_both_versions_name_whom_they_stand_for() {
        let v4 = Some("203.0.113.7".parse().unwrap());
        let v6 = Some("2001:db8::1".parse().unwrap());
        let text = b"PROXY TCP4 203.0.113.7 10.0.0.1 4711 5050\r\n";
        assert_eq!(whole(text).source, v4);
        let text = b"PROXY TCP6 2001:db8::1 ::1 4711 5050\r\n";
        assert_eq!(whole(text).source, v6);
        assert_eq!(whole(b"PROXY UNKNOWN\r\n").source, None);
        let addresses = [203, 0, 113, 7, 10, 0, 0, 1, 1, 2, 3, 4];
        assert_eq!(whole(&binary(0x21, 0x11, &addresses)).source, v4);
        assert_eq!(whole(&binary(0x20, 0x11, &addresses)).source, None);
        assert_eq!(whole(&binary(0x20, 0, &[])).source, None);
        // With something more behind the addresses: no authority's name, as it were.
        let more = [&addresses[..], &[0x02, 0, 3, b'a', b'b', b'c']].concat();
        assert_eq!(whole(&binary(0x21, 0x11, &more)).source, v4);
    }

    #[test]
    fn what_is_no_header_is_known_soon() {
        for bytes in [
            &b"ali\n"[..],
            b"PROXY TCP4 203.0.113.7 10.0.0.1 4711\r\n",
            b"PROXY TCP4 203.0.113.700 10.0.0.1 4711 5050\r\n",
            b"PROXY TCP4 2001:db8::1 ::1 4711 5050\r\n",
            b"\x16\x03\x01\x02\x00",
            &[b'P', b'R', b'O', b'X', b'Y', b' '].repeat(20),
            &binary(0x31, 0x11, &[0; 12]),
            &binary(0x21, 0x11, &[0; 3]),
        ] {
            assert_eq!(parse(bytes), Err(Malformed), "{bytes:?}");
        }
        let endless = binary(0x21, 0x11, &[0; 4000]);
        assert_eq!(parse(&endless[..HEADER_BYTES_MAX]), Err(Malformed));
    }
}
