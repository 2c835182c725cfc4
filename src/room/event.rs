//! What happens to the room, and what a decision says to single members.

use std::net::IpAddr;

use ipnet::IpNet;

use super::access::{Act, Key};
use super::member::MemberId;
use super::name::Name;
use super::notice::Notice;

/// Something that happens to the room, in one order for everybody. All in it hear of it, unless it
/// is [`Whispered`](Event::Whispered).
///
/// [`Room::decide`](super::Room::decide) says what shall happen, [`Room::apply`](super::Room::apply)
/// makes it so: between the two an order from elsewhere can stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'a> {
    /// A member says something.
    Said {
        /// Who.
        member: MemberId,
        /// What.
        text: &'a str,
    },
    /// A member tells what it does.
    Did {
        /// Who.
        member: MemberId,
        /// What.
        text: &'a str,
    },
    /// A member says something to another alone, or to itself.
    Whispered {
        /// Who.
        member: MemberId,
        /// To whom.
        to: MemberId,
        /// What.
        text: &'a str,
    },
    /// A connection becomes a member.
    Joined {
        /// Who.
        member: MemberId,
        /// Under which name.
        name: Name,
    },
    /// A member goes by another name.
    Renamed {
        /// Who.
        member: MemberId,
        /// Its new name.
        name: Name,
    },
    /// A member is gone.
    Left {
        /// Who.
        member: MemberId,
    },
    /// Something is done about who may be here and speak. Everybody hears of it, also whose doing
    /// it is, if it is [public](Act::is_public).
    Act {
        /// Whose doing it is.
        member: MemberId,
        /// What is done.
        act: Act<'a>,
        /// What everybody is told of it.
        words: String,
    },
    /// The server has a word for everybody.
    Announced {
        /// Which.
        text: &'a str,
    },
    /// The server is closing.
    Closing,
}

impl Event<'_> {
    /// Returns whether everybody is told of it.
    #[must_use]
    pub fn is_public(&self) -> bool {
        match self {
            Self::Whispered { .. } => false,
            Self::Act { act, .. } => act.is_public(),
            _ => true,
        }
    }

    /// Returns whether somebody says it to one person alone.
    #[must_use]
    pub fn is_private(&self) -> bool {
        matches!(self, Self::Whispered { .. })
    }

    /// Returns whose doing it is, whether or not they hear of it.
    #[must_use]
    pub fn actor(&self) -> Option<MemberId> {
        match *self {
            Self::Act { member, .. } => Some(member),
            _ => self.member(),
        }
    }

    /// Returns whose doing it is: they know of it, and don't hear it.
    #[must_use]
    pub fn member(&self) -> Option<MemberId> {
        match *self {
            Self::Said { member, .. }
            | Self::Did { member, .. }
            | Self::Whispered { member, .. }
            | Self::Joined { member, .. }
            | Self::Renamed { member, .. }
            | Self::Left { member } => Some(member),
            Self::Act { .. } | Self::Announced { .. } | Self::Closing => None,
        }
    }
}

/// What a decision brings one member alone.
#[derive(Debug, Clone, Copy)]
pub enum Effect<'a> {
    /// It is asked for a name.
    Prompt,
    /// It is asked for the password of the room.
    AskPassword,
    /// The server has a word for it.
    Notice(Notice<'a>),
    /// Somebody says something to it alone.
    Private {
        /// Who.
        from: &'a str,
        /// What.
        text: &'a str,
    },
    /// It is told the key of its name, this once.
    Key {
        /// The name.
        name: &'a str,
        /// The key.
        key: Key,
    },
    /// It leaves, as it has asked to.
    Quit,
    /// Its connection is ended.
    Dismiss(Dismissal),
}

/// Why the room ends a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dismissal {
    /// An operator has said so.
    Kicked,
    /// It may not come in any more.
    Banned,
    /// Who has the key of its name has come in again.
    Replaced,
}

/// Whether somebody can be told something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// It can.
    Open,
    /// It has left, and the room is about to learn it.
    Gone,
    /// It takes too little of what it is told.
    NotReading,
}

/// Those whom decisions concern, and what is known of them; the hub is one, a list in a test
/// another.
pub trait Audience {
    /// Returns whether `member` can be told something of so many bytes privately.
    fn reach(&self, member: MemberId, bytes: usize) -> Reach;

    /// Lets `member` have an effect.
    fn push(&mut self, member: MemberId, effect: Effect<'_>);

    /// Returns where a connection comes from, if that is known.
    fn address(&self, _member: MemberId) -> Option<IpAddr> {
        None
    }

    /// Returns for how many seconds a member has said nothing.
    fn silent_s(&self, _member: MemberId) -> u64 {
        0
    }

    /// Returns the connections that come from a block of addresses, in the room or not. Takes long.
    fn of_block(&self, _block: IpNet) -> Vec<MemberId> {
        Vec::new()
    }

    /// Counts a name that a member is about to keep, or returns for how many seconds its address may
    /// keep no other.
    fn keep_wait_s(&mut self, _member: MemberId) -> Option<u64> {
        None
    }

    /// Returns for how many seconds a connection has to wait before it may try a key, if it has to.
    fn try_wait_s(&self, _member: MemberId) -> Option<u64> {
        None
    }

    /// Returns a new secret; none if the system gives none.
    fn draw_key(&mut self) -> Option<Key> {
        None
    }
}
