//! The conversation in objects: what the server tells by them, and what is sent.

use std::mem;
use std::time::Instant;

use super::super::commands;
use super::super::event::Event;
use super::super::incoming::FRAGMENT_MAX_BYTES;
use super::super::objects::{Stamp, public, safe};
use super::super::opening::Terms;
use super::super::outbox::Line;
use super::{MISSING, Place, Session, Speech, Told, told_event};
use crate::line::command::Command;
use crate::room::Notice;
use crate::wire::json::{Message, Request};
use crate::wire::plain::{KEY_LINES, PAST_END};

/// The code of a notice that tells what `renamed` tells, too.
const NOW_KNOWN_AS: &str = "now-known-as";

/// One connection's time with a server.
#[derive(Debug)]
pub(super) struct Stay {
    terms: Terms,
    /// From the welcome until it is told who is here.
    arrival: Option<Arrival>,
    is_settled: bool,
    in_history: bool,
    /// Events of our own that were told as missed; a line of them may still wait to be acknowledged.
    own_told: Vec<u64>,
}

#[derive(Debug)]
struct Arrival {
    seq: u64,
    is_resumed: bool,
    /// Our name in the events told as missed; none once we had left.
    was: Option<String>,
}

impl Stay {
    pub(super) fn new(terms: Terms) -> Self {
        Self {
            terms,
            arrival: None,
            is_settled: false,
            in_history: false,
            own_told: Vec::new(),
        }
    }
}

impl Session {
    fn stay(&mut self) -> Option<&mut Stay> {
        match &mut self.speech {
            Speech::Objects(_, stay) => Some(stay),
            _ => None,
        }
    }

    pub(super) fn hear_object(&mut self, line: &[u8], now: Instant) {
        let line = line.trim_ascii();
        match Message::parse(line) {
            Ok(message) => self.hear_message(&message, now),
            // One of a kind that came later than this client.
            Err(error) if error.is_data() => {}
            Err(_) if line.is_empty() => {}
            Err(_) => self.tell(Event::Text(safe(&String::from_utf8_lossy(line)))),
        }
    }

    fn hear_message(&mut self, message: &Message<'_>, now: Instant) {
        if let Some((event, stamp)) = public(message) {
            return self.hear_public(event, stamp, now);
        }
        match message {
            Message::Welcome {
                seq,
                name,
                resumed,
                token,
            } => self.enter(*seq, &safe(name), *resumed, token),
            Message::Gap { missed: None } => self.tell_back(MISSING, now),
            Message::Gap {
                missed: Some(missed),
            } => {
                let gap = format!("the first {missed} events of the {{s}} s between are missing.");
                self.tell_back(&gap, now);
            }
            Message::HistoryBegin => self.mark_history(true, now),
            Message::HistoryEnd => self.mark_history(false, now),
            Message::Members { count, names, more } => {
                let names = names.iter().map(|name| safe(name)).collect();
                self.settle(*count, names, *more, now);
            }
            Message::Private { time, name, text } => self.told.push_back(Told::Event {
                event: Event::SaidPrivately {
                    name: safe(name),
                    text: safe(text),
                },
                time_ms: Some(*time),
                is_old: false,
            }),
            Message::Notice { code, text } => self.hear_notice(code, text, now),
            Message::Key { name, key } => {
                let [first, second] = KEY_LINES;
                self.hear_notice("key", &format!("{first}{key}\n{second}{name} {key}"), now);
            }
            Message::Password { needed } => self.hear_password(*needed, now),
            Message::Error { text, id, .. } => self.hear_error(text, id.as_deref(), now),
            Message::Ack { id, seq, time } => self.hear_ack(id, *seq, *time),
            _ => {}
        }
    }

    fn enter(&mut self, seq: u64, name: &str, is_resumed: bool, token: &str) {
        let was = self.was.clone();
        self.entry.heard(&Event::Entered);
        self.entry.rename(name);
        let Some(stay) = self.stay() else { return };
        stay.arrival = Some(Arrival {
            seq,
            is_resumed,
            was,
        });
        let boot = stay.terms.boot.clone();
        let token = Some(token.to_owned());
        match &mut self.place {
            // What was missed is still to come.
            Some(place) if is_resumed => place.token = token,
            place => *place = Some(Place { boot, seq, token }),
        }
        if self.away.is_none() {
            self.tell(Event::Entered);
        }
    }

