//! What IP may be carried in, other than by the link layer: recognised, so that it can be said, and
//! not looked into.

use super::bytes::{u16_at, u32_at};
use super::ip::{self, Ip};
use super::link::{self, Network};
use super::link_type;
use super::skip::Tunnel;

const UDP: u8 = 17;
const GRE: u8 = 47;
const GENEVE_PORT: u16 = 6081;
const VXLAN_PORT: u16 = 4789;
const ETHERNET: u16 = 0x6558;
const PPP: u16 = 0x880b;
const ERSPAN: u16 = 0x88be;
/// Most MPLS labels on each other.
const LABELS_MAX: usize = 16;
/// Most tunnels in each other.
const DEPTH_MAX: u32 = 4;

/// Returns the tunnel that leads to TCP from what these headers carry, the outermost of several.
pub(super) fn in_ip(data: &[u8], ip: &Ip) -> Option<Tunnel> {
    in_ip_at(data, ip, DEPTH_MAX)
}

/// Returns the tunnel of the MPLS labels that start at `at`, if they lead to TCP.
pub(super) fn in_mpls(data: &[u8], at: usize) -> Option<Tunnel> {
    (leads_to_tcp(data, Network::Mpls(at), DEPTH_MAX)).then_some(Tunnel::Mpls)
}

fn in_ip_at(data: &[u8], ip: &Ip, depth: u32) -> Option<Tunnel> {
    let (tunnel, inner) = match ip.protocol {
        UDP => over_udp(data, ip.at)?,
        GRE => (Tunnel::Gre, gre(data, ip.at)?),
        _ => return None,
    };
    leads_to_tcp(data, inner, depth).then_some(tunnel)
}

/// Returns whether there is TCP, in tunnels or not.
fn leads_to_tcp(data: &[u8], network: Network, depth: u32) -> bool {
    let Some(depth) = depth.checked_sub(1) else {
        return false;
    };
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    match network {
        Network::Mpls(at) => {
            behind_labels(data, at).is_some_and(|inner| leads_to_tcp(data, inner, depth))
        }
        Network::Ip(at, version) => Ip::read(data, at, version, length)
            .is_ok_and(|ip| ip.protocol == ip::TCP || in_ip_at(data, &ip, depth).is_some()),
    }
}

fn over_udp(data: &[u8], at: usize) -> Option<(Tunnel, Network)> {
    let header = data.get(at..at + 16)?;
    let ports = [u16_at(header, 0), u16_at(header, 2)];
    let inner_at = at + 16;
    if ports.contains(&VXLAN_PORT) {
        return Some((Tunnel::Vxlan, ethernet(data, inner_at)?));
    }
    if ports.contains(&GENEVE_PORT) {
        let options = usize::from(header[8] & 0x3f) * 4;
        let kind = u16_at(header, 10);
        return Some((Tunnel::Geneve, of_type(data, kind, inner_at + options)?));
    }
    None
}

/// Reads the header of RFC 2784, 2890 or 2637.
fn gre(data: &[u8], at: usize) -> Option<Network> {
    let header = data.get(at..at + 4)?;
    let flags = u16_at(header, 0);
    let has = |flag: u16| usize::from(flags & flag != 0) * 4;
    // A checksum, a key, a sequence number, and an acknowledgement in version 1.
    let at = at + 4 + has(0x8000) + has(0x2000) + has(0x1000) + has(0x0080);
    match u16_at(header, 2) {
        // Its second version has a header of its own, and a sequence number.
        ERSPAN => ethernet(data, at + has(0x1000) * 2),
        kind => of_type(data, kind, at),
    }
}

/// Returns what a type says of what starts at `at`.
fn of_type(data: &[u8], kind: u16, at: usize) -> Option<Network> {
    match kind {
        ETHERNET => ethernet(data, at),
        PPP => link::ppp(data.get(at..)?)
            .ok()
            .map(|inner| moved(inner, at)),
        kind => link::typed(kind, at).ok(),
    }
}

fn ethernet(data: &[u8], at: usize) -> Option<Network> {
    let inner = link::network_layer(link_type::ETHERNET, data.get(at..)?).ok()?;
    Some(moved(inner, at))
}

/// Returns what was found in the bytes from `by` on, as it lies in all of them.
fn moved(network: Network, by: usize) -> Network {
    match network {
        Network::Ip(at, version) => Network::Ip(at + by, version),
        Network::Mpls(at) => Network::Mpls(at + by),
    }
}

/// Returns what stands behind a stack of labels, by its first four bits: IP, or a control word and
/// Ethernet.
fn behind_labels(data: &[u8], mut at: usize) -> Option<Network> {
    for _ in 0..LABELS_MAX {
        let label = data.get(at..at + 4)?;
        at += 4;
        if u32_at(label, 0) & 0x100 != 0 {
            return match data.get(at)? >> 4 {
                4 | 6 => Some(Network::Ip(at, None)),
                0 => ethernet(data, at + 4),
                _ => None,
            };
        }
    }
    None
}
