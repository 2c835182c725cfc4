//! The log: `simple_logger` behind a guard that neither blocks nor panics the loop.
//!
//! `simple_logger` prints to standard output: it blocks while a pipe is full, and panics when the
//! reader has gone or the disk is full. The guard looks before it prints, drops lines that have no
//! place to go, counts them, and says how many once there is place again.

use std::cell::Cell;
use std::fmt::{self, Write};
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use log::{Level, LevelFilter, Log, Metadata, Record};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::FileType;
use simple_logger::SimpleLogger;

/// A pipe that is writable takes this many bytes without blocking (POSIX, `PIPE_BUF`).
const PIPE_BYTES: usize = 4096;

/// What a line of the log has beside its text: time, level, target and line end.
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
        output: Output::of_stdout(),
        sure_bytes: AtomicUsize::new(0),
        lost: AtomicU64::new(0),
    };
    // Only a second logger in one process is refused; the first stays in force then.
    if log::set_boxed_logger(Box::new(guard)).is_ok() {
        log::set_max_level(level);
    }
}

/// What standard output is, as far as writing to it may block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Output {
    /// A file or a device: writing never waits for a reader.
    File,
    /// A pipe, and nobody else writes to it: place that was there stays there.
    Pipe,
    /// A terminal or a socket.
    Other,
}

impl Output {
    fn of_stdout() -> Self {
        let kind = rustix::fs::fstat(rustix::stdio::stdout())
            .map(|stat| FileType::from_raw_mode(stat.st_mode));
        match kind {
            Ok(FileType::RegularFile) => Self::File,
            Ok(FileType::Fifo) => Self::Pipe,
            _ => Self::Other,
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
        if self.output == Output::File {
            return self.print_now(record);
        }
        let mut text = Cut::default();
        let fits = write!(text, "{}", record.args()).is_ok();
        if !self.has_place(FRAME_BYTES + text.0.len()) {
            return false;
        }
        if fits {
            return self.print_now(record);
        }
        let args = format_args!("{}...", text.0);
        let cut = Record::builder()
            .level(record.level())
            .target(record.target())
            .args(args)
            .build();
        self.print_now(&cut)
    }

    fn print_now(&self, record: &Record<'_>) -> bool {
        PRINTING.set(true);
        let printed = panic::catch_unwind(AssertUnwindSafe(|| self.inner.log(record)));
        PRINTING.set(false);
        printed.is_ok()
    }

    /// Returns whether `length` bytes can be printed at once.
    fn has_place(&self, length: usize) -> bool {
        let sure = self.sure_bytes.load(Ordering::Relaxed);
        if self.output == Output::Pipe && length <= sure {
            self.sure_bytes.store(sure - length, Ordering::Relaxed);
            return true;
        }
        let stdout = rustix::stdio::stdout();
        let mut ask = [PollFd::new(&stdout, PollFlags::OUT)];
        let ready = poll(&mut ask, Some(&Timespec::default())).is_ok()
            && ask[0].revents() == PollFlags::OUT;
        let sure = if ready {
            PIPE_BYTES.saturating_sub(length)
        } else {
            0
        };
        self.sure_bytes.store(sure, Ordering::Relaxed);
        ready
    }
}

/// The text of a line, cut where a pipe may take no more at once.
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
