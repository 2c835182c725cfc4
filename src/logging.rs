//! The log: `simple_logger` behind a guard that neither blocks nor panics the loop.
//!
//! `simple_logger` prints to standard output: it blocks while a pipe or terminal is full, and panics
//! when the reader has gone or the disk is full. The guard gives this process a standard output of
//! its own that never blocks, catches the panic, counts the lines that were lost, and says how many
//! once there is place again.

use std::cell::Cell;
use std::fmt::{self, Write};
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use log::{Level, LevelFilter, Log, Metadata, Record};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags};
use simple_logger::SimpleLogger;

/// Bytes that a pipe takes as a whole or not at all (POSIX, `PIPE_BUF`).
const PIPE_BYTES: usize = 4096;

/// What a line of the log has beside its text: time, level, target, line end and dots.
const FRAME_BYTES: usize = 64;

thread_local! {
    /// Whether this thread is printing a log line, so that a panic is only a line that is lost.
    static PRINTING: Cell<bool> = const { Cell::new(false) };
}

/// Starts logging at `level`, to standard output.
pub fn start(level: LevelFilter) {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !PRINTING.get() {
            report(info);
        }
    }));
    let guard = Guard {
        inner: SimpleLogger::new().with_level(level),
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
    inner: SimpleLogger,
    output: Output,
    /// Bytes that a pipe takes for sure without being asked again.
    sure_bytes: AtomicUsize,
    /// Lines lost since the last one that was printed.
    lost: AtomicU64,
}

impl Log for Guard {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.inner.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let lost = self.lost.load(Ordering::Relaxed);
        if lost > 0 {
            let words = format_args!("{lost} lines of the log were lost: its reader was too slow");
            let note = Record::builder()
                .level(Level::Warn)
                .target("chatroom")
                .args(words)
                .build();
            if !self.print(&note) {
                self.lost.fetch_add(1, Ordering::Relaxed);
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
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn flush(&self) {
        self.inner.flush();
    }
}

impl Guard {
    /// Prints a line, unless that would block; returns whether it was printed.
    fn print(&self, record: &Record<'_>) -> bool {
        let mut text = Cut::default();
        let fits = write!(text, "{}", record.args()).is_ok();
        if !self.has_place(FRAME_BYTES + text.0.len()) {
            return false;
        }
        if fits {
            return self.print_now(record);
        }
        let args = format_args!("{}...", text.0);
        let (level, target) = (record.level(), record.target());
        self.print_now(
            &Record::builder()
                .level(level)
                .target(target)
                .args(args)
                .build(),
        )
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

    fn print_now(&self, record: &Record<'_>) -> bool {
        PRINTING.set(true);
        let printed = panic::catch_unwind(AssertUnwindSafe(|| self.inner.log(record)));
        PRINTING.set(false);
        printed.is_ok()
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
