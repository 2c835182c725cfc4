//! What shall happen because somebody has typed a line. Changes nothing.

use super::event::{Audience, Effect, Event, Reach};
use super::member::MemberId;
use super::name::Name;
use super::notice::Notice;
use super::{Room, WHO_BYTES_MAX};
use crate::line::command::Command;

impl Room {
    /// Decides whether `member` comes in under the name `text`. If not, it is told why and asked
    /// again.
    pub fn decide_name(
        &self,
        member: MemberId,
        text: &str,
        audience: &mut impl Audience,
    ) -> Option<Event<'static>> {
        let name = self.free_name(member, text, audience);
        if name.is_none() {
            audience.push(member, Effect::Prompt);
        }
        name.map(|name| Event::Joined { member, name })
    }

    /// Decides what comes of what a member asks for: an event, or a word to somebody.
    pub fn decide<'l>(
        &self,
        member: MemberId,
        command: Command<'l>,
        audience: &mut impl Audience,
    ) -> Option<Event<'l>> {
        let notice = match command {
            Command::Nothing => return None,
            Command::Say(text) => return Some(Event::Said { member, text }),
            Command::Me(text) => return Some(Event::Did { member, text }),
            Command::Nick(text) => {
                let name = self.free_name(member, text, audience)?;
                return Some(Event::Renamed { member, name });
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
            Command::Incomplete(usage) => Notice::Incomplete { usage },
            Command::Unknown(word) => Notice::UnknownCommand { word },
        };
        audience.push(member, Effect::Notice(notice));
        None
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
        let notice = match audience.reach(to, from.len() + text.len()) {
            Reach::Open => return Some(Event::Whispered { member, to, text }),
            Reach::Gone => Notice::NobodyCalled { name },
            Reach::NotReading => Notice::NotReading { name },
        };
        audience.push(member, Effect::Notice(notice));
        None
    }

    /// Returns `text` as a name that `member` may have, or tells it why it may not.
    fn free_name(
        &self,
        member: MemberId,
        text: &str,
        audience: &mut impl Audience,
    ) -> Option<Name> {
        let name = match Name::parse(text) {
            Ok(name) => name,
            Err(why) => {
                let notice = Notice::BadName { name: text, why };
                audience.push(member, Effect::Notice(notice));
                return None;
            }
        };
        let Some(holder) = self.names().find_other(&name, member) else {
            return Some(name);
        };
        let notice = Notice::NameTaken {
            name: name.as_str(),
            holder: self.names().of(holder),
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
