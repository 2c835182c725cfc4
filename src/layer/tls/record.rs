//! The frame of a record (RFC 8446, 5).

use super::alert::Alert;
use super::keys::TAG_BYTES;

/// Length in bytes of what stands before a record.
pub const HEADER_BYTES: usize = 5;

/// Most bytes that a record may carry.
pub const CONTENT_BYTES_MAX: usize = 1 << 14;

/// Most bytes of a sealed record behind its header: content, type, padding and tag.
const SEALED_BYTES_MAX: usize = CONTENT_BYTES_MAX + 256;

/// Longest record that may come, in bytes.
pub const RECORD_BYTES_MAX: usize = HEADER_BYTES + SEALED_BYTES_MAX;

/// Longest record that is sent, in bytes.
pub const SENT_BYTES_MAX: usize = HEADER_BYTES + CONTENT_BYTES_MAX + 1 + TAG_BYTES;

/// What a record carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// An alert.
    Alert = 21,
    /// Messages of a handshake; behind it, key updates.
    Handshake = 22,
    /// What the connection is for. It is what every sealed record looks like from outside.
    Data = 23,
}

/// Returns the header of a sealed record with `length` bytes behind it.
#[must_use]
pub fn header(length: usize) -> [u8; HEADER_BYTES] {
    let [high, low] = (length as u16).to_be_bytes();
    [Content::Data as u8, 3, 3, high, low]
}

/// Returns how long the sealed record is that `bytes` start with, header and all; `None` as long
/// as that isn't known.
///
/// # Errors
/// Says with which alert a record is refused that may not come here or is too long.
pub fn length(bytes: &[u8]) -> Result<Option<usize>, Alert> {
    if bytes
        .first()
        .is_some_and(|&first| first != Content::Data as u8)
    {
        return Err(Alert::UNEXPECTED_MESSAGE);
    }
    let Some(&[_, _, _, high, low]) = bytes.get(..HEADER_BYTES) else {
        return Ok(None);
    };
    // The version says nothing (5.1): it is part of what the tag covers.
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > SEALED_BYTES_MAX {
        return Err(Alert::RECORD_OVERFLOW);
    }
    if length <= TAG_BYTES {
        return Err(Alert::BAD_RECORD_MAC);
    }
    Ok(Some(HEADER_BYTES + length))
}

/// Returns what a record carries whose opened bytes are `inner`, and how many of them are it; the
/// rest is its type and padding.
///
/// # Errors
/// Says with which alert a record is refused that carries nothing known, or too much.
pub fn content(inner: &[u8]) -> Result<(Content, usize), Alert> {
    let end = inner.iter().rposition(|&byte| byte != 0);
    let end = end.ok_or(Alert::UNEXPECTED_MESSAGE)?;
    if end > CONTENT_BYTES_MAX {
        return Err(Alert::RECORD_OVERFLOW);
    }
    let content = match inner[end] {
        21 => Content::Alert,
        22 => Content::Handshake,
        23 => Content::Data,
        _ => return Err(Alert::UNEXPECTED_MESSAGE),
    };
    Ok((content, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_has_a_length_within_limits() {
        let with = |length: u16| {
            let [high, low] = length.to_be_bytes();
            super::length(&[23, 3, 3, high, low, 99])
        };
        assert_eq!(with(0), Err(Alert::BAD_RECORD_MAC));
        assert_eq!(with(16), Err(Alert::BAD_RECORD_MAC));
        assert_eq!(with(17), Ok(Some(22)));
        assert_eq!(with(16_384 + 256), Ok(Some(RECORD_BYTES_MAX)));
        assert_eq!(with(16_384 + 257), Err(Alert::RECORD_OVERFLOW));
        assert_eq!(length(&[]), Ok(None));
        assert_eq!(length(&[23, 3, 3, 0]), Ok(None));
        assert_eq!(length(&[22]), Err(Alert::UNEXPECTED_MESSAGE));
        assert_eq!(header(17), [23, 3, 3, 0, 17]);
    }

    #[test]
    fn the_type_stands_behind_the_content_and_before_the_padding() {
        assert_eq!(content(&[1, 2, 23]), Ok((Content::Data, 2)));
        assert_eq!(content(&[0, 23, 0, 0]), Ok((Content::Data, 1)));
        assert_eq!(content(&[22]), Ok((Content::Handshake, 0)));
        assert_eq!(content(&[1, 21, 0]), Ok((Content::Alert, 1)));
        for nothing in [&[][..], &[0, 0], &[1, 20], &[24]] {
            assert_eq!(content(nothing), Err(Alert::UNEXPECTED_MESSAGE));
        }
        let mut long = vec![9; CONTENT_BYTES_MAX];
        long.push(23);
        assert_eq!(content(&long), Ok((Content::Data, CONTENT_BYTES_MAX)));
        long.push(23);
        assert_eq!(content(&long), Err(Alert::RECORD_OVERFLOW));
    }
}
