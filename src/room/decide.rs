//! What shall happen because somebody has typed a line. Changes nothing.

use super::access::Answer;
use super::door::Claim;
use super::event::{Audience, Effect, Event, Reach};
use super::member::MemberId;
use super::name::Name;
use super::notice::Notice;
use super::{Room, WHO_BYTES_MAX};
use crate::line::command::Command;

impl Room {
    /// Decides what comes of what a member asks for: an event, or a word to somebody.
    pub fn decide<'l>(
        &self,
        member: MemberId,
        command: Command<'l>,
        now_ms: u64,
        audience: &mut impl Audience,
    ) -> Option<Event<'l>> {
        if let Some(answer) = self.silence(member, &command, now_ms) {
            audience.push(member, Effect::Notice(Notice::Access(answer)));
            return None;
        }
        let notice = match command {
            Command::Nothing => return None,
            Command::Say(text) => return Some(Event::Said { member, text }),
            Command::Me(text) => return Some(Event::Did { member, text }),
            Command::Nick(text) => {
                let claim = Claim::parse(text);
                let name = self.claimed(member, claim, now_ms, false, audience)?;
                return Some(Event::Renamed { member, name });
            }
            Command::Order(order) => return self.order(member, order, now_ms, audience),
            Command::Keep | Command::NewKey | Command::Unkeep => {
                return self.keeping(member, command, audience);
            }
            Command::Ignore(name) | Command::Unignore(name) => {
                let ignores = matches!(command, Command::Ignore(_));
                return self.ignoring(member, name, ignores, audience);
            }
            Command::Message { to, text } => {
                return self.message(member, to, text, audience);
            }
            Command::Reply(text) => match self.correspondents.of(member) {
                Some(to) => return self.whisper(member, to, text, audience),
                None => Notice::NobodyWrote,
            },
            Command::Quit => {
                audience.push(member, Effect::Quit);
                return None;
            }
            Command::Who(part) => {
                self.who(member, part, audience);
                return None;
            }
            Command::Help => Notice::Help,
            Command::HelpModeration => Notice::Access(Answer::HelpModeration),
            Command::Whoami | Command::Whois(_) | Command::Ignored => {
                self.tell_about(member, command, now_ms, audience);
                return None;
            }
            Command::Topic => Notice::Access(self.topic_answer().unwrap_or(Answer::NoTopic)),
            Command::Motd => Notice::Access(self.motd_answer().unwrap_or(Answer::NoMotd)),
            Command::Incomplete(usage) => Notice::Incomplete { usage },
            Command::Unknown(word) => Notice::UnknownCommand { word },
        };
        audience.push(member, Effect::Notice(notice));
        None
    }

    /// Returns why a member may not ask for that at the moment, if it may not.
    fn silence(
        &self,
        member: MemberId,
        command: &Command<'_>,
        now_ms: u64,
    ) -> Option<Answer<'static>> {
        match command {
            Command::Say(_) | Command::Me(_) => self.access.silences(member, now_ms),
            Command::Message { .. } | Command::Reply(_) | Command::Nick(_) => {
                self.access.mute_of(member, now_ms)
            }
            _ => None,
        }
    }

    /// Decides whether what a member says to somebody alone reaches whoever is called `name`.
    fn message<'l>(
        &self,
        member: MemberId,
        name: &'l str,
        text: &'l str,
        audience: &mut impl Audience,
    ) -> Option<Event<'l>> {
        let found = Name::parse(name).ok();
        let Some(to) = found.and_then(|name| self.names().find(&name)) else {
            let notice = Notice::NobodyCalled { name };
            audience.push(member, Effect::Notice(notice));
            return None;
        };
        self.whisper(member, to, text, audience)
    }

    /// Decides whether what a member says to another alone reaches that one, or tells why it
    /// doesn't.
    fn whisper<'l>(
        &self,
        member: MemberId,
        to: MemberId,
        text: &'l str,
        audience: &mut impl Audience,
    ) -> Option<Event<'l>> {
        let (from, name) = (self.names().of(member), self.names().of(to));
        if self.access.ignoring(member).binary_search(&to).is_ok() {
            let notice = Notice::Access(Answer::IgnoresYou { name });
            audience.push(member, Effect::Notice(notice));
            return None;
        }
        let notice = match audience.reach(to, from.len() + text.len()) {
            Reach::Open => return Some(Event::Whispered { member, to, text }),
            Reach::Gone => Notice::NobodyCalled { name },
            Reach::NotReading => Notice::NotReading { name },
        };
        audience.push(member, Effect::Notice(notice));
        None
    }

    /// Lists those whose names have `part` in them: so many of them as fit.
    fn who(&self, member: MemberId, part: &str, audience: &mut impl Audience) {
        let mut found = self.names().containing(part);
        let mut list = String::new();
        let (mut listed, mut cut) = (0, 0);
        for name in &mut found {
            if list.len() + name.len() > WHO_BYTES_MAX {
                cut = 1;
                break;
            }
            list.push_str(if listed == 0 { "" } else { ", " });
            list.push_str(name);
            listed += 1;
        }
        let (all, names) = (self.names().count(), list.as_str());
        let notice = if part.is_empty() {
            let more = all - listed;
            Notice::Here {
                count: all,
                names,
                more,
            }
        } else if listed == 0 {
            Notice::NobodyNamed { part }
        } else {
            let more = cut + found.count();
            let count = listed + more;
            Notice::HereNamed {
                count,
                all,
                names,
                more,
            }
        };
        audience.push(member, Effect::Notice(notice));
    }
}
