//! Who may not come in: by name, by address, until when, and why.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::blocks::Blocks;
use super::span::Until;
use crate::room::Name;

/// Most bans at once.
pub const BANS_MAX: usize = 5000;

/// That somebody may not come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ban {
    /// Who: whoever has this name.
    pub name: Option<Name>,
    /// Who: whoever comes from there.
    pub block: Option<IpNet>,
    /// Until when.
    pub until: Until,
    /// Who has banned them.
    pub by: Name,
    /// Why; may be empty.
    pub reason: String,
}

/// The bans, found by name and by address.
#[derive(Debug, Default)]
pub(in crate::room) struct Bans {
    list: Vec<Ban>,
    /// By how a name looks: where in the list.
    by_look: BTreeMap<String, usize>,
    by_block: Blocks<usize>,
}

impl Bans {
    pub(in crate::room) fn iter(&self) -> impl Iterator<Item = &Ban> {
        self.list.iter()
    }

    pub(in crate::room) fn len(&self) -> usize {
        self.list.len()
    }

    /// Returns the ban that holds whoever is called `name`.
    pub(in crate::room) fn of_name(&self, name: &Name, now_ms: u64) -> Option<&Ban> {
        if self.by_look.is_empty() {
            return None;
        }
        let mut looks = name.keys().into_iter();
        looks.find_map(|look| self.holding(*self.by_look.get(&look)?, now_ms))
    }

    /// Returns the ban that holds whoever comes from `address`.
    pub(in crate::room) fn of_address(&self, address: IpAddr, now_ms: u64) -> Option<&Ban> {
        let mut around = self.by_block.around(address);
        around.find_map(|&at| self.holding(at, now_ms))
    }

    /// Adds a ban, in place of one of the same name and block.
    pub(in crate::room) fn insert(&mut self, ban: Ban, now_ms: u64) {
        let is_same = |other: &Ban| other.name == ban.name && other.block == ban.block;
        self.retain(|other| !is_same(other) && other.until.holds(now_ms));
        self.list.push(ban);
        self.index(self.list.len() - 1);
    }

    /// Ends the bans that `ends` tells, and returns whether there were any.
    pub(in crate::room) fn end(&mut self, ends: impl Fn(&Ban) -> bool) -> bool {
        let before = self.list.len();
        self.retain(|ban| !ends(ban));
        before != self.list.len()
    }

    /// Forgets the bans whose time is over, and returns whether there were any.
    pub(in crate::room) fn lapse(&mut self, now_ms: u64) -> bool {
        self.end(|ban| !ban.until.holds(now_ms))
    }

    fn holding(&self, at: usize, now_ms: u64) -> Option<&Ban> {
        self.list.get(at).filter(|ban| ban.until.holds(now_ms))
    }

    fn retain(&mut self, keep: impl Fn(&Ban) -> bool) {
        let before = self.list.len();
        self.list.retain(keep);
        if self.list.len() != before {
            self.by_look.clear();
            self.by_block = Blocks::default();
            (0..self.list.len()).for_each(|at| self.index(at));
        }
    }

    /// Lets a ban be found. Of several that hold the same the one that holds longest is.
    fn index(&mut self, at: usize) {
        let ban = &self.list[at];
        let outlasts = |other: Option<usize>| {
            other.is_none_or(|other| ban.until.outlasts(self.list[other].until))
        };
        if let Some(block) = ban.block
            && outlasts(self.by_block.get(block).copied())
        {
            self.by_block.insert(block, at);
        }
        for look in ban.name.iter().flat_map(Name::keys) {
            if outlasts(self.by_look.get(&look).copied()) {
                self.by_look.insert(look, at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn ban(who: Option<&str>, block: Option<&str>, until_ms: Option<u64>) -> Ban {
        Ban {
            name: who.map(name),
            block: block.map(|block| block.parse().unwrap()),
            until: Until(until_ms),
            by: name("chief"),
            reason: String::new(),
        }
    }

    #[test]
    fn a_ban_holds_a_name_and_an_address_until_its_end() {
        let mut bans = Bans::default();
        bans.insert(ban(Some("bob"), Some("10.0.0.7/32"), Some(100)), 0);
        let address = "10.0.0.7".parse().unwrap();
        for now_ms in [0, 99] {
            assert!(bans.of_name(&name("BOB"), now_ms).is_some());
            assert!(bans.of_address(address, now_ms).is_some());
        }
        assert!(bans.of_name(&name("bob"), 100).is_none());
        assert!(bans.of_address(address, 100).is_none());
        assert!(bans.of_address("10.0.0.8".parse().unwrap(), 0).is_none());
        assert!(bans.lapse(100) && bans.len() == 0 && bans.by_look.is_empty());
    }

    #[test]
    fn of_two_bans_of_one_address_the_longer_holds_and_each_ends_alone() {
        let mut bans = Bans::default();
        let address = "10.0.0.7".parse().unwrap();
        bans.insert(ban(Some("bob"), Some("10.0.0.7/32"), None), 0);
        bans.insert(ban(Some("eve"), Some("10.0.0.7/32"), Some(100)), 0);
        assert!(bans.of_address(address, 200).is_some());
        assert!(bans.end(|ban| ban.name == Some(name("bob"))));
        assert!(bans.of_address(address, 99).is_some() && bans.of_address(address, 100).is_none());
        assert!(bans.of_name(&name("bob"), 0).is_none() && bans.of_name(&name("eve"), 0).is_some());
        assert!(!bans.end(|ban| ban.name == Some(name("bob"))));
        bans.insert(ban(Some("eve"), Some("10.0.0.7/32"), Some(300)), 0);
        assert_eq!(bans.len(), 1, "the same again");
        assert!(bans.of_name(&name("eve"), 200).is_some());
    }
}
