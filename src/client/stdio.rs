//! The standard streams, read and written without changing their modes.
//!
//! Their open file descriptions are shared with the shell: `O_NONBLOCK` set here would still be set
//! there after the client is gone, so it never is.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

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

/// Writes all of `bytes` to standard output, waiting while its reader is slow.
///
/// # Errors
/// Fails when the reader is gone or the disk is full.
pub(super) fn write_all(mut bytes: &[u8]) -> io::Result<()> {
    let fd = rustix::stdio::stdout();
    while !bytes.is_empty() {
        match rustix::io::write(fd, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            // Another program that shares the description made it non-blocking.
            Err(Errno::AGAIN) => {
                let mut waited = [PollFd::new(&fd, PollFlags::OUT)];
                match rustix::event::poll(&mut waited, None) {
                    Ok(_) | Err(Errno::INTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
