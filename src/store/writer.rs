//! The child process that writes the files, and may wait for the disk as long as it takes.
//!
//! It ends when the server has gone and everything is written; signals that end the server, which
//! a terminal sends to both, are not its matter.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::Paths;
use super::frame::Frame;
use super::record;
use crate::failure::Failure;

/// What the child says when it has the files to itself.
pub(super) const READY: &str = "ready";

/// What starts a line that tells of something that works again.
pub(super) const AGAIN: &str = "again: ";

/// What a line tells of that says that something can't be written, or can again.
pub(super) const THE_STATE: &str = "the state";
/// See [`THE_STATE`].
pub(super) const THE_RECORD: &str = "the record";

/// How long after a failure it is tried again.
const AGAIN_AFTER: Timespec = Timespec {
    tv_sec: 1,
    tv_nsec: 0,
};

/// How long another server may take to let go of the files.
const LOCK_PATIENCE: Duration = Duration::from_secs(4);

/// Most bytes that are taken from the server at once.
const READ_BYTES: usize = 64 * 1024;

/// Writes what comes on standard input, frame by frame, until its end.
///
/// Where the files belong to somebody else, or can't be opened at the start, it says so and ends. It is
/// the user that they are to be written by, if there is one.
///
/// # Errors
/// Fails when standard input can't be read.
pub fn write(
    paths: &Paths,
    become_user: impl FnOnce(&str) -> Result<(), Failure>,
) -> Result<(), Failure> {
    // Noticed, and nothing more.
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        let unheard = Arc::new(AtomicBool::new(false));
        drop(signal_hook::flag::register(signal, unheard));
    }
    // Whoever the server becomes: what it can't read later it shouldn't have written.
    if let Some(Err(failure)) = paths.user.as_deref().map(become_user) {
        say(&failure.message);
        return Ok(());
    }
    let mut writer = match Writer::open(paths) {
        Ok(writer) => writer,
        Err(why) => {
            // The server tells it.
            say(&why);
            return Ok(());
        }
    };
    say(READY);
    writer
        .run()
        .map_err(|error| Failure::new(format!("reading from the server: {error}")))
}

struct Writer {
    state: Option<State>,
    record: Option<Record>,
    /// What has come of frames that are not whole.
    incoming: Vec<u8>,
}

struct State {
    path: PathBuf,
    /// Keeps others away from the file.
    _lock: File,
    /// What is still to be written.
    wanted: Option<Vec<u8>>,
    failing: bool,
}

struct Record {
    path: PathBuf,
    file: Option<File>,
    /// Lines lost since it was said that it can't be written.
    lost: usize,
    failing: bool,
}

impl Writer {
    fn open(paths: &Paths) -> Result<Self, String> {
        let state = paths.state.as_deref().map(State::open).transpose()?;
        let record = paths.record.as_deref().map(Record::open).transpose()?;
        Ok(Self {
            state,
            record,
            incoming: Vec::new(),
        })
    }

