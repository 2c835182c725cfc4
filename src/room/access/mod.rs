//! Who may be here, and who may speak: keys and kept names, operators, bans, mutes, the lock, slow
//! mode, the topic, and who ignores whom.
//!
//! All of it is plain data that events change; `now_ms` is the wall clock in milliseconds since 1970,
//! since what holds for days has to survive the server. A room that [keeps](Access::keeps) nothing
//! has no names of anybody's own and so no operators, and nothing of this but ignoring.

pub mod act;
pub mod answer;
pub mod bans;
pub mod blocks;
mod ignores;
pub mod kept;
pub mod key;
mod marks;
mod shared;
pub mod span;
mod whois;

use std::collections::BTreeMap;
use std::net::IpAddr;

pub use self::act::Act;
pub use self::answer::Answer;
use self::bans::Bans;
pub use self::bans::{BANS_MAX, Ban};
pub use self::ignores::IGNORED_MAX;
use self::ignores::Ignores;
pub use self::kept::Kept;
use self::kept::KeptNames;
pub use self::key::{Key, KeyHash};
use self::marks::Marks;
use self::span::Until;
pub use self::whois::Whois;
use super::Name;
use super::member::{MemberId, Table};

/// Most names muted at once.
pub const MUTES_MAX: usize = 1000;

/// What a room keeps of people beyond their visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keeping {
    /// Most kept names.
    pub names_max: usize,
    /// After how many days a kept name that nobody uses lapses.
    pub days: u32,
}

/// What the room is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// In words.
    pub text: String,
    /// Who has said so.
    pub by: Name,
}

/// That somebody may say nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mute {
    /// Until when.
    pub until: Until,
}

impl Default for Mute {
    fn default() -> Self {
        Self { until: Until(None) }
    }
}

/// Who may be here, and who may speak.
#[derive(Debug, Default)]
pub struct Access {
    pub(super) keeping: Option<Keeping>,
    pub(super) kept: KeptNames,
    pub(super) bans: Bans,
    pub(super) mutes: Marks<Mute>,
    pub(super) ignores: Ignores,
    pub(super) topic: Option<Topic>,
    pub(super) locked: bool,
    /// How many seconds a person has to wait between two lines.
    pub(super) slow_s: u32,
    /// The message of the day; empty for none.
    pub(super) motd: String,
    /// When each member last said something to all, while the room is slow.
    spoke_ms: BTreeMap<MemberId, u64>,
    /// When each member came, in seconds since 1970, by its number; where the room keeps something.
    since_s: Table<u32>,
    /// How often what outlives the server has changed.
    version: u64,
}

impl Access {
    /// Returns what a room begins with that keeps as much, and nothing yet.
    #[must_use]
    pub fn new(keeping: Keeping) -> Self {
        Self {
            keeping: Some(keeping),
            ..Self::default()
        }
    }

    /// Returns whether the room keeps anything of people beyond their visit.
    #[must_use]
    pub fn keeps(&self) -> bool {
        self.keeping.is_some()
    }

    /// Returns a number that grows whenever what outlives the server changes.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Returns the kept names, in their order.
    pub fn kept(&self) -> impl Iterator<Item = &Kept> {
        self.kept.iter()
    }

    /// Returns the bans, the oldest first, also those whose time is over.
    pub fn bans(&self) -> impl Iterator<Item = &Ban> {
        self.bans.iter()
    }

    /// Returns who is muted, also those whose time is over.
    pub fn mutes(&self) -> impl Iterator<Item = (&Name, &Mute)> {
        self.mutes.iter()
    }

    /// Returns what the room is about, if anybody has said so.
    #[must_use]
    pub fn topic(&self) -> Option<&Topic> {
        self.topic.as_ref()
    }

