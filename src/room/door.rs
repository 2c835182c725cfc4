//! Who comes in by which name, and who may have which: refused, kept and banned names, ghosts.

use super::Room;
use super::access::{Answer, Kept, Key};
use super::event::{Audience, Dismissal, Effect, Event};
use super::member::MemberId;
use super::name::{NAME_CHARS_MAX, Name};
use super::notice::Notice;

/// How many bytes behind a name may still be shown: more may be a key that was mistyped.
const REST_BYTES_MAX: usize = 15;

/// What somebody says to be: a name, and the key to it if it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim<'a> {
    /// The name, as typed.
    pub name: &'a str,
    /// The key, if one was given.
    pub key: Option<Key>,
}

impl<'a> Claim<'a> {
    /// Returns what a line says: `NAME` or `NAME KEY`.
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        let first = text.split_whitespace().next().unwrap_or_default();
        // Written in groups, it is longer than a name may be; thirty-two digits may be one.
        if first.len() > NAME_CHARS_MAX && Key::parse(first).is_some() {
            // No name, and none that may be shown or logged.
            return Self {
                name: "(key)",
                key: None,
            };
        }
        if let Some((name, rest)) = text.trim_end().split_once(char::is_whitespace) {
            let rest = rest.trim_start();
            let key = Key::parse(rest);
            if key.is_some() {
                return Self { name, key };
            }
            if rest.len() > REST_BYTES_MAX {
                // Refused for the space; what is behind it is nobody's business.
                let name = &text[..=name.len()];
                return Self { name, key };
            }
        }
        Self {
            name: text,
            key: None,
        }
    }
}

impl Room {
    /// Decides whether `member` comes in by what it says to be. If not, it is told why and asked
    /// again. A ghost that has the name, and the same key, is dismissed: the caller lets it leave
    /// before the newcomer joins.
    pub fn decide_name(
        &self,
        member: MemberId,
        claim: Claim<'_>,
        now_ms: u64,
        audience: &mut impl Audience,
    ) -> Option<Event<'static>> {
        let name = self.claimed(member, claim, now_ms, true, audience);
        if name.is_none() {
            audience.push(member, Effect::Prompt);
        }
        name.map(|name| Event::Joined { member, name })
    }

    /// Returns the name that `member` may have by what it says to be, or tells it why it may not.
    pub(super) fn claimed(
        &self,
        member: MemberId,
        claim: Claim<'_>,
        now_ms: u64,
        comes_in: bool,
        audience: &mut impl Audience,
    ) -> Option<Name> {
        let wait_s = claim.key.and_then(|_| audience.try_wait_s(member));
        let mut refuse = |notice: Notice<'_>| {
            audience.push(member, Effect::Notice(notice));
            None
        };
        if let Some(wait_s) = wait_s {
            return refuse(Notice::Access(Answer::TooManyTries { wait_s }));
        }
        let name = match Name::parse(claim.name) {
            Ok(name) => name,
            Err(why) => {
                let name = claim.name;
                return refuse(Notice::BadName { name, why });
            }
        };
        let kept = match self.key_to(member, &name, claim.key) {
            Ok(kept) => kept,
            Err(answer) => return refuse(Notice::Access(answer)),
        };
        if let Some(answer) = self.bars(&name, kept.is_some(), now_ms, comes_in) {
            return refuse(Notice::Access(answer));
        }
        let name = kept.map_or_else(|| name.clone(), |kept| kept.name.clone());
        let Some(holder) = self.names().find_other(&name, member) else {
            return Some(name);
        };
        let is_ghost = kept.is_some_and(|kept| {
            let held = self.access.kept.of(holder);
            held.is_some_and(|held| held.name == kept.name)
        });
        if !is_ghost {
            let (name, holder) = (name.as_str(), self.names().of(holder));
            return refuse(Notice::NameTaken { name, holder });
        }
        audience.push(holder, Effect::Notice(Notice::Replaced));
        audience.push(holder, Effect::Dismiss(Dismissal::Replaced));
        Some(name)
    }

    /// Returns the kept name that the key opens, none without a key.
    fn key_to<'r>(
        &'r self,
        member: MemberId,
        name: &'r Name,
        key: Option<Key>,
    ) -> Result<Option<&'r Kept>, Answer<'r>> {
        let access = &self.access;
        let own = access.kept.of(member).map(|kept| &kept.name);
        let Some(key) = key else {
            let mut alike = access.kept.alike(name);
            return match alike.find(|kept| Some(&kept.name) != own) {
                Some(kept) => Err(Answer::NameKept {
                    name: name.as_str(),
                    kept: kept.name.as_str(),
                }),
                None => Ok(None),
            };
        };
        let kept = access.kept.find(name);
        let name = name.as_str();
        match kept {
            None => Err(Answer::NotKept { name }),
            Some(kept) if kept.is_opened_by(key) => Ok(Some(kept)),
            Some(_) => Err(Answer::WrongKey { name }),
        }
    }

    /// Returns what keeps a name out, if anything does.
    pub(super) fn bars<'r>(
        &'r self,
        name: &'r Name,
        has_key: bool,
        now_ms: u64,
        comes_in: bool,
    ) -> Option<Answer<'r>> {
        if let Some(ban) = self.access.bans.of_name(name, now_ms) {
            return Some(Answer::NameBanned {
                name: name.as_str(),
                until: ban.until,
                reason: &ban.reason,
            });
        }
        (comes_in && !has_key && self.access.is_locked()).then_some(Answer::Locked)
    }
}
