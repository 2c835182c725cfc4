//! The log tells who connects from where, if it is asked to, so that other programs can act on it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says why it is skipped"
)]

mod common;

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use common::{PROMPT, Peer, Server};

/// Lets everything happen that concerns a connection, and returns what the log says of it.
fn log_of_everything(flags: &[&str]) -> Vec<String> {
    let common = [
        "--max-connections",
        "3",
        "--name-timeout",
        "3",
        "--idle-timeout",
        "4",
    ];
    let mut server = Server::start(&[&common, flags].concat());
    let mut refused = server.connect();
    refused.expect(PROMPT);
    refused.say("a b");
    refused.expect_notice("That name has a space");
    refused.expect(PROMPT);
    refused.finish();
    let mut browser = server.connect();
    browser.expect(PROMPT);
    browser.say("GET / HTTP/1.1");
    browser.expect_notice("That was HTTP");
    browser.expect_end();
    drop(browser);
    let (mut ali, bob, cut) = (server.join("ali"), server.join("bob"), server.join("cut"));
    let mut turned_away = Peer::connect(server.address());
    turned_away.expect_notice("full");
    turned_away.expect_end();
    cut.reset();
    ali.expect("cut has left the chatroom!");
    let mut silent = server.connect();
    silent.expect(PROMPT);
    silent.expect_notice("Your name did not come");
    silent.expect_end();
    ali.expect_notice("You were silent");
    drop((ali, bob));
    server.stop().to_vec()
}

#[test]
fn the_log_never_said_who_connects_from_where() {
    let log = log_of_everything(&["--log-addresses"]);
    for text in [
        "[127.0.0.1] a name is refused: That name has a space in it: a b",
        "[127.0.0.1] a connection that speaks HTTP is turned away",
        "[127.0.0.1] cut is joined to the chatroom!",
        "[127.0.0.1] cut is cut off: connection broken",
        "[127.0.0.1] a connection is turned away: The room is full; try again later.",
        "[127.0.0.1] a connection is ended: no name in time",
        "[127.0.0.1] ali has to go: silent for too long",
    ] {
        assert!(log.iter().any(|line| line == text), "{text:?}: {log:#?}");
    }
}

#[test]
fn no_address_is_logged_unless_it_is_asked_for() {
    let log = log_of_everything(&["--log-level", "debug"]);
    for text in [
        "a name is refused: That name has a space in it: a b",
        "a connection that speaks HTTP is turned away",
        "cut is joined to the chatroom!",
        "cut is cut off: connection broken",
        "a connection is turned away: The room is full; try again later.",
        "a connection is ended: no name in time",
        "ali has to go: silent for too long",
    ] {
        assert!(log.iter().any(|line| line == text), "{text:?}: {log:#?}");
    }
    let address = |line: &&String| line.contains("127.0.0.1") && !line.starts_with("listening");
    assert_eq!(log.iter().find(address), None);
}

#[test]
fn an_ipv6_address_is_named_as_it_is_written() {
    let mut server = Server::start(&["--log-addresses", "--listen", "[::1]:0"]);
    let six = server.addresses()[1];
    let _ali = Peer::join(six, "ali");
    server.expect_log("[::1] ali is joined to the chatroom!");
}

/// Returns the README's `failregex` for fail2ban.
fn failregex() -> String {
    let readme = include_str!("../README.md");
    let line = readme
        .lines()
        .find_map(|line| line.strip_prefix("failregex = "));
    line.expect("the README has a failregex").to_owned()
}

/// Returns the lines of a log, without their times, that `failregex` finds, by `grep`.
fn found(log: &[String], failregex: &str) -> Vec<String> {
    let regex = failregex.replace("<ADDR>", "[0-9a-f.:]+");
    let mut grep = Command::new("grep")
        .args(["-E", "--", &regex])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines: Vec<String> = log
        .iter()
        .map(|text| format!(" INFO  [chatroom] {text}\n"))
        .collect();
    let lines = lines.concat();
    grep.stdin
        .take()
        .unwrap()
        .write_all(lines.as_bytes())
        .unwrap();
    let output = grep.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let texts = text
        .lines()
        .map(|line| line.split_once("[chatroom] ").unwrap().1.to_owned());
    texts.collect()
}

/// A log in which people do all they can to have somebody else banned.
fn forged_log() -> Vec<String> {
    let mut server = Server::start(&["--log-addresses"]);
    let forgery = "[203.0.113.9] a connection is turned away: The room is full";
    let mut ali = server.join("203.0.113.9");
    ali.say(forgery);
    ali.say(format!("/me {forgery}"));
    ali.say("/nick a");
    ali.expect("* You are now known as a.");
    ali.say(format!("/nick {forgery}"));
    ali.expect_notice("That name");
    let mut stranger = server.connect();
    stranger.expect(PROMPT);
    stranger.say(forgery);
    stranger.expect_notice("That name");
    stranger.expect(PROMPT);
    stranger.enter("connection");
    stranger.finish();
    ali.expect("connection has left the chatroom!");
    server.stop().to_vec()
}

#[test]
fn fail2ban_finds_who_does_harm_and_nobody_whom_others_name() {
    let failregex = failregex();
    let log = log_of_everything(&["--log-addresses"]);
    let starts = [
        "[127.0.0.1] a name is refused: ",
        "[127.0.0.1] a connection that speaks HTTP",
        "[127.0.0.1] a connection is turned away: ",
        "[127.0.0.1] a connection is ended: ",
    ];
    let harm = found(&log, &failregex);
    assert_eq!(harm.len(), starts.len(), "{harm:#?}");
    assert!(
        harm.iter()
            .zip(starts)
            .all(|(line, start)| line.starts_with(start)),
        "{harm:#?}"
    );
    let forged = forged_log();
    assert!(forged.iter().any(|line| line.contains("203.0.113.9")));
    let harm = found(&forged, &failregex);
    assert_eq!(harm.len(), 2, "{harm:#?}");
    assert!(
        harm.iter()
            .all(|line| line.starts_with("[127.0.0.1] a name is refused: "))
    );
    let both = [log, forged].concat();
    fail2ban_agrees(&both, &failregex, starts.len() + 2);
}

/// Where fail2ban itself is installed, it must read the same: every address is this machine's.
fn fail2ban_agrees(log: &[String], failregex: &str, count: usize) {
    let directory = tempfile::tempdir().unwrap();
    let (file, filter) = (
        directory.path().join("log"),
        directory.path().join("chatroom.conf"),
    );
    let line = |text: &String| format!("2026-11-22T18:33:39.453Z INFO  [chatroom] {text}\n");
    fs::write(&file, log.iter().map(line).collect::<String>()).unwrap();
    fs::write(&filter, format!("[Definition]\nfailregex = {failregex}\n")).unwrap();
    let mut command = Command::new("fail2ban-regex");
    let Ok(output) = command.args(["-o", "ip"]).args([&file, &filter]).output() else {
        println!("skipped: fail2ban-regex is not installed");
        return;
    };
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(
        text.lines().collect::<Vec<_>>(),
        vec!["127.0.0.1"; count],
        "{output:?}"
    );
}
