//! A person at a terminal: a pseudo-terminal, an emulator that shows it, and the client on it.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::os::fd::OwnedFd;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Action, Termios, Winsize, tcflow, tcgetattr, tcsetwinsize};

use crate::common::incoming::{is_ready, lossy, unblock, write_all};
use crate::common::program::end;
use crate::common::{GREETING, PATIENCE, Server, chatroom};

/// What the shell around the client says once that has ended.
const LEFT: &str = "left with ";

/// Runs a command as a shell does, and tells how it ended.
const SHELL: &str = r#""$@"; printf 'left with %s\n' "$?"; read -r end"#;

/// A pseudo-terminal with the client, or another program, on it.
pub struct Desk {
    shell: Child,
    master: File,
    /// The shell's side; open here too, so that nothing that was written gets lost.
    slave: OwnedFd,
    emulator: vt100::Parser,
    /// Every byte that was written to the terminal.
    pub written: Vec<u8>,
    /// The modes before anything ran.
    pub modes_before: Termios,
}

impl Desk {
    /// Sits down at a terminal of 24 rows and 80 columns and joins the room at `address`.
    pub fn join(address: SocketAddr, flags: &[&str]) -> Self {
        let mut command = chatroom();
        command.arg("join").arg(address.to_string()).args(flags);
        Self::run(&command, 24, 80)
    }

    /// Runs `command`, on a terminal of that size, in a shell that is the terminal's own.
    pub fn run(command: &Command, rows: u16, columns: u16) -> Self {
        let mut shell = Command::new("setsid");
        shell.args(["--ctty", "sh", "-c", SHELL, "sh"]);
        shell.arg(command.get_program()).args(command.get_args());
        shell.env("TERM", "xterm-256color");
        for name in ["NO_COLOR", "COLORTERM", "VTE_VERSION"] {
            shell.env_remove(name);
        }
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        Self::spawn(shell, rows, columns)
    }

    /// Runs an interactive shell.
    pub fn shell() -> Self {
        let mut shell = Command::new("setsid");
        shell.args(["--ctty", "sh", "-i"]);
        shell
            .env("TERM", "xterm-256color")
            .env("PS1", "$ ")
            .env_remove("ENV");
        Self::spawn(shell, 24, 80)
    }

    /// Returns a desk at which soheil has joined the room of `server`, with ali in it, from a shell.
    pub fn join_from_a_shell(server: &Server) -> Self {
        let mut desk = Self::shell();
        desk.expect(&["$ "]);
        let program = chatroom();
        let program = program.get_program().to_str().unwrap();
        desk.enter(&format!(
            "{program} join {} --name soheil",
            server.address()
        ));
        desk.expect(&[GREETING, "* Here (2): ali, soheil", "> "]);
        desk
    }

