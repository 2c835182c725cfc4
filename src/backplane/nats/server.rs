//! What a NATS server says of itself and of us, and what it is told of us.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::credentials::Credentials;

/// Most addresses of other servers that are listened to.
const OTHERS_MAX: usize = 64;

/// How a server is, as far as it matters.
#[expect(clippy::struct_excessive_bools, reason = "as the protocol has them")]
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Info {
    pub(super) version: String,
    /// It knows headers.
    pub(super) headers: bool,
    /// Most bytes of a message, with its headers.
    pub(super) max_payload: usize,
    /// TLS has to be spoken.
    pub(super) tls_required: bool,
    /// TLS can be spoken.
    pub(super) tls_available: bool,
    /// What a key has to sign.
    pub(super) nonce: Option<String>,
    /// Other servers of its cluster.
    pub(super) connect_urls: Vec<String>,
    /// It closes soon.
    pub(super) ldm: bool,
    /// It keeps streams.
    pub(super) jetstream: bool,
}

impl Info {
    pub(super) fn read(json: &[u8]) -> Option<Self> {
        let mut info: Self = serde_json::from_slice(json).ok()?;
        info.connect_urls.truncate(OTHERS_MAX);
        Some(info)
    }
}

/// Returns what a server is told when somebody connects, up to the end of the line.
pub(super) fn connect(info: &Info, credentials: &Credentials, tls: bool) -> Vec<u8> {
    let mut told = Map::new();
    for (key, value) in [
        ("verbose", json!(false)),
        ("pedantic", json!(false)),
        ("tls_required", json!(tls)),
        ("name", json!("chatroom")),
        ("lang", json!("rust")),
        ("version", json!(env!("CARGO_PKG_VERSION"))),
        // Changes of the cluster are told.
        ("protocol", json!(1)),
        ("headers", json!(true)),
        ("no_responders", json!(true)),
        ("echo", json!(true)),
    ] {
        told.insert(key.to_owned(), value);
    }
    credentials.show(info.nonce.as_deref(), &mut told);
    // JSON has no line ends inside.
    format!("CONNECT {}\r\n", Value::Object(told)).into_bytes()
}

/// What a server complains of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Complaint {
    /// It doesn't know us; it closes the connection.
    Credentials,
    /// Something isn't allowed to us; the connection goes on.
    Permission,
    /// Anything else; the connection closes.
    Other,
}

impl Complaint {
    pub(super) fn of(words: &str) -> Self {
        let words = words.to_ascii_lowercase();
        if words.starts_with("permissions violation") {
            Self::Permission
        } else if [
            "authorization violation",
            "authentication",
            "account authentication",
            "user authentication",
        ]
        .iter()
        .any(|known| words.starts_with(known))
        {
            Self::Credentials
        } else {
            Self::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_are_told_apart() {
        for (words, complaint) in [
            ("Authorization Violation", Complaint::Credentials),
            ("User Authentication Expired", Complaint::Credentials),
            ("Authentication Timeout", Complaint::Credentials),
            (
                "Permissions Violation for Publish to \"a\"",
                Complaint::Permission,
            ),
            ("Stale Connection", Complaint::Other),
            ("Slow Consumer", Complaint::Other),
            ("", Complaint::Other),
        ] {
            assert_eq!(Complaint::of(words), complaint, "{words}");
        }
    }

    #[test]
    fn a_password_can_not_end_the_line() {
        let credentials = Credentials::Password {
            user: "a\r\nPUB x 0\r\n\r\n".to_owned(),
            password: "\"\\\r\n".to_owned().into(),
        };
        let told = connect(&Info::default(), &credentials, false);
        let line = String::from_utf8(told).unwrap();
        assert_eq!(line.find("\r\n"), Some(line.len() - 2));
        let json: Value = serde_json::from_str(line["CONNECT ".len()..].trim()).unwrap();
        assert_eq!(json["pass"], "\"\\\r\n");
    }

    #[test]
    fn an_info_may_lack_anything_and_have_more() {
        let info = Info::read(br#"{"server_id":"x","max_payload":1048576,"new":[1]}"#).unwrap();
        assert_eq!((info.max_payload, info.jetstream), (1_048_576, false));
        assert!(Info::read(b"{").is_none());
    }
}
