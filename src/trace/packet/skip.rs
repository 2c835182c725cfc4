//! Why a frame is not looked at.

use std::fmt;

use super::link_type;

/// Why a frame is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Skip {
    /// A link type that isn't supported.
    UnknownLink(u16),
    /// Not IP.
    NotIp,
    /// IP, but not TCP.
    NotTcp,
    /// A piece of a fragmented IP packet.
    Fragment,
    /// The frame ends inside the link or IP header.
    ShortIp,
    /// An IP header that contradicts itself.
    BadIp,
    /// The frame ends inside the TCP header.
    ShortTcp,
    /// A TCP header that contradicts itself.
    BadTcp,
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownLink(link) => {
                write!(
                    f,
                    "link type {link} ({}) is not supported",
                    link_type::name(*link)
                )
            }
            Self::NotIp => f.write_str("not IP"),
            Self::NotTcp => f.write_str("not TCP"),
            Self::Fragment => f.write_str("IP fragment (not reassembled)"),
            Self::ShortIp => f.write_str("IP header cut short"),
            Self::BadIp => f.write_str("bad IP header"),
            Self::ShortTcp => f.write_str("TCP header cut short"),
            Self::BadTcp => f.write_str("bad TCP header"),
        }
    }
}