    fn spawn(mut shell: Command, rows: u16, columns: u16) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags).expect("Linux has pseudo-terminals");
        grantpt(&master).expect("ours");
        unlockpt(&master).expect("ours");
        let slave = ioctl_tiocgptpeer(&master, flags).expect("its other side");
        tcsetwinsize(&master, window(rows, columns)).expect("a terminal has a size");
        let modes_before = tcgetattr(&slave).expect("a terminal has modes");
        let stream = || slave.try_clone().expect("a copy");
        let shell = shell
            .stdin(stream())
            .stdout(stream())
            .stderr(stream())
            .spawn()
            .unwrap_or_else(|error| panic!("{shell:?}: {error}"));
        unblock(&master);
        Self {
            shell,
            modes_before,
            master: File::from(master),
            slave,
            emulator: vt100::Parser::new(non_zero(rows), non_zero(columns), 1000),
            written: Vec::new(),
        }
    }

    /// Presses keys.
    #[track_caller]
    pub fn press(&self, keys: &str) {
        write_all(&self.master, keys.as_bytes());
    }

    /// Types a line and presses enter.
    #[track_caller]
    pub fn enter(&self, line: &str) {
        self.press(&format!("{line}\r"));
    }

    /// Makes the terminal's window another size.
    pub fn resize(&mut self, rows: u16, columns: u16) {
        self.emulator.set_size(non_zero(rows), non_zero(columns));
        tcsetwinsize(&self.master, window(rows, columns)).expect("a terminal has a size");
    }

    /// Stops the terminal, as Ctrl-S does where it is not a key, or lets it go on.
    pub fn stop_terminal(&self, stop: bool) {
        let action = if stop { Action::OOff } else { Action::OOn };
        tcflow(&self.slave, action).expect("a terminal can be stopped");
    }

    /// Shows what was written since; returns whether it was anything.
    pub fn look(&mut self) -> bool {
        let before = self.written.len();
        let mut chunk = [0; 16 * 1024];
        loop {
            match self.master.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => {
                    self.emulator.process(&chunk[..count]);
                    self.written.extend_from_slice(&chunk[..count]);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Nothing more, or nobody is on the other side any more (EIO).
                Err(_) => break,
            }
        }
        self.written.len() > before
    }

    /// Waits until there is something to look at; `false` after `time`.
    pub fn wait(&self, time: Duration) -> bool {
        is_ready(&self.master, PollFlags::IN, Instant::now() + time)
    }

    /// Reads what was written without showing it, as fast as it comes.
    pub fn read(&mut self, buffer: &mut [u8]) -> usize {
        self.master.read(buffer).unwrap_or(0)
    }

    /// Waits until the screen is as `wanted` tells.
    #[track_caller]
    pub fn wait_until(&mut self, what: &str, wanted: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.look();
            if wanted(self) {
                return;
            }
            assert!(
                is_ready(&self.master, PollFlags::IN, deadline),
                "{what}; the screen is:\n{}\nits bytes: {:?}",
                self.rows().join("\n"),
                lossy(&self.written[self.written.len().saturating_sub(1000)..]),
            );
        }
    }

    /// Waits until the last rows are `rows`, the cursor at the end of the last of them.
    #[track_caller]
    pub fn expect(&mut self, rows: &[&str]) {
        self.wait_until(&format!("never ended in {rows:?}"), |desk| {
            let shown = desk.rows();
            let (row, column) = desk.emulator.screen().cursor_position();
            let last = rows.last().map_or(0, |row| row.chars().count());
            shown.ends_with(&rows.iter().map(|row| (*row).to_owned()).collect::<Vec<_>>())
                && usize::from(row) + 1 == shown.len()
                && usize::from(column) == last
        });
    }

    /// Waits until a row is `text`.
    #[track_caller]
    pub fn expect_row(&mut self, text: &str) {
        self.wait_until(&format!("no row is {text:?}"), |desk| {
            desk.rows().iter().any(|row| row == text)
        });
    }

    /// Waits until the client has ended, and returns its exit code.
    #[track_caller]
    pub fn exit_code(&mut self) -> u8 {
        let left = |desk: &Self| {
            let rows = desk.rows();
            let row = rows.iter().find_map(|row| row.strip_prefix(LEFT));
            row.map(|code| code.parse().expect("a number"))
        };
        self.wait_until("the client never ended", |desk| left(desk).is_some());
        left(self).expect("just seen")
    }

    /// Returns the rows of the screen up to the last that is not blank (or has the cursor), without
    /// blanks at their ends but one after a prompt.
    pub fn rows(&self) -> Vec<String> {
        let screen = self.emulator.screen();
        let (_, columns) = screen.size();
        let (cursor, _) = screen.cursor_position();
        let mut rows: Vec<_> = screen.rows(0, columns.get()).collect();
        while rows.len() > usize::from(cursor) + 1 && rows.last().is_some_and(String::is_empty) {
            rows.pop();
        }
        rows
    }

    /// Returns everything that is shown, with what scrolled off the top.
    pub fn all_rows(&mut self) -> Vec<String> {
        let scrolled = self.emulator.screen().scrollback_len();
        let mut all = Vec::new();
        for offset in (1..=scrolled).rev() {
            self.emulator.screen_mut().set_scrollback(offset);
            let (_, columns) = self.emulator.screen().size();
            all.extend(self.emulator.screen().rows(0, columns.get()).next());
        }
        self.emulator.screen_mut().set_scrollback(0);
        all.extend(self.rows());
        all
    }

    /// Returns the emulator's screen.
    pub fn screen(&self) -> &vt100::Screen {
        self.emulator.screen()
    }

    /// Returns the terminal's modes.
    pub fn modes(&self) -> Termios {
        tcgetattr(&self.master).expect("a terminal has modes")
    }

    /// Returns the client's process.
    pub fn client(&self) -> Pid {
        let shell = self.shell.id();
        let children = std::fs::read_to_string(format!("/proc/{shell}/task/{shell}/children"));
        let children = children.expect("the shell runs");
        let first = children
            .split_whitespace()
            .next()
            .expect("it runs the client");
        Pid::from_raw(first.parse().expect("a number")).expect("not zero")
    }

    /// Sends the client a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.client(), signal).expect("the client is ours");
    }

    /// Returns the most memory the client ever had resident, in bytes.
    pub fn peak_resident_bytes(&self) -> usize {
        let path = format!("/proc/{}/status", self.client().as_raw_nonzero());
        let status = std::fs::read_to_string(path).expect("the client runs");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = peak.and_then(|peak| peak.trim().strip_suffix(" kB"));
        let kilobytes: usize = kilobytes.and_then(|k| k.parse().ok()).expect("VmHWM in kB");
        kilobytes * 1024
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // The terminal hangs up with its shell, and takes the client with it.
        end(&mut self.shell);
    }
}

fn window(rows: u16, columns: u16) -> Winsize {
    Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}

fn non_zero(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).expect("a terminal has rows and columns")
}
