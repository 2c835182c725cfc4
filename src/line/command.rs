//! Tells talk from commands.

/// What a member's line asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// Say this to everybody.
    Say(&'a str),
    /// `/me TEXT`: tell everybody what one does.
    Me(&'a str),
    /// `/msg NAME TEXT`: say this to one member alone.
    Message {
        /// Whom to tell, as typed.
        to: &'a str,
        /// What to tell.
        text: &'a str,
    },
    /// `/nick NAME`: go by another name.
    Nick(&'a str),
    /// `/who`: list the members.
    Who,
    /// `/help`: list the commands.
    Help,
    /// `/quit`: leave.
    Quit,
    /// A command without what it needs; holds how it is used.
    Incomplete(&'static str),
    /// A line that starts with `/` and is no command; holds its first word.
    Unknown(&'a str),
}

/// How each command is used, and what it does.
pub const USAGE: [(&str, &str); 7] = [
    ("/who", "lists who is here"),
    ("/me TEXT", "tells what you do"),
    ("/msg NAME TEXT", "says it to NAME alone"),
    ("/nick NAME", "changes your name"),
    ("/quit", "leaves the room"),
    ("/help", "shows this"),
    ("//TEXT", "says /TEXT"),
];

impl<'a> Command<'a> {
    /// Returns what `line` asks for.
    #[must_use]
    pub fn parse(line: &'a str) -> Self {
        let Some(rest) = line.strip_prefix('/') else {
            return Self::Say(line);
        };
        if rest.starts_with('/') {
            return Self::Say(rest);
        }
        let (word, argument) = split_word(line);
        match (word, argument) {
            ("/who", _) => Self::Who,
            ("/help", _) => Self::Help,
            ("/quit", _) => Self::Quit,
            ("/me", "") => Self::Incomplete("/me TEXT"),
            ("/me", text) => Self::Me(text),
            ("/nick", "") => Self::Incomplete("/nick NAME"),
            ("/nick", name) => Self::Nick(name),
            ("/msg", argument) => match split_word(argument) {
                ("", _) | (_, "") => Self::Incomplete("/msg NAME TEXT"),
                (to, text) => Self::Message { to, text },
            },
            _ => Self::Unknown(word),
        }
    }
}

/// Splits off the first word; the rest loses the spaces before and after it.
fn split_word(line: &str) -> (&str, &str) {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    (word, rest.trim_matches(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_talk() {
        for (line, command) in [
            ("hello", Command::Say("hello")),
            (" /who", Command::Say(" /who")),
            ("//who", Command::Say("/who")),
            ("//", Command::Say("/")),
            ("/", Command::Unknown("/")),
            ("/who", Command::Who),
            ("/who  ", Command::Who),
            ("/whom", Command::Unknown("/whom")),
            ("/help me", Command::Help),
            ("/quit", Command::Quit),
            ("/me", Command::Incomplete("/me TEXT")),
            ("/me  ", Command::Incomplete("/me TEXT")),
            ("/me waves back", Command::Me("waves back")),
            ("/nick zed", Command::Nick("zed")),
            ("/nick", Command::Incomplete("/nick NAME")),
            ("/msg", Command::Incomplete("/msg NAME TEXT")),
            ("/msg bob", Command::Incomplete("/msg NAME TEXT")),
            (
                "/msg bob  hi there ",
                Command::Message {
                    to: "bob",
                    text: "hi there",
                },
            ),
        ] {
            assert_eq!(Command::parse(line), command, "{line:?}");
        }
    }
}
