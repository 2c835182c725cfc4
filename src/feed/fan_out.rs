//! Where the hub is on its way round the members.
//!
//! After a line is said, everybody has to be visited once. In a large room that takes long, so it
//! is done in slices; lines said meanwhile only make the way longer, and ride along in the writes
//! still to come.

/// The way round the slots of the slab; `M` marks a place in the transcripts.
#[derive(Debug, Default)]
pub struct FanOut<M> {
    /// The slot to visit next.
    next: usize,
    /// How many slots are still to be visited.
    left: usize,
    /// How many slots there were when last looked at.
    slots: usize,
    /// The transcript's end when the way last passed slot 0.
    mark: M,
    /// The same, one round before. Whoever takes what is written has been sent all before it.
    mark_before: M,
}

impl<M: Copy> FanOut<M> {
    /// Makes the way longer by a whole round, for a line that starts at `start`.
    pub fn extend(&mut self, slots: usize, start: M) {
        if self.left == 0 {
            // Each slot has been visited since the last line before this one.
            self.next = 0;
            self.mark = start;
            self.mark_before = start;
        }
        self.left = slots;
        self.slots = slots;
    }

    /// Returns the next slot to visit; `slots` is how many there are, `end` the transcript's end.
    pub fn next(&mut self, slots: usize, end: M) -> Option<usize> {
        if self.left == 0 {
            return None;
        }
        // Slots that are new on the way must not use up the visits that others are due.
        self.left += slots - self.slots;
        self.slots = slots;
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
    pub fn sent_up_to(&self, end: M) -> M {
        if self.left > 0 { self.mark_before } else { end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone)]
    enum Step {
        Say,
        Grow(usize),
        Visit(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            Just(Step::Say),
            (1_usize..5).prop_map(Step::Grow),
            (1_usize..9).prop_map(Step::Visit),
        ]
    }

    proptest! {
        /// Found where a room grew in the middle of a round: the last before the place where the
        /// round began were passed over, and heard the line with the next one only.
        #[test]
        fn everybody_is_visited_after_each_line_though_the_room_grows(
            steps in proptest::collection::vec(step(), 1..60),
        ) {
            let mut fan_out = FanOut::default();
            let mut end = 0;
            // Up to where each slot has been sent the transcript; who comes hears what follows.
            let mut sent: Vec<u64> = vec![0; 3];
            for step in steps.into_iter().chain([Step::Say, Step::Visit(usize::MAX)]) {
                match step {
                    Step::Say => {
                        fan_out.extend(sent.len(), end);
                        end += 1;
                    }
                    Step::Grow(count) => sent.resize(sent.len() + count, end),
                    Step::Visit(count) => for _ in 0..count {
                        let Some(slot) = fan_out.next(sent.len(), end) else { break };
                        sent[slot] = end;
                    },
                }
                let least = fan_out.sent_up_to(end);
                prop_assert!(sent.iter().all(|&sent| sent >= least), "{least}: {sent:?}");
            }
            prop_assert!(sent.iter().all(|&sent| sent == end), "{end}: {sent:?}");
        }
    }
}
