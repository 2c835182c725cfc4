//! What outlives the server: the state file, the record of the talk, and the lists that are read.
//!
//! A disk may be full, slow or gone, and writing to it may take as long as it likes: so a child
//! process [writes](writer), and the server hands it whole frames through a pipe that never waits.
//! What the pipe doesn't take is kept here up to a limit; beyond it lines of the record are lost, and
//! counted, and a state is written later. What is in the pipe is written also when the server is
//! killed. The child says what goes wrong, once, on its standard output, and tries again.

mod frame;
pub mod lists;
pub mod record;
pub mod state;
pub mod writer;

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use log::{info, warn};
use mio::unix::pipe::{Receiver, Sender};
use mio::{Interest, Registry, Token};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use self::frame::Frame;
use crate::failure::Failure;
use crate::tick::Tick;

/// Most bytes that wait for the pipe to take them, but for the state's.
const WAITING_BYTES_MAX: usize = 1 << 20;

/// How long the child may take to open the files, and to write what is left at the end.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long after its child has ended another is started.
const RESTART: Duration = Duration::from_secs(1);

/// How often the state is written at most.
const STATE_EVERY: Duration = Duration::from_secs(1);

/// Which files are written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paths {
    /// What the room keeps of people.
    pub state: Option<PathBuf>,
    /// What happens in it.
    pub record: Option<PathBuf>,
    /// Who is to write them, if another user than the one that starts the server.
    pub user: Option<String>,
}

/// How the files are doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Somebody writes them.
    pub has_writer: bool,
    /// Nothing keeps them from being written, as far as is known.
    pub is_written: bool,
    /// Lines of the record that were lost since the start for want of a place to wait for the disk.
    pub lines_lost: u64,
}

impl Paths {
    /// Returns whether there is any.
    #[must_use]
    pub fn any(&self) -> bool {
        self.state.is_some() || self.record.is_some()
    }
}

/// The tokens by which the poll tells of the child.
#[derive(Debug, Clone, Copy)]
pub struct Tokens {
    /// It takes more.
    pub pipe: Token,
    /// It says something.
    pub reports: Token,
}

/// The way to the files.
#[derive(Debug)]
pub struct Store {
    paths: Paths,
    tokens: Tokens,
    writer: Option<Writer>,
    /// Frames that the pipe has not taken, and how many bytes of the first it has.
    waiting: Vec<u8>,
    taken: usize,
    /// Lines of the record that were lost here since it was said.
    lost: u64,
    lost_in_all: u64,
    /// What the child has said it can't write, and not that it can again.
    unwritten: Unwritten,
    /// It was told that no child can be started.
    is_told: bool,
    /// The version of the state that was handed over last, and when another may be.
    saved: u64,
    save_from: Tick,
    restart_at: Option<Tick>,
}

/// What can't be written at the moment.
#[derive(Debug, Default)]
struct Unwritten {
    state: bool,
    record: bool,
}

impl Unwritten {
    /// Takes note of what the child says; `works` if it is of something that works again.
    fn hear(&mut self, line: &str, works: bool) {
        if line.contains(writer::THE_STATE) {
            self.state = !works;
        } else if line.contains(writer::THE_RECORD) {
            self.record = !works;
        }
    }
}

/// The child that writes.
#[derive(Debug)]
struct Writer {
    child: Child,
    pipe: Sender,
    reports: Receiver,
    said: Vec<u8>,
}

