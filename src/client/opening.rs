//! The first words on a connection: whether the server speaks in objects or in lines.

use super::incoming::Fragment;
use crate::wire::json::{FIRST_LINE, Hello, Message, VERSION};
use crate::wire::plain::Line;

/// The most of the server's words that are kept back until it is known what they are.
const KEPT_MAX: usize = 8;

/// What the server turns out to speak. Objects are asked for once it has asked for a name: another
/// server never hears of them.
#[derive(Debug, Default)]
pub(super) struct Opening {
    is_asked: bool,
    /// The room has a password.
    asks_password: bool,
    /// What it said since: an older chatroom's refusal, or why it lets nobody in.
    kept: Vec<Fragment>,
}

/// What to do about a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Send this line.
    Ask(&'static str),
    /// The server speaks in objects.
    Objects(Terms),
    /// It speaks in lines, of which this is the first that counts.
    Lines(Fragment),
    /// Show this; it says nothing of what comes.
    Show(Fragment),
    /// It took what was asked for a name: connect again and don't ask.
    StartOver,
}

/// What a server that speaks in objects has told of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Terms {
    /// Which start of the server it is.
    pub(super) boot: String,
    /// Longest line, in bytes.
    pub(super) line_bytes: usize,
    /// How many lines may wait to be acknowledged.
    pub(super) ids: usize,
    /// People are told who comes.
    pub(super) announces_joins: bool,
    /// The password comes before a name.
    pub(super) asks_password: bool,
}

impl Opening {
    /// Takes a line, or a fragment of one, and returns what to do about it, if anything.
    pub(super) fn hear(&mut self, fragment: Fragment) -> Option<Step> {
        let line = fragment.whole().map(Line::parse);
        if !self.is_asked {
            return Some(match line {
                Some(line @ (Line::Prompt | Line::AskPassword)) => {
                    self.is_asked = true;
                    self.asks_password = line == Line::AskPassword;
                    Step::Ask(FIRST_LINE)
                }
                Some(Line::Notice(_)) => Step::Show(fragment),
                _ => Step::Lines(fragment),
            });
        }
        match line {
            // An older chatroom took it for a name that can't be, or a password, and asks again.
            Some(Line::Prompt | Line::AskPassword) => Some(Step::Lines(fragment)),
            Some(Line::Notice(_)) if self.kept.len() < KEPT_MAX => {
                self.kept.push(fragment);
                None
            }
            Some(_) => {
                let terms = terms(&fragment.text, self.asks_password);
                Some(terms.map_or(Step::StartOver, Step::Objects))
            }
            None => Some(Step::StartOver),
        }
    }

    /// Returns what the server said last, when it is gone before it is known what it speaks.
    pub(super) fn take_rest(&mut self) -> Vec<Fragment> {
        std::mem::take(&mut self.kept)
    }
}

fn terms(line: &str, asks_password: bool) -> Option<Terms> {
    let Ok(Message::Hello(hello)) = Message::parse(line.as_bytes()) else {
        return None;
    };
    let Hello {
        version,
        boot,
        line_bytes,
        ids,
        announces_joins,
        ..
    } = hello;
    (version == VERSION).then(|| Terms {
        boot: boot.into_owned(),
        line_bytes,
        ids: ids.max(1),
        announces_joins,
        asks_password,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::plain::{ASK_PASSWORD, GREETING, PROMPT};

    fn line(text: &str) -> Fragment {
        Fragment {
            text: text.to_owned(),
            starts: true,
            ends: true,
        }
    }

    fn steps(lines: &[&str]) -> (Opening, Vec<Option<Step>>) {
        let mut opening = Opening::default();
        let steps = lines.iter().map(|text| opening.hear(line(text))).collect();
        (opening, steps)
    }

    #[test]
    fn each_kind_of_server_is_known_by_its_answer() {
        let hello = r#"{"event":"hello","version":1,"server":"chatroom","boot":"b","line_bytes":9,"rate":1,"burst":1,"ids":4}"#;
        let ask = || Some(Step::Ask("/json"));
        let lines = |text: &str| Some(Step::Lines(line(text)));
        let terms = Terms {
            boot: "b".to_owned(),
            line_bytes: 9,
            ids: 4,
            announces_joins: false,
            asks_password: false,
        };
        let locked = Terms {
            asks_password: true,
            ..terms.clone()
        };
        let newer = hello.replace(":1,\"server", ":2,\"server");
        let refusal = "* That name starts with a slash: /json";
        for (said, wanted) in [
            (vec![PROMPT, hello], vec![ask(), Some(Step::Objects(terms))]),
            (
                vec![ASK_PASSWORD, hello],
                vec![ask(), Some(Step::Objects(locked))],
            ),
            (vec![PROMPT, &newer], vec![ask(), Some(Step::StartOver)]),
            (
                vec![PROMPT, refusal, PROMPT],
                vec![ask(), None, lines(PROMPT)],
            ),
            (vec![PROMPT, GREETING], vec![ask(), Some(Step::StartOver)]),
            (
                vec![PROMPT, "eve: who is /json?"],
                vec![ask(), Some(Step::StartOver)],
            ),
            (vec!["220 smtp"], vec![lines("220 smtp")]),
            (
                vec!["* Welcome.", PROMPT],
                vec![Some(Step::Show(line("* Welcome."))), ask()],
            ),
        ] {
            assert_eq!(steps(&said).1, wanted, "{said:?}");
        }
    }

    #[test]
    fn what_a_server_says_before_it_closes_is_not_lost() {
        let (mut opening, _) = steps(&[PROMPT, "* Your place is needed."]);
        assert_eq!(opening.take_rest(), [line("* Your place is needed.")]);
    }

    #[test]
    fn a_line_without_end_is_no_answer() {
        let mut opening = Opening::default();
        opening.hear(line(PROMPT));
        let fragment = Fragment {
            ends: false,
            ..line("{")
        };
        assert_eq!(opening.hear(fragment), Some(Step::StartOver));
    }
}
