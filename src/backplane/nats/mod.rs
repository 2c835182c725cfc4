//! A client of NATS and its `JetStream`, without sockets: bytes in, bytes out, and what they mean for
//! the backplane.
//!
//! [`Client`] goes, for each connection, through greeting ([`wire`]), checking that the two streams of the
//! room are there, or making them, and then follows the stream of the events and publishes to it.
//! Whatever goes wrong with a server ends in a [`Problem`]: the connection is to be closed, and another
//! one to be made.
//!
//! The codec is our own, though there is one without sockets in the registry
//! (`watermelon-proto`): that one takes the whole connection for broken when somebody else has written a
//! message with odd headers to the stream, which comes again after each reconnect; it holds messages
//! of up to 128 MiB; and it has some forty dependencies.

pub mod credentials;
mod following;
mod hearing;
mod jetstream;
mod link;
mod phase;
mod questions;
mod sent;
mod server;
mod setup;
mod snapshots;
pub mod wire;

use std::collections::VecDeque;
use std::time::Duration;

use self::credentials::Credentials;
use self::following::Following;
use self::phase::{Happened, Phase, Question};
use self::sent::Sent;
use self::server::Info;
use self::setup::Streams;
use self::snapshots::Snapshots;
use self::wire::Decoder;
use super::{BATCH_BYTES_MAX, Incoming};
use crate::tick::Tick;

/// Most bytes that wait to be sent; beyond, batches are refused and private messages lost.
pub const WAITING_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How long a server may be silent before it is asked whether it lives, and between two questions.
const PING_AFTER: Duration = Duration::from_secs(2);

/// How long it may be silent at all.
const SILENCE_MAX: Duration = Duration::from_secs(6);

/// How long an answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Most bytes of headers, beside a message's payload.
const HEADERS_BYTES: usize = 1024;

/// Most remarks that wait to be logged.
const REMARKS_MAX: usize = 16;

/// The subscriptions: answers, what the stream says of batches, beats, private messages (one more for
/// each boot).
const ANSWERS_SID: u64 = 1;
const RECEIPTS_SID: u64 = 2;
const BEATS_SID: u64 = 3;
const FIRST_TOLD_SID: u64 = 16;

/// What a client is told.
#[derive(Debug)]
pub struct Options {
    /// The room's name, which [`is_room_name`](super::is_room_name).
    pub room: String,
    /// How many servers keep the streams, where they are made.
    pub replicas: u32,
    /// How long the stream keeps events, where it is made; for ever if zero.
    pub max_age: Duration,
    /// How many bytes of them; any number without.
    pub max_bytes: Option<u64>,
    /// Who we are.
    pub credentials: Credentials,
    /// A word that no other client has, as [`is_boot`](super::is_boot) says: answers come under it.
    pub inbox: String,
}

/// Why a connection is of no use any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// In words.
    pub why: String,
    /// Waiting doesn't mend it: somebody has to change something.
    pub for_good: bool,
}

/// A client of NATS, for one room.
#[derive(Debug)]
pub struct Client {
    options: Options,
    inbox: String,
    streams: Streams,
    phase: Phase,
    info: Info,
    decoder: Decoder,
    out: Vec<u8>,
    now: Tick,
    heard: Tick,
    pinged: Tick,
    /// Questions by their number, the oldest first.
    questions: VecDeque<(u64, Question, Tick)>,
    next_question: u64,
    sent: Sent,
    following: Following,
    snapshots: Snapshots,
    boot: Option<String>,
    told_sid: u64,
    /// What is to be told without another word of the server.
    happened: VecDeque<Happened>,
    remarks: Vec<String>,
    /// It was up once.
    was_up: bool,
    /// When the stream was made that was followed last, in the server's words.
    born: String,
}

