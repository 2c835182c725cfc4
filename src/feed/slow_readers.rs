//! Who takes what it is sent slower than it comes.
//!
//! A member whose stream takes no more is *watched* until it has caught up. Each look tells how many
//! are far behind that are worth waiting for: those who take what they are sent at a rate, and have
//! not been far behind for too long. How long the room waits for them is not decided here. Somebody who
//! isn't waited for is cut when the backlog overruns it, or when it has stood still too long.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::time::Duration;

use crate::room::MemberId;
use crate::tick::Tick;

/// Who takes less than this is not waited for, in bytes a second: less than any line that talk is
/// carried on over, and more than window probes push into a reader that has stopped.
pub const RATE_MIN: u64 = 64 * 1024;

/// For how long somebody is watched before its rate says anything. Until then it is waited for.
const RATE_AFTER: Duration = Duration::from_millis(50);

/// Over how long a rate is measured.
const RATE_OVER: Duration = Duration::from_millis(500);

/// How long the room waits for somebody at once, from when it is far behind until it isn't.
pub const WAIT_MAX: Duration = Duration::from_secs(5);

/// For how long somebody who is far behind may just have been unlucky: a busy program, a window that was
/// small, a packet that was lost.
pub const NEW_FOR: Duration = Duration::from_millis(100);

/// One watched connection.
#[derive(Debug)]
struct Watched {
    id: MemberId,
    /// How much it had taken at the last look, in bytes.
    taken: u64,
    /// When it was last seen to have taken something.
    moved: Tick,
    /// Since when its rate is measured, and how much it had taken then.
    since: (Tick, u64),
    /// How much it takes, in bytes a second; none while it isn't known.
    rate: Option<u64>,
    /// It has taken next to nothing for as long as a rate is measured.
    stands: bool,
    /// Since when it has been far behind.
    behind_since: Option<Tick>,
}

impl Watched {
    fn see(&mut self, sight: Sight, now: Tick) {
        let taken = sight.taken();
        if taken != self.taken {
            self.moved = now;
        }
        if taken < self.taken {
            // Private bytes are counted anew.
            self.since = (now, taken);
        }
        self.taken = taken;
        let (since, before) = self.since;
        let time = now - since;
        if time >= RATE_AFTER {
            let taken = u128::from(taken.saturating_sub(before));
            let rate = taken * 1_000_000_000 / time.as_nanos();
            self.rate = Some(u64::try_from(rate).unwrap_or(u64::MAX));
        }
        if time >= RATE_OVER {
            self.stands = !self.keeps_rate();
            self.since = (now, taken);
        }
    }

    /// Returns whether it takes enough to be worth waiting for, as far as is known.
    fn keeps_rate(&self) -> bool {
        self.rate.is_none_or(|rate| rate >= RATE_MIN)
    }

    /// Returns for how long it has been far behind, if it is.
    fn far_for(&mut self, is_far: bool, now: Tick) -> Option<Duration> {
        if !is_far {
            self.behind_since = None;
            return None;
        }
        Some(now - *self.behind_since.get_or_insert(now))
    }
}

/// Where a watched connection stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sight {
    /// The offset before which its stream has taken the transcript.
    pub cursor: u64,
    /// How many private bytes it has taken.
    pub private: u64,
}

impl Sight {
    fn taken(self) -> u64 {
        self.cursor + self.private
    }
}

/// How many of the watched are how far behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Behind {
    /// Those who are far behind and worth waiting for.
    pub far: usize,
    /// Those among them who have been so for less than [`NEW_FOR`].
    pub new: usize,
    /// Those among the far who take so much that they have caught up within a second, or of whom that isn't
    /// known yet.
    pub quick: usize,
    /// Those who are far behind and have not stood still for as long as a rate is measured: a large
    /// part of the room is given so much more time, since all may be kept from reading.
    pub reading: usize,
    /// Those who are at least half as far behind and have not stood still for so long.
    pub halfway: usize,
}

