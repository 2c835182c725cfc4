//! TCP options, one after another.

use super::bytes::{u16_at, u32_at};

/// End of option list.
pub const END: u8 = 0;
/// No operation, padding between options.
pub const NOP: u8 = 1;
/// Maximum segment size.
pub const MSS: u8 = 2;
/// Window scale.
pub const WINDOW_SCALE: u8 = 3;
/// SACK permitted.
pub const SACK_PERMITTED: u8 = 4;
/// Selective acknowledgement.
pub const SACK: u8 = 5;
/// Timestamps.
pub const TIMESTAMPS: u8 = 8;
/// MD5 signature.
pub const MD5: u8 = 19;

/// Fast open, a cookie or the request for one.
pub const FAST_OPEN: u8 = 34;

/// The largest shift that counts (RFC 7323).
pub const WINDOW_SHIFT_MAX: u8 = 14;

/// One option.
#[derive(Debug, Clone, Copy)]
pub struct TcpOption<'a> {
    /// Its kind.
    pub kind: u8,
    /// Its value, without kind and length.
    pub value: &'a [u8],
}

/// The options of a header, until the end or the first that can't be.
#[derive(Debug, Clone)]
pub struct TcpOptions<'a> {
    rest: &'a [u8],
    ended: bool,
}

impl<'a> TcpOptions<'a> {
    /// Returns the options in these bytes.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            ended: false,
        }
    }
}

impl<'a> Iterator for TcpOptions<'a> {
    type Item = TcpOption<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let kind = *self.rest.first()?;
        if self.ended && kind != END {
            return None;
        }
        self.ended = kind == END;
        let len = match kind {
            END | NOP => 1,
            _ => usize::from(*self.rest.get(1)?),
        };
        let value = match kind {
            END | NOP => &[],
            _ => self.rest.get(2..len)?,
        };
        self.rest = &self.rest[len..];
        Some(TcpOption { kind, value })
    }
}

impl TcpOption<'_> {
    /// Returns the SACK blocks, as raw sequence numbers.
    pub fn sack_blocks(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.value
            .chunks_exact(8)
            .map(|block| (u32_at(block, 0), u32_at(block, 4)))
    }

    /// Returns the value as a 16-bit number, if it is one.
    #[must_use]
    pub fn u16(&self) -> Option<u16> {
        (self.value.len() == 2).then(|| u16_at(self.value, 0))
    }

    /// Returns `TSval` and `TSecr`, if this is a timestamps option of the right length.
    #[must_use]
    pub fn timestamps(&self) -> Option<(u32, u32)> {
        (self.value.len() == 8).then(|| (u32_at(self.value, 0), u32_at(self.value, 4)))
    }
}
