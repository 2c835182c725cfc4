//! Why a frame is not looked at.

use std::fmt;

use super::link_type;

/// What IP may be carried in, other than by the link layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tunnel {
    /// Geneve, over UDP.
    Geneve,
    /// Generic routing encapsulation.
    Gre,
    /// Labels of multiprotocol label switching.
    Mpls,
    /// VXLAN, over UDP.
    Vxlan,
}

impl fmt::Display for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Geneve => "Geneve",
            Self::Gre => "GRE",
            Self::Mpls => "MPLS",
            Self::Vxlan => "VXLAN",
        })
    }
}

/// Why a frame is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Skip {
    /// A link type that isn't supported.
    UnknownLink(u16),
    /// Not IP.
    NotIp,
    /// IP, but not TCP.
    NotTcp,
    /// TCP in a tunnel.
    Tunnelled(Tunnel),
    /// A piece of an IP packet of which the others are missing so far.
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
            Self::Tunnelled(tunnel) => write!(f, "TCP in {tunnel} (not looked into)"),
            Self::Fragment => f.write_str("IP fragment, and others of its packet are missing"),
            Self::ShortIp => f.write_str("IP header cut short"),
            Self::BadIp => f.write_str("bad IP header"),
            Self::ShortTcp => f.write_str("TCP header cut short"),
            Self::BadTcp => f.write_str("bad TCP header"),
        }
    }
}
