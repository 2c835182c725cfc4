use proptest::prelude::*;

use super::super::frame::opcode::{BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT};
use super::*;

const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// Returns a client's frame whose first byte is `first`.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..=125 => bytes.push(MASKED | length as u8),
        length @ 126..=0xFFFF => {
            bytes.push(MASKED | 126);
            bytes.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            bytes.push(MASKED | 127);
            bytes.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(&MASK);
    bytes.extend(
        payload
            .iter()
            .zip(MASK.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    bytes
}

fn text(payload: &str) -> Vec<u8> {
    frame(FIN | TEXT, payload.as_bytes())
}

/// What came of all that was sent.
#[derive(Debug, Default, PartialEq, Eq)]
struct Heard {
    text: String,
    pings: Vec<Vec<u8>>,
    end: Option<End>,
    frames: usize,
    idle: usize,
}

/// Decodes what comes in these pieces.
fn hear<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Heard {
    let mut decoder = Decoder::default();
    let mut control = None;
    let mut heard = Heard::default();
    let mut text = Vec::new();
    for piece in pieces {
        let mut buffer = [&[0; SPARE_BYTES][..], piece].concat();
        let decoded = decoder.decode(&mut buffer, &mut control);
        text.extend_from_slice(&buffer[..decoded.text_bytes]);
        heard.frames += decoded.frames;
        heard.idle += decoded.idle_frames;
        heard
            .pings
            .extend(control.as_mut().and_then(|control| control.take_ping()));
        control = control.filter(|control| !control.is_idle());
        if let Some(control) = &control {
            assert!(control.coming.len() <= CONTROL_BYTES_MAX);
        }
        assert!(heard.end.is_none() || decoded == Decoded::default());
        heard.end = decoder.end();
    }
    // As far as it is whole.
    let whole = match std::str::from_utf8(&text) {
        Ok(whole) => whole.len(),
        Err(error) => {
            assert_eq!(error.error_len(), None, "what is no text was handed on");
            error.valid_up_to()
        }
    };
    text.truncate(whole);
    heard.text = String::from_utf8(text).unwrap();
    heard
}

/// The same, however it is cut in two, and byte by byte.
#[track_caller]
fn hear_all_ways(bytes: &[u8]) -> Heard {
    let mut heard = hear([bytes]);
    for at in 1..bytes.len() {
        let (first, second) = bytes.split_at(at);
        let mut cut = hear([first, second]);
        // Of several pings in one piece the last is answered.
        assert_eq!(cut.pings.last(), heard.pings.last(), "cut at {at}");
        cut.pings.clone_from(&heard.pings);
        // A bad character is seen where it is, and what is before it in its piece not handed on.
        if heard.end == Some(End::Broken(Code::NOT_UTF8)) {
            assert!(cut.text.starts_with(&heard.text), "cut at {at}");
            cut.text.clone_from(&heard.text);
        }
        assert_eq!(cut, heard, "cut at {at}");
    }
    let single = hear(bytes.chunks(1));
    assert_eq!(single.end, heard.end);
    heard.pings = single.pings;
    heard
}

#[test]
fn its_state_is_small() {
    assert!(size_of::<Decoder>() <= 16);
}

#[test]
fn a_message_is_as_many_lines_as_it_has() {
    for (bytes, lines) in [
        (text("hello"), "hello\n"),
        (text("hello\n"), "hello\n"),
        (text("one\r\ntwo"), "one\r\ntwo\n"),
        (text(""), ""),
        (text("\n"), "\n"),
        ([text("one"), text(""), text("two")].concat(), "one\ntwo\n"),
        (
            [
                frame(TEXT, b"sa"),
                frame(CONTINUATION, b""),
                frame(FIN, b"lam"),
            ]
            .concat(),
            "salam\n",
        ),
        ([frame(TEXT, b"one\n"), frame(FIN, b"")].concat(), "one\n"),
        ([frame(TEXT, b"one"), frame(FIN, b"")].concat(), "one\n"),
        (text("می\u{200C}خواهم 😀"), "می\u{200C}خواهم 😀\n"),
        // A character in two fragments.
        ([frame(TEXT, b"\xd8"), frame(FIN, b"\xb3")].concat(), "س\n"),
        ([frame(TEXT, b"not whole yet")].concat(), "not whole yet"),
    ] {
        let heard = hear_all_ways(&bytes);
        assert_eq!(
            (heard.text.as_str(), heard.end),
            (lines, None),
            "{bytes:x?}"
        );
    }
}

#[test]
fn lengths_are_read_in_each_of_their_forms() {
    for length in [125, 126, 65_535, 65_536, 200_000] {
        let long = "x".repeat(length);
        let bytes = text(&long);
        for step in [7, 4096, usize::MAX] {
            let heard = hear(bytes.chunks(step));
            assert_eq!(heard.text.len(), length + 1);
            assert_eq!((heard.end, heard.frames), (None, 1));
        }
    }
    // In more bytes than it needs: allowed to be read (RFC 6455 asks senders to be brief).
    let mut bytes = vec![FIN | TEXT, MASKED | 127, 0, 0, 0, 0, 0, 0, 0, 2];
    bytes.extend([0, 0, 0, 0, b'h', b'i']);
    assert_eq!(hear_all_ways(&bytes).text, "hi\n");
}

#[test]
fn control_frames_stand_anywhere() {
    let bytes = [
        frame(TEXT, b"sa"),
        frame(FIN | PING, b"are you there"),
        frame(FIN | PONG, b"unasked"),
        frame(FIN, b"lam"),
        frame(FIN | PING, b""),
    ]
    .concat();
    let heard = hear_all_ways(&bytes);
    assert_eq!(heard.text, "salam\n");
    assert_eq!(heard.pings, [&b"are you there"[..], b""]);
    assert_eq!((heard.frames, heard.idle), (5, 3));
    let long = frame(FIN | PING, &[b'x'; CONTROL_BYTES_MAX]);
    assert_eq!(hear_all_ways(&long).pings, [vec![b'x'; CONTROL_BYTES_MAX]]);
}

#[test]
fn the_end_is_known_with_its_code() {
    for (payload, end) in [
        (&b""[..], End::Closed(Code::NONE)),
        (b"\x03\xe8", End::Closed(Code::NORMAL)),
        (b"\x03\xe9going", End::Closed(Code::GOING_AWAY)),
        (b"\x0b\xb8", End::Closed(Code(3000))),
        (b"\x13\x87", End::Closed(Code(4999))),
        (b"\x03", End::Broken(Code::PROTOCOL_ERROR)),
        (b"\x00\x00", End::Broken(Code::PROTOCOL_ERROR)),
        (b"\x03\xe7", End::Broken(Code::PROTOCOL_ERROR)),
        (b"\x03\xec", End::Broken(Code::PROTOCOL_ERROR)),
        (b"\x03\xed", End::Broken(Code::PROTOCOL_ERROR)),
        (b"\x03\xee", End::Broken(Code::PROTOCOL_ERROR)),
        (b"\x03\xf7", End::Broken(Code::PROTOCOL_ERROR)),
        (b"\x07\xd0", End::Broken(Code::PROTOCOL_ERROR)),
        (b"\x13\x88", End::Broken(Code::PROTOCOL_ERROR)),
        (b"\x03\xe8\xff", End::Broken(Code::NOT_UTF8)),
    ] {
        // What comes behind the end isn't looked at.
        let bytes = [text("hi"), frame(FIN | CLOSE, payload), text("more")].concat();
        let heard = hear_all_ways(&bytes);
        assert_eq!(
            (heard.text.as_str(), heard.end),
            ("hi\n", Some(end)),
            "{payload:x?}"
        );
    }
}

#[test]
fn who_breaks_the_rules_is_heard_up_to_there_and_told_so() {
    let unmasked = [FIN | TEXT, 2, b'h', b'i'];
    let high_bit = [FIN | TEXT, MASKED | 127, 0x80, 0, 0, 0, 0, 0, 0, 0];
    let huge = [FIN | TEXT, MASKED | 127, 0, 0, 0, 1, 0, 0, 0, 0];
    let protocol = [
        unmasked.to_vec(),
        high_bit.to_vec(),
        frame(FIN | 0x40 | TEXT, b"x"),
        frame(FIN | 0x20 | TEXT, b"x"),
        frame(FIN | 0x10 | PING, b"x"),
        frame(FIN | 3, b"x"),
        frame(FIN | 7, b"x"),
        frame(FIN | 11, b"x"),
        frame(FIN | 15, b"x"),
        frame(FIN | CONTINUATION, b"x"),
        frame(PING, b"x"),
        frame(PONG, b"x"),
        frame(CLOSE, b""),
        frame(FIN | PING, &[b'x'; CONTROL_BYTES_MAX + 1]),
        frame(FIN | CLOSE, &[b'x'; CONTROL_BYTES_MAX + 1]),
        [frame(TEXT, b"\n"), text("x")].concat(),
        [frame(TEXT, b"\n"), frame(FIN | BINARY, b"x")].concat(),
    ];
    let others = [
        (frame(FIN | BINARY, b"x"), Code::NOT_ACCEPTED),
        (frame(BINARY, b"x"), Code::NOT_ACCEPTED),
        (huge.to_vec(), Code::TOO_BIG),
        (frame(FIN | TEXT, b"\xff"), Code::NOT_UTF8),
        (frame(FIN | TEXT, b"\xc3"), Code::NOT_UTF8),
        (frame(FIN | TEXT, b"\xed\xa0\x80"), Code::NOT_UTF8),
        (frame(FIN | TEXT, b"\xf4\x90\x80\x80"), Code::NOT_UTF8),
        (
            [frame(TEXT, b"\xd8"), frame(FIN, b"")].concat(),
            Code::NOT_UTF8,
        ),
        (
            [frame(TEXT, b"\xd8"), frame(FIN, b"x")].concat(),
            Code::NOT_UTF8,
        ),
        // As soon as it is known, the rest of the message not waited for.
        (frame(TEXT, b"\xce\xba\xed\xa0\x80"), Code::NOT_UTF8),
    ];
    let all = protocol.map(|bytes| (bytes, Code::PROTOCOL_ERROR));
    for (bytes, code) in all.into_iter().chain(others) {
        let whole = [text("hi"), bytes.clone(), text("more")].concat();
        let heard = hear_all_ways(&whole);
        assert_eq!(heard.end, Some(End::Broken(code)), "{bytes:x?}");
        assert_eq!(heard.text.trim_end(), "hi", "{bytes:x?}");
    }
}

#[test]
fn a_reason_of_the_servers_own_stands_unless_the_client_came_first() {
    let mut decoder = Decoder::default();
    decoder.finish(Code::GOING_AWAY);
    decoder.finish(Code::POLICY);
    assert_eq!(decoder.end(), Some(End::Closed(Code::GOING_AWAY)));
    let mut buffer = [&[0][..], &text("hi")].concat();
    assert_eq!(decoder.decode(&mut buffer, &mut None), Decoded::default());
}

/// A message, in fragments, between which pings come.
fn message() -> impl Strategy<Value = Vec<(u8, Vec<u8>)>> {
    let piece = prop_oneof![
        Just(String::new()),
        Just("\n".to_owned()),
        "[a-zس😀]{0,6}\n?",
    ];
    let pieces = proptest::collection::vec((piece, any::<bool>(), 1_usize..7), 1..4);
    pieces.prop_map(|pieces| {
        let mut frames = Vec::new();
        let count = pieces.len();
        for (index, (piece, pings, cut)) in pieces.into_iter().enumerate() {
            let opcode = if index == 0 { TEXT } else { CONTINUATION };
            let bytes = piece.into_bytes();
            let (first, second) = bytes.split_at(cut.min(bytes.len()));
            frames.push((opcode, first.to_vec()));
            if pings {
                frames.push((FIN | PING, second.to_vec()));
            }
            let fin = if index + 1 == count { FIN } else { 0 };
            frames.push((fin | CONTINUATION, second.to_vec()));
        }
        frames
    })
}

proptest! {
    #[test]
    fn what_is_said_is_heard_however_it_is_cut(
        messages in proptest::collection::vec(message(), 0..4),
        cuts in proptest::collection::vec(1_usize..20, 1..20),
    ) {
        let mut expected = Vec::new();
        let mut bytes = Vec::new();
        for (first, payload) in messages.iter().flatten() {
            bytes.extend(frame(*first, payload));
            if first & CONTROL == 0 {
                expected.extend_from_slice(payload);
            }
            let ends = first & FIN != 0 && first & CONTROL == 0;
            if ends && expected.last().is_some_and(|&byte| byte != b'\n') {
                expected.push(b'\n');
            }
        }
        let mut pieces = Vec::new();
        let mut rest = &bytes[..];
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, behind) = rest.split_at((*cut).min(rest.len()));
            pieces.push(piece);
            rest = behind;
        }
        let heard = hear(pieces);
        prop_assert_eq!(heard.end, None);
        prop_assert_eq!(heard.text.into_bytes(), expected);
    }

    #[test]
    fn no_bytes_do_harm(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        at in 0_usize..300,
    ) {
        let (first, second) = bytes.split_at(at.min(bytes.len()));
        let whole = hear([&bytes[..]]);
        let cut = hear([first, second]);
        prop_assert_eq!(whole.end, cut.end);
    }
}
