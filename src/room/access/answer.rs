//! The server's words about who may be here and speak.

use std::fmt;

use super::span::{Lasting, Until};
use super::whois::Whois;
use crate::line::command::{MODERATION, Usage};

/// A notice about who may be here and speak. What starts a line can't be a name; see
/// [`Notice`](crate::room::Notice).
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the texts below say it")]
pub enum Answer<'a> {
    ForOperators {
        command: &'a str,
    },
    NothingKept,
    NameKept {
        name: &'a str,
        kept: &'a str,
    },
    WrongKey {
        name: &'a str,
    },
    NotKept {
        name: &'a str,
    },
    TooManyTries {
        wait_s: u64,
    },
    Banned {
        until: Until,
        reason: &'a str,
    },
    NameBanned {
        name: &'a str,
        until: Until,
        reason: &'a str,
    },
    NotAllowed,
    Denied,
    Locked,
    WrongPassword,
    PasswordFirst,
    Muted {
        until: Until,
    },
    Slow {
        every_s: u32,
        wait_s: u64,
    },
    IgnoresYou {
        name: &'a str,
    },
    KeptAlready {
        name: &'a str,
    },
    KeysRunOut,
    KeptFull,
    YoursNotKept,
    Unkept {
        name: &'a str,
    },
    LastOperator,
    NobodyKeepsIt {
        name: &'a str,
    },
    KeepsTooMany {
        wait_s: u64,
    },
    NobodyKeeps {
        name: &'a str,
    },
    AlreadySo,
    Oneself,
    IsOperator {
        name: &'a str,
    },
    BansYou,
    ListFull,
    NotBanned {
        who: &'a str,
    },
    Bans {
        count: usize,
        list: &'a str,
    },
    NoBans,
    Topic {
        text: &'a str,
        by: &'a str,
    },
    NoTopic,
    Motd {
        text: &'a str,
    },
    NoMotd,
    Ignoring {
        name: &'a str,
    },
    NotIgnoring {
        name: &'a str,
    },
    Ignored {
        names: &'a str,
    },
    IgnoresNobody,
    Whois(Whois<'a>),
    HelpModeration,
}

impl Answer<'_> {
    /// Returns what it is about, in a word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::ForOperators { .. } => "for-operators",
            Self::NothingKept => "nothing-kept",
            Self::NameKept { .. } => "name-kept",
            Self::WrongKey { .. } => "wrong-key",
            Self::NotKept { .. }
            | Self::YoursNotKept
            | Self::NobodyKeepsIt { .. }
            | Self::NobodyKeeps { .. } => "not-kept",
            Self::KeepsTooMany { .. } => "keeps-too-many",
            Self::TooManyTries { .. } => "too-many-tries",
            Self::Banned { .. } => "banned",
            Self::NameBanned { .. } => "name-banned",
            Self::NotAllowed => "not-allowed",
            Self::Denied => "denied",
            Self::Locked => "locked",
            Self::WrongPassword => "wrong-password",
            Self::PasswordFirst => "password-first",
            Self::Muted { .. } => "muted",
            Self::Slow { .. } => "slow",
            Self::IgnoresYou { .. } => "ignores-you",
            Self::KeptAlready { .. } => "kept-already",
            Self::KeysRunOut => "keys-run-out",
            Self::KeptFull => "kept-full",
            Self::Unkept { .. } => "unkept",
            Self::LastOperator => "last-operator",
            Self::AlreadySo => "already-so",
            Self::Oneself => "oneself",
            Self::IsOperator { .. } => "is-operator",
            Self::BansYou => "bans-you",
            Self::ListFull => "list-full",
            Self::NotBanned { .. } => "not-banned",
            Self::Bans { .. } | Self::NoBans => "bans",
            Self::Topic { .. } | Self::NoTopic => "topic",
            Self::Motd { .. } | Self::NoMotd => "motd",
            Self::Ignoring { .. } => "ignoring",
            Self::NotIgnoring { .. } => "not-ignoring",
            Self::Ignored { .. } | Self::IgnoresNobody => "ignored",
            Self::Whois(_) => "whois",
            Self::HelpModeration => "help",
        }
    }

    /// Returns whether it says that what somebody sent came to nothing.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        !matches!(
            self,
            Self::Unkept { .. }
                | Self::Bans { .. }
                | Self::NoBans
                | Self::Topic { .. }
                | Self::NoTopic
                | Self::Motd { .. }
                | Self::NoMotd
                | Self::Ignoring { .. }
                | Self::NotIgnoring { .. }
                | Self::Ignored { .. }
                | Self::IgnoresNobody
                | Self::Whois(_)
                | Self::HelpModeration
        )
    }
}

impl fmt::Display for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NameKept { .. }
            | Self::WrongKey { .. }
            | Self::NotKept { .. }
            | Self::TooManyTries { .. }
            | Self::Banned { .. }
            | Self::NameBanned { .. }
            | Self::NotAllowed
            | Self::Denied
            | Self::Locked
            | Self::WrongPassword
            | Self::PasswordFirst => self.at_the_door(f),
            Self::Muted { .. } | Self::Slow { .. } | Self::IgnoresYou { .. } => self.unsaid(f),
            Self::KeptAlready { .. }
            | Self::KeysRunOut
            | Self::KeptFull
            | Self::KeepsTooMany { .. }
            | Self::YoursNotKept
            | Self::Unkept { .. }
            | Self::NothingKept => self.about_keeping(f),
            Self::ForOperators { .. }
            | Self::LastOperator
            | Self::NobodyKeeps { .. }
            | Self::NobodyKeepsIt { .. }
            | Self::AlreadySo
            | Self::Oneself
            | Self::IsOperator { .. }
            | Self::BansYou
            | Self::ListFull
            | Self::NotBanned { .. } => self.about_orders(f),
            _ => self.told(f),
        }
    }
}

