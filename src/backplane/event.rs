//! Events as they stand in the stream: JSON, checked when read.
//!
//! Whoever may write to the stream may write anything: what is read here is only taken for a name, a
//! text, an address if a person could have typed it. Whether the event may happen is the room's matter
//! ([`Room::verdict`](crate::room::Room::verdict)).

use std::borrow::Cow;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::state::Row;
use crate::line::sanitize;
use crate::room::Name;
use crate::room::access::span::Until;
use crate::room::access::{Act, Ban, KeyHash, blocks};

/// Longest line that a member of a shared room may type, in bytes.
pub const LINE_BYTES_MAX: usize = 4096;

/// Longest text of an event, in bytes: a line as long as it may get by being made safe.
pub const TEXT_BYTES_MAX: usize = sanitize::GROWTH_MAX * LINE_BYTES_MAX;

/// Text of an event, borrowed where JSON has it without escapes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl Text<'_> {
    /// Returns the text if a person could have said it.
    #[must_use]
    pub fn said(&self) -> Option<&str> {
        let text: &str = &self.0;
        let mut buffer = String::new();
        let fits =
            text.len() <= TEXT_BYTES_MAX && sanitize::safe(text.as_bytes(), &mut buffer) == text;
        fits.then_some(text)
    }

    /// Returns the name that it is.
    #[must_use]
    pub fn name(&self) -> Option<Name> {
        let text: &str = &self.0;
        let name = Name::parse(text).ok()?;
        (name.as_str() == text).then_some(name)
    }
}

