//! Who said what, as a log: each line is written as soon as it is known.

use std::fmt::{self, Write as _};

use super::sink::{Sink, Whole};
use super::text::{Isolated, Said, written};
use super::time::{Clock, Span};
use crate::trace::capture::Moment;
use crate::trace::chat::event::{Event, Original, Way, Who, Word};
use crate::trace::options::Options;
use crate::trace::tls::SuiteName;

/// Most bytes of messages kept back while the packet list has the screen.
const DEFERRED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Writes events as lines.
#[derive(Debug)]
pub(super) struct Messages {
    redact: bool,
    /// What waits until the packet list is written.
    deferred: Option<String>,
    /// What the last line was about that is not indented: what is indented below it belongs to it,
    /// if it doesn't say otherwise.
    about: Option<u64>,
}

impl Messages {
    /// Returns what these options ask for.
    #[must_use]
    pub(super) fn new(options: &Options) -> Self {
        Self {
            redact: options.redact,
            // The packet list has the screen while it is read.
            deferred: options.packets.then(String::new),
            about: None,
        }
    }
}

impl Sink for Messages {
    fn event(&mut self, event: &Event, clock: &Clock, out: &mut String) {
        let Some(at) = event.moment() else {
            return;
        };
        let out = self.deferred.as_mut().unwrap_or(out);
        if out.len() >= DEFERRED_BYTES_MAX {
            return;
        }
        let mut entry = Entry {
            out,
            about: &mut self.about,
            redact: self.redact,
            clock,
        };
        written(entry.event(event, at));
    }

    fn finish(&mut self, _whole: &Whole<'_>, out: &mut String) {
        out.push_str(self.deferred.as_deref().unwrap_or(""));
    }
}

/// The line of one event.
struct Entry<'a> {
    out: &'a mut String,
    about: &'a mut Option<u64>,
    redact: bool,
    clock: &'a Clock,
}

impl Entry<'_> {
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
                if *self.about != Some(*id) {
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
            Event::Sealed { who, way, word, .. } => self.sealed(at, who, *way, word),
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

    fn sealed(&mut self, at: Moment, who: &Who, way: Way, word: &Word) -> fmt::Result {
        if *word == Word::Opened {
            return Ok(());
        }
        self.head(at, None)?;
        let name = name(who);
        match (word, way) {
            (Word::Sealed { bytes, .. }, Way::Up) => {
                return writeln!(self.out, "{name} sends {bytes} bytes, sealed");
            }
            (Word::Sealed { bytes, .. }, Way::Down) => {
                return writeln!(self.out, "the server sends {name} {bytes} bytes, sealed");
            }
            (_, Way::Up) => write!(self.out, "{name} to the server: ")?,
            (_, Way::Down) => write!(self.out, "the server to {name}: ")?,
        }
        match word {
            Word::Asked { server_name } => {
                self.out.write_str("TLS")?;
                if let Some(server_name) = server_name {
                    write!(self.out, ", as {}", Isolated(server_name))?;
                }
            }
            Word::Agreed { version, suite } => {
                write!(self.out, "{version}, {}", SuiteName(*suite))?;
            }
            Word::Alert(alert) => write!(self.out, "TLS alert {alert}")?,
            Word::Opened | Word::Sealed { .. } => {}
        }
        self.out.write_char('\n')
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
        if *self.about != Some(*id) {
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
        *self.about = about;
        self.begin(at)
    }

    fn begin(&mut self, at: Moment) -> fmt::Result {
        let time = self.clock.write(at.time);
        write!(self.out, "{time:>12} {:>6}  ", at.frame)
    }

    fn said<'t>(&self, text: &'t [u8]) -> Said<'t> {
        Said {
            text,
            redact: self.redact,
        }
    }
}

fn name(who: &Who) -> Isolated<'_> {
    Isolated(&who.name)
}
