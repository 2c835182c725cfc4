//! Which copy belongs to which message.
//!
//! A copy is found by its bytes and the order of things, never by its look: somebody may be called
//! `ali has left the chatroom!` or say what the server would. Lines are kept as hashes, so what
//! waits here costs the same however long it is.
//!
//! Invariant: ids are consecutive from `first_id`, and `by_line` names unsettled ones only.

use std::borrow::Cow;
use std::collections::hash_map::DefaultHasher;
use std::collections::{HashMap, VecDeque};
use std::hash::Hasher;
use std::rc::Rc;

use super::event::Original;
use crate::trace::capture::Moment;

/// Most messages that wait for their copies.
pub const PENDING_MAX: usize = 10_000;
/// Most copies that are remembered until their message is settled.
pub const COPIES_MAX: usize = 500_000;
/// How long copies are waited for, in nanoseconds of the capture's time.
pub const COPIES_AWAITED_NS: i64 = 60_000_000_000;

/// A message, join or leave of which copies are awaited.
#[derive(Debug, Clone, Copy)]
pub struct Origin {
    /// Of what kind it is.
    pub of: Original,
    /// Whose it is.
    pub sender: u32,
    /// When it was.
    pub at: Moment,
    /// How many people should get it; 0 if nobody need.
    pub expected: usize,
    /// A copy that doesn't come is worth a finding.
    pub required: bool,
}

/// One that waits, and its copies so far.
#[derive(Debug)]
pub struct Pending {
    /// What it is.
    pub origin: Origin,
    /// Ties its copies.
    id: u64,
    copies: Vec<Copy>,
    lines: Vec<(u64, Rc<[u8]>)>,
    settled: bool,
}

/// A copy that was seen.
#[derive(Debug, Clone)]
pub struct Copy {
    /// To whom.
    pub stream: u32,
    /// When it was complete.
    pub at: Moment,
    /// The person acknowledged it.
    pub acked: bool,
}

/// A copy that was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// Of what.
    pub id: u64,
    /// What that is.
    pub origin: Origin,
    /// The sender's name in the copy.
    pub name: Rc<[u8]>,
}

/// All that wait.
#[derive(Debug, Default)]
pub struct Matcher {
    first_id: u64,
    pending: VecDeque<Pending>,
    by_line: HashMap<u64, VecDeque<u64>>,
    copies: usize,
}

impl Matcher {
    /// Adds a message with the lines that a copy may have, each with the sender's name in it; returns
    /// its id.
    pub fn add(&mut self, origin: Origin, lines: Vec<(Vec<u8>, Rc<[u8]>)>) -> u64 {
        let id = self.first_id + self.pending.len() as u64;
        let lines: Vec<_> = lines
            .into_iter()
            .map(|(line, name)| (hash(&line), name))
            .collect();
        for (line, _) in &lines {
            let ids = self.by_line.entry(*line).or_default();
            if ids.back() != Some(&id) {
                ids.push_back(id);
            }
        }
        self.pending.push_back(Pending {
            origin,
            id,
            copies: Vec::new(),
            lines,
            settled: false,
        });
        id
    }

    /// Finds the oldest message of somebody else that this line is the missing copy of, for a
    /// person in the room since `joined_frame`; remembers that it was found.
    pub fn find(
        &mut self,
        line: &[u8],
        stream: u32,
        joined_frame: u64,
        at: Moment,
    ) -> Option<Found> {
        let line = hash(line);
        let first_id = self.first_id;
        let pending = &mut self.pending;
        let id = self.by_line.get(&line)?.iter().copied().find(|id| {
            index(*id, first_id)
                .and_then(|at| pending.get(at))
                .is_some_and(|message| message.awaits(stream, joined_frame))
        })?;
        let message = pending.get_mut(index(id, first_id)?)?;
        let (_, name) = message.lines.iter().find(|(hash, _)| *hash == line)?;
        let name = Rc::clone(name);
        message.copies.push(Copy {
            stream,
            at,
            acked: false,
        });
        self.copies += 1;
        Some(Found {
            id,
            origin: message.origin,
            name,
        })
    }

    /// Remembers that a person acknowledged the copy; returns the message unless it is settled.
    pub fn acked(&mut self, id: u64, stream: u32) -> Option<&Pending> {
        let message = self.pending.get_mut(index(id, self.first_id)?)?;
        if message.settled {
            return None;
        }
        let copy = message
            .copies
            .iter_mut()
            .find(|copy| copy.stream == stream)?;
        copy.acked = true;
        Some(message)
    }

    /// Remembers that a copy which doesn't come is worth a finding, if it is known what it may be.
    pub fn require(&mut self, id: u64) {
        let at = index(id, self.first_id);
        if let Some(message) = at.and_then(|at| self.pending.get_mut(at)) {
            message.origin.required = !message.lines.is_empty();
        }
    }

