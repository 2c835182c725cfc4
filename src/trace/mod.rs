//! Reading the room's traffic back from a packet capture.
//!
//! The way of a packet, one pass from the bottom to the top; each layer knows those below it and
//! none above:
//!
//! 1. [`capture`] reads bytes from a file or a pipe and cuts them into [`Frame`](capture::Frame)s.
//! 2. [`packet`] reads one frame's headers, link, IP and TCP, into a [`Packet`](packet::Packet), or
//!    says why it can't be looked at.
//! 3. [`tcp`] finds the packet's stream and says what Wireshark would, given all that came before: a
//!    [`Segment`](tcp::Segment).
//! 4. [`chat`] puts the bytes of the room's streams in order, has [`tls`] open what is sealed of them,
//!    cuts them into lines, and tells what happened: [`Event`](chat::event::Event)s, and a [`Note`](chat::Note) of what the frame was for.
//! 5. [`pass`] hands all of it, as one [`Seen`](show::seen::Seen), to the
//!    [`Account`](show::account::Account), which counts and collects, and to the outputs.
//! 6. [`show`] holds the outputs: each is a [`Sink`](show::sink::Sink), told of frames and events, and
//!    of the whole once the capture is over; [`show::outputs`] writes what they say.
//!
//! What the server has recorded of a talk is told by `recorded`, without any of these.
//!
//! Pure but for [`capture::input`], which opens the capture and the log of secrets, and
//! [`show::outputs`], which opens the outputs. Nothing a capture contains may panic, hang or bloat the program, and no byte of it
//! reaches an output but through [`show::text`].

pub mod capture;
pub mod chat;
pub mod options;
pub mod packet;
pub mod pass;
mod recorded;
pub mod show;
pub mod tcp;
pub mod tls;

use std::io::{self, BufWriter, Read};
use std::path::Path;

use self::capture::input::{self, Input};
use self::capture::{CaptureError, CaptureReader};
pub use self::options::Options;
use self::pass::Pass;
use self::show::outputs::{Outputs, WriteError};
use self::tls::key_log::KeyLog;
use crate::failure::Failure;

const SCREEN_BUFFER_BYTES: usize = 64 * 1024;

/// The dissector, as Wireshark loads it.
pub const DISSECTOR: &str = include_str!("chatroom.lua");

/// Shows a capture in the ways that were asked for.
///
/// # Errors
/// Fails when the capture is bad, holds nothing on the port or nothing of what was asked for, when an
/// output can't be written, or when there are findings and `--check` was given.
pub fn trace(options: &Options) -> Result<(), Failure> {
    let input =
        Input::open(&options.file).map_err(|error| bad_input(options, &CaptureError::Io(error)))?;
    let keys = match &options.key_log {
        Some(file) => open_key_log(file)?,
        None => KeyLog::default(),
    };
    let mut screen = BufWriter::with_capacity(SCREEN_BUFFER_BYTES, io::stdout().lock());
    let mut outputs = Outputs::new(options, &mut screen, input.is_live());
    outputs.open_files(options)?;
    let mut reader = CaptureReader::new(input);
    let mut pass = Pass::new(options, outputs).with_keys(keys);
    let ended = match read(&mut reader, &mut pass) {
        Err(error) => return error.judge(),
        Ok(Err(CaptureError::Cut { .. })) if reader.source().was_interrupted() => None,
        Ok(ended) => ended.err(),
    };
    if let Some(CaptureError::NotACapture(magic)) = &ended
        && recorded::begins_with(magic)
    {
        drop(pass);
        return recorded::show(reader.into_stream(), options, &mut screen);
    }
    if let Some(
        error @ (CaptureError::Empty | CaptureError::NotACapture(_) | CaptureError::Compressed(_)),
    ) = ended
    {
        return Err(bad_input(options, &error));
    }
    match (pass.finish(reader.dropped()), ended) {
        (Err(error), _) => error.judge(),
        (Ok(_), Some(error)) => Err(match pass.nothing_matched() {
            Some(nothing) => bad_input(options, &format!("{error}; {nothing}")),
            None => bad_input(options, &error),
        }),
        (Ok(warnings), None) => judge(options, &pass, warnings),
    }
}

fn open_key_log(file: &Path) -> Result<KeyLog, Failure> {
    let source = input::open_key_log(file)
        .map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?;
    Ok(KeyLog::following(source))
}

/// Reads to the end; the outer error is an output's, the inner one the capture's.
fn read<R: Read>(
    reader: &mut CaptureReader<R>,
    pass: &mut Pass<'_>,
) -> Result<Result<(), CaptureError>, WriteError> {
    loop {
        match reader.next_frame() {
            Ok(Some(frame)) => pass.frame(&frame)?,
            Ok(None) => return Ok(Ok(())),
            Err(error) => return Ok(Err(error)),
        }
    }
}

fn bad_input(options: &Options, why: &dyn std::fmt::Display) -> Failure {
    Failure::usage(format!("{}: {why}", options.file.display()))
}

/// Decides whether all is well with a capture that was read to its end.
fn judge(options: &Options, pass: &Pass<'_>, warnings: usize) -> Result<(), Failure> {
    let totals = pass.totals();
    if let Some(link) = totals.unsupported_link() {
        return Err(bad_input(options, &link));
    }
    if totals.on_port == 0 {
        return Err(Failure::new(totals.nothing_on(options.ports)));
    }
    if let Some(nothing) = pass.nothing_matched() {
        return Err(Failure::new(nothing));
    }
    if options.check && warnings > 0 {
        return Err(Failure::new(format!("{warnings} findings of level warn")));
    }
    Ok(())
}
