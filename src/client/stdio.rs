//! The standard streams, read and written without changing their modes.
//!
//! Their open file descriptions are shared with the shell: `O_NONBLOCK` set here would still be set
//! there after the client is gone, so it never is.

use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::termios::isatty;

/// Standard input as the poll sees it.
#[derive(Debug)]
pub(super) struct Input {
    fd: BorrowedFd<'static>,
    token: Token,
    /// A regular file or `/dev/null` can't be polled: it is ready always.
    pollable: bool,
    ready: bool,
}

/// What reading standard input brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// This many bytes, at least one.
    Bytes(usize),
    /// Nothing for now; an event will tell.
    Later,
    /// The end of the input.
    End,
}

impl Input {
    /// Registers standard input under `token`.
    ///
    /// # Errors
    /// Fails when the descriptor can't be watched for another reason than being a file.
    pub(super) fn register(registry: &Registry, token: Token) -> io::Result<Self> {
        let fd = rustix::stdio::stdin();
        let registered =
            registry.register(&mut SourceFd(&fd.as_raw_fd()), token, Interest::READABLE);
        let pollable = match registered {
            Ok(()) => true,
            Err(error) if Errno::from_io_error(&error) == Some(Errno::PERM) => false,
            Err(error) => return Err(error),
        };
        Ok(Self {
            fd,
            token,
            pollable,
            ready: !pollable,
        })
    }

    /// Notes that the poll reported standard input.
    pub(super) fn set_ready(&mut self) {
        self.ready = true;
    }

    /// Returns whether a read would not block.
    pub(super) fn is_ready(&self) -> bool {
        self.ready
    }

    /// Reads once; call it only when [`is_ready`](Self::is_ready).
    ///
    /// # Errors
    /// Fails when the descriptor can't be read, a directory for example.
    pub(super) fn read(&mut self, registry: &Registry, buffer: &mut [u8]) -> io::Result<Read> {
        match rustix::io::read(self.fd, &mut *buffer) {
            // EIO: the terminal hung up, or this is a background job of a session that ended.
            Ok(0) | Err(Errno::IO) => {
                self.ready = false;
                return Ok(Read::End);
            }
            Ok(count) => {
                self.rearm(registry)?;
                return Ok(Read::Bytes(count));
            }
            Err(Errno::AGAIN) => self.rearm(registry)?,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(Read::Later)
    }

    /// Edge-triggered: one read may leave bytes behind of which no event would tell; registering
    /// again reports them.
    fn rearm(&mut self, registry: &Registry) -> io::Result<()> {
        if self.pollable {
            self.ready = false;
            let fd = self.fd.as_raw_fd();
            registry.reregister(&mut SourceFd(&fd), self.token, Interest::READABLE)?;
        }
        Ok(())
    }
}

/// Standard output, which may be slow or stopped (Ctrl-S).
///
/// A terminal is never waited for: it is opened anew, for a description of our own that may be
/// non-blocking. A pipe or a file is written to as it takes it.
#[derive(Debug)]
pub(super) struct Output {
    /// The terminal; none where standard output is another thing, or can't be opened again.
    own: Option<OwnedFd>,
    bytes: Vec<u8>,
    written: usize,
    /// Edge-triggered: forgotten only when the terminal says it would block.
    writable: bool,
}

impl Output {
    /// Registers standard output under `token` if it is a terminal.
    ///
    /// # Errors
    /// Fails when the terminal can't be watched.
    pub(super) fn register(registry: &Registry, token: Token) -> io::Result<Self> {
        let stdout = rustix::stdio::stdout();
        let own = isatty(stdout)
            .then(|| {
                let path = format!("/proc/self/fd/{}", stdout.as_raw_fd());
                let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
                open(path, flags, Mode::empty()).ok()
            })
            .flatten();
        if let Some(fd) = &own {
            registry.register(&mut SourceFd(&fd.as_raw_fd()), token, Interest::WRITABLE)?;
        }
        Ok(Self {
            own,
            bytes: Vec::new(),
            written: 0,
            writable: true,
        })
    }

    /// Notes that the poll reported the terminal.
    pub(super) fn set_ready(&mut self) {
        self.writable = true;
    }

    /// Returns how many bytes wait to be written.
    pub(super) fn waiting(&self) -> usize {
        self.bytes.len() - self.written
    }

    /// Writes `bytes` after what waits, as far as that goes now.
    ///
    /// # Errors
    /// Fails when the reader is gone or the disk is full.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(fd) = &self.own else {
            return write_all(rustix::stdio::stdout(), bytes, None);
        };
        self.bytes.extend_from_slice(bytes);
        while self.writable && self.written < self.bytes.len() {
            match rustix::io::write(fd, &self.bytes[self.written..]) {
                Ok(count) => self.written += count,
                Err(Errno::AGAIN) => self.writable = false,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if self.written == self.bytes.len() {
            self.bytes.clear();
            self.written = 0;
        }
        Ok(())
    }

    /// Writes what waits, and waits for that as long as `time` says, or as it takes.
    ///
    /// # Errors
    /// Fails when the reader is gone, the disk is full or the time is over.
    pub(super) fn finish(&mut self, time: Option<Duration>) -> io::Result<()> {
        let bytes = mem::take(&mut self.bytes);
        let written = mem::take(&mut self.written);
        let fd = self
            .own
            .as_ref()
            .map_or(rustix::stdio::stdout(), OwnedFd::as_fd);
        write_all(fd, &bytes[written..], time)
    }
}

/// Writes a few `bytes` to standard output, and waits for that at most so long.
///
/// # Errors
/// Fails when the reader is gone or the time is over.
pub(super) fn write_soon(bytes: &[u8], time: Duration) -> io::Result<()> {
    write_all(rustix::stdio::stdout(), bytes, Some(time))
}

/// Writes all of `bytes`, waiting while their reader is slow: as long as `time` says, or as it takes.
fn write_all(fd: BorrowedFd<'_>, mut bytes: &[u8], time: Option<Duration>) -> io::Result<()> {
    let deadline = time.map(|time| Instant::now() + time);
    while !bytes.is_empty() {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some() && !is_writable(fd, left)? {
            return Err(io::ErrorKind::TimedOut.into());
        }
        match rustix::io::write(fd, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            // Our own description, or another program that shares this one made it non-blocking.
            Err(Errno::AGAIN) => {
                is_writable(fd, left)?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Waits until `fd` can be written to; `false` when it can't within `time`.
fn is_writable(fd: BorrowedFd<'_>, time: Option<Duration>) -> io::Result<bool> {
    let time = time
        .map(Timespec::try_from)
        .transpose()
        .map_err(io::Error::other)?;
    match rustix::event::poll(&mut [PollFd::new(&fd, PollFlags::OUT)], time.as_ref()) {
        Ok(count) => Ok(count > 0),
        Err(Errno::INTR) => Ok(true),
        Err(error) => Err(error.into()),
    }
}
