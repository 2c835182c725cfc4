//! The byte that says how to treat a packet, in IPv4 and IPv6, in Wireshark's words.

/// Returns a DSCP in words, long and short.
pub(super) fn dscp(point: u16) -> (String, String) {
    let class = point >> 3;
    match (point & 7, point) {
        (_, 0) => ("Default".to_owned(), "CS0".to_owned()),
        (_, 1) => ("Lower Effort".to_owned(), "LE".to_owned()),
        (_, 44) => ("Voice Admit".to_owned(), "VOICE-ADMIT".to_owned()),
        (_, 46) => ("Expedited Forwarding".to_owned(), "EF PHB".to_owned()),
        (0, _) => (format!("Class Selector {class}"), format!("CS{class}")),
        (drop @ (2 | 4 | 6), 8..40) => {
            let name = format!("{class}{}", drop / 2);
            (format!("Assured Forwarding {name}"), format!("AF{name}"))
        }
        _ => ("Unknown".to_owned(), "Unknown".to_owned()),
    }
}

/// Returns an ECN codepoint in words, long and short.
pub(super) fn ecn(bits: u16) -> (&'static str, &'static str) {
    match bits {
        0 => ("Not ECN-Capable Transport", "Not-ECT"),
        1 => ("ECN-Capable Transport codepoint '01'", "ECT(1)"),
        2 => ("ECN-Capable Transport codepoint '10'", "ECT(0)"),
        _ => ("Congestion Experienced", "CE"),
    }
}
