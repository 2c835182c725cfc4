//! The server's words to one person.

use std::fmt;

use super::access::Answer;
use super::machines::Machines;
use super::name::NameError;
use crate::line::command::USAGE;

/// What the server says when it closes.
pub const CLOSING: &str = "The chatroom is closing.";

/// A notice for one person alone ([`Notice::Closing`]: for everybody), one line or several.
///
/// A notice starts with a word that can't be a name, so that `/me` can't forge one.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the texts below say it")]
pub enum Notice<'a> {
    BadName {
        name: &'a str,
        why: NameError,
    },
    NameTaken {
        name: &'a str,
        holder: &'a str,
    },
    NowKnownAs {
        name: &'a str,
    },
    NoName,
    HasName,
    LineTooLong {
        max_bytes: usize,
    },
    NobodyCalled {
        name: &'a str,
    },
    NotReading {
        name: &'a str,
    },
    Reached {
        name: &'a str,
    },
    /// Whether it was reached is not known.
    NoAnswer {
        name: &'a str,
    },
    NobodyWrote,
    UnknownCommand {
        word: &'a str,
    },
    Incomplete {
        usage: &'a str,
    },
    Help,
    Here {
        count: usize,
        names: &'a str,
        more: usize,
    },
    HereNamed {
        count: usize,
        all: usize,
        names: &'a str,
        more: usize,
    },
    NobodyNamed {
        part: &'a str,
    },
    StillHere,
    WrongProtocol {
        protocol: &'a str,
        /// Where a browser would be right.
        page: Option<&'a str>,
    },
    NeedsTls,
    Full,
    FullForAddress,
    NameTimeout {
        seconds: u16,
    },
    IdleTimeout {
        seconds: u16,
    },
    Crowded,
    Replaced,
    Closing,
    /// The server's own word to all who are connected to it.
    Announced {
        text: &'a str,
    },
    /// About the room's other machines.
    Machines(Machines),
    /// About who may be here and speak.
    Access(Answer<'a>),
}

impl Notice<'_> {
    /// Returns what it is about, in a word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadName { .. } => "bad-name",
            Self::NameTaken { .. } => "name-taken",
            Self::NowKnownAs { .. } => "now-known-as",
            Self::NoName => "no-name",
            Self::HasName => "has-name",
            Self::LineTooLong { .. } => "line-too-long",
            Self::NobodyCalled { .. } => "nobody-called",
            Self::NotReading { .. } => "not-reading",
            Self::Reached { .. } => "reached",
            Self::NoAnswer { .. } => "no-answer",
            Self::NobodyWrote => "nobody-wrote",
            Self::UnknownCommand { .. } => "unknown-command",
            Self::Incomplete { .. } => "incomplete",
            Self::Help => "help",
            Self::Here { .. } | Self::HereNamed { .. } | Self::NobodyNamed { .. } => "here",
            Self::StillHere => "still-here",
            Self::WrongProtocol { .. } | Self::NeedsTls => "wrong-protocol",
            Self::Full => "full",
            Self::FullForAddress => "full-for-address",
            Self::NameTimeout { .. } => "name-timeout",
            Self::IdleTimeout { .. } => "idle-timeout",
            Self::Crowded => "crowded",
            Self::Replaced => "replaced",
            Self::Closing => "closing",
            Self::Announced { .. } => "announced",
            Self::Machines(told) => told.code(),
            Self::Access(answer) => answer.code(),
        }
    }

    /// Returns whether it says that what somebody sent came to nothing.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Access(answer) => answer.is_refusal(),
            Self::Machines(told) => told.is_refusal(),
            Self::BadName { .. }
            | Self::NameTaken { .. }
            | Self::NoName
            | Self::HasName
            | Self::LineTooLong { .. }
            | Self::NobodyCalled { .. }
            | Self::NotReading { .. }
            | Self::NoAnswer { .. }
            | Self::NobodyWrote
            | Self::UnknownCommand { .. }
            | Self::Incomplete { .. } => true,
            _ => false,
        }
    }
}

