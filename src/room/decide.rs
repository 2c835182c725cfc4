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

    /// Decides what comes of a member's line: an event, or a word to somebody.
    pub fn decide<'l>(
        &self,
        member: MemberId,
        line: &'l str,
        audience: &mut impl Audience,
    ) -> Option<Event<'l>> {
        let notice = match Command::parse(line) {
            Command::Nothing => return None,
            Command::Say(text) => return Some(Event::Said { member, text }),
            Command::Me(text) => return Some(Event::Did { member, text }),
            Command::Nick(text) => {
                let name = self.free_name(member, text, audience)?;
                return Some(Event::Renamed { member, name });
            }
            Command::Message { to, text } => {
                self.message(member, to, text, audience);
                return None;
            }
            Command::Quit => {
                audience.push(member, Effect::Quit);
                return None;
            }
            Command::Who => {
                self.who(member, audience);
                return None;
            }
            Command::Help => Notice::Help,
            Command::Incomplete(usage) => Notice::Incomplete { usage },
            Command::Unknown(word) => Notice::UnknownCommand { word },
        };
        audience.push(member, Effect::Notice(notice));
        None
    }

    /// Passes on what one member says to another alone, unless that one doesn't read.
    fn message(&self, member: MemberId, to: &str, text: &str, audience: &mut impl Audience) {
        let names = self.names();
        let found = Name::parse(to).ok().and_then(|name| names.find(&name));
        let Some(found) = found else {
            let notice = Notice::NobodyCalled { name: to };
            return audience.push(member, Effect::Notice(notice));
        };
        let (from, name) = (names.of(member), names.of(found));
        let notice = match audience.reach(found, from.len() + text.len()) {
            Reach::Open => return audience.push(found, Effect::Private { from, text }),
            Reach::Gone => Notice::NobodyCalled { name },
            Reach::NotReading => Notice::NotReading { name },
        };
        audience.push(member, Effect::Notice(notice));
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

    fn who(&self, member: MemberId, audience: &mut impl Audience) {
        let mut list = String::new();
        let count = self.names().count();
        let mut more = 0;
        for (listed, name) in self.names().iter().enumerate() {
            if list.len() + name.len() > WHO_BYTES_MAX {
                more = count - listed;
                break;
            }
            list.push_str(if listed == 0 { "" } else { ", " });
            list.push_str(name);
        }
        let names = list.as_str();
        let notice = Notice::Here { count, names, more };
        audience.push(member, Effect::Notice(notice));
    }
}
