//! Programs at the wrong port: turned away or refused, and nobody hears of it.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use crate::common::{Incoming, PROMPT, Server};
use crate::measure::push;

/// What programs begin with that expect another protocol.
const OPENINGS: [(&str, &[u8]); 14] = [
    (
        "GET",
        b"GET / HTTP/1.1\r\nHost: example.org\r\nUser-Agent: x\r\n\r\n",
    ),
    (
        "POST",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\nbob\nhi all\n",
    ),
    (
        "HTTP/2",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
    ),
    ("CONNECT", b"CONNECT example.org:443 HTTP/1.1\r\n\r\n"),
    ("header", b"Host: example.org\r\nbob\r\nhi\r\n"),
    (
        "TLS",
        b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03bob\nhi\n\x13\x02\n",
    ),
    ("SSH", b"SSH-2.0-OpenSSH_9.2\r\nbob\r\nhi\r\n"),
    (
        "EHLO",
        b"EHLO example.org\r\nMAIL FROM:<a@example.org>\r\nDATA\r\nhi\r\nQUIT\r\n",
    ),
    ("HELO", b"HELO x\r\nQUIT\r\n"),
    ("RTSP", b"OPTIONS / RTSP/1.0\r\nCSeq: 1\r\n\r\n"),
    (
        "SIP",
        b"OPTIONS sip:nm SIP/2.0\r\nVia: SIP/2.0/TCP nm\r\n\r\n",
    ),
    (
        "RDP",
        b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00",
    ),
    (
        "SMB",
        b"\x00\x00\x00\x45\xffSMBr\x00\x00\x00\x00\x08\x01\x40\x00",
    ),
    ("zeros", &[0; 5000]),
];

/// Bytes that look random and are the same each time (splitmix64).
fn random_bytes(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed;
    (0..count)
        .map(|_| {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            (mixed >> 40).to_le_bytes()[0]
        })
        .collect()
}

fn connect(server: &Server) -> Incoming<TcpStream> {
    Incoming::new(TcpStream::connect(server.address()).unwrap())
}

/// Returns what a server has sent, without its refusals of telnet's options.
fn without_telnet(bytes: &[u8]) -> String {
    let mut rest = Vec::new();
    let mut bytes = bytes.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte == 255 {
            bytes.nth(1);
        } else {
            rest.push(byte);
        }
    }
    String::from_utf8(rest).unwrap()
}

#[test]
fn other_protocols_are_turned_away_and_nobody_hears_of_it() {
    let mut server = Server::start(&["--rate", "0"]);
    let (mut ali, bob) = (server.join("ali"), server.join("bob"));
    let random = (0..20).map(|seed| ("random", random_bytes(seed, 3000)));
    let known = OPENINGS.map(|(name, bytes)| (name, bytes.to_vec()));
    for (name, bytes) in known.into_iter().chain(random) {
        server.drain_log();
        let logged = server.texts().len();
        for piece in [bytes.len(), 5] {
            let mut stranger = connect(&server);
            for piece in bytes.chunks(piece) {
                // It may be closed already.
                if stranger.source().write(piece).is_err() {
                    break;
                }
            }
            stranger.source().shutdown(Shutdown::Write).ok();
            for line in without_telnet(stranger.read_to_end()).lines() {
                assert!(line.starts_with("* ") || line == PROMPT, "{name}: {line:?}");
            }
        }
        bob.say("marker");
        ali.expect("bob: marker");
        server.expect_log("bob said marker");
        let new = &server.texts()[logged..];
        assert!(new.len() <= 3, "{name}: {new:?}");
        assert!(new.iter().all(|text| text.len() < 100), "{name}: {new:?}");
        assert!(
            !new.iter().any(|text| text.contains("join")),
            "{name}: {new:?}"
        );
    }
}

#[test]
fn a_stranger_that_never_stops_is_closed() {
    let server = Server::start(&["--name-timeout", "2"]);
    let mut bob = server.join("bob");
    let mut stranger = server.connect();
    stranger.send("GET / HTTP/1.1\r\n");
    stranger.lines_before("* That was HTTP; this is a chat room, to join with nc or telnet.");
    push(
        &stranger,
        &b"Cookie: x\r\n".repeat(1000),
        Duration::from_millis(100),
    );
    assert_eq!(stranger.line_or_end(), None);
    bob.say("/who");
    bob.expect("* Here (1): bob");
}
