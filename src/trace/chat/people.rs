//! What a person does: gives a name, says something, leaves.

use std::rc::Rc;

use super::event::{Ending, Event, Original};
use super::json::Answer;
use super::matching::Origin;
use super::step::Step;
use super::talk::{Awaited, Spoken};
use super::units::{Framing, without_telnet};
use crate::line::command::Command;
use crate::line::sanitize;
use crate::trace::capture::Moment;
use crate::wire::plain;

impl Step<'_> {
    /// Takes a unit from a person: a name, a command or a message.
    pub(super) fn person_said(&mut self, stream: u32, mut spoken: Spoken) {
        let telnet = |byte: &u8| matches!(byte, 0 | 255);
        if self.known.framing == Framing::Lines && spoken.bytes.iter().any(telnet) {
            spoken.bytes = without_telnet(&spoken.bytes);
        }
        if spoken.bytes.is_empty() {
            return;
        }
        let Some(visit) = self.known.visits.get_mut(stream) else {
            return;
        };
        let may_come = visit.joined.is_none() && visit.is_whole();
        let talk = visit.talk();
        if self.known.framing == Framing::Segments {
            self.act(stream, spoken);
        } else if may_come && talk.is_undecided(&spoken.bytes) {
            self.seen.joining = true;
            if !talk.offer(spoken) {
                self.end_offers(stream);
            }
        } else {
            talk.speech.learn(&spoken.bytes);
            self.act(stream, spoken);
        }
    }

    /// Takes what the server needn't be heard about: a name, if there is none, or a message.
    fn act(&mut self, stream: u32, spoken: Spoken) {
        let Some(visit) = self.known.visits.get_mut(stream) else {
            return;
        };
        let may_come = visit.joined.is_none() && visit.is_whole();
        if visit.talk().speech.is_json() {
            self.requested(stream, spoken);
        } else if may_come {
            self.join(stream, &spoken);
        } else {
            self.say(stream, spoken, Answer::NotAwaited);
        }
    }

    /// Takes the oldest offer for the name and the others for messages.
    pub(super) fn take_offers(&mut self, stream: u32) {
        let visit = self.known.visits.get_mut(stream);
        let Some(talk) = visit.and_then(|visit| visit.talk_so_far()) else {
            return;
        };
        for offer in std::mem::take(&mut talk.offers) {
            self.act(stream, offer);
        }
    }

    /// Takes the offers though the server hasn't said what becomes of them, as the room would.
    pub(super) fn end_offers(&mut self, stream: u32) {
        let visit = self.known.visits.get_mut(stream);
        if let Some(talk) = visit.and_then(|visit| visit.talk_so_far())
            && talk.asks_for_json()
        {
            talk.begin_json();
        }
        self.take_offers(stream);
    }

    /// Lets a person leave, if it is in the room.
    pub(super) fn leave(&mut self, stream: u32, at: Moment, how: Ending) {
        let Some((visit, expected)) = self.known.visits.leave(stream) else {
            return;
        };
        let who = visit.who();
        let lines = visit
            .names
            .iter()
            .map(|name| ([name, plain::LEFT.as_bytes()].concat(), Rc::clone(name)))
            .collect();
        let origin = Origin {
            of: Original::Leave,
            sender: stream,
            at,
            expected,
            required: true,
        };
        let id = self.known.matcher.add(origin, lines);
        self.events.push(Event::Left { id, who, at, how });
    }

    /// Lets a person into the room.
    pub(super) fn join(&mut self, stream: u32, name: &Spoken) {
        let at = name.at;
        let Some((visit, expected)) = self.known.visits.join(stream, &name.bytes, at.frame) else {
            return;
        };
        let (who, client) = (visit.who(), visit.client);
        let origin = Origin {
            of: Original::Join,
            sender: stream,
            at,
            expected,
            required: false,
        };
        let name = Rc::clone(&who.name);
        let line = [&name, plain::JOINED.as_bytes()].concat();
        let id = self.known.matcher.add(origin, vec![(line, name)]);
        self.seen.joining = true;
        self.events.push(Event::Joined {
            id,
            who,
            client,
            at,
        });
    }

    /// Lets a person say something.
    pub(super) fn say(&mut self, stream: u32, spoken: Spoken, answer: Answer) {
        let known = &mut *self.known;
        let expected = known.visits.others(stream);
        let Some(visit) = known.visits.get_mut(stream) else {
            return;
        };
        let Spoken {
            bytes: text,
            partial,
            end,
            at,
        } = spoken;
        let who = visit.who();
        let is_named = visit.joined.is_some();
        let mut buffer = String::new();
        // What had no line ends had no commands.
        let command = (known.framing == Framing::Lines)
            .then(|| Command::parse(sanitize::safe(&text, &mut buffer)));
        let may_be_copied = is_named && !partial;
        if is_named && let Some(Command::Nick(name)) = command {
            visit.may_become(name.as_bytes());
        }
        let quits = is_named && command == Some(Command::Quit) && visit.talk().prompted;
        let is_talk =
            matches!(command, None | Some(Command::Say(_))) && answer == Answer::NotAwaited;
        let origin = Origin {
            of: Original::Message,
            sender: stream,
            at,
            expected,
            required: may_be_copied && is_talk && visit.is_member(),
        };
        let lines = if may_be_copied {
            copies(&visit.names, &text, command, answer)
        } else {
            Vec::new()
        };
        let id = known.matcher.add(origin, lines);
        visit.talk().said.push(Awaited { end, id, since: at });
        if let Answer::Awaited(of) = answer {
            visit.talk().speech.ask(of, id, at.time);
        }
        self.events.push(Event::Said {
            id,
            who,
            at,
            text,
            partial,
        });
        if quits {
            self.leave(stream, at, Ending::Quit);
        }
    }
}

/// Returns the lines that copies of what somebody said may have. Another server may know nothing of
/// commands and pass on what was typed; one that answers lines is the room.
fn copies(
    names: &[Rc<[u8]>],
    text: &[u8],
    command: Option<Command<'_>>,
    answer: Answer,
) -> Vec<(Vec<u8>, Rc<[u8]>)> {
    let mut lines = Vec::new();
    let is_public = matches!(command, None | Some(Command::Say(_) | Command::Me(_)));
    if !is_public && answer != Answer::NotAwaited {
        return lines;
    }
    for name in names {
        let mut add = |parts: &[&[u8]]| lines.push((parts.concat(), Rc::clone(name)));
        let says = plain::SAYS.as_bytes();
        add(&[name, says, text]);
        match command {
            Some(Command::Me(action)) => {
                add(&[plain::STAR.as_bytes(), name, b" ", action.as_bytes()]);
            }
            Some(Command::Say(said)) if text.starts_with(b"//") => {
                add(&[name, says, said.as_bytes()]);
            }
            _ => {}
        }
    }
    lines
}
