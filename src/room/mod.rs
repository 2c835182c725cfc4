//! The room: who is in it, and what may happen there. Pure: no sockets, no clock, no log, no bytes.
//!
//! [`Room::decide`] says what shall happen because of a line, and changes nothing;
//! [`Room::apply`] makes an [`Event`] so, whoever has ordered it. How an event reads is the
//! encodings' matter ([`wire`](crate::wire)), who is sent it the hub's.

pub mod access;
mod correspondents;
mod decide;
mod door;
pub mod event;
mod keeping;
pub mod machines;
pub mod member;
pub mod name;
pub mod names;
pub mod notice;
mod orders;
mod verdict;

pub use self::access::Access;
use self::correspondents::Correspondents;
pub use self::door::Claim;
pub use self::event::{Audience, Dismissal, Effect, Event, Reach};
pub use self::machines::Machines;
pub use self::member::MemberId;
pub use self::name::Name;
pub use self::names::Names;
pub use self::notice::Notice;

/// Most bytes of names that `/who` lists; more are counted.
pub const WHO_BYTES_MAX: usize = 4096;

/// The room: its members' names, whom each may answer, and who may be here and speak.
#[derive(Debug, Default)]
pub struct Room {
    names: Names,
    correspondents: Correspondents,
    access: Access,
}

impl Room {
    /// Returns a room without members.
    #[must_use]
    pub fn new(access: Access) -> Self {
        Self {
            access,
            ..Self::default()
        }
    }

    /// Returns who may be here and speak.
    #[must_use]
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// Returns the same, to change what is no event: what lapses, and the message of the day.
    pub fn access_mut(&mut self) -> &mut Access {
        &mut self.access
    }

    /// Returns the members' names.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Lets somebody be here as before, unless somebody else has its name; returns nothing then.
    pub fn restore_member(
        &mut self,
        member: MemberId,
        name: Name,
        keeps: Option<&Name>,
        since_ms: u64,
        spoke_ms: Option<u64>,
    ) -> Option<()> {
        let is_free = self.names.find(&name).is_none();
        is_free.then(|| {
            self.names.give(member, name);
            self.restore_access(member, keeps, since_ms, spoke_ms);
        })
    }

    /// Lets somebody be in the room with what is known of it at other machines.
    pub fn restore_access(
        &mut self,
        member: MemberId,
        keeps: Option<&Name>,
        since_ms: u64,
        spoke_ms: Option<u64>,
    ) {
        let name = self.names.name(member);
        let access = &mut self.access;
        access.restore_member(member, &name, keeps, since_ms, spoke_ms);
    }

    /// Makes an event so that has been decided on, and tells those whom it concerns alone what they
    /// have to know. `now_ms` is the wall clock.
    pub fn apply(&mut self, event: Event<'_>, now_ms: u64, audience: &mut impl Audience) {
        match event {
            Event::Said { member, .. } | Event::Did { member, .. } => {
                self.access.spoke(member, now_ms);
            }
            Event::Announced { .. } | Event::Closing => {}
            Event::Whispered { member, to, text } => {
                self.correspondents.note(member, to);
                let (from, name) = (self.names.of(member), self.names.of(to));
                audience.push(to, Effect::Private { from, text });
                audience.push(member, Effect::Notice(Notice::Reached { name }));
            }
            Event::Joined { member, name } => {
                self.access.came(member, &name, now_ms);
                self.names.give(member, name);
                let answers = [self.motd_answer(), self.topic_answer()];
                for answer in answers.into_iter().flatten() {
                    audience.push(member, Effect::Notice(Notice::Access(answer)));
                }
            }
            Event::Renamed { member, name } => {
                let old = self.names.take(member);
                self.access.renamed(member, &old, &name, now_ms);
                self.names.give(member, name);
                let name = self.names.of(member);
                audience.push(member, Effect::Notice(Notice::NowKnownAs { name }));
            }
            Event::Left { member } => {
                self.correspondents.leave(member);
                self.access.left(member, now_ms);
                self.names.take(member);
            }
            Event::Act { member, act, .. } => self.apply_act(member, &act, now_ms, audience),
        }
    }
}