    /// Tells somebody who is in the room again what they missed, unless they know.
    fn tell_back(&mut self, missed: &str, now: Instant) {
        if let Some(away) = self.away.take() {
            let back = self.back(&away, missed, now);
            self.told.push_back(back);
        }
    }

    fn mark_history(&mut self, begins: bool, now: Instant) {
        self.tell_back(MISSING, now);
        if let Some(stay) = self.stay() {
            stay.in_history = begins;
        }
        let mark = if begins { HISTORY } else { PAST_END };
        self.tell(Event::Notice(mark.to_owned()));
    }

    fn settle(&mut self, count: usize, names: Vec<String>, more: usize, now: Instant) {
        let Some(stay) = self.stay() else { return };
        let arrival = stay.arrival.take();
        stay.is_settled = true;
        let is_resumed = arrival.as_ref().is_some_and(|arrival| arrival.is_resumed);
        if let (Some(place), Some(arrival)) = (&mut self.place, arrival) {
            place.seq = place.seq.max(arrival.seq);
        }
        self.was = Some(self.entry.name().to_owned());
        self.tell_back(if is_resumed { NOTHING } else { MISSING }, now);
        let listed = names.join(", ");
        let text = Notice::Here {
            count,
            names: &listed,
            more,
        };
        let text = text.to_string();
        self.told.push_back(Told::Members {
            names,
            more,
            text,
            news: !is_resumed,
        });
    }

    fn hear_public(&mut self, event: Event, stamp: Stamp, now: Instant) {
        let arrival = self.stay().and_then(|stay| stay.arrival.as_ref());
        let is_arriving = arrival.is_some_and(|arrival| arrival.is_resumed);
        if !is_arriving {
            self.tell_back(MISSING, now);
        }
        let is_old = self.stay().is_some_and(|stay| stay.in_history);
        match &mut self.place {
            Some(place) if !is_old => {
                if stamp.seq <= place.seq {
                    return;
                }
                place.seq = stamp.seq;
            }
            _ => {}
        }
        let Stamp { seq, time_ms } = stamp;
        let event = if is_arriving {
            let Some(event) = self.hear_missed(event, seq, time_ms, now) else {
                return;
            };
            self.tell_back(FOLLOWS, now);
            event
        } else {
            self.own_name(event)
        };
        let event = match (event, self.stay()) {
            (Event::Joined(name), Some(stay)) if !stay.terms.announces_joins => {
                return self.told.push_back(Told::Came(name));
            }
            (event, _) => event,
        };
        self.told.push_back(Told::Event {
            event,
            time_ms: Some(time_ms),
            is_old,
        });
    }

    /// Returns an event that was missed, unless it is our own: those are told as such.
    fn hear_missed(&mut self, event: Event, seq: u64, time_ms: u64, now: Instant) -> Option<Event> {
        let me = self.entry.name().to_owned();
        let arrival = self.stay()?.arrival.as_mut()?;
        let was = arrival.was.clone();
        let is_ours = |name: &String| was.as_ref() == Some(name);
        let (command, line) = match &event {
            Event::Said { name, text } if is_ours(name) => {
                let slash = if text.starts_with('/') { "/" } else { "" };
                (Command::Say(text), [slash, text].concat())
            }
            Event::Did { name, text } if is_ours(name) => {
                (Command::Me(text), ["/me ", text].concat())
            }
            Event::Left(name) if is_ours(name) => {
                arrival.was = None;
                return None;
            }
            Event::Renamed { from, to } if is_ours(from) => {
                arrival.was = Some(to.clone());
                return None;
            }
            // A stay that was over before we knew of it.
            Event::Joined(name) | Event::Left(name) if *name == me => return None,
            _ => return Some(event),
        };
        let heard = self.outbox.heard_before(command);
        if heard.is_none()
            && let Some(stay) = self.stay()
            && stay.own_told.len() < stay.terms.ids
        {
            stay.own_told.push(seq);
        }
        if !heard.is_some_and(|line| line.is_shown) {
            self.tell_back(FOLLOWS, now);
            let time_ms = Some(time_ms);
            self.told.push_back(Told::Own { line, time_ms });
        }
        None
    }

    /// Returns the event, as told to one whose name changes if it is ours.
    fn own_name(&mut self, event: Event) -> Event {
        match event {
            Event::Renamed { from, to } if from == self.entry.name() => {
                self.show_asked();
                let text = Notice::NowKnownAs { name: &to }.to_string();
                self.entry.rename(&to);
                self.was = Some(to.clone());
                Event::OwnName { name: to, text }
            }
            event => event,
        }
    }

