//! What the black-box tests share: the real server as a child, raw peers, programs, deadlines.
#![allow(
    dead_code,
    unused_imports,
    reason = "each test file uses its own part of this"
)]

pub(crate) mod crowd;
pub(crate) mod incoming;
pub(crate) mod peer;
pub(crate) mod program;
pub(crate) mod reference;

use std::fs;
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Instant;

pub(crate) use incoming::{Incoming, PATIENCE};
pub(crate) use peer::Peer;
pub(crate) use program::{Program, chatroom};
pub(crate) use rustix::process::Signal;

/// What a newcomer is asked.
pub(crate) const PROMPT: &str = "Please enter your name:";
/// What a newcomer is told when the name is accepted.
pub(crate) const GREETING: &str = "Chat with your friends and enjoy";
/// What the server logs when it is ready.
pub(crate) const RUNNING: &str = "Server is Running and waiting for connections...";
/// What everybody is told at the end.
pub(crate) const CLOSING: &str = "* The chatroom is closing.";

/// The real server as a child process, killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    log: Incoming<ChildStdout>,
    /// The texts of the log, without time, level and target.
    texts: Vec<String>,
    /// How many texts [`Server::expect_log`] has gone past.
    seen: usize,
    addresses: Vec<SocketAddr>,
}

impl Server {
    /// Starts the server with `flags` on a free port of 127.0.0.1.
    #[track_caller]
    pub(crate) fn start(flags: &[&str]) -> Self {
        let mut command = chatroom();
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(flags);
        Self::run(command)
    }

    /// Starts `command`, which must become a server, and waits until it is ready.
    #[track_caller]
    pub(crate) fn run(command: Command) -> Self {
        let mut server = Self::spawn(command);
        server.expect_log(RUNNING);
        server.note_addresses();
        server
    }

