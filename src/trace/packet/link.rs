//! The link layer: what a frame carries, and where that starts.
//!
//! Read here and not by `etherparse`, because that takes Null/Loopback for Ethernet and knows
//! neither Loop nor SLL2 nor LLC, PPP and FDDI.

use super::bytes::{u16_at, u32_at};
use super::link_type;
use super::skip::Skip;

const VLAN_TAGS_MAX: usize = 8;
const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
/// The type of what has no type but a length.
const LLC_LENGTH_MAX: u16 = 1500;
/// Logical link control that says that a type follows.
const SNAP: [u8; 6] = [0xaa, 0xaa, 0x03, 0, 0, 0];
/// FDDI's frame control byte and two hardware addresses.
const FDDI_HEADER_BYTES: usize = 13;

/// What the link layer carries, and where that starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Network {
    /// IP, of a version where the link layer tells.
    Ip(usize, Option<u8>),
    /// A stack of MPLS labels.
    Mpls(usize),
}

/// Returns what a frame of a link type carries.
pub(super) fn network_layer(link: u16, data: &[u8]) -> Result<Network, Skip> {
    match link {
        link_type::NULL => family(data, false),
        link_type::LOOP => family(data, true),
        link_type::ETHERNET => ethernet(data, 12),
        link_type::PPP => ppp(data),
        link_type::FDDI => fddi(data),
        link if link_type::is_raw(link) => Ok(Network::Ip(0, None)),
        link_type::IPV4 => Ok(Network::Ip(0, Some(4))),
        link_type::IPV6 => Ok(Network::Ip(0, Some(6))),
        link_type::SLL => ethernet(data, 14),
        link_type::SLL2 => match u16_in(data, 0)? {
            ETHERTYPE_IPV4 => Ok(Network::Ip(20, Some(4))),
            kind if is_vlan(kind) => ethernet(data, 22),
            kind => typed(kind, 20),
        },
        other => Err(Skip::UnknownLink(other)),
    }
}

/// Returns what an `EtherType` says of what starts at `at`.
pub(super) fn typed(kind: u16, at: usize) -> Result<Network, Skip> {
    match kind {
        // Whatever follows the IPv4 type says itself which version it is.
        ETHERTYPE_IPV4 => Ok(Network::Ip(at, None)),
        ETHERTYPE_IPV6 => Ok(Network::Ip(at, Some(6))),
        0x8847 | 0x8848 => Ok(Network::Mpls(at)),
        _ => Err(Skip::NotIp),
    }
}

/// Reads the address family of a loopback frame. It stands in the order of the host that captured,
/// which nobody wrote down: families are small numbers, so large ones are in the other order.
fn family(data: &[u8], network_order: bool) -> Result<Network, Skip> {
    let bytes = data.get(..4).ok_or(Skip::ShortIp)?;
    let mut family = u32_at(bytes, 0);
    if !network_order && family.swap_bytes() >> 16 == 0 {
        family = family.swap_bytes();
    }
    match u16::try_from(family) {
        Ok(2 | ETHERTYPE_IPV4) => Ok(Network::Ip(4, Some(4))),
        Ok(24 | 28 | 30) => Ok(Network::Ip(4, Some(6))),
        Ok(kind) if kind > LLC_LENGTH_MAX => typed(kind, 4),
        _ => Err(Skip::NotIp),
    }
}

/// Follows the type field at `at` through VLAN tags and LLC.
fn ethernet(data: &[u8], mut at: usize) -> Result<Network, Skip> {
    let mut kind = u16_in(data, at)?;
    for _ in 0..VLAN_TAGS_MAX {
        if !is_vlan(kind) {
            break;
        }
        at += 4;
        kind = u16_in(data, at)?;
    }
    if kind <= LLC_LENGTH_MAX {
        return snap(data, at + 2);
    }
    typed(kind, at + 2)
}

/// Reads the type behind an LLC header, the only one that may have IP behind it.
fn snap(data: &[u8], at: usize) -> Result<Network, Skip> {
    if data.get(at..at + SNAP.len()) != Some(&SNAP) {
        return Err(Skip::NotIp);
    }
    let kind_at = at + SNAP.len();
    typed(u16_in(data, kind_at)?, kind_at + 2)
}

