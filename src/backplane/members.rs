//! Which nodes there are, and who is connected to which.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use slab::Slab;
use smol_str::SmolStr;

use crate::room::MemberId;
use crate::tick::Tick;

/// Most nodes at once; more are not heard.
pub const NODES_MAX: usize = 1024;

/// Of how many nodes that are gone it is remembered that they are.
const GONE_MAX: usize = 4096;

/// The nodes, and who is connected to which. What is in it follows from the stream alone, but for the
/// members' numbers in the room and the times.
#[derive(Debug, Default)]
pub struct Members {
    nodes: BTreeMap<SmolStr, Node>,
    /// Those that are gone, the oldest first, and the counters of their last batches that counted.
    gone: VecDeque<(SmolStr, u64)>,
    /// Those who are connected to other nodes, by their places.
    remote: Slab<Remote>,
    /// The numbers of those who are connected to this one.
    own: BTreeMap<MemberId, u64>,
}

/// A node.
#[derive(Debug)]
pub struct Node {
    /// The counter of its last batch that counted.
    pub last: u64,
    /// Its members, by the numbers that it has given them.
    pub members: BTreeMap<u64, MemberId>,
    /// When it was heard last.
    pub heard: Tick,
    /// It was said to be gone, and the stream hasn't told so yet.
    pub doubted: bool,
}

/// Who is connected to another node.
#[derive(Debug)]
pub struct Remote {
    /// The node's boot.
    pub boot: SmolStr,
    /// The number that it has given.
    pub number: u64,
    /// Where it comes from, as its node says.
    pub address: Option<IpAddr>,
    /// When it has done something last.
    pub heard: Tick,
}

/// What a batch's counter says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It follows on the last one.
    Next,
    /// It has been told before, or its node is gone.
    Before,
    /// One before it is missing.
    Later,
}

impl Members {
    /// Returns what a batch's counter says of it.
    #[must_use]
    pub fn place(&self, boot: &str, counter: u64) -> Place {
        let last = match self.nodes.get(boot) {
            Some(node) => node.last,
            None if self.nodes.len() >= NODES_MAX => return Place::Before,
            None if self.last_of_gone(boot).is_some() => return Place::Before,
            None => 0,
        };
        match counter {
            _ if last.checked_add(1) == Some(counter) => Place::Next,
            counter if counter <= last => Place::Before,
            _ => Place::Later,
        }
    }

    /// Takes note of a batch that counts.
    pub fn count(&mut self, boot: &str, counter: u64, now: Tick) {
        let node = self.node(boot, now);
        (node.last, node.heard) = (counter, now);
    }

    /// Returns a node, which may be new.
    pub fn node(&mut self, boot: &str, now: Tick) -> &mut Node {
        self.nodes.entry(boot.into()).or_insert_with(|| Node {
            last: 0,
            members: BTreeMap::new(),
            heard: now,
            doubted: false,
        })
    }

    /// Returns who is in the room by a node, with the numbers that it has given them.
    pub fn of(&self, boot: &str) -> impl Iterator<Item = (u64, MemberId)> {
        let members = self.nodes.get(boot).map(|node| &node.members);
        let members = members.into_iter().flatten();
        members.map(|(&number, &member)| (number, member))
    }

    /// Returns the nodes, by their boots.
    pub fn nodes(&self) -> impl Iterator<Item = (&SmolStr, &Node)> {
        self.nodes.iter()
    }

    /// The same, to change them.
    pub fn nodes_mut(&mut self) -> impl Iterator<Item = (&SmolStr, &mut Node)> {
        self.nodes.iter_mut()
    }

    /// Returns the boots that are known to be gone, the oldest first, and the counter of the last batch
    /// of each that counted.
    pub fn gone(&self) -> impl Iterator<Item = (&str, u64)> {
        self.gone.iter().map(|(boot, last)| (boot.as_str(), *last))
    }

    /// Returns the counter of the last batch that counted of a node that is gone.
    #[must_use]
    pub fn last_of_gone(&self, boot: &str) -> Option<u64> {
        let gone = self.gone().find(|(gone, _)| *gone == boot);
        gone.map(|(_, last)| last)
    }

    /// Takes note that a node is gone whose last batch that counted had a certain counter.
    pub fn note_gone(&mut self, boot: &str, last: u64) {
        self.nodes.remove(boot);
        if self.gone.len() >= GONE_MAX {
            self.gone.pop_front();
        }
        self.gone.push_back((boot.into(), last));
    }

    /// Takes which nodes there are, and which are gone, as a snapshot has them, each with the counter of
    /// its last batch that counted. Nobody is in the room of those that are left out.
    pub fn set_nodes(&mut self, last: &BTreeMap<SmolStr, u64>, gone: &[(&str, u64)], now: Tick) {
        self.nodes.retain(|boot, _| last.contains_key(boot));
        for (boot, last) in last {
            self.count(boot, *last, now);
        }
        self.gone.clear();
        for (boot, last) in gone {
            self.note_gone(boot, *last);
        }
    }

