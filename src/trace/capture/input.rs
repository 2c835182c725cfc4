//! Where the bytes come from: a file, or standard input, which may be a live capture.
//!
//! The only part of `trace` that touches the system. When a capture is watched live, Ctrl-C reaches
//! both programs of the pipe: the first is left to the capturing one, whose end then ends the input;
//! the second ends the input at once.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{FileType, fstat};
use signal_hook::consts::SIGINT;
use signal_hook::low_level::pipe;

/// Most bytes of a log of secrets that is no regular file: more than there is room for.
const KEY_LOG_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Ctrl-C that often ends the input.
const ENOUGH_INTERRUPTS: usize = 2;

/// An opened capture.
#[derive(Debug)]
pub enum Input {
    /// A regular file.
    File(File),
    /// Anything that may wait.
    Live(Live),
}

/// A pipe or the like, given up at the second Ctrl-C.
#[derive(Debug)]
pub struct Live {
    source: File,
    interrupts: UnixStream,
    seen: usize,
}

/// Opens a log of secrets. A regular file is read on as it grows; anything else, which might make
/// the capture wait, is read to its end at once.
///
/// # Errors
/// Fails when the file can't be opened or read, or is a directory.
pub fn open_key_log(path: &Path) -> io::Result<Box<dyn Read>> {
    let mut source = File::open(path)?;
    if FileType::from_raw_mode(fstat(&source)?.st_mode) == FileType::RegularFile {
        return Ok(Box::new(source));
    }
    let mut bytes = Vec::new();
    Read::by_ref(&mut source)
        .take(KEY_LOG_BYTES_MAX)
        .read_to_end(&mut bytes)?;
    Ok(Box::new(io::Cursor::new(bytes)))
}

impl Input {
    /// Opens a file, or standard input for `-`.
    ///
    /// # Errors
    /// Fails when the file can't be opened or is a directory.
    pub fn open(path: &Path) -> io::Result<Self> {
        let source = if path.as_os_str() == "-" {
            File::from(io::stdin().as_fd().try_clone_to_owned()?)
        } else {
            File::open(path)?
        };
        let kind = FileType::from_raw_mode(fstat(&source)?.st_mode);
        if kind == FileType::RegularFile {
            return Ok(Self::File(source));
        }
        if kind == FileType::Directory {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        let (interrupts, write) = UnixStream::pair()?;
        pipe::register(SIGINT, write)?;
        Ok(Self::Live(Live {
            source,
            interrupts,
            seen: 0,
        }))
    }

    /// Returns whether somebody may be watching as the bytes come.
    #[must_use]
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Live(_))
    }

    /// Returns whether the end of the input was asked for.
    #[must_use]
    pub fn was_interrupted(&self) -> bool {
        matches!(self, Self::Live(live) if live.seen >= ENOUGH_INTERRUPTS)
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Live(live) => live.read(buffer),
        }
    }
}

impl Read for Live {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.seen < ENOUGH_INTERRUPTS {
            let mut watched = [
                PollFd::new(&self.source, PollFlags::IN),
                PollFd::new(&self.interrupts, PollFlags::IN),
            ];
            match poll(&mut watched, None) {
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            let [source, interrupts] = watched.map(|watched| !watched.revents().is_empty());
            if interrupts {
                let mut bytes = [0; 8];
                self.seen += self.interrupts.read(&mut bytes)?;
            } else if source {
                return self.source.read(buffer);
            }
        }
        Ok(0)
    }
}
