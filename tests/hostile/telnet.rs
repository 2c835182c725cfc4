//! Telnet's own talk: bounded, answered once, and nothing of it reaches others.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::common::crowd::join_crowd;
use crate::common::{GREETING, PROMPT, Server};
use crate::measure::{MIB, busy_part, push};

const IAC: u8 = 255;
const VERBS: [u8; 4] = [251, 252, 253, 254];
const SB: u8 = 250;
const SE: u8 = 240;
const AYT: u8 = 246;

/// How much a server may grow while it is talked to in telnet.
const FLAT: usize = 2 * MIB;

/// Returns how often each telnet sequence stands in `bytes`, and the rest of them.
fn sequences(bytes: &[u8]) -> (BTreeMap<[u8; 2], usize>, Vec<u8>) {
    let (mut found, mut rest) = (BTreeMap::new(), Vec::new());
    let mut bytes = bytes.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte == IAC {
            let mut next = || bytes.next().expect("a whole sequence");
            *found.entry([next(), next()]).or_insert(0) += 1;
        } else {
            rest.push(byte);
        }
    }
    (found, rest)
}

#[test]
fn every_option_and_verb_is_answered_at_most_once_and_heard_by_nobody() {
    let server = Server::start(&["--rate", "0"]);
    let mut bob = server.join("bob");
    let mut ali = server.connect();
    ali.say("ali");
    let all: Vec<u8> = (0..=255)
        .flat_map(|option| VERBS.map(|verb| [b'x', IAC, verb, option]))
        .flatten()
        .collect();
    // Whole, and in pieces that end at every place in a sequence.
    for piece in [all.len(), 7, 2, 1] {
        for piece in all.chunks(piece) {
            ali.send(piece);
        }
        ali.say("");
        bob.expect(&format!("ali: {}", "x".repeat(1024)));
    }
    let (found, rest) = sequences(&ali.finish());
    assert_eq!(rest, format!("{PROMPT}\n{GREETING}\n").into_bytes());
    assert_eq!(found.len(), 512, "WILL and DO are refused");
    assert!(found.values().all(|&times| times == 1), "{found:?}");
    bob.expect("ali has left the chatroom!");
}

#[test]
fn no_byte_255_reaches_others_wherever_it_is_cut() {
    let server = Server::start(&["--rate", "0"]);
    let (ali, mut bob, mut carl) = (server.join("ali"), server.join("bob"), server.join("carl"));
    for line in [
        &[b'a', IAC, IAC, b'b'][..],
        &[b'a', 0xc3, IAC, IAC, 0xa9, b'b'],
        &[b'a', IAC, SB, 1, IAC, IAC, SE, IAC, SE, b'b'],
        &[b'a', IAC, 251, IAC, IAC, IAC, b'b'],
        &[IAC, IAC, IAC, IAC, IAC, 241],
    ] {
        let mut outcomes = Vec::new();
        for cut in 0..=line.len() {
            ali.send(&line[..cut]);
            carl.say("/msg carl between");
            carl.lines_before("* Your message reached carl.");
            ali.say(&line[cut..]);
            // Lines are checked to be UTF-8, which never holds 255.
            outcomes.push(bob.line());
        }
        assert!(outcomes[0].starts_with("ali: "));
        outcomes.dedup();
        assert_eq!(outcomes.len(), 1, "{outcomes:?}");
    }
}

#[test]
fn telnet_without_end_costs_no_memory() {
    const SENT: usize = 32 * MIB;
    let mut server = Server::start(&["--rate", "0"]);
    let mut bob = server.join("bob");
    let peers = join_crowd(&mut server, "p", 100);
    let before = server.peak_resident_bytes();
    // Everybody refuses everything, so that all keep what was refused.
    let all: Vec<u8> = (0..=255)
        .flat_map(|option| VERBS.map(|verb| [IAC, verb, option]))
        .flatten()
        .collect();
    for peer in &peers {
        peer.send(&all);
    }
    let endless = [b"x\n\r\0".as_slice(), &[IAC, IAC, 1, IAC, SB, 2]].concat();
    let endless = endless.repeat(MIB / endless.len());
    peers[0].send([IAC, SB]);
    for _ in 0..SENT / MIB {
        peers[0].send(&endless);
    }
    peers[0].send([IAC, SE]);
    for (number, peer) in peers.iter().enumerate() {
        peer.say("done");
        bob.expect(&format!("p{number}: done"));
    }
    let growth = server.peak_resident_bytes() - before;
    assert!(growth < FLAT, "grew by {growth} bytes");
}

#[test]
fn questions_whose_answers_nobody_reads_cost_no_memory() {
    let server = Server::start(&["--rate", "0"]);
    let (ali, mut bob) = (server.join("ali"), server.join("bob"));
    let before = server.peak_resident_bytes();
    let questions = [IAC, AYT, b'\n'].repeat(16 * MIB / 3);
    for question in [&questions, &b"/help\n".repeat(MIB)] {
        push(&ali, question, Duration::from_millis(300));
    }
    bob.say("/who");
    bob.expect("* Here (2): ali, bob");
    let growth = server.peak_resident_bytes() - before;
    assert!(growth < FLAT, "grew by {growth} bytes");
    let busy = busy_part(&server, Duration::from_millis(500));
    assert!(busy < 0.2, "busy for nothing: {busy}");
}
