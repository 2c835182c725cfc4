//! The log: one event is one line, and whoever reads it, or doesn't, can't hold up the room.

use std::fs::OpenOptions;
use std::net::SocketAddr;
use std::process::{Child, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::common::program::end;
use crate::common::{Peer, Server, chatroom};
use crate::measure::{listening_address, wait_until};

/// A server whose standard output is not ours to read, killed when dropped.
struct Mute(Child);

impl Mute {
    fn start(output: impl Into<Stdio>) -> (Self, SocketAddr) {
        let mut command = chatroom();
        command.args(["serve", "--listen", "127.0.0.1:0", "--rate", "0"]);
        let child = command.stdin(Stdio::null()).stdout(output).spawn().unwrap();
        let server = Self(child);
        let mut address = None;
        wait_until("it listens", || {
            address = listening_address(server.0.id());
            address.is_some()
        });
        (server, address.unwrap())
    }
}

impl Drop for Mute {
    fn drop(&mut self) {
        end(&mut self.0);
    }
}

/// Talks more than any pipe or terminal holds; all of it is heard.
fn talk(ali: &Peer, bob: &mut Peer) {
    let text = "x".repeat(1000);
    for number in 0..300 {
        ali.say(format!("{number} {text}"));
        bob.expect(&format!("ali: {number} {text}"));
    }
}

#[test]
fn one_event_is_one_line_of_the_log() {
    let mut server = Server::start(&["--rate", "0"]);
    let (ali, mut bob) = (server.join("ali"), server.join("bob"));
    let texts = [
        "\u{1b}[2J\u{1b}]0;title\u{7}",
        "%s%n%d %1$s {} {0} {:?}",
        "a\rb",
        "2026-11-22T18:33:39.453Z WARN  [chatroom] forged",
        "\u{85}\u{2028}\u{2029}\u{202e}",
        "x\u{0}y",
        "ali has left the chatroom!",
    ];
    for text in texts {
        ali.say(text);
        bob.line();
        ali.say(format!("/me {text}"));
        bob.line();
        ali.say(format!("/nick {text}"));
        let mut newcomer = server.connect();
        newcomer.expect(crate::common::PROMPT);
        newcomer.say(text);
        newcomer.expect_notice("That name");
    }
    ali.say("x\ny");
    bob.expect("ali: x");
    bob.expect("ali: y");
    // Taking a line of the log apart fails where it doesn't start as one.
    let log = server.stop();
    for text in log {
        assert!(
            !text.contains(|c: char| c.is_control() && c != '\t'),
            "{text:?}"
        );
        assert!(
            !text.contains(['\u{2028}', '\u{2029}', '\u{202e}']),
            "{text:?}"
        );
    }
    let said = log.iter().filter(|text| text.starts_with("ali said "));
    assert_eq!(said.count(), texts.len() * 2 + 2);
    assert!(
        log.iter()
            .any(|text| text == "ali said %s%n%d %1$s {} {0} {:?}")
    );
    assert!(
        !log.iter()
            .any(|text| text.contains("forged") && !text.starts_with("ali "))
    );
}

#[test]
fn lines_of_the_log_that_were_lost_are_counted_and_said_later() {
    const LINES: usize = 1000;
    let mut server = Server::start(&["--rate", "0"]);
    let (ali, mut bob) = (server.join("ali"), server.join("bob"));
    server.drain_log();
    let text = "x".repeat(1000);
    for number in 0..LINES {
        ali.say(format!("{number} {text}"));
        bob.expect(&format!("ali: {number} {text}"));
    }
    // Now somebody reads again.
    server.drain_log();
    ali.say("the end");
    bob.expect("ali: the end");
    let log = server.stop();
    let lost: usize = log
        .iter()
        .filter_map(|text| text.split_once(" lines of the log were lost"))
        .map(|(count, _)| count.parse::<usize>().unwrap())
        .sum();
    let said = log.iter().filter(|text| text.starts_with("ali said "));
    assert!(lost > 0, "the pipe was never full");
    assert_eq!(said.count() + lost, LINES + 1);
    // What was logged of the rest came whole.
    let whole = log.iter().filter(|line| line.ends_with(&text));
    assert_eq!(whole.count() + lost, LINES);
}

#[test]
fn the_room_goes_on_when_the_disk_of_the_log_is_full() {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let (_server, address) = Mute::start(full);
    let (ali, mut bob) = (Peer::join(address, "ali"), Peer::join(address, "bob"));
    talk(&ali, &mut bob);
}

#[test]
fn the_room_goes_on_when_the_reader_of_the_log_goes_away_in_the_middle() {
    let mut server = Server::start(&["--rate", "0"]);
    let (ali, mut bob) = (server.join("ali"), server.join("bob"));
    talk(&ali, &mut bob);
    server.close_log();
    talk(&ali, &mut bob);
    bob.finish();
    let mut carl = server.join("carl");
    ali.say("hello");
    carl.expect("ali: hello");
}

#[test]
fn the_room_goes_on_on_a_terminal_that_nobody_reads() {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let path = ptsname(&master, Vec::new()).unwrap();
    let terminal = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path.to_str().unwrap())
        .unwrap();
    let (_server, address) = Mute::start(terminal.try_clone().unwrap());
    let (ali, mut bob) = (Peer::join(address, "ali"), Peer::join(address, "bob"));
    talk(&ali, &mut bob);
    // And it left the terminal as it was for who else writes to it.
    let flags = rustix::fs::fcntl_getfl(&terminal).unwrap();
    assert!(!flags.contains(rustix::fs::OFlags::NONBLOCK));
}
