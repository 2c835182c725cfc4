//! What a program sends the server.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::Message;
use crate::line::sanitize;

/// Longest `id` of a line, in bytes.
pub const ID_BYTES_MAX: usize = 64;

/// Most characters of what is wrong with a line.
const WORDS_MAX: usize = 200;

/// What the server is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request<'a> {
    /// A name to come in under.
    Name(Cow<'a, str>),
    /// The same of a name that is kept.
    Keeper {
        /// The name.
        name: Cow<'a, str>,
        /// The key to it.
        key: Cow<'a, str>,
    },
    /// The password of the room, before a name.
    Password(Cow<'a, str>),
    /// A line, as a person would type it.
    Line {
        /// By which the answer names it.
        id: Option<Cow<'a, str>>,
        /// What is typed.
        line: Cow<'a, str>,
    },
    /// To come in again after a break.
    Resume(Resume<'a>),
}

/// Where somebody was when the connection broke.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume<'a> {
    /// Which start of the server it was; see [`Hello::boot`](super::Hello::boot).
    #[serde(borrow)]
    pub boot: Cow<'a, str>,
    /// The number of the last event that it knows of.
    pub seq: u64,
    /// The name it had.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    /// The key to it, if it is kept.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Cow<'a, str>>,
    /// What it was given to be known by. An older connection that is known by it, too, ends.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Cow<'a, str>>,
}

impl Resume<'_> {
    /// Returns the same, to keep it.
    #[must_use]
    pub fn into_owned(self) -> Resume<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Resume {
            boot: own(self.boot),
            seq: self.seq,
            name: own(self.name),
            key: self.key.map(own),
            token: self.token.map(own),
        }
    }
}

/// Why a line is no request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed(String);

impl Malformed {
    /// Of something that isn't JSON, or has a member of another type. The words may repeat what was
    /// sent, escaped: so they are cut.
    fn new(error: &serde_json::Error) -> Self {
        let words = error.to_string();
        Self(format!(
            "Your line was not understood: {words:.WORDS_MAX$}."
        ))
    }

    /// Returns the answer.
    #[must_use]
    pub fn message(&self) -> Message<'_> {
        Message::Error {
            code: "bad-request".into(),
            text: self.0.as_str().into(),
            id: None,
        }
    }
}

/// A text that is borrowed where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    key: Option<Text<'a>>,
    #[serde(borrow)]
    password: Option<Text<'a>>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    line: Option<Text<'a>>,
    #[serde(borrow)]
    resume: Option<Resume<'a>>,
}

impl<'a> Request<'a> {
    /// Returns the request that a line is, without its line end.
    ///
    /// # Errors
    /// Says what is wrong with it, and what is right.
    pub fn parse(line: &'a [u8]) -> Result<Self, Malformed> {
        let members: Members<'_> =
            serde_json::from_slice(line).map_err(|error| Malformed::new(&error))?;
        match members {
            Members {
                line: Some(line),
                id,
                name: None,
                key: None,
                resume: None,
                password: None,
            } => {
                let id = id.map(|id| id.0);
                if id.as_ref().is_some_and(|id| id.len() > ID_BYTES_MAX) {
                    let why = format!("Your id is longer than {ID_BYTES_MAX} bytes.");
                    return Err(Malformed(why));
                }
                // It is sent back as it is.
                if id.as_ref().is_some_and(|id| !is_safe(id)) {
                    let why = "Your id has characters that are not safe to show.";
                    return Err(Malformed(why.to_owned()));
                }
                let line = line.0;
                Ok(Self::Line { id, line })
            }
            Members {
                name: Some(name),
                key,
                id: None,
                line: None,
                resume: None,
                password: None,
            } => Ok(match key {
                None => Self::Name(name.0),
                Some(key) => Self::Keeper {
                    name: name.0,
                    key: key.0,
                },
            }),
            Members {
                resume: Some(resume),
                key: None,
                id: None,
                line: None,
                name: None,
                password: None,
            } => Ok(Self::Resume(resume)),
            Members {
                password: Some(password),
                name: None,
                key: None,
                id: None,
                line: None,
                resume: None,
            } => Ok(Self::Password(password.0)),
            _ => Err(Malformed(
                "Your line is none of {\"name\":...}, {\"id\":...,\"line\":...} and {\"resume\":...}."
                    .to_owned(),
            )),
        }
    }

