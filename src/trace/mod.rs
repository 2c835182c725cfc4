//! Reading the room's traffic back from a packet capture.
//!
//! One pass, layer by layer; each knows the one below and none above:
//!
//! ```text
//! capture -> packet -> streams + tcp -> reassembly -> units -> chat (conversation, matching)
//!         -> packet_list, packet_details, messages, summary + findings, story -> pictures, ndjson
//! ```
//!
//! Pure but for `input`, which opens the capture, and this file, which opens the outputs. Nothing a
//! capture contains may panic, hang or bloat the program, and no byte of it reaches an output but
//! through `text`.

pub mod capture;
pub mod chat;
pub mod packet;
pub mod pass;
pub mod show;
pub mod tcp;

use std::io::{self, BufWriter, Read, Write};

use self::capture::input::Input;
use self::capture::{CaptureError, CaptureReader};
use self::pass::{Outcome, Pass, Sinks, warnings};
use self::show::outputs::Outputs;
use self::show::picture::story::Story;
use crate::cli::{Failure, GenerateOptions, Generated, TraceOptions};

const OUTPUT_BYTES: usize = 64 * 1024;
/// The dissector, as Wireshark loads it.
const DISSECTOR: &str = include_str!("chatroom.lua");

/// Shows a capture in the ways that were asked for.
///
/// # Errors
/// Fails when the capture is bad or holds nothing on the port, when an output can't be written, or
/// when there are findings and `--check` was given.
pub fn trace(options: &TraceOptions) -> Result<(), Failure> {
    let file = options.file.display();
    let input = Input::open(&options.file)
        .map_err(|error| Failure::usage(format!("{file}: {}", CaptureError::Io(error))))?;
    let mut outputs = Outputs::open(options)?;
    let live = input.is_live();
    let mut reader = CaptureReader::new(input);
    let mut stdout = BufWriter::with_capacity(OUTPUT_BYTES, io::stdout().lock());
    let sinks = Sinks {
        text: &mut stdout,
        records: outputs.take_records(),
        live,
    };
    let story = outputs.draws().then(|| Story::new(options.full));
    let mut pass = Pass::new(options, sinks, story);
    let ended = match read(&mut reader, &mut pass) {
        Err(error) => return output_failure(&error),
        Ok(Err(CaptureError::Cut { .. })) if reader.source().was_interrupted() => None,
        Ok(ended) => ended.err(),
    };
    if let Some(CaptureError::Empty | CaptureError::NotACapture(_) | CaptureError::Compressed(_)) =
        ended
    {
        return judge(options, &pass, None, ended);
    }
    match pass.finish(reader.dropped()) {
        Err(error) => output_failure(&error),
        Ok(outcome) => {
            pass.draw(&mut outputs, &outcome)?;
            judge(options, &pass, Some(&outcome), ended)
        }
    }
}

/// Reads to the end; the outer error is an output's, the inner one the capture's.
fn read<R: Read>(
    reader: &mut CaptureReader<R>,
    pass: &mut Pass<'_>,
) -> io::Result<Result<(), CaptureError>> {
    loop {
        match reader.next_frame() {
            Ok(Some(frame)) => pass.frame(&frame)?,
            Ok(None) => return Ok(Ok(())),
            Err(error) => return Ok(Err(error)),
        }
    }
}

/// Somebody who stops reading our output has seen enough; anything else is a failure.
fn output_failure(error: &io::Error) -> Result<(), Failure> {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Ok(());
    }
    Err(Failure::new(format!("can't write: {error}")))
}

/// Decides whether all is well.
fn judge(
    options: &TraceOptions,
    pass: &Pass<'_>,
    outcome: Option<&Outcome>,
    ended: Option<CaptureError>,
) -> Result<(), Failure> {
    let file = options.file.display();
    if let Some(error) = ended {
        return Err(Failure::usage(format!("{file}: {error}")));
    }
    if let Some(link) = pass.totals.unsupported_link() {
        return Err(Failure::usage(format!("{file}: {link}")));
    }
    if pass.totals.on_port == 0 {
        return Err(Failure::new(pass.totals.nothing_on(options.port)));
    }
    let found = outcome.map_or(0, |outcome| warnings(&outcome.findings));
    if options.check && found > 0 {
        return Err(Failure::new(format!("{found} findings of level warn")));
    }
    Ok(())
}

/// Prints what was asked for.
///
/// # Errors
/// Fails when standard output can't be written.
pub fn generate(options: GenerateOptions) -> Result<(), Failure> {
    let text = match options.what {
        Generated::Dissector => DISSECTOR,
    };
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Ok(()) => Ok(()),
        Err(error) => output_failure(&error),
    }
}