impl Answer<'_> {
    /// What is said to who wants to come in, or has to go.
    fn at_the_door(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NameKept { name, kept } if name == kept => {
                write!(
                    f,
                    "That name is kept; give it with its key, or another name: {name}"
                )
            }
            Self::NameKept { name, kept } => {
                write!(f, "That name looks like {kept}, which is kept: {name}")
            }
            Self::WrongKey { name } => write!(f, "That is not the key of {name}."),
            Self::NotKept { name } => {
                write!(
                    f,
                    "That name is not kept, so give it without a key: {name:.64}"
                )
            }
            Self::TooManyTries { wait_s } => write!(
                f,
                "That was not looked at: too many wrong ones came lately; try again in {wait_s} s."
            ),
            Self::Banned { until, reason } => {
                write!(f, "You are banned {until}{}", Because(reason))
            }
            Self::NameBanned {
                name,
                until,
                reason,
            } => {
                write!(f, "That name is banned {until}{}: {name}", Because(reason))
            }
            Self::NotAllowed => f.write_str("Your address is none of those that may come in."),
            Self::Denied => f.write_str("Your address may not come in."),
            Self::Locked => f.write_str("The room is locked: nobody new comes in for now."),
            Self::PasswordFirst => f.write_str("The password of the room comes first."),
            _ => f.write_str("That is not the password."),
        }
    }

    /// Why something was not said.
    fn unsaid(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Your line was not sent: ")?;
        match *self {
            Self::Muted { until } => write!(f, "you are muted {until}."),
            Self::Slow { every_s, wait_s } => write!(
                f,
                "the room is slow, one line in {every_s} s; try again in {wait_s} s."
            ),
            Self::IgnoresYou { name } => write!(f, "{name} ignores you."),
            _ => Ok(()),
        }
    }

    /// What comes of keeping a name.
    fn about_keeping(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::KeptAlready { name } => write!(
                f,
                "You keep the name {name} already; /newkey gives you another key, /unkeep ends it."
            ),
            Self::KeysRunOut => f.write_str("The system gave no key; try again."),
            Self::KeptFull => f.write_str("The room keeps as many names as it can."),
            Self::KeepsTooMany { wait_s } => {
                let wait = Lasting { seconds: wait_s };
                write!(f, "Your address keeps names too fast; try again in {wait}.")
            }
            Self::YoursNotKept => f.write_str("Your name is not kept; /keep keeps it."),
            Self::Unkept { name } => write!(f, "Your name {name} is not kept any more."),
            _ => f.write_str("The room keeps no names: it was started without --state."),
        }
    }

    /// Why an order is not carried out.
    fn about_orders(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ForOperators { command } => {
                write!(f, "Your command is for operators: {command}")
            }
            Self::LastOperator => {
                f.write_str("The last operator stays one; make another first with /op NAME.")
            }
            Self::NobodyKeeps { name } => write!(
                f,
                "Nobody keeps that name, so it can't be an operator's (/keep comes first): {name:.64}"
            ),
            Self::NobodyKeepsIt { name } => write!(f, "Nobody keeps that name: {name:.64}"),
            Self::AlreadySo => f.write_str("That is so already."),
            Self::Oneself => f.write_str("That is you."),
            Self::IsOperator { name } => {
                write!(f, "That is an operator; /deop comes first: {name}")
            }
            Self::BansYou => f.write_str("That would ban you, too."),
            Self::ListFull => f.write_str("That list is full."),
            Self::NotBanned { who } => {
                write!(
                    f,
                    "Nobody is banned under that (/bans lists them): {who:.64}"
                )
            }
            _ => Ok(()),
        }
    }

    /// What was asked for.
    fn told(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Bans { count, list } => {
                write!(f, "Here is who is banned or muted ({count}):{list}")
            }
            Self::NoBans => f.write_str("Nobody is banned or muted."),
            Self::Topic { text, by } => write!(f, "The topic (by {by}): {text}"),
            Self::NoTopic => f.write_str("The room has no topic."),
            Self::Motd { text } => {
                f.write_str("The message of the day:")?;
                text.lines().try_for_each(|line| write!(f, "\n  {line}"))
            }
            Self::NoMotd => f.write_str("The room has no message of the day."),
            Self::Ignoring { name } => write!(f, "You ignore {name} now."),
            Self::NotIgnoring { name } => write!(f, "You hear {name} again."),
            Self::Ignored { names } => write!(f, "You ignore: {names}"),
            Self::IgnoresNobody => f.write_str("You ignore nobody."),
            Self::Whois(whois) => write!(f, "{whois}"),
            _ => {
                f.write_str("Here is what operators can type:")?;
                let mut usages = MODERATION.iter();
                usages.try_for_each(|usage: &Usage| write!(f, "\n  {:28} {}", usage.0, usage.1))
            }
        }
    }
}

/// A reason, if one was given.
pub(in crate::room) struct Because<'a>(pub(in crate::room) &'a str);

impl fmt::Display for Because<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => Ok(()),
            reason => write!(f, " ({reason})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_and_an_end_are_told() {
        let (reason, until) = ("noise", Until(Some(1_764_079_201_000)));
        let banned = Answer::Banned { until, reason }.to_string();
        assert_eq!(banned, "You are banned until 2025-11-25 14:00 UTC (noise)");
        let banned = Answer::Banned {
            until: Until(None),
            reason: "",
        };
        assert_eq!(banned.to_string(), "You are banned for good");
    }
}
