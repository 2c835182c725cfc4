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

#[test]
fn a_line_costs_one_poll_one_read_a_write_each_and_one_for_the_log() {
    let Some(mut command) = tool("strace", "strace") else {
        return;
    };
    let server = Server::start(&[]);
    let mut peers: Vec<_> = (0..10)
        .map(|number| server.join(&format!("p{number}")))
        .collect();
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    command
        .args(["-qq", "-o"])
        .arg(file.path())
        .args(["-p", &server.id().to_string()]);
    let attached = format!("/proc/{}/status", server.id());
    let mut strace = Program::start(command);
    let deadline = Instant::now() + common::PATIENCE;
    while fs::read_to_string(&attached)
        .unwrap()
        .contains("TracerPid:\t0\n")
    {
        if let Some(code) = strace.try_wait() {
            strace.errors.drain();
            let errors = common::incoming::lossy(strace.errors.bytes());
            // Some sandboxes forbid to trace even one's own children.
            println!("skipped: strace ended with {code}: {errors}");
            return;
        }
        assert!(Instant::now() < deadline, "strace does not attach");
        std::thread::yield_now();
    }
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
    kill_process(
        Pid::from_raw(strace.id().cast_signed()).unwrap(),
        Signal::INT,
    )
    .unwrap();
    strace.wait();
    let trace = fs::read_to_string(file.path()).unwrap();
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
