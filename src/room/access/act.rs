//! What is done about who may be here and speak, as events of the room.

use ipnet::IpNet;

use super::bans::Ban;
use super::key::KeyHash;
use super::span::Until;
use crate::room::{MemberId, Name, Names};

/// What somebody does about who may be here and speak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act<'a> {
    /// Keeps one's own name by a key, or by another key than so far.
    Keep(KeyHash),
    /// Keeps one's own name no more.
    Unkeep,
    /// Hears no more what whoever has a name says.
    Ignore(Name),
    /// Hears it again.
    Unignore(Name),
    /// Makes the keeper of a name an operator.
    Op(Name),
    /// Makes it none.
    Deop(Name),
    /// Ends the connection of a member.
    Kick {
        /// Whose.
        member: MemberId,
        /// Why; may be empty.
        reason: &'a str,
    },
    /// Lets somebody in no more, and ends their connections.
    Ban(Ban),
    /// Ends the bans of a name.
    UnbanName(Name),
    /// Ends the bans of a block of addresses.
    UnbanBlock(IpNet),
    /// Lets whoever has a name say nothing.
    Mute {
        /// Who.
        name: Name,
        /// Until when.
        until: Until,
    },
    /// Lets it speak again.
    Unmute(Name),
    /// Says what the room is about; empty for nothing.
    Topic(&'a str),
    /// Says something to everybody as the room's operator.
    Announce(&'a str),
    /// Lets each person say one line in so many seconds; 0 for any number.
    Slow(u32),
    /// Lets nobody new in.
    Lock,
    /// Lets people in again.
    Unlock,
    /// Keeps a name no more, whoever its keeper is.
    Free(Name),
}

impl Act<'_> {
    /// Returns what it is, in a word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Keep(_) => "kept",
            Self::Unkeep => "unkept",
            Self::Ignore(_) => "ignoring",
            Self::Unignore(_) => "not-ignoring",
            Self::Op(_) => "op",
            Self::Deop(_) => "deop",
            Self::Kick { .. } => "kicked",
            Self::Ban(_) => "banned",
            Self::UnbanName(_) | Self::UnbanBlock(_) => "unbanned",
            Self::Mute { .. } => "muted",
            Self::Unmute(_) => "unmuted",
            Self::Topic(_) => "topic",
            Self::Announce(_) => "announced",
            Self::Slow(_) => "slow",
            Self::Lock => "locked",
            Self::Unlock => "unlocked",
            Self::Free(_) => "freed",
        }
    }

    /// Returns whether everybody is told of it.
    #[must_use]
    pub fn is_public(&self) -> bool {
        !matches!(
            self,
            Self::Keep(_) | Self::Unkeep | Self::Ignore(_) | Self::Unignore(_)
        )
    }

    /// Returns whether the state that outlives the server is another afterwards.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        !matches!(
            self,
            Self::Ignore(_) | Self::Unignore(_) | Self::Kick { .. } | Self::Announce(_)
        )
    }

    /// Returns the name of whom it is done to, if it has one; `names` are those before it.
    #[must_use]
    pub fn name<'n>(&'n self, names: &'n Names) -> Option<&'n str> {
        match self {
            Self::Op(name)
            | Self::Deop(name)
            | Self::Free(name)
            | Self::UnbanName(name)
            | Self::Mute { name, .. }
            | Self::Unmute(name) => Some(name.as_str()),
            Self::Ban(ban) => ban.name.as_ref().map(Name::as_str),
            Self::Kick { member, .. } => Some(names.of(*member)),
            _ => None,
        }
    }

    /// Returns what somebody has put in words in it, for programs: a topic, what is announced.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Topic(text) | Self::Announce(text) => Some(text),
            Self::Kick { reason, .. } => Some(reason),
            Self::Ban(ban) => Some(&ban.reason),
            _ => None,
        }
    }
}
