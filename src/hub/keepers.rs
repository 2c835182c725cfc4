//! How many names the people at one address may keep: a name for each person, who can't be told from
//! another by the next connection.
//!
//! By the same reckoning as [`rate_limit`](super::rate_limit): each name moves a due time on. Nothing of
//! it is written down: nobody needs to know later from where a name was kept.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use super::per_address::Origin;
use crate::tick::Tick;

/// What a name of one address (IPv6: of its /64) is worth, and how far ahead its due time may be:
/// five names at once, then one in five hours.
const EACH: Duration = Duration::from_hours(5);
/// See [`EACH`].
const WINDOW: Duration = Duration::from_hours(4 * 5);

/// So many addresses are remembered; beyond, nobody keeps a name until one of them has rested.
const ORIGINS_MAX: usize = 10_000;

/// The addresses that have kept names lately.
#[derive(Debug, Default)]
pub(super) struct Keepers {
    due: HashMap<Origin, Tick>,
}

impl Keepers {
    /// Counts a name, or returns for how many seconds, rounded up, `address` may keep no other. On
    /// the machine itself, where whoever runs the room is, any number may be kept.
    pub(super) fn wait_s_or_note(&mut self, address: IpAddr, now: Tick) -> Option<u64> {
        if address.to_canonical().is_loopback() {
            return None;
        }
        let origin = address.into();
        if self.due.len() >= ORIGINS_MAX && !self.due.contains_key(&origin) {
            self.due.retain(|_, due| *due > now);
            if self.due.len() >= ORIGINS_MAX {
                return Some(EACH.as_secs());
            }
        }
        let due = self.due.entry(origin).or_default();
        let wait = due.minus(WINDOW) - now;
        if wait.is_zero() {
            *due = (*due).max(now) + EACH;
            return None;
        }
        Some(wait.as_millis().div_ceil(1000) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: u64) -> Tick {
        Tick::START + Duration::from_hours(hours)
    }

    #[test]
    fn an_address_keeps_five_names_and_then_one_in_five_hours() {
        let mut keepers = Keepers::default();
        let mut keep =
            |address: &str, hours| keepers.wait_s_or_note(address.parse().unwrap(), at(hours));
        let waits: Vec<_> = (0..6).map(|_| keep("203.0.113.7", 1)).collect();
        assert_eq!(waits, [None, None, None, None, None, Some(5 * 3600)]);
        assert_eq!(keep("::ffff:203.0.113.7", 5), Some(3600), "the same");
        assert_eq!(keep("203.0.113.8", 1), None, "another");
        assert_eq!(
            (keep("203.0.113.7", 6), keep("203.0.113.7", 6)),
            (None, Some(5 * 3600))
        );
        for _ in 0..5 {
            assert_eq!(keep("2001:db8::1", 1), None);
        }
        assert!(keep("2001:db8::ffff:2", 1).is_some(), "the same /64");
        assert_eq!(keep("2001:db8:0:1::1", 1), None);
        for _ in 0..9 {
            assert_eq!((keep("127.0.0.1", 1), keep("::1", 1)), (None, None));
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut keepers = Keepers::default();
        let mut keep = |number: usize, hours| {
            let address = std::net::Ipv4Addr::from_bits(number as u32 + 1);
            keepers.wait_s_or_note(address.into(), at(hours))
        };
        for number in 0..ORIGINS_MAX {
            assert_eq!(keep(number, 0), None);
        }
        assert!(keep(ORIGINS_MAX, 0).is_some() && keep(0, 0).is_none());
        assert_eq!(keep(ORIGINS_MAX, 6), None, "they have rested");
    }
}
