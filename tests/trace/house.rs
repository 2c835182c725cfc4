//! A made-up room, whose members read and write either encoding: what goes over its connections.

use std::collections::BTreeSet;

use chatroom::line::command::Command;
use chatroom::line::sanitize;
use chatroom::wire::Stamp;
use chatroom::wire::json::{Hello, Message, Request, Resume, Talk};
use chatroom::wire::plain::Line;
use serde_json::Value;

use super::support::{Step, file_with, session, trace_to};

/// A step whose bytes are its own.
#[derive(Clone)]
pub(crate) enum Made {
    Open(u16),
    Up(u16, Vec<u8>),
    Down(u16, Vec<u8>),
    Close(u16),
}

/// A member.
pub(crate) struct Person {
    pub(crate) port: u16,
    pub(crate) name: String,
    pub(crate) json: bool,
    here: bool,
    lines: u32,
}

/// The room.
#[derive(Default)]
pub(crate) struct House {
    pub(crate) steps: Vec<Made>,
    pub(crate) people: Vec<Person>,
    seq: u64,
}

pub(crate) fn put(message: &Message<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    message.put(&mut out);
    out
}

pub(crate) fn request(request: &Request<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    request.put(&mut out);
    out
}

pub(crate) fn hello() -> Vec<u8> {
    put(&Message::Hello(Hello {
        version: 1,
        server: "chatroom 0.1.0".into(),
        boot: "b1".into(),
        line_bytes: 4096,
        rate: 100,
        burst: 1000,
        ids: 64,
        announces_joins: false,
    }))
}

impl House {
    /// Lets somebody in; returns who it is.
    pub(crate) fn join(&mut self, name: &str, json: bool) -> usize {
        let at = self.people.len();
        let port = 4001 + u16::try_from(at).unwrap();
        self.tell_all(None, |_| Some(Line::Joined(name)), true);
        self.steps.push(Made::Open(port));
        self.steps.push(Made::Down(port, line(Line::Prompt)));
        if json {
            self.steps.push(Made::Up(port, b"/json\n".to_vec()));
            self.steps.push(Made::Down(port, hello()));
            let name = Request::Name(name.into());
            self.steps.push(Made::Up(port, request(&name)));
        } else {
            self.steps
                .push(Made::Up(port, format!("{name}\n").into_bytes()));
        }
        self.people.push(Person {
            port,
            name: name.to_owned(),
            json,
            here: true,
            lines: 0,
        });
        let names = self.people.iter().filter(|person| person.here);
        let names: Vec<_> = names.map(|person| person.name.clone().into()).collect();
        let welcome = if json {
            let welcome = Message::Welcome {
                seq: self.seq,
                name: name.into(),
                token: "t1".into(),
                resumed: false,
            };
            let members = Message::Members {
                count: names.len(),
                names,
                more: 0,
            };
            [put(&welcome), put(&members)].concat()
        } else {
            line(Line::Greeting)
        };
        self.steps.push(Made::Down(port, welcome));
        at
    }

    /// Lets somebody type a line, and the room do what it asks for.
    pub(crate) fn types(&mut self, at: usize, typed: &str) {
        let Person {
            port, json, lines, ..
        } = self.people[at];
        let id = lines.to_string();
        self.people[at].lines += 1;
        let up = if json {
            request(&Request::Line {
                id: Some(id.as_str().into()),
                line: typed.into(),
            })
        } else {
            format!("{typed}\n").into_bytes()
        };
        self.steps.push(Made::Up(port, up));
        let name = self.people[at].name.clone();
        let mut buffer = String::new();
        let text = sanitize::safe(typed.as_bytes(), &mut buffer);
        let before = self.seq;
        match Command::parse(text) {
            Command::Say(text) => {
                self.tell_all(Some(at), |_| Some(Line::Said { name: &name, text }), false);
            }
            Command::Me(text) => {
                self.tell_all(Some(at), |_| Some(Line::Did { name: &name, text }), false);
            }
            Command::Nick(to) if self.people.iter().all(|other| other.name != to) => {
                let to = to.to_owned();
                self.tell_all(
                    None,
                    |_| {
                        Some(Line::Renamed {
                            from: &name,
                            to: &to,
                        })
                    },
                    false,
                );
                self.people[at].name = to;
            }
            Command::Message { to, text } => self.tells(at, to, text),
            _ => {}
        }
        if json {
            let seq = (self.seq > before).then_some(self.seq);
            self.steps.push(Made::Down(
                port,
                put(&Message::Ack {
                    id: id.as_str().into(),
                    seq,
                    time: seq,
                }),
            ));
        }
    }

