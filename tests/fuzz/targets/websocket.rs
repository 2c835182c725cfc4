//! A WebSocket client's frames from whatever bytes: however they are cut, the same is heard of them,
//! what is heard is UTF-8, and nothing grows.

use chatroom::layer::websocket::accept_key;
use chatroom::layer::websocket::decoder::{Control, Decoder, End, SPARE_BYTES};

use super::rig::frames::put_frame;

/// The first byte says whether the rest is a client's bytes, what frames are made of, or a key; the
/// second how it is cut.
pub(crate) fn run(input: &[u8]) {
    let [kind, cut, rest @ ..] = input else {
        return;
    };
    let piece = 1 + usize::from(*cut);
    match kind % 3 {
        0 => check(rest, piece),
        1 => check(&frames(rest), piece),
        _ => {
            let accepted = accept_key(rest);
            assert!(accepted.is_none_or(|accepted| accepted.len() == 28));
        }
    }
}

/// Makes frames of a script: a first byte, a length, and the payload.
fn frames(script: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = script;
    while let [first, length, behind @ ..] = rest {
        let (payload, behind) = behind.split_at(behind.len().min((*length).into()));
        put_frame(*first, payload, [*first, *length, 7, 0], &mut out);
        rest = behind;
    }
    out
}

/// What was heard of all.
#[derive(Debug, PartialEq, Eq)]
struct Heard {
    text: Vec<u8>,
    frames: usize,
    end: Option<End>,
}

fn check(bytes: &[u8], piece: usize) {
    let whole = hear(bytes, usize::MAX);
    let mut cut = hear(bytes, piece);
    if cut.end != whole.end || matches!(whole.end, None | Some(End::Closed(_))) {
        assert_eq!(cut, whole);
    }
    // Of a message that turns out to be none, more may be heard before that shows.
    assert!(cut.text.starts_with(&whole.text) && cut.frames == whole.frames);
    assert!(cut.text.len() <= bytes.len());
    let text = std::mem::take(&mut cut.text);
    if let Err(error) = std::str::from_utf8(&text) {
        assert_eq!(error.error_len(), None, "what is no text was handed on");
    }
}

fn hear(bytes: &[u8], piece: usize) -> Heard {
    let mut decoder = Decoder::default();
    let mut control: Option<Box<Control>> = None;
    let mut heard = Heard {
        text: Vec::new(),
        frames: 0,
        end: None,
    };
    for come in bytes.chunks(piece.min(bytes.len().max(1))) {
        let mut buffer = [&[0; SPARE_BYTES][..], come].concat();
        let decoded = decoder.decode(&mut buffer, &mut control);
        assert!(decoded.idle_frames <= decoded.frames);
        heard.text.extend_from_slice(&buffer[..decoded.text_bytes]);
        heard.frames += decoded.frames;
        heard.end = decoder.end();
        let ping = control.as_mut().and_then(|control| control.take_ping());
        assert!(ping.is_none_or(|ping| ping.len() <= 125));
    }
    heard
}