impl Client {
    /// Returns a client without a connection.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            inbox: format!("_INBOX.{}", options.inbox),
            streams: Streams::new(&options),
            options,
            phase: Phase::Off,
            info: Info::default(),
            decoder: Decoder::default(),
            out: Vec::new(),
            now: Tick::START,
            heard: Tick::START,
            pinged: Tick::START,
            questions: VecDeque::new(),
            next_question: 0,
            sent: Sent::default(),
            following: Following::new(),
            snapshots: Snapshots::default(),
            boot: None,
            told_sid: FIRST_TOLD_SID,
            happened: VecDeque::new(),
            remarks: Vec::new(),
            was_up: false,
            born: String::new(),
        }
    }

    /// Begins with a connection that is there. With `tls` it will speak TLS once the server has
    /// said how it is.
    pub fn connected(&mut self, tls: bool, now: Tick) {
        self.forget_connection();
        self.phase = Phase::Info { tls };
        (self.now, self.heard, self.pinged) = (now, now, now);
    }

    /// The connection is gone.
    pub fn disconnected(&mut self, why: &str) {
        if matches!(self.phase, Phase::Up) {
            self.went_down(why);
        }
        self.forget_connection();
        self.phase = Phase::Off;
    }

    /// Returns whether the next that is to be done is to shake hands for TLS.
    #[must_use]
    pub fn wants_tls(&self) -> bool {
        matches!(self.phase, Phase::Tls)
    }

    /// TLS is spoken from here on.
    pub fn secured(&mut self) {
        if self.wants_tls() {
            self.greet(true);
        }
    }

    /// Takes in what has come from the server.
    pub fn receive(&mut self, bytes: &[u8], now: Tick) {
        (self.now, self.heard) = (now, now);
        self.decoder.receive(bytes);
    }

    /// Returns the next that has happened, of what was received and what was due. Only when there is
    /// nothing more may more be received.
    pub fn next(&mut self, now: Tick) -> Option<Incoming<'_>> {
        self.now = now;
        let happened = self.next_happened()?;
        let bytes = self.decoder.bytes();
        Some(match happened {
            Happened::Up {
                first_seq,
                last_seq,
            } => Incoming::Up {
                first_seq,
                last_seq,
                stream: &self.born,
            },
            Happened::Snapshot(parts) => Incoming::Snapshot { parts },
            Happened::Batch {
                seq,
                time_ms,
                payload,
            } => Incoming::Batch {
                seq,
                time_ms,
                payload: &bytes[payload],
            },
            Happened::Told(payload) => Incoming::Told {
                payload: &bytes[payload],
            },
            Happened::Beat(boot) => Incoming::Beat {
                boot: std::str::from_utf8(&bytes[boot]).unwrap_or_default(),
            },
            Happened::Refused {
                counter,
                round,
                why,
            } => Incoming::Refused {
                counter,
                round,
                why,
            },
            Happened::Down(why) => Incoming::Down { why },
        })
    }

    /// Goes on to the next that has happened without telling it.
    pub fn advance(&mut self, now: Tick) {
        self.now = now;
        if let Some(happened) = self.next_happened() {
            self.happened.push_front(happened);
        }
    }

    /// Does what is due, with or without a word of the server.
    pub fn tick(&mut self, now: Tick) {
        self.now = now;
        if matches!(self.phase, Phase::Off | Phase::Failed(_)) {
            return;
        }
        if now - self.heard >= SILENCE_MAX {
            return self.fail("the NATS server says nothing any more", false);
        }
        let greeted = matches!(self.phase, Phase::Setup(_) | Phase::Up);
        if greeted && now - self.heard >= PING_AFTER && now - self.pinged >= PING_AFTER {
            self.out.extend_from_slice(b"PING\r\n");
            self.pinged = now;
        }
        while let Some((counter, round)) = self.sent.pop_overdue(now) {
            let why = "the stream hasn't said that it has it".to_owned();
            self.happened.push_back(Happened::Refused {
                counter,
                round,
                why,
            });
        }
        self.give_up_questions();
        if matches!(self.phase, Phase::Up) {
            if self.following.is_lost(now) {
                self.remark("the stream's consumer is silent: another one is asked for".to_owned());
                self.following.restart(now);
            }
            self.follow();
        }
    }

    /// Returns when something is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Tick> {
        let silent = self.heard + SILENCE_MAX;
        match self.phase {
            Phase::Off | Phase::Failed(_) => None,
            Phase::Info { .. } | Phase::Tls | Phase::Hello => Some(silent),
            Phase::Setup(_) | Phase::Up => {
                let ping = self.heard.max(self.pinged) + PING_AFTER;
                let question = self.questions.front().map(|(.., deadline)| *deadline);
                let following = matches!(self.phase, Phase::Up).then(|| self.following.deadline());
                [
                    Some(silent),
                    Some(ping),
                    question,
                    self.sent.deadline(),
                    following.flatten(),
                ]
                .into_iter()
                .flatten()
                .min()
            }
        }
    }

    /// Returns what has to be sent.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        &self.out
    }

    /// Takes note that so much of [`output`](Self::output) was sent.
    pub fn sent(&mut self, bytes: usize) {
        self.out.drain(..bytes.min(self.out.len()));
        if self.out.is_empty() && self.out.capacity() > 2 * BATCH_BYTES_MAX {
            self.out = Vec::new();
        }
    }

    /// Returns why the connection has to be closed, if it has to be.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match &self.phase {
            Phase::Failed(problem) => Some(problem),
            _ => None,
        }
    }

    /// Returns how much of what was received is held, in bytes.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.decoder.held_bytes()
    }

    /// Returns whether the stream is there.
    #[must_use]
    pub fn is_up(&self) -> bool {
        matches!(self.phase, Phase::Up)
    }

    /// Returns the other servers that the last one has named, as `HOST:PORT`.
    #[must_use]
    pub fn others(&self) -> &[String] {
        &self.info.connect_urls
    }

    /// Returns the version of the last server.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.info.version
    }

    /// Takes out what those who look after the server should know.
    pub fn take_remarks(&mut self) -> Vec<String> {
        std::mem::take(&mut self.remarks)
    }

    fn forget_connection(&mut self) {
        self.decoder.clear();
        self.out.clear();
        self.questions.clear();
        self.sent.clear();
        self.following.stop();
        self.snapshots.give_up();
        self.happened.retain(|happened| {
            !matches!(
                happened,
                Happened::Batch { .. } | Happened::Told(_) | Happened::Beat(_)
            )
        });
    }

    fn went_down(&mut self, why: &str) {
        self.happened
            .retain(|happened| !matches!(happened, Happened::Refused { .. }));
        self.happened.push_back(Happened::Down(why.to_owned()));
    }

    fn fail(&mut self, why: impl Into<String>, for_good: bool) {
        let why = why.into();
        if matches!(self.phase, Phase::Up) {
            self.went_down(&why);
        }
        self.phase = Phase::Failed(Problem { why, for_good });
    }

    fn remark(&mut self, remark: String) {
        if self.remarks.len() < REMARKS_MAX {
            self.remarks.push(remark);
        }
    }
}
