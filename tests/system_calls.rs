//! The system calls the real server makes for a line, and while nobody speaks.

// A test stops at what it doesn't expect.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

mod common;

use std::fs;
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use common::incoming::is_ready;
use common::program::tool;
use common::{Program, Server};
use rustix::event::PollFlags;
use rustix::process::{Pid, Signal, kill_process};

/// Returns the names of the calls in what `strace` wrote, without the one it left midway.
fn calls(trace: &str) -> Vec<&str> {
    let whole = trace
        .lines()
        .filter(|line| !line.contains("<detached") && !line.contains("+++"));
    whole
        .filter_map(|line| line.split_once('('))
        .map(|(name, _)| name)
        .collect()
}

/// `strace`, watching a server.
struct Strace {
    program: Program,
    trace: tempfile::NamedTempFile,
}

impl Strace {
    /// Watches `server` from here on; `None` where that can't be.
    fn attach(server: &Server) -> Option<Self> {
        let mut command = tool("strace", "strace")?;
        let trace = tempfile::NamedTempFile::new().expect("a temporary file");
        command
            .args(["-qq", "-o"])
            .arg(trace.path())
            .args(["-p", &server.id().to_string()]);
        let attached = format!("/proc/{}/status", server.id());
        let mut program = Program::start(command);
        let deadline = Instant::now() + common::PATIENCE;
        while fs::read_to_string(&attached)
            .unwrap()
            .contains("TracerPid:\t0\n")
        {
            if let Some(code) = program.try_wait() {
                program.errors.drain();
                let errors = common::incoming::lossy(program.errors.bytes());
                // Some sandboxes forbid to trace even one's own children.
                println!("skipped: strace ended with {code}: {errors}");
                return None;
            }
            assert!(Instant::now() < deadline, "strace does not attach");
            std::thread::yield_now();
        }
        Some(Self { program, trace })
    }

    /// Stops watching, and returns what was seen, but for the call it ended in.
    fn end(mut self) -> String {
        kill_process(
            Pid::from_raw(self.program.id().cast_signed()).unwrap(),
            Signal::INT,
        )
        .unwrap();
        self.program.wait();
        let trace = fs::read_to_string(self.trace.path()).unwrap();
        let whole = trace.lines().filter(|line| !line.contains("<detached"));
        whole.collect::<Vec<_>>().join("\n")
    }
}

#[test]
fn a_line_costs_one_poll_one_read_a_write_each_and_one_for_the_log() {
    let server = Server::start(&[]);
    let mut peers: Vec<_> = (0..10)
        .map(|number| server.join(&format!("p{number}")))
        .collect();
    let Some(strace) = Strace::attach(&server) else {
        return;
    };
    for round in 0..3 {
        let (speaker, listeners) = peers.split_first_mut().unwrap();
        speaker.say(format!("line {round}"));
        for listener in &mut *listeners {
            listener.expect(&format!("p0: line {round}"));
        }
        // Meanwhile nobody speaks, and nothing is due.
        let quiet = Instant::now() + Duration::from_millis(300);
        assert!(!is_ready(
            listeners[0].stream().as_fd(),
            PollFlags::IN,
            quiet
        ));
    }
    let trace = strace.end();
    let mut line = vec!["epoll_wait", "recvfrom", "write"];
    line.extend(["sendto"; 9]);
    let mut calls = calls(&trace);
    // The log's pipe is asked whether it has place, once for some 4,000 bytes.
    let asked = calls
        .iter()
        .filter(|&&call| call.contains("poll") && call != "epoll_wait")
        .count();
    assert!(asked <= 2, "{trace}");
    calls.retain(|&call| call == "epoll_wait" || !call.contains("poll"));
    // The first round is there for strace to find its feet.
    let warm = calls
        .iter()
        .enumerate()
        .filter(|(_, call)| **call == "sendto")
        .nth(8);
    let calls = &calls[warm.expect("a round").0 + 1..];
    assert_eq!(calls, [line.clone(), line].concat(), "{trace}");
}

#[test]
fn nothing_but_the_watchdog_happens_while_nobody_speaks() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    let mut command = common::chatroom();
    command
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--metrics",
            "127.0.0.1:0",
        ])
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "400000");
    let server = Server::run(command);
    let (ali, _bob) = (server.join("ali"), server.join("bob"));
    let Some(strace) = Strace::attach(&server) else {
        return;
    };
    // Nobody speaks for a second.
    let quiet = Instant::now() + Duration::from_secs(1);
    assert!(!is_ready(ali.stream().as_fd(), PollFlags::IN, quiet));
    let trace = strace.end();
    let calls = calls(&trace);
    let pings = trace.matches("\"WATCHDOG=1").count();
    assert!((1..=6).contains(&pings), "{trace}");
    let others = calls.iter().filter(|&&call| call != "epoll_wait");
    assert_eq!(others.count(), pings, "{trace}");
    drop(manager);
}
