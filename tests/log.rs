//! How the log is written: for people, for programs, for the journal.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says why it is skipped"
)]

mod common;

use std::fs::{self, File};
use std::os::linux::fs::MetadataExt;
use std::process::Stdio;

use common::incoming::Incoming;
use common::{Peer, Program, Signal, chatroom};
use rustix::process::{Pid, kill_process};

/// Returns where a server listens, from a line of its log.
fn address(line: &str) -> Option<std::net::SocketAddr> {
    let (_, address) = line.split_once("listening on ")?;
    address.trim_end_matches(['"', '}']).parse().ok()
}

/// Runs a server with `flags`, lets something happen, and returns the lines of its log.
fn log_of(flags: &[&str]) -> Vec<String> {
    let mut command = chatroom();
    command
        .args(["serve", "--listen", "127.0.0.1:0"])
        .args(flags);
    let mut program = Program::start(command);
    let mut lines = Vec::new();
    let address = loop {
        let line = program.screen.next_line().expect("an address");
        lines.push(line);
        if let Some(address) = address(lines.last().unwrap()) {
            break address;
        }
    };
    let mut ali = Peer::join(address, "ali");
    let bob = Peer::join(address, "bob");
    bob.say("she said \"hi\" {\\}\u{1b}[2J");
    ali.expect("bob: she said \"hi\" {\\}\u{FFFD}[2J");
    ali.say("/msg bob a secret");
    ali.expect_notice("bob");
    kill_process(
        Pid::from_raw(program.id().cast_signed()).unwrap(),
        Signal::TERM,
    )
    .unwrap();
    assert_eq!(program.wait().code(), Some(0));
    program.screen.read_to_end();
    while let Some(line) = program.screen.next_line() {
        lines.push(line);
    }
    assert!(!lines.join("\n").contains("a secret"));
    lines
}

#[test]
fn each_line_of_json_is_one_object() {
    let lines = log_of(&["--log-format", "json"]);
    let mut messages = Vec::new();
    for line in &lines {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        let keys: Vec<_> = object.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["level", "message", "time"], "{line}");
        let time = object["time"].as_str().unwrap();
        assert!(
            time.len() == "1970-01-01T00:00:00.000Z".len() && time.ends_with('Z'),
            "{time}"
        );
        messages.push(object["message"].as_str().unwrap().to_owned());
    }
    for message in [common::RUNNING, "bob said she said \"hi\" {\\}\u{FFFD}[2J"] {
        assert!(messages.iter().any(|told| told == message), "{messages:?}");
    }
}

#[test]
fn talk_is_left_out_of_the_log_where_it_is_to_be() {
    let lines = log_of(&["--log-talk", "off"]);
    let log = lines.join("\n");
    assert!(!log.contains("said"), "{log}");
    assert!(log.contains("bob is joined to the chatroom!"), "{log}");
}

/// The journal hands a service its own socket; a file is as good to see what is written to it.
#[test]
fn a_line_for_the_journal_has_a_priority_and_no_time() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal");
    let file = File::create(&path).unwrap();
    let metadata = file.metadata().unwrap();
    let stream = format!("{}:{}", metadata.st_dev(), metadata.st_ino());
    let log_with = |stream: &str| {
        let mut command = chatroom();
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env("JOURNAL_STREAM", stream)
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let deadline = std::time::Instant::now() + common::PATIENCE;
        while !fs::read_to_string(&path).unwrap().contains(common::RUNNING) {
            assert!(std::time::Instant::now() < deadline, "it does not start");
            std::thread::yield_now();
        }
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        let mut errors = Incoming::new(child.stderr.take().unwrap());
        assert_eq!(errors.read_to_end(), b"");
        child.wait().unwrap();
        let log = fs::read_to_string(&path).unwrap();
        file.set_len(0).unwrap();
        log
    };
    let log = log_with(&stream);
    assert!(log.contains(&format!("<6>{}\n", common::RUNNING)), "{log}");
    assert!(log.lines().all(|line| line.starts_with('<')), "{log}");
    // Standard output goes elsewhere than the stream that was handed to somebody before us.
    let log = log_with("1:1");
    assert!(!log.contains("<6>") && log.contains("INFO"), "{log}");
}
