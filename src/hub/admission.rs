//! Who may come in, and who has come in without having given a name.

use std::collections::VecDeque;
use std::net::IpAddr;

use super::limits::Limits;
use super::per_address::PerAddress;
use crate::room::{MemberId, Notice};

/// How many more newcomers than there are without a name may be remembered.
const NEWCOMERS_SPARE: usize = 1024;

/// Somebody who came without a name, and when, in whole seconds.
pub(super) type Newcomer = (MemberId, u64);

/// The places of the room, and who holds one without a name.
#[derive(Debug)]
pub(super) struct Admission {
    connections_max: usize,
    nameless_max: usize,
    name_timeout_s: u64,
    per_address: PerAddress,
    /// How many connections have no name.
    nameless: usize,
    /// The oldest first. One who has given a name since is passed over.
    newcomers: VecDeque<Newcomer>,
}

impl Admission {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            connections_max: limits.max_connections,
            nameless_max: limits.nameless_max(),
            name_timeout_s: limits.name_timeout_s.into(),
            per_address: PerAddress::new(limits.max_per_address),
            nameless: 0,
            newcomers: VecDeque::new(),
        }
    }

    /// Returns whether a connection from `address` may come in where there are so many, or why not.
    pub(super) fn admit(&self, connections: usize, address: IpAddr) -> Result<(), Notice<'static>> {
        if connections >= self.connections_max {
            Err(Notice::Full)
        } else if self.per_address.has_place(address) {
            Ok(())
        } else {
            Err(Notice::FullForAddress)
        }
    }

    /// Takes note of a connection without a name. `is_nameless` tells whether a newcomer still is
    /// there without one. Others are forgotten in time also where names are waited for for ever.
    pub(super) fn enter(
        &mut self,
        (id, since_s): Newcomer,
        address: IpAddr,
        is_nameless: impl Fn(Newcomer) -> bool,
    ) {
        self.per_address.enter(id.slot(), address);
        self.nameless += 1;
        if self.newcomers.len() > 2 * self.nameless + NEWCOMERS_SPARE {
            let mut newcomers = Vec::from(std::mem::take(&mut self.newcomers));
            newcomers.retain(|&newcomer| is_nameless(newcomer));
            // A slot may have had several owners within a second.
            newcomers.sort_unstable_by_key(|&(id, since_s)| (since_s, id));
            newcomers.dedup();
            self.newcomers = newcomers.into();
        }
        self.newcomers.push_back((id, since_s));
    }

    /// Takes note that a connection has given its name, or has gone without.
    pub(super) fn is_nameless_no_more(&mut self) {
        self.nameless -= 1;
    }

    /// Returns how many connections have no name.
    pub(super) fn nameless(&self) -> usize {
        self.nameless
    }

    /// Takes note that a connection needs its place no more.
    pub(super) fn leave(&mut self, id: MemberId) {
        self.per_address.leave(id.slot());
    }

    /// Returns whether one who has taken longest to give a name has to make place for another. So
    /// thousands who say nothing can't keep out somebody who does.
    pub(super) fn is_crowded(&self) -> bool {
        self.nameless >= self.nameless_max
    }

    /// Takes out the oldest newcomer.
    pub(super) fn pop_oldest(&mut self) -> Option<Newcomer> {
        self.newcomers.pop_front()
    }

    /// Takes out the oldest newcomer who has no name and should have one, or is gone.
    pub(super) fn pop_overdue(
        &mut self,
        now_s: u64,
        is_nameless: impl Fn(Newcomer) -> bool,
    ) -> Option<Newcomer> {
        let &newcomer = self.newcomers.front()?;
        let waits = self.name_timeout_s == 0 || now_s < self.due_s(newcomer);
        if waits && is_nameless(newcomer) {
            return None;
        }
        self.newcomers.pop_front()
    }

    /// Returns when a name is next due, in whole seconds.
    pub(super) fn deadline_s(&self) -> Option<u64> {
        let oldest = self.newcomers.front().filter(|_| self.name_timeout_s > 0)?;
        Some(self.due_s(*oldest))
    }

    /// Returns how many newcomers are remembered.
    pub(super) fn remembered(&self) -> usize {
        self.newcomers.len()
    }

    /// Returns when a newcomer's name is due. Seconds are whole: never too early.
    fn due_s(&self, (_, since_s): Newcomer) -> u64 {
        since_s + self.name_timeout_s + 1
    }
}
