//! The room: who is in it, what each hears, under which rules. Pure: no sockets, no clock, no log.
//!
//! The room decides and writes down; delivering is the hub's work. What everybody hears is appended
//! to the [`Transcript`]; what one person alone hears is left in [`Room::private`].

pub mod name;
pub mod names;
pub mod notice;

use std::fmt::Write;
use std::ops::Range;

pub use self::name::Name;
pub use self::names::Names;
pub use self::notice::Notice;
pub use crate::feed::Transcript;
use crate::line::command::Command;

/// What the server says to someone who has just connected.
pub const PROMPT: &str = "Please enter your name:\n";

/// What the server says to someone whose name is accepted.
pub const GREETING: &str = "Chat with your friends and enjoy\n";

/// Most bytes of names that `/who` lists; more are counted.
const WHO_BYTES_MAX: usize = 4096;

/// What may differ from room to room.
#[derive(Debug, Clone, Copy)]
pub struct RoomOptions {
    /// How many bytes of talk are kept for readers who are behind.
    pub backlog_bytes: usize,
    /// How many lines of the talk so far a newcomer is shown.
    pub history_lines: usize,
    /// Whether the room is told when somebody joins.
    pub announce_joins: bool,
}

/// The room: its members' names and its transcript.
///
/// Members are known by a number that the hub gives them and that nobody else has meanwhile.
#[derive(Debug)]
pub struct Room {
    options: RoomOptions,
    names: Names,
    transcript: Transcript,
    private: String,
}

/// How somebody came in.
#[derive(Debug, PartialEq, Eq)]
pub struct Entrance {
    /// Where in the transcript the newcomer's hearing starts.
    pub hears_from: u64,
    /// Where the line stands that everybody but the newcomer hears.
    pub said: Option<Range<u64>>,
}

/// What came of a member's line.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Where the line stands that everybody but the speaker hears.
    pub said: Option<Range<u64>>,
    /// Who is to hear what [`Room::private`] holds.
    pub private_to: Option<u32>,
    /// Whether the speaker wants to leave.
    pub quit: bool,
    /// What the speaker was called before, if this line changed it.
    pub renamed_from: Option<Name>,
}

impl Room {
    /// Returns an empty room.
    #[must_use]
    pub fn new(options: RoomOptions) -> Self {
        Self {
            options,
            names: Names::default(),
            transcript: Transcript::new(options.backlog_bytes),
            private: String::new(),
        }
    }

    /// Returns what the room heard lately.
    #[must_use]
    pub fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// Returns the members' names.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Returns what one person alone is to hear: whole lines, as the last call left them.
    #[must_use]
    pub fn private(&self) -> &str {
        &self.private
    }

    /// Lets `member` in under the name `text`, if it may have it. Either way [`Room::private`] is
    /// for it to read: the greeting, or why not and the prompt again.
    pub fn enter(&mut self, member: u32, text: &str) -> Option<Entrance> {
        let Some(name) = self.name(member, text) else {
            self.private.push_str(PROMPT);
            return None;
        };
        // What a newcomer hears of the talk so far must not make a slow reader of it at once.
        let reach = self.transcript.capacity() / 4;
        let hears_from = self.transcript.back(self.options.history_lines, reach);
        let said = self.options.announce_joins.then(|| {
            self.transcript
                .append(&[name.as_str(), " is joined to the chatroom!\n"])
        });
        self.names.give(member, name);
        self.private.clear();
        self.private.push_str(GREETING);
        Some(Entrance { hears_from, said })
    }

    /// Takes `member` out of the room, tells the others unless they are not to know, and returns
    /// its name and where that stands.
    pub fn leave(&mut self, member: u32, announce: bool) -> (Name, Option<Range<u64>>) {
        let name = self.names.take(member);
        if !announce {
            return (name, None);
        }
        let said = self
            .transcript
            .append(&[name.as_str(), " has left the chatroom!\n"]);
        (name, Some(said))
    }

    /// Hears a line of `member`.
    pub fn hear(&mut self, member: u32, line: &str) -> Outcome {
        let name = self.names.of(member);
        match Command::parse(line) {
            Command::Say(text) => {
                let said = self.transcript.append(&[name, ": ", text, "\n"]);
                Outcome {
                    said: Some(said),
                    ..Outcome::default()
                }
            }
            Command::Me(text) => {
                let said = self.transcript.append(&["* ", name, " ", text, "\n"]);
                Outcome {
                    said: Some(said),
                    ..Outcome::default()
                }
            }
            Command::Message { to, text } => self.message(member, to, text),
            Command::Nick(text) => self.rename(member, text),
            Command::Quit => Outcome {
                quit: true,
                ..Outcome::default()
            },
            Command::Who => self.who(member),
            Command::Help => self.answer(member, &Notice::Help),
            Command::Incomplete(usage) => self.answer(member, &Notice::Incomplete { usage }),
            Command::Unknown(word) => self.answer(member, &Notice::UnknownCommand { word }),
        }
    }

