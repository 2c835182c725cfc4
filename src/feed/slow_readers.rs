//! Who takes what it is sent slower than it comes.
//!
//! A member whose stream takes no more is *watched* until it has caught up. While somebody who
//! makes progress is half a backlog behind, nobody is heard, so that a burst of any size cuts no
//! reader that keeps reading. Somebody who makes no progress slows nobody, nor does somebody who
//! has had its time: it is cut when the backlog overruns it, or when it has stood still too long.

use std::time::Duration;

use crate::room::MemberId;
use crate::tick::Tick;

/// Who has taken nothing for this long makes no progress.
const PROGRESS_WITHIN: Duration = Duration::from_millis(500);

/// How long the room waits for somebody, from when it fell behind until it has caught up.
pub const WAIT_MAX: Duration = Duration::from_secs(5);

/// How often the room looks whether it still has to wait.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// One watched connection.
#[derive(Debug)]
struct Watched {
    id: MemberId,
    cursor: u64,
    private: u64,
    /// When it was last seen to have taken something.
    moved: Tick,
    /// Since when it has been far behind.
    behind_since: Option<Tick>,
}

/// Where a watched connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// The offset before which its stream has taken the transcript.
    pub cursor: u64,
    /// A number that grows with the private bytes it takes.
    pub private: u64,
}

/// The watched connections.
#[derive(Debug)]
pub struct SlowReaders {
    /// How far behind is far, in bytes.
    far_bytes: u64,
    /// Who stands still for so long is cut; none when nobody is.
    stall_timeout: Option<Duration>,
    watched: Vec<Watched>,
    /// The transcript's end at the last look.
    looked_at: u64,
    /// When to look again although nothing is said.
    look_again: Option<Tick>,
    waits: bool,
    /// Somebody may have caught up.
    look_soon: bool,
}

impl SlowReaders {
    /// Returns a watch that finds `far_bytes` far behind.
    #[must_use]
    pub fn new(far_bytes: u64, stall_timeout: Option<Duration>) -> Self {
        Self {
            far_bytes,
            stall_timeout,
            watched: Vec::new(),
            looked_at: 0,
            look_again: None,
            waits: false,
            look_soon: false,
        }
    }

    /// Watches a connection until it has caught up; `cursor` and `private` as in [`Sight`].
    pub fn watch(&mut self, id: MemberId, (cursor, private): (u64, u64), now: Tick) {
        self.watched.push(Watched {
            id,
            cursor,
            private,
            moved: now,
            behind_since: None,
        });
        if let Some(stall_timeout) = self.stall_timeout {
            let due = now + stall_timeout;
            self.look_again = Some(self.look_again.map_or(due, |look| look.min(due)));
        }
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

    /// Looks at all who are watched. `see` tells where each stands who still has to take something, and
    /// `stalled` takes those who have stood still too long.
    pub fn look(
        &mut self,
        end: u64,
        now: Tick,
        mut see: impl FnMut(MemberId) -> Option<Sight>,
        mut stalled: impl FnMut(MemberId),
    ) {
        let Self {
            far_bytes,
            stall_timeout,
            ..
        } = *self;
        let (mut waits, mut look_again) = (false, None::<Tick>);
        self.watched.retain_mut(|watched| {
            let Some(Sight { cursor, private }) = see(watched.id) else {
                return false;
            };
            if cursor != watched.cursor || private != watched.private {
                watched.moved = now;
            }
            watched.cursor = cursor;
            watched.private = private;
            let still = now - watched.moved;
            if let Some(timeout) = stall_timeout {
                if still >= timeout {
                    stalled(watched.id);
                    return false;
                }
                let due = watched.moved + timeout;
                look_again = Some(look_again.map_or(due, |look| look.min(due)));
            }
            if end - cursor > far_bytes {
                let since = *watched.behind_since.get_or_insert(now);
                let had_its_time = now - since >= WAIT_MAX;
                waits |= still < PROGRESS_WITHIN && !had_its_time;
            }
            true
        });
        self.waits = waits;
        self.looked_at = end;
        self.look_again = if waits {
            Some(now + LOOK_AGAIN)
        } else {
            look_again
        };
    }

    /// Returns whether nobody may be heard until somebody has caught up.
    #[must_use]
    pub fn room_waits(&self) -> bool {
        self.waits
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

    fn seven() -> MemberId {
        MemberId::from_slot(7)
    }

    fn look(
        slow_readers: &mut SlowReaders,
        end: u64,
        now: Tick,
        cursor: u64,
    ) -> (bool, Vec<MemberId>) {
        let mut cut = Vec::new();
        slow_readers.look(
            end,
            now,
            |_| Some(Sight { cursor, private: 0 }),
            |id| cut.push(id),
        );
        (slow_readers.room_waits(), cut)
    }

    #[test]
    fn the_room_waits_for_progress_and_not_for_ever() {
        let start = Tick::START;
        let mut slow_readers = SlowReaders::new(FAR, Some(Duration::from_mins(1)));
        slow_readers.watch(seven(), (0, 0), start);
        assert_eq!(
            look(&mut slow_readers, FAR, start, 0),
            (false, vec![]),
            "not far"
        );
        let mut now = start;
        let mut waited = Duration::ZERO;
        for cursor in 1..1000 {
            now += Duration::from_millis(100);
            if !look(&mut slow_readers, cursor + FAR + 1, now, cursor).0 {
                break;
            }
            waited += Duration::from_millis(100);
        }
        assert_eq!(
            waited, WAIT_MAX,
            "it creeps, and the room waits just so long"
        );
    }

    #[test]
    fn who_stands_still_slows_nobody_and_is_cut_in_the_end() {
        let start = Tick::START;
        let mut slow_readers = SlowReaders::new(FAR, Some(Duration::from_mins(1)));
        slow_readers.watch(seven(), (0, 0), start);
        let later = start + PROGRESS_WITHIN;
        assert_eq!(look(&mut slow_readers, 2 * FAR, later, 0), (false, vec![]));
        let due = slow_readers.deadline().unwrap();
        assert_eq!(due, start + Duration::from_mins(1));
        assert!(!slow_readers.is_due(2 * FAR, start + Duration::from_secs(59)));
        assert!(slow_readers.is_due(2 * FAR, due));
        assert_eq!(
            look(&mut slow_readers, 2 * FAR, due, 0),
            (false, vec![seven()])
        );
        assert_eq!(slow_readers.deadline(), None);
    }

    #[test]
    fn who_has_caught_up_is_watched_no_more() {
        let start = Tick::START;
        let mut slow_readers = SlowReaders::new(FAR, None);
        slow_readers.watch(seven(), (0, 0), start);
        assert_eq!(look(&mut slow_readers, 2 * FAR, start, 0), (true, vec![]));
        slow_readers.look(2 * FAR, start, |_| None, |_| panic!("cut"));
        assert!(!slow_readers.room_waits());
        assert!(!slow_readers.is_due(9 * FAR, start));
    }
}