impl AddAssign for Behind {
    fn add_assign(&mut self, more: Self) {
        self.far += more.far;
        self.new += more.new;
        self.quick += more.quick;
        self.reading += more.reading;
        self.halfway += more.halfway;
    }
}

/// The watched connections.
#[derive(Debug)]
pub struct SlowReaders {
    /// How far behind is far, in bytes.
    far_bytes: u64,
    /// Who stands still for so long is cut; none when nobody is.
    stall_timeout: Option<Duration>,
    watched: Vec<Watched>,
    /// Connections that have ended, each with how many were watched then: the entry among those is
    /// not that of another connection with the same number.
    gone: BTreeMap<MemberId, usize>,
    /// The transcript's end at the last look.
    looked_at: u64,
    /// When to look again although nothing is said.
    look_again: Option<Tick>,
    /// Somebody may have caught up.
    look_soon: bool,
    /// How far behind the last one was at the last look, in bytes.
    lag_bytes_max: u64,
}

impl SlowReaders {
    /// Returns a watch that finds `far_bytes` far behind.
    #[must_use]
    pub fn new(far_bytes: u64, stall_timeout: Option<Duration>) -> Self {
        Self {
            far_bytes,
            stall_timeout,
            watched: Vec::new(),
            gone: BTreeMap::new(),
            looked_at: 0,
            look_again: None,
            look_soon: false,
            lag_bytes_max: 0,
        }
    }

    /// Watches a connection until it has caught up.
    pub fn watch(&mut self, id: MemberId, sight: Sight, now: Tick) {
        self.watched.push(Watched {
            id,
            taken: sight.taken(),
            moved: now,
            since: (now, sight.taken()),
            rate: None,
            stands: false,
            behind_since: None,
        });
        if let Some(stall_timeout) = self.stall_timeout {
            self.look_at(now + stall_timeout);
        }
    }

    /// Returns how many are behind, and how far the last of them was at the last look, in bytes.
    #[must_use]
    pub fn behind(&self) -> (usize, u64) {
        (self.watched.len() - self.gone.len(), self.lag_bytes_max)
    }

    /// Watches a connection no more, since it has ended.
    pub fn forget(&mut self, id: MemberId) {
        self.gone.insert(id, self.watched.len());
    }

    /// Returns whether a look is due: so much has been said, or so much time has passed.
    #[must_use]
    pub fn is_due(&self, end: u64, now: Tick) -> bool {
        !self.watched.is_empty()
            && (end - self.looked_at > self.far_bytes / 4
                || self.look_again.is_some_and(|look| look <= now))
    }

    /// Asks for a look at the end of the turn. Once is enough: when thousands catch up, each look
    /// costs as much as all of them.
    pub fn look_soon(&mut self) {
        self.look_soon = true;
    }

    /// Returns whether a look was asked for.
    pub fn take_look_soon(&mut self) -> bool {
        std::mem::take(&mut self.look_soon)
    }

    /// Makes sure of a look at a certain time, although nothing is said.
    pub fn look_at(&mut self, due: Tick) {
        self.look_again = Some(self.look_again.map_or(due, |look| look.min(due)));
    }

