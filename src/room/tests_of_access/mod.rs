//! Every command about who may be here and speak: by an operator and by somebody else, about
//! whoever may be meant.

mod door;
mod orders;

use std::net::IpAddr;

use super::access::{Access, Keeping, Kept, Key};
use super::*;
use crate::line::command::Command;
use crate::wire::plain;
use ipnet::IpNet;

const NOW: u64 = 1_764_079_201_000;
const KEEPING: Keeping = Keeping {
    names_max: 5,
    days: 90,
};

/// A room, and what everybody in it is told.
pub(super) struct Desk {
    room: Room,
    told: Told,
    now_ms: u64,
}

/// What each was told: who, and the words.
#[derive(Default)]
struct Told {
    words: Vec<(usize, String)>,
    keys: u8,
    last_key: Option<Key>,
}

impl Audience for Told {
    fn reach(&self, _: MemberId, _: usize) -> Reach {
        Reach::Open
    }

    fn push(&mut self, member: MemberId, effect: Effect<'_>) {
        let words = match effect {
            Effect::Prompt | Effect::AskPassword => "PROMPT".to_owned(),
            Effect::Quit => "QUIT".to_owned(),
            Effect::Dismiss(why) => format!("{why:?}").to_uppercase(),
            Effect::Key { name, key } => {
                self.last_key = Some(key);
                format!("KEY of {name}")
            }
            Effect::Notice(notice) => format!("{} {notice}", notice.code()),
            Effect::Private { from, text } => format!("{from} privately {text}"),
        };
        self.words.push((member.slot(), words));
    }

    fn address(&self, member: MemberId) -> Option<IpAddr> {
        Some(format!("10.0.0.{}", member.slot()).parse().unwrap())
    }

    fn silent_s(&self, _: MemberId) -> u64 {
        7
    }

    fn of_block(&self, block: IpNet) -> Vec<MemberId> {
        // Slot 9 has not given a name.
        let slots = (0..10).map(MemberId::from_slot);
        slots
            .filter(|&id| block.contains(&self.address(id).unwrap()))
            .collect()
    }

    fn draw_key(&mut self) -> Option<Key> {
        self.keys += 1;
        (self.keys < 100).then(|| Key::from_bytes([self.keys; 16]))
    }
}

fn id(slot: usize) -> MemberId {
    MemberId::from_slot(slot)
}

fn key(byte: u8) -> Key {
    Key::from_bytes([byte; 16])
}

impl Desk {
    /// A room that keeps the names of two operators.
    fn empty() -> Self {
        let mut access = Access::new(KEEPING);
        for (name, byte, operator) in [
            ("chief", 201, true),
            ("vice", 202, true),
            ("kept", 203, false),
        ] {
            let kept = Kept {
                name: Name::parse(name).unwrap(),
                hash: key(byte).hash(),
                operator,
                used_ms: NOW,
            };
            access.restore_kept(kept).unwrap();
        }
        Self {
            room: Room::new(access),
            told: Told::default(),
            now_ms: NOW,
        }
    }

    /// The same with people in it: operators in slots 0 and 4, somebody muted in 3.
    fn full() -> Self {
        let mut desk = Self::empty();
        for (slot, name, byte) in [
            (0, "chief", 201),
            (1, "ali", 0),
            (2, "bob", 0),
            (3, "mona", 0),
            (4, "vice", 202),
        ] {
            let key = (byte > 0).then(|| key(byte));
            assert_eq!(desk.enter(slot, name, key), "", "{name}");
        }
        assert!(
            desk.say(0, "/mute mona")
                .starts_with("ALL The operator chief has muted")
        );
        desk
    }

    /// Lets somebody give a name, and returns what anybody is told.
    fn enter(&mut self, slot: usize, name: &str, key: Option<Key>) -> String {
        let claim = Claim { name, key };
        let event = self
            .room
            .decide_name(id(slot), claim, self.now_ms, &mut self.told);
        // As the hub does it: a ghost leaves first.
        if let Some(Event::Joined { name, .. }) = &event
            && let Some(ghost) = self.room.names().find_other(name, id(slot))
        {
            let left = Event::Left { member: ghost };
            self.room.apply(left, self.now_ms, &mut self.told);
        }
        self.happen(event)
    }

    /// Lets somebody say a line, and returns what anybody is told.
    fn say(&mut self, slot: usize, line: &str) -> String {
        let command = Command::parse(line);
        let mut told = std::mem::take(&mut self.told);
        let event = self.room.decide(id(slot), command, self.now_ms, &mut told);
        self.told = told;
        self.happen(event)
    }

    fn leave(&mut self, slot: usize) {
        let event = Event::Left { member: id(slot) };
        self.room.apply(event, self.now_ms, &mut self.told);
    }

    fn happen(&mut self, event: Option<Event<'_>>) -> String {
        let mut words = String::new();
        if let Some(event) = event {
            match plain::Line::of(&event, self.room.names()) {
                Some(plain::Line::Notice(text)) => words = format!("ALL {text}; "),
                Some(plain::Line::Joined(_)) | None => {}
                Some(line) => words = format!("{line:?}; "),
            }
            self.room.apply(event, self.now_ms, &mut self.told);
        }
        for (slot, told) in self.told.words.drain(..) {
            words.extend([slot.to_string().as_str(), " ", &told, "; "]);
        }
        words.trim_end_matches("; ").to_owned()
    }
}
