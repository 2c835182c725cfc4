//! Where the hub is on its way round the members.
//!
//! After a line is said, everybody has to be visited once. In a large room that takes long, so it
//! is done in slices; lines said meanwhile only make the way longer, and ride along in the writes
//! still to come.

/// The way round the slots of the slab.
#[derive(Debug, Default)]
pub struct Sweep {
    /// The slot to visit next.
    next: usize,
    /// How many slots are still to be visited.
    left: usize,
    /// The transcript's end when the way last passed slot 0.
    mark: u64,
    /// The same, one round before. Whoever takes what is written has read at least up to here.
    mark_before: u64,
}

impl Sweep {
    /// Makes the way longer by a whole round, for a line that starts at `start`.
    pub fn extend(&mut self, slots: usize, start: u64) {
        if self.left == 0 {
            // Everybody has heard all there was.
            self.next = 0;
            self.mark = start;
            self.mark_before = start;
        }
        self.left = slots;
    }

    /// Returns the next slot to visit; `slots` is how many there are, `end` the transcript's end.
    pub fn next(&mut self, slots: usize, end: u64) -> Option<usize> {
        if self.left == 0 || slots == 0 {
            self.left = 0;
            return None;
        }
        if self.next >= slots {
            self.next = 0;
            self.mark_before = self.mark;
            self.mark = end;
        }
        self.left -= 1;
        self.next += 1;
        Some(self.next - 1)
    }

    /// Returns whether slots are still to be visited.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        self.left > 0
    }

    /// Returns up to where at least all those have been sent the transcript who take what is
    /// written; `end` is the transcript's end.
    #[must_use]
    pub fn sent_up_to(&self, end: u64) -> u64 {
        if self.left > 0 { self.mark_before } else { end }
    }
}