/// Reads PPP, of which address and control may be left out, and half of the protocol if that fits in
/// one byte; or Cisco's HDLC, which comes under the same link type.
pub(super) fn ppp(data: &[u8]) -> Result<Network, Skip> {
    let first = *data.first().ok_or(Skip::ShortIp)?;
    if matches!(first, 0x0f | 0x8f) {
        return typed(u16_in(data, 2)?, 4);
    }
    let at = if data.starts_with(&[0xff, 0x03]) {
        2
    } else {
        0
    };
    let byte = *data.get(at).ok_or(Skip::ShortIp)?;
    let (protocol, at) = if byte & 1 == 1 {
        (u16::from(byte), at + 1)
    } else {
        (u16_in(data, at)?, at + 2)
    };
    match protocol {
        0x0021 => Ok(Network::Ip(at, None)),
        0x0057 => Ok(Network::Ip(at, Some(6))),
        0x0281 | 0x0283 => Ok(Network::Mpls(at)),
        _ => Err(Skip::NotIp),
    }
}

/// Reads FDDI, of whose frames only the asynchronous LLC ones carry IP.
fn fddi(data: &[u8]) -> Result<Network, Skip> {
    match data.first().ok_or(Skip::ShortIp)? {
        0x50..=0x5f => snap(data, FDDI_HEADER_BYTES),
        _ => Err(Skip::NotIp),
    }
}

fn is_vlan(kind: u16) -> bool {
    matches!(kind, 0x8100 | 0x88a8 | 0x9100)
}

fn u16_in(data: &[u8], at: usize) -> Result<u16, Skip> {
    let bytes = data.get(at..at + 2).ok_or(Skip::ShortIp)?;
    Ok(u16_at(bytes, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ip_starts_behind_whatever_the_link_layer_puts_before_it() {
        let after = |zeros: usize, rest: &[u8]| [&vec![0; zeros], rest].concat();
        let ip = Network::Ip;
        let snap = [0, 30, 0xaa, 0xaa, 3, 0, 0, 0, 0x86, 0xdd];
        for (link, frame, found) in [
            (link_type::NULL, vec![2, 0, 0, 0], ip(4, Some(4))),
            (link_type::NULL, vec![0, 0, 0, 30], ip(4, Some(6))),
            (link_type::LOOP, vec![0, 0, 0, 24], ip(4, Some(6))),
            (link_type::ETHERNET, after(12, &[8, 0]), ip(14, None)),
            (link_type::ETHERNET, after(12, &snap), ip(22, Some(6))),
            (
                link_type::ETHERNET,
                after(12, &[0x88, 0xa8, 0, 1, 0x81, 0, 0, 2, 8, 0]),
                ip(22, None),
            ),
            (
                link_type::ETHERNET,
                after(12, &[0x88, 0x47]),
                Network::Mpls(14),
            ),
            (link_type::PPP, vec![0xff, 3, 0, 0x21], ip(4, None)),
            (link_type::PPP, vec![0xff, 3, 0x21], ip(3, None)),
            (link_type::PPP, vec![0, 0x57], ip(2, Some(6))),
            (link_type::PPP, vec![0x21], ip(1, None)),
            (link_type::PPP, vec![2, 0x81], Network::Mpls(2)),
            (link_type::PPP, vec![0x8f, 0, 0x86, 0xdd], ip(4, Some(6))),
            (
                link_type::FDDI,
                [&[0x57][..], &[0; 12], &snap[2..]].concat(),
                ip(21, Some(6)),
            ),
            (link_type::SLL, after(14, &[8, 0]), ip(16, None)),
            (link_type::SLL2, after(0, &[8, 0]), ip(20, Some(4))),
            (101, vec![], ip(0, None)),
            (link_type::IPV6, vec![], ip(0, Some(6))),
        ] {
            assert_eq!(network_layer(link, &frame), Ok(found), "link type {link}");
        }
    }

    #[test]
    fn what_is_not_ip_or_not_there_is_said() {
        for (link, frame, why) in [
            (147, vec![], Skip::UnknownLink(147)),
            (link_type::NULL, vec![2, 0, 0], Skip::ShortIp),
            (link_type::NULL, vec![7, 0, 0, 0], Skip::NotIp),
            (link_type::ETHERNET, vec![0; 13], Skip::ShortIp),
            (link_type::ETHERNET, vec![8; 14], Skip::NotIp),
            (link_type::PPP, vec![], Skip::ShortIp),
            (link_type::PPP, vec![0xff, 3], Skip::ShortIp),
            (link_type::PPP, vec![0xc0, 0x21], Skip::NotIp),
            (link_type::FDDI, vec![0x50; 12], Skip::NotIp),
            (
                link_type::FDDI,
                [&[0x4f][..], &[0; 12], &SNAP, &[8, 0]].concat(),
                Skip::NotIp,
            ),
        ] {
            assert_eq!(network_layer(link, &frame), Err(why), "link type {link}");
        }
    }
}