impl fmt::Display for Notice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadName { name, why } => {
                write!(f, "That name {why}: {name:.64}")
            }
            Self::NameTaken { name, holder } if name == holder => {
                write!(f, "That name is taken: {name}")
            }
            Self::NameTaken { name, holder } => {
                write!(f, "That name looks like {holder}, which is taken: {name}")
            }
            Self::NowKnownAs { name } => write!(f, "You are now known as {name}."),
            Self::NoName => f.write_str("Your name comes first: {\"name\":...}."),
            Self::HasName => f.write_str("You have a name already; /nick changes it."),
            Self::LineTooLong { max_bytes } => {
                write!(
                    f,
                    "Your line was not sent: it is longer than {max_bytes} bytes."
                )
            }
            Self::NobodyCalled { name } => write!(f, "Nobody here is called {name:.64}"),
            Self::NotReading { name } => {
                write!(
                    f,
                    "Your message was not sent: {name} is not reading at the moment."
                )
            }
            Self::Reached { name } => write!(f, "Your message reached {name}."),
            Self::NoAnswer { name } => write!(
                f,
                "Your message to {name} may not have arrived: that part of the room doesn't answer."
            ),
            Self::NobodyWrote => {
                f.write_str("Nobody who is here has said anything to you alone so far.")
            }
            Self::UnknownCommand { word } => {
                write!(
                    f,
                    "Your command {word:.32} is unknown; /help lists the commands."
                )
            }
            Self::Incomplete { usage } => write!(f, "Your command lacks something: {usage}"),
            Self::Help => {
                f.write_str("Here is what you can type:")?;
                USAGE
                    .iter()
                    .try_for_each(|(usage, what)| write!(f, "\n  {usage:15} {what}"))
            }
            Self::Here { count, names, more } => {
                write!(f, "Here ({count}): {names}{}", More(*more))
            }
            Self::HereNamed {
                count,
                all,
                names,
                more,
            } => {
                write!(f, "Here ({count} of {all}): {names}{}", More(*more))
            }
            Self::NobodyNamed { part } => {
                write!(f, "Nobody here has this in the name: {part:.64}")
            }
            Self::StillHere => f.write_str("Here and listening."),
            Self::WrongProtocol { protocol, page } => {
                write!(
                    f,
                    "That was {protocol}; this is a chat room, to join with nc or telnet."
                )?;
                match page {
                    Some(page) => write!(f, " For browsers, the page is at {page}"),
                    None => Ok(()),
                }
            }
            Self::NeedsTls => f.write_str(
                "That was not TLS, which is spoken here: try openssl s_client, or ncat --ssl.",
            ),
            Self::Full => f.write_str("The room is full; try again later."),
            Self::FullForAddress => {
                f.write_str("The room has no more places for your address; try again later.")
            }
            Self::NameTimeout { seconds } => {
                write!(f, "Your name did not come within {seconds} s; join again.")
            }
            Self::IdleTimeout { seconds } => {
                write!(f, "You were silent for {seconds} s; join again.")
            }
            Self::Crowded => {
                f.write_str("Your place is needed; join again, and give a name sooner.")
            }
            Self::Replaced => f.write_str("You have come back on another connection."),
            Self::Closing => f.write_str(CLOSING),
            Self::Announced { text } => f.write_str(text),
            Self::Machines(told) => told.fmt(f),
            Self::Access(answer) => answer.fmt(f),
        }
    }
}

/// How many names are not listed.
struct More(usize);

impl fmt::Display for More {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::name::Name;

    #[test]
    fn no_notice_starts_with_what_can_be_a_name() {
        let (name, usage) = ("ali", "/me TEXT");
        for notice in [
            Notice::BadName {
                name,
                why: NameError::Space,
            },
            Notice::NameTaken { name, holder: name },
            Notice::NameTaken {
                name,
                holder: "Ali",
            },
            Notice::NowKnownAs { name },
            Notice::LineTooLong { max_bytes: 4096 },
            Notice::NobodyCalled { name },
            Notice::NotReading { name },
            Notice::Reached { name },
            Notice::NoAnswer { name },
            Notice::NobodyWrote,
            Notice::UnknownCommand { word: "/x" },
            Notice::Incomplete { usage },
            Notice::Help,
            Notice::Here {
                count: 1,
                names: name,
                more: 1,
            },
            Notice::HereNamed {
                count: 1,
                all: 2,
                names: name,
                more: 0,
            },
            Notice::NobodyNamed { part: name },
            Notice::NoName,
            Notice::HasName,
            Notice::StillHere,
            Notice::WrongProtocol {
                protocol: "HTTP",
                page: Some("http://127.0.0.1:8080/"),
            },
            Notice::NeedsTls,
            Notice::Full,
            Notice::FullForAddress,
            Notice::NameTimeout { seconds: 30 },
            Notice::IdleTimeout { seconds: 30 },
            Notice::Crowded,
            Notice::Replaced,
            Notice::Closing,
            Notice::Machines(Machines::CutOff),
            Notice::Machines(Machines::CutOffWaits),
            Notice::Machines(Machines::WholeAgain),
            Notice::Machines(Machines::TakenForLost),
            Notice::Machines(Machines::Missed { count: 3 }),
            Notice::Machines(Machines::NameOnceMore),
        ] {
            for line in notice.to_string().lines() {
                let word = line.split(' ').next().unwrap();
                assert!(
                    Name::parse(word).is_err(),
                    "{word} in {line:?} can be a name"
                );
            }
        }
    }
}
