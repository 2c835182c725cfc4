//! What happens to the room, and what a decision says to single members.

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
        !matches!(self, Self::Whispered { .. })
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
            Self::Announced { .. } | Self::Closing => None,
        }
    }
}

/// What a decision brings one member alone.
#[derive(Debug, Clone, Copy)]
pub enum Effect<'a> {
    /// It is asked for a name.
    Prompt,
    /// The server has a word for it.
    Notice(Notice<'a>),
    /// Somebody says something to it alone.
    Private {
        /// Who.
        from: &'a str,
        /// What.
        text: &'a str,
    },
    /// It leaves, as it has asked to.
    Quit,
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

/// Those whom decisions concern; the hub is one, a list in a test another.
pub trait Audience {
    /// Returns whether `member` can be told something of so many bytes privately.
    fn reach(&self, member: MemberId, bytes: usize) -> Reach;

    /// Lets `member` have an effect.
    fn push(&mut self, member: MemberId, effect: Effect<'_>);
}
