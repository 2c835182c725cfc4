//! Tab: completes names and commands.

use std::collections::{HashSet, VecDeque};

use super::super::commands::OWN;
use crate::line::command::{MODERATION, USAGE, WORDS};

/// The most names remembered.
const NAMES_MAX: usize = 1000;

/// The commands whose first word is a name.
const OF_A_NAME: [&str; 10] = [
    "/kick",
    "/ban",
    "/unban",
    "/mute",
    "/unmute",
    "/op",
    "/deop",
    "/whois",
    "/ignore",
    "/unignore",
];

/// The names heard of, the most recent first, and where one is among several completions.
#[derive(Debug, Default)]
pub(in crate::client) struct Completion {
    names: VecDeque<String>,
    /// Those of them who wrote to the person alone, the last first.
    writers: VecDeque<String>,
    cycle: Option<Cycle>,
}

/// Completions of one word; each Tab puts in the next.
#[derive(Debug)]
struct Cycle {
    start: usize,
    candidates: Vec<String>,
    next: usize,
}

impl Completion {
    /// Notes that someone is there; the last heard of comes first.
    pub(in crate::client) fn hear(&mut self, name: &str) {
        self.names.retain(|known| known != name);
        self.names.push_front(name.to_owned());
        self.names.truncate(NAMES_MAX);
    }

    /// Notes that someone wrote to the person alone.
    pub(in crate::client) fn hear_privately(&mut self, name: &str) {
        self.hear(name);
        self.writers.retain(|known| known != name);
        self.writers.push_front(name.to_owned());
        self.writers.truncate(NAMES_MAX);
    }

    /// Returns who wrote to the person alone last.
    pub(in crate::client) fn last_writer(&self) -> Option<&str> {
        self.writers.front().map(String::as_str)
    }

    /// Notes who is here; others are not, if these are `all`. Those who were heard of stay first.
    pub(in crate::client) fn set_here(&mut self, names: Vec<String>, all: bool) {
        let here: HashSet<_> = names.iter().collect();
        if all {
            self.names.retain(|name| here.contains(name));
            self.writers.retain(|name| here.contains(name));
        }
        let known: HashSet<_> = self.names.iter().cloned().collect();
        let new = names.into_iter().filter(|name| !known.contains(name));
        self.names.extend(new);
        self.names.truncate(NAMES_MAX);
    }

    /// Notes that someone left.
    pub(in crate::client) fn forget(&mut self, name: &str) {
        self.names.retain(|known| known != name);
        self.writers.retain(|known| known != name);
    }

    /// Notes that someone goes by another name.
    pub(in crate::client) fn rename(&mut self, from: &str, to: &str) {
        let has_written = self.writers.iter_mut().find(|known| *known == from);
        if let Some(known) = has_written {
            to.clone_into(known);
        }
        self.forget(from);
        self.hear(to);
    }

    /// Ends a round of completions: another key was pressed.
    pub(super) fn stop(&mut self) {
        self.cycle = None;
    }

    /// Returns where the word at the end of `before` starts and what to put in its place.
    pub(super) fn next(&mut self, before: &str) -> Option<(usize, String)> {
        let cycle = match self.cycle.take() {
            Some(cycle) => cycle,
            None => self.round(before)?,
        };
        let word = cycle.candidates.get(cycle.next)?.clone();
        let start = cycle.start;
        self.cycle = Some(Cycle {
            next: (cycle.next + 1) % cycle.candidates.len(),
            ..cycle
        });
        Some((start, word))
    }

    fn round(&self, before: &str) -> Option<Cycle> {
        let line = before.rsplit('\n').next().unwrap_or(before);
        let word = line.rsplit(char::is_whitespace).next().unwrap_or(line);
        let at_start = word.len() == line.len();
        let candidates = if at_start && word.starts_with('/') {
            commands(word)
        } else {
            let before = line.strip_suffix(word).unwrap_or_default();
            let command = before.trim_end().to_ascii_lowercase();
            let to_one = command == "/msg";
            let of_one = to_one || OF_A_NAME.contains(&command.as_str());
            if word.is_empty() && !at_start && !of_one {
                return None;
            }
            let ending = if at_start && !word.starts_with('@') {
                ": "
            } else {
                " "
            };
            self.names(word, ending, to_one)
        };
        Some(Cycle {
            start: before.len() - word.len(),
            candidates,
            next: 0,
        })
    }