    /// Takes note that a node lives.
    pub fn hear(&mut self, boot: &str, now: Tick) {
        if let Some(node) = self.nodes.get_mut(boot) {
            node.heard = now;
        }
    }

    /// Returns who has a number at a node.
    #[must_use]
    pub fn find(&self, boot: &str, number: u64) -> Option<MemberId> {
        self.nodes.get(boot)?.members.get(&number).copied()
    }

    /// Returns the boot and the number of somebody in the room, `own` the boot of this node.
    #[must_use]
    pub fn whence<'m>(&'m self, member: MemberId, own: &'m str) -> Option<(&'m str, u64)> {
        if member.is_remote() {
            let remote = self.remote.get(member.place())?;
            Some((&remote.boot, remote.number))
        } else {
            Some((own, *self.own.get(&member)?))
        }
    }

    /// Returns what is known of somebody who is connected to another node.
    #[must_use]
    pub fn remote(&self, member: MemberId) -> Option<&Remote> {
        self.remote
            .get(member.place())
            .filter(|_| member.is_remote())
    }

    /// Takes note that somebody has done something.
    pub fn note_heard(&mut self, member: MemberId, now: Tick) {
        if member.is_remote()
            && let Some(remote) = self.remote.get_mut(member.place())
        {
            remote.heard = now;
        }
    }

    /// Takes note that somebody connected to this node is about to come in by a number.
    pub fn announce(&mut self, member: MemberId, number: u64) {
        self.own.insert(member, number);
    }

    /// Returns the number of somebody connected to this node who is in the room or about to come in.
    #[must_use]
    pub fn number(&self, member: MemberId) -> Option<u64> {
        self.own.get(&member).copied()
    }

    /// Takes note that somebody connected to this node does not come in, or has left.
    pub fn forget(&mut self, member: MemberId) {
        self.own.remove(&member);
    }

    /// Returns a number in the room for somebody who comes in at another node.
    pub fn come(
        &mut self,
        boot: &str,
        number: u64,
        address: Option<IpAddr>,
        now: Tick,
    ) -> MemberId {
        MemberId::remote(self.remote.insert(Remote {
            boot: boot.into(),
            number,
            address,
            heard: now,
        }))
    }

    /// Takes note that somebody is in the room.
    pub fn enter(&mut self, boot: &str, number: u64, member: MemberId, now: Tick) {
        self.node(boot, now).members.insert(number, member);
    }

    /// Takes note that somebody has left.
    pub fn leave(&mut self, boot: &str, number: u64) -> Option<MemberId> {
        let member = self.nodes.get_mut(boot)?.members.remove(&number)?;
        if member.is_remote() {
            self.remote.try_remove(member.place());
        } else {
            self.own.remove(&member);
        }
        Some(member)
    }

    /// Returns how many are connected to other nodes.
    #[must_use]
    pub fn elsewhere(&self) -> usize {
        self.remote.len()
    }

    /// Returns whether a node is known, and not gone.
    #[must_use]
    pub fn knows(&self, boot: &str) -> bool {
        self.nodes.contains_key(boot)
    }

    /// Takes note that a node is gone; its members have left before.
    pub fn end(&mut self, boot: &str) {
        let last = self.nodes.get(boot).map_or(0, |node| node.last);
        self.note_gone(boot, last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_counts_once_and_in_its_turn() {
        let mut members = Members::default();
        assert_eq!(members.place("a", 2), Place::Later);
        assert_eq!(members.place("a", 0), Place::Before);
        assert_eq!(members.place("a", 1), Place::Next);
        members.count("a", 1, Tick::START);
        assert_eq!(members.place("a", 1), Place::Before);
        assert_eq!(members.place("a", 2), Place::Next);
        assert_eq!(members.place("a", 3), Place::Later);
        members.end("a");
        for counter in 0..5 {
            assert_eq!(members.place("a", counter), Place::Before, "it is gone");
        }
        members.count("b", u64::MAX, Tick::START);
        assert_eq!(members.place("b", 0), Place::Before);
    }

    #[test]
    fn members_are_known_by_both_their_numbers() {
        let mut members = Members::default();
        let here = MemberId::from_slot(4);
        members.announce(here, 1);
        members.enter("own", 1, here, Tick::START);
        let there = members.come("other", 1, None, Tick::START);
        members.enter("other", 1, there, Tick::START);
        assert_eq!(members.whence(here, "own"), Some(("own", 1)));
        assert_eq!(members.whence(there, "own"), Some(("other", 1)));
        assert_eq!(members.find("other", 1), Some(there));
        assert_eq!(members.leave("other", 1), Some(there));
        assert_eq!(members.leave("other", 1), None);
        assert_eq!(members.leave("own", 1), Some(here));
        assert_eq!(members.number(here), None);
        assert!(members.remote(there).is_none());
    }
}
