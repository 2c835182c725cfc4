//! The talk about the name, before a person is in the room.

use crate::cli::Failure;

/// What the server asks a newcomer.
pub(super) const PROMPT: &str = "Please enter your name:";

/// What the server says once the name is taken.
pub(super) const GREETING: &str = "Chat with your friends and enjoy";

/// What a notice, the server's word to one person, starts with.
const NOTICE: &str = "* ";

/// The exit code when the name given is refused and nobody is there to give another.
const NAME_REFUSED: u8 = 3;

/// Answers the prompt with the name given, once.
///
/// `Waiting -> Asked -> Open`: until the greeting has come, no other input may be sent, or its first
/// line would become the name. Without a name to give it starts open, and the person answers.
#[derive(Debug)]
pub(super) struct Entry {
    name: String,
    state: State,
    notice: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Asked,
    Open,
}

/// What has to be done about a line of the server.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Send this line.
    Send(String),
    /// The name was refused; input is let through from here, for a person to answer.
    Refused,
}

impl Entry {
    /// Returns an entry that will give `name`, or leave the answer to the person.
    ///
    /// # Errors
    /// Fails as wrong usage when the name is empty or not one line.
    pub(super) fn new(name: Option<&str>) -> Result<Self, Failure> {
        if let Some(name) = name
            && (name.trim().is_empty() || name.contains(char::is_control))
        {
            return Err(Failure::usage(
                "a name is one word without control characters: give another with --name",
            ));
        }
        Ok(Self {
            name: name.unwrap_or_default().to_owned(),
            state: name.map_or(State::Open, |_| State::Waiting),
            notice: None,
        })
    }

    /// Takes one line of the server and returns what has to be done about it.
    pub(super) fn heard(&mut self, line: &str) -> Option<Answer> {
        match (self.state, line) {
            (State::Waiting, PROMPT) => {
                self.state = State::Asked;
                Some(Answer::Send(format!("{}\n", self.name)))
            }
            (State::Asked, GREETING) => {
                self.state = State::Open;
                None
            }
            (State::Asked, PROMPT) => {
                self.state = State::Open;
                Some(Answer::Refused)
            }
            (State::Asked, line) => {
                self.notice = line.strip_prefix(NOTICE).map(str::to_owned);
                None
            }
            (State::Waiting | State::Open, _) => None,
        }
    }

    /// Returns whether input may be sent.
    pub(super) fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Returns the failure of someone who can't answer for a refused name.
    pub(super) fn refusal(&self) -> Failure {
        let reason = self.notice.as_deref().unwrap_or("no reason given");
        Failure {
            exit_code: NAME_REFUSED,
            message: format!(
                "the name {} was refused ({reason}): give another with --name",
                self.name
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_answers_the_prompt_once_and_holds_input_until_the_greeting() {
        let mut entry = Entry::new(Some("ali")).unwrap();
        assert_eq!(entry.heard("* Welcome."), None);
        assert!(!entry.is_open());
        assert_eq!(entry.heard(PROMPT), Some(Answer::Send("ali\n".to_owned())));
        assert!(!entry.is_open());
        assert_eq!(entry.heard(GREETING), None);
        assert!(entry.is_open());
        assert_eq!(entry.heard(PROMPT), None, "a line that looks like a prompt");
    }

    #[test]
    fn a_refused_name_is_told_with_its_reason_and_exit_code_three() {
        let mut entry = Entry::new(Some("ali")).unwrap();
        entry.heard(PROMPT);
        assert_eq!(entry.heard("* That name is taken."), None);
        assert_eq!(entry.heard(PROMPT), Some(Answer::Refused));
        assert!(entry.is_open());
        let failure = entry.refusal();
        assert_eq!(failure.exit_code, 3);
        assert!(failure.message.contains("That name is taken."), "{failure}");
    }

    #[test]
    fn without_a_name_the_person_answers() {
        let mut entry = Entry::new(None).unwrap();
        assert!(entry.is_open());
        assert_eq!(entry.heard(PROMPT), None);
    }

    #[test]
    fn a_name_that_is_no_line_is_wrong_usage() {
        for name in ["", " ", "a\nb", "a\rb", "\u{1b}[2J", "a\u{85}b"] {
            let failure = Entry::new(Some(name)).map(|_| ());
            assert_eq!(failure.unwrap_err().exit_code, 2, "{name:?}");
        }
    }
}
