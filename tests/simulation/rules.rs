//! The rules of a room that is kept in order, as simple as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use chatroom::room::access::Key;

/// What people are called.
pub const NAMES: [&str; 7] = ["chief", "ada", "bob", "carl", "dora", "eve", "fritz"];

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
}

impl Model {
    pub fn at(&self, name: &str) -> Option<usize> {
        self.here.iter().position(|person| person.name == name)
    }

    pub fn is_operator(&self, at: usize) -> bool {
        let keeps = self.here[at].keeps;
        keeps.is_some_and(|name| self.kept.get(name).is_some_and(|&(_, operator)| operator))
    }
}
