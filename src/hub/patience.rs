//! How much of its time the room spends on those who fall behind.
//!
//! Waiting is the room's time, and each member owns its share of it. Where a large part of the room
//! is behind, what is said comes too fast for the room, and everybody who speaks waits. Where only
//! few are, those wait who say more than their rate, as long as it takes readers who have caught up
//! within a second; for slower ones no longer than the share of the few, of which a part is kept for who
//! has fallen behind just now: then the talk goes on, and cuts who can't follow. So whoever reads slowly on
//! purpose, and comes back as often as it likes, takes from the others no more than what is its own.

use std::time::Duration;

use crate::feed::slow_readers::Behind;
use crate::tick::Tick;

/// The longest that the room's patience with few lasts at once.
const PATIENCE_MAX: Duration = Duration::from_millis(200);

/// How much of it is kept for those who have not been far behind for long: somebody who stays behind, and
/// whom it doesn't help, must not use up what helps another over a bad moment.
const KEPT_FOR_NEW: Duration = Duration::from_millis(100);

/// How much of it must be there before it is spent again, so that waiting comes in pieces worth having.
const PIECE: Duration = Duration::from_millis(25);

/// How often the room looks whether it still has to wait.
pub const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// The share of the room's time that belongs to the few, however few they are: one part in so many.
const SHARE_MIN: u32 = 50;

/// What may be heard at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Everything.
    Open,
    /// Lines within each connection's rate; bursts wait, for the sake of few who are behind.
    NoBursts,
    /// Nothing: a large part of the room is behind.
    Shut,
}

/// The room's patience.
#[derive(Debug)]
pub struct Patience {
    /// How much longer the room will wait for few.
    left: Duration,
    /// When that was last reckoned.
    at: Tick,
    flow: Flow,
    /// The flow is what it is at the cost of the patience.
    spends: bool,
    /// For how long not everything was heard so far.
    waited: Duration,
}

impl Patience {
    /// Returns a patience that has not been used.
    #[must_use]
    pub fn new(now: Tick) -> Self {
        Self {
            left: PATIENCE_MAX,
            at: now,
            flow: Flow::Open,
            spends: false,
            waited: Duration::ZERO,
        }
    }

    /// Returns what may be heard, as last decided.
    #[must_use]
    pub fn flow(&self) -> Flow {
        self.flow
    }

    /// Returns for how long not everything was heard so far.
    #[must_use]
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// Decides what may be heard from now on in a room of so many readers.
    pub fn decide(&mut self, behind: Behind, readers: usize, now: Tick) {
        let passed = now - self.at;
        self.at = now;
        if self.flow != Flow::Open {
            self.waited += passed;
        }
        let few = u32::try_from(behind.far).unwrap_or(u32::MAX);
        let all = u32::try_from(readers).unwrap_or(u32::MAX).max(1);
        let share = (passed * few.min(all) / all).max(passed / SHARE_MIN);
        self.left = if self.spends {
            self.left.saturating_sub(passed.saturating_sub(share))
        } else {
            (self.left + share).min(PATIENCE_MAX)
        };
        let large = behind.reading > 0 && is_large(behind.halfway, readers);
        let waits = behind.far > 0 && !large && behind.quick == 0;
        self.spends = waits && self.is_left(behind.new > 0);
        self.flow = if large {
            Flow::Shut
        } else if behind.quick > 0 || self.spends {
            Flow::NoBursts
        } else {
            Flow::Open
        };
    }

    /// Returns whether the few are waited for, some of whom are `new`: from when a good part of the
    /// patience is there until it is used up.
    fn is_left(&self, new: bool) -> bool {
        let kept = if new { Duration::ZERO } else { KEPT_FOR_NEW };
        let piece = if self.spends { Duration::ZERO } else { PIECE };
        self.left > kept + piece
    }
}

