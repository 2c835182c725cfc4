//! A server kept in memory.

use std::collections::VecDeque;
use std::mem;

use crate::wire::json::{Coming, FIRST_LINE, Hello, Message, Request, Talk};
use crate::wire::plain::PROMPT;

const IDS: usize = 3;
pub(super) const ME: &str = "soheil";

/// A room of one who comes and goes, and of others whose lines come from nowhere.
#[derive(Default)]
pub(super) struct Server {
    pub(super) boot: u64,
    pub(super) events: Vec<Happening>,
    /// Events before this are forgotten.
    pub(super) held_from: usize,
    /// What was taken of the one under test, with its event.
    taken: VecDeque<(String, Option<u64>)>,
    is_inside: bool,
    /// What the connection has brought of an unfinished line, and what it will bring.
    input: Vec<u8>,
    pub(super) output: Vec<u8>,
    speaks_objects: bool,
}

#[derive(Clone)]
pub(super) enum Happening {
    Said(&'static str, String),
    Joined,
    Left,
}

impl Server {
    pub(super) fn connect(&mut self) {
        if self.is_inside {
            self.happen(Happening::Left);
        }
        self.is_inside = false;
        self.speaks_objects = false;
        self.input.clear();
        self.output = format!("{PROMPT}\n").into_bytes();
    }

    pub(super) fn restart(&mut self) {
        *self = Self {
            boot: self.boot + 1,
            ..Self::default()
        };
        self.connect();
    }

    fn tell(&mut self, message: &Message<'_>) {
        message.put(&mut self.output);
    }

    pub(super) fn happen(&mut self, event: Happening) -> u64 {
        self.events.push(event);
        let seq = self.events.len() as u64;
        let is_own = !matches!(self.events.last(), Some(Happening::Said("ali", _)));
        if self.is_inside && !is_own {
            self.tell_event(seq);
        }
        seq
    }

    fn tell_event(&mut self, seq: u64) {
        let time = 1000 * seq;
        let coming = Coming {
            seq,
            time,
            name: ME.into(),
        };
        let event = self.events[usize::try_from(seq).unwrap() - 1].clone();
        let message = match &event {
            Happening::Said(name, text) => Message::Said(Talk {
                seq,
                time,
                name: (*name).into(),
                text: text.as_str().into(),
            }),
            Happening::Joined => Message::Joined(coming),
            Happening::Left => Message::Left(coming),
        };
        message.put(&mut self.output);
    }

    pub(super) fn hear(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if byte != b'\n' {
                self.input.push(byte);
                continue;
            }
            let line = mem::take(&mut self.input);
            if self.speaks_objects {
                self.answer(&Request::parse(&line).expect("a request"));
            } else {
                assert_eq!(line, FIRST_LINE.as_bytes());
                self.speaks_objects = true;
                let boot = self.boot.to_string();
                self.tell(&Message::Hello(Hello {
                    version: 1,
                    server: "model".into(),
                    boot: boot.into(),
                    line_bytes: 100,
                    rate: 0,
                    burst: 0,
                    ids: IDS,
                    announces_joins: true,
                }));
            }
        }
    }

    fn answer(&mut self, request: &Request<'_>) {
        match request {
            Request::Password(_) => return,
            Request::Name(_) | Request::Keeper { .. } => {
                self.taken.clear();
                self.welcome(false);
            }
            Request::Resume(resume) => {
                assert_eq!(resume.name, ME);
                let is_known = resume.boot == self.boot.to_string();
                self.welcome(is_known);
                if is_known {
                    self.catch_up(usize::try_from(resume.seq).unwrap());
                } else {
                    self.taken.clear();
                    self.tell(&Message::Gap { missed: None });
                }
            }
            Request::Line { id, line } => return self.take(id.as_deref().unwrap(), line),
        }
        let names = vec![ME.into(), "ali".into()];
        let (count, more) = (2, 0);
        self.tell(&Message::Members { count, names, more });
    }

    fn catch_up(&mut self, from: usize) {
        if from < self.held_from {
            let missed = Some((self.held_from - from) as u64);
            self.tell(&Message::Gap { missed });
        }
        for seq in from.max(self.held_from)..self.events.len() - 1 {
            self.tell_event(seq as u64 + 1);
        }
    }

    fn welcome(&mut self, resumed: bool) {
        let seq = self.happen(Happening::Joined);
        self.is_inside = true;
        let name = ME.into();
        let token = "t".into();
        self.tell(&Message::Welcome {
            seq,
            name,
            resumed,
            token,
        });
    }

    fn take(&mut self, id: &str, line: &str) {
        let known = self.taken.iter().find(|(taken, _)| taken == id);
        let seq = if let Some((_, seq)) = known {
            *seq
        } else {
            let is_talk = !line.starts_with('/');
            let seq = is_talk.then(|| self.happen(Happening::Said(ME, line.to_owned())));
            self.taken.push_back((id.to_owned(), seq));
            if self.taken.len() > IDS {
                self.taken.pop_front();
            }
            seq
        };
        let (id, time) = (id.into(), seq.map(|seq| 1000 * seq));
        self.tell(&Message::Ack { id, seq, time });
    }

    pub(super) fn said(&self) -> Vec<(&'static str, String)> {
        let said = self.events.iter().filter_map(|event| match event {
            Happening::Said(name, text) => Some((*name, text.clone())),
            _ => None,
        });
        said.collect()
    }
}
