//! Numbers in network order.

/// Returns the number at `at`, in network order; the caller has made sure that it is there.
///
/// # Panics
/// If it isn't.
#[must_use]
pub fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

/// Returns the number at `at`, in network order; the caller has made sure that it is there.
///
/// # Panics
/// If it isn't.
#[must_use]
pub fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
