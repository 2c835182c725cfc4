//! Tells a person who looks elsewhere that somebody wants them (`--notify`).

/// Remembers the window's title and asks for word of the focus; and the other way round.
pub(super) const BEGIN: &str = "\x1b[22;2t\x1b[?1004h";
pub(super) const END: &str = "\x1b[?1004l\x1b[23;2t";

/// The longest text of a notification, in characters.
const TEXT_CHARS_MAX: usize = 200;

/// Sets the window's title to how much is unread, and pops up what is meant for the person.
#[derive(Debug)]
pub(super) struct Notifier {
    /// What the title is when nothing is unread.
    title: String,
    /// The terminal takes OSC 777, with a title, rather than OSC 9.
    with_title: bool,
    unread: usize,
    /// The person looks at the terminal; unknown where the terminal doesn't tell.
    focused: Option<bool>,
}

impl Notifier {
    /// Returns one for the room at `server`; `with_title` where the terminal takes OSC 777.
    pub(super) fn new(server: &str, with_title: bool) -> Self {
        Self {
            title: format!("chatroom {server}"),
            with_title,
            unread: 0,
            focused: None,
        }
    }

    /// Returns what to tell the terminal first.
    pub(super) fn begin(&self) -> String {
        self.shown_title()
    }

    /// Returns what to tell the terminal about a line of talk, which is meant for the person if
    /// `calls`.
    pub(super) fn hear(&mut self, text: &str, calls: bool) -> String {
        if self.focused == Some(true) {
            return String::new();
        }
        self.unread += 1;
        let mut told = self.shown_title();
        if calls {
            let text: String = text
                .chars()
                .filter(|character| !character.is_control() && *character != ';')
                .take(TEXT_CHARS_MAX)
                .collect();
            let command = if self.with_title {
                "777;notify;chatroom;"
            } else {
                "9;"
            };
            told.extend(["\x1b]", command, &text, "\x07"]);
        }
        told
    }

    /// Returns what to tell the terminal once the person looks, or looks away.
    pub(super) fn focus(&mut self, focused: bool) -> String {
        self.focused = Some(focused);
        if focused { self.seen() } else { String::new() }
    }

    /// Returns what to tell the terminal now that the person has seen everything.
    pub(super) fn seen(&mut self) -> String {
        if self.unread == 0 {
            return String::new();
        }
        self.unread = 0;
        self.shown_title()
    }

    fn shown_title(&self) -> String {
        let title = &self.title;
        match self.unread {
            0 => format!("\x1b]2;{title}\x07"),
            unread => format!("\x1b]2;({unread}) {title}\x07"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unread_are_counted_while_nobody_looks() {
        let mut notifier = Notifier::new("here", false);
        assert_eq!(notifier.begin(), "\x1b]2;chatroom here\x07");
        assert_eq!(
            notifier.hear("ali: hi", false),
            "\x1b]2;(1) chatroom here\x07"
        );
        let told = notifier.hear("ali: hi\tyou;\x07", true);
        assert_eq!(told, "\x1b]2;(2) chatroom here\x07\x1b]9;ali: hiyou\x07");
        assert_eq!(notifier.focus(true), "\x1b]2;chatroom here\x07");
        assert_eq!(notifier.hear("ali: hi you", true) + &notifier.seen(), "");
        assert_eq!(notifier.focus(false), "");
        let mut notifier = Notifier {
            with_title: true,
            ..notifier
        };
        let told = notifier.hear("hi", true);
        assert!(
            told.ends_with("\x1b]777;notify;chatroom;hi\x07"),
            "{told:?}"
        );
    }
}
