//! The link layer: where IP starts in a frame.
//!
//! Read here and not by `etherparse`, because that takes Null/Loopback for Ethernet and knows
//! neither Loop nor SLL2 nor LLC.

use super::bytes::{u16_at, u32_at};
use super::link_type;
use super::skip::Skip;

const VLAN_TAGS_MAX: usize = 8;
const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;

/// Returns where the network layer starts, and its version where the link layer tells.
pub(super) fn network_layer(link: u16, data: &[u8]) -> Result<(usize, Option<u8>), Skip> {
    match link {
        link_type::NULL => family(data, false).map(|version| (4, Some(version))),
        link_type::LOOP => family(data, true).map(|version| (4, Some(version))),
        link_type::ETHERNET => ethernet(data, 12),
        link if link_type::is_raw(link) => Ok((0, None)),
        link_type::IPV4 => Ok((0, Some(4))),
        link_type::IPV6 => Ok((0, Some(6))),
        link_type::SLL => ethernet(data, 14),
        link_type::SLL2 => match ethertype_version(u16_in(data, 0)?) {
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
        1501..=0xffff => u16::try_from(family)
            .ok()
            .and_then(ethertype_version)
            .ok_or(Skip::NotIp),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ip_starts_behind_whatever_the_link_layer_puts_before_it() {
        let after = |zeros: usize, rest: &[u8]| [&vec![0; zeros], rest].concat();
        let snap = [0, 30, 0xaa, 0xaa, 3, 0, 0, 0, 0x86, 0xdd];
        for (link, frame, found) in [
            (link_type::NULL, vec![2, 0, 0, 0], (4, Some(4))),
            (link_type::NULL, vec![0, 0, 0, 30], (4, Some(6))),
            (link_type::LOOP, vec![0, 0, 0, 24], (4, Some(6))),
            (link_type::ETHERNET, after(12, &[8, 0]), (14, None)),
            (link_type::ETHERNET, after(12, &snap), (22, Some(6))),
            (
                link_type::ETHERNET,
                after(12, &[0x88, 0xa8, 0, 1, 0x81, 0, 0, 2, 8, 0]),
                (22, None),
            ),
            (link_type::SLL, after(14, &[8, 0]), (16, None)),
            (link_type::SLL2, after(0, &[8, 0]), (20, Some(4))),
            (101, vec![], (0, None)),
            (link_type::IPV6, vec![], (0, Some(6))),
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
        ] {
            assert_eq!(network_layer(link, &frame), Err(why), "link type {link}");
        }
    }
}