    /// Starts `command`, which becomes a server in its time.
    #[track_caller]
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let log = Incoming::new(child.stdout.take().expect("piped"));
        Self {
            child,
            log,
            texts: Vec::new(),
            seen: 0,
            addresses: Vec::new(),
        }
    }

    /// Returns whether one that was [`spawn`](Self::spawn)ed has become ready, as far as its log was
    /// read.
    #[track_caller]
    pub(crate) fn has_become_ready(&mut self) -> bool {
        let ready = self.texts.iter().any(|text| text == RUNNING);
        if ready {
            self.note_addresses();
        }
        ready
    }

    #[track_caller]
    fn note_addresses(&mut self) {
        let addresses = self.texts.iter();
        self.addresses = addresses
            .filter_map(|text| text.strip_prefix("listening on "))
            .filter_map(|address| address.parse().ok())
            .collect();
        assert!(!self.addresses.is_empty(), "no address: {self:?}");
    }

    /// Returns the first address listened on.
    pub(crate) fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// Returns every address listened on.
    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Returns where TLS is spoken.
    pub(crate) fn tls_address(&self) -> SocketAddr {
        let mut texts = self.texts.iter();
        texts
            .find_map(|text| text.strip_prefix("listening on tls://"))
            .expect("it listens with TLS")
            .parse()
            .expect("an address to listen on")
    }

    /// Returns where the page is.
    pub(crate) fn web_address(&self) -> SocketAddr {
        self.page_at("http://")
    }

    /// Returns where it is within TLS.
    pub(crate) fn sealed_web_address(&self) -> SocketAddr {
        self.page_at("https://")
    }

    fn page_at(&self, scheme: &str) -> SocketAddr {
        let mut texts = self.texts.iter();
        texts
            .find_map(|text| text.strip_prefix("the page is at ")?.strip_prefix(scheme))
            .and_then(|address| address.strip_suffix('/'))
            .expect("it has a page")
            .parse()
            .expect("an address to listen on")
    }

    /// Connects without giving a name.
    #[track_caller]
    pub(crate) fn connect(&self) -> Peer {
        Peer::connect(self.address())
    }

    /// Joins as `name`.
    #[track_caller]
    pub(crate) fn join(&self, name: &str) -> Peer {
        Peer::join(self.address(), name)
    }

    /// Waits until the log says `text`, after what was waited for before.
    #[track_caller]
    pub(crate) fn expect_log(&mut self, text: &str) {
        assert!(
            self.log_has(|logged| logged == text),
            "the server ended and never logged {text:?}: {:?}",
            self.texts
        );
    }

    /// Waits until the log says something that `is_wanted`, after what was waited for before.
    #[track_caller]
    pub(crate) fn expect_log_with(&mut self, is_wanted: impl Fn(&str) -> bool) {
        assert!(
            self.log_has(is_wanted),
            "the server ended and never logged it: {:?}",
            self.texts
        );
    }

    fn log_has(&mut self, is_wanted: impl Fn(&str) -> bool) -> bool {
        loop {
            while self.seen < self.texts.len() {
                self.seen += 1;
                if is_wanted(&self.texts[self.seen - 1]) {
                    return true;
                }
            }
            let Some(line) = self.log.next_line() else {
                return false;
            };
            self.texts.push(text_of(&line).to_owned());
        }
    }

    /// Returns the log's texts as far as they were read.
    pub(crate) fn texts(&self) -> &[String] {
        &self.texts
    }

    /// Reads what the log holds without waiting, so that its pipe never fills.
    pub(crate) fn drain_log(&mut self) {
        self.log.drain();
        while let Some(line) = self.log.take_line() {
            self.texts.push(text_of(&line).to_owned());
        }
    }

    /// Forgets the log's texts so far.
    pub(crate) fn forget_log(&mut self) {
        self.log.forget();
        self.texts.clear();
        self.seen = 0;
    }

    /// Sends `signal`.
    pub(crate) fn signal(&self, signal: Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal)
            .expect("the server is our child");
    }

    /// Waits until the server has ended, reads its log to the end and returns how it ended.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.log.read_to_end();
        self.drain_log();
        assert!(
            program::exit_of(&self.child, Instant::now() + PATIENCE),
            "the server closed its log but still runs"
        );
        self.child.wait().expect("the server is our child")
    }

    /// Tells the server to end and returns all its log's texts.
    #[track_caller]
    pub(crate) fn stop(&mut self) -> &[String] {
        self.signal(Signal::TERM);
        let status = self.wait();
        assert_eq!(status.code(), Some(0), "exit code: {status}");
        &self.texts
    }

    /// Closes the reading end of the log.
    pub(crate) fn close_log(&mut self) {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(writer);
        self.log = Incoming::new(ChildStdout::from(std::os::fd::OwnedFd::from(reader)));
    }

    /// Returns the server's process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the most memory the server ever had resident, in bytes.
    pub(crate) fn peak_resident_bytes(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))
            .expect("the server runs");
        let kilobytes: usize = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .and_then(|value| value.trim().strip_suffix(" kB"))
            .and_then(|value| value.trim().parse().ok())
            .expect("Linux tells VmHWM");
        kilobytes * 1024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        program::end(&mut self.child);
        if std::thread::panicking() {
            self.log.drain();
            let log = self.log.bytes();
            let tail = &log[log.len().saturating_sub(8000)..];
            println!("the server's log:\n{}", incoming::lossy(tail));
        }
    }
}

/// Says `command` as `asker`, whom `other` can hear, and returns the notices it is answered with.
#[track_caller]
pub(crate) fn notices(
    asker: &mut Peer,
    other: &Peer,
    others_name: &str,
    command: &str,
) -> Vec<String> {
    asker.say(command);
    // A command is answered at once: what others say after its first notice comes after its last.
    let mut lines = vec![asker.expect_notice("")];
    other.say("marker");
    lines.extend(asker.lines_before(&format!("{others_name}: marker")));
    assert!(
        lines.iter().all(|line| line.starts_with("* ")),
        "not all are notices: {lines:?}"
    );
    lines
}

/// Returns the text of a log line such as `2026-11-22T17:41:19.123Z INFO  [chatroom] TEXT`.
fn text_of(line: &str) -> &str {
    line.split_once("] ")
        .unwrap_or_else(|| panic!("not a line of the log: {line:?}"))
        .1
}
