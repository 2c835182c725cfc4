//! What a person keeps to themselves: the keys of names, and the password of the room.

use std::borrow::Cow;
use std::fmt;

use crate::room::Name;
use crate::room::access::Key;

/// The most keys remembered.
pub(super) const KEYS_MAX: usize = 1000;

/// Stands for a key wherever a line is shown or kept.
const KEY_SHOWN: &str = "(key)";

/// What a person keeps to themselves; never shown by `Debug`.
#[derive(Default)]
pub(super) struct Secrets {
    keys: Vec<(String, Key)>,
    password: Option<String>,
    /// Keys that the server gives are kept in a file rather than shown.
    keeps: bool,
}

impl Secrets {
    /// Returns what is known of a room before it is joined.
    pub(super) fn new(password: Option<String>, keeps: bool) -> Self {
        Self {
            keys: Vec::new(),
            password,
            keeps,
        }
    }

    /// Returns whether keys that the server gives are kept in a file rather than shown.
    pub(super) fn keeps(&self) -> bool {
        self.keeps
    }

    /// Returns the key of a name.
    pub(super) fn key(&self, name: &str) -> Option<Key> {
        let found = self.keys.iter().find(|(known, _)| is_same(known, name));
        found.map(|&(_, key)| key)
    }

    /// Takes a key of a name, in place of any other; beyond [`KEYS_MAX`] the oldest is forgotten.
    pub(super) fn learn(&mut self, name: &str, key: Key) {
        self.forget(name);
        if self.keys.len() >= KEYS_MAX {
            self.keys.remove(0);
        }
        self.keys.push((name.to_owned(), key));
    }

    /// Forgets the key of a name.
    pub(super) fn forget(&mut self, name: &str) {
        self.keys.retain(|(known, _)| !is_same(known, name));
    }

    /// Returns the password.
    pub(super) fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// Takes the password to be given from now on, or forgets it.
    pub(super) fn set_password(&mut self, password: Option<String>) {
        self.password = password;
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets")
            .field("keys", &self.keys.len())
            .finish_non_exhaustive()
    }
}

/// Returns whether both are one person's name, in whatever case it is written.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    one == other
        || match (Name::parse(one), Name::parse(other)) {
            (Ok(one), Ok(other)) => one.as_str().to_lowercase() == other.as_str().to_lowercase(),
            _ => false,
        }
}

/// Returns the name that a line gives, and the key behind it.
pub(super) fn split(line: &str) -> (&str, Option<Key>) {
    let line = line.trim();
    if let Some((name, rest)) = line.split_once(char::is_whitespace)
        && let Some(key) = Key::parse(rest.trim_start())
    {
        return (name, Some(key));
    }
    (line, None)
}

/// Returns whether there is a key in `line`.
pub(super) fn has_key(line: &str) -> bool {
    words(line).any(|word| Key::parse(word).is_some())
}

/// Returns `line` with something else in the place of each key.
pub(super) fn without_keys(line: &str) -> Cow<'_, str> {
    let keys = words(line).filter(|word| Key::parse(word).is_some());
    keys.fold(Cow::Borrowed(line), |shown, key| {
        Cow::Owned(shown.replace(key, KEY_SHOWN))
    })
}

/// Returns the runs of letters, digits and hyphens.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "2eef-4b2f-26e9-9b3c-deda-540d-105a-bb6b";

    #[test]
    fn a_key_is_found_by_its_name_however_that_is_written() {
        let key = Key::parse(KEY).unwrap();
        let mut secrets = Secrets::default();
        secrets.learn("Ali", key);
        secrets.learn("bob", Key::default());
        assert_eq!(secrets.key("Ali"), Some(key));
        secrets.learn("bob", key);
        assert_eq!((secrets.key("bob"), secrets.keys.len()), (Some(key), 2));
        assert_eq!(secrets.key("aLI"), Some(key));
        secrets.forget("ali");
        assert_eq!(secrets.key("Ali"), None);
        assert!(!format!("{secrets:?}").contains("2eef"));
        for number in 0..2 * KEYS_MAX {
            secrets.learn(&format!("n{number}"), key);
        }
        assert_eq!(secrets.keys.len(), KEYS_MAX);
    }

    #[test]
    fn keys_are_taken_out_of_what_is_shown() {
        for (line, shown) in [
            ("hello", "hello"),
            (KEY, "(key)"),
            (&format!("ali {KEY}"), "ali (key)"),
            (&format!("/nick ali  \"{KEY}\" "), "/nick ali  \"(key)\" "),
            (&format!("my key:{KEY}."), "my key:(key)."),
            (&KEY.to_uppercase().replace('-', ""), "(key)"),
            ("2eef-4b2f", "2eef-4b2f"),
        ] {
            assert_eq!(without_keys(line), shown);
        }
        assert_eq!(split(&format!(" ali  {KEY} ")), ("ali", Key::parse(KEY)));
        assert_eq!(split("ali baba"), ("ali baba", None));
    }
}
