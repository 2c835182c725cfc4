//! The server's own frames (RFC 6455, 5.2): never masked, and never in fragments.

use super::Code;

/// Longest head of a frame of the server's, in bytes.
pub const HEAD_BYTES_MAX: usize = 10;

/// Longest payload of a control frame, in bytes (RFC 6455, 5.5).
pub const CONTROL_BYTES_MAX: usize = 125;

/// Set in the first byte of the last frame of a message.
pub(super) const FIN: u8 = 0x80;

/// What a frame is (RFC 6455, 11.8).
pub(super) mod opcode {
    pub(in super::super) const CONTINUATION: u8 = 0;
    pub(in super::super) const TEXT: u8 = 1;
    pub(in super::super) const BINARY: u8 = 2;
    pub(in super::super) const CLOSE: u8 = 8;
    pub(in super::super) const PING: u8 = 9;
    pub(in super::super) const PONG: u8 = 10;
}

/// The head of a frame that is a whole text message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    bytes: [u8; HEAD_BYTES_MAX],
    length: u8,
}

impl Head {
    /// Returns the head of a message of so many bytes.
    #[must_use]
    pub fn of_text(payload_bytes: usize) -> Self {
        let mut bytes = [0; HEAD_BYTES_MAX];
        bytes[0] = FIN | opcode::TEXT;
        let length = match payload_bytes {
            0..=125 => {
                bytes[1] = payload_bytes as u8;
                2
            }
            126..=0xFFFF => {
                bytes[1] = 126;
                bytes[2..4].copy_from_slice(&(payload_bytes as u16).to_be_bytes());
                4
            }
            _ => {
                bytes[1] = 127;
                bytes[2..].copy_from_slice(&(payload_bytes as u64).to_be_bytes());
                10
            }
        };
        Self { bytes, length }
    }

    /// Returns its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

/// Puts a frame at the end of `out` that asks whether somebody is there.
pub fn put_ping(out: &mut Vec<u8>) {
    out.extend_from_slice(&[FIN | opcode::PING, 0]);
}

/// Puts a frame at the end of `out` that answers a ping whose payload this is.
pub fn put_pong(payload: &[u8], out: &mut Vec<u8>) {
    debug_assert!(payload.len() <= CONTROL_BYTES_MAX);
    out.extend_from_slice(&[FIN | opcode::PONG, payload.len() as u8]);
    out.extend_from_slice(payload);
}

/// Puts the last frame at the end of `out`, with a code unless there is none.
pub fn put_close(code: Code, out: &mut Vec<u8>) {
    if code == Code::NONE {
        out.extend_from_slice(&[FIN | opcode::CLOSE, 0]);
    } else {
        out.extend_from_slice(&[FIN | opcode::CLOSE, 2]);
        out.extend_from_slice(&code.0.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_how_long_its_message_is_in_as_few_bytes_as_do() {
        for (length, head) in [
            (0, &b"\x81\x00"[..]),
            (125, b"\x81\x7d"),
            (126, b"\x81\x7e\x00\x7e"),
            (65_535, b"\x81\x7e\xff\xff"),
            (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
        ] {
            assert_eq!(Head::of_text(length).bytes(), head, "{length}");
        }
    }

    #[test]
    fn control_frames_are_as_the_rfc_has_them() {
        let mut out = Vec::new();
        put_ping(&mut out);
        put_pong(b"Hello", &mut out);
        put_close(Code::NONE, &mut out);
        put_close(Code::NORMAL, &mut out);
        assert_eq!(out, b"\x89\x00\x8a\x05Hello\x88\x00\x88\x02\x03\xe8");
    }
}
