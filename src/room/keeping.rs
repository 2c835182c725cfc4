//! What everybody may do and know about themselves and others: keeping one's name, ignoring.

use super::Room;
use super::WHO_BYTES_MAX;
use super::access::{Act, Answer, IGNORED_MAX, Whois};
use super::event::{Audience, Effect, Event};
use super::member::MemberId;
use super::name::Name;
use super::notice::Notice;
use crate::line::command::Command;

impl Room {
    /// Decides whether a member keeps its name, and tells it the key.
    pub(super) fn keeping(
        &self,
        member: MemberId,
        command: Command<'_>,
        audience: &mut impl Audience,
    ) -> Option<Event<'static>> {
        let kept = self.access.kept.of(member);
        let keeps = matches!(command, Command::Keep);
        let refusal = match (self.access.keeping, kept) {
            (None, _) => Some(Answer::NothingKept),
            (Some(_), Some(kept)) if keeps => Some(Answer::KeptAlready {
                name: kept.name.as_str(),
            }),
            (Some(_), None) if !keeps => Some(Answer::YoursNotKept),
            (Some(keeping), _) if keeps && self.access.kept.len() >= keeping.names_max => {
                Some(Answer::KeptFull)
            }
            (Some(_), Some(kept)) if matches!(command, Command::Unkeep) => {
                let is_last = kept.operator && self.access.kept.operators() == 1;
                is_last.then_some(Answer::LastOperator)
            }
            _ => None,
        };
        let effect = |answer| Effect::Notice(Notice::Access(answer));
        if let Some(refusal) = refusal {
            audience.push(member, effect(refusal));
            return None;
        }
        let name = kept.map_or_else(|| self.names.of(member), |kept| kept.name.as_str());
        let act = if matches!(command, Command::Unkeep) {
            audience.push(member, effect(Answer::Unkept { name }));
            Act::Unkeep
        } else if let Some(wait_s) = kept
            .is_none()
            .then(|| audience.keep_wait_s(member))
            .flatten()
        {
            audience.push(member, effect(Answer::KeepsTooMany { wait_s }));
            return None;
        } else if let Some(key) = audience.draw_key() {
            audience.push(member, Effect::Key { name, key });
            Act::Keep(key.hash())
        } else {
            audience.push(member, effect(Answer::KeysRunOut));
            return None;
        };
        Some(private(member, act))
    }

    /// Decides whether a member ignores whoever is called `name`, or hears it again.
    pub(super) fn ignoring(
        &self,
        member: MemberId,
        text: &str,
        ignores: bool,
        audience: &mut impl Audience,
    ) -> Option<Event<'static>> {
        let access = &self.access;
        let name = match Name::parse(text) {
            Ok(name) => name,
            Err(why) => {
                let notice = Notice::BadName { name: text, why };
                audience.push(member, Effect::Notice(notice));
                return None;
            }
        };
        let found = self.names.find(&name);
        let is_so = access.ignores.ignores(member, &name);
        let refusal = if ignores && found == Some(member) {
            Some(Notice::Access(Answer::Oneself))
        } else if ignores == is_so {
            Some(Notice::Access(Answer::AlreadySo))
        } else if ignores && found.is_none() {
            Some(Notice::NobodyCalled { name: text })
        } else if ignores && access.ignores.by(member).len() >= IGNORED_MAX {
            Some(Notice::Access(Answer::ListFull))
        } else {
            None
        };
        if let Some(refusal) = refusal {
            audience.push(member, Effect::Notice(refusal));
            return None;
        }
        let shown = found.map_or(name.as_str(), |found| self.names.of(found));
        let answer = if ignores {
            Answer::Ignoring { name: shown }
        } else {
            Answer::NotIgnoring { name: shown }
        };
        audience.push(member, Effect::Notice(Notice::Access(answer)));
        let act = if ignores {
            Act::Ignore(self.names.name(found?))
        } else {
            Act::Unignore(name)
        };
        Some(private(member, act))
    }

    /// Tells a member what is known of itself or of somebody, or whom it ignores.
    pub(super) fn tell_about(
        &self,
        member: MemberId,
        command: Command<'_>,
        now_ms: u64,
        audience: &mut impl Audience,
    ) {
        let mut names = String::new();
        let notice = match command {
            Command::Whois(text) => {
                let name = Name::parse(text).ok();
                match name.and_then(|name| self.names.find(&name)) {
                    Some(about) => self.whois(member, about, now_ms, audience),
                    None => Notice::NobodyCalled { name: text },
                }
            }
            Command::Ignored => {
                for name in self.access.ignores.by(member) {
                    if names.len() > WHO_BYTES_MAX {
                        break;
                    }
                    names.push_str(if names.is_empty() { "" } else { ", " });
                    names.push_str(name.as_str());
                }
                Notice::Access(if names.is_empty() {
                    Answer::IgnoresNobody
                } else {
                    Answer::Ignored { names: &names }
                })
            }
            _ => self.whois(member, member, now_ms, audience),
        };
        audience.push(member, Effect::Notice(notice));
    }

    fn whois(
        &self,
        asker: MemberId,
        about: MemberId,
        now_ms: u64,
        audience: &impl Audience,
    ) -> Notice<'_> {
        let kept = self.access.kept.of(about);
        let is_you = asker == about;
        let tells_address = is_you || self.access.is_operator(asker);
        let muted = self.access.mutes.of(about).map(|mute| mute.until);
        Notice::Access(Answer::Whois(Whois {
            name: self.names.of(about),
            is_you,
            since_ms: self.access.since_ms(about),
            silent_s: audience.silent_s(about),
            keeps: kept.map(|kept| kept.name.as_str()),
            operator: kept.is_some_and(|kept| kept.operator),
            muted: muted.filter(|until| until.holds(now_ms)),
            address: audience.address(about).filter(|_| tells_address),
        }))
    }

    /// Returns what tells the topic, if there is one.
    #[must_use]
    pub fn topic_answer(&self) -> Option<Answer<'_>> {
        let topic = self.access.topic()?;
        let (text, by) = (topic.text.as_str(), topic.by.as_str());
        Some(Answer::Topic { text, by })
    }

    /// Returns what tells the message of the day, if there is one.
    pub(super) fn motd_answer(&self) -> Option<Answer<'_>> {
        let text = self.access.motd();
        (!text.is_empty()).then_some(Answer::Motd { text })
    }
}

/// Returns an act that nobody else is told of.
fn private(member: MemberId, act: Act<'static>) -> Event<'static> {
    Event::Act {
        member,
        act,
        words: String::new(),
    }
}
