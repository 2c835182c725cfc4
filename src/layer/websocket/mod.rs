//! WebSocket (RFC 6455) on the server's side: what a client's frames say, and the heads of the
//! server's own.
//!
//! Nothing is collected here. The text of a client's frames is handed on as it comes, a line end
//! behind each message that has none, so that a message is as many lines as it has, and what cuts
//! and bounds lines does so for messages in one frame or in a thousand. Towards the client only
//! heads are made: what they stand before is somebody else's, and not copied.
//!
//! This folder does not know sockets, nor what the text says.

pub mod decoder;
pub mod frame;
mod text;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};

/// The version of the protocol (RFC 6455, 4.1).
pub const VERSION: &[u8] = b"13";

/// What a client's key is combined with (RFC 6455, 1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// How many bytes a client's key stands for.
const KEY_BYTES: usize = 16;

/// Returns what proves to a client that its `key` was understood (RFC 6455, 4.2.2), or nothing if
/// that is no key.
#[must_use]
pub fn accept_key(key: &[u8]) -> Option<String> {
    if STANDARD.decode(key).ok()?.len() != KEY_BYTES {
        return None;
    }
    // The protocol asks for this hash; nothing depends on its strength.
    let mut hash = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    hash.update(key);
    hash.update(GUID);
    Some(STANDARD.encode(hash.finish()))
}

/// Why a WebSocket is closed, as it is told (RFC 6455, 7.4.1, and the registry it founds).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(pub u16);

impl Code {
    /// It has done what it was for.
    pub const NORMAL: Self = Self(1000);
    /// The server goes.
    pub const GOING_AWAY: Self = Self(1001);
    /// The rules for frames were broken.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// Something else than text came.
    pub const NOT_ACCEPTED: Self = Self(1003);
    /// There was no code: never sent (RFC 6455, 7.4.1).
    pub const NONE: Self = Self(1005);
    /// The text is not UTF-8.
    pub const NOT_UTF8: Self = Self(1007);
    /// The room doesn't want it here.
    pub const POLICY: Self = Self(1008);
    /// A frame is too long.
    pub const TOO_BIG: Self = Self(1009);
    /// There is no place now.
    pub const TRY_AGAIN: Self = Self(1013);

    /// Returns whether it may be said by a client.
    #[must_use]
    pub fn may_be_sent(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_answered_as_the_rfc_does() {
        let accepted = accept_key(b"dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(accepted.unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn what_is_no_key_is_not_answered() {
        for key in [
            &b""[..],
            b"dGhlIHNhbXBsZSBub25jZQ",
            b"dGhlIHNhbXBsZSBub25j",
            b"dGhlIHNhbXBsZSBub25jZSE=",
            b"dGhlIHNhbXBsZSBub25jZR==",
            b"dGhlIHNhbXBsZSBub25j\xffQ==",
            &[b'A'; 4000],
        ] {
            assert_eq!(accept_key(key), None, "{key:?}");
        }
    }
}
