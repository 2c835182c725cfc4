//! What people are told about the room's other machines.

use std::fmt;

/// What one machine tells its people about the others.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the texts below say it")]
pub enum Machines {
    CutOff,
    CutOffWaits,
    WholeAgain,
    TakenForLost,
    /// So many events of the room were not heard at this machine, and can't be any more.
    Missed {
        count: u64,
    },
    /// What came of the name is not known any more.
    NameOnceMore,
}

impl Machines {
    /// Returns what it is about, in a word for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::CutOff | Self::CutOffWaits => "cut-off",
            Self::WholeAgain => "whole-again",
            Self::TakenForLost => "taken-for-lost",
            Self::Missed { .. } => "missed",
            Self::NameOnceMore => "name-once-more",
        }
    }

    /// Returns whether it says that what somebody sent came to nothing.
    #[must_use]
    pub fn is_refusal(self) -> bool {
        matches!(self, Self::NameOnceMore)
    }
}

impl fmt::Display for Machines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CutOff => {
                f.write_str("The room is cut off from its other machines; please come back later.")
            }
            Self::CutOffWaits => f.write_str(
                "The room is cut off from its other machines; what you say waits until it is back.",
            ),
            Self::WholeAgain => f.write_str("The room is whole again."),
            Self::TakenForLost => {
                f.write_str("The others took this part of the room for lost; you are let in again.")
            }
            Self::Missed { count } => write!(
                f,
                "The room went on while this part of it was cut off; here, {count} of its events are missing."
            ),
            Self::NameOnceMore => {
                f.write_str("The room was cut off when you came in; your name is needed once more.")
            }
        }
    }
}