/// An event in the stream. A member is known by a number that its node has given it, and gives nobody
/// else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry<'a> {
    /// A member says something.
    Said(u64, #[serde(borrow)] Text<'a>),
    /// A member tells what it does.
    Me(u64, #[serde(borrow)] Text<'a>),
    /// Somebody comes in.
    Joined(#[serde(borrow)] Coming<'a>),
    /// A member goes by another name.
    Renamed(#[serde(borrow)] Coming<'a>),
    /// A member is gone.
    Left(u64),
    /// Something is done about who may be here and speak.
    Act(u64, #[serde(borrow)] Deed<'a>),
    /// A node is gone, and all who are connected to it.
    Gone(#[serde(borrow)] Text<'a>),
    /// The room keeps something that it kept before it was shared.
    Seed(#[serde(borrow)] Row<'a>),
    /// What is over is forgotten: kept names that nobody has used since a time, in milliseconds since
    /// 1970, and what has ended.
    Lapsed(u64),
}

/// Who comes by a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coming<'a> {
    /// Its number.
    pub n: u64,
    /// Its name.
    #[serde(borrow)]
    pub name: Text<'a>,
    /// What is kept of the key that it has shown, if the name is kept.
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    pub key: Option<Text<'a>>,
    /// Where it comes from, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<IpAddr>,
}

/// What is no hash of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoHash;

/// What is done about who may be here and speak.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "as those of `Act`")]
pub enum Deed<'a> {
    #[serde(borrow)]
    Keep(Text<'a>),
    Unkeep,
    #[serde(borrow)]
    Op(Text<'a>),
    #[serde(borrow)]
    Deop(Text<'a>),
    #[serde(borrow)]
    Free(Text<'a>),
    /// Whose connection is ended, by its node's boot and its number, and why.
    Kick(#[serde(borrow)] Text<'a>, u64, #[serde(borrow)] Text<'a>),
    #[serde(borrow)]
    Ban(Banned<'a>),
    #[serde(borrow)]
    UnbanName(Text<'a>),
    #[serde(borrow)]
    UnbanBlock(Text<'a>),
    Mute(#[serde(borrow)] Text<'a>, Option<u64>),
    #[serde(borrow)]
    Unmute(Text<'a>),
    #[serde(borrow)]
    Topic(Text<'a>),
    #[serde(borrow)]
    Announce(Text<'a>),
    Slow(u32),
    Lock,
    Unlock,
}

/// Who is banned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "as those of `Ban`")]
pub struct Banned<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    pub name: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    pub block: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    #[serde(borrow)]
    pub reason: Text<'a>,
}

impl Entry<'_> {
    /// Returns whether a node of ours can have written it: names are names, and texts what people can
    /// have said.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        match self {
            Self::Said(_, text) | Self::Me(_, text) => text.said().is_some(),
            Self::Joined(coming) | Self::Renamed(coming) => {
                coming.name.name().is_some() && coming.key().is_ok()
            }
            Self::Act(_, Deed::Kick(_, _, reason)) => reason.said().is_some(),
            Self::Act(_, deed) => deed.act(&Name::default()).is_some(),
            Self::Left(_) | Self::Gone(_) | Self::Lapsed(_) | Self::Seed(_) => true,
        }
    }

    /// Returns the number of whose doing it is.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        match self {
            Self::Said(number, _)
            | Self::Me(number, _)
            | Self::Left(number)
            | Self::Act(number, _) => Some(*number),
            Self::Joined(coming) | Self::Renamed(coming) => Some(coming.n),
            Self::Gone(_) | Self::Lapsed(_) | Self::Seed(_) => None,
        }
    }

    /// Returns the same as the doing of somebody with another number.
    #[must_use]
    pub fn with_number(mut self, other: u64) -> Self {
        match &mut self {
            Self::Said(number, _)
            | Self::Me(number, _)
            | Self::Left(number)
            | Self::Act(number, _) => *number = other,
            Self::Joined(coming) | Self::Renamed(coming) => coming.n = other,
            Self::Gone(_) | Self::Lapsed(_) | Self::Seed(_) => {}
        }
        self
    }
}

impl Coming<'_> {
    /// Returns what is kept of the key, if one is given.
    ///
    /// # Errors
    /// Fails where it is none.
    pub fn key(&self) -> Result<Option<KeyHash>, NoHash> {
        let key = self.key.as_ref();
        key.map(|key| KeyHash::parse(&key.0).ok_or(NoHash))
            .transpose()
    }
}

impl<'a> Deed<'a> {
    /// Returns how an act is written; `Kick` is the caller's, and ignoring is nobody else's matter.
    #[must_use]
    pub fn of(act: &'a Act<'_>) -> Option<Self> {
        let text = |text: String| Text(Cow::Owned(text));
        let name = |name: &'a Name| Text::from(name.as_str());
        Some(match act {
            Act::Keep(hash) => Self::Keep(text(hash.to_hex())),
            Act::Unkeep => Self::Unkeep,
            Act::Op(other) => Self::Op(name(other)),
            Act::Deop(other) => Self::Deop(name(other)),
            Act::Free(other) => Self::Free(name(other)),
            Act::Ban(ban) => Self::Ban(Banned {
                name: ban.name.as_ref().map(name),
                block: ban.block.map(|block| text(block.to_string())),
                until: ban.until.0,
                reason: ban.reason.as_str().into(),
            }),
            Act::UnbanName(other) => Self::UnbanName(name(other)),
            Act::UnbanBlock(block) => Self::UnbanBlock(text(block.to_string())),
            Act::Mute { name: other, until } => Self::Mute(name(other), until.0),
            Act::Unmute(other) => Self::Unmute(name(other)),
            Act::Topic(words) => Self::Topic((*words).into()),
            Act::Announce(words) => Self::Announce((*words).into()),
            Act::Slow(seconds) => Self::Slow(*seconds),
            Act::Lock => Self::Lock,
            Act::Unlock => Self::Unlock,
            Act::Kick { .. } | Act::Ignore(_) | Act::Unignore(_) => return None,
        })
    }

    /// Returns the act that it is, `by` whoever does it; nothing where something in it can't be, and
    /// of a kick, whose member only the caller knows.
    #[must_use]
    pub fn act(&'a self, by: &Name) -> Option<Act<'a>> {
        Some(match self {
            Self::Keep(hash) => Act::Keep(KeyHash::parse(&hash.0)?),
            Self::Unkeep => Act::Unkeep,
            Self::Op(name) => Act::Op(name.name()?),
            Self::Deop(name) => Act::Deop(name.name()?),
            Self::Free(name) => Act::Free(name.name()?),
            Self::Kick(..) => return None,
            Self::Ban(banned) => Act::Ban(banned.ban(by)?),
            Self::UnbanName(name) => Act::UnbanName(name.name()?),
            Self::UnbanBlock(block) => Act::UnbanBlock(blocks::parse(&block.0)?),
            Self::Mute(name, until) => Act::Mute {
                name: name.name()?,
                until: Until(*until),
            },
            Self::Unmute(name) => Act::Unmute(name.name()?),
            Self::Topic(text) => Act::Topic(text.said()?),
            Self::Announce(text) => Act::Announce(text.said()?),
            Self::Slow(seconds) => Act::Slow(*seconds),
            Self::Lock => Act::Lock,
            Self::Unlock => Act::Unlock,
        })
    }
}

impl Banned<'_> {
    /// Returns the ban that it is, `by` whoever says so; nothing where it can't be one.
    #[must_use]
    pub fn ban(&self, by: &Name) -> Option<Ban> {
        let name = self.name.as_ref();
        let block = self.block.as_ref();
        let ban = Ban {
            name: name.map(|name| name.name().ok_or(())).transpose().ok()?,
            block: block
                .map(|block| blocks::parse(&block.0).ok_or(()))
                .transpose()
                .ok()?,
            until: Until(self.until),
            by: by.clone(),
            reason: self.reason.said()?.to_owned(),
        };
        (ban.name.is_some() || ban.block.is_some()).then_some(ban)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn an_act_is_written_and_read_back() {
        let by = name("chief");
        let ban = Ban {
            name: Some(name("سهیل")),
            block: blocks::parse("10.0.0.0/8"),
            until: Until(Some(7)),
            by: by.clone(),
            reason: "too \"loud\"".to_owned(),
        };
        for act in [
            Act::Keep(KeyHash::of(b"x")),
            Act::Unkeep,
            Act::Op(name("ali")),
            Act::Deop(name("ali")),
            Act::Ban(ban),
            Act::UnbanName(name("ali")),
            Act::UnbanBlock(blocks::parse("::1").unwrap()),
            Act::Mute {
                name: name("ali"),
                until: Until(None),
            },
            Act::Unmute(name("ali")),
            Act::Topic("tea"),
            Act::Announce("tea"),
            Act::Slow(3),
            Act::Lock,
            Act::Unlock,
        ] {
            let written = serde_json::to_string(&Deed::of(&act).unwrap()).unwrap();
            let read: Deed<'_> = serde_json::from_str(&written).unwrap();
            assert_eq!(read.act(&by), Some(act), "{written}");
        }
    }

    #[test]
    fn what_nobody_can_type_is_not_read() {
        for text in ["a\nb", "\u{1b}[2J", "\u{202e}x", "\0"] {
            assert_eq!(Text::from(text).said(), None, "{text:?}");
        }
        let long = "x".repeat(TEXT_BYTES_MAX + 1);
        assert_eq!(Text::from(&*long).said(), None);
        assert_eq!(Text::from(&long[1..]).said(), Some(&long[1..]));
        for text in ["", "a b", "a:", "server", "ａｌｉ", "Zoe\u{308}"] {
            assert_eq!(Text::from(text).name(), None, "{text:?}");
        }
        let deed = Deed::Ban(Banned {
            name: None,
            block: None,
            until: None,
            reason: "".into(),
        });
        assert_eq!(deed.act(&name("chief")), None, "a ban of nobody");
    }

    proptest! {
        #[test]
        fn what_is_said_is_written_and_read_back(number in any::<u64>(), text in ".{0,40}") {
            for entry in [
                Entry::Said(number, text.as_str().into()),
                Entry::Me(number, text.as_str().into()),
                Entry::Left(number),
                Entry::Gone(text.as_str().into()),
                Entry::Lapsed(number),
                Entry::Renamed(Coming {
                    n: number,
                    name: text.as_str().into(),
                    key: None,
                    at: Some([127, 0, 0, 1].into()),
                }),
            ] {
                let written = serde_json::to_string(&entry).unwrap();
                prop_assert_eq!(serde_json::from_str::<Entry<'_>>(&written).unwrap(), entry);
            }
        }

        #[test]
        fn garbage_is_read_as_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            prop_assert!(serde_json::from_slice::<Entry<'_>>(&bytes).is_err());
        }
    }
}
