//! A member who is told in JSON, and holds what it is told to what it knows.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chatroom::wire::json::{Message, Request, Resume};

use crate::rig::drive::BOOT;
use crate::rig::table::Table;

/// What everybody was told of each event, by its number: when, and what.
pub type Order = BTreeMap<u64, (u64, String)>;

/// How far a client has come on its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It has asked to come in.
    Asking,
    /// Its name is held by its own older connection.
    Refused,
    /// It is in the room.
    In,
}

/// Somebody who is told in JSON.
pub struct Client {
    pub name: String,
    /// The number of its connection in the drive, and what it has read of it.
    pub link: usize,
    pub read: usize,
    pub phase: Phase,
    /// The number of its own coming, which it isn't told of again.
    coming: u64,
    /// It is shown what was before it came.
    in_history: bool,
    /// What it is known by when it comes back.
    token: Option<String>,
    /// The last event it knows of; none before it was ever in.
    pub last: Option<u64>,
    pub here: BTreeSet<String>,
    /// Lines that are not acknowledged, by their ids.
    pub waiting: VecDeque<(String, String)>,
    ids: usize,
    /// Older connections that the server does not know to be broken.
    pub ghosts: Vec<usize>,
}

impl Client {
    /// Returns a client that has not been in.
    pub fn new(name: String, link: usize) -> Self {
        Self {
            name,
            link,
            read: 0,
            phase: Phase::Asking,
            coming: 0,
            in_history: false,
            token: None,
            last: None,
            here: BTreeSet::new(),
            waiting: VecDeque::new(),
            ids: 0,
            ghosts: Vec::new(),
        }
    }

    /// Goes on with another connection.
    pub fn change_to(&mut self, link: usize) {
        (self.link, self.read, self.in_history) = (link, 0, false);
    }

    /// Becomes somebody new of the same name.
    pub fn begin_anew(&mut self) {
        self.last = None;
        self.waiting.clear();
    }

    /// Returns what asks to come in, and sends again what was not acknowledged.
    pub fn ask(&mut self) -> Vec<u8> {
        self.phase = Phase::Asking;
        let mut bytes = Vec::new();
        let name = self.name.as_str().into();
        let request = match self.last {
            Some(seq) => Request::Resume(Resume {
                boot: BOOT.into(),
                seq,
                name,
                token: self.token.as_deref().map(Cow::from),
                key: None,
            }),
            None => Request::Name(name),
        };
        request.put(&mut bytes);
        for (id, line) in &self.waiting {
            put_line(id, line, &mut bytes);
        }
        bytes
    }

    /// Returns what sends a line.
    pub fn say(&mut self, line: String) -> Vec<u8> {
        self.ids += 1;
        let id = self.ids.to_string();
        let mut bytes = Vec::new();
        put_line(&id, &line, &mut bytes);
        self.waiting.push_back((id, line));
        bytes
    }

    /// Hears a line, which must be one of the README's.
    pub fn hear(&mut self, line: &[u8], table: &Table, order: &mut Order) {
        table.check(std::str::from_utf8(line).unwrap());
        let message = Message::parse(line).unwrap_or_else(|error| {
            panic!("{error}: {}", String::from_utf8_lossy(line));
        });
        if let Some(seq) = message.seq() {
            self.hear_event(seq, &message, order);
            return;
        }
        match message {
            Message::Hello(hello) => assert_eq!(hello.boot, BOOT),
            Message::Welcome {
                seq,
                name,
                resumed,
                token,
            } => {
                assert_eq!((&*name, resumed), (&*self.name, self.last.is_some()));
                self.token = Some(token.into_owned());
                self.phase = Phase::In;
                self.coming = seq;
                let last = self.last.get_or_insert(seq - 1);
                assert!(*last < seq);
            }
            Message::HistoryBegin => self.in_history = true,
            Message::HistoryEnd => self.in_history = false,
            Message::Gap { missed } => {
                let last = self.last.as_mut().expect("there is something to miss");
                *last += missed.expect("the server is the same");
            }
            Message::Members { count, names, more } => {
                assert_eq!((count, more), (names.len(), 0));
                self.pass_own_coming();
                self.here = names.into_iter().map(Cow::into_owned).collect();
            }
            Message::Ack { id, seq, time } => self.hear_ack(&id, seq, time, order),
            Message::Error { code, .. } if code == "name-taken" => self.phase = Phase::Refused,
            // Lines that were sent along with a name that is taken.
            Message::Error { code, .. } => {
                assert_eq!(code, "no-name");
            }
            Message::Notice { .. } => {}
            other => panic!("{other:?}"),
        }
    }

