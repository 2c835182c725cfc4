//! Who is known again after a break, and which of its lines were taken: one that is sent again with
//! its id is not said twice.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, VecDeque};
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::num::NonZeroU64;

use super::limits::{DEPARTED_SESSIONS_MAX, IDS_MAX};
use crate::room::MemberId;
use crate::wire::Stamp;

/// The members who are told in JSON, as they are known when they come back.
///
/// A session begins when somebody comes in, and goes on when it comes back after a break. Its token
/// is its number with a code that only this start of the server can work out. For each member some
/// thirty bytes are kept; of who gives its lines ids also the last [`IDS_MAX`] of them, and of the
/// last [`DEPARTED_SESSIONS_MAX`] who left.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    secret: RandomState,
    by_slot: Vec<Option<Session>>,
    members: BTreeMap<Session, MemberId>,
    taken: BTreeMap<MemberId, Taken>,
    departed: VecDeque<(Session, Taken)>,
}

/// The number of the event by which somebody first came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Session(NonZeroU64);

impl Session {
    /// Returns the number of the last event before it.
    pub(super) fn before(self) -> u64 {
        self.0.get() - 1
    }
}

/// The last lines of one member, the oldest first.
type Taken = VecDeque<Line>;

/// A line that was taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    /// In place of its id. Two ids of one member that have the same are as likely as for eight random
    /// bytes, unless it looks for such, which harms nobody else.
    hash: u64,
    /// Its place in the room's order, if everybody was told.
    pub(super) stamp: Option<Stamp>,
}

impl Sessions {
    /// Takes note of a member that comes with event number `seq`, and returns its token. It goes on
    /// with a session that was [resumed](Self::resume) for it.
    pub(super) fn begin(&mut self, member: MemberId, seq: u64) -> String {
        let slot = member.slot();
        if self.by_slot.len() <= slot {
            self.by_slot.resize(slot + 1, None);
        }
        let first = Session(NonZeroU64::new(seq).unwrap_or(NonZeroU64::MIN));
        let session = *self.by_slot[slot].get_or_insert(first);
        self.members.insert(session, member);
        format!("{:x}-{:016x}", session.0, self.secret.hash_one(session))
    }

    /// Returns whose token it is; nobody's if it was not given by this start of the server.
    pub(super) fn of(&self, token: &str) -> Option<Session> {
        let (number, code) = token.split_once('-')?;
        let number = u64::from_str_radix(number, 16).ok()?;
        let session = Session(NonZeroU64::new(number)?);
        let code = u64::from_str_radix(code, 16).ok()?;
        (self.secret.hash_one(session) == code).then_some(session)
    }

    /// Returns the member, if it is still in the room.
    pub(super) fn member(&self, session: Session) -> Option<MemberId> {
        self.members.get(&session).copied()
    }

    /// Lets a session go on with who is about to come in.
    pub(super) fn resume(&mut self, member: MemberId, session: Session) {
        let slot = member.slot();
        if self.by_slot.len() <= slot {
            self.by_slot.resize(slot + 1, None);
        }
        self.by_slot[slot] = Some(session);
        let departed = &mut self.departed;
        let at = departed
            .iter()
            .position(|(departed, _)| *departed == session);
        if let Some((_, taken)) = at.and_then(|at| departed.remove(at)) {
            self.taken.insert(member, taken);
        }
    }

    /// Takes note that a member has left.
    pub(super) fn leave(&mut self, member: MemberId) {
        let slot = member.slot();
        let Some(session) = self.by_slot.get_mut(slot).and_then(Option::take) else {
            return;
        };
        self.members.remove(&session);
        let Some(taken) = self.taken.remove(&member) else {
            return;
        };
        if self.departed.len() >= DEPARTED_SESSIONS_MAX {
            self.departed.pop_front();
        }
        self.departed.push_back((session, taken));
    }

    /// Returns the line that a member sent with `id`, if it was taken.
    pub(super) fn find(&self, member: MemberId, id: &str) -> Option<&Line> {
        let hash = hash(id);
        let mut taken = self.taken.get(&member)?.iter();
        taken.find(|line| line.hash == hash)
    }