    /// Says something to everybody and returns where it stands.
    pub fn announce(&mut self, notice: &Notice<'_>) -> Range<u64> {
        self.transcript.append(&[&notice.to_string(), "\n"])
    }

    /// Leaves `notice` in [`Room::private`].
    pub fn note(&mut self, notice: &Notice<'_>) {
        put(&mut self.private, notice);
    }

    fn message(&mut self, member: u32, to: &str, text: &str) -> Outcome {
        let found = Name::parse(to).ok().and_then(|name| self.names.find(&name));
        let Some(found) = found else {
            return self.answer(member, &Notice::NobodyCalled { name: to });
        };
        self.private.clear();
        for part in [self.names.of(member), " (privately): ", text, "\n"] {
            self.private.push_str(part);
        }
        Outcome {
            private_to: Some(found),
            ..Outcome::default()
        }
    }

    fn rename(&mut self, member: u32, text: &str) -> Outcome {
        let Some(name) = self.name(member, text) else {
            return Outcome {
                private_to: Some(member),
                ..Outcome::default()
            };
        };
        put(
            &mut self.private,
            &Notice::NowKnownAs {
                name: name.as_str(),
            },
        );
        let old = self.names.take(member);
        let words = [old.as_str(), " is now known as ", name.as_str(), "!\n"];
        let said = self.transcript.append(&words);
        self.names.give(member, name);
        Outcome {
            said: Some(said),
            private_to: Some(member),
            renamed_from: Some(old),
            quit: false,
        }
    }

    /// Returns `text` as a name that `member` may have, or leaves in `private` why it may not.
    fn name(&mut self, member: u32, text: &str) -> Option<Name> {
        let name = match Name::parse(text) {
            Ok(name) => name,
            Err(why) => {
                put(&mut self.private, &Notice::BadName { name: text, why });
                return None;
            }
        };
        match self.names.find_other(&name, member) {
            Some(holder) => {
                let holder = self.names.of(holder);
                put(
                    &mut self.private,
                    &Notice::NameTaken {
                        name: name.as_str(),
                        holder,
                    },
                );
                None
            }
            None => Some(name),
        }
    }

    fn answer(&mut self, member: u32, notice: &Notice<'_>) -> Outcome {
        put(&mut self.private, notice);
        Outcome {
            private_to: Some(member),
            ..Outcome::default()
        }
    }

    fn who(&mut self, member: u32) -> Outcome {
        let Self { names, private, .. } = self;
        private.clear();
        let mut written = write!(private, "* Here ({}): ", names.count());
        for (listed, name) in names.iter().enumerate() {
            if private.len() + name.len() > WHO_BYTES_MAX {
                written = write!(private, " and {} more", names.count() - listed);
                break;
            }
            private.push_str(if listed == 0 { "" } else { ", " });
            private.push_str(name);
        }
        private.push('\n');
        debug_assert!(written.is_ok(), "writing to a string can't fail");
        Outcome {
            private_to: Some(member),
            ..Outcome::default()
        }
    }
}

