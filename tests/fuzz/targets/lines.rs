//! From bytes to safe text: however a stream is cut, the same lines come out, bounded and safe.

use std::collections::HashSet;

use chatroom::line::framing::{Piece, Unfinished};
use chatroom::line::sanitize::{GROWTH_MAX, safe};
use chatroom::line::telnet::{Answer, Telnet};

use super::assert_safe;

/// What comes of a stream.
#[derive(Debug, Default, PartialEq, Eq)]
struct Heard {
    /// The lines; none for one that is too long.
    lines: Vec<Option<Vec<u8>>>,
    refusals: Vec<[u8; 3]>,
    asked: usize,
}

/// The first byte is the longest line allowed, the second where to cut, the rest the stream.
pub(crate) fn run(input: &[u8]) {
    let [max, cut, stream @ ..] = input else {
        return;
    };
    let (max, cut) = (usize::from(*max).max(1), usize::from(*cut));
    let whole = hear(stream.chunks(stream.len().max(1)), max);
    assert_eq!(hear(stream.chunks(1), max), whole, "byte by byte");
    assert_eq!(hear(stream.chunks(1 + cut % 16), max), whole, "in pieces");
    let (head, tail) = stream.split_at(cut.min(stream.len()));
    assert_eq!(hear([head, tail], max), whole, "cut once");

    let refused: HashSet<&[u8; 3]> = whole.refusals.iter().collect();
    assert_eq!(refused.len(), whole.refusals.len(), "answered twice");
    if !stream.contains(&255) {
        assert_eq!((&whole.refusals, whole.asked), (&Vec::new(), 0));
    }
    for line in whole.lines.iter().flatten() {
        check_line(line, max);
    }
}

fn hear<'a>(chunks: impl IntoIterator<Item = &'a [u8]>, max: usize) -> Heard {
    let (mut telnet, mut unfinished) = (Telnet::default(), Unfinished::default());
    let mut heard = Heard::default();
    for chunk in chunks {
        let mut chunk = chunk.to_vec();
        let needed = Telnet::needed(Some(&telnet), &chunk);
        let before = chunk.clone();
        let kept = telnet.filter(&mut chunk, |answer| match answer {
            Answer::Refuse(refusal) => heard.refusals.push(refusal),
            Answer::Here => heard.asked += 1,
        });
        assert!(needed || chunk[..kept] == before, "it was needed");
        let mut rest = &chunk[..kept];
        while let Some(piece) = unfinished.next(&mut rest, max) {
            heard.lines.push(owned(&piece));
        }
        assert!(rest.is_empty());
        assert!(unfinished.len() <= max + 1, "kept {}", unfinished.len());
        assert!(unfinished.capacity() <= 2 * max + 64);
    }
    heard
        .lines
        .extend(unfinished.last(max).map(|piece| owned(&piece)));
    heard
}

fn owned(piece: &Piece<'_>) -> Option<Vec<u8>> {
    match piece {
        Piece::Line(line) => Some(line.to_vec()),
        Piece::TooLong => None,
    }
}

fn check_line(line: &[u8], max: usize) {
    assert!(line.len() <= max && !line.contains(&b'\n'));
    let mut buffer = String::new();
    let text = safe(line, &mut buffer);
    assert_safe(text);
    assert!(text.len() <= GROWTH_MAX * line.len());
    let mut again = String::new();
    assert_eq!(safe(text.as_bytes(), &mut again), text, "safe twice");
}
