//! Those who speak the room's second encoding: what they are told and what they send, as the lines
//! that people read and type.
//!
//! There is one talk, whoever reads it how: a message becomes the line that tells a person the same,
//! a request the line in it, and all else goes by those lines. What has no such line (`hello`,
//! `welcome`, `gap`, the marks of history, and whatever is no JSON) is shown as it came, but for the
//! secret in it. An `ack` makes its frame one of [`Phase::Ack`](super::Phase) and says which lines
//! everybody is told of; it is shown only where it says that a line sent again had been said before.

use super::history::History;
use super::matching::hash;
use super::speech::Asked;
use super::spoken::Spoken;
use super::step::Step;
use super::units::Framing;
use crate::room::Notice;
use crate::room::notice::CLOSING;
use crate::wire::Encoding;
use crate::wire::json::{Message, Request, Resume};
use crate::wire::plain::{Line, PROMPT, STAR};

/// How it is known whether everybody is told of what somebody said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// By what it is: talk or a command.
    NotAwaited,
    /// The server will say, by the id of this hash.
    Awaited(u64),
    /// It is no request, so nobody is.
    Refused,
}

impl Step<'_> {
    /// Returns the message that a unit from the server is, if objects are spoken.
    pub(super) fn message<'s>(&mut self, stream: u32, spoken: &'s Spoken) -> Option<Message<'s>> {
        let visit = self.known.visits.get_mut(stream)?;
        let talk = visit.talk();
        let may_be = talk.speech.encoding != Some(Encoding::Plain) || talk.asks_for_json();
        if !may_be || spoken.partial || self.known.framing == Framing::Segments {
            return None;
        }
        let message = Message::parse(&spoken.bytes).ok();
        if message.is_some() {
            talk.begin_json();
        } else if spoken.bytes != PROMPT.as_bytes() {
            // No line of the room's for people is an object.
            talk.speech.encoding.get_or_insert(Encoding::Plain);
        }
        message
    }

    /// Takes a message to a program.
    pub(super) fn program_told(&mut self, stream: u32, spoken: &Spoken, message: &Message<'_>) {
        let Some(visit) = self.known.visits.get_mut(stream) else {
            return;
        };
        let is_named = visit.joined.is_some();
        let speech = &mut visit.talk().speech;
        let is_old = message.seq().is_some_and(|seq| seq <= speech.since);
        self.seen.joining |= !is_named;
        match message {
            Message::Welcome { seq, name, .. } => {
                speech.since = *seq;
                self.welcomed(stream, spoken, name);
            }
            Message::HistoryBegin => speech.history = History::Told,
            Message::HistoryEnd => speech.history = History::None,
            Message::Ack { id, seq, .. } => {
                let reaches_all = seq.is_some_and(|seq| seq > speech.since);
                speech.since = speech.since.max(seq.unwrap_or(0));
                let asked = speech.answered(id);
                self.answered(asked, reaches_all);
                if seq.is_none() || reaches_all {
                    return;
                }
            }
            Message::Error { id, .. } => {
                let asked = id.as_ref().and_then(|id| speech.answered(id));
                self.answered(asked, false);
                if !is_named {
                    self.refused(stream);
                }
            }
            _ => {}
        }
        for bytes in lines(message, &spoken.bytes) {
            self.told(stream, spoken.saying(bytes), is_old);
        }
    }

    /// Takes what a program sends.
    pub(super) fn requested(&mut self, stream: u32, spoken: Spoken) {
        let Some(visit) = self.known.visits.get(stream) else {
            return;
        };
        let may_come = visit.joined.is_none() && visit.is_whole();
        match Request::parse(&spoken.bytes) {
            Ok(
                Request::Name(name)
                | Request::Keeper { name, .. }
                | Request::Resume(Resume { name, .. }),
            ) if may_come => {
                self.join(stream, &spoken.saying(name.as_bytes().to_vec()));
            }
            Ok(Request::Line { id, line }) => {
                let answer = id.map_or(Answer::NotAwaited, |id| {
                    Answer::Awaited(hash(id.as_bytes()))
                });
                self.say(stream, spoken.saying(line.as_bytes().to_vec()), answer);
            }
            Ok(Request::Resume(resume)) => {
                let without_secret = Request::Resume(Resume {
                    token: None,
                    key: None,
                    ..resume
                });
                let shown = line_of(|out| without_secret.put(out));
                self.say(stream, spoken.saying(shown), Answer::Refused);
            }
            Ok(Request::Password(_)) => {
                let without_secret = Request::Password(SECRET.into());
                let shown = line_of(|out| without_secret.put(out));
                self.say(stream, spoken.saying(shown), Answer::Refused);
            }
            Ok(Request::Keeper { name, .. }) => {
                let key = SECRET.into();
                let shown = line_of(|out| Request::Keeper { name, key }.put(out));
                self.say(stream, spoken.saying(shown), Answer::Refused);
            }
            _ => self.say(stream, spoken, Answer::Refused),
        }
    }

    /// Lets a program into the room under the name that the server gives it.
    fn welcomed(&mut self, stream: u32, spoken: &Spoken, name: &str) {
        let Some(visit) = self.known.visits.get_mut(stream) else {
            return;
        };
        if !visit.is_whole() {
            return;
        }
        let talk = visit.talk();
        talk.greeted = true;
        let offers = std::mem::take(&mut talk.offers);
        let asked = offers.iter().position(|offer| is_name(&offer.bytes));
        if asked.is_none() {
            self.join(stream, &spoken.saying(name.as_bytes().to_vec()));
        }
        for (at, offer) in offers.into_iter().enumerate() {
            if Some(at) == asked {
                self.join(stream, &offer.saying(name.as_bytes().to_vec()));
            } else {
                self.requested(stream, offer);
            }
        }
    }

    /// Takes what came to nothing before there was a name: a name is forgotten, the rest is shown.
    fn refused(&mut self, stream: u32) {
        let visit = self.known.visits.get_mut(stream);
        let offer = visit.and_then(|visit| visit.talk().offers.pop_front());
        if let Some(offer) = offer.filter(|offer| !is_name(&offer.bytes)) {
            self.requested(stream, offer);
        }
    }

    /// Takes the answer to a line: only now is it known whether everybody was told. One that was said
    /// on an earlier connection, and sent again for want of an answer, has had its copies.
    fn answered(&mut self, asked: Option<Asked>, reaches_all: bool) {
        let Some(asked) = asked else {
            return;
        };
        self.seen.answer_delay = Some(self.known.now - asked.since);
        if reaches_all {
            self.known.matcher.require(asked.message);
        } else {
            self.settle(asked.message, false);
        }
    }
}

