//! What the text was before each change.

use std::collections::VecDeque;
use std::mem;

/// The most bytes of former texts remembered.
const BYTES_MAX: usize = 256 * 1024;

/// What a change does; changes that type on, or erase on, are undone together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Change {
    /// Adds to a word.
    Typing,
    /// Takes a character away.
    Erasing,
    /// Anything else, which is undone by itself.
    #[default]
    Other,
}

/// The texts before each change, and where the cursor was in them.
#[derive(Debug, Default)]
pub(super) struct Undo {
    former: VecDeque<(String, usize)>,
    bytes: usize,
    last: Change,
}

impl Undo {
    /// Notes that `text` is about to change.
    pub(super) fn before(&mut self, change: Change, text: &str, cursor: usize) {
        let goes_on = change == mem::replace(&mut self.last, change) && change != Change::Other;
        if goes_on {
            return;
        }
        self.bytes += text.len();
        self.former.push_back((text.to_owned(), cursor));
        while self.bytes > BYTES_MAX {
            self.bytes -= self.former.pop_front().map_or(0, |(text, _)| text.len());
        }
    }

    /// Ends a run of changes that are undone together.
    pub(super) fn pause(&mut self) {
        self.last = Change::Other;
    }

    /// Returns the newest former text that is not `text`, and its cursor.
    pub(super) fn back(&mut self, text: &str) -> Option<(String, usize)> {
        self.pause();
        loop {
            let former = self.former.pop_back()?;
            self.bytes -= former.0.len();
            if former.0 != text {
                return Some(former);
            }
        }
    }

    /// Forgets everything: the text is gone.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut undo = Undo::default();
        for number in 0..100 {
            let text = number.to_string().repeat(10_000);
            undo.before(Change::Other, &text, 0);
        }
        assert!(undo.bytes <= BYTES_MAX);
        let bytes: usize = undo.former.iter().map(|(text, _)| text.len()).sum();
        assert_eq!(bytes, undo.bytes);
        assert!(
            undo.back("")
                .is_some_and(|(text, _)| text.starts_with("99"))
        );
    }
}
