//! The rules of RFC 6455 for frames, one after the other, on the real binary.

use super::common::PROMPT;
use super::peer::{Web, serve};
use super::rig::frames::{BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, TEXT, frame};

#[test]
fn each_rule_that_is_broken_has_its_code() {
    let server = serve(&[]);
    let mut ears = server.join("ears");
    let high_bit = [0x81, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0].to_vec();
    let all_bits = [&[0x81, 0xFF][..], &[0xFF; 8]].concat();
    let huge = [0x81, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF].to_vec();
    let cases: Vec<(&str, Vec<u8>, u16)> = vec![
        ("unmasked", b"\x81\x02hi".to_vec(), 1002),
        ("unmasked control", b"\x89\x00".to_vec(), 1002),
        ("bit 1", frame(FIN | 0x40 | TEXT, b"x"), 1002),
        ("bit 2", frame(FIN | 0x20 | TEXT, b"x"), 1002),
        ("bit 3", frame(FIN | 0x10 | TEXT, b"x"), 1002),
        ("bit of a ping", frame(FIN | 0x40 | PING, b"x"), 1002),
        ("opcode 3", frame(FIN | 3, b"x"), 1002),
        ("opcode 7", frame(FIN | 7, b"x"), 1002),
        ("opcode 11", frame(FIN | 11, b"x"), 1002),
        ("opcode 15", frame(FIN | 15, b"x"), 1002),
        ("2^63", high_bit, 1002),
        ("2^64 - 1", all_bits, 1002),
        ("2^63 - 1", huge, 1009),
        ("long ping", frame(FIN | PING, &[b'x'; 126]), 1002),
        ("long close", frame(FIN | CLOSE, &[b'x'; 126]), 1002),
        ("ping in fragments", frame(PING, b"x"), 1002),
        ("nothing to continue", frame(FIN | CONTINUATION, b"x"), 1002),
        (
            "text within text",
            [frame(TEXT, b"\n"), frame(FIN | TEXT, b"x")].concat(),
            1002,
        ),
        ("binary", frame(FIN | BINARY, b"x"), 1003),
        ("no UTF-8", frame(FIN | TEXT, b"\xc0\xaf"), 1007),
        ("half a character", frame(FIN | TEXT, b"\xe2\x82"), 1007),
        ("a surrogate", frame(FIN | TEXT, b"\xed\xa0\x80"), 1007),
        ("half a code", frame(FIN | CLOSE, b"\x03"), 1002),
        ("code 999", frame(FIN | CLOSE, b"\x03\xe7"), 1002),
        ("code 1005", frame(FIN | CLOSE, b"\x03\xed"), 1002),
        ("code 5000", frame(FIN | CLOSE, b"\x13\x88"), 1002),
        (
            "a reason that is no UTF-8",
            frame(FIN | CLOSE, b"\x03\xe8\xff"),
            1007,
        ),
    ];
    for (index, (what, bytes, code)) in cases.iter().enumerate() {
        let mut web = Web::open(&server);
        let name = format!("w{index}");
        web.enter(&name);
        // What was said before is heard.
        web.send([frame(FIN | TEXT, b"hi"), bytes.clone()].concat());
        ears.expect(&format!("{name}: hi"));
        assert_eq!(web.close_code(), Some(*code), "{what}");
        ears.expect(&format!("{name} has left the chatroom!"));
    }
}

#[test]
fn bad_text_is_found_wherever_it_is_cut() {
    let server = serve(&[]);
    // κόσμε, a surrogate, and what would have been said behind it.
    let text = b"\xce\xba\xcf\x8c\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited";
    for at in 0..=text.len() {
        let mut web = Web::open(&server);
        let (first, second) = text.split_at(at);
        web.send(frame(TEXT, first));
        web.send(frame(FIN | CONTINUATION, second));
        assert_eq!(web.close_code(), Some(1007), "{at}");
    }
    // The same in one frame, its bytes cut anywhere.
    let bytes = frame(FIN | TEXT, text);
    for at in 1..bytes.len() {
        let mut web = Web::open(&server);
        web.send(&bytes[..at]);
        web.send(&bytes[at..]);
        assert_eq!(web.close_code(), Some(1007), "{at}");
    }
}

#[test]
fn a_close_is_answered_with_its_code() {
    let server = serve(&[]);
    for (payload, code) in [
        (&b""[..], 1005),
        (b"\x03\xe8", 1000),
        (b"\x03\xe9going", 1001),
        (b"\x0f\xa0", 4000),
    ] {
        let mut web = Web::open(&server);
        web.expect(PROMPT);
        web.send([frame(FIN | CLOSE, payload), frame(FIN | TEXT, b"more")].concat());
        assert_eq!(web.close_code(), Some(code));
    }
}

#[test]
fn pings_are_answered_with_what_they_hold_and_pongs_not_at_all() {
    let server = serve(&[]);
    let mut web = Web::join(&server, "web");
    for payload in [&b""[..], b"are you there", &[0xFF; 125]] {
        web.send(frame(FIN | PONG, b"unasked"));
        let ping = frame(FIN | PING, payload);
        for piece in ping.chunks(50) {
            web.send(piece);
        }
        assert_eq!(web.pong(), payload);
    }
    // Within a message.
    let mut ears = server.join("ears");
    web.send(
        [
            frame(TEXT, b"he"),
            frame(FIN | PING, b"1"),
            frame(FIN, b"llo"),
        ]
        .concat(),
    );
    ears.expect("web: hello");
    assert_eq!(web.pong(), b"1");
}

#[test]
fn a_message_in_any_number_of_frames_is_one() {
    let server = serve(&[]);
    let mut ears = server.join("ears");
    let mut web = Web::join(&server, "web");
    let text = "می\u{200C}خواهم 😀 hello";
    let bytes = text.as_bytes();
    for size in [1, 2, 3, 7, bytes.len()] {
        let last = (bytes.len() - 1) / size;
        for (index, piece) in bytes.chunks(size).enumerate() {
            let opcode = if index == 0 { TEXT } else { CONTINUATION };
            let fin = if index == last { FIN } else { 0 };
            web.send(frame(fin | opcode, piece));
        }
        ears.expect(&format!("web: {text}"));
    }
    // Nor matters how its bytes come.
    for byte in frame(FIN | TEXT, bytes) {
        web.send([byte]);
    }
    ears.expect(&format!("web: {text}"));
}
