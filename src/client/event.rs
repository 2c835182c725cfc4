//! What the server lets the client know, whichever encoding it speaks.
//!
//! The rest of the client knows events alone; this file knows what they were on the wire.

use super::incoming::Fragment;
use super::notices;
use crate::wire::plain::Line;

/// One thing that the server tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// It asks for the password of the room.
    AskPassword,
    /// It asks for a name.
    Prompt,
    /// It took the name: the person is in the room.
    Entered,
    /// Somebody says something to everybody.
    Said { name: String, text: String },
    /// Somebody says something to the person alone.
    SaidPrivately { name: String, text: String },
    /// Somebody tells what they do.
    Did { name: String, text: String },
    /// Somebody came.
    Joined(String),
    /// Somebody left.
    Left(String),
    /// Somebody goes by another name now.
    Renamed { from: String, to: String },
    /// The person goes by this name now.
    OwnName { name: String, text: String },
    /// Who is here, as far as the server tells.
    Here { names: Vec<String>, text: String },
    /// Any other word to the person alone.
    Notice(String),
    /// Text that tells nothing to a program: another server's, or part of an endless line.
    Text(String),
}

impl Event {
    /// Returns what a line, or a fragment of one, tells.
    pub(super) fn of(fragment: &Fragment) -> Self {
        let Some(line) = fragment.whole() else {
            return Self::Text(fragment.text.clone());
        };
        let owned = str::to_owned;
        match Line::parse(line) {
            Line::AskPassword => Self::AskPassword,
            Line::Prompt => Self::Prompt,
            Line::Greeting => Self::Entered,
            Line::Said { name, text } => Self::Said {
                name: owned(name),
                text: owned(text),
            },
            Line::SaidPrivately { name, text } => Self::SaidPrivately {
                name: owned(name),
                text: owned(text),
            },
            Line::Did { name, text } => Self::Did {
                name: owned(name),
                text: owned(text),
            },
            Line::Joined(name) => Self::Joined(owned(name)),
            Line::Left(name) => Self::Left(owned(name)),
            Line::Renamed { from, to } => Self::Renamed {
                from: owned(from),
                to: owned(to),
            },
            Line::Notice(text) => Self::of_notice(text),
            Line::Other(text) => Self::Text(owned(text)),
        }
    }

    /// Returns what a line of a notice tells.
    pub(super) fn of_notice(text: &str) -> Self {
        let names: Vec<_> = notices::names_here(text).map(str::to_owned).collect();
        let text = text.to_owned();
        match notices::own_name(&text).map(str::to_owned) {
            Some(name) => Self::OwnName { name, text },
            None if names.is_empty() => Self::Notice(text),
            None => Self::Here { names, text },
        }
    }

    /// Returns the event as a line that people read without any client.
    pub(super) fn line(&self) -> String {
        let line = match self {
            Self::AskPassword => Line::AskPassword,
            Self::Prompt => Line::Prompt,
            Self::Entered => Line::Greeting,
            Self::Said { name, text } => Line::Said { name, text },
            Self::SaidPrivately { name, text } => Line::SaidPrivately { name, text },
            Self::Did { name, text } => Line::Did { name, text },
            Self::Joined(name) => Line::Joined(name),
            Self::Left(name) => Line::Left(name),
            Self::Renamed { from, to } => Line::Renamed { from, to },
            Self::OwnName { text, .. } | Self::Here { text, .. } | Self::Notice(text) => {
                Line::Notice(text)
            }
            Self::Text(text) => Line::Other(text),
        };
        let mut text = line.parts().concat();
        text.truncate(text.len() - 1);
        text
    }

    /// Returns whether somebody says or does something, or may.
    pub(super) fn is_talk(&self) -> bool {
        matches!(
            self,
            Self::Said { .. } | Self::SaidPrivately { .. } | Self::Did { .. } | Self::Text(_)
        )
    }

    /// Returns whether somebody comes, goes or is called otherwise.
    pub(super) fn is_coming(&self) -> bool {
        matches!(self, Self::Joined(_) | Self::Left(_) | Self::Renamed { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::super::incoming::Incoming;
    use super::*;

    #[test]
    fn the_lines_of_the_room_are_events() {
        let bytes = "Please enter your name:\nali: hi\n* You are now known as zed.\n\
                     * Here (2): ali, zed\n* Nobody here is called x\nhal";
        let (mut incoming, mut input) = (Incoming::default(), bytes.as_bytes());
        let mut lines: Vec<_> = std::iter::from_fn(|| incoming.take(&mut input)).collect();
        lines.extend(incoming.rest());
        let events: Vec<_> = lines.iter().map(Event::of).collect();
        assert_eq!(
            events,
            [
                Event::Prompt,
                Event::Said {
                    name: "ali".into(),
                    text: "hi".into()
                },
                Event::OwnName {
                    name: "zed".into(),
                    text: "You are now known as zed.".into()
                },
                Event::Here {
                    names: vec!["ali".into(), "zed".into()],
                    text: "Here (2): ali, zed".into()
                },
                Event::Notice("Nobody here is called x".into()),
                Event::Text("hal".into()),
            ]
        );
    }
}
