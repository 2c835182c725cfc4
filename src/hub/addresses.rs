//! Where connections come from: where the log is to tell it, and where a proxy stands in between.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use log::{Level, info, log};

use super::disconnect::Disconnect;
use crate::room::{MemberId, Notice};

/// Where the person at the other end of a stream is: bans, whoever tries keys, and `/whois` go by it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Origin {
    /// Where the stream comes from.
    #[default]
    Stream,
    /// Where a proxy says it is.
    Named(IpAddr),
    /// Behind a proxy that doesn't know.
    Unknown,
}

/// The address of each connection, where the log names addresses; where it doesn't nothing is kept.
/// And that of each whose stream doesn't know it.
#[derive(Debug)]
pub(super) struct Addresses {
    named: bool,
    /// By slot. What a slot's last owner has left is written over by the next.
    by_slot: Vec<Option<IpAddr>>,
    /// Of those who come by a proxy: what it says, if it knows.
    origins: BTreeMap<MemberId, Option<IpAddr>>,
}

impl Addresses {
    /// Returns a table that keeps addresses if the log is to name them.
    pub(super) fn new(named: bool) -> Self {
        Self {
            named,
            by_slot: Vec::new(),
            origins: BTreeMap::new(),
        }
    }

    /// Takes note of where a new connection comes from, where its stream doesn't tell.
    pub(super) fn set_origin(&mut self, id: MemberId, origin: Origin) {
        let said = match origin {
            Origin::Stream => return,
            Origin::Named(address) => Some(address),
            Origin::Unknown => None,
        };
        self.origins.insert(id, said);
    }

    /// Returns where a connection comes from, whose stream has come from `peer`, if that is known. A
    /// proxy that doesn't know it stands for more people than one: its own address is nobody's.
    pub(super) fn origin(
        &self,
        id: MemberId,
        peer: impl FnOnce() -> Option<IpAddr>,
    ) -> Option<IpAddr> {
        self.origins.get(&id).copied().unwrap_or_else(peer)
    }

    /// Forgets a connection that has ended.
    pub(super) fn leave(&mut self, id: MemberId) {
        self.origins.remove(&id);
    }

    /// Takes note of where a new connection comes from.
    pub(super) fn enter(&mut self, id: MemberId, address: IpAddr) {
        if self.named {
            let slot = id.slot();
            if self.by_slot.len() <= slot {
                self.by_slot.resize(slot + 1, None);
            }
            self.by_slot[slot] = Some(address);
        }
    }

    /// Returns how a line of the log about a connection starts.
    pub(super) fn of(&self, id: MemberId) -> Whence {
        Whence(self.by_slot.get(id.slot()).copied().flatten())
    }

    /// Returns how a line of the log about somebody who was not let in starts.
    pub(super) fn at(&self, address: IpAddr) -> Whence {
        Whence(self.named.then_some(address))
    }

    /// Tells the log that a name was refused, and with which notice.
    pub(super) fn log_refused_name(&self, id: MemberId, notice: Notice<'_>) {
        let whence = self.of(id);
        log!(self.level(), "{whence}a name is refused: {notice}");
    }

    /// Tells the log that a key or password was wrong; never which.
    pub(super) fn log_wrong(&self, id: MemberId, notice: Notice<'_>) {
        let whence = self.of(id);
        info!("{whence}a name is refused: {notice}");
    }

    /// Tells the log that a connection without a name is ended, and why.
    pub(super) fn log_end(&self, id: MemberId, why: Disconnect) {
        let whence = self.of(id);
        log!(self.level(), "{whence}a connection is ended: {why}");
    }

    /// Returns at which level the log tells of those who don't come in. Few want to know, unless
    /// from where.
    pub(super) fn level(&self) -> Level {
        if self.named {
            Level::Info
        } else {
            Level::Debug
        }
    }
}

/// Where somebody comes from, as the start of a line of the log: `[203.0.113.7] `; or nothing.
///
/// At the start, and in brackets, since a name may be `203.0.113.7` but has no bracket: what people
/// type can't make it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whence(Option<IpAddr>);

impl fmt::Display for Whence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(address) => write!(f, "[{}] ", address.to_canonical()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(slot: usize) -> MemberId {
        MemberId::from_slot(slot)
    }

    #[test]
    fn a_slot_is_told_with_its_present_owners_address() {
        let mut addresses = Addresses::new(true);
        let [first, second, mapped] =
            ["203.0.113.7", "2001:db8::1", "::ffff:10.0.0.1"].map(|text| text.parse().unwrap());
        addresses.enter(id(3), first);
        addresses.enter(id(1), mapped);
        assert_eq!(addresses.of(id(3)).to_string(), "[203.0.113.7] ");
        assert_eq!(addresses.of(id(1)).to_string(), "[10.0.0.1] ");
        addresses.enter(id(3), second);
        assert_eq!(addresses.of(id(3)).to_string(), "[2001:db8::1] ");
        assert_eq!(addresses.at(first).to_string(), "[203.0.113.7] ");
        assert_eq!(addresses.level(), Level::Info);
    }

    #[test]
    fn who_comes_by_a_proxy_is_where_it_says_and_never_at_the_proxy() {
        let mut addresses = Addresses::new(false);
        let [proxy, person] = ["10.0.0.1", "203.0.113.7"].map(|text| text.parse().unwrap());
        let (proxy, named) = (Some(proxy), Origin::Named(person));
        let person = Some(person);
        assert_eq!(addresses.origin(id(3), || proxy), proxy);
        addresses.set_origin(id(2), Origin::Stream);
        addresses.set_origin(id(3), named);
        addresses.set_origin(id(4), Origin::Unknown);
        assert_eq!(addresses.origin(id(2), || proxy), proxy);
        assert_eq!(addresses.origin(id(3), || proxy), person);
        assert_eq!(addresses.origin(id(4), || proxy), None);
        addresses.leave(id(3));
        assert_eq!(addresses.origin(id(3), || proxy), proxy, "the next one");
    }

    #[test]
    fn nothing_is_kept_or_told_unless_it_is_asked_for() {
        let mut addresses = Addresses::new(false);
        let address = "203.0.113.7".parse().unwrap();
        addresses.enter(id(3), address);
        assert_eq!(addresses.by_slot.capacity(), 0);
        assert_eq!(addresses.of(id(3)).to_string(), "");
        assert_eq!(addresses.at(address).to_string(), "");
        assert_eq!(addresses.level(), Level::Debug);
    }
}