    /// Returns the names that `word` starts, also after an `@`; who wrote to the person alone
    /// first, if it is `to_one` alone.
    fn names(&self, word: &str, ending: &str, to_one: bool) -> Vec<String> {
        let (at, word) = match word.strip_prefix('@') {
            Some(word) => ("@", word),
            None => ("", word),
        };
        let word = word.to_lowercase();
        let writers = self.writers.iter().filter(|_| to_one);
        let others = self.names.iter();
        let others = others.filter(|name| !to_one || !self.writers.contains(name));
        writers
            .chain(others)
            .filter(|name| name.to_lowercase().starts_with(&word))
            .map(|name| [at, name, ending].concat())
            .collect()
    }
}

/// Returns whether a word of a usage stands for what people type.
fn is_text(word: &str) -> bool {
    word.chars().all(char::is_uppercase)
}

fn commands(word: &str) -> Vec<String> {
    let usages = USAGE.iter().chain(&MODERATION).chain(&OWN);
    let listed = usages.filter_map(|(usage, _)| usage.split(' ').next());
    let listed = listed.map(|command| command.trim_start_matches('/'));
    let all = listed.chain(WORDS).filter(|word| !is_text(word));
    let mut commands: Vec<_> = all
        .map(|command| format!("/{command} "))
        .filter(|command| command.starts_with(word))
        .collect();
    commands.sort_unstable();
    commands.dedup();
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completion() -> Completion {
        let mut completion = Completion::default();
        for name in ["soheil", "ali", "Alan", "سهیل", "hasan"] {
            completion.hear(name);
        }
        completion.forget("hasan");
        completion
    }

    #[test]
    fn names_and_commands_complete() {
        for (before, start, words) in [
            ("al", 0, &["Alan: ", "ali: "][..]),
            ("hi a", 3, &["Alan ", "ali "]),
            ("one\nso", 4, &["soheil: "]),
            ("سه", 0, &["سهیل: "]),
            ("/msg s", 5, &["soheil "]),
            ("/m", 0, &["/me ", "/motd ", "/msg ", "/mute "]),
            ("/s", 0, &["/set ", "/slow "]),
            ("/h", 0, &["/help "]),
            ("/k", 0, &["/keep ", "/kick "]),
            ("/whoi", 0, &["/whois "]),
            ("/new", 0, &["/newkey "]),
            ("/kick ", 6, &["سهیل ", "Alan ", "ali ", "soheil "]),
            ("/Ban a", 5, &["Alan ", "ali "]),
            ("", 0, &["سهیل: ", "Alan: ", "ali: ", "soheil: "]),
        ] {
            let mut completion = completion();
            for word in words.iter().chain(&words[..1]) {
                let expected = Some((start, (*word).to_owned()));
                assert_eq!(completion.next(before), expected, "{before:?}");
            }
        }
    }

    #[test]
    fn who_is_here_completes_and_who_wrote_privately_comes_first_after_msg() {
        let mut completion = completion();
        completion.hear_privately("ali");
        completion.hear_privately("eve");
        completion.hear("bob");
        let words = |completion: &mut Completion, before: &str, count: usize| {
            completion.stop();
            let words = (0..count).map(|_| completion.next(before).unwrap().1.trim().to_owned());
            words.collect::<Vec<_>>()
        };
        assert_eq!(words(&mut completion, "/msg ", 3), ["eve", "ali", "bob"]);
        assert_eq!(words(&mut completion, "hi @a", 2), ["@ali", "@Alan"]);
        assert_eq!(words(&mut completion, "@b", 1), ["@bob"]);
        completion.rename("eve", "mallory");
        assert_eq!(completion.last_writer(), Some("mallory"));
        let here = ["zed", "ali", "bob"].map(str::to_owned).to_vec();
        completion.set_here(here.clone(), false);
        assert!(completion.names.contains(&"Alan".to_owned()));
        completion.set_here(here, true);
        assert_eq!(completion.names, ["bob", "ali", "zed"]);
        assert_eq!(completion.last_writer(), Some("ali"));
        completion.forget("ali");
        assert_eq!(completion.last_writer(), None);
    }

    #[test]
    fn nothing_known_completes_to_nothing() {
        for before in ["hasan", "hi ", "/x", "//", "hi /m"] {
            assert_eq!(completion().next(before), None, "{before:?}");
        }
    }

    #[test]
    fn the_names_remembered_are_bounded() {
        let mut completion = Completion::default();
        for number in 0..2 * NAMES_MAX {
            completion.hear(&number.to_string());
        }
        assert_eq!(completion.names.len(), NAMES_MAX);
        assert_eq!(completion.names[0], (2 * NAMES_MAX - 1).to_string());
    }
}
