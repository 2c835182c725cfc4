//! The room as programs read it: one JSON object (RFC 8259) a line, for whoever's first line is
//! [`FIRST_LINE`].
//!
//! What the server sends is a [`Message`], what it is sent a [`Request`]. Members that are added
//! later are to be ignored by whoever doesn't know them.

mod effect;
mod parts;
mod request;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

pub use self::effect::put;
pub use self::parts::{Coming, Deed, Hello, Talk};
pub use self::request::{ID_BYTES_MAX, Malformed, Request, Resume};
use super::{Stamp, plain};
use crate::room::{Event, Names};

/// The first line of who wants to be sent JSON; no name starts with a slash.
pub const FIRST_LINE: &str = "/json";

/// The version of this encoding; another one is not understood by who knows this.
pub const VERSION: u32 = 1;

/// Most bytes that a line may have as JSON, where it may have `max` as text: a character of two
/// bytes may be written as an escape of six.
#[must_use]
pub fn line_bytes_max(max: usize) -> usize {
    3 * max + 512
}

/// What the server sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Message<'a> {
    /// The first: what server this is. A name is to be given next.
    Hello(#[serde(borrow)] Hello<'a>),
    /// The room has a password, which comes before a name.
    Password {
        /// It is still to be given; else it was right.
        needed: bool,
    },
    /// You are in the room, and hear what comes after `seq`.
    Welcome {
        /// The number of your own coming.
        seq: u64,
        /// Your name.
        #[serde(borrow)]
        name: Cow<'a, str>,
        /// What you missed follows; what you knew of the room still holds.
        resumed: bool,
        /// By which you are known when you come back after a break; a secret.
        #[serde(borrow)]
        token: Cow<'a, str>,
    },
    /// Who is here, you included, after everything sent so far.
    Members {
        /// How many are here.
        count: usize,
        /// Their names, as many as there is place for.
        names: Vec<Cow<'a, str>>,
        /// How many are here whose names are left out.
        more: usize,
    },
    /// Somebody says something.
    Said(#[serde(borrow)] Talk<'a>),
    /// Somebody tells what they do.
    Me(#[serde(borrow)] Talk<'a>),
    /// Somebody came.
    Joined(#[serde(borrow)] Coming<'a>),
    /// Somebody left.
    Left(#[serde(borrow)] Coming<'a>),
    /// Somebody goes by another name.
    Renamed {
        /// The event's number.
        seq: u64,
        /// When, in milliseconds since 1970 (UTC).
        time: u64,
        /// The name so far.
        #[serde(borrow)]
        name: Cow<'a, str>,
        /// The name from now on.
        #[serde(borrow)]
        to: Cow<'a, str>,
    },
    /// Somebody has done something about who may be here and speak.
    Act(#[serde(borrow)] Deed<'a>),
    /// You are told the key of your name, this once.
    Key {
        /// The name.
        #[serde(borrow)]
        name: Cow<'a, str>,
        /// The key.
        #[serde(borrow)]
        key: Cow<'a, str>,
    },
    /// The server's word to everybody.
    Announced {
        /// The event's number.
        seq: u64,
        /// When, in milliseconds since 1970 (UTC).
        time: u64,
        /// For people to read.
        #[serde(borrow)]
        text: Cow<'a, str>,
    },
    /// The server is closing.
    Closing {
        /// The event's number.
        seq: u64,
        /// When, in milliseconds since 1970 (UTC).
        time: u64,
    },
    /// Somebody says something to you alone.
    Private {
        /// When, in milliseconds since 1970 (UTC).
        time: u64,
        /// Who.
        #[serde(borrow)]
        name: Cow<'a, str>,
        /// What.
        #[serde(borrow)]
        text: Cow<'a, str>,
    },
    /// The server's word to you; the codes are those of [`Notice`](crate::room::Notice).
    Notice {
        /// What it is about.
        #[serde(borrow)]
        code: Cow<'a, str>,
        /// For people to read, in one line or several.
        #[serde(borrow)]
        text: Cow<'a, str>,
    },
    /// What you sent came to nothing.
    Error {
        /// Why.
        #[serde(borrow)]
        code: Cow<'a, str>,
        /// For people to read.
        #[serde(borrow)]
        text: Cow<'a, str>,
        /// The id of the line, if it had one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<Cow<'a, str>>,
    },
    /// Your line was taken.
    Ack {
        /// Its id.
        #[serde(borrow)]
        id: Cow<'a, str>,
        /// Its number, if everybody was told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seq: Option<u64>,
        /// When, in milliseconds since 1970 (UTC), if everybody was told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        time: Option<u64>,
    },
    /// What follows was before you came.
    HistoryBegin,
    /// That was before you came.
    HistoryEnd,
    /// You missed events that the server doesn't have any more.
    Gap {
        /// How many, where that is known: not after another start of the server.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        missed: Option<u64>,
    },
}

impl<'a> Message<'a> {
    /// Returns what tells everybody of an event; nothing of one that only one person is told.
    /// `names` are those before it.
    #[must_use]
    pub fn of(event: &'a Event<'_>, names: &'a Names, stamp: Stamp) -> Option<Self> {
        let Stamp { seq, time_ms: time } = stamp;
        match event {
            Event::Closing => Some(Self::Closing { seq, time }),
            Event::Announced { text } => Some(Self::Announced {
                seq,
                time,
                text: (*text).into(),
            }),
            Event::Act { member, act, words } => act.is_public().then(|| {
                Self::Act(Deed {
                    seq,
                    time,
                    code: act.code().into(),
                    by: names.of(*member).into(),
                    name: act.name(names).map(Cow::Borrowed),
                    what: act.text().map(Cow::Borrowed),
                    text: words.into(),
                })
            }),
            _ => Self::of_line(plain::Line::of(event, names)?, stamp),
        }
    }

    /// Returns what tells the same as a line of the room's talk.
    #[must_use]
    pub fn of_line(line: plain::Line<'a>, stamp: Stamp) -> Option<Self> {
        use plain::Line;
        let Stamp { seq, time_ms: time } = stamp;
        let talk = |name, text| Talk {
            seq,
            time,
            name: Cow::Borrowed(name),
            text: Cow::Borrowed(text),
        };
        let coming = |name| Coming {
            seq,
            time,
            name: Cow::Borrowed(name),
        };
        Some(match line {
            Line::Said { name, text } => Self::Said(talk(name, text)),
            Line::Did { name, text } => Self::Me(talk(name, text)),
            Line::Joined(name) => Self::Joined(coming(name)),
            Line::Left(name) => Self::Left(coming(name)),
            Line::Renamed { from, to } => Self::Renamed {
                seq,
                time,
                name: from.into(),
                to: to.into(),
            },
            Line::AskPassword
            | Line::Prompt
            | Line::Greeting
            | Line::SaidPrivately { .. }
            | Line::Notice(_)
            | Line::Other(_) => return None,
        })
    }

    /// Returns the line of the room's talk that tells the same, and when it happened; nothing of
    /// what isn't told once more when it is over.
    #[must_use]
    pub fn as_past(&self) -> Option<(plain::Line<'_>, u64)> {
        use plain::Line;
        Some(match self {
            Self::Said(Talk {
                name, text, time, ..
            }) => (Line::Said { name, text }, *time),
            Self::Me(Talk {
                name, text, time, ..
            }) => (Line::Did { name, text }, *time),
            Self::Joined(Coming { name, time, .. }) => (Line::Joined(name), *time),
            Self::Left(Coming { name, time, .. }) => (Line::Left(name), *time),
            Self::Renamed { name, to, time, .. } => (Line::Renamed { from: name, to }, *time),
            Self::Act(Deed { text, time, .. }) | Self::Announced { text, time, .. } => {
                (Line::Notice(text), *time)
            }
            _ => return None,
        })
    }

    /// Returns the event's number, of what everybody is told.
    #[must_use]
    pub fn seq(&self) -> Option<u64> {
        match self {
            Self::Said(talk) | Self::Me(talk) => Some(talk.seq),
            Self::Joined(coming) | Self::Left(coming) => Some(coming.seq),
            Self::Act(deed) => Some(deed.seq),
            Self::Renamed { seq, .. } | Self::Announced { seq, .. } | Self::Closing { seq, .. } => {
                Some(*seq)
            }
            _ => None,
        }
    }

    /// Adds the message to `out`, with its line end.
    pub fn put(&self, out: &mut Vec<u8>) {
        let written = serde_json::to_writer(&mut *out, self);
        debug_assert!(written.is_ok(), "nothing here can't be written as JSON");
        out.push(b'\n');
    }

    /// Returns the message that a line is, without its line end.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(line: &'a [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(line)
    }
}

/// Returns the number of the event that a line starts to tell of; the first 64 bytes of the line
/// suffice.
#[must_use]
pub fn seq_of(line: &[u8]) -> Option<u64> {
    const BEFORE: &[u8] = b"\"seq\":";
    let at = memchr::memmem::find(line, BEFORE)? + BEFORE.len();
    let digits = line[at..].iter().take_while(|byte| byte.is_ascii_digit());
    let digits = std::str::from_utf8(&line[at..at + digits.count()]).ok()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests;
