//! Tells talk from commands.

use unicode_normalization::char::is_combining_mark;

use super::order::{self, Order};
use super::sanitize::is_invisible;

/// What a member's line asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command<'a> {
    /// Nothing: nobody would see anything of it.
    Nothing,
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
    /// `/r TEXT`: say this to whoever said something to one alone last.
    Reply(&'a str),
    /// `/nick NAME`: go by another name.
    Nick(&'a str),
    /// `/who TEXT`: list the members whose names contain this; all, if it is empty.
    Who(&'a str),
    /// `/help`: list the commands.
    Help,
    /// `/help moderation`: list the commands of operators.
    HelpModeration,
    /// `/keep`: keep one's name by a key.
    Keep,
    /// `/newkey`: keep it by another key.
    NewKey,
    /// `/unkeep`: keep it no more.
    Unkeep,
    /// `/whoami`: what is known of oneself.
    Whoami,
    /// `/whois NAME`: what is known of somebody.
    Whois(&'a str),
    /// `/ignore NAME`: hear no more what somebody says.
    Ignore(&'a str),
    /// `/unignore NAME`: hear it again.
    Unignore(&'a str),
    /// `/ignored`: list whom one ignores.
    Ignored,
    /// `/topic`: what the room is about.
    Topic,
    /// `/motd`: the message of the day.
    Motd,
    /// What only operators may ask for.
    Order(Order<'a>),
    /// `/quit`: leave.
    Quit,
    /// A command without what it needs; holds how it is used.
    Incomplete(&'static str),
    /// A line that starts as a command does and is none; holds its first word.
    Unknown(&'a str),
}

/// The words of the commands for everybody.
pub const WORDS: [&str; 17] = [
    "who", "me", "msg", "r", "nick", "quit", "help", "keep", "newkey", "unkeep", "whoami", "whois",
    "ignore", "unignore", "ignored", "topic", "motd",
];

/// How each command for everybody is used, and what it does.
pub const USAGE: [Usage; 13] = [
    (
        "/who [TEXT]",
        "lists who is here, or those with TEXT in their name",
    ),
    ("/me TEXT", "tells what you do"),
    ("/msg NAME TEXT", "says it to NAME alone"),
    (
        "/r TEXT",
        "answers whoever last said something to you alone",
    ),
    ("/nick NAME", "changes your name"),
    (
        "/keep",
        "keeps your name for you: you get a key (/newkey, /unkeep)",
    ),
    ("/ignore NAME", "hides what NAME says (/unignore, /ignored)"),
    ("/whois NAME", "tells about NAME; /whoami about you"),
    ("/topic", "tells what the room is about"),
    ("/motd", "shows the message of the day"),
    ("/quit", "leaves the room"),
    (
        "/help",
        "shows this; /help moderation what operators can do",
    ),
    ("//TEXT", "says /TEXT"),
];

pub use super::order::{USAGE as MODERATION, Usage};

impl<'a> Command<'a> {
    /// Returns what `line` asks for.
    ///
    /// A command is a slash and letters, as far as the first word goes, in any case and whatever is
    /// before it that nobody sees: what is meant for one must not reach everybody for the sake of a
    /// slip. Another first word, such as that of `/etc/passwd is a file`, is talk.
    #[must_use]
    pub fn parse(line: &'a str) -> Self {
        let shown = line.trim_start_matches(is_invisible);
        if shown.is_empty() {
            return Self::Nothing;
        }
        let Some(rest) = shown.strip_prefix('/') else {
            return Self::Say(line);
        };
        let end = rest.find(|c| !is_letter(c)).unwrap_or(rest.len());
        let (word, rest) = rest.split_at(end);
        if rest.starts_with(|c| !is_invisible(c)) {
            let escaped = line.strip_prefix('/').filter(|text| text.starts_with('/'));
            return Self::Say(escaped.unwrap_or(line));
        }
        Self::of(word, rest.trim()).unwrap_or(Self::Unknown(&shown[..=end]))
    }

    /// Returns the command that starts with `word` and goes on with `argument`.
    fn of(word: &str, argument: &'a str) -> Option<Self> {
        let known = WORDS
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(word));
        let Some(known) = known else {
            let order = order::parse(word, argument)?;
            return Some(order.map_or_else(Self::Incomplete, Self::Order));
        };
        let is_empty = argument.chars().all(is_invisible);
        Some(match known {
            "who" => Self::Who(if is_empty { "" } else { argument }),
            "help" if argument.eq_ignore_ascii_case("moderation") => Self::HelpModeration,
            "help" => Self::Help,
            "keep" => Self::Keep,
            "newkey" => Self::NewKey,
            "unkeep" if is_empty => Self::Unkeep,
            "unkeep" => Self::Order(Order::Free(argument)),
            "whoami" => Self::Whoami,
            "ignored" => Self::Ignored,
            "motd" => Self::Motd,
            "topic" if is_empty => Self::Topic,
            "topic" => Self::Order(Order::Topic(argument)),
            "whois" if is_empty => Self::Incomplete("/whois NAME"),
            "whois" => Self::Whois(argument),
            "ignore" if is_empty => Self::Incomplete("/ignore NAME"),
            "ignore" => Self::Ignore(argument),
            "unignore" if is_empty => Self::Incomplete("/unignore NAME"),
            "unignore" => Self::Unignore(argument),
            "quit" => Self::Quit,
            "me" if is_empty => Self::Incomplete("/me TEXT"),
            "me" => Self::Me(argument),
            "r" if is_empty => Self::Incomplete("/r TEXT"),
            "r" => Self::Reply(argument),
            "nick" if is_empty => Self::Incomplete("/nick NAME"),
            "nick" => Self::Nick(argument),
            _ => Self::message(argument).unwrap_or(Self::Incomplete("/msg NAME TEXT")),
        })
    }

    fn message(argument: &'a str) -> Option<Self> {
        // Not by what is invisible: ZWNJ is part of many a Persian name.
        let (to, text) = argument.split_once(char::is_whitespace)?;
        let text = text.trim_start();
        let says_something = !text.chars().all(is_invisible);
        says_something.then_some(Self::Message { to, text })
    }
}

/// Returns whether a word of letters goes on with `character`.
fn is_letter(character: char) -> bool {
    character.is_alphabetic() || is_combining_mark(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message<'a>(to: &'a str, text: &'a str) -> Command<'a> {
        Command::Message { to, text }
    }

    #[test]
    fn commands_and_talk() {
        for (line, command) in [
            ("hello", Command::Say("hello")),
            ("  spaces stay ", Command::Say("  spaces stay ")),
            ("/who", Command::Who("")),
            ("/who  ", Command::Who("")),
            ("/who  al i ", Command::Who("al i")),
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
            ("/msg bob  hi there ", message("bob", "hi there")),
        ] {
            assert_eq!(Command::parse(line), command, "{line:?}");
        }
    }

    #[test]
    fn a_command_is_one_in_any_case_and_behind_blanks() {
        for line in [
            "/WHO",
            " /who",
            "\t/Who",
            "\u{A0}\u{3000}/who",
            "\u{FEFF}/who",
        ] {
            assert_eq!(Command::parse(line), Command::Who(""), "{line:?}");
        }
        for line in [" /msg bob 1234", "/MSG bob 1234", "/msg\tbob\t1234"] {
            assert_eq!(Command::parse(line), message("bob", "1234"), "{line:?}");
        }
        assert_eq!(Command::parse("  /QUIT "), Command::Quit);
        assert_eq!(Command::parse(" /mgs b x"), Command::Unknown("/mgs"));
    }

    #[test]
    fn two_slashes_and_what_is_no_word_are_talk() {
        for (line, said) in [
            ("//who", "/who"),
            ("//", "/"),
            ("///x", "//x"),
            (" //who", " //who"),
            ("/etc/passwd is a file", "/etc/passwd is a file"),
            ("/r/rust is a place", "/r/rust is a place"),
            ("/1 of 2", "/1 of 2"),
            ("/who? me?", "/who? me?"),
            ("/* no */", "/* no */"),
        ] {
            assert_eq!(Command::parse(line), Command::Say(said), "{line:?}");
        }
        for (line, word) in [
            ("/", "/"),
            ("/ msg bob 1234", "/"),
            ("/mgs bob 1234", "/mgs"),
            ("/\u{200B}msg bob 1234", "/"),
            ("/نام", "/نام"),
            ("/नमस्ते दुनिया", "/नमस्ते"),
        ] {
            assert_eq!(Command::parse(line), Command::Unknown(word), "{line:?}");
        }
    }

    #[test]
    fn what_nobody_sees_says_nothing() {
        for blank in [
            "",
            " ",
            "\t \u{3000}",
            "\u{3164}",
            "\u{200D}\u{FE0F}",
            "\u{2800}\u{FEFF}",
        ] {
            assert_eq!(Command::parse(blank), Command::Nothing, "{blank:?}");
            for usage in ["/me TEXT", "/r TEXT", "/msg NAME TEXT", "/nick NAME"] {
                let line = usage.replace("NAME TEXT", "bob TEXT");
                let line = line.replace("TEXT", blank).replace("NAME", blank);
                assert_eq!(
                    Command::parse(&line),
                    Command::Incomplete(usage),
                    "{line:?}"
                );
            }
            let line = format!("/who {blank}");
            assert_eq!(Command::parse(&line), Command::Who(""));
        }
        for text in ["❤\u{FE0F}", "\u{941}", "\u{200F}سلام"] {
            assert_eq!(Command::parse(text), Command::Say(text));
            let line = format!("/msg علی\u{200C}رضا {text}");
            assert_eq!(Command::parse(&line), message("علی\u{200C}رضا", text));
        }
    }
}
