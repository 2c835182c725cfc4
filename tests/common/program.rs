//! Programs a person joins with, and how the tests find them.

use std::env;
use std::io::Write;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Instant;

use rustix::event::PollFlags;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::incoming::{Incoming, PATIENCE, is_ready, lossy};

/// Returns the `chatroom` binary under test as a command, without any setting from the environment.
pub(crate) fn chatroom() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatroom"));
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("CHATROOM_") {
            command.env_remove(name);
        }
    }
    // Nobody's own settings, nor keys.
    command.env("XDG_CONFIG_HOME", "/nonexistent");
    command.env("XDG_STATE_HOME", "/nonexistent");
    command
}

/// Finds `program`, which the Debian package `package` brings.
///
/// Prints that a test is skipped and returns `None` where it is missing, and panics instead when
/// `CHATROOM_REQUIRE_INTEROP` is 1.
#[track_caller]
pub(crate) fn tool(program: &str, package: &str) -> Option<Command> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path)
        .map(|directory| directory.join(program))
        .find(|candidate: &PathBuf| candidate.is_file());
    if found.is_none() {
        assert!(
            env::var_os("CHATROOM_REQUIRE_INTEROP").is_none_or(|value| value != "1"),
            "{program} is not installed; install the Debian package {package}"
        );
        println!("skipped: {program} is not installed");
    }
    found.map(Command::new)
}

/// Returns `nc -N ADDRESS`, OpenBSD's netcat that ends its sending at the end of its input.
#[track_caller]
pub(crate) fn nc(address: SocketAddr) -> Option<Command> {
    // Debian's own name for it: plain `nc` may be another netcat, which knows no -N.
    let mut command = tool("nc.openbsd", "netcat-openbsd")?;
    command
        .arg("-N")
        .arg(address.ip().to_string())
        .arg(address.port().to_string());
    Some(command)
}

/// A child process with its three streams, killed when dropped.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
    /// What it shows on standard output.
    pub(crate) screen: Incoming<ChildStdout>,
    /// What it says on standard error.
    pub(crate) errors: Incoming<ChildStderr>,
}

impl Program {
    /// Starts `command` with a pipe to type into.
    pub(crate) fn start(command: Command) -> Self {
        Self::start_with(command, Stdio::piped())
    }

    /// Starts `command` with `stdin` as its standard input.
    pub(crate) fn start_with(mut command: Command, stdin: Stdio) -> Self {
        let mut child = command
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self {
            stdin: child.stdin.take(),
            screen: Incoming::new(child.stdout.take().expect("piped")),
            errors: Incoming::new(child.stderr.take().expect("piped")),
            child,
        }
    }

    /// Types `text` as it is.
    #[track_caller]
    pub(crate) fn type_text(&mut self, text: &str) {
        self.stdin
            .as_mut()
            .expect("its input is open")
            .write_all(text.as_bytes())
            .expect("it reads its input");
    }

    /// Ends its input.
    pub(crate) fn end_input(&mut self) {
        self.stdin = None;
    }

    /// Returns its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns how it has ended, if it has.
    pub(crate) fn try_wait(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("it is our child")
    }

    /// Waits until it has ended and returns how.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        let ended = exit_of(&self.child, deadline);
        self.errors.drain();
        assert!(
            ended,
            "still running after {PATIENCE:?}: {}",
            lossy(self.errors.bytes())
        );
        self.child.wait().expect("it is our child")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Waits until `child` has ended and tells whether it did before `deadline`.
pub(crate) fn exit_of(child: &Child, deadline: Instant) -> bool {
    // A child that was not waited for keeps its id, so this can't be somebody else.
    let pidfd: OwnedFd =
        pidfd_open(Pid::from_child(child), PidfdFlags::empty()).expect("Linux has pidfd_open");
    is_ready(pidfd.as_fd(), PollFlags::IN, deadline)
}

/// Kills `child`, if it is still there, and waits for it.
pub(crate) fn end(child: &mut Child) {
    // Both fail only when it has been waited for.
    child.kill().ok();
    child.wait().ok();
}
