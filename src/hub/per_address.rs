//! How many connections each address has, where that is limited.

use std::collections::HashMap;
use std::net::IpAddr;

/// Whose connection it is: an IPv4 address, or the /64 that an IPv6 address is in. One customer
/// has a whole /64 (RFC 6177), so a single address of it says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Origin {
    V4(u32),
    V6(u64),
}

impl From<IpAddr> for Origin {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            IpAddr::V6(address) => Self::V6((address.to_bits() >> 64) as u64),
        }
    }
}

/// The connections of each origin. Where there is no limit nothing is kept.
#[derive(Debug)]
pub struct PerAddress {
    max: Option<usize>,
    counts: HashMap<Origin, usize>,
    /// The origin of each connection, by its slot.
    by_slot: Vec<Option<Origin>>,
}

impl PerAddress {
    /// Returns a count that allows `max` connections an origin.
    #[must_use]
    pub fn new(max: Option<usize>) -> Self {
        Self {
            max,
            counts: HashMap::new(),
            by_slot: Vec::new(),
        }
    }

    /// Returns whether `address` may have one more.
    #[must_use]
    pub fn has_place(&self, address: IpAddr) -> bool {
        self.max
            .is_none_or(|max| self.counts.get(&address.into()).is_none_or(|&n| n < max))
    }

    /// Counts the connection in `slot`.
    pub fn enter(&mut self, slot: usize, address: IpAddr) {
        if self.max.is_some() {
            let origin = Origin::from(address);
            *self.counts.entry(origin).or_insert(0) += 1;
            if self.by_slot.len() <= slot {
                self.by_slot.resize(slot + 1, None);
            }
            self.by_slot[slot] = Some(origin);
        }
    }

    /// Counts the connection in `slot` no more.
    pub fn leave(&mut self, slot: usize) {
        let Some(origin) = self.by_slot.get_mut(slot).and_then(Option::take) else {
            return;
        };
        if let Some(count) = self.counts.get_mut(&origin) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&origin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_places_and_gets_them_back() {
        let mut per_address = PerAddress::new(Some(2));
        let addresses = ["10.0.0.1", "::ffff:10.0.0.1", "10.0.0.2"];
        let [first, mapped, other] = addresses.map(|address| address.parse().unwrap());
        per_address.enter(0, first);
        assert!(per_address.has_place(mapped));
        per_address.enter(5, mapped);
        assert!(!per_address.has_place(first) && per_address.has_place(other));
        per_address.leave(5);
        assert!(per_address.has_place(first));
        per_address.leave(5);
        per_address.leave(0);
        assert!(per_address.counts.is_empty());
    }

    #[test]
    fn ipv6_counts_by_the_64() {
        let mut per_address = PerAddress::new(Some(1));
        per_address.enter(0, "2001:db8:0:1::1".parse().unwrap());
        assert!(!per_address.has_place("2001:db8:0:1:ffff::2".parse().unwrap()));
        assert!(per_address.has_place("2001:db8:0:2::1".parse().unwrap()));
    }

    #[test]
    fn without_a_limit_nothing_is_kept() {
        let mut per_address = PerAddress::new(None);
        per_address.enter(9, "10.0.0.1".parse().unwrap());
        assert!(per_address.by_slot.is_empty() && per_address.counts.is_empty());
    }
}
