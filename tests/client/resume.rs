//! A connection that breaks: nothing is lost, nothing comes twice.

use std::fs;
use std::time::{Duration, Instant};

use memchr::memchr_iter;

use crate::common::{GREETING, Server};
use crate::desk::Desk;
use crate::wire::{Side, Wire};

/// Waits until soheil is in the room again.
fn expect_back(desk: &mut Desk, missed: &str) {
    desk.wait_until("it is back", |desk| {
        let back = |row: &&String| row.starts_with("* Back in the room as soheil; ");
        desk.rows()
            .iter()
            .any(|row| back(&row) && row.contains(missed))
            && desk.rows().last().unwrap() == "> "
    });
}

fn cut(wire: &Wire, desk: &mut Desk) {
    wire.cut();
    desk.wait_until("it is offline", |desk| {
        desk.rows().last().unwrap().starts_with("(offline")
    });
}

/// Returns how often a row is just `text`.
fn count(desk: &mut Desk, text: &str) -> usize {
    desk.all_rows().iter().filter(|row| *row == text).count()
}

#[test]
fn history_and_what_was_missed_come_once_and_the_bell_rings_for_the_new_alone() {
    let server = Server::start(&["--history", "9"]);
    let wire = Wire::to(server.address());
    let mut ali = server.join("ali");
    ali.say("an old hi, soheil");
    ali.say("/who");
    ali.expect("* Here (1): ali");
    let mut desk = Desk::join(wire.address(), &["--name", "soheil", "--bell"]);
    desk.expect(&[
        GREETING,
        "* What was said before you came:",
        "ali: an old hi, soheil",
        "* That was before.",
        "* Here (2): ali, soheil",
        "> ",
    ]);
    assert_eq!(memchr_iter(7, &desk.written).count(), 0, "history is old");
    desk.enter("my own");
    ali.expect("soheil: my own");
    desk.expect(&["you: my own", "> "]);
    cut(&wire, &mut desk);
    ali.say("missed by you");
    ali.say("hi soheil");
    ali.say("/who");
    let mut line = ali.line();
    while !line.starts_with("* Here") {
        line = ali.line();
    }
    wire.mend();
    desk.press("\r");
    expect_back(&mut desk, "between follows");
    for (text, times) in [
        ("ali: an old hi, soheil", 1),
        ("ali: missed by you", 1),
        ("ali: hi soheil", 1),
        ("you: my own", 1),
        ("soheil: my own", 0),
        ("soheil has left the chatroom!", 0),
        ("* Here (2): ali, soheil", 1),
    ] {
        assert_eq!(count(&mut desk, text), times, "{text}");
    }
    assert_eq!(memchr_iter(7, &desk.written).count(), 1, "one bell");
    // And once more, with nothing to tell.
    cut(&wire, &mut desk);
    wire.mend();
    desk.press("\r");
    expect_back(&mut desk, "nothing was said");
    assert_eq!(count(&mut desk, "ali: hi soheil"), 1);
}

#[test]
fn what_was_missed_has_the_time_when_it_was_said() {
    let server = Server::start(&[]);
    let wire = Wire::to(server.address());
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("talk.log");
    let flags = ["--name", "soheil", "--log", path.to_str().unwrap()];
    let mut desk = Desk::join(wire.address(), &flags);
    desk.expect(&[GREETING, "> "]);
    cut(&wire, &mut desk);
    let mut bob = server.join("bob");
    let ali = server.join("ali");
    ali.say("when is it?");
    bob.expect("ali: when is it?");
    // Long enough to be told by seconds.
    let said = Instant::now();
    while said.elapsed() < Duration::from_millis(2100) {
        desk.wait(Duration::from_millis(100));
        desk.look();
    }
    wire.mend();
    desk.press("\r");
    expect_back(&mut desk, "follows");
    let log = fs::read_to_string(&path).unwrap();
    let second = |text: &str| {
        let line = log.lines().find(|line| line[20..].starts_with(text));
        let time = &line.unwrap_or_else(|| panic!("{text}: {log}"))[11..19];
        let part = |at: usize| time[at..at + 2].parse::<i64>().unwrap();
        part(0) * 3600 + part(3) * 60 + part(6)
    };
    let later = (second("* Back in") - second("ali: when")).rem_euclid(86400);
    assert!((2..80000).contains(&later), "{log}");
}

#[test]
fn a_gap_is_told_where_the_room_has_forgotten() {
    let server = Server::start(&["--backlog-bytes", "65536", "--rate", "0"]);
    let wire = Wire::to(server.address());
    let mut desk = Desk::join(wire.address(), &["--name", "soheil"]);
    desk.expect(&[GREETING, "> "]);
    cut(&wire, &mut desk);
    let (ali, mut bob) = (server.join("ali"), server.join("bob"));
    for number in 0..300 {
        ali.say(format!("{number} {}", "x".repeat(1000)));
        bob.expect(&format!("ali: {number} {}", "x".repeat(1000)));
    }
    ali.say("the last");
    bob.expect("ali: the last");
    wire.mend();
    desk.press("\r");
    desk.wait_until("the last is there", |desk| {
        desk.rows().iter().any(|row| row == "ali: the last")
    });
    let rows = desk.all_rows();
    let back = rows
        .iter()
        .position(|row| row.starts_with("* Back in the room as soheil; "));
    let told = rows[back.unwrap()].clone();
    let missing = told
        .split("the first ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next());
    let missing: usize = missing.and_then(|count| count.parse().ok()).expect(&told);
    let said = rows.iter().filter_map(|row| row.strip_prefix("ali: "));
    let numbers: Vec<usize> = said
        .filter_map(|said| said.split(' ').next()?.parse().ok())
        .collect();
    assert_eq!(
        numbers,
        (numbers[0]..300).collect::<Vec<_>>(),
        "once and in order"
    );
    // The leaving of one and the coming of two are missing, too.
    assert_eq!(missing, numbers[0] + 3, "{told}");
}

#[test]
fn a_line_just_before_the_break_is_said_once_and_shown_as_waiting_until_then() {
    let server = Server::start(&[]);
    for side in [Side::Server, Side::Client] {
        let wire = Wire::to(server.address());
        let mut desk = Desk::join(wire.address(), &["--name", "soheil"]);
        desk.expect(&[GREETING, "> "]);
        let mut ali = server.join("ali");
        wire.hold(side);
        desk.enter("precious");
        if matches!(side, Side::Server) {
            ali.expect("soheil: precious");
        }
        desk.expect(&["waiting: precious", "> "]);
        cut(&wire, &mut desk);
        desk.enter("after it");
        desk.wait_until("both wait", |desk| {
            let rows = desk.rows();
            rows[..rows.len() - 1]
                .ends_with(&["waiting: precious", "waiting: after it"].map(str::to_owned))
        });
        wire.mend();
        desk.press("\r");
        desk.expect(&["you: precious", "you: after it", "> "]);
        let heard = ali.lines_before("soheil: after it");
        let times = heard
            .iter()
            .filter(|line| *line == "soheil: precious")
            .count();
        assert_eq!(
            times,
            usize::from(matches!(side, Side::Client)),
            "{heard:?}"
        );
        assert_eq!(count(&mut desk, "you: precious"), 1);
        desk.press("\x04");
        assert_eq!(desk.exit_code(), 0);
    }
}
