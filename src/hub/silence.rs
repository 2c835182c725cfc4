//! When to look for members who have been silent for too long.

/// When to look for members who have been silent for too long.
#[derive(Debug)]
pub(super) struct Silence {
    /// How long a member may be silent, in seconds; 0 is for ever.
    timeout_s: u16,
    /// When to look, in whole seconds.
    look_s: Option<u64>,
}

impl Silence {
    pub(super) fn new(timeout_s: u16) -> Self {
        Self {
            timeout_s,
            look_s: None,
        }
    }

    /// Takes note that somebody was heard at `now_s` for the first time.
    pub(super) fn begin(&mut self, now_s: u64) {
        if self.timeout_s > 0 {
            self.look_after(now_s, 0);
        }
    }

    /// Makes sure of a look when somebody who has been silent for so long has been so too long.
    /// Seconds are whole: never too early.
    pub(super) fn look_after(&mut self, now_s: u64, silent_s: u16) {
        let due_s = now_s + u64::from(self.timeout_s - silent_s) + 1;
        self.look_s = Some(self.look_s.map_or(due_s, |at| at.min(due_s)));
    }

    /// Returns whether a look is due; no other is before somebody is heard.
    pub(super) fn is_look_due(&mut self, now_s: u64) -> bool {
        self.look_s.take_if(|at| now_s >= *at).is_some()
    }

    /// Returns when a look is due, in whole seconds.
    pub(super) fn deadline_s(&self) -> Option<u64> {
        self.look_s
    }
}
