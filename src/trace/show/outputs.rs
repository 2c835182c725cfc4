//! The files that `-o` asks for, by their ending.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{fstat, stat};

use super::clock::Clock;
use super::picture::html::{self, Page};
use super::picture::ladder::{Ladder, LadderOptions};
use super::picture::story::Story;
use super::picture::{svg, text};
use super::summary::Totals;
use crate::cli::{Failure, TraceOptions};
use crate::trace::pass::Outcome;

const OUTPUT_BYTES: usize = 64 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Svg,
    Html,
    Mermaid,
    Text,
    Records,
}

/// The files, known to be writable before the capture is read.
#[derive(Debug)]
pub struct Outputs {
    pictures: Vec<(PathBuf, Kind, File)>,
    records: Vec<(PathBuf, File)>,
}

/// Writes the same to several files.
#[derive(Debug)]
struct Tee(Vec<BufWriter<File>>);

impl Write for Tee {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for file in &mut self.0 {
            file.write_all(bytes)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.iter_mut().try_for_each(Write::flush)
    }
}

impl Outputs {
    /// Opens the files.
    ///
    /// # Errors
    /// Fails when an ending isn't known, a file can't be written or is the capture itself.
    pub fn open(options: &TraceOptions) -> Result<Self, Failure> {
        let mut outputs = Self {
            pictures: Vec::new(),
            records: Vec::new(),
        };
        for path in &options.output {
            let kind = kind(path)?;
            if is_same(path, &options.file) {
                let path = path.display();
                return Err(Failure::usage(format!("{path}: is the capture itself")));
            }
            let file = File::create(path).map_err(|error| failure(path, &error))?;
            match kind {
                Kind::Records => outputs.records.push((path.clone(), file)),
                _ => outputs.pictures.push((path.clone(), kind, file)),
            }
        }
        Ok(outputs)
    }

    /// Returns whether anything is to be drawn when the capture is over.
    #[must_use]
    pub fn draws(&self) -> bool {
        !self.pictures.is_empty()
    }

    /// Takes where the records go.
    pub fn take_records(&mut self) -> Option<Box<dyn Write>> {
        if self.records.is_empty() {
            return None;
        }
        let files = std::mem::take(&mut self.records)
            .into_iter()
            .map(|(_, file)| BufWriter::with_capacity(OUTPUT_BYTES, file))
            .collect();
        Some(Box::new(Tee(files)))
    }

    /// Draws.
    ///
    /// # Errors
    /// Fails when a file can't be written.
    pub fn draw(
        &mut self,
        options: &TraceOptions,
        story: &mut Story,
        clock: &Clock,
        totals: &Totals,
        outcome: &Outcome,
    ) -> Result<(), Failure> {
        story.finish();
        let how = LadderOptions {
            rows: options.rows,
            redact: options.redact,
            port: options.port,
        };
        let ladder = Ladder::new(story, clock, how);
        let name = options.file.file_name().map_or_else(
            || options.file.display().to_string(),
            |name| name.display().to_string(),
        );
        for (path, kind, file) in &mut self.pictures {
            let drawn = match kind {
                Kind::Svg => svg::to_string(&ladder),
                Kind::Mermaid => text::mermaid(&ladder),
                Kind::Text | Kind::Records => text::plain(&ladder),
                Kind::Html => html::to_string(&Page {
                    ladder: &ladder,
                    totals,
                    findings: &outcome.findings,
                    file: &name,
                    port: options.port,
                }),
            };
            file.write_all(drawn.as_bytes())
                .map_err(|error| failure(path, &error))?;
        }
        Ok(())
    }
}

fn kind(path: &Path) -> Result<Kind, Failure> {
    let ending = path.extension().and_then(|ending| ending.to_str());
    match ending.map(str::to_ascii_lowercase).as_deref() {
        Some("svg") => Ok(Kind::Svg),
        Some("html" | "htm") => Ok(Kind::Html),
        Some("mmd") => Ok(Kind::Mermaid),
        Some("txt") => Ok(Kind::Text),
        Some("ndjson") => Ok(Kind::Records),
        _ => Err(Failure::usage(format!(
            "{}: unknown ending; use .svg, .html, .mmd, .txt or .ndjson",
            path.display()
        ))),
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
