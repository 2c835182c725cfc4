//! What connections ask for that are told of the room in JSON, and the answers.

use std::borrow::Cow;
use std::net::IpAddr;

use ipnet::IpNet;

use super::Hub;
use super::backplane::What;
use super::connections::Connections;
use super::disconnect::Disconnect;
use super::extra::HeardBefore;
use super::limits::{IDS_MAX, MEMBERS_BYTES_MAX, NAME_WORK, NAMES_A_LINE};
use super::sessions::Session;
use super::standing::Stage;
use crate::line::input::Typed;
use crate::line::sanitize;
use crate::room::access::{Answer, Key};
use crate::room::{Audience, Claim, Effect, MemberId, Notice, Reach};
use crate::stream::Stream;
use crate::wire::json::{self, Hello, Message, Request, Resume};

/// The program and its version.
const SERVER: &str = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));

impl<S: Stream> Hub<S> {
    /// Tells a connection of the room in JSON from here on.
    pub(super) fn speak_json(&mut self, id: MemberId) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        connection.speak_json();
        let boot = self.connections.order.boot().to_owned();
        let hello = Hello {
            version: json::VERSION,
            server: SERVER.into(),
            boot: boot.into(),
            line_bytes: self.limits.max_line_bytes,
            rate: self.limits.rate,
            burst: self.limits.burst,
            ids: IDS_MAX,
            announces_joins: self.limits.announce_joins,
        };
        self.connections.tell_message(id, &Message::Hello(hello));
        if self.connections.password.is_asked_of(id) {
            self.connections.push(id, Effect::AskPassword);
        }
    }

    /// Hears a line of a connection that is told in JSON.
    pub(super) fn hear_request(&mut self, id: MemberId, typed: &Typed<'_>) {
        let bytes = match *typed {
            Typed::TooLong => return self.refuse_long_request(id, None),
            Typed::Line { bytes: [], .. } => return,
            Typed::Line { bytes, .. } => bytes,
        };
        let has_name = self.connections.slots.stage(id) == Stage::Member;
        match Request::parse(bytes) {
            Err(malformed) => self.connections.tell_message(id, &malformed.message()),
            Ok(Request::Line { id: line_id, line }) if has_name => {
                self.say_by_request(id, line_id.as_deref(), &line);
            }
            Ok(Request::Line { id: line_id, .. }) => {
                let line_id = line_id.as_deref();
                self.refuse_request(id, Notice::NoName, line_id);
            }
            Ok(_) if has_name => self.refuse_request(id, Notice::HasName, None),
            Ok(Request::Password(password)) => {
                self.connections.try_password(id, password.as_bytes());
            }
            Ok(_) if self.connections.password.is_asked_of(id) => {
                self.refuse_request(id, Notice::Access(Answer::PasswordFirst), None);
            }
            Ok(Request::Name(name)) => self.enter_by_request(id, &name, None, None),
            Ok(Request::Keeper { name, key }) => {
                self.enter_by_request(id, &name, Some(&*key), None);
            }
            Ok(Request::Resume(resume)) => self.resume_by_request(id, &resume),
        }
    }

    /// Lets somebody in who comes back after a break, in the place of its older connection if that
    /// is not known to be broken.
    fn resume_by_request(&mut self, id: MemberId, resume: &Resume<'_>) {
        let same_boot = resume.boot == self.connections.order.boot();
        let token = resume.token.as_deref().filter(|_| same_boot);
        let before = token.and_then(|token| self.connections.sessions.of(token));
        let heard = match before {
            // What was before it first came is not for it, whatever it says to know.
            Some(session) => HeardBefore::UpTo(resume.seq.max(session.before())),
            None => HeardBefore::Unknown,
        };
        let older = before.and_then(|before| self.connections.sessions.member(before));
        let waits_for = older.filter(|_| self.backplane.is_some());
        if let Some(older) = older {
            if self.connections.slots.stage(older).is_open() {
                let notice = Effect::Notice(Notice::Replaced);
                self.connections.tell_of(older, &notice);
            }
            self.connections.close(older, Disconnect::Replaced);
            // At once, however many wait to be announced: what it is known by goes on with this one.
            self.announce_leaving_of(older);
        }
        if let Some(older) = waits_for
            && !self.room.names().of(older).is_empty()
        {
            return self.resume_behind(id, older, resume);
        }
        let again = Again { before, heard };
        self.enter_by_request(id, &resume.name, resume.key.as_deref(), Some(again));
    }

    /// Lets somebody in who comes back once its older connection has left a room that several machines
    /// share.
    fn resume_behind(&mut self, id: MemberId, older: MemberId, resume: &Resume<'_>) {
        if let Some(earlier) = self.wait_for(older, id, resume.clone().into_owned()) {
            self.let_speak(earlier);
        }
    }

    /// Goes on with that.
    pub(super) fn go_on_resuming(&mut self, id: MemberId, resume: &OwnedResume) {
        self.let_speak(id);
        if self.connections.slots.stage(id) == Stage::Nameless {
            self.resume_by_request(id, resume);
        } else {
            self.connections.exits.let_go(id);
        }
    }

    /// Takes a name, and tells who has it now what it has to know.
    fn enter_by_request(
        &mut self,
        id: MemberId,
        name: &str,
        key: Option<&str>,
        again: Option<Again>,
    ) {
        self.work += NAME_WORK;
        let mut text = String::new();
        let name = sanitize::safe(name.as_bytes(), &mut text);
        let claim = match key {
            // A key that is none is a wrong one.
            Some(key) => Claim {
                name: Claim::parse(name).name,
                key: Some(Key::parse(key).unwrap_or_default()),
            },
            // As a person types it.
            None => Claim::parse(name),
        };
        let now_ms = self.now_ms();
        let mut answers = Answers::new(&mut self.connections, id, None);
        let Some(event) = self.room.decide_name(id, claim, now_ms, &mut answers) else {
            return;
        };
        if self.backplane.is_some() {
            return self.propose_and(&event, What::Enter(again));
        }
        self.make_place(&event);
        if let Some(again) = again {
            self.connections.set_heard_before(id, again.heard);
            if let Some(before) = again.before {
                self.connections.sessions.resume(id, before);
            }
        }
        self.happen(event);
        self.tell_members(id);
    }

    /// Tells who is here.
    pub(super) fn tell_members(&mut self, id: MemberId) {
        let all = self.room.names();
        let mut bytes = 0;
        let has_place = |name: &&str| {
            // As they are written: quotes and backslashes are allowed in names, and escaped.
            let escapes = name.bytes().filter(|byte| b"\"\\".contains(byte)).count();
            bytes += name.len() + escapes + "\"\",".len();
            bytes <= MEMBERS_BYTES_MAX
        };
        let names: Vec<_> = all.iter().take_while(has_place).map(Cow::from).collect();
        self.work += names.len() / NAMES_A_LINE;
        let (count, more) = (all.count(), all.count() - names.len());
        let members = Message::Members { count, names, more };
        self.connections.tell_message(id, &members);
    }

    /// Says a line, unless it was said before, and answers.
    fn say_by_request(&mut self, id: MemberId, line_id: Option<&str>, line: &str) {
        if line.len() > self.limits.max_line_bytes {
            return self.refuse_long_request(id, line_id);
        }
        if line_id.is_some_and(|line_id| self.is_on_its_way(id, line_id)) {
            return;
        }
        let taken = line_id.and_then(|line_id| self.connections.sessions.find(id, line_id));
        let stamp = if let Some(taken) = taken {
            taken.stamp
        } else {
            let mut text = String::new();
            let text = sanitize::safe(line.as_bytes(), &mut text);
            let command = self.command(id, text);
            let now_ms = self.now_ms();
            let mut answers = Answers::new(&mut self.connections, id, line_id);
            let event = self.room.decide(id, command, now_ms, &mut answers);
            if answers.has_refused {
                return;
            }
            let stamp = match event {
                Some(event) if self.is_shared(&event) && !event.is_private() => {
                    return self.propose_line(&event, line_id);
                }
                event => event.and_then(|event| self.happen(event)),
            };
            if let Some(line_id) = line_id {
                self.connections.sessions.note(id, line_id, stamp);
            }
            stamp
        };
        if let Some(line_id) = line_id {
            let ack = Message::Ack {
                id: line_id.into(),
                seq: stamp.map(|stamp| stamp.seq),
                time: stamp.map(|stamp| stamp.time_ms),
            };
            self.connections.tell_message(id, &ack);
        }
    }

    fn refuse_long_request(&mut self, id: MemberId, line_id: Option<&str>) {
        let max_bytes = self.limits.max_line_bytes;
        self.refuse_request(id, Notice::LineTooLong { max_bytes }, line_id);
    }

    fn refuse_request(&mut self, id: MemberId, notice: Notice<'_>, line_id: Option<&str>) {
        let mut answers = Answers::new(&mut self.connections, id, line_id);
        answers.push(id, Effect::Notice(notice));
    }
}

