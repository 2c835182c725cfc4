//! The room as people read it with `nc`: a line of text for each thing that happens.

mod past;

use std::fmt::{self, Write};

pub use self::past::{PAST_END, put_past};
use crate::room::notice::CLOSING;
use crate::room::{Effect, Event, Name, Names};

/// What the server says to a connection without a name.
pub const PROMPT: &str = "Please enter your name:";

/// What the server says before that where the room has a password.
pub const ASK_PASSWORD: &str = "Please enter the password:";

/// What the server says to somebody whose name is accepted.
pub const GREETING: &str = "Chat with your friends and enjoy";

/// What stands between a name and what it says to everybody.
pub const SAYS: &str = ": ";

/// What stands between a name and what it says to one person alone.
pub const SAYS_PRIVATELY: &str = " (privately): ";

/// What follows the name of somebody who came.
pub const JOINED: &str = " is joined to the chatroom!";

/// What follows the name of somebody who left.
pub const LEFT: &str = " has left the chatroom!";

/// What stands between an old name and a new one, which [`RENAMED_END`] follows.
pub const RENAMED: &str = " is now known as ";

/// See [`RENAMED`].
pub const RENAMED_END: &str = "!";

/// What each line of a notice starts with, and what somebody does.
pub const STAR: &str = "* ";

/// What tells somebody the key of the name that is kept for it from now on, and how it is used; the
/// key comes behind the first, the name and the key behind the second.
pub const KEY_LINES: [&str; 2] = [
    "Your name is kept for you. This is its key, shown only now: ",
    "Your answer to the question for a name is from now on: ",
];

/// A line of the server, by what it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// The question for the password of the room.
    AskPassword,
    /// The question for a name.
    Prompt,
    /// The welcome after it.
    Greeting,
    /// Somebody says something to everybody.
    Said {
        /// Who.
        name: &'a str,
        /// What.
        text: &'a str,
    },
    /// Somebody says something to the reader alone.
    SaidPrivately {
        /// Who.
        name: &'a str,
        /// What.
        text: &'a str,
    },
    /// Somebody tells what they do.
    Did {
        /// Who.
        name: &'a str,
        /// What.
        text: &'a str,
    },
    /// Somebody came.
    Joined(&'a str),
    /// Somebody left.
    Left(&'a str),
    /// Somebody goes by another name now.
    Renamed {
        /// The name so far.
        from: &'a str,
        /// The name from now on.
        to: &'a str,
    },
    /// The server's word to the reader: one line of it, without its star.
    Notice(&'a str),
    /// None of these: another server's, or part of a line too long for one.
    Other(&'a str),
}

impl<'a> Line<'a> {
    /// Returns the line that tells everybody of an event, if everybody may know; `names` are those
    /// before it.
    #[must_use]
    pub fn of(event: &'a Event<'_>, names: &'a Names) -> Option<Self> {
        Some(match event {
            Event::Whispered { .. } => return None,
            Event::Said { member, text } => Self::Said {
                name: names.of(*member),
                text,
            },
            Event::Did { member, text } => Self::Did {
                name: names.of(*member),
                text,
            },
            Event::Joined { name, .. } => Self::Joined(name.as_str()),
            Event::Renamed { member, name } => Self::Renamed {
                from: names.of(*member),
                to: name.as_str(),
            },
            Event::Left { member } => Self::Left(names.of(*member)),
            Event::Act { act, words, .. } => {
                return act.is_public().then_some(Self::Notice(words));
            }
            Event::Announced { text } => Self::Notice(text),
            Event::Closing => Self::Notice(CLOSING),
        })
    }

    /// Returns what to write one after the other, the line end included.
    #[must_use]
    pub fn parts(self) -> [&'a str; 5] {
        match self {
            Self::AskPassword => [ASK_PASSWORD, "\n", "", "", ""],
            Self::Prompt => [PROMPT, "\n", "", "", ""],
            Self::Greeting => [GREETING, "\n", "", "", ""],
            Self::Said { name, text } => [name, SAYS, text, "\n", ""],
            Self::SaidPrivately { name, text } => [name, SAYS_PRIVATELY, text, "\n", ""],
            Self::Did { name, text } => [STAR, name, " ", text, "\n"],
            Self::Joined(name) => [name, JOINED, "\n", "", ""],
            Self::Left(name) => [name, LEFT, "\n", "", ""],
            Self::Renamed { from, to } => [from, RENAMED, to, RENAMED_END, "\n"],
            Self::Notice(text) => [STAR, text, "\n", "", ""],
            Self::Other(text) => [text, "\n", "", "", ""],
        }
    }

    /// Returns what `line`, without its line end, tells. No notice starts with a word that can be a
    /// name, and no name has a space or a colon: so the start of a line says what it is.
    #[must_use]
    pub fn parse(line: &'a str) -> Self {
        if line == PROMPT {
            return Self::Prompt;
        }
        if line == ASK_PASSWORD {
            return Self::AskPassword;
        }
        if line == GREETING {
            return Self::Greeting;
        }
        if let Some(rest) = line.strip_prefix(STAR) {
            return match rest.split_once(' ') {
                Some((name, text)) if is_name(name) => Self::Did { name, text },
                _ => Self::Notice(rest),
            };
        }
        if let Some((name, text)) = line.split_once(SAYS)
            && is_name(name)
        {
            return Self::Said { name, text };
        }
        if let Some((name, text)) = line.split_once(SAYS_PRIVATELY)
            && is_name(name)
        {
            return Self::SaidPrivately { name, text };
        }
        Self::parse_coming(line).unwrap_or(Self::Other(line))
    }

    fn parse_coming(line: &'a str) -> Option<Self> {
        let (name, rest) = line.split_at(line.find(' ')?);
        if !is_name(name) {
            return None;
        }
        match rest {
            JOINED => Some(Self::Joined(name)),
            LEFT => Some(Self::Left(name)),
            _ => {
                let to = rest.strip_prefix(RENAMED)?.strip_suffix(RENAMED_END)?;
                is_name(to).then_some(Self::Renamed { from: name, to })
            }
        }
    }
}

/// Adds to `out` what one person reads of an effect: whole lines, nothing of [`Effect::Quit`].
pub fn put(effect: &Effect<'_>, out: &mut String) {
    match *effect {
        Effect::Prompt => out.extend(Line::Prompt.parts()),
        Effect::AskPassword => out.extend(Line::AskPassword.parts()),
        Effect::Private { from, text } => {
            out.extend(Line::SaidPrivately { name: from, text }.parts());
        }
        Effect::Notice(notice) => {
            out.push_str(STAR);
            let written = write!(Starred(out), "{notice}");
            debug_assert!(written.is_ok(), "writing to a string can't fail");
            out.push('\n');
        }
        Effect::Key { name, key } => {
            let key = key.reveal();
            let [first, second] = KEY_LINES;
            out.extend([STAR, first, &key, "\n", STAR, second, name, " ", &key, "\n"]);
        }
        Effect::Quit | Effect::Dismiss(_) => {}
    }
}

/// Puts a star before each further line of what is written.
struct Starred<'o>(&'o mut String);

impl Write for Starred<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut lines = text.split('\n');
        self.0.extend(lines.next());
        for line in lines {
            self.0.extend(["\n", STAR, line]);
        }
        Ok(())
    }
}

