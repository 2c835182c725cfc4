//! How one connection is spoken over, and which of its lines wait to be answered.

use std::collections::VecDeque;

use super::history::History;
use super::matching::hash;
use crate::wire::Encoding;
use crate::wire::json::Request;

/// Most lines of one program that wait to be answered; it may have no more ids in use.
const ASKED_MAX: usize = 64;

/// How a connection is spoken over.
#[derive(Debug)]
pub(super) struct Speech {
    /// `None` as long as nothing tells, on a connection that began before the capture did.
    pub(super) encoding: Option<Encoding>,
    /// What has no higher number is no news: it was before the person came, or is answered already.
    pub(super) since: u64,
    /// What was before the person came.
    pub(super) history: History,
    /// Lines that wait to be answered.
    asked: VecDeque<Asked>,
}

/// A line that waits to be answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// The hash of its id.
    id: u64,
    /// Which message it is.
    pub(super) message: u64,
    /// When it was complete.
    pub(super) since: i64,
}

impl Speech {
    /// Returns what is known before anybody spoke; `mid_stream` if it began before the capture did.
    pub(super) fn new(mid_stream: bool) -> Self {
        Self {
            encoding: (!mid_stream).then_some(Encoding::Plain),
            since: 0,
            history: History::None,
            asked: VecDeque::new(),
        }
    }

    /// Returns whether objects are spoken.
    pub(super) fn is_json(&self) -> bool {
        self.encoding == Some(Encoding::Json)
    }

    /// Takes it that somebody who sends a request speaks JSON, unless it is known.
    pub(super) fn learn(&mut self, line: &[u8]) {
        if self.encoding.is_none() && Request::parse(line).is_ok() {
            self.encoding = Some(Encoding::Json);
        }
    }

    /// Goes on in this encoding.
    pub(super) fn set(&mut self, encoding: Encoding) {
        self.encoding = Some(encoding);
    }

    /// Remembers a line with an id.
    pub(super) fn ask(&mut self, id: u64, message: u64, since: i64) {
        if self.asked.len() >= ASKED_MAX {
            self.asked.pop_front();
        }
        self.asked.push_back(Asked { id, message, since });
    }

    /// Takes the line with this id. Answers come in the order of the lines: those before it have got
    /// theirs.
    pub(super) fn answered(&mut self, id: &str) -> Option<Asked> {
        let id = hash(id.as_bytes());
        let at = self.asked.iter().position(|asked| asked.id == id)?;
        self.asked.drain(..=at).next_back()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_the_order_of_the_lines() {
        let mut speech = Speech::new(false);
        let ask = |speech: &mut Speech, id: u64| {
            speech.ask(hash(id.to_string().as_bytes()), id, 0);
        };
        for id in 0..100 {
            ask(&mut speech, id);
        }
        assert_eq!(speech.asked.len(), ASKED_MAX);
        assert!(speech.answered("35").is_none(), "it was one too many");
        assert_eq!(speech.answered("40").map(|asked| asked.message), Some(40));
        assert!(speech.answered("38").is_none());
        assert_eq!(speech.answered("41").map(|asked| asked.message), Some(41));
        assert_eq!(speech.asked.len(), 58);
    }
}
