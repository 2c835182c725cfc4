//! Who tries keys and passwords that are wrong: how many may, in all and from one address.
//!
//! What comes too early is not looked at, so that trying costs the loop no more than any line, and
//! finds out no more than so much in a time. By the same reckoning as
//! [`rate_limit`](super::rate_limit): each wrong try moves a due time on.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::time::Duration;

use super::per_address::Origin;
use crate::room::MemberId;
use crate::tick::Tick;

/// Wrong tries after which a connection is ended.
const TRIES_MAX: u8 = 3;

/// What a wrong try of one address (IPv6: of its /64) is worth, and how far ahead its due time may
/// be: five tries at once, then one in three seconds.
const EACH: Duration = Duration::from_secs(3);
/// See [`EACH`].
const EACH_WINDOW: Duration = Duration::from_secs(12);

/// The same for all together: a hundred at once, then 500 a second.
const ALL: Duration = Duration::from_millis(2);
/// See [`ALL`].
const ALL_WINDOW: Duration = Duration::from_millis(200);

/// So many addresses are remembered before those whose time is over are forgotten. No more than all
/// together may try within 15 s can be due.
const ORIGINS_MAX: usize = 10_000;

/// Who has tried keys and passwords that were wrong.
#[derive(Debug, Default)]
pub(super) struct Guesses {
    /// Of those that are still connected: how many.
    tries: BTreeMap<MemberId, u8>,
    due: HashMap<Origin, Tick>,
    all_due: Tick,
}

impl Guesses {
    /// Returns for how many seconds, rounded up, somebody at `address` has to wait before it may
    /// try again, if it has to.
    pub(super) fn wait_s(&self, address: Option<IpAddr>, now: Tick) -> Option<u64> {
        let due = address.and_then(|address| self.due.get(&address.into()));
        let each = due.map_or(Duration::ZERO, |&due| due.minus(EACH_WINDOW) - now);
        let all = self.all_due.minus(ALL_WINDOW) - now;
        let wait = each.max(all);
        (!wait.is_zero()).then(|| wait.as_millis().div_ceil(1000) as u64)
    }

    /// Counts a wrong try, and returns whether the connection has to go.
    pub(super) fn note_wrong(
        &mut self,
        member: MemberId,
        address: Option<IpAddr>,
        now: Tick,
    ) -> bool {
        self.all_due = self.all_due.max(now) + ALL;
        if let Some(address) = address {
            if self.due.len() >= ORIGINS_MAX {
                self.due.retain(|_, due| *due > now);
            }
            let due = self.due.entry(address.into()).or_default();
            *due = (*due).max(now) + EACH;
        }
        let tries = self.tries.entry(member).or_default();
        *tries += 1;
        *tries >= TRIES_MAX
    }

    /// Forgets a connection that has ended.
    pub(super) fn leave(&mut self, member: MemberId) {
        self.tries.remove(&member);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Tick {
        Tick::START + Duration::from_millis(ms)
    }

    fn address(number: u32) -> IpAddr {
        std::net::Ipv4Addr::from_bits(number).into()
    }

    #[test]
    fn an_address_may_be_wrong_five_times_and_then_once_in_three_seconds() {
        let mut guesses = Guesses::default();
        let mut wrong = |number, ms| {
            let wait_s = guesses.wait_s(Some(address(number)), at(ms));
            if wait_s.is_none() {
                guesses.note_wrong(
                    MemberId::from_slot(number as usize),
                    Some(address(number)),
                    at(ms),
                );
            }
            wait_s
        };
        let waits: Vec<_> = (0..6).map(|_| wrong(1, 1000)).collect();
        assert_eq!(waits, [None, None, None, None, None, Some(3)]);
        assert_eq!(wrong(2, 1000), None, "another");
        assert_eq!(
            (wrong(1, 3999), wrong(1, 4000), wrong(1, 4000)),
            (Some(1), None, Some(3))
        );
        assert_eq!(wrong(1, 100_000), None, "rested");
    }

    #[test]
    fn all_together_may_be_wrong_so_often_and_little_is_remembered() {
        let mut guesses = Guesses::default();
        let mut tried = 0;
        for number in 0..100_000 {
            let now = at(u64::from(number) / 10);
            if guesses.wait_s(Some(address(number)), now).is_none() {
                guesses.note_wrong(
                    MemberId::from_slot(number as usize),
                    Some(address(number)),
                    now,
                );
                tried += 1;
            }
        }
        assert!((5000..5200).contains(&tried), "{tried} in ten seconds");
        assert!(guesses.due.len() <= ORIGINS_MAX);
        let member = MemberId::from_slot(200_000);
        let mut ends = || guesses.note_wrong(member, None, at(0));
        assert_eq!([ends(), ends(), ends()], [false, false, true]);
        guesses.leave(member);
        assert!(!guesses.note_wrong(member, None, at(0)));
    }
}
