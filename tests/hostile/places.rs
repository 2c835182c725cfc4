//! Places of one address are limited where asked for, and come back.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};

use socket2::{Domain, Socket, Type};

use crate::common::{Incoming, PROMPT, Peer, Server};
use crate::measure::wait_until;

/// Connects from another address of this machine.
fn connect_from(from: [u8; 4], to: SocketAddr) -> Incoming<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let from = SocketAddr::from((IpAddr::V4(Ipv4Addr::from(from)), 0));
    socket.bind(&from.into()).unwrap();
    socket.connect(&to.into()).unwrap();
    Incoming::new(socket.into())
}

/// Whether somebody is let in at `server`.
fn is_let_in(server: &Server) -> Option<Peer> {
    let mut peer = server.connect();
    let line = peer.line();
    if line == PROMPT {
        return Some(peer);
    }
    assert!(
        line.starts_with("* ") && line.contains("for your address"),
        "{line}"
    );
    peer.expect_end();
    None
}

#[test]
fn one_address_has_so_many_places_and_others_have_theirs() {
    let server = Server::start(&["--max-per-address", "3"]);
    let mut inside: Vec<Peer> = (0..3).map(|n| server.join(&format!("p{n}"))).collect();
    for _ in 0..100 {
        assert!(is_let_in(&server).is_none());
    }
    let mut other = connect_from([127, 0, 0, 2], server.address());
    other.expect_line(PROMPT);
    // Whatever way somebody goes, the place comes back.
    for number in 0..20 {
        let gone = inside.pop().unwrap();
        if number % 2 == 0 {
            gone.reset();
        } else {
            gone.say("/quit");
            drop(gone);
        }
        let mut place = None;
        wait_until("the place is free again", || {
            place = is_let_in(&server);
            place.is_some()
        });
        let mut place = place.unwrap();
        place.enter(&format!("q{number}"));
        inside.push(place);
    }
    assert!(is_let_in(&server).is_none());
}
