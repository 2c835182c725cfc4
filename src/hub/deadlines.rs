//! What is due at a certain time: the end of those who drain, and of members who are silent.

use std::collections::VecDeque;
use std::time::Duration;

use super::limits::DRAIN_S;
use crate::room::MemberId;
use crate::tick::Tick;

/// How long what is owed to somebody who leaves is waited for.
const DRAIN: Duration = Duration::from_secs(DRAIN_S);

/// What is due at a certain time.
#[derive(Debug)]
pub(super) struct Deadlines {
    /// Connections that have left but not read all they are owed, and until when they may.
    draining: VecDeque<(MemberId, Tick)>,
    /// How long a member may be silent, in seconds; 0 is for ever.
    idle_timeout_s: u16,
    /// Until when everybody may drain whose deadline is not in the list: the room is closing.
    closing: Option<Tick>,
    /// When to look for members who have been silent for too long, in whole seconds.
    idle_look_s: Option<u64>,
}

impl Deadlines {
    pub(super) fn new(idle_timeout_s: u16) -> Self {
        Self {
            draining: VecDeque::new(),
            idle_timeout_s,
            closing: None,
            idle_look_s: None,
        }
    }

    /// Takes note of a connection that begins to drain, and returns until when it may, if that isn't
    /// when all may.
    pub(super) fn drain(&mut self, id: MemberId, now: Tick) -> Option<Tick> {
        if self.closing.is_some() {
            return None;
        }
        let deadline = now + DRAIN;
        self.draining.push_back((id, deadline));
        Some(deadline)
    }

    /// Gives all who begin to drain from now on the same deadline, and keeps no list of them.
    pub(super) fn close(&mut self, now: Tick) {
        self.closing = Some(now + DRAIN);
    }

    /// Returns whether the time is over that all have together; once.
    pub(super) fn is_closing_over(&mut self, now: Tick) -> bool {
        self.closing.take_if(|closing| *closing <= now).is_some()
    }

    /// Takes out who began to drain first; `deadline_of` as for [`Self::take_drained`].
    pub(super) fn take_first(
        &mut self,
        deadline_of: impl Fn(MemberId) -> Option<Tick>,
    ) -> Option<MemberId> {
        while let Some((id, deadline)) = self.draining.pop_front() {
            if deadline_of(id) == Some(deadline) {
                return Some(id);
            }
        }
        None
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
        drained.into_iter().chain(idle).chain(self.closing).min()
    }
}
