//! What is typed and not to be seen: a password, and keys behind names.

use std::borrow::Cow;
use std::mem;

use super::{Editor, Key, Typed};
use crate::client::secrets::without_keys;
use crate::line::command::Command;

/// How much of what is typed isn't shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::client) enum Secrecy {
    /// What stands behind the name in `/nick NAME KEY`.
    #[default]
    KeyOfNick,
    /// What stands behind the first word.
    Key,
    /// All of it, and nothing is remembered.
    All,
}

/// Stands for each character of a key that isn't shown.
const HIDDEN: &str = "*";

impl Editor {
    /// Sets how much of what is typed isn't shown. While nothing is, what was being typed before is
    /// put aside.
    pub(in crate::client) fn set_secrecy(&mut self, secrecy: Secrecy) {
        if mem::replace(&mut self.secrecy, secrecy) == secrecy {
            return;
        }
        self.stale = true;
        self.search = None;
        if secrecy == Secrecy::All {
            self.aside = Some(mem::take(&mut self.typed));
        } else if let Some(typed) = self.aside.take() {
            self.typed = typed;
        }
    }

    /// Returns what is typed and not sent, but for secrets.
    pub(in crate::client) fn draft(&self) -> &str {
        let typed = self.aside.as_ref().unwrap_or(&self.typed);
        typed.text()
    }

    /// Returns whether a key would bring lines up that were sent before, or names: not in a secret.
    pub(super) fn is_out_of_place(&self, key: &Key) -> bool {
        let looks = matches!(
            key,
            Key::Complete | Key::Up | Key::Down | Key::Search | Key::LastWord | Key::NewRow
        );
        looks && self.secrecy == Secrecy::All
    }

    /// Returns how many lines of a text are sent. A secret is one: what may be pasted behind it is none.
    pub(super) fn lines_max(&self) -> usize {
        match self.secrecy {
            Secrecy::All => 1,
            _ => usize::MAX,
        }
    }

    /// Remembers a text that is sent or given up, but for secrets.
    pub(super) fn remember(&mut self, text: &str) {
        if self.secrecy == Secrecy::All {
            // Nor what of it could be put back.
            self.typed = Typed::default();
        } else {
            self.history.push(&without_keys(text));
        }
    }

    /// Returns what is shown of the text from `start` to `end`.
    pub(super) fn shown(&self, start: usize, end: usize) -> Cow<'_, str> {
        let text = self.typed.text();
        let hidden = hidden_from(text, self.secrecy).clamp(start, end);
        let (open, secret) = (&text[start..hidden], &text[hidden..end]);
        if secret.is_empty() {
            return Cow::Borrowed(open);
        }
        match self.secrecy {
            Secrecy::All => Cow::Borrowed(""),
            _ => Cow::Owned([open, &HIDDEN.repeat(secret.chars().count())].concat()),
        }
    }
}

/// Returns where in `text` what isn't shown begins.
fn hidden_from(text: &str, secrecy: Secrecy) -> usize {
    let behind_first = |text: &str| {
        let name = text
            .trim_start()
            .split_inclusive(char::is_whitespace)
            .next();
        let start = text.len() - text.trim_start().len();
        start + name.map_or(0, str::len)
    };
    match secrecy {
        Secrecy::All => 0,
        Secrecy::Key => behind_first(text),
        Secrecy::KeyOfNick => match Command::parse(text) {
            Command::Nick(claim) => text.rfind(claim).unwrap_or(text.len()) + behind_first(claim),
            _ => text.len(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_behind_a_name_is_a_key() {
        for (text, secrecy, open) in [
            ("open sesame", Secrecy::All, ""),
            ("ali", Secrecy::Key, "ali"),
            ("ali 2eef", Secrecy::Key, "ali "),
            ("  ali  2eef", Secrecy::Key, "  ali "),
            ("", Secrecy::Key, ""),
            ("ali 2eef", Secrecy::KeyOfNick, "ali 2eef"),
            ("/nick ali 2eef", Secrecy::KeyOfNick, "/nick ali "),
            ("/NICK سهیل 2eef", Secrecy::KeyOfNick, "/NICK سهیل "),
            ("/nick", Secrecy::KeyOfNick, "/nick"),
            ("/nick nick nick", Secrecy::KeyOfNick, "/nick nick "),
        ] {
            assert_eq!(&text[..hidden_from(text, secrecy)], open, "{text:?}");
        }
    }
}
