//! What is told of a sealed connection.

use std::fmt;

use crate::layer::tls::alert::Alert;
use crate::layer::tls::keys::Suite;
use crate::trace::tcp::reassembly::Delivery;

/// What comes of the bytes of one direction.
#[derive(Debug)]
pub enum Told<'a> {
    /// What the connection is for: as they came where it isn't sealed, opened where it is. A line of a
    /// record ends where its record ends.
    Bytes(Delivery<'a>),
    /// The side whose bytes these are says by `close_notify` that no more comes; with the raw sequence
    /// number behind that.
    Closed(u32),
    /// What else can be told.
    Word(Word),
}

/// What can be told of a sealed connection besides what is said over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// The client wants TLS.
    Asked {
        /// From the server of this name.
        server_name: Option<Vec<u8>>,
    },
    /// The server agrees.
    Agreed {
        /// The version's number on the wire.
        version: Version,
        /// The cipher suite's.
        suite: u16,
    },
    /// What goes this way is opened from now on.
    Opened,
    /// A record that can't be opened.
    Sealed {
        /// How many bytes are in it, or a few less if it is padded.
        bytes: u64,
        /// Why it can't.
        why: Why,
    },
    /// One side says why it ends the connection.
    Alert(Alert),
}

/// Why records can't be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// There are no secrets of this session.
    NoSecrets,
    /// They aren't this session's.
    OtherSecrets,
    /// The client's first message wasn't captured.
    NoBeginning,
    /// They are of a version that isn't read.
    Version(Version),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSecrets => f.write_str("no secrets of this session"),
            Self::OtherSecrets => f.write_str("the secrets don't fit"),
            Self::NoBeginning => f.write_str("its beginning was not captured"),
            Self::Version(version) => write!(f, "{version} is not read"),
        }
    }
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version(pub u16);

impl Version {
    /// TLS 1.3.
    pub const TLS13: Self = Self(0x304);
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0x300 => f.write_str("SSL 3.0"),
            minor @ 0x301..=0x304 => write!(f, "TLS 1.{}", minor - 0x301),
            other => write!(f, "TLS version 0x{other:04x}"),
        }
    }
}

/// A cipher suite's name, or else its number.
#[derive(Debug, Clone, Copy)]
pub struct SuiteName(pub u16);

impl fmt::Display for SuiteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Suite::numbered(self.0) {
            Some(suite) => f.write_str(suite.name()),
            None => write!(f, "cipher suite 0x{:04x}", self.0),
        }
    }
}
