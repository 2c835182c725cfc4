//! What is due at a certain time: the end of those who drain, and of members who are silent.

use std::time::Duration;

use super::limits::DRAIN_S;
use crate::room::MemberId;
use crate::tick::Tick;

/// What is due at a certain time.
#[derive(Debug)]
pub(super) struct Deadlines {
    /// Connections that have left but not read all they are owed, and until when they may.
    draining: Vec<(MemberId, Tick)>,
    /// How long a member may be silent, in seconds; 0 is for ever.
    idle_timeout_s: u16,
    /// When to look for members who have been silent for too long, in whole seconds.
    idle_look_s: Option<u64>,
}

impl Deadlines {
    pub(super) fn new(idle_timeout_s: u16) -> Self {
        Self {
            draining: Vec::new(),
            idle_timeout_s,
            idle_look_s: None,
        }
    }

    /// Returns until when somebody may drain who leaves now.
    pub(super) fn of_drain(now: Tick) -> Tick {
        now + Duration::from_secs(DRAIN_S)
    }

    /// Takes note of a connection that begins to drain.
    pub(super) fn drain(&mut self, id: MemberId, deadline: Tick) {
        self.draining.push((id, deadline));
    }

    /// Takes out those whose time to drain is over. `deadline_of` tells until when a connection may
    /// drain: the slot of one that is done may be somebody else's since.
    pub(super) fn take_drained(
        &mut self,
        now: Tick,
        deadline_of: impl Fn(MemberId) -> Option<Tick>,
    ) -> Vec<MemberId> {
        let mut over = Vec::new();
        self.draining.retain(|&(id, deadline)| {
            let drains = deadline_of(id) == Some(deadline);
            if drains && deadline <= now {
                over.push(id);
            }
            drains && deadline > now
        });
        over
    }

    /// Takes note that somebody was heard at `now_s` for the first time.
    pub(super) fn expect_silence(&mut self, now_s: u64) {
        if self.idle_timeout_s > 0 {
            self.look_after(now_s, 0);
        }
    }

    /// Makes sure of a look when somebody who has been silent for so long has been so too long.
    /// Seconds are whole: never too early.
    pub(super) fn look_after(&mut self, now_s: u64, silent_s: u16) {
        let due_s = now_s + u64::from(self.idle_timeout_s - silent_s) + 1;
        self.idle_look_s = Some(self.idle_look_s.map_or(due_s, |at| at.min(due_s)));
    }

    /// Returns whether a look for the silent is due; no other is before somebody is heard.
    pub(super) fn is_idle_look_due(&mut self, now_s: u64) -> bool {
        self.idle_look_s.take_if(|at| now_s >= *at).is_some()
    }

    /// Returns when something is due next; `deadline_of` as for [`Self::take_drained`].
    pub(super) fn next(&self, deadline_of: impl Fn(MemberId) -> Option<Tick>) -> Option<Tick> {
        let drains = |&&(id, deadline): &&(MemberId, Tick)| deadline_of(id) == Some(deadline);
        let drained = self.draining.iter().filter(drains);
        let drained = drained.map(|&(_, deadline)| deadline).min();
        let idle = self.idle_look_s.map(Tick::from_whole_s);
        drained.into_iter().chain(idle).min()
    }
}
