//! What a person who looks elsewhere finds later: the log, the unread, the days.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use memchr::memmem::find;
use time::OffsetDateTime;

use crate::common::{GREETING, PATIENCE, PROMPT, Program, Server, chatroom};
use crate::desk::Desk;

fn join(server: &Server, flags: &[&str]) -> Command {
    let mut command = chatroom();
    command.arg("join").arg(server.address().to_string());
    command.args(["--name", "soheil"]).args(flags);
    command
}

/// Returns the lines of a log without their dates, which have to be dates.
fn without_dates(log: &str) -> Vec<&str> {
    log.lines()
        .map(|line| {
            let (date, text) = line.split_at(20);
            let digits = date.bytes().filter(u8::is_ascii_digit).count();
            assert!(digits == 14 && date.ends_with(' '), "{line:?}");
            text
        })
        .collect()
}

#[test]
fn the_log_has_both_sides_of_the_talk() {
    let server = Server::start(&["--announce-joins"]);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("talk.log");
    let flags = ["--log", path.to_str().unwrap()];
    let mut desk = Desk::run(&join(&server, &flags), 24, 80);
    desk.expect(&[GREETING, "> "]);
    let mut ali = server.join("ali");
    ali.say("hi soheil");
    desk.expect(&["ali: hi soheil", "> "]);
    for line in ["hi ali", "/me waves", "/who", "/msg ali psst"] {
        desk.enter(line);
    }
    ali.expect("soheil: hi ali");
    ali.expect("* soheil waves");
    ali.expect("soheil (privately): psst");
    desk.press("\x04");
    assert_eq!(desk.exit_code(), 0);
    let talk = [
        "ali is joined to the chatroom!",
        "ali: hi soheil",
        "soheil: hi ali",
        "* soheil waves",
        "soheil (privately to ali): psst",
    ];
    assert_eq!(without_dates(&fs::read_to_string(&path).unwrap()), talk);
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    // A pipe's is added to it.
    let mut script = Program::start(join(&server, &flags));
    script.screen.expect_line(PROMPT);
    script.screen.expect_line(GREETING);
    script.type_text("from a script\n");
    ali.expect("soheil has left the chatroom!");
    ali.expect("soheil is joined to the chatroom!");
    ali.expect("soheil: from a script");
    ali.say("seen");
    script.screen.expect_line("ali: seen");
    script.end_input();
    assert_eq!(script.wait().code(), Some(0));
    let added = ["soheil: from a script", "ali: seen"];
    let log = fs::read_to_string(&path).unwrap();
    assert_eq!(without_dates(&log), [&talk[..], &added].concat());
}

