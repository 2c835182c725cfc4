//! Blocks of addresses, and which of them an address is in.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::{IpNet, Ipv6Net};

/// Blocks of addresses, each with what is known of it.
///
/// An address is looked up once for each length of prefix that there is: seldom more than a few.
#[derive(Debug, Clone)]
pub struct Blocks<T> {
    by_block: BTreeMap<IpNet, T>,
    /// How many blocks there are of a family and a length of prefix.
    lengths: BTreeMap<(bool, u8), usize>,
}

impl<T> Default for Blocks<T> {
    fn default() -> Self {
        Self {
            by_block: BTreeMap::new(),
            lengths: BTreeMap::new(),
        }
    }
}

impl<T> Blocks<T> {
    /// Puts `value` beside a block, and returns what was beside it.
    pub fn insert(&mut self, block: IpNet, value: T) -> Option<T> {
        let block = block.trunc();
        let before = self.by_block.insert(block, value);
        if before.is_none() {
            let length = (block.addr().is_ipv6(), block.prefix_len());
            *self.lengths.entry(length).or_default() += 1;
        }
        before
    }

    /// Returns what is beside just this block.
    #[must_use]
    pub fn get(&self, block: IpNet) -> Option<&T> {
        self.by_block.get(&block.trunc())
    }

    /// Returns what is beside each block that `address` is in, the largest first.
    pub fn around(&self, address: IpAddr) -> impl Iterator<Item = &T> {
        let address = address.to_canonical();
        let lengths = self.lengths.keys();
        lengths
            .filter(move |&&(is_v6, _)| is_v6 == address.is_ipv6())
            .filter_map(move |&(_, length)| {
                let block = IpNet::new(address, length).ok()?;
                self.by_block.get(&block.trunc())
            })
    }

    /// Returns whether an address is in any block.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.around(address).next().is_some()
    }

    /// Returns whether there is no block.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_block.is_empty()
    }

    /// Returns how many blocks there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_block.len()
    }
}

/// Returns the block that somebody at `address` owns: the address, or the /64 that an IPv6 address
/// is in, of which one customer has a whole one (RFC 6177).
#[must_use]
pub fn own_block(address: IpAddr) -> IpNet {
    match address.to_canonical() {
        IpAddr::V4(address) => IpNet::from(IpAddr::V4(address)),
        IpAddr::V6(address) => Ipv6Net::new(address, 64).map_or_else(
            |_| IpNet::from(IpAddr::V6(address)),
            |block| IpNet::V6(block).trunc(),
        ),
    }
}

/// Returns the block that `text` writes: an address, or a block in CIDR notation. A single address
/// is written as what it is, IPv6 not widened.
#[must_use]
pub fn parse(text: &str) -> Option<IpNet> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(IpNet::from(address.to_canonical()));
    }
    text.parse::<IpNet>().ok().map(|block| block.trunc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(text: &str) -> IpNet {
        parse(text).unwrap()
    }

    #[test]
    fn an_address_is_found_in_every_block_around_it() {
        let mut blocks = Blocks::default();
        for (number, text) in ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "2001:db8::/32"]
            .into_iter()
            .enumerate()
        {
            assert_eq!(blocks.insert(block(text), number), None);
        }
        for (address, around) in [
            ("10.1.2.3", &[0, 1, 2][..]),
            ("::ffff:10.1.2.3", &[0, 1, 2]),
            ("10.1.2.4", &[0, 1]),
            ("10.255.255.255", &[0]),
            ("11.0.0.0", &[]),
            ("2001:db8:ffff::1", &[3]),
            ("2001:db9::1", &[]),
            ("::a01:203", &[]),
        ] {
            let found: Vec<usize> = blocks.around(address.parse().unwrap()).copied().collect();
            assert_eq!(found, around, "{address}");
            assert_eq!(
                blocks.contains(address.parse().unwrap()),
                !around.is_empty()
            );
        }
        assert_eq!(
            blocks.insert(block("10.9.9.9/8"), 9),
            Some(0),
            "the same block"
        );
        assert_eq!(
            (blocks.len(), blocks.get(block("10.0.0.0/8"))),
            (4, Some(&9))
        );
    }

    #[test]
    fn one_owns_an_address_or_a_64() {
        for (address, owned) in [
            ("203.0.113.7", "203.0.113.7/32"),
            ("::ffff:203.0.113.7", "203.0.113.7/32"),
            ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
        ] {
            assert_eq!(own_block(address.parse().unwrap()).to_string(), owned);
        }
        for text in ["", "bob", "10.0.0.0/33", "10.0.0", "1.2.3.4/"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
