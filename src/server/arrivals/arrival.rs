//! One connection on its way in.

use std::io::{self, ErrorKind, Read, Write};
use std::net::IpAddr;

use log::debug;
use mio::net::TcpStream;

use super::Way;
use crate::hub::Origin;
use crate::hub::sealed::Sealed;
use crate::layer::proxy;
use crate::layer::tls::handshake::{Config, Handshake, Progress};
use crate::room::Notice;
use crate::server::web::{self, Opened, Site, Visit};

/// The type of a record that a handshake begins with.
const HANDSHAKE_RECORD: u8 = 22;

/// One connection on its way in.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) stream: TcpStream,
    pub(super) address: IpAddr,
    /// Tells it from others that had the same place.
    pub(super) number: u64,
    /// A proxy has to say whom it stands for.
    pub(super) by_proxy: bool,
    /// It has, and named an address.
    pub(super) is_named: bool,
    /// Where the person is.
    pub(super) origin: Origin,
    /// TLS is still to be agreed on.
    tls: Option<Config>,
    handshake: Option<Box<Handshake>>,
    /// What the stream has not taken yet.
    unsent: Vec<u8>,
    /// It waits for its turn.
    pub(super) queued: bool,
    /// TLS is spoken.
    sealed: Option<Box<Sealed>>,
    /// HTTP is, and so much has come of it.
    visit: Option<Box<Visit>>,
}

/// What a step has come to.
pub(super) enum Step {
    /// Nothing more can be done before an event.
    Waits,
    /// More can be done once others had their turn.
    GoesOn,
    /// It can be let in: sealed if that is spoken, and a WebSocket if one was opened.
    Done(Option<Box<Sealed>>, Option<Opened>),
    /// It has been answered and wants no more.
    Left,
    /// It has ended, or has to.
    Failed(String),
}

impl Arrival {
    pub(super) fn new(stream: TcpStream, address: IpAddr, number: u64, way: Way) -> Self {
        Self {
            stream,
            address,
            number,
            by_proxy: way.by_proxy,
            is_named: false,
            origin: Origin::Stream,
            tls: way.tls,
            handshake: None,
            unsent: Vec::new(),
            queued: false,
            sealed: None,
            visit: way.is_web.then(Box::default),
        }
    }

    /// Returns whether it has had what it asked for.
    pub(super) fn has_been_answered(&self) -> bool {
        self.visit.as_ref().is_some_and(|visit| visit.is_idle())
    }

    /// Returns whether TLS is still to be agreed on.
    pub(super) fn shakes_hands(&self) -> bool {
        self.tls.is_some()
    }

    /// Does what can be done without waiting.
    pub(super) fn go_on(&mut self, scratch: &mut [u8], site: &Site) -> Step {
        if self.by_proxy {
            match self.hear_proxy(scratch) {
                Ok(true) => {}
                Ok(false) => return Step::Waits,
                Err(why) => return Step::Failed(why),
            }
        }
        if let Some(config) = &self.tls {
            if let Err(why) = send(&mut self.stream, &mut self.unsent) {
                return Step::Failed(why.to_string());
            }
            let handshake = match self.handshake.take() {
                Some(handshake) => handshake,
                None => match Handshake::new(config) {
                    Ok(handshake) => Box::new(handshake),
                    Err(error) => return Step::Failed(error.to_string()),
                },
            };
            match self.shake_hands(handshake, scratch) {
                Ok(true) => self.tls = None,
                Ok(false) => return Step::Waits,
                Err(why) => return Step::Failed(why),
            }
        }
        self.visit(scratch, site)
    }

    /// Answers what is asked for, if HTTP is spoken.
    fn visit(&mut self, scratch: &mut [u8], site: &Site) -> Step {
        let Some(visit) = &mut self.visit else {
            return Step::Done(self.sealed.take(), None);
        };
        let way = web::Way {
            stream: &mut self.stream,
            sealed: self.sealed.as_deref_mut(),
            address: self.address,
            is_named: self.is_named,
        };
        match visit.go_on(way, site, scratch) {
            Ok(web::Progress::Waits) => Step::Waits,
            Ok(web::Progress::GoesOn) => Step::GoesOn,
            Ok(web::Progress::Opened(opened)) => Step::Done(self.sealed.take(), Some(opened)),
            Ok(web::Progress::Over) => Step::Left,
            Err(error) => Step::Failed(error.to_string()),
        }
    }

    /// Reads whom the proxy stands for; returns whether it has said so.
    fn hear_proxy(&mut self, scratch: &mut [u8]) -> Result<bool, String> {
        // What comes behind the header stays where it is.
        let peeked = self.stream.peek(&mut scratch[..proxy::HEADER_BYTES_MAX]);
        let length = match peeked {
            Ok(0) => return Err("it ended before the PROXY header did".to_owned()),
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error.to_string()),
        };
        let header = match proxy::parse(&scratch[..length]) {
            Ok(Some(header)) => header,
            Ok(None) => return Ok(false),
            // One that speaks HTTP may say it there.
            Err(_) if self.visit.is_some() => {
                self.by_proxy = false;
                self.origin = Origin::Unknown;
                return Ok(true);
            }
            Err(_) => return Err("it has no proper PROXY header".to_owned()),
        };
        let read = self.stream.read_exact(&mut scratch[..header.length]);
        read.map_err(|error| error.to_string())?;
        self.by_proxy = false;
        self.is_named = true;
        self.origin = header.source.map_or(Origin::Unknown, Origin::Named);
        self.address = header.source.unwrap_or(self.address);
        Ok(true)
    }

    /// Goes on with the handshake, as long as something comes; returns whether it is over.
    fn shake_hands(
        &mut self,
        mut handshake: Box<Handshake>,
        scratch: &mut [u8],
    ) -> Result<bool, String> {
        loop {
            let length = match self.stream.read(scratch) {
                Ok(0) => return Err("it ended within the handshake".to_owned()),
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.handshake = Some(handshake);
                    return Ok(false);
                }
                Err(error) => return Err(error.to_string()),
            };
            if handshake.is_new() && scratch[0] != HANDSHAKE_RECORD {
                let words = format!("* {}\n", Notice::NeedsTls);
                let words = if self.visit.is_some() {
                    web::NEEDS_TLS
                } else {
                    &words
                };
                let told = self.stream.write(words.as_bytes());
                debug!("its last words were taken so: {told:?}");
                return Err("it doesn't speak TLS".to_owned());
            }
            match handshake.go_on(&scratch[..length], &mut self.unsent) {
                Progress::Waiting(waiting) => handshake = waiting,
                Progress::Done(session) => {
                    if let Err(error) = send(&mut self.stream, &mut self.unsent) {
                        return Err(error.to_string());
                    }
                    let unsent = std::mem::take(&mut self.unsent);
                    self.sealed = Some(Box::new(Sealed::new(session, unsent)));
                    return Ok(true);
                }
                Progress::Failed(error) => {
                    let told = send(&mut self.stream, &mut self.unsent);
                    debug!("the alert was sent so: {told:?}");
                    return Err(format!("TLS: {error}"));
                }
            }
            if let Err(error) = send(&mut self.stream, &mut self.unsent) {
                return Err(error.to_string());
            }
        }
    }
}

/// Sends what is in `unsent`, as far as the stream takes it at once.
fn send(stream: &mut TcpStream, unsent: &mut Vec<u8>) -> io::Result<()> {
    while !unsent.is_empty() {
        match stream.write(unsent) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(sent) => drop(unsent.drain(..sent)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