    /// Returns whether nobody new comes in.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.locked
    }

    /// Returns how many seconds a person has to wait between two lines.
    #[must_use]
    pub fn slow_s(&self) -> u32 {
        self.slow_s
    }

    /// Returns the message of the day; empty for none.
    #[must_use]
    pub fn motd(&self) -> &str {
        &self.motd
    }

    /// Sets the message of the day, which is safe to show.
    pub fn set_motd(&mut self, text: String) {
        self.motd = text;
    }

    /// Returns whether somebody may not come in from `address`, and what to say.
    #[must_use]
    pub fn refusal(&self, address: IpAddr, now_ms: u64) -> Option<Answer<'_>> {
        let Ban { until, reason, .. } = self.bans.of_address(address, now_ms)?;
        let until = *until;
        Some(Answer::Banned { until, reason })
    }

    /// Returns whether a member is an operator.
    #[must_use]
    pub fn is_operator(&self, member: MemberId) -> bool {
        self.kept.of(member).is_some_and(|kept| kept.operator)
    }

    /// Returns who doesn't want to hear a member; allocates nothing.
    #[must_use]
    pub fn ignoring(&self, speaker: MemberId) -> &[MemberId] {
        self.ignores.of(speaker)
    }

    /// Keeps a name as it was kept before; for the state file.
    ///
    /// # Errors
    /// Says so where it looks like another.
    pub fn restore_kept(&mut self, kept: Kept) -> Result<(), &'static str> {
        let is_new = self.kept.iter().all(|other| other.name != kept.name);
        if is_new && self.kept.keep(kept) {
            Ok(())
        } else {
            Err("this name is kept already, or looks like one that is")
        }
    }

    /// Lets a ban hold as before; for the state file.
    pub fn restore_ban(&mut self, ban: Ban, now_ms: u64) {
        self.bans.insert(ban, now_ms);
    }

    /// Lets a mute hold as before; for the state file.
    pub fn restore_mute(&mut self, name: &Name, mute: Mute) {
        *self.mutes.entry(name, None) = mute;
    }

    /// Sets what the room is about, whether it is locked and slow; for the state file.
    pub fn restore_room(&mut self, topic: Option<Topic>, locked: bool, slow_s: u32) {
        (self.topic, self.locked, self.slow_s) = (topic, locked, slow_s);
    }

    /// Returns before when a kept name must have been used last to lapse at `now_ms`; nothing where the
    /// room keeps nothing.
    #[must_use]
    pub fn oldest_ms(&self, now_ms: u64) -> Option<u64> {
        let days = self.keeping?.days;
        Some(now_ms.saturating_sub(u64::from(days) * 24 * 3600 * 1000))
    }

    /// Forgets what is over: bans, mutes, and kept names that nobody has used for too long.
    pub fn lapse(&mut self, now_ms: u64) {
        if let Some(oldest_ms) = self.oldest_ms(now_ms) {
            self.lapse_before(oldest_ms, now_ms);
        }
    }

    /// The same, where kept names lapse that were not used since `oldest_ms`.
    pub fn lapse_before(&mut self, oldest_ms: u64, now_ms: u64) {
        let muted = self.mutes.len();
        self.mutes.retain(|mute| mute.until.holds(now_ms));
        let changes = [
            self.kept.lapse(oldest_ms),
            self.bans.lapse(now_ms),
            self.mutes.len() != muted,
        ];
        self.version += u64::from(changes.contains(&true));
    }

    /// Returns why a member may not say anything to all at the moment, if it may not.
    pub(super) fn silences(&self, member: MemberId, now_ms: u64) -> Option<Answer<'static>> {
        if self.mutes.is_empty() && self.slow_s == 0 {
            return None;
        }
        self.mute_of(member, now_ms).or_else(|| {
            let window_ms = u64::from(self.slow_s) * 1000;
            let again_ms = self.spoke_ms.get(&member)?.checked_add(window_ms)?;
            let left_ms = again_ms.saturating_sub(now_ms).min(window_ms);
            let waits = left_ms > 0 && !self.is_operator(member);
            waits.then(|| Answer::Slow {
                every_s: self.slow_s,
                wait_s: left_ms.div_ceil(1000),
            })
        })
    }

    /// Returns until when a member may say nothing at all, as an answer, if it may not.
    pub(super) fn mute_of(&self, member: MemberId, now_ms: u64) -> Option<Answer<'static>> {
        let until = self.mutes.of(member)?.until;
        until.holds(now_ms).then_some(Answer::Muted { until })
    }

    /// Returns when a member came, in milliseconds since 1970, if that is kept.
    #[must_use]
    pub fn since_ms(&self, member: MemberId) -> Option<u64> {
        let since_s = self.since_s.get(member)?;
        Some(u64::from(*since_s) * 1000)
    }

    /// Takes note that a member has said something to all.
    pub(super) fn spoke(&mut self, member: MemberId, now_ms: u64) {
        if self.slow_s > 0 {
            self.spoke_ms.insert(member, now_ms);
        }
    }

    /// Takes note that somebody has come by a name.
    pub(super) fn came(&mut self, member: MemberId, name: &Name, now_ms: u64) {
        self.mutes.came(member, name);
        self.ignores.came(member, name);
        if self.keeps() {
            *self.since_s.entry(member) = u32::try_from(now_ms / 1000).unwrap_or(u32::MAX);
            self.take_up(member, name, now_ms);
        }
    }

    /// Takes note that a member goes by another name.
    pub(super) fn renamed(&mut self, member: MemberId, old: &Name, name: &Name, now_ms: u64) {
        if let Some(mute) = self.mutes.renamed(member, name) {
            *self.mutes.entry(name, Some(member)) = mute;
            self.version += 1;
        }
        self.ignores.renamed(member, old, name);
        self.take_up(member, name, now_ms);
    }

    /// Takes note that a member is gone.
    pub(super) fn left(&mut self, member: MemberId, now_ms: u64) {
        self.mutes.left(member);
        self.ignores.left(member);
        self.spoke_ms.remove(&member);
        self.version += u64::from(self.kept.leave(member, now_ms));
    }

    /// Makes a member the keeper of the name that it has come by, if that is kept: nobody comes by
    /// it without the key.
    fn take_up(&mut self, member: MemberId, name: &Name, now_ms: u64) {
        let kept = self
            .kept
            .find(name)
            .map(|kept| kept.name.as_str().to_owned());
        if let Some(kept) = kept {
            self.kept.enter(member, &kept, now_ms);
            self.version += 1;
        }
    }

    /// Makes an act so, as far as it is a matter of what is known; `name` is that of who acts,
    /// `find` tells who of those here has a name.
    pub(super) fn apply(
        &mut self,
        member: MemberId,
        name: &Name,
        act: &Act<'_>,
        now_ms: u64,
        find: impl Fn(&Name) -> Option<MemberId>,
    ) {
        self.version += u64::from(act.is_lasting());
        let own = self.kept.of(member).map(|kept| kept.name.clone());
        match act {
            Act::Keep(hash) => self.keep(member, own.as_ref().unwrap_or(name), *hash, now_ms),
            Act::Unkeep => own.iter().for_each(|own| self.kept.forget(own.as_str())),
            Act::Ignore(name) => self.ignores.ignore(member, name, find(name)),
            Act::Unignore(name) => self.ignores.hear(member, name),
            Act::Op(name) => self.kept.change(name.as_str(), |kept| kept.operator = true),
            Act::Deop(name) => self
                .kept
                .change(name.as_str(), |kept| kept.operator = false),
            Act::Kick { .. } | Act::Announce(_) => {}
            Act::Ban(ban) => self.bans.insert(ban.clone(), now_ms),
            Act::UnbanName(name) => {
                let look = name.keys();
                let is_it = |other: &Name| other.keys().iter().any(|key| look.contains(key));
                self.bans.end(|ban| ban.name.as_ref().is_some_and(is_it));
            }
            Act::UnbanBlock(block) => {
                self.bans.end(|ban| ban.block == Some(*block));
            }
            Act::Mute { name, until } => {
                *self.mutes.entry(name, find(name)) = Mute { until: *until };
            }
            Act::Unmute(name) => drop(self.mutes.remove(name)),
            Act::Topic(text) => {
                let by = name.clone();
                let text = (*text).to_owned();
                self.topic = (!text.is_empty()).then_some(Topic { text, by });
            }
            Act::Slow(seconds) => {
                self.slow_s = *seconds;
                self.spoke_ms.clear();
            }
            Act::Lock => self.locked = true,
            Act::Unlock => self.locked = false,
            Act::Free(name) => self.kept.forget(name.as_str()),
        }
    }

    fn keep(&mut self, member: MemberId, name: &Name, hash: KeyHash, now_ms: u64) {
        let operator = self.is_operator(member);
        let kept = Kept {
            name: name.clone(),
            hash,
            operator,
            used_ms: now_ms,
        };
        if self.kept.keep(kept) {
            self.kept.enter(member, name.as_str(), now_ms);
        }
    }
}
