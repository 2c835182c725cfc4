//! What was killed, to be put back.

use std::collections::VecDeque;

/// The most kills remembered, each at most as long as what can be typed.
const KILLS_MAX: usize = 10;

/// The texts killed, newest first.
#[derive(Debug, Default)]
pub(super) struct Kills {
    ring: VecDeque<String>,
}

impl Kills {
    /// Remembers `text`.
    pub(super) fn push(&mut self, text: &str) {
        self.ring.push_front(text.to_owned());
        self.ring.truncate(KILLS_MAX);
    }

    /// Adds to the newest what was killed next to it, after or before the cursor.
    pub(super) fn extend(&mut self, text: &str, after: bool) {
        match self.ring.front_mut() {
            Some(newest) if after => newest.push_str(text),
            Some(newest) => newest.insert_str(0, text),
            None => self.push(text),
        }
    }

    /// Returns the newest.
    pub(super) fn newest(&self) -> &str {
        self.ring.front().map_or("", String::as_str)
    }

    /// Makes the one before the newest the newest, and the newest the oldest.
    pub(super) fn rotate(&mut self) {
        if !self.ring.is_empty() {
            self.ring.rotate_left(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kills_rotate_and_are_bounded() {
        let mut kills = Kills::default();
        kills.rotate();
        assert_eq!(kills.newest(), "");
        for number in 0..2 * KILLS_MAX {
            kills.push(&number.to_string());
        }
        kills.extend("+", true);
        kills.extend("-", false);
        assert_eq!(kills.newest(), "-19+");
        kills.rotate();
        assert_eq!(kills.newest(), "18");
        (1..KILLS_MAX).for_each(|_| kills.rotate());
        assert_eq!((kills.newest(), kills.ring.len()), ("-19+", KILLS_MAX));
    }
}
