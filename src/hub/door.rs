//! Who is let in, and what those are told who are not.

use std::fmt;
use std::net::IpAddr;

use log::{debug, log};

use super::Hub;
use super::addresses::Origin;
use super::connection::Connection;
use super::connections::{Connections, is_nameless};
use super::disconnect::Disconnect;
use super::framed::Framed;
use super::sealed::Sealed;
use crate::layer::websocket::Code;
use crate::layer::websocket::frame::{self, Head};
use crate::room::access::Answer;
use crate::room::{Audience, Effect, Machines, MemberId, Notice};
use crate::stream::Stream;
use crate::wire::json::Message;
use crate::wire::{Encoding, json, plain};

/// What stands between a stream and its lines.
#[derive(Debug, Default)]
pub struct Layers {
    /// It is sealed.
    pub sealed: Option<Box<Sealed>>,
    /// It is a WebSocket.
    pub framed: Option<Box<Framed>>,
    /// Where the person is.
    pub origin: Origin,
}

impl<S: Stream> Hub<S> {
    /// Returns whether a connection from `address` may come in, or why not.
    ///
    /// # Errors
    /// Says what to tell it.
    pub fn admit(&self, address: IpAddr) -> Result<(), Notice<'_>> {
        self.admit_beside(0, address)
    }

    /// Returns whether a connection from `address` may come in beside so many that are on their way
    /// in, or why not.
    ///
    /// # Errors
    /// Says what to tell it.
    pub fn admit_beside(&self, arriving: usize, address: IpAddr) -> Result<(), Notice<'_>> {
        if self.closing {
            return Err(Notice::Closing);
        }
        if self.is_cut_off_for_long() {
            return Err(Notice::Machines(Machines::CutOff));
        }
        let banned = self.room.access().refusal(address, self.now_ms());
        if let Some(answer) = self.gate.refusal(address).or(banned) {
            return Err(Notice::Access(answer));
        }
        let connections = self.connections.open() + arriving;
        self.connections.admission.admit(connections, address)
    }

    /// Takes in a stream that has been admitted, and asks for a name.
    pub fn accept(&mut self, stream: S, address: IpAddr) {
        self.accept_by(stream, Layers::default(), address);
    }

    /// Takes in a stream that has been admitted and is sealed, and asks for a name.
    pub fn accept_sealed(&mut self, stream: S, sealed: Box<Sealed>, address: IpAddr) {
        let layers = Layers {
            sealed: Some(sealed),
            ..Layers::default()
        };
        self.accept_by(stream, layers, address);
    }

    /// Takes in a stream that has been admitted, whatever stands before its lines, and asks for the
    /// password if there is one, or else for a name.
    pub fn accept_by(&mut self, stream: S, layers: Layers, address: IpAddr) {
        let id = self.connections.accept(stream, layers, address);
        // Sent by the next turn: who gives its name at once gets prompt and greeting in one write.
        if self.connections.password.is_needed_of(id) {
            self.connections.push(id, Effect::AskPassword);
        } else {
            self.ask_name(id);
        }
    }

    /// Turns a stream from `address` away that was not admitted, telling it why.
    pub fn refuse(&mut self, stream: S, address: IpAddr) {
        self.refuse_by(stream, Layers::default(), address);
    }

    /// Turns a stream from `address` away that was not admitted, whatever stands before its lines,
    /// telling it why.
    pub fn refuse_by(&mut self, mut stream: S, layers: Layers, address: IpAddr) {
        let Err(why) = self.admit(address) else {
            return;
        };
        let words = match layers.framed {
            Some(framed) => framed_words(why, framed.wants_json(), self.now_ms()),
            None => plain_words(why),
        };
        let (code, why) = (why.code(), why.to_string());
        // One try each: who is turned away is owed no more. Closing with input unread would take the
        // words back.
        let outcome = match layers.sealed {
            Some(mut sealed) => sealed.dismiss(&mut stream, &words).map(usize::from),
            None => stream.write(&words),
        };
        let outcome = [outcome, stream.read(&mut [0; 4096])];
        debug!("its last words were taken so: {outcome:?}");
        self.turn_away_unheard(address, code, &why);
    }

    /// Counts a connection from `address`, under `code`, that ends before anything of it was heard,
    /// and tells the log why.
    pub fn turn_away_unheard(
        &mut self,
        address: IpAddr,
        code: &'static str,
        why: &dyn fmt::Display,
    ) {
        self.connections.counters.refuse(code);
        let addresses = &self.connections.addresses;
        let whence = addresses.at(address);
        log!(
            addresses.level(),
            "{whence}a connection is turned away: {why}"
        );
    }
}

impl<S: Stream> Connections<S> {
    /// Takes in a stream that has been admitted, and returns its number.
    fn accept(&mut self, stream: S, layers: Layers, address: IpAddr) -> MemberId {
        while self.admission.is_crowded()
            && let Some(newcomer) = self.admission.pop_oldest()
        {
            if is_nameless(&self.slots, newcomer) {
                self.dismiss(newcomer.0, Notice::Crowded, Disconnect::Crowded);
            }
        }
        let id = self.slots.insert(Connection::new(stream, self.now()));
        self.addresses.enter(id, address);
        self.addresses.set_origin(id, layers.origin);
        self.counters.accepted += 1;
        let newcomer = (id, self.now().whole_s());
        self.admission.enter(newcomer, address, |newcomer| {
            is_nameless(&self.slots, newcomer)
        });
        let now = self.now();
        let connection = &mut self.slots[id];
        if let Some(framed) = layers.framed {
            connection.frame(framed, &mut self.delivery.pool);
            self.pings.enter(now);
        }
        if let Some(sealed) = layers.sealed {
            connection.seal(sealed, &mut self.delivery.pool);
            if connection.has_pending() {
                self.resume_later(id);
            }
        }
        id
    }

    /// Takes a line for the password, and returns whether a name is to be asked for now.
    pub(super) fn try_password(&mut self, id: MemberId, line: &[u8]) -> bool {
        let answer = if !self.password.is_asked_of(id) {
            // A program may say it where none is needed.
            self.tell_message(id, &Message::Password { needed: false });
            return false;
        } else if let Some(wait_s) = self.try_wait_s(id) {
            Answer::TooManyTries { wait_s }
        } else if self.password.is(line) {
            self.password.leave(id);
            if self.slots.encoding(id) == Encoding::Json {
                self.tell_message(id, &Message::Password { needed: false });
                return false;
            }
            return true;
        } else {
            Answer::WrongPassword
        };
        self.push(id, Effect::Notice(Notice::Access(answer)));
        self.push(id, Effect::AskPassword);
        false
    }
}

fn plain_words(why: Notice<'_>) -> Vec<u8> {
    let mut words = String::new();
    plain::put(&Effect::Notice(why), &mut words);
    words.into_bytes()
}

/// Returns a message that tells a WebSocket why it is turned away, and its last frame.
fn framed_words(why: Notice<'_>, in_json: bool, now_ms: u64) -> Vec<u8> {
    let words = if in_json {
        let mut words = Vec::new();
        json::put(&Effect::Notice(why), now_ms, &mut words);
        words
    } else {
        plain_words(why)
    };
    let mut frames = [Head::of_text(words.len()).bytes(), &words].concat();
    let has_no_place = matches!(why, Notice::Full | Notice::FullForAddress | Notice::Closing);
    let code = if has_no_place {
        Code::TRY_AGAIN
    } else {
        Code::POLICY
    };
    frame::put_close(code, &mut frames);
    frames
}
