//! Tells programs that have come to the wrong port from people.
//!
//! A browser can be made to post text of somebody else's choosing to any port; without a look at
//! how it begins, its headers would be answered line by line and its body taken for a name and for
//! talk.

/// Returns which protocol a connection speaks whose first line is `line`, if it isn't ours.
#[must_use]
pub fn protocol_of(line: &[u8]) -> Option<&'static str> {
    // A TLS record of type handshake, version 3.x (RFC 8446, 5.1).
    if line.starts_with(&[0x16, 0x03]) {
        return Some("TLS");
    }
    if line.starts_with(b"SSH-") {
        return Some("SSH");
    }
    // The one header that every request has (RFC 9112, 3.2), where the request line was too long.
    if line
        .get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"host:"))
    {
        return Some("HTTP");
    }
    // A mail server is greeted with a host's name (RFC 5321, 4.1.1.1); QUIT comes later, and could
    // be a name.
    if line.get(..5).is_some_and(|start| {
        [b"EHLO ", b"HELO "]
            .iter()
            .any(|greeting| start.eq_ignore_ascii_case(*greeting))
    }) {
        return Some("SMTP");
    }
    // A request line ends in its protocol's name and version (RFC 9112, 3; RTSP and SIP alike).
    let last = line
        .rsplit(|&byte| byte == b' ')
        .next()
        .filter(|last| last.len() < line.len())?;
    [
        ("HTTP", &b"HTTP/"[..]),
        ("RTSP", b"RTSP/"),
        ("SIP", b"SIP/"),
    ]
    .into_iter()
    .find_map(|(name, start)| last.starts_with(start).then_some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_told_from_people() {
        for (line, protocol) in [
            (&b"GET / HTTP/1.1"[..], Some("HTTP")),
            (b"POST /x?y HTTP/1.0", Some("HTTP")),
            (b"PRI * HTTP/2.0", Some("HTTP")),
            (b"OPTIONS sip:nm SIP/2.0", Some("SIP")),
            (b"OPTIONS / RTSP/1.0", Some("RTSP")),
            (b"\x16\x03\x01\x02\x00", Some("TLS")),
            (b"SSH-2.0-OpenSSH_9.2", Some("SSH")),
            (b"Host: 127.0.0.1:5050", Some("HTTP")),
            (b"host:x", Some("HTTP")),
            (b"EHLO example.org", Some("SMTP")),
            (b"helo x", Some("SMTP")),
            (b"helo", None),
            (b"host", None),
            (b"HTTP/", None),
            (b"soheil", None),
            (b"hello HTTP fans", None),
            (b"", None),
        ] {
            assert_eq!(protocol_of(line), protocol, "{line:?}");
        }
    }
}
