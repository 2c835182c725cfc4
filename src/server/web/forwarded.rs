//! Whom a proxy stands for that speaks HTTP.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

/// Returns where a request comes from that came from `peer` with these `X-Forwarded-For` fields, each
/// a list. Each proxy adds at the end whom it has it from, so the list is worth as much as the proxies
/// that are `trusted`: it is the last one that is none of them.
pub(super) fn source<'a>(
    peer: IpAddr,
    fields: impl DoubleEndedIterator<Item = &'a [u8]>,
    trusted: &[IpNet],
) -> IpAddr {
    let is_trusted = |address: IpAddr| {
        let address = address.to_canonical();
        trusted.iter().any(|net| net.contains(&address))
    };
    let mut source = peer;
    for field in fields.rev() {
        for entry in field.rsplit(|&byte| byte == b',') {
            if !is_trusted(source) {
                return source;
            }
            let Some(before) = address_of(entry) else {
                // Whatever stands before that, nobody trusted has said it.
                return source;
            };
            source = before;
        }
    }
    source
}

/// Reads an address, with a port or without.
fn address_of(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim();
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let address = bare.unwrap_or(text).parse().ok();
    address.or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_who_is_no_proxy_is_meant() {
        let trusted = ["127.0.0.1/32", "10.0.0.0/8", "2001:db8::/32"];
        let trusted = trusted.map(|net| net.parse().unwrap());
        for (peer, fields, whom) in [
            ("127.0.0.1", &[][..], "127.0.0.1"),
            ("127.0.0.1", &["203.0.113.7"], "203.0.113.7"),
            ("::ffff:127.0.0.1", &["203.0.113.7"], "203.0.113.7"),
            ("127.0.0.1", &["203.0.113.7:4711"], "203.0.113.7"),
            ("127.0.0.1", &["[2001:db9::1]:4711"], "2001:db9::1"),
            ("127.0.0.1", &["[2001:db9::1]"], "2001:db9::1"),
            // What it says itself is worth nothing.
            ("127.0.0.1", &["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
            ("127.0.0.1", &["198.51.100.1", "203.0.113.7"], "203.0.113.7"),
            (
                "127.0.0.1",
                &["198.51.100.1, 203.0.113.7, 10.1.1.1"],
                "203.0.113.7",
            ),
            ("127.0.0.1", &["10.2.2.2,10.1.1.1"], "10.2.2.2"),
            (
                "127.0.0.1",
                &["198.51.100.1, nonsense, 10.1.1.1"],
                "10.1.1.1",
            ),
            ("127.0.0.1", &["", "203.0.113.7"], "203.0.113.7"),
            ("127.0.0.1", &["198.51.100.1", ""], "127.0.0.1"),
            // Nobody trusted has said so.
            ("203.0.113.9", &["198.51.100.1"], "203.0.113.9"),
        ] {
            let fields = fields.iter().map(|field| field.as_bytes());
            let found = source(peer.parse().unwrap(), fields, &trusted);
            assert_eq!(found, whom.parse::<IpAddr>().unwrap());
        }
    }
}
