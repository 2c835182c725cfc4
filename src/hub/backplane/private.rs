//! What somebody says to one person alone who is connected to another node: told to that node, never
//! through the stream. Its node answers whether it has reached that person.

use std::borrow::Cow;

use log::debug;
use serde::{Deserialize, Serialize};

use super::Request;
use crate::backplane::batch::VERSION;
use crate::backplane::event::Text;
use crate::backplane::is_boot;
use crate::hub::Hub;
use crate::room::access::Answer;
use crate::room::{Audience, Effect, Event, MemberId, Notice, Reach};
use crate::stream::Stream;

/// Most letters that wait to be handed over; nobody says so much within a turn.
const LETTERS_MAX: usize = 64 * 1024;

/// What a node tells another.
#[derive(Debug, Serialize, Deserialize)]
struct Letter<'a> {
    v: u32,
    /// The boot of who tells it.
    #[serde(borrow)]
    node: Cow<'a, str>,
    /// The number of the member of whom it comes, there.
    from: u64,
    /// The number of the member for whom it is, at the node that is told.
    to: u64,
    #[serde(borrow)]
    what: Matter<'a>,
}

/// What a letter says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Matter<'a> {
    /// Somebody says something to the other alone.
    Whisper(#[serde(borrow)] Text<'a>),
    /// What came of what the other said.
    Outcome(Outcome),
    /// A snapshot is needed: a node does not know the room, and the last one is too old.
    Snapshot,
}

/// What came of what somebody said to another alone.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    Reached,
    Gone,
    NotReading,
    IgnoresYou,
}

impl<S: Stream> Hub<S> {
    /// Lets what `member` says to another alone reach that one.
    pub(super) fn whisper(&mut self, member: MemberId, to: MemberId, text: &str) {
        if to.is_remote() {
            self.send_letter(member, to, Matter::Whisper(text.into()));
        } else {
            let now_ms = self.now_ms();
            self.happen_at(Event::Whispered { member, to, text }, now_ms);
        }
    }

    /// Hears what another node tells this one.
    pub(super) fn hear_letter(&mut self, payload: &[u8]) {
        let Ok(letter) = serde_json::from_slice::<Letter<'_>>(payload) else {
            debug!("a letter can't be understood");
            return;
        };
        let (Some(backplane), Some(members)) = (&self.backplane, &self.connections.members) else {
            return;
        };
        if letter.v != VERSION || !is_boot(&letter.node) {
            return;
        }
        let from = members.find(&letter.node, letter.from);
        let to = members.find(&backplane.boot, letter.to);
        match letter.what {
            Matter::Whisper(text) => {
                let Some(text) = text.said() else {
                    return;
                };
                let outcome = match (from, to) {
                    // The stream is not read so far yet.
                    (None, _) => Outcome::NotReading,
                    (_, None) => Outcome::Gone,
                    (Some(from), Some(to)) => self.hear_whisper(from, to, text),
                };
                let node = letter.node.into_owned();
                self.post(&node, letter.to, letter.from, Matter::Outcome(outcome));
            }
            Matter::Snapshot => self.snapshot_if_asked(),
            Matter::Outcome(outcome) => {
                if let (Some(about), Some(asker)) = (from, to) {
                    self.tell_outcome(asker, about, outcome);
                }
            }
        }
    }

    fn hear_whisper(&mut self, member: MemberId, to: MemberId, text: &str) -> Outcome {
        if self
            .room
            .access()
            .ignoring(member)
            .binary_search(&to)
            .is_ok()
        {
            return Outcome::IgnoresYou;
        }
        let bytes = self.room.names().of(member).len() + text.len();
        match self.connections.reach(to, bytes) {
            Reach::Gone => Outcome::Gone,
            Reach::NotReading => Outcome::NotReading,
            Reach::Open => {
                let now_ms = self.now_ms();
                self.happen_at(Event::Whispered { member, to, text }, now_ms);
                Outcome::Reached
            }
        }
    }

    fn tell_outcome(&mut self, asker: MemberId, about: MemberId, outcome: Outcome) {
        let name = self.room.names().of(about);
        let notice = match outcome {
            Outcome::Reached => Notice::Reached { name },
            Outcome::Gone => Notice::NobodyCalled { name },
            Outcome::NotReading => Notice::NotReading { name },
            Outcome::IgnoresYou => Notice::Access(Answer::IgnoresYou { name }),
        };
        self.connections.push(asker, Effect::Notice(notice));
    }

    /// Asks a node to write down how the room is.
    pub(super) fn ask_for_snapshot(&mut self, node: &str) {
        self.post(node, 0, 0, Matter::Snapshot);
    }

    fn send_letter(&mut self, from: MemberId, to: MemberId, what: Matter<'_>) {
        let (Some(backplane), Some(members)) = (&self.backplane, &self.connections.members) else {
            return;
        };
        let from = members.number(from);
        let to = members.whence(to, &backplane.boot);
        if let (Some(from), Some((node, to))) = (from, to) {
            let node = node.to_owned();
            self.post(&node, from, to, what);
        }
    }

    fn post(&mut self, node: &str, from: u64, to: u64, what: Matter<'_>) {
        let Some(backplane) = &mut self.backplane else {
            return;
        };
        if backplane.requests.len() >= LETTERS_MAX || !backplane.presence.is_up() {
            return;
        }
        let letter = Letter {
            v: VERSION,
            node: backplane.boot.as_str().into(),
            from,
            to,
            what,
        };
        if let Ok(payload) = serde_json::to_vec(&letter) {
            let request = Request::Tell(node.into(), payload);
            backplane.requests.push_back(request);
        }
    }
}