/// Stands for what a program keeps to itself.
const SECRET: &str = "...";

/// Returns whether a request is one for a name.
fn is_name(request: &[u8]) -> bool {
    matches!(
        Request::parse(request),
        Ok(Request::Name(_) | Request::Keeper { .. } | Request::Resume(_))
    )
}

/// Returns the lines that tell people what a message tells a program; the message as it came if
/// there are none.
fn lines(message: &Message<'_>, as_it_came: &[u8]) -> Vec<Vec<u8>> {
    let line = match message {
        Message::Said(talk) => Line::Said {
            name: &talk.name,
            text: &talk.text,
        },
        Message::Me(talk) => Line::Did {
            name: &talk.name,
            text: &talk.text,
        },
        Message::Private { name, text, .. } => Line::SaidPrivately { name, text },
        Message::Joined(coming) => Line::Joined(&coming.name),
        Message::Left(coming) => Line::Left(&coming.name),
        Message::Renamed { name, to, .. } => Line::Renamed { from: name, to },
        Message::Closing { .. } => Line::Notice(CLOSING),
        Message::Notice { text, .. } | Message::Error { text, .. } => return starred(text),
        Message::Members { count, names, more } => {
            let (count, more) = (*count, *more);
            let names = &names.join(", ");
            return starred(&Notice::Here { count, names, more }.to_string());
        }
        Message::Welcome { .. } => {
            let mut shown = message.clone();
            if let Message::Welcome { token, .. } = &mut shown {
                // Who knows it can take the person's place.
                *token = "...".into();
            }
            return vec![line_of(|out| shown.put(out))];
        }
        _ => return vec![as_it_came.to_vec()],
    };
    let mut line = line.parts().concat();
    line.pop();
    vec![line.into_bytes()]
}

/// Returns what is put, without its line end.
fn line_of(put: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut line = Vec::new();
    put(&mut line);
    line.pop();
    line
}

/// Returns the lines of a notice.
fn starred(text: &str) -> Vec<Vec<u8>> {
    let lines = text.split('\n');
    lines
        .map(|line| [STAR, line].concat().into_bytes())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Stamp;
    use proptest::prelude::*;

    fn text_of(message: &Message<'_>) -> Vec<String> {
        let lines = lines(message, b"as it came").into_iter();
        lines.map(|line| String::from_utf8(line).unwrap()).collect()
    }

    proptest! {
        #[test]
        fn what_everybody_is_told_is_the_line_that_people_read(
            name in "[a-z]{1,9}", text in ".{0,40}", kind in 0..5_u8,
        ) {
            let (name, text) = (name.as_str(), text.as_str());
            let line = match kind {
                0 => Line::Said { name, text },
                1 => Line::Did { name, text },
                2 => Line::Joined(name),
                3 => Line::Left(name),
                _ => Line::Renamed { from: name, to: "x" },
            };
            let message = Message::of_line(line, Stamp::default()).unwrap();
            prop_assert_eq!(text_of(&message).concat() + "\n", line.parts().concat());
        }
    }

    #[test]
    fn what_one_is_told_alone_is_a_notice_or_shown_as_it_came() {
        let private = Message::Private {
            time: 1,
            name: "ali".into(),
            text: "psst".into(),
        };
        assert_eq!(text_of(&private), ["ali (privately): psst"]);
        let help = Message::Notice {
            code: "help".into(),
            text: "Here:\n  /x".into(),
        };
        assert_eq!(text_of(&help), ["* Here:", "*   /x"]);
        let members = Message::Members {
            count: 3,
            names: vec!["ali".into(), "bob".into()],
            more: 1,
        };
        assert_eq!(text_of(&members), ["* Here (3): ali, bob and 1 more"]);
        let closing = Message::Closing { seq: 1, time: 1 };
        assert_eq!(text_of(&closing), ["* The chatroom is closing."]);
        let gap = Message::Gap { missed: None };
        assert_eq!(text_of(&gap), ["as it came"]);
        let welcome = Message::Welcome {
            seq: 1,
            name: "ali".into(),
            resumed: false,
            token: "secret".into(),
        };
        let shown = r#"{"event":"welcome","seq":1,"name":"ali","resumed":false,"token":"..."}"#;
        assert_eq!(text_of(&welcome), [shown]);
    }
}
