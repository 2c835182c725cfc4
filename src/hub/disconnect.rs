//! Why connections end.

use std::fmt;

use crate::room::Dismissal;

/// Why a connection ended: what the log says, and what is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disconnect {
    /// The peer closed its side in order.
    Closed,
    /// The peer asked to leave.
    Quit,
    /// The peer speaks another protocol.
    WrongProtocol,
    /// The peer gave no name in time.
    NameTimeout,
    /// The peer gave no name yet, and its place was needed.
    Crowded,
    /// The peer was silent for too long.
    IdleTimeout,
    /// The connection broke.
    Reset,
    /// The peer fell so far behind that lines it is owed are gone.
    SlowReader,
    /// The peer took nothing of what it was sent for too long.
    Stalled,
    /// An operator has said so.
    Kicked,
    /// The peer may not come in any more.
    Banned,
    /// The peer came back on another connection.
    Replaced,
    /// The peer has tried too many keys or passwords.
    Guessing,
    /// The server is closing.
    Shutdown,
    /// The machines that share the room are cut off from each other, or were, and its name is
    /// somebody else's.
    CutOff,
}

impl From<Dismissal> for Disconnect {
    fn from(why: Dismissal) -> Self {
        match why {
            Dismissal::Kicked => Self::Kicked,
            Dismissal::Banned => Self::Banned,
            Dismissal::Replaced => Self::Replaced,
        }
    }
}

impl Disconnect {
    /// Every reason, in the order of [`Disconnects`].
    pub const ALL: [Self; 15] = [
        Self::Closed,
        Self::Quit,
        Self::WrongProtocol,
        Self::NameTimeout,
        Self::Crowded,
        Self::IdleTimeout,
        Self::Reset,
        Self::SlowReader,
        Self::Stalled,
        Self::Kicked,
        Self::Banned,
        Self::Replaced,
        Self::Guessing,
        Self::Shutdown,
        Self::CutOff,
    ];

    /// Returns whether what is owed is still sent.
    #[must_use]
    pub fn is_orderly(self) -> bool {
        !matches!(self, Self::Reset | Self::SlowReader | Self::Stalled)
    }
}

impl fmt::Display for Disconnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "closed",
            Self::Quit => "quit",
            Self::WrongProtocol => "another protocol",
            Self::NameTimeout => "no name in time",
            Self::Crowded => "no name yet, and no place left",
            Self::IdleTimeout => "silent for too long",
            Self::Reset => "connection broken",
            Self::SlowReader => "slow reader: it fell behind by more than the backlog",
            Self::Stalled => "slow reader: it took nothing for too long",
            Self::Kicked => "kicked",
            Self::Banned => "banned",
            Self::Replaced => "came back on another connection",
            Self::Guessing => "too many wrong keys or passwords",
            Self::Shutdown => "server closing",
            Self::CutOff => "the room was cut off",
        })
    }
}

/// How many connections ended for each reason.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Disconnects([u64; Disconnect::ALL.len()]);

impl Disconnects {
    /// Counts one more.
    pub fn count(&mut self, why: Disconnect) {
        self.0[why as usize] += 1;
    }

    /// Returns how many ended for this reason.
    #[must_use]
    pub fn of(&self, why: Disconnect) -> u64 {
        self.0[why as usize]
    }
}

/// The reasons that there were, each with its count.
impl fmt::Display for Disconnects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for why in Disconnect::ALL.into_iter().filter(|&why| self.of(why) > 0) {
            write!(f, "{separator}{} {why}", self.of(why))?;
            separator = ", ";
        }
        if separator.is_empty() {
            f.write_str("none")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_told() {
        let mut disconnects = Disconnects::default();
        assert_eq!(disconnects.to_string(), "none");
        disconnects.count(Disconnect::Reset);
        disconnects.count(Disconnect::Closed);
        disconnects.count(Disconnect::Reset);
        assert_eq!(disconnects.to_string(), "1 closed, 2 connection broken");
    }

    #[test]
    fn each_reason_has_its_own_count() {
        for (index, why) in Disconnect::ALL.into_iter().enumerate() {
            assert_eq!(why as usize, index);
        }
    }
}
