//! The outputs that were asked for, and where each goes: the screen, or a file by its ending.
//!
//! The one place that knows which outputs there are, and the only one that writes.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{fstat, stat};

use super::details::Details;
use super::list::PacketList;
use super::messages::Messages;
use super::picture::Picture;
use super::records::Records;
use super::seen::Seen;
use super::sink::{Sink, Whole};
use super::summary::Summary;
use super::time::Clock;
use crate::failure::Failure;
use crate::trace::chat::event::Event;
use crate::trace::options::Options;
use crate::trace::tcp::StreamRow;

const FILE_BUFFER_BYTES: usize = 64 * 1024;

/// One kind of file.
struct Kind {
    endings: &'static [&'static str],
    sink: fn(&Options) -> Box<dyn Sink>,
    /// It shows what the account's story tells.
    draws: bool,
}

const KINDS: [Kind; 5] = [
    Kind {
        endings: &["svg"],
        sink: |options| Box::new(Picture::svg(options)),
        draws: true,
    },
    Kind {
        endings: &["html", "htm"],
        sink: |options| Box::new(Picture::html(options)),
        draws: true,
    },
    Kind {
        endings: &["mmd"],
        sink: |options| Box::new(Picture::mermaid(options)),
        draws: true,
    },
    Kind {
        endings: &["txt"],
        sink: |options| Box::new(Picture::plain(options)),
        draws: true,
    },
    Kind {
        endings: &["ndjson"],
        sink: |options| Box::new(Records::new(options)),
        draws: false,
    },
];

/// Which frames and events an output is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// All of them.
    All,
    /// Those that `--stream`, `--from` and `--to` ask for.
    Shown,
}

/// Where an output goes.
enum Place {
    Screen,
    File(PathBuf, Box<dyn Write>),
}

struct Output {
    sink: Box<dyn Sink>,
    scope: Scope,
    place: Place,
}

/// The outputs.
pub struct Outputs<'a> {
    screen: Screen<'a>,
    all: Vec<Output>,
    draw: bool,
    buffer: String,
}

/// The screen, on which parts stand one below the other.
struct Screen<'a> {
    out: &'a mut dyn Write,
    /// Something stands there already, or may.
    begun: bool,
    /// Somebody is watching: nothing may wait in a buffer.
    live: bool,
}

/// Why an output can't be written.
#[derive(Debug)]
pub struct WriteError {
    /// Which file; `None` for the screen.
    path: Option<PathBuf>,
    error: io::Error,
}

impl WriteError {
    /// Somebody who stops reading our output has seen enough; anything else is a failure.
    ///
    /// # Errors
    /// Fails with what went wrong, unless it was that.
    pub fn judge(self) -> Result<(), Failure> {
        let error = self.error;
        match self.path {
            _ if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Some(path) => Err(failure(&path, &error)),
            None => Err(Failure::new(format!("can't write: {error}"))),
        }
    }
}

impl std::fmt::Debug for Outputs<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outputs").finish_non_exhaustive()
    }
}

impl<'a> Outputs<'a> {
    /// Returns those that go to the screen; `live` if every frame is to be seen at once.
    pub fn new(options: &Options, screen: &'a mut dyn Write, live: bool) -> Self {
        let any = options.packets
            || options.messages
            || options.summary
            || !options.details.is_empty()
            || !options.output.is_empty();
        let messages = options.messages || !any;
        let mut outputs = Self {
            screen: Screen {
                out: screen,
                begun: options.packets || messages,
                live,
            },
            all: Vec::new(),
            draw: false,
            buffer: String::new(),
        };
        if options.packets {
            outputs.show(Scope::Shown, PacketList::new(options));
        }
        if messages {
            outputs.show(Scope::Shown, Messages::new(options));
        }
        if !options.details.is_empty() {
            outputs.show(Scope::All, Details::new(options));
        }
        if options.summary || !any {
            outputs.show(Scope::All, Summary::new(options));
        }
        outputs
    }

    /// Opens the files that were asked for.
    ///
    /// # Errors
    /// Fails when an ending isn't known, a file can't be written or is the capture itself.
    pub fn open_files(&mut self, options: &Options) -> Result<(), Failure> {
        for path in &options.output {
            let kind = Kind::of(path)?;
            if is_same(path, &options.file) {
                let path = path.display();
                return Err(Failure::usage(format!("{path}: is the capture itself")));
            }
            let file = File::create(path).map_err(|error| failure(path, &error))?;
            let file = BufWriter::with_capacity(FILE_BUFFER_BYTES, file);
            self.add(kind, options, path, Box::new(file));
        }
        Ok(())
    }

    /// Adds an output as if it went to a file with this name.
    ///
    /// # Errors
    /// Fails when the ending isn't known.
    pub fn write_to(
        &mut self,
        options: &Options,
        name: &str,
        out: Box<dyn Write>,
    ) -> Result<(), Failure> {
        let path = Path::new(name);
        self.add(Kind::of(path)?, options, path, out);
        Ok(())
    }

    /// Returns whether one of them shows what the account's story tells.
    #[must_use]
    pub fn draw(&self) -> bool {
        self.draw
    }