    fn hear_event(&mut self, seq: u64, message: &Message<'_>, order: &mut Order) {
        let (time, told) = told(message);
        let known = order.entry(seq).or_insert_with(|| (time, told.clone()));
        assert_eq!(*known, (time, told), "number {seq} is two events");
        if self.in_history {
            return;
        }
        self.pass(seq);
        match message {
            Message::Joined(coming) => {
                self.here.insert(coming.name.clone().into_owned());
            }
            Message::Left(coming) => {
                self.here.remove(&*coming.name);
            }
            Message::Renamed { name, to, .. } => {
                self.here.remove(&**name);
                self.here.insert(to.clone().into_owned());
                if *name == self.name && seq > self.coming {
                    self.name = to.clone().into_owned();
                }
            }
            _ => {}
        }
    }

    fn hear_ack(&mut self, id: &str, seq: Option<u64>, time: Option<u64>, order: &mut Order) {
        let at = self.waiting.iter().position(|(waiting, _)| waiting == id);
        let (_, line) = self.waiting.remove(at.expect("acknowledged once")).unwrap();
        let Some((seq, time)) = seq.zip(time) else {
            assert_eq!(line, "/who");
            return;
        };
        if Some(seq) > self.last {
            self.pass(seq);
        }
        let told = if line.starts_with('/') {
            assert!(
                order.contains_key(&seq),
                "a new name is told its owner, too"
            );
            return;
        } else {
            (time, format!("{}: {line}", self.name))
        };
        let known = order.entry(seq).or_insert_with(|| told.clone());
        // It may have been said under another name.
        assert_eq!((known.0, tag(&known.1)), (time, tag(&told.1)));
        if known.1 != told.1 {
            assert!(known.1.ends_with(&line), "{known:?} is not {line}");
        }
    }

    /// Takes note of the next event that it knows of; there must be none between.
    fn pass(&mut self, seq: u64) {
        self.pass_own_coming();
        let last = self.last.as_mut().expect("it is in");
        assert_eq!(seq, *last + 1, "{}: a gap, or heard twice", self.name);
        *last = seq;
    }

    fn pass_own_coming(&mut self) {
        if self.last == Some(self.coming - 1) {
            self.last = Some(self.coming);
        }
    }
}

fn put_line(id: &str, line: &str, out: &mut Vec<u8>) {
    let (id, line) = (Some(id.into()), line.into());
    Request::Line { id, line }.put(out);
}

/// Returns when an event was, and what is told of it.
fn told(message: &Message<'_>) -> (u64, String) {
    match message {
        Message::Said(talk) | Message::Me(talk) => {
            (talk.time, format!("{}: {}", talk.name, talk.text))
        }
        Message::Joined(coming) => (coming.time, format!("{} joined", coming.name)),
        Message::Left(coming) => (coming.time, format!("{} left", coming.name)),
        Message::Renamed { time, name, to, .. } => (*time, format!("{name} is {to}")),
        other => panic!("no event: {other:?}"),
    }
}

/// Returns the number of a line that somebody said.
pub fn tag(line: &str) -> Option<&str> {
    line.strip_suffix('#')?.rsplit('#').next()
}
