//! What messages are made of.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// What server this is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello<'a> {
    /// The encoding's version.
    pub version: u32,
    /// The program and its version.
    #[serde(borrow)]
    pub server: Cow<'a, str>,
    /// Which start of the server this is: numbers of events mean something within one only.
    #[serde(borrow)]
    pub boot: Cow<'a, str>,
    /// Longest line, in bytes.
    pub line_bytes: usize,
    /// Lines a second that are heard of one member; 0 is any number.
    pub rate: u32,
    /// Lines that are heard of one member at once, before that rate holds.
    pub burst: u32,
    /// How many of a member's last ids are known again.
    pub ids: usize,
    /// People are told who comes: programs always are.
    #[serde(default)]
    pub announces_joins: bool,
}

/// What somebody says or does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Talk<'a> {
    /// The event's number.
    pub seq: u64,
    /// When, in milliseconds since 1970 (UTC).
    pub time: u64,
    /// Who.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    /// What.
    #[serde(borrow)]
    pub text: Cow<'a, str>,
}

/// Who comes or goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coming<'a> {
    /// The event's number.
    pub seq: u64,
    /// When, in milliseconds since 1970 (UTC).
    pub time: u64,
    /// Who.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
}

/// What somebody has done about who may be here and speak.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed<'a> {
    /// The event's number.
    pub seq: u64,
    /// When, in milliseconds since 1970 (UTC).
    pub time: u64,
    /// What: `kicked`, `banned`, `topic` ...; see [`Act::code`](crate::room::access::Act::code).
    #[serde(borrow)]
    pub code: Cow<'a, str>,
    /// Who has done it.
    #[serde(borrow)]
    pub by: Cow<'a, str>,
    /// To whom, if to somebody by name.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Cow<'a, str>>,
    /// What it was put in: the topic, the announcement, the reason.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub what: Option<Cow<'a, str>>,
    /// For people to read.
    #[serde(borrow)]
    pub text: Cow<'a, str>,
}
