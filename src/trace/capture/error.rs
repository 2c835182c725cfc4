//! Why a capture can't be read, or not further.

use std::{fmt, io};

/// Why a capture can't be read, or not further.
#[derive(Debug)]
pub enum CaptureError {
    /// Reading failed.
    Io(io::Error),
    /// There is not one byte.
    Empty,
    /// The first bytes are no capture's.
    NotACapture(Vec<u8>),
    /// The first bytes are those of a compressed file; the program that unpacks it.
    Compressed(&'static str),
    /// The stream ended inside something.
    Cut {
        /// The packet that would have come next.
        packet: u64,
        /// How long the stream was.
        byte: u64,
    },
    /// A length that can't be.
    Damaged {
        /// The packet that would have come next.
        packet: u64,
        /// Where the record starts.
        byte: u64,
        /// The length it claims.
        claims: u64,
    },
}

impl fmt::Display for CaptureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The number in brackets is for programmers; the words are for people.
            Self::Io(error) => {
                let text = error.to_string();
                f.write_str(text.split(" (os error").next().unwrap_or(&text))
            }
            Self::Empty => f.write_str("no capture data"),
            Self::NotACapture(magic) => {
                f.write_str("not a pcap or pcapng capture (magic ")?;
                magic.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                f.write_str(")")
            }
            Self::Compressed(tool) => {
                write!(f, "compressed; use: {tool} -dc FILE | chatroom trace -")
            }
            Self::Cut { packet, byte } => write!(
                f,
                "capture ends in the middle of packet {packet} (byte {byte}); {} packets used",
                packet - 1
            ),
            Self::Damaged {
                packet,
                byte,
                claims,
            } => write!(
                f,
                "packet {packet} at byte {byte} claims {claims} bytes: damaged capture"
            ),
        }
    }
}
