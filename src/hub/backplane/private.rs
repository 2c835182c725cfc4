//! What somebody says to one person alone who is connected to another node: told to that node, never
//! through the stream. Its node answers whether it has reached that person; where no answer comes in time,
//! who has said it is told so, and what is answered later is not told.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use log::debug;
use serde::{Deserialize, Serialize};

use super::Request;
use crate::backplane::batch::VERSION;
use crate::backplane::event::Text;
use crate::backplane::is_boot;
use crate::hub::Hub;
use crate::room::access::Answer;
use crate::room::{Audience, Effect, Event, MemberId, Name, Notice, Reach};
use crate::stream::Stream;
use crate::tick::Tick;

/// Most letters that wait to be handed over; nobody says so much within a turn.
const LETTERS_MAX: usize = 64 * 1024;

/// Most letters whose answers are waited for; more are not sent.
const UNANSWERED_MAX: usize = 64 * 1024;

/// How long an answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Letters whose answers are waited for.
#[derive(Debug, Default)]
pub(super) struct Letters {
    last: u64,
    /// By their numbers, and so in the order in which they were sent.
    unanswered: BTreeMap<u64, Unanswered>,
}

/// A letter whose answer is waited for.
#[derive(Debug)]
struct Unanswered {
    /// Of whom it is, and the number of that one, which nobody else gets.
    from: MemberId,
    number: u64,
    /// The name of whom it is for.
    name: Name,
    deadline: Tick,
}

impl Letters {
    fn add(&mut self, letter: Unanswered) -> Option<u64> {
        if self.unanswered.len() >= UNANSWERED_MAX {
            return None;
        }
        self.last += 1;
        self.unanswered.insert(self.last, letter);
        Some(self.last)
    }

    /// Takes out a letter of somebody, if its answer is still waited for.
    fn take(&mut self, id: u64, from: MemberId) -> Option<Unanswered> {
        let letter = self.unanswered.get(&id)?;
        (letter.from == from).then(|| self.unanswered.remove(&id))?
    }

    fn pop_overdue(&mut self, now: Tick) -> Option<Unanswered> {
        self.deadline().filter(|deadline| *deadline <= now)?;
        self.unanswered.pop_first().map(|(_, letter)| letter)
    }

    /// Returns when the next answer should have come.
    pub(super) fn deadline(&self) -> Option<Tick> {
        let (_, letter) = self.unanswered.first_key_value()?;
        Some(letter.deadline)
    }

    /// Takes note that people have other numbers, by those that they had.
    pub(super) fn renumber(&mut self, known: &BTreeMap<u64, u64>) {
        for letter in self.unanswered.values_mut() {
            if let Some(number) = known.get(&letter.number) {
                letter.number = *number;
            }
        }
    }
}

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
    /// The number of the letter, or of the one that it answers.
    #[serde(default)]
    id: u64,
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
            if !self.send_letter(member, to, Matter::Whisper(text.into())) {
                let name = self.room.names().of(to);
                let notice = Notice::NotReading { name };
                self.connections.push(member, Effect::Notice(notice));
            }
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
                let outcome = Matter::Outcome(outcome);
                self.post(&node, (letter.to, letter.from), letter.id, outcome);
            }
            Matter::Snapshot => self.snapshot_if_asked(),
            Matter::Outcome(outcome) => {
                if let Some(asker) = to {
                    self.tell_outcome(asker, from, letter.id, outcome);
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

    fn tell_outcome(
        &mut self,
        asker: MemberId,
        about: Option<MemberId>,
        id: u64,
        outcome: Outcome,
    ) {
        let backplane = self.backplane.as_mut();
        let Some(letter) = backplane.and_then(|backplane| backplane.letters.take(id, asker)) else {
            // It has been told that none came.
            return;
        };
        let name = about.map_or("", |about| self.room.names().of(about));
        let name = if name.is_empty() {
            letter.name.as_str()
        } else {
            name
        };
        let notice = match outcome {
            Outcome::Reached => Notice::Reached { name },
            Outcome::Gone => Notice::NobodyCalled { name },
            Outcome::NotReading => Notice::NotReading { name },
            Outcome::IgnoresYou => Notice::Access(Answer::IgnoresYou { name }),
        };
        self.connections.push(asker, Effect::Notice(notice));
    }

    /// Tells those whose letters were not answered in time.
    pub(super) fn give_up_letters(&mut self) {
        let now = self.connections.now();
        let (Some(backplane), Some(members)) = (&mut self.backplane, &self.connections.members)
        else {
            return;
        };
        let mut overdue = Vec::new();
        while let Some(letter) = backplane.letters.pop_overdue(now) {
            if members.number(letter.from) == Some(letter.number) {
                overdue.push(letter);
            }
        }
        for letter in overdue {
            let name = letter.name.as_str();
            let notice = Notice::NoAnswer { name };
            self.connections.push(letter.from, Effect::Notice(notice));
        }
    }

    /// Asks a node to write down how the room is.
    pub(super) fn ask_for_snapshot(&mut self, node: &str) {
        self.post(node, (0, 0), 0, Matter::Snapshot);
    }

    /// Sends a letter, and waits for its answer; returns whether it is on its way.
    fn send_letter(&mut self, from: MemberId, to: MemberId, what: Matter<'_>) -> bool {
        let now = self.connections.now();
        let name = self.room.names().name(to);
        let (Some(backplane), Some(members)) = (&mut self.backplane, &self.connections.members)
        else {
            return false;
        };
        let number = members.number(from);
        let whence = members.whence(to, &backplane.boot);
        let whence = whence.map(|(node, to)| (node.to_owned(), to));
        let (Some(number), Some((node, to))) = (number, whence) else {
            return false;
        };
        let letter = Unanswered {
            from,
            number,
            name,
            deadline: now + ANSWER_MAX,
        };
        let Some(id) = backplane.letters.add(letter) else {
            return false;
        };
        let posted = self.post(&node, (number, to), id, what);
        if !posted && let Some(backplane) = &mut self.backplane {
            backplane.letters.take(id, from);
        }
        posted
    }

    fn post(&mut self, node: &str, (from, to): (u64, u64), id: u64, what: Matter<'_>) -> bool {
        let Some(backplane) = &mut self.backplane else {
            return false;
        };
        if backplane.requests.len() >= LETTERS_MAX || !backplane.presence.is_up() {
            return false;
        }
        let letter = Letter {
            v: VERSION,
            node: backplane.boot.as_str().into(),
            from,
            to,
            id,
            what,
        };
        let Ok(payload) = serde_json::to_vec(&letter) else {
            return false;
        };
        let request = Request::Tell(node.into(), payload);
        backplane.requests.push_back(request);
        true
    }
}
