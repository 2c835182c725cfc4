//! What somebody is told of the time before they came: nothing that is said now.

use super::talk::Spoken;
use crate::wire::plain::{GREETING, PAST_END, STAR};

/// What stands in the line before it, such as `* 5 lines from before you came, 11:02 to 11:28 UTC:`.
const BEGIN: [&str; 3] = [STAR, " from before you came, ", " UTC:"];

/// Where somebody is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum History {
    /// It isn't being told.
    None,
    /// It comes next, if there is any.
    Next,
    /// It is being told.
    Told,
}

impl History {
    /// Returns where that person is after a line.
    pub(super) fn after(self, line: &Spoken) -> Self {
        let text = &line.bytes[..];
        let ends = || text.strip_prefix(STAR.as_bytes()) == Some(PAST_END.as_bytes());
        match self {
            // Where bytes are missing, the end may be among them.
            _ if line.partial => Self::None,
            _ if text == GREETING.as_bytes() => Self::Next,
            Self::Next if begins(text) => Self::Told,
            Self::Told if !ends() => Self::Told,
            _ => Self::None,
        }
    }
}

fn begins(line: &[u8]) -> bool {
    let [start, middle, end] = BEGIN.map(str::as_bytes);
    line.starts_with(start) && line.ends_with(end) && memchr::memmem::find(line, middle).is_some()
}
