//! From which pages a browser may connect.
//!
//! A browser lets every page open a WebSocket to any server, and says which page it was (RFC 6455,
//! 10.2). Only the room's own page may, and those that the server is told of. That a page's address
//! is the one which was asked for isn't enough where the server listens for this machine alone: any
//! name can be made to lead there (DNS rebinding), so there the name has to be one that can't.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Where a page comes from: its scheme and authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: Scheme,
    /// In small letters, without the port that its scheme has anyway.
    authority: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

impl Scheme {
    /// Returns an authority as it is compared.
    fn normal(self, authority: &str) -> String {
        let port = match self {
            Self::Http => ":80",
            Self::Https => ":443",
        };
        let authority = authority.to_ascii_lowercase();
        let without = authority.strip_suffix(port).map(str::to_owned);
        without.unwrap_or(authority)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        write!(f, "{scheme}://{}", self.authority)
    }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let advice = || "give a page's origin, such as https://chat.example.org".to_owned();
        let lower = text.to_ascii_lowercase();
        let (scheme, authority) = lower
            .strip_prefix("https://")
            .map(|authority| (Scheme::Https, authority))
            .or_else(|| Some((Scheme::Http, lower.strip_prefix("http://")?)))
            .ok_or_else(advice)?;
        let is_authority = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
        if authority.is_empty() || !authority.bytes().all(is_authority) {
            return Err(advice());
        }
        Ok(Self {
            scheme,
            authority: scheme.normal(authority),
        })
    }
}

/// Returns whether a page of `origin` may connect that has asked for `host`, where those of `allowed`
/// may from wherever. `is_local` says that the server was reached at an address for this machine
/// alone.
pub(super) fn may_connect(origin: &[u8], host: &[u8], is_local: bool, allowed: &[Origin]) -> bool {
    let text = |bytes| std::str::from_utf8(bytes).ok();
    let Some(origin) = text(origin).and_then(|origin| origin.parse::<Origin>().ok()) else {
        return false;
    };
    let Some(host) = text(host) else {
        return false;
    };
    let is_own = origin.scheme.normal(host) == origin.authority;
    allowed.contains(&origin) || (is_own && (!is_local || is_sure(host)))
}

/// Returns whether a host's name can't be made to lead elsewhere than it says.
fn is_sure(host: &str) -> bool {
    let without_port = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = without_port.strip_prefix('[');
    let bare = bare.and_then(|rest| rest.strip_suffix(']'));
    let is_address = bare.unwrap_or(without_port).parse::<IpAddr>().is_ok();
    let name = without_port.to_ascii_lowercase();
    is_address || name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_page_may_connect_and_others_that_are_allowed() {
        let allowed = ["https://chat.example.org", "http://other.example:8080"];
        let allowed = allowed.map(|origin| origin.parse().unwrap());
        for (origin, host, local, may) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080", true, true),
            ("http://localhost:8080", "localhost:8080", true, true),
            (
                "http://room.localhost:8080",
                "room.localhost:8080",
                true,
                true,
            ),
            ("http://[::1]:8080", "[::1]:8080", true, true),
            ("http://LOCALHOST", "localhost:80", true, true),
            ("https://room.example", "room.example:443", false, true),
            ("https://room.example", "room.example", false, true),
            ("https://chat.example.org", "127.0.0.1:8080", true, true),
            ("http://other.example:8080", "room.example", false, true),
            // A name that leads here without being ours.
            ("http://evil.example:8080", "evil.example:8080", true, false),
            (
                "http://localhost.evil.example",
                "localhost.evil.example",
                true,
                false,
            ),
            (
                "http://127.0.0.1.evil.example",
                "127.0.0.1.evil.example",
                true,
                false,
            ),
            // Another page.
            ("http://evil.example", "127.0.0.1:8080", true, false),
            ("http://evil.example", "room.example", false, false),
            ("http://127.0.0.1:8081", "127.0.0.1:8080", true, false),
            ("http://localhost:8080", "127.0.0.1:8080", true, false),
            ("https://room.example", "room.example:80", false, false),
            ("http://chat.example.org", "127.0.0.1", true, false),
            (
                "https://chat.example.org.evil.example",
                "room.example",
                false,
                false,
            ),
            ("null", "room.example", false, false),
            ("null", "null", false, false),
            ("file://", "", false, false),
            ("", "", false, false),
        ] {
            let found = may_connect(origin.as_bytes(), host.as_bytes(), local, &allowed);
            assert_eq!(found, may, "{origin} at {host}");
        }
        assert!(!may_connect(b"http://\xff", b"\xff", false, &allowed));
    }

    #[test]
    fn what_is_no_origin_is_told_what_would_be() {
        for text in [
            "",
            "example.org",
            "https://",
            "ws://a",
            "https://a/b",
            "https://a b",
            "*",
        ] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
    }
}