/// Of somebody who comes back after a break: who it was, and what it has heard.
#[derive(Debug)]
pub(super) struct Again {
    pub(super) before: Option<Session>,
    pub(super) heard: HeardBefore,
}

/// A request to come back after a break, as it is kept until the older connection has left the room.
pub(super) type OwnedResume = Resume<'static>;

/// Those whom decisions concern, one of whom has asked: what it is refused names what it sent.
pub(super) struct Answers<'c, S> {
    connections: &'c mut Connections<S>,
    asker: MemberId,
    line_id: Option<&'c str>,
    has_refused: bool,
}

impl<'c, S: Stream> Answers<'c, S> {
    pub(super) fn new(
        connections: &'c mut Connections<S>,
        asker: MemberId,
        line_id: Option<&'c str>,
    ) -> Self {
        Self {
            connections,
            asker,
            line_id,
            has_refused: false,
        }
    }
}

impl<S: Stream> Audience for Answers<'_, S> {
    fn reach(&self, member: MemberId, bytes: usize) -> Reach {
        self.connections.reach(member, bytes)
    }

    fn push(&mut self, member: MemberId, effect: Effect<'_>) {
        match effect {
            Effect::Notice(notice) if member == self.asker && notice.is_refusal() => {
                self.has_refused = true;
                let text = notice.to_string();
                let error = Message::Error {
                    code: notice.code().into(),
                    text: text.into(),
                    id: self.line_id.map(Cow::from),
                };
                self.connections.tell_message(member, &error);
                self.connections.note_refusal(member, &notice);
            }
            _ => self.connections.push(member, effect),
        }
    }

    fn address(&self, member: MemberId) -> Option<IpAddr> {
        self.connections.address(member)
    }

    fn silent_s(&self, member: MemberId) -> u64 {
        self.connections.silent_s(member)
    }

    fn of_block(&self, block: IpNet) -> Vec<MemberId> {
        self.connections.of_block(block)
    }

    fn try_wait_s(&self, member: MemberId) -> Option<u64> {
        self.connections.try_wait_s(member)
    }

    fn keep_wait_s(&mut self, member: MemberId) -> Option<u64> {
        self.connections.keep_wait_s(member)
    }

    fn draw_key(&mut self) -> Option<Key> {
        self.connections.draw_key()
    }
}
