//! What happens because time has passed, and who has to wait because somebody is slow.

use std::time::{Duration, Instant};

use super::Hub;
use crate::feed::slow_readers::Sight;
use crate::hub::connection::{Connection, Flags, Stage, Stream};
use crate::hub::disconnect::Disconnect;
use crate::room::Notice;

/// How many more newcomers than there are without a name may be remembered.
const NEWCOMERS_SPARE: usize = 1024;

impl<S: Stream> Hub<S> {
    /// Takes the time, and does what is due. A clock that goes back is taken to stand still.
    pub fn start_turn(&mut self, now: Instant) {
        self.now = self.now.max(now);
        self.work = 0;
        self.end_drains();
        self.end_nameless();
        self.end_idle();
        let now_ns = self.now_ns();
        while let Some(key) = self.rate_limit.next(now_ns) {
            if let Some(connection) = self.connections.get_mut(key) {
                connection.flags.remove(Flags::PACED);
                self.resume_later(key);
            }
        }
        if self
            .slow_readers
            .is_due(self.room.transcript().end(), self.now)
        {
            self.look();
        }
    }

    /// Returns when something is due; nothing has to be done before, if nothing comes.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let at_s = |s: u64| self.started + Duration::from_secs(s);
        let drains = |&&(key, deadline): &&(usize, Instant)| {
            let connection = self.connections.get(key);
            connection.and_then(Connection::drain_deadline) == Some(deadline)
        };
        let drain = self
            .draining
            .iter()
            .filter(drains)
            .map(|&(_, deadline)| deadline)
            .min();
        let name = self
            .newcomers
            .front()
            .filter(|_| self.limits.name_timeout_s > 0);
        let name = name.map(|&(_, since_s)| at_s(self.name_due_s(since_s)));
        let idle = self.look_for_idle_s.map(at_s);
        let pace = self
            .rate_limit
            .deadline_ns()
            .map(|ns| self.started + Duration::from_nanos(ns));
        [drain, name, idle, pace, self.slow_readers.deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Returns the hub's time in whole seconds.
    pub(super) fn now_s(&self) -> u64 {
        (self.now - self.started).as_secs()
    }

    /// Returns the hub's time in nanoseconds; enough for five centuries.
    pub(super) fn now_ns(&self) -> u64 {
        (self.now - self.started).as_nanos() as u64
    }

    /// Makes a place for somebody without a name, if there are too many: the oldest goes. So
    /// thousands who say nothing can't keep out somebody who does.
    pub(super) fn make_place(&mut self) {
        while self.nameless >= self.limits.nameless_max()
            && let Some((key, since_s)) = self.newcomers.pop_front()
        {
            if self.is_nameless(key, since_s) {
                self.dismiss(key, &Notice::Crowded, Disconnect::Crowded);
            }
        }
    }

    /// Ends the connection of somebody without a name, and waits for nothing: while it drained, it
    /// would hold a place that isn't counted among those of the nameless.
    fn dismiss(&mut self, key: usize, notice: &Notice<'_>, why: Disconnect) {
        self.notify(key, notice);
        self.close(key, why);
        self.flush(key);
        self.close_now(key);
    }

    /// Remembers who came without a name. Who has given one since, or is gone, is forgotten in time
    /// also where names are waited for for ever.
    pub(super) fn remember_newcomer(&mut self, key: usize, since_s: u64) {
        if self.newcomers.len() > 2 * self.nameless + NEWCOMERS_SPARE {
            let mut newcomers = Vec::from(std::mem::take(&mut self.newcomers));
            newcomers.retain(|&(key, since_s)| self.is_nameless(key, since_s));
            // A slot may have had several owners within a second.
            newcomers.sort_unstable_by_key(|&(key, since_s)| (since_s, key));
            newcomers.dedup();
            self.newcomers = newcomers.into();
        }
        self.newcomers.push_back((key, since_s));
    }

    /// Takes note of a member's joining, for the time it may be silent.
    pub(super) fn start_idle_time(&mut self) {
        if self.limits.idle_timeout_s > 0 {
            let due_s = self.now_s() + u64::from(self.limits.idle_timeout_s) + 1;
            self.look_for_idle_s = Some(self.look_for_idle_s.map_or(due_s, |at| at.min(due_s)));
        }
    }

    /// Watches a connection from when its stream takes no more until it has caught up.
    pub(super) fn watch(&mut self, key: usize) {
        let connection = &mut self.connections[key];
        let watched = connection.flags.contains(Flags::WATCHED);
        if connection.is_blocked() && !watched && connection.stage == Stage::Member {
            connection.flags.insert(Flags::WATCHED);
            let at = (connection.cursor(), connection.private_taken());
            self.slow_readers.watch(key, at, self.now);
        } else if watched && !connection.is_blocked() {
            // Once a turn is enough: when thousands catch up, each look costs as much as all of them.
            let caught_up = connection.is_settled(self.room.transcript());
            self.look_soon |= caught_up || self.slow_readers.room_waits();
        }
    }

    /// Looks how far behind the watched connections are.
    pub(super) fn look(&mut self) {
        let Self {
            slow_readers,
            connections,
            room,
            now,
            ..
        } = self;
        let transcript = room.transcript();
        let mut stalled = Vec::new();
        let see = |key| {
            let Some(connection) = connections.get_mut(key) else {
                return Sight::Fine;
            };
            let caught_up = !connection.is_blocked() && connection.is_settled(transcript);
            if caught_up || connection.stage != Stage::Member {
                connection.flags.remove(Flags::WATCHED);
            }
            if connection.flags.contains(Flags::WATCHED) {
                Sight::At {
                    cursor: connection.cursor(),
                    private: connection.private_taken(),
                }
            } else {
                Sight::Fine
            }
        };
        slow_readers.look(transcript.end(), *now, see, |key| stalled.push(key));
        for key in stalled {
            self.close(key, Disconnect::Stalled);
        }
    }

    fn end_drains(&mut self) {
        let mut at = 0;
        while let Some(&(key, deadline)) = self.draining.get(at) {
            // The slot may have been freed since, and be somebody else's.
            let connection = self.connections.get(key);
            let drains = connection.and_then(Connection::drain_deadline) == Some(deadline);
            if drains && deadline > self.now {
                at += 1;
                continue;
            }
            self.draining.swap_remove(at);
            if drains {
                self.close_now(key);
            }
        }
    }

    fn end_nameless(&mut self) {
        let seconds = self.limits.name_timeout_s;
        while let Some(&(key, since_s)) = self.newcomers.front() {
            let nameless = self.is_nameless(key, since_s);
            if nameless && (seconds == 0 || self.now_s() < self.name_due_s(since_s)) {
                break;
            }
            self.newcomers.pop_front();
            if nameless {
                let notice = Notice::NameTimeout { seconds };
                self.dismiss(key, &notice, Disconnect::NameTimeout);
            }
        }
    }

    fn end_idle(&mut self) {
        let now_s = self.now_s();
        if self.look_for_idle_s.is_none_or(|at| now_s < at) {
            return;
        }
        let seconds = self.limits.idle_timeout_s;
        let mut longest_s = None;
        for key in 0..self.slots {
            let member = self
                .connections
                .get(key)
                .filter(|c| c.stage == Stage::Member);
            let Some(silent_s) = member.map(|c| (now_s as u16).wrapping_sub(c.heard_s)) else {
                continue;
            };
            if silent_s > seconds {
                self.notify(key, &Notice::IdleTimeout { seconds });
                self.close(key, Disconnect::IdleTimeout);
            } else {
                longest_s = longest_s.max(Some(silent_s));
            }
        }
        self.look_for_idle_s = longest_s.map(|s| now_s + u64::from(seconds - s) + 1);
    }

    /// Returns whether the one who came at `since_s` is still there, without a name.
    fn is_nameless(&self, key: usize, since_s: u64) -> bool {
        let came = |c: &Connection<S>| c.stage == Stage::Nameless && c.heard_s == since_s as u16;
        self.connections.get(key).is_some_and(came)
    }

    /// Returns when a name is due of who came at `since_s`. Seconds are whole: never too early.
    fn name_due_s(&self, since_s: u64) -> u64 {
        since_s + u64::from(self.limits.name_timeout_s) + 1
    }
}
