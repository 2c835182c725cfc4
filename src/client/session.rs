//! The conversation with the server: over one connection, and after it is lost over the next.
//!
//! Pure: bytes in, bytes out, and what the person is told. A server that speaks in objects
//! (`session::objects`) tells where each event stands: so what was missed is told once, and a line is
//! sent until the server says that it has it. Any other server is spoken to in lines.

mod asked;
mod input;
mod objects;
mod script;
mod secret;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::mem;
use std::time::Instant;

use super::entry::{Answer, Entry};
use super::event::Event;
use super::incoming::{Fragment, Incoming};
use super::notices;
use super::objects::{Cut, Objects};
use super::opening::{Opening, Step};
use super::outbox::{Line, Outbox};
use crate::failure::Failure;
use crate::room::access::Key;
use crate::wire::json::Message;
use crate::wire::plain::{PAST_END, STAR};

use objects::Stay;
use secret::Giving;

/// What the person is to be told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// A line of a server that speaks in lines, or a fragment of one.
    Line {
        line: Fragment,
        /// It is from before the person came.
        is_old: bool,
    },
    /// What a server that speaks in objects tells.
    Event {
        event: Event,
        /// When it was, in milliseconds since 1970 (UTC), where the server says it.
        time_ms: Option<u64>,
        /// It is from before the person came.
        is_old: bool,
    },
    /// Who is here, all of them but `more`; to be shown if they are `news`.
    Members {
        names: Vec<String>,
        more: usize,
        text: String,
        news: bool,
    },
    /// Somebody came, of whom nobody is told.
    Came(String),
    /// The name they gave went to the server.
    Name(String),
    /// Their name is kept, by this key.
    Key { name: String, key: Key },
    /// Their name is kept no more.
    Unkept(String),
    /// The server has a line of theirs.
    Own { line: String, time_ms: Option<u64> },
    /// A line of theirs came to nothing.
    Refused { line: Option<Line>, why: String },
    /// They are in the room again; says what they missed.
    Back(String),
    /// A word of the client's own.
    Word(String),
}

/// What is to become of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wants {
    /// Another one at once, in which the server is spoken to in lines.
    StartOver,
    /// Another one after a pause.
    Pause,
}

/// Both sides of the talk with a server.
#[derive(Debug)]
pub(super) struct Session {
    entry: Entry,
    speech: Speech,
    /// The server is spoken to in lines, whatever it knows.
    is_plain: bool,
    /// Lines are typed by a person: not everything that starts with a slash is meant as a command.
    is_typed: bool,
    outbox: Outbox,
    /// How many lines were taken so far.
    lines: u64,
    /// Bytes on their way to the server.
    out: Vec<u8>,
    told: VecDeque<Told>,
    /// The server's objects as they came, if they are wanted.
    raw: Option<Vec<u8>>,
    wants: Option<Wants>,
    /// Up to where the room's events are known.
    place: Option<Place>,
    /// What we were called in the room last.
    was: Option<String>,
    /// Since when the connection is lost; none once we are back.
    away: Option<Away>,
    /// The name was refused, and it is the person's turn.
    refusal: Option<Failure>,
    is_quitting: bool,
    giving: Giving,
}

/// How the server speaks.
#[derive(Debug)]
enum Speech {
    /// That is to be seen.
    Opening(Opening, Incoming),
    Lines(Lines),
    Objects(Objects, Stay),
}

/// One connection's time with a server that speaks in lines.
#[derive(Debug, Default)]
struct Lines {
    incoming: Incoming,
    /// What comes was before the person did.
    in_past: bool,
}

/// A place in the order of events of one start of a server: all before it have come.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    boot: String,
    seq: u64,
    /// By which the server knows us.
    token: Option<String>,
}

/// The time between two stays in the room.
#[derive(Debug)]
struct Away {
    since: Instant,
    /// Why the name is refused, as the person was told.
    refused: Option<String>,
}

impl Session {
    /// Returns the conversation before its first connection; in lines if `is_plain`.
    pub(super) fn new(entry: Entry, is_plain: bool, is_typed: bool) -> Self {
        Self {
            entry,
            speech: Speech::first(is_plain),
            is_plain,
            is_typed,
            outbox: Outbox::default(),
            lines: 0,
            out: Vec::new(),
            told: VecDeque::new(),
            raw: None,
            wants: None,
            place: None,
            was: None,
            away: None,
            refusal: None,
            is_quitting: false,
            giving: Giving::default(),
        }
    }

    /// Takes bytes of the server; those after which the connection is not wanted any more are lost.
    pub(super) fn hear(&mut self, mut input: &[u8], now: Instant) {
        while self.wants.is_none() && !input.is_empty() {
            match &mut self.speech {
                Speech::Opening(opening, incoming) => {
                    let Some(line) = incoming.take(&mut input) else {
                        return;
                    };
                    let text = line.text.clone();
                    let step = opening.hear(line);
                    if matches!(step, Some(Step::Objects(_))) {
                        self.keep_raw(text.as_bytes());
                    }
                    if let Some(step) = step {
                        self.open(step, now);
                    }
                }
                Speech::Lines(lines) => {
                    if let Some(fragment) = lines.incoming.take(&mut input) {
                        self.hear_line(fragment, now);
                    }
                }
                Speech::Objects(objects, _) => match objects.take(&mut input) {
                    Some(Cut::Line(line)) => {
                        self.keep_raw(&line);
                        self.hear_object(&line, now);
                    }
                    Some(Cut::TooLong) => self.tell_too_long(),
                    None => {}
                },
            }
        }
    }