#[test]
fn a_log_that_cannot_be_is_a_failure_at_once() {
    let server = Server::start(&[]);
    let output = join(&server, &["--log", "/nonexistent/log"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("can't log to /nonexistent/log"));
}

#[test]
fn the_title_counts_the_unread_and_a_mention_pops_up() {
    let server = Server::start(&[]);
    let address = server.address();
    let mut desk = Desk::run(&join(&server, &["--notify"]), 24, 80);
    desk.expect(&[GREETING, "> "]);
    let title = format!("\x1b]2;chatroom {address}\x07");
    assert!(find(&desk.written, title.as_bytes()).is_some());
    let ali = server.join("ali");
    // The focus goes with a key, which shows that it is gone.
    desk.press("x\x1b[O");
    desk.expect(&["> x"]);
    ali.say("anybody?");
    ali.say("soheil: there?");
    desk.expect(&[
        "* What follows is unread:",
        "ali: anybody?",
        "ali: soheil: there?",
        "> x",
    ]);
    let wanted = [
        format!("\x1b]2;(1) chatroom {address}\x07"),
        format!("\x1b]2;(2) chatroom {address}\x07"),
        "\x1b]9;ali: soheil: there?\x07".to_owned(),
    ];
    for told in &wanted {
        desk.wait_until(&format!("{told:?} is told"), |desk| {
            find(&desk.written, told.as_bytes()).is_some()
        });
    }
    // Looking at it, nothing is unread.
    let before = desk.written.len();
    desk.press("\x1b[I");
    desk.wait_until("the title is as before", |desk| {
        find(&desk.written[before..], title.as_bytes()).is_some()
    });
    ali.say("hi soheil");
    desk.expect(&["ali: hi soheil", "> x"]);
    assert!(find(&desk.written[before..], b"\x1b]9;").is_none());
    desk.press("\x7f\x04");
    assert_eq!(desk.exit_code(), 0);
    desk.wait_until("the terminal has its own title again", |desk| {
        find(&desk.written, b"\x1b[?1004l\x1b[23;2t").is_some()
    });
}

#[test]
fn without_being_asked_no_title_is_touched() {
    let server = Server::start(&[]);
    let mut desk = Desk::run(&join(&server, &[]), 24, 80);
    desk.expect(&[GREETING, "> "]);
    server.join("ali").say("soheil: there?");
    desk.wait_until("ali came and went", |desk| {
        desk.rows()
            .iter()
            .any(|row| row == "ali has left the chatroom!")
    });
    assert!(find(&desk.written, b"\x1b]").is_none());
    assert!(find(&desk.written, b"1004").is_none());
}

#[test]
fn what_was_said_while_we_were_stopped_is_marked() {
    let server = Server::start(&[]);
    let ali = server.join("ali");
    let mut desk = Desk::join_from_a_shell(&server);
    let stop = |desk: &mut Desk| {
        desk.press("\x1a");
        desk.wait_until("the shell tells that it stopped", |desk| {
            let rows = desk.rows();
            rows.iter().any(|row| row.contains("Stopped")) && rows.last().unwrap() == "$ "
        });
    };
    stop(&mut desk);
    // Who came last hears it last: the stopped client has it by then.
    let mut bob = server.join("bob");
    ali.say("while you were out");
    bob.expect("ali: while you were out");
    desk.enter("clear; fg");
    desk.expect(&["* What follows is unread:", "ali: while you were out", "> "]);
    stop(&mut desk);
    desk.enter("clear; fg");
    desk.wait_until("it is back", |desk| desk.rows().last().unwrap() == "> ");
    // Time enough for it to know that nothing is here.
    desk.press("x\x7f");
    desk.expect(&["> "]);
    ali.say("just now");
    desk.expect(&["ali: just now", "> "]);
    assert!(
        !desk.rows().iter().any(|row| row.contains("unread")),
        "{:?}",
        desk.rows()
    );
}

#[test]
fn what_is_said_after_coming_back_is_marked() {
    let server = Server::start(&[]);
    let address = server.address();
    let mut desk = Desk::run(&join(&server, &[]), 24, 80);
    desk.expect(&[GREETING, "> "]);
    drop(server);
    let mut command = chatroom();
    command.args(["serve", "--listen", &address.to_string()]);
    let server = Server::run(command);
    desk.wait_until("it is back", |desk| desk.rows().last().unwrap() == "> ");
    desk.wait_until("it is back", |desk| {
        desk.rows()
            .iter()
            .any(|row| row.starts_with("* Back in the room"))
    });
    server.join("ali").say("welcome back");
    desk.expect_row("ali: welcome back");
    let rows = desk.rows();
    let at = rows
        .iter()
        .position(|row| row == "ali: welcome back")
        .unwrap();
    assert_eq!(rows[at - 1], "* What follows is unread:");
}

#[test]
fn a_new_day_is_marked() {
    let server = Server::start(&[]);
    let ali = server.join("ali");
    // A time zone in which the next day begins in some seconds, by a change of a whole day.
    let change = OffsetDateTime::now_utc() + Duration::from_secs(4);
    let (hour, minute, second) = change.to_hms();
    let day = change.ordinal() - 1;
    let zone = format!(
        "AAA0BBB-24,{day}/{hour}:{minute}:{second},{}/0",
        (day + 180) % 365
    );
    let mut command = join(&server, &[]);
    command.env("TZ", zone);
    let mut desk = Desk::run(&command, 24, 80);
    desk.expect(&[GREETING, "* Here (2): ali, soheil", "> "]);
    ali.say("today");
    desk.expect(&["ali: today", "> "]);
    let next = change.date().next_day().unwrap();
    let (year, month, day) = next.to_calendar_date();
    let mark = format!("* {}, {day} {month} {year}", next.weekday());
    let deadline = Instant::now() + PATIENCE;
    while !desk.rows().contains(&mark) {
        assert!(Instant::now() < deadline, "{mark}: {:?}", desk.rows());
        ali.say("still up");
        desk.wait(Duration::from_millis(200));
        desk.look();
    }
    let rows = desk.rows();
    let marks = rows.iter().filter(|row| **row == mark).count();
    assert_eq!(marks, 1, "{rows:?}");
}
