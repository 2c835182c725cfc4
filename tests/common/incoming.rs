//! Reading and writing with a deadline: what a peer, a child's pipe or a log brings, line by line.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

/// How long a test waits for something that must happen: far more than a busy machine needs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `fd` is ready for `wanted` (or broken) and tells whether it was before `deadline`.
pub(crate) fn is_ready(fd: impl AsFd, wanted: PollFlags, deadline: Instant) -> bool {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).expect("a deadline is near");
        match rustix::event::poll(&mut [PollFd::new(&fd, wanted)], Some(&timeout)) {
            Ok(count) => return count > 0,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => panic!("poll: {error}"),
        }
    }
}

/// Takes `fd` out of blocking mode.
pub(crate) fn unblock(fd: impl AsFd) {
    let flags = fcntl_getfl(&fd).expect("an open descriptor has flags");
    fcntl_setfl(&fd, flags | OFlags::NONBLOCK).expect("any descriptor can be non-blocking");
}

/// Writes all of `bytes` to a non-blocking `sink`, waiting for room at most [`PATIENCE`] in all.
#[track_caller]
pub(crate) fn write_all<W: AsFd>(sink: &W, bytes: &[u8])
where
    for<'a> &'a W: Write,
{
    let deadline = Instant::now() + PATIENCE;
    let mut left = bytes;
    while !left.is_empty() {
        let mut writer = sink;
        match writer.write(left) {
            Ok(count) => left = &left[count..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => assert!(
                is_ready(sink, PollFlags::OUT, deadline),
                "{} of {} bytes could not be sent in {PATIENCE:?}",
                left.len(),
                bytes.len()
            ),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => panic!("write: {error}"),
        }
    }
}

/// A stream of lines from `R`, all of it kept.
#[derive(Debug)]
pub(crate) struct Incoming<R> {
    source: R,
    bytes: Vec<u8>,
    /// How many of `bytes` were taken as lines.
    taken: usize,
    ended: bool,
    /// The stream ended by an error (a reset), not in order.
    broken: bool,
}

impl<R: Read + AsFd> Incoming<R> {
    /// Reads from `source`, which is made non-blocking.
    pub(crate) fn new(source: R) -> Self {
        unblock(&source);
        Self {
            source,
            bytes: Vec::new(),
            taken: 0,
            ended: false,
            broken: false,
        }
    }

    /// Returns what is read from.
    pub(crate) fn source(&self) -> &R {
        &self.source
    }

    /// Returns every byte that has arrived.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Tells whether the stream ended by an error.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Reads what there is without waiting.
    pub(crate) fn drain(&mut self) {
        let mut chunk = [0; 16 * 1024];
        while !self.ended {
            match self.source.read(&mut chunk) {
                Ok(0) => self.ended = true,
                Ok(count) => self.bytes.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    self.ended = true;
                    self.broken = true;
                }
            }
        }
    }

    /// Forgets what was taken as lines.
    pub(crate) fn forget(&mut self) {
        self.bytes.drain(..self.taken);
        self.taken = 0;
    }

    /// Takes the next line, without its line end, if it is there already.
    pub(crate) fn take_line(&mut self) -> Option<String> {
        let rest = &self.bytes[self.taken..];
        let length = match rest.iter().position(|&byte| byte == b'\n') {
            Some(length) => length,
            None if self.ended && !rest.is_empty() => {
                panic!("the stream ended within a line: {:?}", lossy(rest))
            }
            None => return None,
        };
        let line = String::from_utf8(rest[..length].to_vec())
            .unwrap_or_else(|_| panic!("not UTF-8: {:?}", lossy(&rest[..length])));
        self.taken += length + 1;
        Some(line)
    }

    /// Waits for the next line; `None` when the stream has ended.
    #[track_caller]
    pub(crate) fn next_line(&mut self) -> Option<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(line) = self.take_line() {
                return Some(line);
            }
            if self.ended {
                return None;
            }
            self.wait(deadline, "the next line");
        }
    }

    /// Waits for a line, which must be `wanted`.
    #[track_caller]
    pub(crate) fn expect_line(&mut self, wanted: &str) {
        let line = self.next_line();
        assert_eq!(line.as_deref(), Some(wanted), "the next line");
    }

    /// Reads to the end of the stream and returns every byte since its beginning.
    #[track_caller]
    pub(crate) fn read_to_end(&mut self) -> &[u8] {
        let deadline = Instant::now() + PATIENCE;
        while !self.ended {
            self.wait(deadline, "the end of the stream");
        }
        &self.bytes
    }

    /// Waits for more bytes or the end.
    #[track_caller]
    fn wait(&mut self, deadline: Instant, what: &str) {
        let before = self.bytes.len();
        self.drain();
        if self.bytes.len() > before || self.ended {
            return;
        }
        assert!(
            is_ready(&self.source, PollFlags::IN, deadline),
            "{what} did not come in {PATIENCE:?}; so far: {:?}",
            lossy(&self.bytes[self.bytes.len().saturating_sub(2000)..])
        );
    }
}

/// Returns `bytes` as text for a message.
pub(crate) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
