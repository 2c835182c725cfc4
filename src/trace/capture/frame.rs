//! What a capture is made of.

/// One captured frame.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Position in the file, from 1.
    pub number: u64,
    /// Nanoseconds since 1970, where the format says.
    pub time_ns: Option<i64>,
    /// How many digits of a second the file's clock has.
    pub digits: u8,
    /// Link type number (LINKTYPE_...).
    pub link: u16,
    /// Length on the wire; `data` may be shorter.
    pub length: u32,
    /// The bytes that were captured.
    pub data: &'a [u8],
}

/// A frame that owns its bytes.
#[derive(Debug, Clone)]
pub struct OwnedFrame {
    frame: Frame<'static>,
    data: Vec<u8>,
}

impl OwnedFrame {
    /// Returns a copy of a frame.
    #[must_use]
    pub fn new(frame: &Frame<'_>) -> Self {
        Self {
            frame: Frame {
                data: &[],
                ..*frame
            },
            data: frame.data.to_vec(),
        }
    }

    /// Returns the frame.
    #[must_use]
    pub fn frame(&self) -> Frame<'_> {
        Frame {
            data: &self.data,
            ..self.frame
        }
    }
}

/// A frame and its time, in nanoseconds since the first frame of the capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Frame number.
    pub frame: u64,
    /// Nanoseconds since the first frame.
    pub time: i64,
}