    /// Looks at all who are watched. `see` tells where each stands who still has to take something, and
    /// `stalled` takes those who have stood still too long.
    pub fn look(
        &mut self,
        end: u64,
        now: Tick,
        mut see: impl FnMut(MemberId) -> Option<Sight>,
        mut stalled: impl FnMut(MemberId),
    ) -> Behind {
        let (far_bytes, stall_timeout) = (self.far_bytes, self.stall_timeout);
        let (mut behind, mut lag_bytes_max) = (Behind::default(), 0);
        let mut next_stall = None::<Tick>;
        let (gone, mut before) = (std::mem::take(&mut self.gone), 0);
        self.watched.retain_mut(|watched| {
            before += 1;
            if gone.get(&watched.id).is_some_and(|&gone| before <= gone) {
                return false;
            }
            let Some(sight) = see(watched.id) else {
                return false;
            };
            watched.see(sight, now);
            if let Some(timeout) = stall_timeout {
                let due = watched.moved + timeout;
                if due <= now {
                    stalled(watched.id);
                    return false;
                }
                next_stall = Some(next_stall.map_or(due, |next| next.min(due)));
            }
            let lag = end - sight.cursor;
            lag_bytes_max = lag_bytes_max.max(lag);
            let far_for = watched.far_for(lag > far_bytes, now);
            if let Some(far_for) = far_for.filter(|&far_for| far_for < WAIT_MAX) {
                let keeps_rate = watched.keeps_rate();
                behind.far += usize::from(keeps_rate);
                behind.new += usize::from(keeps_rate && far_for < NEW_FOR);
                behind.quick += usize::from(watched.rate.is_none_or(|rate| rate >= lag));
                behind.reading += usize::from(!watched.stands);
            }
            behind.halfway += usize::from(lag > far_bytes / 2 && !watched.stands);
            true
        });
        self.looked_at = end;
        (self.lag_bytes_max, self.look_again) = (lag_bytes_max, next_stall);
        behind
    }