    fn hear_notice(&mut self, code: &str, text: &str, now: Instant) {
        if code == NOW_KNOWN_AS {
            return;
        }
        if self.entry.is_inside() {
            self.show_asked();
        }
        for line in text.split('\n') {
            let event = Event::of_notice(&safe(line));
            self.feed(&event.clone(), told_event(event), now);
        }
    }

    /// Shows the line that the server answers, before its answer.
    fn show_asked(&mut self) {
        let is_typed = self.is_typed;
        let Some(line) = self.outbox.first_sent() else {
            return;
        };
        let text = commands::to_send(is_typed, &line.text).into_owned();
        let is_talk = matches!(Command::parse(&text), Command::Say(_) | Command::Me(_));
        if !is_talk && !mem::replace(&mut line.is_shown, true) {
            let time_ms = None;
            self.told.push_back(Told::Own {
                line: text,
                time_ms,
            });
        }
    }

    fn hear_error(&mut self, text: &str, id: Option<&str>, now: Instant) {
        let why = safe(text);
        if self.entry.is_inside() {
            let line = id.and_then(|id| self.outbox.answered(id));
            return self.told.push_back(Told::Refused { line, why });
        }
        let notice = Event::Notice(why);
        self.feed(&notice.clone(), told_event(notice), now);
        if !self.giving.is_locked {
            self.feed(&Event::Prompt, told_event(Event::Prompt), now);
        }
    }

    fn hear_ack(&mut self, id: &str, seq: Option<u64>, time_ms: Option<u64>) {
        let Some(line) = self.outbox.answered(id) else {
            return;
        };
        if let Some(seq) = seq {
            if let Some(place) = &mut self.place {
                place.seq = place.seq.max(seq);
            }
            let told = self.stay().map(|stay| &mut stay.own_told);
            if let Some(told) = told
                && let Some(at) = told.iter().position(|told| *told == seq)
            {
                told.swap_remove(at);
                return;
            }
        }
        if !line.is_shown {
            let line = commands::to_send(self.is_typed, &line.text).into_owned();
            self.told.push_back(Told::Own { line, time_ms });
        }
    }

    /// Tells that a line is too long, of which `start` is the start.
    pub(super) fn refuse_long(&mut self, start: String) {
        let max_bytes = self.stay().map_or(0, |stay| stay.terms.line_bytes);
        let max_bytes = max_bytes.min(FRAGMENT_MAX_BYTES);
        let line = Some(Line {
            number: self.lines,
            id: None,
            text: start,
            is_shown: false,
            was_sent: false,
        });
        let why = Notice::LineTooLong { max_bytes }.to_string();
        self.told.push_back(Told::Refused { line, why });
    }

    /// Sends what may be sent: no more at a time than the server remembers.
    pub(super) fn pump_objects(&mut self) {
        let Some(Stay {
            terms: Terms {
                ids, line_bytes, ..
            },
            is_settled: true,
            ..
        }) = self.stay()
        else {
            return;
        };
        let (ids, line_bytes) = (*ids, *line_bytes);
        while !self.is_quitting
            && self.outbox.unanswered() < ids
            && let Some(Line { id, text, .. }) = self.outbox.first_unsent()
        {
            let line = commands::to_send(self.is_typed, text).into_owned();
            let id = id.clone();
            if line.len() > line_bytes {
                let max_bytes = line_bytes;
                let why = Notice::LineTooLong { max_bytes }.to_string();
                let line = self.outbox.take_unsent();
                self.told.push_back(Told::Refused { line, why });
                continue;
            }
            self.is_quitting = Command::parse(&line) == Command::Quit;
            let id = id.filter(|_| !self.is_quitting);
            let is_answered = id.is_some();
            let text = line.as_str().into();
            let id = id.map(Into::into);
            Request::Line { id, line: text }.put(&mut self.out);
            if is_answered {
                self.outbox.mark_sent();
            } else {
                // It is answered by the end, or not at all.
                self.outbox.take_unsent();
                let time_ms = None;
                self.told.push_back(Told::Own { line, time_ms });
            }
        }
    }
}

const HISTORY: &str = "What was said before you came:";
const FOLLOWS: &str = "what was said in the {s} s between follows.";
const NOTHING: &str = "nothing was said in the {s} s between.";
