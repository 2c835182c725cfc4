//! The talk about the name, before a person is in the room and each time they come back.

use super::event::Event;
use super::secrets::Secrets;
use crate::failure::Failure;

/// The exit code when the name given is refused and nobody is there to give another.
const NAME_REFUSED: u8 = 3;

/// What the server knows of the person.
///
/// `Waiting -> Asked -> Inside`, and `Asked -> Open` when the name is refused: until the greeting
/// has come, no other input may be sent, or its first line would become the name. Without a name to
/// give it starts open, and the person answers.
#[derive(Debug)]
pub(super) struct Entry {
    /// The name to give or given; empty while there is none.
    name: String,
    state: State,
    /// The server has asked since the connection was made.
    prompted: bool,
    secrets: Secrets,
    /// The last notice since the name was given: why it is refused.
    notice: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// There is a name to give once the server asks.
    Waiting,
    /// The name is given; the answer is awaited.
    Asked,
    /// It is the person's turn to give a name.
    Open,
    /// The person is in the room.
    Inside,
}

/// What has to be done about an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Send this line.
    Send(String),
    /// The person is in the room.
    Entered,
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
            prompted: false,
            secrets: Secrets::default(),
            notice: None,
        })
    }

    /// Returns the same with what the person keeps to themselves.
    pub(super) fn with(self, secrets: Secrets) -> Self {
        Self { secrets, ..self }
    }

    /// Returns what the person keeps to themselves.
    pub(super) fn secrets(&mut self) -> &mut Secrets {
        &mut self.secrets
    }

    /// Returns whether there is a password to be given.
    pub(super) fn knows_password(&self) -> bool {
        self.secrets.password().is_some()
    }

    /// Takes what the server tells and returns what has to be done about it.
    pub(super) fn heard(&mut self, event: &Event) -> Option<Answer> {
        match (self.state, event) {
            (State::Waiting, Event::Prompt) => {
                self.state = State::Asked;
                self.prompted = true;
                self.notice = None;
                Some(Answer::Send(self.name.clone()))
            }
            (State::Asked | State::Open, Event::Entered) => {
                self.state = State::Inside;
                Some(Answer::Entered)
            }
            (State::Asked, Event::Prompt) => {
                self.state = State::Open;
                Some(Answer::Refused)
            }
            (State::Asked, event) => {
                self.notice = match event {
                    Event::Notice(text) => Some(text.clone()),
                    _ => None,
                };
                None
            }
            (State::Inside, Event::OwnName { name, .. }) => {
                self.name.clone_from(name);
                None
            }
            (State::Open, Event::Prompt) => {
                self.prompted = true;
                None
            }
            (State::Waiting | State::Open | State::Inside, _) => None,
        }
    }

    /// Takes the name that the person gives; returns whether to send it now, rather than when the
    /// server asks. What else they type has to wait for the answer.
    pub(super) fn give(&mut self, name: &str) -> bool {
        name.trim().clone_into(&mut self.name);
        self.notice = None;
        self.state = if self.prompted {
            State::Asked
        } else {
            State::Waiting
        };
        self.prompted
    }

    /// Gets ready for a new connection: the same name will be given, if there is one.
    pub(super) fn come_back(&mut self) {
        self.prompted = false;
        self.state = match self.state {
            // Never accepted, and perhaps never to be.
            State::Open => State::Open,
            State::Waiting | State::Asked | State::Inside => State::Waiting,
        };
    }

    /// Gives the name that was just refused once more, and returns what to send.
    pub(super) fn give_again(&mut self) -> Option<Answer> {
        self.retry_name();
        self.heard(&Event::Prompt)
    }

    /// Gets ready to give the name that was just refused once more.
    pub(super) fn retry_name(&mut self) {
        self.state = State::Waiting;
    }

    /// Takes another name to come back under.
    pub(super) fn rename(&mut self, name: &str) {
        name.trim().clone_into(&mut self.name);
    }

    /// Returns whether input may be sent.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open | State::Inside)
    }

    /// Returns whether it is the person's turn to give a name.
    pub(super) fn asks(&self) -> bool {
        self.state == State::Open
    }

    /// Returns whether the person is in the room.
    pub(super) fn is_inside(&self) -> bool {
        self.state == State::Inside
    }

    /// Returns the name the person goes by or wants to.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns why the name was refused, as the server put it.
    pub(super) fn notice(&self) -> &str {
        self.notice.as_deref().unwrap_or("no reason given")
    }

    /// Returns the failure of someone who can't answer for a refused password.
    pub(super) fn refused_password() -> Failure {
        Failure {
            exit_code: NAME_REFUSED,
            message: "the password was refused: give another with --password-file".to_owned(),
        }
    }

    /// Returns the failure of someone who can't answer for a refused name.
    pub(super) fn refusal(&self) -> Failure {
        Failure {
            exit_code: NAME_REFUSED,
            message: format!(
                "the name {} was refused ({}): give another with --name",
                self.name,
                self.notice()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::incoming::Incoming;
    use super::*;
    use crate::wire::plain::{GREETING, PROMPT};

    fn heard(entry: &mut Entry, line: &str) -> Option<Answer> {
        let input = [line, "\n"].concat();
        let fragment = Incoming::default().take(&mut input.as_bytes()).unwrap();
        entry.heard(&Event::of(&fragment))
    }

    fn send(line: &str) -> Answer {
        Answer::Send(line.to_owned())
    }

    #[test]
    fn a_name_answers_the_prompt_once_and_holds_input_until_the_greeting() {
        let mut entry = Entry::new(Some("ali")).unwrap();
        assert_eq!(heard(&mut entry, "* Welcome."), None);
        assert!(!entry.is_open());
        assert_eq!(heard(&mut entry, PROMPT), Some(send("ali")));
        assert!(!entry.is_open());
        assert_eq!(heard(&mut entry, GREETING), Some(Answer::Entered));
        assert!(entry.is_open() && entry.is_inside());
        assert_eq!(
            heard(&mut entry, PROMPT),
            None,
            "a line that looks like a prompt"
        );
    }

    #[test]
    fn a_refused_name_is_told_with_its_reason_and_exit_code_three() {
        let mut entry = Entry::new(Some("ali")).unwrap();
        heard(&mut entry, PROMPT);
        assert_eq!(heard(&mut entry, "* That name is taken: ali"), None);
        assert_eq!(heard(&mut entry, PROMPT), Some(Answer::Refused));
        assert!(entry.is_open());
        let failure = entry.refusal();
        assert_eq!(failure.exit_code, 3);
        assert!(failure.message.contains("That name is taken"), "{failure}");
    }

    #[test]
    fn without_a_name_the_person_answers() {
        let mut entry = Entry::new(None).unwrap();
        assert!(entry.is_open());
        assert_eq!(heard(&mut entry, PROMPT), None);
        assert_eq!(heard(&mut entry, GREETING), Some(Answer::Entered));

        let mut entry = Entry::new(None).unwrap();
        assert!(
            entry.asks() && !entry.give("ali "),
            "before the server asks"
        );
        assert!(!entry.is_open());
        assert_eq!(heard(&mut entry, PROMPT), Some(send("ali")));
        assert_eq!(heard(&mut entry, PROMPT), Some(Answer::Refused));
        assert!(entry.asks() && entry.give("zed"));
        assert_eq!(heard(&mut entry, GREETING), Some(Answer::Entered));
        assert_eq!(entry.name(), "zed");
    }

    #[test]
    fn coming_back_gives_the_last_name() {
        let mut entry = Entry::new(Some("ali")).unwrap();
        heard(&mut entry, PROMPT);
        heard(&mut entry, GREETING);
        assert_eq!(heard(&mut entry, "* You are now known as zed."), None);
        entry.come_back();
        assert!(!entry.is_open());
        assert_eq!(heard(&mut entry, PROMPT), Some(send("zed")));
        entry.come_back();
        assert_eq!(
            heard(&mut entry, PROMPT),
            Some(send("zed")),
            "the connection broke again"
        );

        let mut entry = Entry::new(None).unwrap();
        entry.come_back();
        assert_eq!(heard(&mut entry, PROMPT), None, "there is no name to give");
    }

    #[test]
    fn a_name_that_is_no_line_is_wrong_usage() {
        for name in ["", " ", "a\nb", "a\rb", "\u{1b}[2J", "a\u{85}b"] {
            let failure = Entry::new(Some(name)).map(|_| ());
            assert_eq!(failure.unwrap_err().exit_code, 2, "{name:?}");
        }
    }
}
