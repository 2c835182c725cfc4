//! What has to be so before the room's events can go through a server: `JetStream`, and two streams.

use super::jetstream::{Answer, Refusal, StreamState, Wanted};
use super::{Options, Problem};

/// How often a stream may be gone, or there, when the opposite was just said.
const TRIES_MAX: u32 = 4;

/// What is asked next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Whether there is `JetStream`.
    Account,
    /// Whether there is a stream: that of the events, or that of the state.
    Look { state: bool },
    /// To make it.
    Make { state: bool },
}

/// The way to two streams.
#[derive(Debug)]
pub(super) struct Setup {
    step: Step,
    tries: u32,
    /// What the stream of the events holds.
    held: StreamState,
    /// When it was made.
    born: String,
    /// How the streams differ from what was asked for.
    differences: Vec<String>,
}

/// What has come of an answer.
pub(super) enum Outcome {
    /// The next question has to be asked.
    Ask,
    /// All is as it should be: what the stream holds, when it was made, and how it differs from what
    /// was asked for.
    Ready(StreamState, String, Vec<String>),
}

/// The two streams of a room.
#[derive(Debug)]
pub(super) struct Streams {
    pub(super) events: Wanted,
    pub(super) state: Wanted,
}

impl Streams {
    pub(super) fn new(options: &Options) -> Self {
        let (room, replicas) = (&options.room, options.replicas);
        Self {
            events: Wanted::events(room, options.max_age, options.max_bytes, replicas),
            state: Wanted::state(room, replicas),
        }
    }

    fn of(&self, state: bool) -> &Wanted {
        if state { &self.state } else { &self.events }
    }
}

impl Setup {
    pub(super) fn new() -> Self {
        Self {
            step: Step::Account,
            tries: 0,
            held: StreamState::default(),
            born: String::new(),
            differences: Vec::new(),
        }
    }

    /// Returns the subject to ask at, and what.
    pub(super) fn question(&self, streams: &Streams) -> (String, Vec<u8>) {
        match self.step {
            Step::Account => ("$JS.API.INFO".to_owned(), Vec::new()),
            Step::Look { state } => (
                format!("$JS.API.STREAM.INFO.{}", streams.of(state).name),
                Vec::new(),
            ),
            Step::Make { state } => {
                let wanted = streams.of(state);
                (
                    format!("$JS.API.STREAM.CREATE.{}", wanted.name),
                    wanted.create(),
                )
            }
        }
    }

    /// Returns what is wrong when nobody answers; `jetstream` is whether the server has said that it
    /// keeps streams.
    pub(super) fn nobody_answers(jetstream: bool) -> Problem {
        let why = if jetstream {
            "JetStream doesn't answer yet"
        } else {
            "the NATS server has no JetStream; start it with -js"
        };
        Problem {
            why: why.to_owned(),
            for_good: !jetstream,
        }
    }

    /// Hears an answer.
    pub(super) fn hear(&mut self, answer: Answer, streams: &Streams) -> Result<Outcome, Problem> {
        match (self.step, answer.error) {
            (Step::Account, None) => {
                self.step = Step::Look { state: false };
                Ok(Outcome::Ask)
            }
            (Step::Account, Some(refusal)) => {
                Err(refused("there is no JetStream for us", &refusal))
            }
            (Step::Look { state }, Some(refusal)) if refusal.is_no_stream() => {
                self.turn_to(Step::Make { state }, &refusal)
            }
            (Step::Make { state }, Some(refusal)) if refusal.is_name_in_use() => {
                self.turn_to(Step::Look { state }, &refusal)
            }
            (Step::Look { state }, Some(refusal)) => {
                let name = &streams.of(state).name;
                Err(refused(
                    &format!("can't look at the stream {name}"),
                    &refusal,
                ))
            }
            (Step::Make { state }, Some(refusal)) => {
                let wanted = streams.of(state);
                let what = format!(
                    "can't make the stream {} with {} replicas",
                    wanted.name, wanted.replicas
                );
                Err(refused(&what, &refusal))
            }
            (Step::Look { state } | Step::Make { state }, None) => {
                let wanted = streams.of(state);
                let checked = wanted.check(&answer.config);
                checked.map_err(|why| Problem {
                    why,
                    for_good: true,
                })?;
                if matches!(self.step, Step::Look { .. }) {
                    self.differences.extend(wanted.difference(&answer.config));
                }
                Ok(self.go_on(state, answer.state, answer.created))
            }
        }
    }

    /// A stream is as it should be.
    fn go_on(&mut self, state: bool, held: StreamState, born: String) -> Outcome {
        if state {
            let born = std::mem::take(&mut self.born);
            return Outcome::Ready(self.held, born, std::mem::take(&mut self.differences));
        }
        (self.held, self.born) = (held, born);
        (self.step, self.tries) = (Step::Look { state: true }, 0);
        Outcome::Ask
    }

    fn turn_to(&mut self, step: Step, refusal: &Refusal) -> Result<Outcome, Problem> {
        self.tries += 1;
        if self.tries > TRIES_MAX {
            return Err(refused("the stream is there and is not", refusal));
        }
        self.step = step;
        Ok(Outcome::Ask)
    }
}

fn refused(what: &str, refusal: &Refusal) -> Problem {
    Problem {
        why: format!("{what}: {}", refusal.shown()),
        for_good: refusal.is_for_good(),
    }
}
