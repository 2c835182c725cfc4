//! Link types: the numbers with which a capture says what its frames begin with.

/// BSD loopback: four bytes of address family in the capturing host's order.
pub const NULL: u16 = 0;
/// Ethernet.
pub const ETHERNET: u16 = 1;
/// PPP, in HDLC-like framing or not, and Cisco's HDLC.
pub const PPP: u16 = 9;
/// FDDI.
pub const FDDI: u16 = 10;
/// OpenBSD loopback: as [`NULL`], in network order.
pub const LOOP: u16 = 108;
/// Linux cooked capture.
pub const SLL: u16 = 113;
/// IPv4, and nothing before it.
pub const IPV4: u16 = 228;
/// IPv6, and nothing before it.
pub const IPV6: u16 = 229;
/// Linux cooked capture, version 2.
pub const SLL2: u16 = 276;

const USERS: [&str; 16] = [
    "USER0", "USER1", "USER2", "USER3", "USER4", "USER5", "USER6", "USER7", "USER8", "USER9",
    "USER10", "USER11", "USER12", "USER13", "USER14", "USER15",
];

/// Returns whether frames begin with IP of whatever version. The number is the operating system's
/// own in old files.
#[must_use]
pub fn is_raw(link: u16) -> bool {
    matches!(link, 12 | 14 | 101)
}

/// Returns the name of a link type.
#[must_use]
pub fn name(link: u16) -> &'static str {
    match link {
        NULL => "NULL",
        ETHERNET => "EN10MB",
        PPP => "PPP",
        FDDI => "FDDI",
        link if is_raw(link) => "RAW",
        105 => "IEEE802_11",
        LOOP => "LOOP",
        SLL => "LINUX_SLL",
        127 => "IEEE802_11_RADIO",
        147..=162 => USERS[usize::from(link) - 147],
        220 => "USB_LINUX_MMAPPED",
        IPV4 => "IPV4",
        IPV6 => "IPV6",
        SLL2 => "LINUX_SLL2",
        _ => "unknown",
    }
}