    /// Adds the request to `out`, with its line end.
    pub fn put(&self, out: &mut Vec<u8>) {
        let written = match self {
            Self::Name(name) => {
                serde_json::to_writer(&mut *out, &serde_json::json!({"name": name}))
            }
            Self::Keeper { name, key } => {
                serde_json::to_writer(&mut *out, &serde_json::json!({"name": name, "key": key}))
            }
            Self::Password(password) => {
                serde_json::to_writer(&mut *out, &serde_json::json!({"password": password}))
            }
            Self::Line { id: None, line } => {
                serde_json::to_writer(&mut *out, &serde_json::json!({"line": line}))
            }
            Self::Line { id, line } => {
                serde_json::to_writer(&mut *out, &serde_json::json!({"id": id, "line": line}))
            }
            Self::Resume(resume) => {
                serde_json::to_writer(&mut *out, &serde_json::json!({"resume": resume}))
            }
        };
        debug_assert!(written.is_ok(), "nothing here can't be written as JSON");
        out.push(b'\n');
    }
}

fn is_safe(text: &str) -> bool {
    sanitize::safe(text.as_bytes(), &mut String::new()) == text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read() {
        let line = |id: Option<&'static str>, line: &'static str| Request::Line {
            id: id.map(Cow::Borrowed),
            line: line.into(),
        };
        for (text, request) in [
            (r#"{"name":"ali"}"#, Request::Name("ali".into())),
            (
                r#"{"name":"ali","key":"0f3a"}"#,
                Request::Keeper {
                    name: "ali".into(),
                    key: "0f3a".into(),
                },
            ),
            (
                r#"{"password":"open sesame"}"#,
                Request::Password("open sesame".into()),
            ),
            (r#"{"id":"7","line":"hi"}"#, line(Some("7"), "hi")),
            (r#" {"line":"a\u0062" , "later":[1]} "#, line(None, "ab")),
            (
                r#"{"resume":{"boot":"ff","seq":3,"name":"ali"}}"#,
                Request::Resume(Resume {
                    boot: "ff".into(),
                    seq: 3,
                    name: "ali".into(),
                    token: None,
                    key: None,
                }),
            ),
            (
                r#"{"resume":{"boot":"ff","seq":3,"name":"ali","token":"1","key":"0f3a"}}"#,
                Request::Resume(Resume {
                    boot: "ff".into(),
                    seq: 3,
                    name: "ali".into(),
                    token: Some("1".into()),
                    key: Some("0f3a".into()),
                }),
            ),
        ] {
            assert_eq!(Request::parse(text.as_bytes()).as_ref(), Ok(&request));
            let mut out = Vec::new();
            request.put(&mut out);
            assert_eq!(Request::parse(out.trim_ascii_end()), Ok(request));
        }
    }

    #[test]
    fn what_is_no_request_is_told_why() {
        let long = format!(r#"{{"id":"{}","line":""}}"#, "x".repeat(ID_BYTES_MAX + 1));
        for (line, why) in [
            ("hello", "expected value"),
            ("{}", "none of"),
            ("[]", "invalid"),
            (r#"{"name":"ali","line":"hi"}"#, "none of"),
            (r#"{"id":"7"}"#, "none of"),
            (r#"{"password":"x","name":"ali"}"#, "none of"),
            (r#"{"id":7,"line":"hi"}"#, "invalid type"),
            (r#"{"line":"hi""#, "EOF"),
            (r#"{"line":"hi"} x"#, "trailing"),
            (
                r#"{"resume":{"boot":"x","seq":-1,"name":"ali"}}"#,
                "invalid",
            ),
            (long.as_str(), "longer than 64"),
            ("{\"id\":\"\u{202E}\",\"line\":\"\"}", "not safe"),
            (r#"{"id":"\u001b","line":""}"#, "not safe"),
        ] {
            let Malformed(text) = Request::parse(line.as_bytes()).unwrap_err();
            assert!(
                text.starts_with("Your ") && text.contains(why),
                "{line}: {text}"
            );
        }
        assert!(Request::parse(b"{\"line\":\"\xff\"}").is_err());
        let repeated = format!("{{\"resume\":\"{}\"}}", "\u{85}\u{202E}".repeat(1000));
        let Malformed(text) = Request::parse(repeated.as_bytes()).unwrap_err();
        assert!(is_safe(&text) && text.len() < 300, "{text}");
        let deep = "[".repeat(100_000);
        assert!(Request::parse(deep.as_bytes()).is_err());
    }
}