    /// Returns the id of a message that must be settled now: too old, or one too many.
    #[must_use]
    pub fn due(&self, now: i64) -> Option<u64> {
        let oldest = self.pending.front()?;
        let full = self.pending.len() > PENDING_MAX || self.copies > COPIES_MAX;
        (full || now.saturating_sub(oldest.origin.at.time) > COPIES_AWAITED_NS).then_some(oldest.id)
    }

    /// Returns the id of the oldest message.
    #[must_use]
    pub fn oldest(&self) -> Option<u64> {
        self.pending.front().map(|message| message.id)
    }

    /// Takes a message and its copies: nothing more is awaited of it. `None` if it was taken before.
    pub fn settle(&mut self, id: u64) -> Option<(Origin, Vec<Copy>)> {
        let message = self.pending.get_mut(index(id, self.first_id)?)?;
        if message.settled {
            return None;
        }
        message.settled = true;
        let (origin, copies) = (message.origin, std::mem::take(&mut message.copies));
        for (line, _) in std::mem::take(&mut message.lines) {
            if let Some(ids) = self.by_line.get_mut(&line) {
                ids.retain(|other| *other != id);
                if ids.is_empty() {
                    self.by_line.remove(&line);
                }
            }
        }
        self.copies -= copies.len();
        while self.pending.front().is_some_and(|message| message.settled) {
            self.pending.pop_front();
            self.first_id += 1;
        }
        Some((origin, copies))
    }
}

impl Pending {
    /// Returns whether everybody who should have a copy has acknowledged one.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.copies.len() >= self.origin.expected && self.copies.iter().all(|copy| copy.acked)
    }

    fn awaits(&self, stream: u32, joined_frame: u64) -> bool {
        self.origin.sender != stream
            && joined_frame < self.origin.at.frame
            && self.copies.iter().all(|copy| copy.stream != stream)
    }
}

fn index(id: u64, first_id: u64) -> Option<usize> {
    usize::try_from(id.checked_sub(first_id)?).ok()
}

/// Returns what is the same for a line and its copy.
pub(super) fn hash(line: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(&comparable(line));
    hasher.finish()
}

/// Returns what is the same in a line and its copy: a server may replace or drop what can't be shown.
fn comparable(line: &[u8]) -> Cow<'_, [u8]> {
    let plain = |c: char| !(c.is_control() || is_replaced(c)) || c == '\t';
    if std::str::from_utf8(line).is_ok_and(|text| text.chars().all(plain)) {
        return Cow::Borrowed(line);
    }
    let mut kept = String::with_capacity(line.len());
    for chunk in line.utf8_chunks() {
        kept.extend(chunk.valid().chars().filter(|c| plain(*c)));
    }
    Cow::Owned(kept.into_bytes())
}

fn is_replaced(c: char) -> bool {
    matches!(c, '\u{fffd}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(frame: u64) -> Moment {
        Moment { frame, time: 0 }
    }

    fn add(matcher: &mut Matcher, sender: u32, frame: u64, line: &str) -> u64 {
        let origin = Origin {
            of: Original::Message,
            sender,
            at: at(frame),
            expected: 2,
            required: true,
        };
        matcher.add(origin, vec![(line.as_bytes().to_vec(), Rc::from(*b"x"))])
    }

    #[test]
    fn equal_lines_are_matched_oldest_first_and_once_each() {
        let mut matcher = Matcher::default();
        let first = add(&mut matcher, 0, 5, "a: hi");
        let second = add(&mut matcher, 0, 6, "a: hi");
        let found = |matcher: &mut Matcher, stream| {
            matcher
                .find(b"a: hi", stream, 1, at(9))
                .map(|found| found.id)
        };
        assert_eq!(found(&mut matcher, 1), Some(first));
        assert_eq!(found(&mut matcher, 2), Some(first));
        assert_eq!(found(&mut matcher, 1), Some(second));
        assert_eq!(found(&mut matcher, 1), None);
        assert_eq!(
            found(&mut matcher, 0),
            None,
            "nobody gets a copy of their own"
        );
        matcher.settle(first);
        assert_eq!(found(&mut matcher, 2), Some(second));
        matcher.settle(second);
        assert!(matcher.by_line.is_empty() && matcher.pending.is_empty());
    }

    #[test]
    fn who_came_later_gets_no_copy() {
        let mut matcher = Matcher::default();
        add(&mut matcher, 0, 5, "a: hi");
        assert!(matcher.find(b"a: hi", 1, 7, at(9)).is_none());
    }

    #[test]
    fn what_a_server_replaces_does_not_matter() {
        let mut matcher = Matcher::default();
        add(&mut matcher, 0, 5, "a: \u{1b}[31mred\u{202e}");
        let copy = "a: \u{fffd}[31mred\u{fffd}";
        assert!(matcher.find(copy.as_bytes(), 1, 1, at(9)).is_some());
    }
}
