//! Whether something that was decided on where others had a say in the meantime may still happen.
//!
//! In a room that several machines share, each decides by what it knows, and all apply in one order what
//! was decided: between the two somebody else may have taken the name, or been made silent. So each
//! event is looked at once more when its turn comes, by every machine, with the same result: nothing here
//! depends on members' numbers, the machine's clock or its files.

use super::Room;
use super::access::{Act, Answer, BANS_MAX, KeyHash, MUTES_MAX};
use super::event::Event;
use super::member::MemberId;
use super::name::Name;
use super::notice::Notice;

/// Most members of a room that several machines share.
const SHARED_MEMBERS_MAX: usize = 4_000_000;

/// Most names that such a room keeps.
const SHARED_KEPT_MAX: usize = 10_000;

impl Room {
    /// Returns whether an event may happen at `now_ms`, and who leaves before: the ghost of who comes
    /// by a kept name, `key` what is kept of the key that it has shown.
    ///
    /// # Errors
    /// Says what to tell whose doing it is.
    pub fn verdict<'r>(
        &'r self,
        event: &'r Event<'_>,
        key: Option<KeyHash>,
        now_ms: u64,
    ) -> Result<Option<MemberId>, Notice<'r>> {
        match event {
            Event::Said { member, .. } | Event::Did { member, .. } => {
                self.is_here(*member)?;
                let silenced = self.access.silences(*member, now_ms);
                silenced.map_or(Ok(None), |answer| Err(Notice::Access(answer)))
            }
            Event::Joined { member, name } => {
                if self.names.count() >= SHARED_MEMBERS_MAX {
                    return Err(Notice::Full);
                }
                self.may_have(*member, name, key, now_ms, true)
            }
            Event::Renamed { member, name } => {
                self.is_here(*member)?;
                if let Some(answer) = self.access.mute_of(*member, now_ms) {
                    return Err(Notice::Access(answer));
                }
                self.may_have(*member, name, key, now_ms, false)
            }
            Event::Left { member } => self.is_here(*member).map(|()| None),
            Event::Act { member, act, .. } => {
                self.is_here(*member)?;
                let refusal = self.refusal_of(*member, act);
                refusal.map_or(Ok(None), |answer| Err(Notice::Access(answer)))
            }
            Event::Whispered { .. } | Event::Announced { .. } | Event::Closing => Ok(None),
        }
    }

    fn is_here(&self, member: MemberId) -> Result<(), Notice<'static>> {
        if self.names.of(member).is_empty() {
            return Err(Notice::NoName);
        }
        Ok(())
    }

    fn may_have<'r>(
        &'r self,
        member: MemberId,
        name: &'r Name,
        key: Option<KeyHash>,
        now_ms: u64,
        comes_in: bool,
    ) -> Result<Option<MemberId>, Notice<'r>> {
        let (kept, own) = (&self.access.kept, self.access.kept.of(member));
        let opened = key.and_then(|key| {
            let kept = kept.find(name);
            kept.filter(|kept| kept.hash == key && kept.name == *name)
        });
        let own = own.map(|own| &own.name);
        let mut alike = kept.alike(name);
        let closed = alike.find(|kept| Some(&kept.name) != own);
        if let Some(closed) = closed.filter(|_| opened.is_none()) {
            return Err(Notice::Access(Answer::NameKept {
                name: name.as_str(),
                kept: closed.name.as_str(),
            }));
        }
        if let Some(answer) = self.bars(name, opened.is_some(), now_ms, comes_in) {
            return Err(Notice::Access(answer));
        }
        let Some(holder) = self.names.find_other(name, member) else {
            return Ok(None);
        };
        let is_ghost = opened.is_some_and(|opened| {
            let held = kept.of(holder);
            held.is_some_and(|held| held.name == opened.name)
        });
        if is_ghost {
            return Ok(Some(holder));
        }
        let (name, holder) = (name.as_str(), self.names.of(holder));
        Err(Notice::NameTaken { name, holder })
    }

    fn refusal_of<'r>(&'r self, member: MemberId, act: &'r Act<'_>) -> Option<Answer<'r>> {
        let access = &self.access;
        let own = access.kept.of(member);
        match act {
            Act::Keep(_) => {
                let full = own.is_none() && access.kept.len() >= SHARED_KEPT_MAX;
                return full.then_some(Answer::KeptFull);
            }
            Act::Unkeep => {
                let own = own.filter(|own| !own.operator || access.kept.operators() > 1);
                return own.is_none().then_some(Answer::YoursNotKept);
            }
            Act::Ignore(_) | Act::Unignore(_) => return None,
            _ => {}
        }
        if !access.is_operator(member) {
            let command = act.code();
            return Some(Answer::ForOperators { command });
        }
        let kept_as = |name: &Name, operator: bool| {
            let kept = access.kept.find(name);
            kept.is_some_and(|kept| kept.operator == operator && kept.name == *name)
        };
        let protected = |name: &'r Name| {
            let found = self.names.find(name);
            let kept = match found {
                Some(found) => access.kept.of(found),
                None => access.kept.find(name),
            };
            let protected = kept.is_some_and(|kept| kept.operator);
            let name = name.as_str();
            protected.then_some(Answer::IsOperator { name })
        };
        match act {
            Act::Op(name) => (!kept_as(name, false)).then_some(Answer::AlreadySo),
            Act::Deop(name) if !kept_as(name, true) => Some(Answer::AlreadySo),
            Act::Deop(_) => (access.kept.operators() < 2).then_some(Answer::LastOperator),
            Act::Kick { member, .. } => {
                let name = self.names.of(*member);
                let protected = access.is_operator(*member);
                if name.is_empty() {
                    Some(Answer::AlreadySo)
                } else {
                    protected.then_some(Answer::IsOperator { name })
                }
            }
            Act::Ban(_) if access.bans.len() >= BANS_MAX => Some(Answer::ListFull),
            Act::Ban(ban) => ban.name.as_ref().and_then(protected),
            Act::Mute { .. } if access.mutes.len() >= MUTES_MAX => Some(Answer::ListFull),
            Act::Mute { name, .. } => protected(name),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::access::span::Until;
    use crate::room::access::{Access, Ban, Keeping, Kept, Key, Mute};

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn id(slot: usize) -> MemberId {
        MemberId::from_slot(slot)
    }

    /// A room with chief (0), an operator, and ali (1).
    fn room() -> Room {
        let mut access = Access::new(Keeping {
            names_max: 10,
            days: 90,
        });
        let kept = Kept {
            name: name("chief"),
            hash: Key::from_bytes([1; 16]).hash(),
            operator: true,
            used_ms: 0,
        };
        access.restore_kept(kept).unwrap();
        let mut room = Room::new(access);
        for (slot, text) in ["chief", "ali"].into_iter().enumerate() {
            let event = Event::Joined {
                member: id(slot),
                name: name(text),
            };
            room.apply(event, 0, &mut Nobody);
        }
        room
    }

    struct Nobody;

    impl crate::room::Audience for Nobody {
        fn reach(&self, _: MemberId, _: usize) -> crate::room::Reach {
            crate::room::Reach::Gone
        }
        fn push(&mut self, _: MemberId, _: crate::room::Effect<'_>) {}
    }

    fn refusal(room: &Room, event: &Event<'_>, key: Option<KeyHash>) -> Option<&'static str> {
        room.verdict(event, key, 5)
            .err()
            .map(|notice| notice.code())
    }

    #[test]
    fn a_name_goes_to_who_comes_first() {
        let room = room();
        let joined = |text| Event::Joined {
            member: id(2),
            name: name(text),
        };
        assert_eq!(refusal(&room, &joined("bob"), None), None);
        assert_eq!(refusal(&room, &joined("ALI"), None), Some("name-taken"));
        assert_eq!(refusal(&room, &joined("chief"), None), Some("name-kept"));
        let wrong = Some(KeyHash::of(b"x"));
        assert_eq!(refusal(&room, &joined("chief"), wrong), Some("name-kept"));
        let right = Some(Key::from_bytes([1; 16]).hash());
        assert_eq!(
            room.verdict(&joined("chief"), right, 5).unwrap(),
            Some(id(0))
        );
    }

    #[test]
    fn who_was_silenced_meanwhile_is_not_heard() {
        let mut room = room();
        let said = Event::Said {
            member: id(1),
            text: "hi",
        };
        assert_eq!(refusal(&room, &said, None), None);
        let until = Until(Some(9));
        room.access.restore_mute(&name("ali"), Mute { until });
        room.access.mutes.came(id(1), &name("ali"));
        assert_eq!(refusal(&room, &said, None), Some("muted"));
        assert!(room.verdict(&said, None, 9).is_ok(), "it is over");
        let stranger = Event::Said {
            member: MemberId::remote(7),
            text: "hi",
        };
        assert_eq!(refusal(&room, &stranger, None), Some("no-name"));
    }

    #[test]
    fn who_is_no_operator_any_more_does_nothing() {
        let room = room();
        let act = |slot, act| Event::Act {
            member: id(slot),
            act,
            words: String::new(),
        };
        for (event, code) in [
            (act(0, Act::Lock), None),
            (act(1, Act::Lock), Some("for-operators")),
            (act(0, Act::Deop(name("chief"))), Some("last-operator")),
            (act(0, Act::Deop(name("ali"))), Some("already-so")),
            (
                act(
                    0,
                    Act::Kick {
                        member: id(0),
                        reason: "",
                    },
                ),
                Some("is-operator"),
            ),
            (
                act(
                    0,
                    Act::Kick {
                        member: id(9),
                        reason: "",
                    },
                ),
                Some("already-so"),
            ),
            (
                act(
                    0,
                    Act::Ban(Ban {
                        name: Some(name("chief")),
                        block: None,
                        until: Until(None),
                        by: name("chief"),
                        reason: String::new(),
                    }),
                ),
                Some("is-operator"),
            ),
            (act(1, Act::Unkeep), Some("not-kept")),
            (act(1, Act::Keep(KeyHash::of(b"x"))), None),
        ] {
            assert_eq!(refusal(&room, &event, None), code, "{event:?}");
        }
    }
}
