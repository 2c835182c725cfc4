//! Places of one address are limited where asked for, and come back.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};

use socket2::{Domain, Socket, Type};

use crate::common::{Incoming, PROMPT, Peer, Server, Signal};
use crate::measure::{report_of, wait_until};

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

/// For five seconds each, strangers that went on sending held the places of others.
#[test]
fn who_was_told_to_go_holds_no_place_and_is_shown() {
    let mut server = Server::start(&["--max-connections", "4"]);
    let mut ali = server.join("ali");
    let mut strangers = Vec::new();
    for _ in 0..3 {
        let mut stranger = server.connect();
        stranger.expect(PROMPT);
        // More than is read at once: there is still something to read when it is told.
        server.signal(Signal::STOP);
        stranger.send(["GET / HTTP/1.1\n", &"Cookie: x\n".repeat(30_000)].concat());
        server.signal(Signal::CONT);
        stranger.expect_notice("That was HTTP");
        strangers.push(stranger);
    }
    let report = report_of(&mut server, "");
    let bob = server.join("bob");
    bob.say("hello");
    ali.expect("bob: hello");
    assert!(
        report.contains(" 1 in the room, 3 told to go; "),
        "{report}"
    );
}
