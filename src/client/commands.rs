//! What a typed line is: talk, a command of the room, or one of the client's own.

use std::borrow::Cow;

/// The client's own commands, and what they do.
pub(super) const OWN: [(&str, &str); 5] = [
    ("/help keys", "lists what the keys do"),
    ("/set", "lists the settings; /set KEY VALUE changes one"),
    ("/ignore NAME", "hides what NAME says and does"),
    ("/unignore NAME", "shows it again"),
    ("/ignored", "lists whom you ignore"),
];

/// What the keys do.
pub(super) const KEYS: [(&str, &str); 12] = [
    ("Enter", "sends; offline, tries to come back now"),
    ("Alt-Enter", "starts a new row"),
    (
        "Ctrl-A/E/B/F",
        "go to the start, the end, left, right; Alt-B/F: by words",
    ),
    (
        "Ctrl-K/U/W",
        "kill to the end, to the start, a word; Alt-D: the next word",
    ),
    (
        "Ctrl-Y, Alt-Y",
        "put back what was killed; what was killed before that",
    ),
    ("Ctrl-T, Alt-T", "swap characters; words"),
    (
        "Alt-U/L/C",
        "write a word in capitals; small; with a capital",
    ),
    ("Ctrl-_", "undoes"),
    ("Up, Down, Ctrl-R", "what you sent before; search it"),
    ("Alt-.", "the last word of what you sent before"),
    (
        "Tab",
        "completes names, also after @, and commands; again: the next",
    ),
    (
        "Ctrl-L/C/D/Z",
        "paint anew; keep the draft for Up, twice: leave; leave; suspend",
    ),
];

/// One of the client's own commands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Own<'a> {
    /// `/help`: tell of these, and let the room tell of its own.
    Help,
    /// `/help keys`.
    Keys,
    /// `/set`: list them.
    Settings,
    /// `/set KEY VALUE`.
    Set { key: &'a str, value: &'a str },
    /// `/ignore NAME`.
    Ignore(&'a str),
    /// `/unignore NAME`.
    Unignore(&'a str),
    /// `/ignored`, or one of the others without a name.
    Ignored,
}

impl<'a> Own<'a> {
    /// Returns which of them `line` is, in any case; none if it is for the room.
    pub(super) fn parse(line: &'a str) -> Option<Self> {
        let (word, rest) = split_word(line);
        let (first, second) = split_word(rest);
        Some(match word.to_lowercase().as_str() {
            "/help" if rest.eq_ignore_ascii_case("keys") => Self::Keys,
            "/help" => Self::Help,
            "/set" if first.is_empty() => Self::Settings,
            "/set" => Self::Set {
                key: first,
                value: second.strip_prefix('=').unwrap_or(second).trim(),
            },
            "/ignored" => Self::Ignored,
            "/ignore" | "/unignore" if first.is_empty() => Self::Ignored,
            "/ignore" => Self::Ignore(first),
            "/unignore" => Self::Unignore(first),
            _ => return None,
        })
    }
}

/// Returns `line` as it has to be sent. If it is typed by a person, a first word of a slash and
/// letters alone is a command; whatever else starts with a slash is said, and needs one more for that.
pub(super) fn to_send(is_typed: bool, line: &str) -> Cow<'_, str> {
    if is_typed && line.starts_with('/') && !line.starts_with("//") && !is_command(line) {
        Cow::Owned(["/", line].concat())
    } else {
        Cow::Borrowed(line)
    }
}

/// Splits off the first word; blanks around both are dropped.
fn split_word(line: &str) -> (&str, &str) {
    let line = line.trim();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    (word, rest.trim_start())
}

/// Returns whether the first word of `line` is a slash and letters alone.
fn is_command(line: &str) -> bool {
    let word = line.split_whitespace().next().unwrap_or_default();
    let letters = word.strip_prefix('/').unwrap_or_default();
    !letters.is_empty() && letters.chars().all(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clients_own_are_told_from_the_rooms() {
        let (key, value) = ("bell", "yes");
        for (line, own) in [
            ("/help", Some(Own::Help)),
            ("/help Keys", Some(Own::Keys)),
            ("/set", Some(Own::Settings)),
            (" /SET bell  yes ", Some(Own::Set { key, value })),
            ("/set bell = yes", Some(Own::Set { key, value })),
            ("/ignore bob", Some(Own::Ignore("bob"))),
            ("/unignore bob", Some(Own::Unignore("bob"))),
            ("/ignore", Some(Own::Ignored)),
            ("/ignored", Some(Own::Ignored)),
            ("/who", None),
            ("//set", None),
            ("set bell yes", None),
        ] {
            assert_eq!(Own::parse(line), own, "{line}");
        }
    }

    #[test]
    fn only_a_slash_and_letters_is_a_command() {
        for (line, sent) in [
            ("hi", "hi"),
            ("/who", "/who"),
            ("/mgs bob secret", "/mgs bob secret"),
            ("//x", "//x"),
            ("/etc/passwd is a file", "//etc/passwd is a file"),
            ("/", "//"),
            ("/ x", "// x"),
            ("/7", "//7"),
            (" /etc/x", " /etc/x"),
        ] {
            assert_eq!(to_send(true, line), sent);
            assert_eq!(to_send(false, line), line);
        }
    }
}
