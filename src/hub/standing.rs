//! How far a connection has come, and how it is told of the room: one byte.

use crate::wire::Encoding;

/// How far a connection has come. `Nameless -> Member -> Draining -> Lingering -> Closed`; any
/// stage may be left out but the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It has not given a name yet, and hears nothing of the room.
    Nameless,
    /// It is in the room.
    Member,
    /// It has left; what it is owed is still being sent.
    Draining,
    /// It has been sent all and told that no more comes; what it still sends is dropped.
    Lingering,
    /// Nothing more is read or written; its slot is freed at the end of the turn.
    Closed,
}

impl Stage {
    /// Returns whether it has not ended.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Nameless | Self::Member)
    }
}

/// The stages, by the number that stands for each.
const STAGES: [Stage; 8] = [
    Stage::Nameless,
    Stage::Member,
    Stage::Draining,
    Stage::Lingering,
    Stage::Closed,
    Stage::Closed,
    Stage::Closed,
    Stage::Closed,
];

/// Set where it is told in [JSON](crate::wire::json).
const JSON: u8 = 1 << 3;

/// A stage and an encoding; two bytes would make every connection eight bytes larger.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Standing(u8);

impl Standing {
    pub(super) fn stage(self) -> Stage {
        STAGES[usize::from(self.0 & 7)]
    }

    pub(super) fn set_stage(&mut self, stage: Stage) {
        self.0 = self.0 & !7 | stage as u8;
    }

    pub(super) fn encoding(self) -> Encoding {
        if self.0 & JSON == 0 {
            Encoding::Plain
        } else {
            Encoding::Json
        }
    }

    pub(super) fn set_encoding(&mut self, encoding: Encoding) {
        self.0 = self.0 & !JSON | if encoding == Encoding::Json { JSON } else { 0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stage_and_encoding_are_kept_apart() {
        let mut standing = Standing::default();
        assert_eq!(
            (standing.stage(), standing.encoding()),
            (Stage::Nameless, Encoding::Plain)
        );
        for encoding in [Encoding::Json, Encoding::Plain] {
            for stage in STAGES {
                standing.set_encoding(encoding);
                standing.set_stage(stage);
                assert_eq!((standing.stage(), standing.encoding()), (stage, encoding));
            }
        }
    }
}