    /// Takes a frame; `shown` if it is among those that were asked for.
    ///
    /// # Errors
    /// Fails when an output can't be written.
    pub fn packet(&mut self, seen: &Seen<'_>, shown: bool) -> Result<(), WriteError> {
        self.tell(shown, |sink, out| sink.packet(seen, out))
    }

    /// Takes something that happened; `shown` if it is among what was asked for.
    ///
    /// # Errors
    /// Fails when an output can't be written.
    pub fn event(&mut self, event: &Event, clock: &Clock, shown: bool) -> Result<(), WriteError> {
        self.tell(shown, |sink, out| sink.event(event, clock, out))
    }

    /// Takes a stream that is over.
    pub fn stream(&mut self, row: &StreamRow) {
        for output in &mut self.all {
            output.sink.stream(row);
        }
    }

    /// Says that all of a frame was told.
    ///
    /// # Errors
    /// Fails when an output can't be written.
    pub fn end_frame(&mut self) -> Result<(), WriteError> {
        if self.screen.live {
            return self.flush();
        }
        Ok(())
    }

    /// Takes the end of the capture.
    ///
    /// # Errors
    /// Fails when an output can't be written.
    pub fn finish(&mut self, whole: &Whole<'_>) -> Result<(), WriteError> {
        for output in &mut self.all {
            self.buffer.clear();
            output.sink.finish(whole, &mut self.buffer);
            if matches!(output.place, Place::Screen) && !self.buffer.is_empty() {
                // A blank line parts what stands on the screen.
                if self.screen.begun {
                    self.screen.write("\n")?;
                }
                self.screen.begun = true;
            }
            output.place.write(&mut self.screen, &self.buffer)?;
        }
        self.flush()
    }

    fn show(&mut self, scope: Scope, sink: impl Sink + 'static) {
        self.all.push(Output {
            sink: Box::new(sink),
            scope,
            place: Place::Screen,
        });
    }

    fn add(&mut self, kind: &Kind, options: &Options, path: &Path, out: Box<dyn Write>) {
        self.draw |= kind.draws;
        self.all.push(Output {
            sink: (kind.sink)(options),
            scope: Scope::Shown,
            place: Place::File(path.to_owned(), out),
        });
    }

    /// Lets each output that is told of it say something, and writes that.
    fn tell(
        &mut self,
        shown: bool,
        tell: impl Fn(&mut dyn Sink, &mut String),
    ) -> Result<(), WriteError> {
        for output in &mut self.all {
            if shown || output.scope == Scope::All {
                self.buffer.clear();
                tell(&mut *output.sink, &mut self.buffer);
                output.place.write(&mut self.screen, &self.buffer)?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), WriteError> {
        self.screen.flush()?;
        for output in &mut self.all {
            if let Place::File(path, out) = &mut output.place {
                out.flush().map_err(|error| WriteError {
                    path: Some(path.clone()),
                    error,
                })?;
            }
        }
        Ok(())
    }
}

impl Kind {
    fn of(path: &Path) -> Result<&'static Self, Failure> {
        let ending = path.extension().and_then(|ending| ending.to_str());
        let ending = ending.map(str::to_ascii_lowercase).unwrap_or_default();
        KINDS
            .iter()
            .find(|kind| kind.endings.contains(&ending.as_str()))
            .ok_or_else(|| {
                let path = path.display();
                Failure::usage(format!(
                    "{path}: unknown ending; use .svg, .html, .mmd, .txt or .ndjson"
                ))
            })
    }
}

impl Place {
    fn write(&mut self, screen: &mut Screen<'_>, text: &str) -> Result<(), WriteError> {
        match self {
            _ if text.is_empty() => Ok(()),
            Self::Screen => screen.write(text),
            Self::File(path, out) => out.write_all(text.as_bytes()).map_err(|error| WriteError {
                path: Some(path.clone()),
                error,
            }),
        }
    }
}

impl Screen<'_> {
    fn write(&mut self, text: &str) -> Result<(), WriteError> {
        let written = self.out.write_all(text.as_bytes());
        written.map_err(|error| WriteError { path: None, error })
    }

    fn flush(&mut self) -> Result<(), WriteError> {
        let flushed = self.out.flush();
        flushed.map_err(|error| WriteError { path: None, error })
    }
}

/// Returns whether an output is the input, under whatever name.
fn is_same(output: &Path, input: &Path) -> bool {
    let Ok(output) = stat(output) else {
        return false;
    };
    let input = if input.as_os_str() == "-" {
        fstat(io::stdin())
    } else {
        stat(input)
    };
    input.is_ok_and(|input| (input.st_dev, input.st_ino) == (output.st_dev, output.st_ino))
}

fn failure(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_ending_in_any_case() {
        for (name, draws) in [("a.svg", true), ("b.HTM", true), ("c.b.NdJson", false)] {
            assert_eq!(Kind::of(Path::new(name)).unwrap().draws, draws, "{name}");
        }
        for name in ["svg", "a.pdf", ".svg", "a."] {
            let error = Kind::of(Path::new(name)).err().unwrap();
            assert!(error.message.contains("unknown ending"), "{name}: {error}");
            assert_eq!(error.exit_code, 2);
        }
    }
}
