//! What the server hands to the child that writes: frames of a kind, a length and so many bytes.

/// Bytes before those of a frame: its kind, and its length.
const HEAD_BYTES: usize = 5;

/// What is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    /// Lines of the record, each with its line end.
    Record(&'a [u8]),
    /// The whole state.
    State(&'a [u8]),
    /// Opens the record's file anew.
    Reopen,
}

impl<'a> Frame<'a> {
    /// Adds the frame to `out`.
    pub(super) fn put(self, out: &mut Vec<u8>) {
        let (kind, bytes) = match self {
            Self::Record(bytes) => (b'R', bytes),
            Self::State(bytes) => (b'S', bytes),
            Self::Reopen => (b'O', &[][..]),
        };
        out.push(kind);
        out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        out.extend_from_slice(bytes);
    }

    /// Takes the first frame off `bytes`, if all of it is there; a kind that isn't known is taken
    /// for nothing.
    pub(super) fn take(bytes: &mut &'a [u8]) -> Option<Self> {
        let (kind, length) = head(bytes)?;
        let rest = &bytes[HEAD_BYTES..];
        if rest.len() < length {
            return None;
        }
        let (body, rest) = rest.split_at(length);
        *bytes = rest;
        Some(match kind {
            b'R' => Self::Record(body),
            b'S' => Self::State(body),
            b'O' => Self::Reopen,
            _ => Self::Record(&[]),
        })
    }

    /// Returns the whole lines of a record whose end has not come and never will.
    pub(super) fn cut_record(bytes: &[u8]) -> &[u8] {
        match head(bytes) {
            Some((b'R', _)) => {
                let body = &bytes[HEAD_BYTES..];
                let end = memchr::memrchr(b'\n', body).map_or(0, |at| at + 1);
                &body[..end]
            }
            _ => &[],
        }
    }
}

fn head(bytes: &[u8]) -> Option<(u8, usize)> {
    let [kind, length @ ..] = *bytes.first_chunk::<HEAD_BYTES>()?;
    Some((kind, u32::from_le_bytes(length) as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_back_wherever_they_are_cut() {
        let frames = [
            Frame::Record(b"one\ntwo\n"),
            Frame::State(b""),
            Frame::Reopen,
            Frame::State(b"three"),
        ];
        let mut bytes = Vec::new();
        for frame in frames {
            frame.put(&mut bytes);
        }
        for cut in 0..=bytes.len() {
            let mut rest = &bytes[..cut];
            let taken = std::iter::from_fn(|| Frame::take(&mut rest)).collect::<Vec<_>>();
            assert!(frames.starts_with(&taken), "{cut}");
            assert_eq!(taken.len() == frames.len(), cut == bytes.len());
        }
        for (cut, whole) in [
            (4, ""),
            (8, ""),
            (9, "one\n"),
            (12, "one\n"),
            (13, "one\ntwo\n"),
        ] {
            assert_eq!(Frame::cut_record(&bytes[..cut]), whole.as_bytes(), "{cut}");
        }
        assert_eq!(Frame::cut_record(b"S\x09\0\0\0a\nb\n"), b"");
    }
}