impl Store {
    /// Starts the child, and waits until it has the files to itself.
    ///
    /// # Errors
    /// Says why it can't have them.
    pub fn open(paths: &Paths, registry: &Registry, tokens: Tokens) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::new(format!("can't start the writer: {error}"));
        let (child, mut stdout) = start(paths).map_err(failed)?;
        let mut store = Self {
            paths: paths.clone(),
            tokens,
            writer: None,
            waiting: Vec::new(),
            taken: 0,
            lost: 0,
            lost_in_all: 0,
            unwritten: Unwritten::default(),
            is_told: false,
            saved: 0,
            save_from: Tick::START,
            restart_at: None,
        };
        // By the time that another is started, the server is that user.
        store.paths.user = None;
        let first = first_line(&mut stdout).map_err(failed)?;
        if first != writer::READY {
            return Err(Failure::new(first));
        }
        store.writer = Some(Writer::watch(child, stdout, registry, tokens).map_err(failed)?);
        Ok(store)
    }

    /// Hands over whole lines of the record.
    pub fn record(&mut self, lines: &[u8]) {
        if lines.is_empty() || self.paths.record.is_none() {
            return;
        }
        if self.waiting.len() - self.taken + lines.len() > WAITING_BYTES_MAX {
            if self.lost == 0 {
                warn!("the record can't be written as fast as people talk; lines of it are lost");
            }
            let lost = memchr::memchr_iter(b'\n', lines).count() as u64;
            self.lost += lost;
            self.lost_in_all += lost;
            return;
        }
        Frame::Record(lines).put(&mut self.waiting);
    }

    /// Returns how the files are doing.
    #[must_use]
    pub fn health(&self) -> Health {
        Health {
            has_writer: self.writer.is_some(),
            is_written: !self.unwritten.state && !self.unwritten.record && self.lost == 0,
            lines_lost: self.lost_in_all,
        }
    }

    /// Returns whether a state of this version should be handed over at `now`.
    #[must_use]
    pub fn wants_state(&self, version: u64, now: Tick) -> bool {
        self.paths.state.is_some() && version != self.saved && now >= self.save_from
    }

    /// Returns when a state that has changed should be handed over, or the child started again.
    #[must_use]
    pub fn deadline(&self, version: u64) -> Option<Tick> {
        let changed = self.paths.state.is_some() && version != self.saved;
        let save = changed.then_some(self.save_from);
        save.into_iter().chain(self.restart_at).min()
    }

    /// Hands over a state, and its version.
    pub fn save(&mut self, state: &str, version: u64, now: Tick) {
        self.save_from = now + STATE_EVERY;
        if self.writer.is_some() && self.waiting.len() - self.taken <= WAITING_BYTES_MAX {
            self.saved = version;
            Frame::State(state.as_bytes()).put(&mut self.waiting);
        }
    }

    /// Lets the record's file be opened anew.
    pub fn reopen(&mut self) {
        Frame::Reopen.put(&mut self.waiting);
    }

    /// Lets the pipe have what it takes.
    pub fn flush(&mut self) {
        let Some(writer) = &mut self.writer else {
            return;
        };
        while self.taken < self.waiting.len() {
            match writer.pipe.write(&self.waiting[self.taken..]) {
                Ok(written @ 1..) => self.taken += written,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Full; or broken, which its reports tell.
                Ok(0) | Err(_) => break,
            }
        }
        if self.taken == self.waiting.len() {
            self.waiting.clear();
            self.taken = 0;
            if self.lost > 0 {
                warn!("the record goes on; {} lines of it were lost", self.lost);
                self.lost = 0;
            }
        } else if self.taken > WAITING_BYTES_MAX {
            self.waiting.drain(..self.taken);
            self.taken = 0;
        }
    }

    /// Logs what the child says, and starts another if it has ended.
    pub fn listen(&mut self, now: Tick) {
        let Some(writer) = &mut self.writer else {
            return;
        };
        let mut bytes = [0; 4096];
        loop {
            match writer.reports.read(&mut bytes) {
                Ok(count @ 1..) => writer.said.extend_from_slice(&bytes[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Ok(0) | Err(_) => {
                    warn!(
                        "the writer of the files has ended; lines of the record are lost until another is started"
                    );
                    // It is waited for so that it doesn't stay in the table of processes.
                    drop(writer.child.try_wait());
                    self.writer = None;
                    self.unwritten = Unwritten::default();
                    self.restart_at = Some(now + RESTART);
                    // What it had of a frame is gone with it; the state is handed over again.
                    (self.waiting, self.taken) = (Vec::new(), 0);
                    self.saved = 0;
                    return;
                }
            }
        }
        while let Some(end) = memchr::memchr(b'\n', &writer.said) {
            let line = String::from_utf8_lossy(&writer.said[..end]);
            match line.strip_prefix(writer::AGAIN) {
                Some(line) => info!("{line}"),
                None => warn!("{line}"),
            }
            self.unwritten.hear(&line, line.starts_with(writer::AGAIN));
            writer.said.drain(..=end);
        }
    }

    /// Starts another child where the last has ended, if it is time to.
    pub fn restart_if_due(&mut self, registry: &Registry, now: Tick) {
        if self.restart_at.take_if(|at| *at <= now).is_none() {
            return;
        }
        let started = start(&self.paths)
            .and_then(|(child, stdout)| Writer::watch(child, stdout, registry, self.tokens));
        match started {
            Ok(writer) => {
                self.writer = Some(writer);
                self.is_told = false;
            }
            Err(error) => {
                if !std::mem::replace(&mut self.is_told, true) {
                    warn!(
                        "no writer of the files can be started (in the sandbox that takes a new start of the server): {error}"
                    );
                }
                self.restart_at = Some(now + 10 * RESTART);
            }
        }
    }

    /// Lets what is left be written, at most for so long as it is worth waiting for.
    pub fn finish(mut self) {
        let deadline = Instant::now() + PATIENCE;
        self.flush();
        while self.taken < self.waiting.len()
            && let Some(writer) = &self.writer
            && has_come(&writer.pipe, PollFlags::OUT, deadline)
        {
            self.flush();
        }
        let Some(mut writer) = self.writer.take() else {
            return;
        };
        drop(writer.pipe);
        // Its end is the end of what it says.
        if has_come(&writer.reports, PollFlags::HUP, deadline) {
            drop(writer.child.wait());
        } else {
            warn!("the files are not written to their end: the disk is too slow");
        }
    }
}

impl Writer {
    fn watch(
        child: Child,
        stdout: ChildStdout,
        registry: &Registry,
        tokens: Tokens,
    ) -> io::Result<Self> {
        let mut child = child;
        let stdin = child.stdin.take().ok_or(ErrorKind::BrokenPipe)?;
        let (mut pipe, mut reports) = (Sender::from(stdin), Receiver::from(stdout));
        pipe.set_nonblocking(true)?;
        reports.set_nonblocking(true)?;
        registry.register(&mut pipe, tokens.pipe, Interest::WRITABLE)?;
        registry.register(&mut reports, tokens.reports, Interest::READABLE)?;
        Ok(Self {
            child,
            pipe,
            reports,
            said: Vec::new(),
        })
    }
}

/// Waits until there is this of a pipe, and returns whether there is by `deadline`.
fn has_come(pipe: &impl AsFd, what: PollFlags, deadline: Instant) -> bool {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let mut ask = [PollFd::new(pipe, what)];
        match poll(&mut ask, Timespec::try_from(left).ok().as_ref()) {
            Err(Errno::INTR) => {}
            Ok(_) => return ask[0].revents().contains(what),
            Err(_) => return false,
        }
    }
}

fn start(paths: &Paths) -> io::Result<(Child, ChildStdout)> {
    let mut command = Command::new("/proc/self/exe");
    command.arg("write");
    if let Some(user) = &paths.user {
        command.arg("--user").arg(user);
    }
    for (flag, path) in [("--state", &paths.state), ("--record", &paths.record)] {
        if let Some(path) = path {
            command.arg(flag).arg(path);
        }
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let stdout = child.stdout.take().ok_or(ErrorKind::BrokenPipe)?;
    Ok((child, stdout))
}

/// Waits for the first line that the child says.
fn first_line(stdout: &mut ChildStdout) -> io::Result<String> {
    let mut line = Vec::new();
    let mut byte = [0];
    while stdout.read(&mut byte)? == 1 && byte != *b"\n" {
        line.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}
