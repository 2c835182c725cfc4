//! From where one may come in, as whoever runs the server has it.

use std::net::IpAddr;

use crate::room::access::blocks::Blocks;
use crate::room::access::{Answer, KeyHash};

/// From where one may come in at all.
#[derive(Debug, Clone, Default)]
pub struct Gate {
    /// The only addresses that may, if there is such a list.
    pub allow: Option<Blocks<()>>,
    /// Addresses that may not.
    pub deny: Blocks<()>,
}

/// What whoever runs the server has written for the room.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    /// The message of the day, safe to show; empty for none.
    pub motd: String,
    /// From where one may come in.
    pub gate: Gate,
    /// What is kept of the password, if there is one.
    pub password: Option<KeyHash>,
}

impl Gate {
    /// Returns why nobody may come in from `address`, if it is so.
    #[must_use]
    pub fn refusal(&self, address: IpAddr) -> Option<Answer<'static>> {
        if self.deny.contains(address) {
            return Some(Answer::Denied);
        }
        let allow = self.allow.as_ref()?;
        (!allow.contains(address)).then_some(Answer::NotAllowed)
    }
}
