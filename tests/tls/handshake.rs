//! Our side of the handshake against rustls' client, however it is cut.

use chatroom::layer::tls::alert::End;
use chatroom::layer::tls::handshake::{Config, Handshake, Progress};
use chatroom::layer::tls::session::Session;
use rustls::{CipherSuite, ClientConnection};

use super::oracle::{Heard, Ours, SUITES, client, configs, hear, say, sent};

/// Shakes hands, with what comes cut into pieces of `piece` bytes; the client's first words come
/// right behind.
fn shake_hands(suite: CipherSuite, piece: usize, tickets: usize) -> (ClientConnection, Ours) {
    let (mut server, client_config) = configs(suite);
    server.send_tls13_tickets = tickets;
    let config = Config::new(server);
    let mut client = client(client_config);
    let mut handshake = Some(Box::new(Handshake::new(&config).unwrap()));
    let mut session: Option<Session> = None;
    let mut behind = Vec::new();
    while session.is_none() {
        let mut come = sent(&mut client);
        if !client.is_handshaking() {
            come.extend(say(&mut client, b"ali\nhello\n"));
        }
        assert!(!come.is_empty(), "nobody goes on");
        let mut out = Vec::new();
        for part in come.chunks(piece) {
            let Some(waiting) = handshake.take() else {
                behind.extend_from_slice(part);
                continue;
            };
            match waiting.go_on(part, &mut out) {
                Progress::Waiting(waiting) => handshake = Some(waiting),
                Progress::Done(done) => session = Some(done),
                Progress::Failed(error) => panic!("{error}"),
            }
        }
        let (heard, failed) = hear(&mut client, &out);
        assert!(heard.is_empty() && !failed);
    }
    let mut ours = Ours {
        session: session.unwrap(),
        heard: Heard::default(),
    };
    ours.hear_kept();
    ours.hear(&behind);
    (client, ours)
}

#[test]
fn the_session_goes_on_where_rustls_has_stopped() {
    for suite in SUITES {
        for tickets in [0, 1, 2] {
            for piece in [1, 2, 7, 64, 5000] {
                let (mut client, mut ours) = shake_hands(suite, piece, tickets);
                assert_eq!(ours.heard.text, b"ali\nhello\n");
                let (heard, failed) = hear(&mut client, &ours.say(b"welcome\n"));
                assert!(heard == b"welcome\n" && !failed);
                client.refresh_traffic_keys().unwrap();
                ours.hear(&say(&mut client, b"with new keys\n"));
                assert_eq!(ours.heard.text, b"ali\nhello\nwith new keys\n");
                let (heard, failed) = hear(&mut client, &ours.say(b"both ways\n"));
                assert!(heard == b"both ways\n" && !failed);
                client.send_close_notify();
                ours.hear(&sent(&mut client));
                assert_eq!(ours.session.end(), Some(End::Closed));
            }
        }
    }
}

/// Feeds a new handshake `bytes`, and returns whether it has failed, and what it says.
fn fate(bytes: &[u8], piece: usize) -> (bool, Vec<u8>) {
    let config = Config::new(configs(SUITES[0]).0);
    let mut handshake = Box::new(Handshake::new(&config).unwrap());
    let mut out = Vec::new();
    for part in bytes.chunks(piece) {
        match handshake.go_on(part, &mut out) {
            Progress::Waiting(waiting) => handshake = waiting,
            Progress::Done(_) => panic!("a session came of {bytes:?}"),
            Progress::Failed(_) => return (true, out),
        }
    }
    (false, out)
}

#[test]
fn each_byte_of_a_hello_that_is_changed_fails_or_waits() {
    let hello = sent(&mut client(configs(SUITES[0]).1));
    for at in 0..hello.len() {
        let mut bytes = hello.clone();
        bytes[at] ^= 0x55;
        let (failed, said) = fate(&bytes, 5000);
        if failed && !said.is_empty() {
            assert!(said.len() >= 7, "an alert: {said:?}");
        }
    }
}

#[test]
fn what_is_no_handshake_is_answered_with_an_alert() {
    let long = [&[22, 3, 1, 0xff, 0xff][..], &[0; 100]].concat();
    let plain = b"hello, is anybody there?\n".to_vec();
    let empty = vec![22, 3, 1, 0, 0];
    for bytes in [long, plain, empty] {
        for piece in [1, 5000] {
            let (failed, said) = fate(&bytes, piece);
            assert!(failed, "{bytes:?}");
            assert_eq!(said.first(), Some(&21), "an alert for {bytes:?}");
        }
    }
}

#[test]
fn a_hello_without_an_end_fails() {
    // A message of a mebibyte, in records of 16 KB.
    let mut record = vec![22, 3, 1, 0x40, 0];
    record.resize(5 + 0x4000, 0);
    record[5..9].copy_from_slice(&[1, 0x10, 0, 0]);
    let (failed, _) = fate(&record.repeat(8), 1 << 14);
    assert!(failed);
}
