//! WebSocket's frames as a client makes and reads them, and how a client of the simulation does.

use super::random::Random;

pub(crate) const FIN: u8 = 0x80;
pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// Longest payload of a frame that the server sends, in bytes, unless a line is longer.
const PAYLOAD_BYTES_MAX: usize = 64 * 1024;

/// Puts a masked frame at the end of `out` whose first byte is `first`.
pub(crate) fn put_frame(first: u8, payload: &[u8], mask: [u8; 4], out: &mut Vec<u8>) {
    out.push(first);
    match payload.len() {
        length @ 0..=125 => out.push(0x80 | length as u8),
        length @ 126..=0xFFFF => {
            out.push(0xFE);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(0xFF);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&mask);
    let masks = mask.iter().cycle();
    out.extend(payload.iter().zip(masks).map(|(byte, mask)| byte ^ mask));
}

/// Returns a masked frame whose first byte is `first`.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_frame(first, payload, [0x37, 0xFA, 0x21, 0x3D], &mut out);
    out
}

/// A client that sends text in frames of any size, in fragments, with pings between them.
#[derive(Debug)]
pub(crate) struct Writer {
    random: Random,
    in_message: bool,
}

impl Writer {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            in_message: false,
        }
    }

    fn put(&mut self, first: u8, payload: &[u8], out: &mut Vec<u8>) {
        let mask = (self.random.next() as u32).to_be_bytes();
        put_frame(first, payload, mask, out);
    }

    /// Puts `text` into frames. A message ends at a line end only.
    pub(crate) fn put_text(&mut self, text: &[u8], out: &mut Vec<u8>) {
        let mut rest = text;
        while !rest.is_empty() {
            let most = 1 + self.random.below(rest.len());
            let (mut piece, behind) = rest.split_at(most);
            rest = behind;
            let opcode = if self.in_message { CONTINUATION } else { TEXT };
            let ends = piece.ends_with(b"\n") && !self.random.one_in(4);
            if ends && self.random.one_in(2) {
                // The end of the message is one of the line as well.
                piece = &piece[..piece.len() - 1];
            }
            let first = opcode | if ends { FIN } else { 0 };
            self.in_message = !ends;
            self.put(first, piece, out);
            if self.random.one_in(8) {
                let length = self.random.below(126);
                self.put(FIN | PING, &vec![b'p'; length], out);
            }
        }
    }

    pub(crate) fn put_pong(&mut self, out: &mut Vec<u8>) {
        self.put(FIN | PONG, b"", out);
    }

    pub(crate) fn put_close(&mut self, out: &mut Vec<u8>) {
        self.put(FIN | CLOSE, b"\x03\xe8", out);
    }
}

/// A client that takes the server's frames apart, and panics at whatever it may not send.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    coming: Vec<u8>,
    /// What the messages that have come say.
    pub(crate) text: Vec<u8>,
    /// How many there were.
    pub(crate) messages: usize,
    /// Pings that were not answered.
    pub(crate) pings: usize,
    /// The payloads of pongs.
    pub(crate) pongs: Vec<Vec<u8>>,
    /// The code of the last frame; 1005 if there was none in it.
    pub(crate) closed: Option<u16>,
}

impl Reader {
    /// Takes what has come.
    pub(crate) fn show(&mut self, bytes: &[u8]) {
        self.coming.extend_from_slice(bytes);
        while let Some((first, payload, length)) = split(&self.coming) {
            let payload = payload.to_vec();
            self.coming.drain(..length);
            self.hear(first, &payload);
        }
    }

    /// Returns whether no frame is under way.
    pub(crate) fn is_whole(&self) -> bool {
        self.coming.is_empty()
    }

    fn hear(&mut self, first: u8, payload: &[u8]) {
        assert!(self.closed.is_none(), "a frame behind the last");
        match first {
            0x81 => {
                assert!(
                    std::str::from_utf8(payload).is_ok(),
                    "not UTF-8: {payload:x?}"
                );
                assert_eq!(
                    payload.last(),
                    Some(&b'\n'),
                    "not whole lines: {payload:x?}"
                );
                let lines = memchr::memchr_iter(b'\n', payload).count();
                assert!(lines == 1 || payload.len() <= PAYLOAD_BYTES_MAX);
                self.text.extend_from_slice(payload);
                self.messages += 1;
            }
            0x88 => {
                self.closed = Some(match payload {
                    [] => 1005,
                    [high, low, ..] => u16::from_be_bytes([*high, *low]),
                    [_] => panic!("half a code"),
                });
            }
            0x89 => self.pings += 1,
            0x8A => self.pongs.push(payload.to_vec()),
            _ => panic!("a server sends no {first:x}"),
        }
    }
}

/// Returns the first byte and the payload of the frame that `bytes` begin with, and its length with
/// its head, if it is whole.
fn split(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let [first, second, rest @ ..] = bytes else {
        return None;
    };
    assert_eq!(second & 0x80, 0, "a server masks nothing");
    let (length, head) = match second {
        126 => (
            u64::from(u16::from_be_bytes(rest.get(..2)?.try_into().unwrap())),
            4,
        ),
        127 => (u64::from_be_bytes(rest.get(..8)?.try_into().unwrap()), 10),
        length => (u64::from(*length), 2),
    };
    let shortest = match length {
        0..=125 => 2,
        126..=0xFFFF => 4,
        _ => 10,
    };
    assert_eq!(head, shortest, "a length of {length} in too many bytes");
    assert!(first & 8 == 0 || length <= 125, "a long control frame");
    let end = head + length as usize;
    Some((*first, bytes.get(head..end)?, end))
}