fn is_name(text: &str) -> bool {
    Name::parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::command::Command;
    use crate::room::{Audience, Claim, MemberId, Reach, Room};
    use proptest::prelude::*;

    fn line() -> impl Strategy<Value = (String, String, u8)> {
        let name = proptest::sample::select(&["ali", "سهیل", "b0b", "Is", "Zoë"][..])
            .prop_map(str::to_owned);
        let text = prop_oneof![
            Just("has left the chatroom!".to_owned()),
            Just("ali: hi".to_owned()),
            Just("* ali waves".to_owned()),
            "[^\n]{0,20}",
        ];
        (name, text, 0_u8..9)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back((name, text, kind) in line()) {
            let (name, text) = (name.as_str(), text.as_str());
            let line = match kind {
                0 => Line::Prompt,
                1 => Line::Greeting,
                2 => Line::Said { name, text },
                3 => Line::SaidPrivately { name, text },
                4 => Line::Did { name, text },
                5 => Line::Joined(name),
                6 => Line::Left(name),
                7 => Line::AskPassword,
                _ => Line::Renamed { from: name, to: "Veli" },
            };
            let written = line.parts().concat();
            prop_assert_eq!(Line::parse(written.strip_suffix('\n').unwrap()), line);
        }
    }

    #[test]
    fn notices_and_the_rest_are_read_back() {
        for (line, expected) in [
            ("* The chatroom is closing.", Line::Notice(CLOSING)),
            ("* Here (2): ali, bob", Line::Notice("Here (2): ali, bob")),
            ("half a line", Line::Other("half a line")),
            (
                "a b is joined to the chatroom!",
                Line::Other("a b is joined to the chatroom!"),
            ),
            ("", Line::Other("")),
        ] {
            assert_eq!(Line::parse(line), expected);
            assert_eq!(expected.parts().concat().trim_end(), line);
        }
    }

    /// What each member reads.
    #[derive(Default)]
    struct Screens([String; 3]);

    impl Audience for Screens {
        fn reach(&self, _: MemberId, _: usize) -> Reach {
            Reach::Open
        }

        fn push(&mut self, member: MemberId, effect: Effect<'_>) {
            put(&effect, &mut self.0[member.slot()]);
        }
    }

    /// Returns a room of people called so.
    fn with(names: &[&str]) -> Option<Room> {
        let mut room = Room::default();
        for (slot, name) in names.iter().enumerate() {
            let mut screens = Screens::default();
            let event = room.decide_name(
                MemberId::from_slot(slot),
                Claim::parse(name),
                0,
                &mut screens,
            )?;
            room.apply(event, 0, &mut screens);
        }
        Some(room)
    }

    #[test]
    fn each_line_of_a_notice_has_its_star() {
        let room = with(&["ali"]).unwrap();
        let mut screens = Screens::default();
        room.decide(
            MemberId::from_slot(0),
            Command::parse("/help"),
            0,
            &mut screens,
        );
        let lines: Vec<&str> = screens.0[0].lines().collect();
        assert_eq!(
            lines[..2],
            [
                "* Here is what you can type:",
                "*   /who [TEXT]     lists who is here, or those with TEXT in their name"
            ]
        );
        assert!(lines.iter().all(|line| line.starts_with("* ")));
        assert!(screens.0[0].ends_with('\n'));
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
            let Some(mut room) = with(&["ali", "bob", &name]) else {
                return Ok(());
            };
            let mut screens = Screens::default();
            let own = name;
            if let Some(event) = room.decide(MemberId::from_slot(2), Command::parse(&line), 0, &mut screens) {
                if let Some(said) = Line::of(&event, room.names()) {
                    let said = said.parts().concat();
                    let is_own = match Line::parse(said.strip_suffix('\n').unwrap()) {
                        Line::Said { name, .. } | Line::Did { name, .. } => name == own,
                        Line::Renamed { from, .. } => from == own,
                        _ => false,
                    };
                    prop_assert!(is_own, "{said}");
                }
                room.apply(event, 0, &mut screens);
            }
            let [_, bob, _] = &screens.0;
            let start = format!("{own} (privately): ");
            prop_assert!(bob.is_empty() || bob.starts_with(&start), "{bob}");
        }
    }
}
