//! The rules of a room that is kept in order, as simple as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use chatroom::hub::limits::Limits;
use chatroom::room::access::{Keeping, Key};

/// What people are called.
pub const NAMES: [&str; 7] = ["chief", "ada", "bob", "carl", "dora", "eve", "fritz"];

/// What the room keeps of people.
pub const KEEPING: Keeping = Keeping {
    names_max: 4,
    days: 90,
};

/// A key that opens nothing.
pub fn wrong() -> Key {
    Key::from_bytes([99; 16])
}

/// The limits of a room whose people may say any number of lines and take their time.
pub fn limits() -> Limits {
    Limits {
        rate: 0,
        backlog_bytes: 65_536,
        name_timeout_s: 0,
        ..Limits::default()
    }
}

/// Somebody outside.
#[derive(Debug)]
pub struct Person {
    /// Its number in the drive.
    pub peer: usize,
    pub address: IpAddr,
    pub name: &'static str,
    /// The kept name whose key it came with.
    pub keeps: Option<&'static str>,
    pub ignores: BTreeSet<&'static str>,
}

/// The rules, as simple as they are.
#[derive(Debug, Default)]
pub struct Model {
    pub here: Vec<Person>,
    /// The key of each kept name, and whether its keeper is an operator.
    pub kept: BTreeMap<&'static str, (Key, bool)>,
    /// Until when names and addresses are banned.
    pub banned_names: BTreeMap<&'static str, u64>,
    pub banned_addresses: BTreeMap<IpAddr, u64>,
    pub muted: BTreeMap<&'static str, u64>,
    pub locked: bool,
    pub guesses: Guesses,
    pub keepers: Keepers,
}

/// What is left of the names that the people at an address may keep: five at once, then one in five
/// hours.
#[derive(Debug, Default)]
pub struct Keepers(BTreeMap<IpAddr, u64>);

impl Keepers {
    /// Returns whether one more name may be kept at `address`, and counts it.
    pub fn take(&mut self, address: IpAddr, now_ms: u64) -> bool {
        const HOUR_MS: u64 = 3_600_000;
        let due = self.0.entry(address).or_default();
        let may = *due <= now_ms + 20 * HOUR_MS;
        if may {
            *due = now_ms.max(*due) + 5 * HOUR_MS;
        }
        may
    }
}

/// How it starts what somebody is told whose key isn't looked at.
const NOT_LOOKED_AT: &str =
    "* That was not looked at: too many wrong ones came lately; try again in ";

/// Returns what somebody was told whose key wasn't looked at.
pub fn refusal_in(heard: &str) -> Option<&str> {
    heard.lines().find(|line| line.starts_with(NOT_LOOKED_AT))
}

/// Until when wrong keys weigh, in milliseconds: those of each address, and all.
#[derive(Debug, Default)]
pub struct Guesses {
    due: BTreeMap<IpAddr, u64>,
    all_due: u64,
}

impl Guesses {
    /// Returns what somebody at `address` is told whose key isn't looked at now: an address has five
    /// tries and one more in 3 s, all together have a hundred and 500 more a second.
    pub fn refusal(&self, address: IpAddr, now_ms: u64) -> Option<String> {
        let due = self.due.get(&address).copied().unwrap_or(0);
        let each = due.saturating_sub(now_ms + 12_000);
        let wait_ms = each.max(self.all_due.saturating_sub(now_ms + 200));
        (wait_ms > 0).then(|| format!("{}{} s.", NOT_LOOKED_AT, wait_ms.div_ceil(1000)))
    }

    /// Counts a wrong key.
    pub fn note_wrong(&mut self, address: IpAddr, now_ms: u64) {
        let due = self.due.entry(address).or_default();
        *due = now_ms.max(*due) + 3000;
        self.all_due = now_ms.max(self.all_due) + 2;
    }
}

impl Model {
    pub fn at(&self, name: &str) -> Option<usize> {
        self.here.iter().position(|person| person.name == name)
    }

    /// What is written down holds in whole seconds, rather longer than too short.
    pub fn round_up(&mut self) {
        let names = self
            .banned_names
            .values_mut()
            .chain(self.muted.values_mut());
        for until in names.chain(self.banned_addresses.values_mut()) {
            *until = until.div_ceil(1000) * 1000;
        }
    }

    pub fn is_operator(&self, at: usize) -> bool {
        let keeps = self.here[at].keeps;
        keeps.is_some_and(|name| self.kept.get(name).is_some_and(|&(_, operator)| operator))
    }
}