#[cfg(test)]
mod tests_of_access;
#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::command::Command;

    /// What each member was told.
    #[derive(Default)]
    struct Told(Vec<(MemberId, String)>);

    impl Audience for Told {
        fn reach(&self, _: MemberId, bytes: usize) -> Reach {
            match bytes {
                0..100 => Reach::Open,
                100..200 => Reach::NotReading,
                _ => Reach::Gone,
            }
        }

        fn push(&mut self, member: MemberId, effect: Effect<'_>) {
            let words = match effect {
                Effect::Prompt | Effect::AskPassword => "PROMPT".to_owned(),
                Effect::Notice(notice) => notice.to_string(),
                Effect::Private { from, text } => format!("{from} privately {text}"),
                Effect::Quit => "QUIT".to_owned(),
                Effect::Key { name, .. } => format!("the key of {name}"),
                Effect::Dismiss(why) => format!("{why:?}"),
            };
            self.0.push((member, words));
        }
    }

    fn id(slot: usize) -> MemberId {
        MemberId::from_slot(slot)
    }

    fn enter(room: &mut Room, slot: usize, name: &str) -> Vec<(MemberId, String)> {
        let mut told = Told::default();
        if let Some(event) = room.decide_name(id(slot), Claim::parse(name), 0, &mut told) {
            room.apply(event, 0, &mut told);
        }
        told.0
    }

    fn with(names: &[&str]) -> Room {
        let mut room = Room::default();
        for (slot, name) in names.iter().enumerate() {
            assert_eq!(enter(&mut room, slot, name), []);
        }
        room
    }

    fn told(room: &Room, slot: usize, line: &str) -> Vec<(MemberId, String)> {
        let mut told = Told::default();
        assert_eq!(
            room.decide(id(slot), Command::parse(line), 0, &mut told),
            None,
            "{line}"
        );
        told.0
    }

    /// Lets what somebody says to another alone reach that one; returns who is told what.
    fn whisper(room: &mut Room, slot: usize, line: &str) -> [(usize, String); 2] {
        let mut told = Told::default();
        let event = room
            .decide(id(slot), Command::parse(line), 0, &mut told)
            .unwrap();
        assert!(matches!(event, Event::Whispered { .. }) && told.0.is_empty());
        room.apply(event, 0, &mut told);
        let told = told
            .0
            .into_iter()
            .map(|(member, words)| (member.slot(), words));
        told.collect::<Vec<_>>().try_into().unwrap()
    }

    /// The one word that a line brings its own speaker.
    fn answer(room: &Room, slot: usize, line: &str) -> String {
        let told = told(room, slot, line);
        let [(member, words)] = told.as_slice() else {
            panic!("{line}: {told:?}");
        };
        assert_eq!(*member, id(slot), "{line}");
        words.clone()
    }

    #[test]
    fn talk_is_an_event() {
        let room = with(&["ali", "bob"]);
        let member = id(0);
        for (line, event) in [
            ("hi", Event::Said { member, text: "hi" }),
            (
                "//who",
                Event::Said {
                    member,
                    text: "/who",
                },
            ),
            (
                "/me waves",
                Event::Did {
                    member,
                    text: "waves",
                },
            ),
        ] {
            let mut told = Told::default();
            assert_eq!(
                room.decide(member, Command::parse(line), 0, &mut told),
                Some(event)
            );
            assert_eq!(told.0, []);
        }
    }

    #[test]
    fn commands_are_answered() {
        let room = with(&["ali", "bob"]);
        assert_eq!(answer(&room, 0, "/who"), "Here (2): ali, bob");
        assert!(answer(&room, 0, "/help").contains("\n  /msg NAME TEXT  says it"));
        assert!(answer(&room, 0, "/dance").starts_with("Your command /dance is unknown"));
        assert!(answer(&room, 0, "/nick BOB").contains("looks like bob"));
        assert_eq!(answer(&room, 0, "/quit"), "QUIT");
    }

    #[test]
    fn private_talk_reaches_one_or_says_why_not() {
        let mut room = with(&["ali", "bob"]);
        let secret = whisper(&mut room, 0, "/msg BOB a secret");
        let reached = "Your message reached bob.".to_owned();
        assert_eq!(
            secret,
            [(1, "ali privately a secret".to_owned()), (0, reached)]
        );
        assert!(answer(&room, 0, "/msg carl hi").starts_with("Nobody here is called carl"));
        let long = format!("/msg bob {}", "x".repeat(150));
        assert!(answer(&room, 0, &long).contains("bob is not reading"));
        let longer = format!("/msg bob {}", "x".repeat(250));
        assert!(answer(&room, 0, &longer).starts_with("Nobody here is called bob"));
    }

    #[test]
    fn an_answer_goes_to_whoever_wrote_last() {
        let mut room = with(&["ali", "bob", "eve"]);
        let nobody = "Nobody who is here has said anything to you alone so far.";
        assert_eq!(answer(&room, 1, "/r hi"), nobody);
        whisper(&mut room, 0, "/msg bob one");
        whisper(&mut room, 2, "/msg bob two");
        let [(slot, words), _] = whisper(&mut room, 1, "/r three");
        assert_eq!((slot, words.as_str()), (2, "bob privately three"));
        let [(slot, words), _] = whisper(&mut room, 2, "/r four");
        assert_eq!((slot, words.as_str()), (1, "eve privately four"));
        assert_eq!(answer(&room, 0, "/r hi"), nobody, "nobody has answered ali");
        let long = format!("/r {}", "x".repeat(150));
        assert!(answer(&room, 1, &long).contains("eve is not reading"));
    }

    #[test]
    fn an_answer_never_goes_to_a_newcomer_with_the_number_of_who_left() {
        let mut room = with(&["ali", "bob"]);
        let mut told = Told::default();
        whisper(&mut room, 0, "/msg bob a secret");
        room.apply(Event::Left { member: id(0) }, 0, &mut told);
        assert_eq!(enter(&mut room, 0, "eve"), []);
        assert!(answer(&room, 1, "/r yes, the key").starts_with("Nobody"));
        // Nor does the newcomer in the place of who was written to know of it.
        whisper(&mut room, 0, "/msg bob hi");
        room.apply(Event::Left { member: id(1) }, 0, &mut told);
        assert_eq!(enter(&mut room, 1, "carl"), []);
        assert!(answer(&room, 1, "/r hi").starts_with("Nobody"));
        // Under another name it is still who it was.
        whisper(&mut room, 0, "/msg carl hi");
        let event = room
            .decide(id(0), Command::parse("/nick zoe"), 0, &mut told)
            .unwrap();
        room.apply(event, 0, &mut told);
        let [(slot, _), (_, reached)] = whisper(&mut room, 1, "/r hi");
        assert_eq!((slot, reached.as_str()), (0, "Your message reached zoe."));
    }

    #[test]
    fn a_rename_is_decided_and_then_applied() {
        let mut room = with(&["ali", "bob"]);
        let mut told = Told::default();
        let event = room
            .decide(id(0), Command::parse("/nick Ali"), 0, &mut told)
            .unwrap();
        assert_eq!((told.0.len(), room.names().of(id(0))), (0, "ali"));
        room.apply(event, 0, &mut told);
        assert_eq!(told.0, [(id(0), "You are now known as Ali.".to_owned())]);
        room.apply(Event::Left { member: id(0) }, 0, &mut told);
        assert_eq!(answer(&room, 1, "/who"), "Here (1): bob");
    }

    #[test]
    fn a_refused_name_is_asked_for_again() {
        let mut room = with(&["ali"]);
        for (name, word) in [
            ("ALI", "looks like ali"),
            ("a b", "space"),
            ("ali", "taken"),
        ] {
            let told = enter(&mut room, 1, name);
            let [(_, notice), (_, prompt)] = told.as_slice() else {
                panic!("{told:?}");
            };
            assert!(notice.starts_with("That name ") && notice.contains(word));
            assert_eq!(prompt, "PROMPT");
        }
        assert_eq!(enter(&mut room, 1, "bob"), []);
        assert_eq!(room.names().count(), 2);
    }

    #[test]
    fn a_long_list_of_names_is_cut() {
        let names: Vec<String> = (0..1000).map(|number| format!("member-{number}")).collect();
        let room = with(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let list = answer(&room, 0, "/who");
        assert!(
            list.starts_with("Here (1000): member-0, member-1, "),
            "{list}"
        );
        assert!(list.len() < WHO_BYTES_MAX + 100);
        let more = list.rsplit_once(" and ").unwrap().1;
        let more: usize = more.strip_suffix(" more").unwrap().parse().unwrap();
        assert_eq!(list.matches("member-").count() + more, 1000);
    }

    #[test]
    fn a_part_of_a_name_finds_it_in_a_room_of_any_size() {
        let names: Vec<String> = (0..1000).map(|number| format!("Member-{number}")).collect();
        let others = ["علی\u{200C}رضا", "Zoë", "Ελένη", "straße", "Σοσω", "ali"];
        let names: Vec<&str> = names.iter().map(String::as_str).chain(others).collect();
        let room = with(&names);
        for (part, found) in [
            (
                "ember-99",
                "Here (11 of 1006): Member-99, Member-990, Member-991, ",
            ),
            ("MEMBER-998", "Here (1 of 1006): Member-998"),
            ("ｍember-998", "Here (1 of 1006): Member-998"),
            ("ALI", "Here (1 of 1006): ali"),
            ("ZOE\u{308}", "Here (1 of 1006): Zoë"),
            ("ΣΟΣ", "Here (1 of 1006): Σοσω"),
            ("ΈΝΗ", "Here (1 of 1006): Ελένη"),
            ("STRASSE", "Here (1 of 1006): straße"),
            ("رضا", "Here (1 of 1006): علی\u{200C}رضا"),
            ("nobody's", "Nobody here has this in the name: nobody's"),
            ("ali bob", "Nobody here has this in the name: ali bob"),
        ] {
            let answer = answer(&room, 0, &format!("/who {part}"));
            assert!(answer.starts_with(found), "{part}: {answer}");
        }
        let many = answer(&room, 0, "/who member");
        assert!(
            many.starts_with("Here (1000 of 1006): Member-0, "),
            "{many}"
        );
        let more = many.rsplit_once(" and ").unwrap().1;
        let more: usize = more.strip_suffix(" more").unwrap().parse().unwrap();
        assert_eq!(many.matches("Member-").count() + more, 1000);
    }
}
