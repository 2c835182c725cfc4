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
/// Multipath TCP.
pub const MULTIPATH: u8 = 30;
/// Fast open, a cookie or the request for one.
pub const FAST_OPEN: u8 = 34;
/// Accurate ECN, its counters in the first order.
pub const ACCURATE_ECN_0: u8 = 172;
/// Accurate ECN, its counters in the second order.
pub const ACCURATE_ECN_1: u8 = 174;
/// An experiment, named by the first two bytes of the value (RFC 6994).
pub const EXPERIMENT_1: u8 = 253;
/// As [`EXPERIMENT_1`].
pub const EXPERIMENT_2: u8 = 254;

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

/// One counter of accurate ECN: in bytes that came with this mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EcnMark {
    /// ECT(0).
    Zero,
    /// Congestion experienced.
    Experienced,
    /// ECT(1).
    One,
}

impl<'a> TcpOption<'a> {
    /// Returns what the option really is, and its value: an experiment may be one that has a kind of
    /// its own by now.
    #[must_use]
    pub fn settled(&self) -> (u8, &'a [u8]) {
        if !matches!(self.kind, EXPERIMENT_1 | EXPERIMENT_2) || self.value.len() < 2 {
            return (self.kind, self.value);
        }
        let kind = match u16_at(self.value, 0) {
            0xf989 => FAST_OPEN,
            0xacc0 => ACCURATE_ECN_0,
            0xacc1 => ACCURATE_ECN_1,
            _ => return (self.kind, self.value),
        };
        (kind, &self.value[2..])
    }

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

/// Returns the counters in the value of an accurate ECN option of that kind, `None` if its length is
/// none that such a value has.
#[must_use]
pub fn ecn_counters(kind: u8, value: &[u8]) -> Option<impl Iterator<Item = (EcnMark, u32)>> {
    let order = if kind == ACCURATE_ECN_0 {
        [EcnMark::Zero, EcnMark::Experienced, EcnMark::One]
    } else {
        [EcnMark::One, EcnMark::Experienced, EcnMark::Zero]
    };
    let counters = value
        .chunks_exact(3)
        .map(|counter| u32::from(counter[0]) << 16 | u32::from(u16_at(counter, 1)));
    let fits = value.len() <= 9 && value.len().is_multiple_of(3);
    fits.then(|| order.into_iter().zip(counters))
}