    /// Returns when to look again although nothing is said.
    #[must_use]
    pub fn deadline(&self) -> Option<Tick> {
        self.look_again.filter(|_| !self.watched.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAR: u64 = 1000;
    const LOOK: Duration = Duration::from_millis(20);

    fn seven() -> MemberId {
        MemberId::from_slot(7)
    }

    fn watching(stall_timeout: Option<Duration>) -> SlowReaders {
        let mut slow_readers = SlowReaders::new(FAR, stall_timeout);
        slow_readers.watch(seven(), Sight::default(), Tick::START);
        slow_readers
    }

    /// Looks at somebody who is just far enough behind, and returns whether it is worth waiting for.
    fn is_worth_it(slow_readers: &mut SlowReaders, cursor: u64, now: Tick) -> bool {
        let sight = Sight { cursor, private: 0 };
        let end = cursor + FAR + 1;
        let behind = slow_readers.look(end, now, |_| Some(sight), |_| panic!("cut"));
        behind.far == 1
    }

    /// Returns for how long somebody is worth waiting for who takes so many bytes a second.
    fn waited(rate: u64) -> Duration {
        let mut slow_readers = watching(None);
        let mut now = Tick::START;
        while now - Tick::START < 2 * WAIT_MAX {
            let cursor = rate * (now - Tick::START).as_millis() as u64 / 1000;
            if !is_worth_it(&mut slow_readers, cursor, now) {
                break;
            }
            now += LOOK;
        }
        now - Tick::START
    }

    #[test]
    fn who_is_far_behind_is_worth_waiting_for_at_a_rate_and_not_for_ever() {
        assert_eq!(waited(RATE_MIN + 200), WAIT_MAX);
        assert_eq!(waited(100 * RATE_MIN), WAIT_MAX);
        assert_eq!(waited(RATE_MIN - 100), RATE_AFTER + LOOK / 2);
        assert_eq!(
            waited(10),
            RATE_AFTER + LOOK / 2,
            "window probes are no progress"
        );
        assert_eq!(waited(0), RATE_AFTER + LOOK / 2);
    }

    #[test]
    fn who_is_far_behind_is_new_there_for_a_while_and_quick_until_its_rate_is_known() {
        let mut slow_readers = watching(None);
        let seen = |slow_readers: &mut SlowReaders, after: Duration| {
            // Enough to be waited for, but not to catch up within a second.
            let cursor = 2 * RATE_MIN * after.as_millis() as u64 / 1000;
            let see = |_| Some(Sight { cursor, private: 0 });
            let end = cursor + 3 * RATE_MIN;
            let behind = slow_readers.look(end, Tick::START + after, see, |_| panic!("cut"));
            assert_eq!(behind.far, 1);
            (behind.new, behind.quick)
        };
        assert_eq!(seen(&mut slow_readers, Duration::ZERO), (1, 1));
        assert_eq!(seen(&mut slow_readers, RATE_AFTER * 9 / 10), (1, 1));
        assert_eq!(seen(&mut slow_readers, RATE_AFTER), (1, 0));
        assert_eq!(seen(&mut slow_readers, NEW_FOR * 9 / 10), (1, 0));
        assert_eq!(seen(&mut slow_readers, NEW_FOR), (0, 0));
    }

    /// Its rate was none for half a second.
    #[test]
    fn who_is_counted_anew_is_not_taken_for_one_who_stands_still() {
        let mut slow_readers = SlowReaders::new(FAR, None);
        let before = Sight {
            cursor: 0,
            private: 100 * RATE_MIN,
        };
        slow_readers.watch(seven(), before, Tick::START);
        let mut now = Tick::START;
        for cursor in (0..).step_by(RATE_MIN as usize / 10).take(20) {
            now += 2 * LOOK;
            assert!(is_worth_it(&mut slow_readers, cursor, now), "{now:?}");
        }
    }

    #[test]
    fn who_reads_on_is_worth_waiting_for_again() {
        let mut slow_readers = watching(None);
        let pause = Tick::START + RATE_AFTER;
        assert!(!is_worth_it(&mut slow_readers, 0, pause));
        let later = pause + RATE_OVER;
        assert!(is_worth_it(&mut slow_readers, RATE_MIN, later));
    }

    #[test]
    fn nobody_is_far_behind_who_is_less_than_that() {
        let mut slow_readers = watching(None);
        for (end, halfway) in [(FAR / 2, 0), (FAR / 2 + 1, 1), (FAR, 1)] {
            let see = |_| Some(Sight::default());
            let behind = slow_readers.look(end, Tick::START, see, |_| panic!("cut"));
            assert_eq!(
                behind,
                Behind {
                    halfway,
                    ..Behind::default()
                }
            );
        }
    }

    #[test]
    fn who_stands_still_is_cut_in_the_end() {
        let minute = Duration::from_mins(1);
        let mut slow_readers = watching(Some(minute));
        let due = Tick::START + minute;
        let see = |_| Some(Sight::default());
        slow_readers.look(FAR, due.minus(LOOK), see, |_| panic!("cut"));
        assert_eq!(slow_readers.deadline(), Some(due));
        assert!(!slow_readers.is_due(FAR, due.minus(LOOK)));
        assert!(slow_readers.is_due(FAR, due));
        let mut cut = Vec::new();
        slow_readers.look(FAR, due, see, |id| cut.push(id));
        assert_eq!((cut, slow_readers.deadline()), (vec![seven()], None));
    }

    /// Each coming back of one reader counted as one more who is behind.
    #[test]
    fn who_comes_back_in_the_same_place_is_counted_once() {
        let mut slow_readers = watching(None);
        for _ in 0..9 {
            slow_readers.forget(seven());
            slow_readers.watch(seven(), Sight::default(), Tick::START);
        }
        let see = |_| Some(Sight::default());
        let behind = slow_readers.look(2 * FAR, Tick::START, see, |_| panic!("cut"));
        assert_eq!(
            behind,
            Behind {
                far: 1,
                new: 1,
                quick: 1,
                reading: 1,
                halfway: 1
            }
        );
    }

    #[test]
    fn who_has_caught_up_is_watched_no_more() {
        let mut slow_readers = watching(None);
        let behind = slow_readers.look(2 * FAR, Tick::START, |_| None, |_| panic!("cut"));
        assert_eq!(behind, Behind::default());
        assert!(!slow_readers.is_due(9 * FAR, Tick::START));
    }
}
