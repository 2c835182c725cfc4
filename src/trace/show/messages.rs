//! Who said what, as a log: each line is written as soon as it is known.

use std::fmt::{self, Write as _};

use super::clock::Clock;
use super::text::{Isolated, Span};
use crate::trace::capture::Moment;
use crate::trace::chat::event::{Event, Original, Who};

/// Writes events as lines.
#[derive(Debug)]
pub struct Messages {
    redact: bool,
    digits: u8,
    /// What the last line was about that is not indented: what is indented below it belongs to it,
    /// if it doesn't say otherwise.
    about: Option<u64>,
}

/// What somebody said, or how much of it there was.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// What.
    pub text: &'a [u8],
    /// It is not to be shown.
    pub redact: bool,
}

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.redact {
            write!(f, "<{} bytes>", self.text.len())
        } else {
            Isolated(self.text).fmt(f)
        }
    }
}

impl Messages {
    /// Returns a writer for a capture whose clock has so many digits.
    #[must_use]
    pub fn new(redact: bool) -> Self {
        Self {
            redact,
            digits: 6,
            about: None,
        }
    }

    /// Says how many digits of a second there are to show.
    pub fn set_digits(&mut self, digits: u8) {
        self.digits = digits;
    }

    /// Appends the event's line, if it has one.
    pub fn write(&mut self, event: &Event, clock: &Clock, out: &mut String) {
        let Some(at) = event.moment() else {
            return;
        };
        let mut line = Line {
            out,
            messages: self,
            clock,
        };
        // Writing to a string can't fail.
        let written = line.event(event, at);
        debug_assert!(written.is_ok());
    }
}

struct Line<'a> {
    out: &'a mut String,
    messages: &'a mut Messages,
    clock: &'a Clock,
}

impl Line<'_> {
    fn event(&mut self, event: &Event, at: Moment) -> fmt::Result {
        match event {
            Event::Connected { .. } | Event::Refused { .. } | Event::Ended { .. } => {
                self.connection(event, at)
            }
            Event::Joined {
                id, who, client, ..
            } => {
                self.head(at, Some(*id))?;
                let (name, address, port) = (name(who), client.address, client.port);
                writeln!(self.out, "{name} joined from {address} port {port}")
            }
            Event::Said { id, who, text, .. } => {
                self.head(at, Some(*id))?;
                let text = self.said(text);
                writeln!(self.out, "{}: {text}", name(who))
            }
            Event::Acked { id, delay, .. } => {
                if self.messages.about != Some(*id) {
                    return Ok(());
                }
                self.begin(at)?;
                writeln!(self.out, "  the server has it, ACK +{}", Span(*delay))
            }
            Event::Copied { .. } => self.copied(event, at),
            Event::Missing {
                original,
                to,
                not_captured,
                ..
            } => {
                self.begin(at)?;
                let why = if *not_captured {
                    "not captured"
                } else {
                    "no copy seen"
                };
                let frame = original.frame;
                writeln!(self.out, "  -> {}: {why} (of frame {frame})", name(to))
            }
            Event::Left { id, who, how, .. } => {
                self.head(at, Some(*id))?;
                writeln!(self.out, "{} left ({})", name(who), how.words())
            }
            Event::Notice { who, text, .. } => {
                self.head(at, None)?;
                let text = self.said(text);
                writeln!(self.out, "the server to {}: {text}", name(who))
            }
            // The text that lacks bytes says so itself.
            Event::Gap { .. } | Event::Settled { .. } => Ok(()),
        }
    }

    fn connection(&mut self, event: &Event, at: Moment) -> fmt::Result {
        match event {
            Event::Connected {
                who, syn, syn_ack, ..
            } => {
                self.head(*syn, None)?;
                write!(self.out, "{} connected (SYN {}", name(who), syn.frame)?;
                if let Some(syn_ack) = syn_ack {
                    write!(self.out, ", SYN/ACK {}", syn_ack.frame)?;
                }
                let took = Span(at.time - syn.time);
                writeln!(self.out, ", ACK {}; {took})", at.frame)
            }
            Event::Refused { who, syn, .. } => {
                self.head(*syn, None)?;
                let frames = (syn.frame, at.frame);
                writeln!(
                    self.out,
                    "{} was refused (SYN {}, RST {})",
                    name(who),
                    frames.0,
                    frames.1
                )
            }
            Event::Ended { who, began, .. } => {
                self.head(at, None)?;
                let took = Span(at.time - began.time);
                let frames = (began.frame, at.frame);
                writeln!(
                    self.out,
                    "{}'s connection is over (frames {} to {}, {took})",
                    name(who),
                    frames.0,
                    frames.1
                )
            }
            _ => Ok(()),
        }
    }

    fn copied(&mut self, event: &Event, at: Moment) -> fmt::Result {
        let Event::Copied {
            id,
            of,
            original,
            to,
            delay,
            acked,
            ..
        } = event
        else {
            return Ok(());
        };
        self.begin(at)?;
        write!(self.out, "  -> {} +{}", name(to), Span(*delay))?;
        match acked {
            Some((ack, delay)) => {
                write!(self.out, ", ACK +{} in frame {}", Span(*delay), ack.frame)?;
            }
            None => self.out.write_str(", not acknowledged")?,
        }
        if self.messages.about != Some(*id) {
            let what = match of {
                Original::Message => "of",
                Original::Join => "of the join in",
                Original::Leave => "of the leave in",
            };
            write!(self.out, " ({what} frame {})", original.frame)?;
        }
        self.out.write_char('\n')
    }

    /// Begins a line that is not indented.
    fn head(&mut self, at: Moment, about: Option<u64>) -> fmt::Result {
        self.messages.about = about;
        self.begin(at)
    }

    fn begin(&mut self, at: Moment) -> fmt::Result {
        let time = self.clock.write(at.time, self.messages.digits);
        write!(self.out, "{time:>12} {:>6}  ", at.frame)
    }

    fn said<'t>(&self, text: &'t [u8]) -> Said<'t> {
        Said {
            text,
            redact: self.messages.redact,
        }
    }
}

fn name(who: &Who) -> Isolated<'_> {
    Isolated(&who.name)
}
