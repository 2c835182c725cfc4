//! What a room keeps of people, as a snapshot and the stream have it: a row for each name, ban, mute, and
//! the like.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::event::{Banned, Text};
use crate::room::access::span::Until;
use crate::room::access::{Access, Ban, Kept, KeyHash, Mute, Topic};

/// One thing that a room keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "as those of `Access`")]
pub enum Row<'a> {
    Kept {
        #[serde(borrow)]
        name: Text<'a>,
        #[serde(borrow)]
        hash: Text<'a>,
        operator: bool,
        used: u64,
    },
    Ban {
        #[serde(borrow)]
        ban: Banned<'a>,
        #[serde(borrow)]
        by: Text<'a>,
    },
    Mute {
        #[serde(borrow)]
        name: Text<'a>,
        until: Option<u64>,
    },
    Topic {
        #[serde(borrow)]
        text: Text<'a>,
        #[serde(borrow)]
        by: Text<'a>,
    },
    Slow(u32),
    Locked,
}

/// Somebody in the room, as a snapshot has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Present<'a> {
    /// Its node.
    #[serde(borrow)]
    pub node: Text<'a>,
    /// Its number there.
    pub n: u64,
    /// Its name.
    #[serde(borrow)]
    pub name: Text<'a>,
    /// The kept name whose key it has shown.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub keeps: Option<Text<'a>>,
    /// When it came, in milliseconds since 1970.
    pub since: u64,
    /// When it said something last, where the room is slow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spoke: Option<u64>,
    /// Where it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<IpAddr>,
}

/// Returns all that a room keeps.
#[must_use]
pub fn rows(access: &Access) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = access
        .kept()
        .map(|kept| Row::Kept {
            name: kept.name.as_str().into(),
            hash: Text(kept.hash.to_hex().into()),
            operator: kept.operator,
            used: kept.used_ms,
        })
        .collect();
    rows.extend(access.bans().map(|ban| Row::Ban {
        ban: Banned {
            name: ban.name.as_ref().map(|name| name.as_str().into()),
            block: ban.block.map(|block| Text(block.to_string().into())),
            until: ban.until.0,
            reason: ban.reason.as_str().into(),
        },
        by: ban.by.as_str().into(),
    }));
    rows.extend(access.mutes().map(|(name, mute)| Row::Mute {
        name: name.as_str().into(),
        until: mute.until.0,
    }));
    rows.extend(access.topic().map(|topic| Row::Topic {
        text: topic.text.as_str().into(),
        by: topic.by.as_str().into(),
    }));
    if access.slow_s() > 0 {
        rows.push(Row::Slow(access.slow_s()));
    }
    if access.is_locked() {
        rows.push(Row::Locked);
    }
    rows
}

impl Row<'_> {
    /// Lets a room keep it, too; returns nothing where it can't.
    pub fn restore(&self, access: &mut Access, now_ms: u64) -> Option<()> {
        let state =
            |access: &Access| (access.topic().cloned(), access.is_locked(), access.slow_s());
        match self {
            Self::Kept {
                name,
                hash,
                operator,
                used,
            } => {
                let kept = Kept {
                    name: name.name()?,
                    hash: KeyHash::parse(&hash.0)?,
                    operator: *operator,
                    used_ms: *used,
                };
                access.restore_kept(kept).ok()
            }
            Self::Ban { ban, by } => {
                let ban: Ban = ban.ban(&by.name()?)?;
                access.restore_ban(ban, now_ms);
                Some(())
            }
            Self::Mute { name, until } => {
                let until = Until(*until);
                access.restore_mute(&name.name()?, Mute { until });
                Some(())
            }
            Self::Topic { text, by } => {
                let (text, by) = (text.said()?.to_owned(), by.name()?);
                let (_, locked, slow_s) = state(access);
                access.restore_room(Some(Topic { text, by }), locked, slow_s);
                Some(())
            }
            Self::Slow(slow_s) => {
                let (topic, locked, _) = state(access);
                access.restore_room(topic, locked, *slow_s);
                Some(())
            }
            Self::Locked => {
                let (topic, _, slow_s) = state(access);
                access.restore_room(topic, true, slow_s);
                Some(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::access::Keeping;
    use crate::store::state;

    #[test]
    fn what_a_room_keeps_is_written_and_read_back() {
        let keeping = Keeping {
            names_max: 10,
            days: 90,
        };
        let hash = KeyHash::of(b"x").to_hex();
        let text = format!(
            "keep ali operator used 2025-11-25T14:00:01Z sha256 {hash}\n\
             ban name eve block 203.0.113.7/32 until 2025-11-26T14:00:00Z by ali too loud\n\
             ban name - block 2001:db8::/64 until ever by ali\n\
             mute carl until ever\ntopic ali tea and cake\nslow 10\nlocked\n"
        );
        let now_ms = 1_764_079_201_000;
        let access = state::read(&text, keeping, now_ms).unwrap();
        let written = serde_json::to_string(&rows(&access)).unwrap();
        let mut again = Access::new(keeping);
        for row in serde_json::from_str::<Vec<Row<'_>>>(&written).unwrap() {
            row.restore(&mut again, now_ms).unwrap();
        }
        assert_eq!(state::write(&again), state::write(&access));
    }
}