    /// Takes note of a line that was taken.
    pub(super) fn note(&mut self, member: MemberId, id: &str, stamp: Option<Stamp>) {
        let taken = self.taken.entry(member).or_default();
        if taken.len() >= IDS_MAX {
            taken.pop_front();
        }
        let hash = hash(id);
        taken.push_back(Line { hash, stamp });
    }
}

fn hash(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEVENTH: Stamp = Stamp { seq: 7, time_ms: 1 };

    /// Returns the number of a line that is known, 0 if all were not told.
    fn seq(sessions: &Sessions, slot: usize, id: &str) -> Option<u64> {
        let line = sessions.find(member(slot), id)?;
        Some(line.stamp.map_or(0, |stamp| stamp.seq))
    }

    fn member(slot: usize) -> MemberId {
        MemberId::from_slot(slot)
    }

    #[test]
    fn a_line_is_known_again_also_after_a_break() {
        let mut sessions = Sessions::default();
        let token = sessions.begin(member(1), 3);
        let session = sessions.of(&token).unwrap();
        assert_eq!(sessions.member(session), Some(member(1)));
        sessions.note(member(1), "a", Some(SEVENTH));
        sessions.note(member(1), "b", None);
        assert_eq!(seq(&sessions, 1, "a"), Some(7));
        assert_eq!(seq(&sessions, 1, "b"), Some(0));
        assert_eq!(seq(&sessions, 1, "c"), None);
        assert_eq!(seq(&sessions, 2, "a"), None);
        sessions.leave(member(1));
        assert_eq!(sessions.member(session), None);
        // Its slot is another's now.
        assert_ne!(sessions.begin(member(1), 8), token);
        assert_eq!(seq(&sessions, 1, "a"), None);
        for slot in [2, 3] {
            sessions.resume(member(slot), session);
            assert_eq!(sessions.begin(member(slot), 9), token, "it goes on");
            assert_eq!(sessions.member(session), Some(member(slot)));
            assert_eq!(seq(&sessions, slot, "a"), Some(7));
            sessions.leave(member(slot));
        }
    }

    #[test]
    fn nobody_can_make_up_a_token() {
        let mut sessions = Sessions::default();
        let token = sessions.begin(member(1), 3);
        let session = sessions.of(&token).unwrap();
        let (number, code) = token.split_once('-').unwrap();
        let false_code = u64::from_str_radix(code, 16).unwrap() ^ 1;
        for false_token in [
            format!("{number}-{false_code:016x}"),
            format!("4-{code}"),
            format!("0-{code}"),
            number.to_owned(),
            format!("{number}-"),
            String::new(),
            "-".repeat(1000),
        ] {
            assert_eq!(sessions.of(&false_token), None, "{false_token}");
        }
        assert_eq!(Sessions::default().of(&token), None, "another start's");
        assert_eq!(sessions.of(&token), Some(session));
    }

    #[test]
    fn no_more_are_remembered_than_said() {
        let mut sessions = Sessions::default();
        sessions.begin(member(1), 1);
        for number in 0..=IDS_MAX {
            sessions.note(member(1), &number.to_string(), None);
        }
        assert_eq!(seq(&sessions, 1, "0"), None);
        assert_eq!(seq(&sessions, 1, "1"), Some(0));
        let came = 2..DEPARTED_SESSIONS_MAX as u64 + 3;
        let tokens = came.map(|came| {
            let token = sessions.begin(member(2), came);
            sessions.note(member(2), "x", None);
            sessions.leave(member(2));
            token
        });
        let tokens: Vec<String> = tokens.collect();
        assert_eq!(sessions.departed.len(), DEPARTED_SESSIONS_MAX);
        for (token, known) in tokens.iter().zip([None, Some(0)]) {
            let session = sessions.of(token).unwrap();
            sessions.resume(member(3), session);
            assert_eq!(seq(&sessions, 3, "x"), known);
        }
        assert_eq!(sessions.departed.len(), DEPARTED_SESSIONS_MAX - 1);
    }
}