    /// Lets somebody go.
    pub(crate) fn leave(&mut self, at: usize) {
        if !std::mem::replace(&mut self.people[at].here, false) {
            return;
        }
        self.steps.push(Made::Close(self.people[at].port));
        let name = self.people[at].name.clone();
        self.tell_all(None, |_| Some(Line::Left(&name)), false);
    }

    /// Returns whether somebody is in the room.
    pub(crate) fn is_here(&self, at: usize) -> bool {
        self.people.get(at).is_some_and(|person| person.here)
    }

    fn tells(&mut self, at: usize, to: &str, text: &str) {
        let name = self.people[at].name.clone();
        let other = self.people.iter();
        let Some(other) = other
            .filter(|other| other.here)
            .find(|other| other.name == to)
        else {
            return;
        };
        let down = if other.json {
            put(&Message::Private {
                time: self.seq,
                name: name.into(),
                text: text.into(),
            })
        } else {
            line(Line::SaidPrivately { name: &name, text })
        };
        self.steps.push(Made::Down(other.port, down));
    }

    /// Tells everybody but one; only those who read objects, if `quietly`.
    fn tell_all<'l>(
        &mut self,
        but: Option<usize>,
        of: impl Fn(&Person) -> Option<Line<'l>>,
        quietly: bool,
    ) {
        self.seq += 1;
        let stamp = Stamp {
            seq: self.seq,
            time_ms: 1_700_000_000_000 + self.seq,
        };
        for (at, person) in self.people.iter().enumerate() {
            if Some(at) == but || !person.here || (quietly && !person.json) {
                continue;
            }
            let Some(told) = of(person) else { continue };
            let bytes = if person.json {
                put(&Message::of_line(told, stamp).unwrap())
            } else {
                line(told)
            };
            self.steps.push(Made::Down(person.port, bytes));
        }
    }
}

pub(crate) fn line(line: Line<'_>) -> Vec<u8> {
    line.parts().concat().into_bytes()
}

/// Returns a capture of these steps.
pub(crate) fn captured(steps: &[Made]) -> Vec<u8> {
    let steps: Vec<_> = steps
        .iter()
        .map(|step| match step {
            Made::Open(port) => Step::Open(*port),
            Made::Up(port, bytes) => Step::Up(*port, bytes),
            Made::Down(port, bytes) => Step::Down(*port, bytes),
            Made::Close(port) => Step::Close(*port),
        })
        .collect();
    session(&steps)
}

/// Returns the records of these steps.
pub(crate) fn told(steps: &[Made]) -> Vec<Value> {
    let file = file_with(&captured(steps));
    let text = trace_to("ndjson", &[], file.path());
    let records = text.lines().map(|line| serde_json::from_str(line).unwrap());
    records.collect()
}

/// Returns the records of one kind.
pub(crate) fn of<'r>(records: &'r [Value], kind: &str) -> Vec<&'r Value> {
    let of_kind = |record: &&Value| record["record"] == kind;
    records.iter().filter(of_kind).collect()
}

/// Returns a record's field as text.
pub(crate) fn text<'r>(record: &'r Value, field: &str) -> &'r str {
    record[field].as_str().unwrap()
}

/// What a capture tells, whatever the encodings: what happened and who was told of it, and who was
/// told what alone.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Story {
    pub(crate) events: Vec<(String, BTreeSet<String>)>,
    pub(crate) alone: Vec<[String; 2]>,
    pub(crate) missing: usize,
}

