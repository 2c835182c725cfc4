//! Tab: completes names and commands.

use std::collections::VecDeque;

use super::super::commands::OWN;
use crate::line::command::USAGE;

/// The most names remembered.
const NAMES_MAX: usize = 1000;

/// The names heard of, the most recent first, and where one is among several completions.
#[derive(Debug, Default)]
pub(super) struct Completion {
    names: VecDeque<String>,
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
    pub(super) fn hear(&mut self, name: &str) {
        self.forget(name);
        self.names.push_front(name.to_owned());
        self.names.truncate(NAMES_MAX);
    }

    /// Notes that someone left.
    pub(super) fn forget(&mut self, name: &str) {
        if let Some(at) = self.names.iter().position(|known| known == name) {
            drop(self.names.remove(at));
        }
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
            let addressed = matches!(line.strip_suffix(word), Some("" | "/msg "));
            if word.is_empty() && !addressed {
                return None;
            }
            self.names(word, if at_start { ": " } else { " " })
        };
        Some(Cycle {
            start: before.len() - word.len(),
            candidates,
            next: 0,
        })
    }

    fn names(&self, word: &str, ending: &str) -> Vec<String> {
        let word = word.to_lowercase();
        self.names
            .iter()
            .filter(|name| name.to_lowercase().starts_with(&word))
            .map(|name| format!("{name}{ending}"))
            .collect()
    }
}

fn commands(word: &str) -> Vec<String> {
    let all = USAGE.iter().chain(&OWN);
    let mut commands: Vec<_> = all
        .filter_map(|(usage, _)| usage.split(' ').next())
        .filter(|command| command.starts_with(word) && !command.starts_with("//"))
        .map(|command| format!("{command} "))
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
            ("/m", 0, &["/me ", "/motd ", "/msg "]),
            ("/s", 0, &["/set "]),
            ("/h", 0, &["/help "]),
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
