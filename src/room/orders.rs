//! What operators may do: decided here, made so, and told to everybody in words that name who did it.

use ipnet::IpNet;

use super::access::answer::Because;
use super::access::span::{Lasting, Until};
use super::access::{Act, Answer, BANS_MAX, Ban, MUTES_MAX, blocks};
use super::event::{Audience, Dismissal, Effect, Event};
use super::member::MemberId;
use super::name::Name;
use super::notice::Notice;
use super::{Room, WHO_BYTES_MAX};
use crate::line::order::Order;

impl Room {
    /// Decides what comes of what a member asks for that only operators may ask for.
    pub(super) fn order<'l>(
        &self,
        member: MemberId,
        order: Order<'l>,
        now_ms: u64,
        audience: &mut impl Audience,
    ) -> Option<Event<'l>> {
        if !self.access.is_operator(member) {
            let command = order.word();
            let notice = Notice::Access(Answer::ForOperators { command });
            audience.push(member, Effect::Notice(notice));
            return None;
        }
        if order == Order::Bans {
            self.list_bans(member, now_ms, audience);
            return None;
        }
        match self.ordered(member, order, now_ms, audience) {
            Ok(act) => {
                let words = self.words(member, &act);
                Some(Event::Act { member, act, words })
            }
            Err(notice) => {
                audience.push(member, Effect::Notice(notice));
                None
            }
        }
    }

    /// Returns what an operator's order does, or what to answer.
    fn ordered<'l>(
        &self,
        member: MemberId,
        order: Order<'l>,
        now_ms: u64,
        audience: &impl Audience,
    ) -> Result<Act<'l>, Notice<'l>> {
        let access = &self.access;
        let until = |for_ms: Option<u64>| Until(for_ms.map(|ms| now_ms.saturating_add(ms)));
        let only_if = |changes: bool, act| {
            let so = Err(Notice::Access(Answer::AlreadySo));
            if changes { Ok(act) } else { so }
        };
        match order {
            Order::Op(name) => self.raised(name, true),
            Order::Deop(name) => self.raised(name, false),
            Order::Free(name) => self.freed(member, name),
            Order::Kick { name, reason } => {
                let target = self.target(member, name)?.1;
                let member = target.ok_or(Notice::NobodyCalled { name })?;
                Ok(Act::Kick { member, reason })
            }
            Order::Ban {
                who,
                for_ms,
                reason,
            } => self.banned(member, who, until(for_ms), reason, audience),
            Order::Unban(who) => self.unbanned(who),
            Order::Mute { name, for_ms } => {
                let (name, _) = self.target(member, name)?;
                if access.mutes.len() >= MUTES_MAX {
                    return Err(Notice::Access(Answer::ListFull));
                }
                let until = until(for_ms);
                Ok(Act::Mute { name, until })
            }
            Order::Unmute(text) => {
                let name = named(text)?;
                let found = self.names.find(&name);
                let name = found.map_or(name, |found| self.names.name(found));
                only_if(access.mutes.get(&name).is_some(), Act::Unmute(name))
            }
            Order::Topic("-") => only_if(access.topic().is_some(), Act::Topic("")),
            Order::Topic(text) => Ok(Act::Topic(text)),
            Order::Announce(text) => Ok(Act::Announce(text)),
            Order::Slow(seconds) => only_if(seconds != access.slow_s(), Act::Slow(seconds)),
            Order::Lock => only_if(!access.is_locked(), Act::Lock),
            Order::Unlock | Order::Bans => only_if(access.is_locked(), Act::Unlock),
        }
    }

    /// Returns whoever is called so, here or not, if something may be done to it.
    fn target<'l>(
        &self,
        member: MemberId,
        text: &'l str,
    ) -> Result<(Name, Option<MemberId>), Notice<'l>> {
        let name = named(text)?;
        let found = self.names.find(&name);
        if found == Some(member) {
            return Err(Notice::Access(Answer::Oneself));
        }
        let keeps = match found {
            Some(found) => self.access.kept.of(found),
            None => self.access.kept.find(&name),
        };
        if keeps.is_some_and(|kept| kept.operator) {
            return Err(Notice::Access(Answer::IsOperator { name: text }));
        }
        let name = found.map_or(name, |found| self.names.name(found));
        Ok((name, found))
    }

    /// Returns the act that keeps a name no more.
    fn freed<'l>(&self, member: MemberId, text: &'l str) -> Result<Act<'l>, Notice<'l>> {
        let name = named(text)?;
        let why = match self.access.kept.find(&name) {
            None => Answer::NobodyKeepsIt { name: text },
            Some(kept) if self.access.kept.of(member) == Some(kept) => Answer::Oneself,
            Some(kept) if kept.operator => Answer::IsOperator { name: text },
            Some(kept) => return Ok(Act::Free(kept.name.clone())),
        };
        Err(Notice::Access(why))
    }

    /// Returns the act that makes the keeper of a name an operator, or none.
    fn raised<'l>(&self, text: &'l str, operator: bool) -> Result<Act<'l>, Notice<'l>> {
        let name = named(text)?;
        let Some(kept) = self.access.kept.find(&name) else {
            return Err(Notice::Access(Answer::NobodyKeeps { name: text }));
        };
        let name = kept.name.clone();
        if kept.operator == operator {
            Err(Notice::Access(Answer::AlreadySo))
        } else if operator {
            Ok(Act::Op(name))
        } else if self.access.kept.operators() == 1 {
            Err(Notice::Access(Answer::LastOperator))
        } else {
            Ok(Act::Deop(name))
        }
    }

    fn banned<'l>(
        &self,
        member: MemberId,
        who: &'l str,
        until: Until,
        reason: &str,
        audience: &impl Audience,
    ) -> Result<Act<'l>, Notice<'l>> {
        if self.access.bans.len() >= BANS_MAX {
            return Err(Notice::Access(Answer::ListFull));
        }
        let own = audience.address(member).map(|own| own.to_canonical());
        let is_own = |block: &IpNet| own.is_some_and(|own| block.contains(&own));
        let (name, block) = if let Some(block) = blocks::parse(who) {
            // Who owns an address of IPv6 owns the /64 around it.
            let whole = block.prefix_len() == block.max_prefix_len();
            let block = if whole {
                blocks::own_block(block.addr())
            } else {
                block
            };
            if is_own(&block) {
                return Err(Notice::Access(Answer::BansYou));
            }
            (None, Some(block))
        } else {
            let (name, found) = self.target(member, who)?;
            let address = found.and_then(|found| audience.address(found));
            // Behind the operator's own address there may be more people than this one.
            let block = address
                .map(blocks::own_block)
                .filter(|block| !is_own(block));
            (Some(name), block)
        };
        Ok(Act::Ban(Ban {
            name,
            block,
            until,
            by: self.names.name(member),
            reason: reason.to_owned(),
        }))
    }

    fn unbanned<'l>(&self, who: &'l str) -> Result<Act<'l>, Notice<'l>> {
        let bans = &self.access.bans;
        let none = Err(Notice::Access(Answer::NotBanned { who }));
        if let Some(block) = blocks::parse(who) {
            let whole = block.prefix_len() == block.max_prefix_len();
            let block = if whole {
                blocks::own_block(block.addr())
            } else {
                block
            };
            let is_banned = bans.iter().any(|ban| ban.block == Some(block));
            return if is_banned {
                Ok(Act::UnbanBlock(block))
            } else {
                none
            };
        }
        let name = named(who)?;
        let is_banned = bans.of_name(&name, 0).is_some();
        if is_banned {
            Ok(Act::UnbanName(name))
        } else {
            none
        }
    }

    /// Returns what everybody is told of an act.
    #[must_use]
    pub fn words(&self, member: MemberId, act: &Act<'_>) -> String {
        let by = format!("The operator {}", self.names.of(member));
        match act {
            Act::Keep(_) | Act::Unkeep | Act::Ignore(_) | Act::Unignore(_) => String::new(),
            Act::Op(name) => format!("{by} has made {} an operator.", name.as_str()),
            Act::Deop(name) => {
                format!("{by} has taken the operator's role from {}.", name.as_str())
            }
            Act::Kick { member, reason } => {
                format!(
                    "{by} has kicked {}{}.",
                    self.names.of(*member),
                    Because(reason)
                )
            }
            Act::Ban(ban) => {
                let (who, reason) = (Banned(ban), Because(&ban.reason));
                format!("{by} has banned {who} {}{reason}.", ban.until)
            }
            Act::UnbanName(name) => format!("{by} lets {} in again.", name.as_str()),
            // Whose address it is, is nobody's business.
            Act::UnbanBlock(_) => format!("{by} has ended the ban of an address."),
            Act::Mute { name, until } => format!("{by} has muted {} {until}.", name.as_str()),
            Act::Unmute(name) => format!("{by} lets {} speak again.", name.as_str()),
            Act::Topic("") => format!("{by} has taken the topic away."),
            Act::Topic(text) => format!("{by} has set the topic: {text}"),
            Act::Announce(text) => format!("{by} announces: {text}"),
            Act::Slow(0) => format!("{by} has ended the slow mode."),
            Act::Slow(seconds) => {
                let seconds = u64::from(*seconds);
                format!(
                    "{by} lets each person say one line in {}.",
                    Lasting { seconds }
                )
            }
            Act::Lock => format!("{by} has locked the room: nobody new comes in."),
            Act::Unlock => format!("{by} has unlocked the room."),
            Act::Free(name) => {
                let name = name.as_str();
                format!("{by} lets the name {name} be anybody's again.")
            }
        }
    }

    /// Makes an act so.
    pub(super) fn apply_act(
        &mut self,
        member: MemberId,
        act: &Act<'_>,
        now_ms: u64,
        audience: &mut impl Audience,
    ) {
        let name = self.names.name(member);
        let names = &self.names;
        self.access
            .apply(member, &name, act, now_ms, |name| names.find(name));
        match act {
            Act::Kick { member, .. } => {
                audience.push(*member, Effect::Dismiss(Dismissal::Kicked));
            }
            Act::Ban(ban) => self.dismiss_banned(ban, audience),
            _ => {}
        }
    }

    /// Ends the connections that a ban holds, but those of operators.
    fn dismiss_banned(&self, ban: &Ban, audience: &mut impl Audience) {
        let mut held = ban
            .block
            .map_or_else(Vec::new, |block| audience.of_block(block));
        let named = ban.name.as_ref().and_then(|name| self.names.find(name));
        held.extend(named.filter(|member| !held.contains(member)));
        held.retain(|&member| !self.access.is_operator(member));
        let (until, reason) = (ban.until, ban.reason.as_str());
        for member in held {
            let notice = Notice::Access(Answer::Banned { until, reason });
            audience.push(member, Effect::Notice(notice));
            audience.push(member, Effect::Dismiss(Dismissal::Banned));
        }
    }

    /// Lists who is banned or muted: as many as fit.
    fn list_bans(&self, member: MemberId, now_ms: u64, audience: &mut impl Audience) {
        let mut list = String::new();
        let mut count = 0;
        let mut add = |line: std::fmt::Arguments<'_>| {
            count += 1;
            if list.len() < WHO_BYTES_MAX {
                list.push_str("\n  ");
                list.push_str(&line.to_string());
            }
        };
        for ban in self.access.bans().filter(|ban| ban.until.holds(now_ms)) {
            let name = ban.name.as_ref().map_or("", Name::as_str);
            let block = ban
                .block
                .map_or_else(String::new, |block| block.to_string());
            let space = if name.is_empty() || block.is_empty() {
                ""
            } else {
                " "
            };
            let (by, reason) = (ban.by.as_str(), Because(&ban.reason));
            add(format_args!(
                "{name}{space}{block}: {}, by {by}{reason}",
                ban.until
            ));
        }
        for (name, mute) in self
            .access
            .mutes()
            .filter(|(_, mute)| mute.until.holds(now_ms))
        {
            add(format_args!("{}: muted {}", name.as_str(), mute.until));
        }
        let list = list.as_str();
        let answer = match count {
            0 => Answer::NoBans,
            count => Answer::Bans { count, list },
        };
        audience.push(member, Effect::Notice(Notice::Access(answer)));
    }
}

/// Returns the name that `text` is.
fn named(text: &str) -> Result<Name, Notice<'_>> {
    Name::parse(text).map_err(|why| Notice::BadName { name: text, why })
}

/// Whom a ban holds, as everybody may know it.
struct Banned<'a>(&'a Ban);

impl std::fmt::Display for Banned<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0.name {
            Some(name) => f.write_str(name.as_str()),
            None => f.write_str("an address"),
        }
    }
}
