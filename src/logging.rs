//! The log: `simple_logger` behind a guard that neither blocks nor panics the loop.
//!
//! `simple_logger` prints to standard output: it blocks while a pipe or terminal is full, and panics
//! when the reader has gone or the disk is full. The guard gives this process a standard output of
//! its own that never blocks, catches the panic, counts the lines that were lost, and says how many
//! once there is place again. Lines for the journal or as JSON are written past `simple_logger`,
//! which knows neither.

use std::cell::Cell;
use std::env;
use std::fmt::{self, Write};
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use log::{Level, LevelFilter, Log, Metadata, Record};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags};
use simple_logger::SimpleLogger;
use time::OffsetDateTime;

/// Bytes that a pipe takes as a whole or not at all (POSIX, `PIPE_BUF`).
const PIPE_BYTES: usize = 4096;

/// What a line of the log has beside its text: time, level, target, line end and dots.
const FRAME_BYTES: usize = 64;

thread_local! {
    /// Whether this thread is printing a log line, so that a panic is only a line that is lost.
    static PRINTING: Cell<bool> = const { Cell::new(false) };
}

/// Lines of the log that were lost so far.
static LOST: AtomicU64 = AtomicU64::new(0);

/// How a line of the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people, by `simple_logger`; for the journal, where standard output goes there.
    Text,
    /// A JSON object.
    Json,
}

/// Returns how many lines were lost since the start.
#[must_use]
pub fn lost() -> u64 {
    LOST.load(Ordering::Relaxed)
}

/// Logs at another level from here on.
pub fn set_level(level: LevelFilter) {
    log::set_max_level(level);
}

/// Starts logging at `level`, to standard output.
pub fn start(level: LevelFilter, format: Format) {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !PRINTING.get() {
            report(info);
        }
    }));
    let guard = Guard {
        form: Form::of(format),
        output: Output::prepare(),
        sure_bytes: AtomicUsize::new(0),
        lost: AtomicU64::new(0),
    };
    // Only a second logger in one process is refused; the first stays in force then.
    if log::set_boxed_logger(Box::new(guard)).is_ok() {
        log::set_max_level(level);
    }
}

/// What standard output is, as far as writing to it may fail for want of place. A line that fails is
/// not simply gone: standard output keeps what it has buffered of it for later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Output {
    /// A file: there is place.
    Ready,
    /// A pipe: one that has place has place for [`PIPE_BYTES`].
    Pipe,
    /// It has to be asked before each line.
    Asked,
}

impl Output {
    /// Makes sure, where it can be, that writing to standard output never waits.
    ///
    /// `O_NONBLOCK` is a property of the open file, which is shared with the shell and whoever else
    /// has it; set there, it would outlive us. Opened anew, the file is ours alone. A socket can't
    /// be opened so; there asking has to do.
    fn prepare() -> Self {
        let kind = rustix::fs::fstat(rustix::stdio::stdout())
            .map(|stat| FileType::from_raw_mode(stat.st_mode));
        if kind == Ok(FileType::RegularFile) {
            return Self::Ready;
        }
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        if let Ok(ours) = rustix::fs::open("/proc/self/fd/1", flags, Mode::empty()) {
            rustix::stdio::dup2_stdout(ours).ok();
        }
        if kind == Ok(FileType::Fifo) {
            Self::Pipe
        } else {
            Self::Asked
        }
    }
}

/// Lets a line through to `simple_logger` only if it can be printed at once.
struct Guard {
    form: Form,
    output: Output,
    /// Bytes that a pipe takes for sure without being asked again.
    sure_bytes: AtomicUsize,
    /// Lines lost since the last one that was printed.
    lost: AtomicU64,
}

impl Log for Guard {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        let lost = self.lost.load(Ordering::Relaxed);
        if lost > 0 {
            let words = format_args!("{lost} lines of the log were lost: its reader was too slow");
            let note = Record::builder()
                .level(Level::Warn)
                .target("chatroom")
                .args(words)
                .build();
            if !self.print(&note) {
                self.lose();
                return;
            }
            self.lost.store(0, Ordering::Relaxed);
        }
        // Where in the program a line was made means nothing to those who read it.
        let target = if record.target().starts_with("chatroom") {
            "chatroom"
        } else {
            record.target()
        };
        let args = *record.args();
        let record = Record::builder()
            .level(record.level())
            .target(target)
            .args(args)
            .build();
        if !self.print(&record) {
            self.lose();
        }
    }

    fn flush(&self) {}
}

impl Guard {
    fn lose(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
        LOST.fetch_add(1, Ordering::Relaxed);
    }

