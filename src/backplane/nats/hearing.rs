//! What the server's words do.

use std::ops::Range;

use super::following::Delivered;
use super::jetstream::Answer;
use super::server::{self, Complaint, Info};
use super::setup::Setup;
use super::wire::{self, Message, Word};
use super::{ANSWERS_SID, BEATS_SID, Client, HEADERS_BYTES, Happened, Phase, RECEIPTS_SID};
use crate::backplane::{BATCH_BYTES_MAX, SNAPSHOT_PART_BYTES_MAX, TOLD_BYTES_MAX, is_boot};

impl Client {
    pub(super) fn next_happened(&mut self) -> Option<Happened> {
        loop {
            if let Some(happened) = self.happened.pop_front() {
                return Some(happened);
            }
            if matches!(self.phase, Phase::Off | Phase::Tls | Phase::Failed(_)) {
                return None;
            }
            let happened = match self.decoder.next_word() {
                Ok(Some(Word::Message(message))) => self.hear(&message),
                Ok(Some(word)) => {
                    self.hear_word(&word);
                    None
                }
                Ok(None) => return None,
                Err(wire::NoWord) => {
                    self.fail("it doesn't speak as a NATS server does", !self.was_up);
                    None
                }
            };
            if happened.is_some() {
                return happened;
            }
        }
    }

    fn hear_word(&mut self, word: &Word) {
        match word {
            Word::Ping => self.out.extend_from_slice(b"PONG\r\n"),
            Word::Pong => {
                if matches!(self.phase, Phase::Hello) {
                    self.phase = Phase::Setup(Setup::new());
                    self.ask_for_setup();
                }
            }
            Word::Info(json) => {
                let info = Info::read(&self.decoder.bytes()[json.clone()]);
                self.hear_info(info);
            }
            Word::Error(words) => {
                let words = String::from_utf8_lossy(&self.decoder.bytes()[words.clone()]);
                let words: String = words
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(200)
                    .collect();
                self.hear_complaint(&words);
            }
            Word::Message(_) | Word::Fine => {}
        }
    }

    fn hear_info(&mut self, info: Option<Info>) {
        let Some(info) = info else {
            return self.fail(
                "it doesn't say how it is as a NATS server does",
                !self.was_up,
            );
        };
        let Phase::Info { tls } = self.phase else {
            let closes = info.ldm;
            self.info = info;
            if closes {
                self.fail("the NATS server is about to close", false);
            }
            return;
        };
        let needed = SNAPSHOT_PART_BYTES_MAX + HEADERS_BYTES;
        if !info.headers {
            return self.fail("the NATS server is too old: it doesn't know headers", true);
        }
        if info.max_payload < needed {
            let most = info.max_payload;
            let why = format!(
                "the NATS server takes messages of {most} bytes, not of {needed} (max_payload)"
            );
            return self.fail(why, true);
        }
        if tls && !info.tls_required && !info.tls_available {
            return self.fail("the NATS server doesn't speak TLS", true);
        }
        self.info = info;
        if tls || self.info.tls_required {
            self.phase = Phase::Tls;
        } else {
            self.greet(false);
        }
    }

    pub(super) fn greet(&mut self, tls: bool) {
        let connect = server::connect(&self.info, &self.options.credentials, tls);
        self.out.extend_from_slice(&connect);
        let inbox = &self.inbox;
        wire::subscribe(&mut self.out, &format!("{inbox}.r.*"), ANSWERS_SID);
        wire::subscribe(&mut self.out, &format!("{inbox}.p.>"), RECEIPTS_SID);
        self.out.extend_from_slice(b"PING\r\n");
        self.phase = Phase::Hello;
    }

    fn hear_complaint(&mut self, words: &str) {
        match Complaint::of(words) {
            Complaint::Credentials => {
                self.fail(format!("the NATS server doesn't let us in: {words}"), true);
            }
            Complaint::Permission if self.is_up() => {
                self.remark(format!("the NATS server: {words}"));
            }
            Complaint::Permission => {
                self.fail(
                    format!("the NATS server doesn't let us do what is needed: {words}"),
                    true,
                );
            }
            Complaint::Other => self.fail(format!("the NATS server: {words}"), false),
        }
    }

    fn hear(&mut self, message: &Message) -> Option<Happened> {
        match message.sid {
            ANSWERS_SID => {
                self.hear_answer(message);
                None
            }
            RECEIPTS_SID => self.hear_receipt(message),
            BEATS_SID => {
                let boot = message.payload.clone();
                let text = std::str::from_utf8(&self.decoder.bytes()[boot.clone()]);
                text.is_ok_and(is_boot).then_some(Happened::Beat(boot))
            }
            sid if sid == self.told_sid => {
                let fits = !message.too_long && message.payload.len() <= TOLD_BYTES_MAX;
                fits.then(|| Happened::Told(message.payload.clone()))
            }
            sid if self.following.is_fed_by(sid) => self.hear_consumer(message),
            _ => None,
        }
    }

    fn hear_consumer(&mut self, message: &Message) -> Option<Happened> {
        let delivered = self
            .following
            .hear(&self.decoder, message, &mut self.out, self.now);
        match delivered {
            Delivered::Nothing => None,
            Delivered::Missing => {
                self.following.restart(self.now);
                self.follow();
                None
            }
            Delivered::Batch(seq, time_ms) => {
                let Range { start, end } = message.payload;
                let payload = if end - start <= BATCH_BYTES_MAX {
                    start..end
                } else {
                    start..start
                };
                Some(Happened::Batch {
                    seq,
                    time_ms,
                    payload,
                })
            }
        }
    }

    /// Hears what the stream says of a batch.
    fn hear_receipt(&mut self, message: &Message) -> Option<Happened> {
        let bytes = self.decoder.bytes();
        let mut tokens = bytes[message.subject.clone()].rsplit(|&byte| byte == b'.');
        let mut number = || tokens.next().and_then(wire::number);
        let (round, counter, sid) = (number()?, number()?, number()?);
        let round = u32::try_from(round).ok()?;
        if sid != self.told_sid || !self.sent.remove((counter, round)) {
            return None;
        }
        let why = if message.status.is_some() {
            Some("no stream is there to take it".to_owned())
        } else {
            refusal(&bytes[message.payload.clone()])
        };
        why.map(|why| Happened::Refused {
            counter,
            round,
            why,
        })
    }
}

/// Returns why the stream has not taken a batch; nothing if it has.
fn refusal(receipt: &[u8]) -> Option<String> {
    let Some(answer) = Answer::read(receipt) else {
        return Some("what the stream says of it can't be read".to_owned());
    };
    if let Some(refusal) = answer.error {
        return Some(refusal.shown());
    }
    (answer.seq == 0).then(|| "the stream doesn't say where it has it".to_owned())
}
