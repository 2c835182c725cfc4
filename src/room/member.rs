//! Who is meant: a member's number.

use std::fmt;

/// Set in the numbers of those who are connected to another machine.
const REMOTE: u32 = 1 << 31;

/// A member's number, by which the room knows it: no two have the same at a time. Of who is connected
/// to this machine the slab's slot and the poll's token are the same number; who is connected to
/// another one that shares the room has a number that is no slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(u32);

impl MemberId {
    /// Nobody's number: who is connected to another machine and has none yet.
    pub const NOBODY: Self = Self(u32::MAX);

    /// Returns the number of the connection in a slot; there are fewer than two billion.
    #[must_use]
    pub fn from_slot(slot: usize) -> Self {
        Self(slot as u32)
    }

    /// Returns the number of who is connected to another machine and stands at a certain place among
    /// those; there are fewer than two billion.
    #[must_use]
    pub fn remote(place: usize) -> Self {
        Self(place as u32 | REMOTE)
    }

    /// Returns whether it is somebody who is connected to another machine.
    #[must_use]
    pub fn is_remote(self) -> bool {
        self.0 & REMOTE != 0
    }

    /// Returns the slot of the connection; for who is connected to another machine, one that there
    /// never is.
    #[must_use]
    pub fn slot(self) -> usize {
        self.0 as usize
    }

    /// Returns its place among those connected to the same machine, or among all who are connected to
    /// others.
    #[must_use]
    pub fn place(self) -> usize {
        (self.0 & !REMOTE) as usize
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Something known of every member, by its number: a table for those who are connected to this
/// machine, and one for the others, which is empty where there are none.
#[derive(Debug)]
pub(super) struct Table<T> {
    here: Vec<T>,
    elsewhere: Vec<T>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            here: Vec::new(),
            elsewhere: Vec::new(),
        }
    }
}

impl<T: Default> Table<T> {
    /// Returns what is known of a member, if anything was.
    pub(super) fn get(&self, member: MemberId) -> Option<&T> {
        let table = if member.is_remote() {
            &self.elsewhere
        } else {
            &self.here
        };
        table.get(member.place())
    }

    /// The same, to change it.
    pub(super) fn get_mut(&mut self, member: MemberId) -> Option<&mut T> {
        self.table(member).get_mut(member.place())
    }

    /// Returns what is known of a member, to set it.
    pub(super) fn entry(&mut self, member: MemberId) -> &mut T {
        let place = member.place();
        let table = self.table(member);
        if table.len() <= place {
            table.resize_with(place + 1, T::default);
        }
        &mut table[place]
    }

    /// Returns what is known, in the order of the members' numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.here.iter().chain(&self.elsewhere)
    }

    fn table(&mut self, member: MemberId) -> &mut Vec<T> {
        if member.is_remote() {
            &mut self.elsewhere
        } else {
            &mut self.here
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_elsewhere_has_a_number_of_its_own() {
        let (here, there) = (MemberId::from_slot(3), MemberId::remote(3));
        assert!(!here.is_remote() && there.is_remote());
        assert_ne!(here, there);
        assert_eq!((here.place(), there.place(), here.slot()), (3, 3, 3));
        let mut table = Table::default();
        *table.entry(here) = 1;
        *table.entry(there) = 2;
        assert_eq!((table.get(here), table.get(there)), (Some(&1), Some(&2)));
        assert_eq!(table.get(MemberId::remote(4)), None);
        assert_eq!(table.iter().sum::<i32>(), 3);
    }
}