    fn run(&mut self) -> io::Result<()> {
        let mut stdin = io::stdin().lock();
        let mut bytes = vec![0; READ_BYTES];
        loop {
            if self.has_failed() && !is_readable(&stdin)? {
                self.write_state();
                continue;
            }
            match stdin.read(&mut bytes) {
                Ok(0) => break,
                Ok(count) => self.take(&bytes[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if let Some(record) = &mut self.record {
            record.write(Frame::cut_record(&self.incoming));
        }
        self.write_state();
        Ok(())
    }

    /// Returns whether a state waits to be written again.
    fn has_failed(&self) -> bool {
        let state = self.state.as_ref();
        state.is_some_and(|state| state.wanted.is_some())
    }

    fn take(&mut self, bytes: &[u8]) {
        let mut incoming = std::mem::take(&mut self.incoming);
        incoming.extend_from_slice(bytes);
        let mut rest = &incoming[..];
        while let Some(frame) = Frame::take(&mut rest) {
            match frame {
                Frame::Record(lines) => {
                    if let Some(record) = &mut self.record {
                        record.write(lines);
                    }
                }
                Frame::State(text) => {
                    if let Some(state) = &mut self.state {
                        state.wanted = Some(text.to_vec());
                    }
                }
                Frame::Reopen => {
                    if let Some(record) = &mut self.record {
                        record.file = None;
                    }
                }
            }
        }
        let left = rest.len();
        incoming.drain(..incoming.len() - left);
        self.incoming = incoming;
        self.write_state();
    }

    fn write_state(&mut self) {
        if let Some(state) = &mut self.state {
            state.write();
        }
    }
}

impl State {
    fn open(path: &Path) -> Result<Self, String> {
        let beside = with_ending(path, ".lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&beside);
        let lock = lock.map_err(|error| format!("can't open {}: {error}", beside.display()))?;
        take_lock(&lock, path)?;
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
            wanted: None,
            failing: false,
        })
    }

    /// Writes what is to be written; if that fails it stays so.
    fn write(&mut self) {
        let Some(text) = &self.wanted else {
            return;
        };
        let path = self.path.display();
        match replace(&self.path, text) {
            Ok(()) => {
                self.wanted = None;
                if std::mem::take(&mut self.failing) {
                    say(&format!("{AGAIN}{THE_STATE} is written again: {path}"));
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut self.failing, true) {
                    say(&format!(
                        "can't write {THE_STATE}, and tries again: {path}: {error}"
                    ));
                }
            }
        }
    }
}

/// Puts a file of this text in the place of another: at every moment it is one or the other.
fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let new = with_ending(path, ".new");
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

impl Record {
    fn open(path: &Path) -> Result<Self, String> {
        let mut record = Self {
            path: path.to_owned(),
            file: None,
            lost: 0,
            failing: false,
        };
        let failed = |error| format!("can't open {}: {error}", path.display());
        let file = record.opened().map_err(failed)?;
        take_lock(&file, path)?;
        record::mend(&file).map_err(failed)?;
        record.file = Some(file);
        Ok(record)
    }

    /// Writes whole lines behind all others, or none of them.
    fn write(&mut self, lines: &[u8]) {
        if lines.is_empty() {
            return;
        }
        let written = self.append(lines);
        let path = self.path.display();
        match written {
            Ok(()) => {
                if std::mem::take(&mut self.failing) {
                    let lost = std::mem::take(&mut self.lost);
                    say(&format!(
                        "{AGAIN}{THE_RECORD} is written again, {lost} lines of it are lost: {path}"
                    ));
                }
            }
            Err(error) => {
                self.lost += memchr::memchr_iter(b'\n', lines).count();
                if !std::mem::replace(&mut self.failing, true) {
                    say(&format!(
                        "can't write {THE_RECORD}, and tries again: {path}: {error}"
                    ));
                }
            }
        }
    }

    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        // Who has taken the file away wants another in its place.
        let is_gone = |file: &File| file.metadata().is_ok_and(|metadata| metadata.nlink() == 0);
        if self.file.as_ref().is_none_or(is_gone) {
            let file = self.opened()?;
            // Not to be had at once: somebody else's, for now.
            file.try_lock().map_err(io::Error::from)?;
            record::mend(&file)?;
            self.file = Some(file);
        }
        let Some(file) = &mut self.file else {
            return Err(ErrorKind::NotFound.into());
        };
        let before = file.metadata()?;
        file.write_all(lines).inspect_err(|_| {
            // No half lines. Where that isn't possible either, the next start mends it.
            if before.is_file() {
                drop(file.set_len(before.len()));
            }
        })
    }

    fn opened(&self) -> io::Result<File> {
        OpenOptions::new()
            .create(true)
            .append(true)
            .read(true)
            .mode(0o600)
            .open(&self.path)
    }
}

/// Keeps a file to oneself; waits a little for somebody who is about to let go of it.
fn take_lock(file: &File, path: &Path) -> Result<(), String> {
    let deadline = Instant::now() + LOCK_PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(fs::TryLockError::WouldBlock) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(fs::TryLockError::WouldBlock) => {
                let path = path.display();
                return Err(format!(
                    "another chatroom writes to {path}; give each its own"
                ));
            }
            Err(fs::TryLockError::Error(error)) => {
                return Err(format!("can't lock {}: {error}", path.display()));
            }
        }
    }
}

/// Waits a while for input, and returns whether there is some.
fn is_readable(stdin: &impl AsFd) -> io::Result<bool> {
    let mut ask = [PollFd::new(stdin, PollFlags::IN)];
    match poll(&mut ask, Some(&AGAIN_AFTER)) {
        Ok(count) => Ok(count > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Tells the server something; it may be gone.
fn say(line: &str) {
    let mut stdout = io::stdout().lock();
    drop(writeln!(stdout, "{line}").and_then(|()| stdout.flush()));
}

/// Returns the path whose last part has this after its end.
fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(ending);
    path.into()
}
