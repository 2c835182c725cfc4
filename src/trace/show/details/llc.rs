//! The type of what a frame carries, and the header that puts one where there is none.

use std::fmt::{self, Write as _};

/// The only header behind a length that may have IP behind it.
const SNAP: &str = "\
Logical-Link Control
    DSAP: SNAP (0xaa)
        1010 101. = SAP: SNAP
        .... ...0 = IG Bit: Individual
    SSAP: SNAP (0xaa)
        1010 101. = SAP: SNAP
        .... ...0 = CR Bit: Command
    Control field: U, func=UI (0x03)
        000. 00.. = Command: Unnumbered Information (0x00)
        .... ..11 = Frame type: Unnumbered frame (0x3)
    Organization Code: 00:00:00 (Officially Xerox, but
";

/// Writes the header that stands before the type.
pub(super) fn snap(out: &mut String, kind: u16) -> fmt::Result {
    out.push_str(SNAP);
    writeln!(out, "    Type: {}", EtherType(kind))
}

/// A type with its name.
pub(super) struct EtherType(pub(super) u16);

impl fmt::Display for EtherType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            0x0800 => "IPv4",
            0x86dd => "IPv6",
            0x8100 => "802.1Q Virtual LAN",
            0x88a8 => "802.1ad Provider Bridge (Q-in-Q)",
            0x9100 => "QinQ: old non-standard 802.1ad",
            _ => "Unknown",
        };
        write!(f, "{name} (0x{:04x})", self.0)
    }
}
