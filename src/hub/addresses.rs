//! Where connections come from, where the log is to tell it.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use log::{Level, info, log};

use super::disconnect::Disconnect;
use crate::room::{MemberId, Notice};

/// The address of each connection, where the log names addresses. Where it doesn't nothing is kept.
#[derive(Debug)]
pub(super) struct Addresses {
    named: bool,
    /// By slot. What a slot's last owner has left is written over by the next.
    by_slot: Vec<Option<IpAddr>>,
    /// Of those whom a proxy stands for: their streams tell the proxy's.
    by_proxy: BTreeMap<MemberId, IpAddr>,
}

impl Addresses {
    /// Returns a table that keeps addresses if the log is to name them.
    pub(super) fn new(named: bool) -> Self {
        Self {
            named,
            by_slot: Vec::new(),
            by_proxy: BTreeMap::new(),
        }
    }

    /// Takes note of where somebody comes from whom a proxy stands for.
    pub(super) fn enter_by_proxy(&mut self, id: MemberId, address: IpAddr) {
        self.by_proxy.insert(id, address);
    }

    /// Returns where somebody comes from, if a proxy has said so.
    pub(super) fn by_proxy(&self, id: MemberId) -> Option<IpAddr> {
        self.by_proxy.get(&id).copied()
    }

    /// Forgets a connection that has ended, and whom its proxy stood for.
    pub(super) fn leave(&mut self, id: MemberId) {
        self.by_proxy.remove(&id);
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
    fn whom_a_proxy_stands_for_is_known_until_it_leaves() {
        let mut addresses = Addresses::new(false);
        let address = "203.0.113.7".parse().unwrap();
        addresses.enter_by_proxy(id(3), address);
        assert_eq!(addresses.by_proxy(id(3)), Some(address));
        assert_eq!(addresses.by_proxy(id(4)), None);
        addresses.leave(id(3));
        assert_eq!(addresses.by_proxy(id(3)), None);
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