/// Returns the story of records.
pub(crate) fn story(records: &[Value]) -> Story {
    let mut events = Vec::new();
    let mut ids = Vec::new();
    for record in records {
        let name = || text(record, "name");
        let event = match text(record, "record") {
            "join" => format!("{} joined", name()),
            "message" => format!("{}: {}", name(), text(record, "text")),
            "leave" => format!("{} left ({})", name(), text(record, "how")),
            _ => continue,
        };
        // People who read plain lines aren't told of joins.
        ids.push((record["id"].as_u64().unwrap(), record["record"] == "join"));
        events.push((event, BTreeSet::new()));
    }
    for copy in of(records, "copy") {
        let id = copy["id"].as_u64().unwrap();
        let at = ids.iter().position(|(of, _)| *of == id).unwrap();
        if !ids[at].1 {
            let is_new = events[at].1.insert(text(copy, "name").to_owned());
            assert!(is_new, "told twice: {copy}");
        }
    }
    let private = |record: &&&Value| text(record, "text").contains(" (privately): ");
    let renamed = |record: &&&Value| text(record, "text").contains(" is now known as ");
    Story {
        events,
        alone: of(records, "notice")
            .iter()
            .filter(|record| private(record) || renamed(record))
            .map(|record| ["name", "text"].map(|field| text(record, field).to_owned()))
            .collect(),
        missing: of(records, "missing").len(),
    }
}

/// Returns the steps with each run of bytes cut in two, at places that `at` picks.
pub(crate) fn cut(steps: &[Made], mut at: impl FnMut(usize) -> usize) -> Vec<Made> {
    let mut all = Vec::new();
    for step in steps {
        match step {
            Made::Up(port, bytes) => {
                let (first, second) = bytes.split_at(at(bytes.len()));
                all.push(Made::Up(*port, first.to_vec()));
                all.push(Made::Up(*port, second.to_vec()));
            }
            Made::Down(port, bytes) => {
                let (first, second) = bytes.split_at(at(bytes.len()));
                all.push(Made::Down(*port, first.to_vec()));
                all.push(Made::Down(*port, second.to_vec()));
            }
            other => all.push(other.clone()),
        }
    }
    all
}

pub(crate) fn up(port: u16, line: &str) -> Made {
    Made::Up(port, format!("{line}\n").into_bytes())
}

pub(crate) fn down(port: u16, line: &str) -> Made {
    Made::Down(port, format!("{line}\n").into_bytes())
}

pub(crate) fn welcome(seq: u64, name: &str, resumed: bool) -> Vec<u8> {
    put(&Message::Welcome {
        seq,
        name: name.into(),
        token: "t1".into(),
        resumed,
    })
}

pub(crate) fn said(seq: u64, name: &str, text: &str) -> Vec<u8> {
    put(&Message::Said(Talk {
        seq,
        time: 5,
        name: name.into(),
        text: text.into(),
    }))
}

pub(crate) fn ack(id: &str, seq: Option<u64>) -> Vec<u8> {
    let (id, time) = (id.into(), seq);
    put(&Message::Ack { id, seq, time })
}

pub(crate) fn refusal(code: &str, text: &str, id: Option<&str>) -> Vec<u8> {
    let (code, text, id) = (code.into(), text.into(), id.map(Into::into));
    put(&Message::Error { code, text, id })
}

/// Returns what somebody was told alone.
pub(crate) fn alone<'r>(records: &'r [Value], name: &str) -> Vec<&'r str> {
    let of_name = |record: &&&Value| text(record, "name") == name;
    let notices = of(records, "notice");
    let texts = notices.iter().filter(of_name);
    texts
        .map(|record| record["text"].as_str().unwrap())
        .collect()
}

/// Returns how often something was delivered to somebody.
pub(crate) fn copies_to(records: &[Value], name: &str) -> usize {
    let to_name = |copy: &&&Value| copy["name"] == name && copy["of"] == "message";
    of(records, "copy").iter().filter(to_name).count()
}

/// Returns the request to come in again.
pub(crate) fn resume(seq: u64, name: &str) -> Vec<u8> {
    let (boot, name) = ("b1".into(), name.into());
    let token = Some("t1".into());
    let resume = Resume {
        boot,
        seq,
        name,
        token,
        key: None,
    };
    request(&Request::Resume(resume))
}
