//! Who is let in, and what those are told who are not.

use std::fmt;
use std::net::IpAddr;

use log::{debug, log};

use super::Hub;
use super::connection::Connection;
use super::connections::{Connections, is_nameless};
use super::disconnect::Disconnect;
use super::sealed::Sealed;
use crate::room::{Audience, Effect, Notice};
use crate::stream::Stream;
use crate::wire::plain;

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
            return Err(Notice::CutOff);
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
        self.connections.accept(stream, None, address);
    }

    /// Takes in a stream that has been admitted and is sealed, and asks for a name.
    pub fn accept_sealed(&mut self, stream: S, sealed: Box<Sealed>, address: IpAddr) {
        self.connections.accept(stream, Some(sealed), address);
    }

    /// Turns a stream from `address` away that was not admitted, telling it why.
    pub fn refuse(&mut self, mut stream: S, address: IpAddr) {
        let Some((words, code, why)) = self.refusal(address) else {
            return;
        };
        // One try each: who is turned away is owed no more. Closing with input unread would take the
        // words back.
        let outcome = [stream.write(words.as_bytes()), stream.read(&mut [0; 4096])];
        debug!("its last words were taken so: {outcome:?}");
        self.turn_away_unheard(address, code, &why);
    }

    /// Turns a stream from `address` away that is sealed and was not admitted, telling it why.
    pub fn refuse_sealed(&mut self, mut stream: S, mut sealed: Box<Sealed>, address: IpAddr) {
        let Some((words, code, why)) = self.refusal(address) else {
            return;
        };
        let outcome = sealed.dismiss(&mut stream, words.as_bytes());
        debug!("its last words were taken so: {outcome:?}");
        self.turn_away_unheard(address, code, &why);
    }

    /// Returns why a connection from `address` is not admitted: as it is told, its code, and as it is
    /// logged.
    fn refusal(&self, address: IpAddr) -> Option<(String, &'static str, String)> {
        let why = self.admit(address).err()?;
        let mut words = String::new();
        plain::put(&Effect::Notice(why), &mut words);
        Some((words, why.code(), why.to_string()))
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
    /// Takes in a stream that has been admitted, sealed or not, and asks for a name.
    pub(super) fn accept(&mut self, stream: S, sealed: Option<Box<Sealed>>, address: IpAddr) {
        while self.admission.is_crowded()
            && let Some(newcomer) = self.admission.pop_oldest()
        {
            if is_nameless(&self.slots, newcomer) {
                self.dismiss(newcomer.0, Notice::Crowded, Disconnect::Crowded);
            }
        }
        let id = self.slots.insert(Connection::new(stream, self.now()));
        self.addresses.enter(id, address);
        self.counters.accepted += 1;
        let newcomer = (id, self.now().whole_s());
        self.admission.enter(newcomer, address, |newcomer| {
            is_nameless(&self.slots, newcomer)
        });
        // Sent by the next turn: who gives its name at once gets prompt and greeting in one write.
        let question = self.password.question_for(id);
        self.push(id, question);
        if let Some(sealed) = sealed {
            let connection = &mut self.slots[id];
            connection.seal(sealed, &mut self.delivery.pool);
            if connection.has_pending() {
                self.resume_later(id);
            }
        }
    }
}
