//! What `--listen` takes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};

use crate::server::listener::{Endpoint, Scheme};

/// The addresses that one `--listen` stands for, at least one.
#[derive(Debug, Clone)]
pub struct ListenOn(pub(super) Vec<Endpoint>);

/// Reads `unix:FILE`, or a port as [`parse_port`] does, with `tls://`, `http://` or `https://`
/// before it if that is spoken.
pub(super) fn parse(text: &str) -> Result<ListenOn, String> {
    if let Some(path) = text.strip_prefix("unix:") {
        return if path.is_empty() {
            Err("give a file, such as unix:/run/chatroom/room.sock".to_owned())
        } else {
            Ok(ListenOn(vec![Endpoint::File(path.into())]))
        };
    }
    let schemes = [
        ("tls://", Scheme::Tls),
        ("http://", Scheme::Http),
        ("https://", Scheme::Https),
    ];
    let named = schemes
        .into_iter()
        .find_map(|(start, scheme)| Some((scheme, text.strip_prefix(start)?)));
    let (scheme, port) = named.unwrap_or((Scheme::Plain, text));
    // As browsers write it.
    let port = if scheme.is_web() {
        port.strip_suffix('/').unwrap_or(port)
    } else {
        port
    };
    let found = parse_port(port)?.into_iter();
    let found = found.map(|address| Endpoint::Port(scheme, address));
    Ok(ListenOn(found.collect()))
}

/// The ports that one `--metrics` stands for, at least one.
#[derive(Debug, Clone)]
pub struct Ports(pub(super) Vec<SocketAddr>);

/// Reads what is a port and nothing else.
pub(super) fn parse_ports(text: &str) -> Result<Ports, String> {
    parse_port(text).map(Ports)
}

/// Reads `ADDR:PORT`, `NAME:PORT`, `PORT` (of 127.0.0.1) or `:PORT` (of every address).
fn parse_port(text: &str) -> Result<Vec<SocketAddr>, String> {
    if let Ok(address) = text.parse() {
        return Ok(vec![address]);
    }
    if let Ok(port) = text.parse() {
        let local = Ipv4Addr::LOCALHOST.into();
        return Ok(vec![SocketAddr::new(local, port)]);
    }
    let named = text.rsplit_once(':').and_then(|(host, port)| {
        let port: u16 = port.parse().ok()?;
        let is_name = !host.contains([':', '[', ']']);
        is_name.then_some((host, port))
    });
    let (host, port) = named.ok_or(
        "give an address and a port, such as 127.0.0.1:5050, [::1]:5050 or example.org:5050, or \
         only a port: 5050 (of 127.0.0.1), :5050 (of every address)",
    )?;
    let found = if host.is_empty() {
        let every: [IpAddr; 2] = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
        every.map(|ip| SocketAddr::new(ip, port)).to_vec()
    } else {
        let found = (host, port).to_socket_addrs();
        found
            .map_err(|error| format!("can't find the host {host} ({error})"))?
            .collect()
    };
    Ok(of_this_machine(found))
}

/// Returns those of a name's addresses that this machine has: many have a name for an IPv6 address
/// without IPv6. If it has none of them, listening says what is wrong.
fn of_this_machine(mut found: Vec<SocketAddr>) -> Vec<SocketAddr> {
    found.sort_unstable();
    found.dedup();
    let has = |address: &&SocketAddr| UdpSocket::bind((address.ip(), 0)).is_ok();
    let here: Vec<_> = found.iter().filter(has).copied().collect();
    if here.is_empty() { found } else { here }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_names_and_ports_are_read() {
        for (text, address) in [
            ("127.0.0.1:5050", "127.0.0.1:5050"),
            ("[::1]:5050", "[::1]:5050"),
            ("6296", "127.0.0.1:6296"),
            (":6296", "0.0.0.0:6296"),
            ("localhost:6296", "127.0.0.1:6296"),
        ] {
            for (scheme, before) in [
                (Scheme::Plain, ""),
                (Scheme::Tls, "tls://"),
                (Scheme::Http, "http://"),
                (Scheme::Https, "https://"),
            ] {
                let ListenOn(found) = parse(&format!("{before}{text}")).unwrap();
                let wanted = Endpoint::Port(scheme, address.parse().unwrap());
                assert!(found.contains(&wanted), "{before}{text}: {found:?}");
                assert!(wanted.to_string().starts_with(before));
            }
        }
        let ListenOn(found) = parse("unix:/run/room.sock").unwrap();
        assert_eq!(found, [Endpoint::File("/run/room.sock".into())]);
    }

    #[test]
    fn what_is_no_address_is_told_what_would_be() {
        for text in [
            "",
            "x",
            "127.0.0.1",
            "::1",
            "[::1]",
            "1.2.3.4:65536",
            "a:b",
            "no such host:1",
            "unix:",
            "tls://",
            "tls:5050",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