    /// Prints a line, unless that would block; returns whether it was printed.
    fn print(&self, record: &Record<'_>) -> bool {
        let mut text = Cut::default();
        if write!(text, "{}", record.args()).is_err() {
            text.0.push_str("...");
        }
        let level = record.level();
        let line = match &self.form {
            Form::Simple(logger) => {
                let args = format_args!("{}", text.0);
                let target = record.target();
                let record = Record::builder()
                    .level(level)
                    .target(target)
                    .args(args)
                    .build();
                return self.has_place((FRAME_BYTES + text.0.len()).min(PIPE_BYTES))
                    && print_by(logger, &record);
            }
            Form::Journal => journal_line(level, &text.0),
            Form::Json => json_line(level, &text.0, OffsetDateTime::now_utc()),
        };
        let whole = Ok(line.len());
        self.has_place(line.len())
            && rustix::io::write(rustix::stdio::stdout(), line.as_bytes()) == whole
    }

    /// Returns whether standard output takes `length` bytes at once.
    fn has_place(&self, length: usize) -> bool {
        if self.output == Output::Ready {
            return true;
        }
        let sure = self.sure_bytes.load(Ordering::Relaxed);
        if length <= sure {
            self.sure_bytes.store(sure - length, Ordering::Relaxed);
            return true;
        }
        let place = is_writable();
        let sure = if place && self.output == Output::Pipe {
            PIPE_BYTES - length
        } else {
            0
        };
        self.sure_bytes.store(sure, Ordering::Relaxed);
        place
    }
}

/// Lets `simple_logger` print a line; returns whether it did.
fn print_by(logger: &SimpleLogger, record: &Record<'_>) -> bool {
    PRINTING.set(true);
    let printed = panic::catch_unwind(AssertUnwindSafe(|| logger.log(record)));
    PRINTING.set(false);
    printed.is_ok()
}

/// Who writes a line, and how.
enum Form {
    Simple(SimpleLogger),
    Journal,
    Json,
}

impl Form {
    fn of(format: Format) -> Self {
        match format {
            Format::Json => Self::Json,
            Format::Text if is_journal() => Self::Journal,
            // What is logged at all is decided before.
            Format::Text => Self::Simple(SimpleLogger::new().with_level(LevelFilter::Trace)),
        }
    }
}

/// Returns whether standard output goes to the journal, which has times of its own
/// (systemd.exec(5), `JOURNAL_STREAM`).
fn is_journal() -> bool {
    let stream = env::var("JOURNAL_STREAM").unwrap_or_default();
    rustix::fs::fstat(rustix::stdio::stdout())
        .is_ok_and(|stat| stream == format!("{}:{}", stat.st_dev, stat.st_ino))
}

/// Returns a line with its priority, as sd-daemon(3) has it.
fn journal_line(level: Level, text: &str) -> String {
    let priority = match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    };
    format!("<{priority}>{text}\n")
}

/// Returns a line as a JSON object, cut where a pipe would take a part of it only.
fn json_line(level: Level, text: &str, now: OffsetDateTime) -> String {
    let level = level.as_str().to_lowercase();
    let (date, time) = (now.date(), now.time());
    let mut text = text.to_owned();
    loop {
        let message = serde_json::Value::from(text.as_str());
        let line = format!(
            "{{\"time\":\"{date}T{:02}:{:02}:{:02}.{:03}Z\",\"level\":\"{level}\",\"message\":{message}}}\n",
            time.hour(),
            time.minute(),
            time.second(),
            time.millisecond(),
        );
        if line.len() <= PIPE_BYTES {
            return line;
        }
        // What has to be escaped takes more place.
        text.truncate(text.floor_char_boundary(text.len() / 2));
        text.push_str("...");
    }
}

/// Returns whether standard output takes anything at once.
fn is_writable() -> bool {
    let stdout = rustix::stdio::stdout();
    let mut ask = [PollFd::new(&stdout, PollFlags::OUT)];
    poll(&mut ask, Some(&Timespec::default())).is_ok() && ask[0].revents() == PollFlags::OUT
}

/// The text of a line, cut where a pipe would take a part of it only.
#[derive(Default)]
struct Cut(String);

impl Write for Cut {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let place = PIPE_BYTES - FRAME_BYTES - self.0.len();
        let end = part.floor_char_boundary(place);
        self.0.push_str(&part[..end]);
        if end == part.len() {
            Ok(())
        } else {
            Err(fmt::Error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_for_the_journal_starts_with_its_priority() {
        assert_eq!(journal_line(Level::Error, "x"), "<3>x\n");
        assert_eq!(journal_line(Level::Info, "x"), "<6>x\n");
    }

    #[test]
    fn a_line_of_json_is_one_object_however_long() {
        let now = OffsetDateTime::UNIX_EPOCH;
        assert_eq!(
            json_line(Level::Warn, "ali said \"hi\"", now),
            "{\"time\":\"1970-01-01T00:00:00.000Z\",\"level\":\"warn\",\
             \"message\":\"ali said \\\"hi\\\"\"}\n"
        );
        for text in ["\"".repeat(4000), "سلام".repeat(500), "\u{1}".repeat(4000)] {
            let line = json_line(Level::Info, &text, now);
            assert!(line.len() <= PIPE_BYTES && line.ends_with('\n'));
            let object: serde_json::Value = serde_json::from_str(&line).unwrap();
            assert_eq!(object["level"], "info");
        }
    }
}