/// Puts a notice in the place of what `private` held.
fn put(private: &mut String, notice: &Notice<'_>) {
    private.clear();
    let written = writeln!(private, "{notice}");
    debug_assert!(written.is_ok(), "writing to a string can't fail");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn room(options: RoomOptions) -> Room {
        Room::new(options)
    }

    const OPTIONS: RoomOptions = RoomOptions {
        backlog_bytes: 1 << 16,
        history_lines: 0,
        announce_joins: false,
    };

    fn with(names: &[&str]) -> Room {
        let mut room = room(OPTIONS);
        for (member, name) in (0..).zip(names) {
            assert!(
                room.enter(member, name).is_some(),
                "{name}: {}",
                room.private()
            );
        }
        room
    }

    fn text(room: &Room, range: Range<u64>) -> String {
        let (first, second) = room.transcript().bytes(range);
        String::from_utf8([first, second].concat()).unwrap()
    }

    fn said(room: &mut Room, member: u32, line: &str) -> String {
        let outcome = room.hear(member, line);
        text(room, outcome.said.expect(line))
    }

    fn told(room: &mut Room, member: u32, line: &str) -> String {
        let outcome = room.hear(member, line);
        assert_eq!(
            (outcome.said, outcome.private_to),
            (None, Some(member)),
            "{line}"
        );
        room.private().to_owned()
    }

    #[test]
    fn lines_and_commands() {
        let mut room = with(&["ali", "bob"]);
        assert_eq!(said(&mut room, 0, "hi"), "ali: hi\n");
        assert_eq!(said(&mut room, 0, "//who"), "ali: /who\n");
        assert_eq!(said(&mut room, 1, "/me waves"), "* bob waves\n");
        assert_eq!(told(&mut room, 0, "/who"), "* Here (2): ali, bob\n");
        assert!(told(&mut room, 0, "/help").contains("\n*   /msg NAME TEXT  says it"));
        assert!(told(&mut room, 0, "/dance").starts_with("* Your command /dance is unknown"));
        assert!(told(&mut room, 0, "/msg carl hi").starts_with("* Nobody here is called carl"));
        assert!(told(&mut room, 0, "/nick BOB").contains("looks like bob"));
        let outcome = room.hear(0, "/msg BOB a secret");
        assert_eq!((outcome.said, outcome.private_to), (None, Some(1)));
        assert_eq!(room.private(), "ali (privately): a secret\n");
        assert!(room.hear(0, "/quit").quit);
        assert_eq!(
            said(&mut room, 0, "/nick Ali"),
            "ali is now known as Ali!\n"
        );
        assert_eq!(room.private(), "* You are now known as Ali.\n");
        let (name, range) = room.leave(0, true);
        let range = range.unwrap();
        assert_eq!(
            (name.as_str(), text(&room, range)),
            ("Ali", "Ali has left the chatroom!\n".into())
        );
        assert_eq!(told(&mut room, 1, "/who"), "* Here (1): bob\n");
    }

    #[test]
    fn a_refused_name_is_asked_for_again() {
        let mut room = with(&["ali"]);
        for (name, word) in [
            ("ALI", "looks like ali"),
            ("a b", "space"),
            ("ali", "taken"),
        ] {
            assert_eq!(room.enter(1, name), None);
            let (notice, prompt) = room.private().split_once('\n').unwrap();
            assert!(
                notice.starts_with("* That name ") && notice.contains(word),
                "{notice}"
            );
            assert_eq!(prompt, PROMPT);
        }
        assert!(room.enter(1, "bob").is_some());
        assert_eq!(room.private(), GREETING);
    }

    #[test]
    fn a_newcomer_hears_history_but_not_its_own_arrival() {
        let mut room = room(RoomOptions {
            history_lines: 2,
            announce_joins: true,
            ..OPTIONS
        });
        room.enter(0, "ali");
        for line in ["one", "two", "three"] {
            room.hear(0, line);
        }
        let entrance = room.enter(1, "bob").unwrap();
        let said = entrance.said.unwrap();
        assert_eq!(
            text(&room, entrance.hears_from..said.start),
            "ali: two\nali: three\n"
        );
        assert_eq!(text(&room, said), "bob is joined to the chatroom!\n");
    }

    #[test]
    fn a_long_list_of_names_is_cut() {
        let mut room = room(OPTIONS);
        for member in 0..1000 {
            room.enter(member, &format!("member-{member}"));
        }
        let list = told(&mut room, 0, "/who");
        assert!(
            list.starts_with("* Here (1000): member-0, member-1, "),
            "{list}"
        );
        assert!(list.len() < WHO_BYTES_MAX + 100);
        let more: usize = list
            .rsplit_once(" and ")
            .unwrap()
            .1
            .strip_suffix(" more\n")
            .unwrap()
            .parse()
            .unwrap();
        assert_eq!(list.matches("member-").count() + more, 1000);
    }

    proptest! {
        /// What kind of line it is and whose can be told from its start, whatever people say.
        #[test]
        fn no_text_forges_another_line(
            name in "[a-z]{1,3}",
            line in prop_oneof![
                "(/me |/msg bob |/nick |)(has left the chatroom!|ali: hi|\\* |.{0,20})",
                ".{0,30}",
            ],
        ) {
            let mut room = with(&["ali", "bob"]);
            prop_assume!(room.enter(2, &name).is_some());
            let outcome = room.hear(2, &line);
            if let Some(range) = outcome.said.clone() {
                let said = text(&room, range);
                let own = said.starts_with(&format!("{name}: "))
                    || said.starts_with(&format!("* {name} "))
                    || (outcome.renamed_from.is_some() && said.starts_with(&format!("{name} is now known as ")));
                prop_assert!(own, "{said}");
            }
            if outcome.private_to.is_some_and(|to| to != 2) {
                let start = format!("{name} (privately): ");
                prop_assert!(room.private().starts_with(&start), "{}", room.private());
            }
        }
    }
}