/// Returns whether so many are a large part of a room: a quarter of it, but one alone only of two.
fn is_large(part: usize, readers: usize) -> bool {
    2 * part >= readers || (part > 1 && 4 * part >= readers)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How much who stays behind has of a patience that has not been used.
    const SPENT: Duration = PATIENCE_MAX.saturating_sub(KEPT_FOR_NEW);

    /// Returns for how much of a time, in percent, bursts wait where `far` of `readers` stay behind.
    fn waiting_percent(far: usize, readers: usize, time: Duration) -> u32 {
        let mut patience = Patience::new(Tick::START);
        let mut now = Tick::START;
        let (mut waits, mut looks) = (0, 0);
        while now - Tick::START < time {
            now += LOOK_AGAIN;
            patience.decide(
                Behind {
                    far,
                    new: 0,
                    quick: 0,
                    reading: 1,
                    halfway: far,
                },
                readers,
                now,
            );
            assert_ne!(patience.flow(), Flow::Shut);
            waits += u32::from(patience.flow() == Flow::NoBursts);
            looks += 1;
        }
        100 * waits / looks
    }

    #[test]
    fn few_who_stay_behind_cost_no_more_than_their_share() {
        let minute = Duration::from_mins(1);
        for (far, readers, most) in [(1, 50, 3), (1, 10_000, 3), (5, 60, 12), (1, 3, 34)] {
            let waits = waiting_percent(far, readers, minute);
            assert!((1..=most).contains(&waits), "{far} of {readers}: {waits} %");
        }
    }

    #[test]
    fn the_room_waits_for_a_large_part_of_it() {
        let mut patience = Patience::new(Tick::START);
        let mut now = Tick::START;
        for _ in 0..1000 {
            now += LOOK_AGAIN;
            patience.decide(
                Behind {
                    far: 1,
                    new: 0,
                    quick: 0,
                    reading: 1,
                    halfway: 10,
                },
                40,
                now,
            );
            assert_eq!(patience.flow(), Flow::Shut);
        }
        patience.decide(Behind::default(), 40, now + LOOK_AGAIN);
        assert_eq!(patience.flow(), Flow::Open);
    }

    #[test]
    fn who_is_quick_costs_no_patience() {
        let mut patience = Patience::new(Tick::START);
        let mut now = Tick::START;
        for _ in 0..1000 {
            now += LOOK_AGAIN;
            let quick = Behind {
                far: 1,
                new: 0,
                quick: 1,
                reading: 1,
                halfway: 1,
            };
            patience.decide(quick, 40, now);
            assert_eq!(patience.flow(), Flow::NoBursts);
        }
        assert_eq!(patience.left, PATIENCE_MAX);
    }

    #[test]
    fn patience_comes_back_slowly() {
        let mut patience = Patience::new(Tick::START);
        let few = Behind {
            far: 1,
            new: 0,
            quick: 0,
            reading: 1,
            halfway: 1,
        };
        let mut now = Tick::START;
        patience.decide(few, 1000, now);
        assert_eq!(patience.flow(), Flow::NoBursts);
        while patience.flow() == Flow::NoBursts {
            now += LOOK_AGAIN;
            patience.decide(few, 1000, now);
        }
        let used = now - Tick::START;
        assert!(used >= SPENT && used < SPENT + 2 * LOOK_AGAIN, "{used:?}");
        now += PIECE * SHARE_MIN * 4 / 5;
        patience.decide(few, 1000, now);
        assert_eq!(patience.flow(), Flow::Open, "less than a piece is back");
        now += PIECE * SHARE_MIN * 4 / 5;
        patience.decide(few, 1000, now);
        assert_eq!(patience.flow(), Flow::NoBursts, "more than a piece is back");
    }

    /// A fast reader was cut in a bad moment of some fifty milliseconds, since a slow one had just used up
    /// all patience.
    #[test]
    fn who_stays_behind_leaves_some_patience_for_who_has_a_bad_moment() {
        let mut patience = Patience::new(Tick::START);
        let mut now = Tick::START;
        let stays = Behind {
            far: 1,
            reading: 1,
            halfway: 1,
            ..Behind::default()
        };
        let both = Behind {
            far: 2,
            new: 1,
            reading: 2,
            halfway: 2,
            ..Behind::default()
        };
        for _ in 0..100 {
            now += LOOK_AGAIN;
            patience.decide(stays, 1000, now);
        }
        assert_eq!(patience.flow(), Flow::Open);
        let mut helped = Duration::ZERO;
        loop {
            patience.decide(both, 1000, now);
            if patience.flow() == Flow::Open {
                break;
            }
            helped += LOOK_AGAIN;
            now += LOOK_AGAIN;
        }
        assert!(helped >= KEPT_FOR_NEW, "{helped:?}");
        assert!(helped <= 2 * KEPT_FOR_NEW, "and not for ever: {helped:?}");
    }
}
