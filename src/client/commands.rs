//! What a typed line is to the room: talk or a command.

use std::borrow::Cow;

/// Returns `line` as it has to be sent. A first word of a slash and letters alone is a command;
/// whatever else starts with a slash is said, and needs one more for that.
pub(super) fn to_send(line: &str) -> Cow<'_, str> {
    if line.starts_with('/') && !line.starts_with("//") && !is_command(line) {
        Cow::Owned(["/", line].concat())
    } else {
        Cow::Borrowed(line)
    }
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
            assert_eq!(to_send(line), sent);
        }
    }
}