    fn tell_too_long(&mut self) {
        let message = Message::Error {
            code: "too-long".into(),
            text: TOO_LONG.into(),
            id: None,
        };
        match &mut self.raw {
            Some(raw) => message.put(raw),
            None => self.tell(Event::Notice(TOO_LONG.to_owned())),
        }
    }

    fn keep_raw(&mut self, line: &[u8]) {
        if let Some(raw) = &mut self.raw {
            raw.extend_from_slice(line.trim_ascii_end());
            raw.push(b'\n');
        }
    }

    fn open(&mut self, step: Step, now: Instant) {
        match step {
            Step::Ask(line) => self.put_line(line),
            Step::Show(fragment) => self.hear_line(fragment, now),
            Step::Lines(fragment) => {
                if let Speech::Opening(_, incoming) = &mut self.speech {
                    self.speech = Speech::Lines(Lines {
                        incoming: mem::take(incoming),
                        in_past: false,
                    });
                }
                self.place = None;
                self.hear_line(fragment, now);
            }
            Step::Objects(terms) => {
                let objects = Objects::new(terms.line_bytes);
                self.giving.is_locked = terms.asks_password;
                self.speech = Speech::Objects(objects, Stay::new(terms));
                if !self.giving.is_locked {
                    self.feed(&Event::Prompt, told_event(Event::Prompt), now);
                }
            }
            Step::StartOver => {
                self.is_plain = true;
                self.wants = Some(Wants::StartOver);
            }
        }
    }

    fn hear_line(&mut self, fragment: Fragment, now: Instant) {
        // To copy a line is much faster than to know what it tells.
        if self.entry.is_inside() && self.away.is_none() && !fragment.text.starts_with(STAR) {
            let told = self.told_line(fragment);
            return self.told.push_back(told);
        }
        let event = Event::of(&fragment);
        if let (Event::Notice(text), Speech::Lines(lines)) = (&event, &mut self.speech) {
            lines.in_past = notices::begins_past(text) || lines.in_past && text != PAST_END;
        }
        self.giving.has_heard = true;
        if event == Event::AskPassword && !self.entry.is_inside() {
            return self.hear_password_asked();
        }
        let told = self.told_line(fragment);
        self.feed(&event, told, now);
    }

    fn told_line(&self, line: Fragment) -> Told {
        let is_old = matches!(&self.speech, Speech::Lines(lines) if lines.in_past);
        Told::Line { line, is_old }
    }

    /// Answers the talk about the name, and tells what of it the person has to know.
    fn feed(&mut self, event: &Event, told: Told, now: Instant) {
        if let Event::Notice(text) = event
            && self.entry.is_inside()
            && self.note_keys(text)
        {
            return;
        }
        let answer = self.entry.heard(event);
        let answer = self.after_key(answer);
        match answer {
            Some(Answer::Refused) if self.away.is_some() => return self.wait_for_name(),
            Some(Answer::Refused) => self.refusal = Some(self.entry.refusal()),
            Some(Answer::Entered) => {
                if let Some(away) = self.away.take() {
                    return self.told.push_back(self.back(&away, MISSING, now));
                }
            }
            Some(Answer::Send(_)) | None => {}
        }
        // What the server asks someone who comes back is answered without them.
        if self.away.is_none() || self.entry.asks() {
            self.away = None;
            self.told.push_back(told);
        }
        if let Some(Answer::Send(name)) = answer {
            self.give_name(&name);
        }
    }

    /// Comes back later with the name that is refused now.
    fn wait_for_name(&mut self) {
        let why = self.entry.notice().to_owned();
        if let Some(away) = &mut self.away
            && away.refused.as_ref() != Some(&why)
        {
            let word = format!(
                "{why}. It is tried again; /nick NAME comes back under another, what you send waits."
            );
            self.told.push_back(Told::Word(word));
            away.refused = Some(why);
        }
        self.entry.retry_name();
        self.wants = Some(Wants::Pause);
    }

    fn put_line(&mut self, line: &str) {
        self.out.extend_from_slice(line.as_bytes());
        self.out.push(b'\n');
    }

    fn renew(&mut self) {
        self.speech = Speech::first(self.is_plain);
        self.giving = Giving::default();
        self.out.clear();
        self.outbox.unsend();
        self.wants = None;
    }

    /// Tells what is left when the server is gone.
    pub(super) fn hear_end(&mut self) {
        let rest = match &mut self.speech {
            Speech::Opening(opening, incoming) => {
                let mut rest = opening.take_rest();
                rest.extend(incoming.rest());
                rest
            }
            Speech::Lines(lines) => Vec::from_iter(lines.incoming.rest()),
            Speech::Objects(..) => Vec::new(),
        };
        if self.away.is_none() {
            let is_old = false;
            let told = rest.into_iter().map(|line| Told::Line { line, is_old });
            self.told.extend(told);
        }
    }

    fn back(&self, away: &Away, missed: &str, now: Instant) -> Told {
        let seconds = now.saturating_duration_since(away.since).as_secs();
        let name = self.entry.name();
        let missed = missed.replace("{s}", &seconds.to_string());
        Told::Back(format!("Back in the room as {name}; {missed}"))
    }

    fn tell(&mut self, event: Event) {
        self.told.push_back(told_event(event));
    }
}

impl Speech {
    fn first(is_plain: bool) -> Self {
        if is_plain {
            Self::Lines(Lines::default())
        } else {
            Self::Opening(Opening::default(), Incoming::default())
        }
    }
}

fn told_event(event: Event) -> Told {
    Told::Event {
        event,
        time_ms: None,
        is_old: false,
    }
}

/// What somebody who comes back to a server that speaks in lines has missed.
const MISSING: &str = "what was said in the {s} s between is missing here.";

/// Stands for a line that is not kept.
const TOO_LONG: &str = "A line of the server's was too long to be read.";
