//! Without a terminal: as users of pipes expect.

use std::fs::File;
use std::io::Write;

use crate::common::{GREETING, PROMPT, Program, Server, chatroom};

/// Returns `chatroom join` with `flags`.
fn join(server: &Server, flags: &[&str]) -> std::process::Command {
    let mut command = chatroom();
    command
        .arg("join")
        .arg(server.address().to_string())
        .args(flags);
    command
}

#[test]
fn a_file_is_sent_whole() {
    // It is slowed, if not for long.
    let server = Server::start(&["--rate", "2000"]);
    let mut ears = server.join("ears");
    let mut file = tempfile::tempfile().unwrap();
    let lines: Vec<_> = (0..5000).map(|number| format!("line {number}")).collect();
    file.write_all(lines.join("\n").as_bytes()).unwrap();
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
    let output = join(&server, &["--name", "bot"])
        .stdin(File::open(path).unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stdout, format!("{PROMPT}\n{GREETING}\n").as_bytes());
    assert_eq!(output.stderr, b"");
    for line in &lines {
        ears.expect(&format!("bot: {line}"));
    }
    ears.expect("bot has left the chatroom!");
}

#[test]
fn each_line_passes_as_it_comes() {
    let server = Server::start(&[]);
    let mut ears = server.join("ears");
    let mut log = Program::start(join(&server, &["--name", "log"]));
    log.screen.expect_line(PROMPT);
    log.screen.expect_line(GREETING);
    for number in 0..3 {
        log.type_text(&format!("event {number}\n"));
        ears.expect(&format!("log: event {number}"));
        ears.say(format!("seen {number}"));
        log.screen.expect_line(&format!("ears: seen {number}"));
    }
    log.end_input();
    assert_eq!(log.wait().code(), Some(0));
}

#[test]
fn quiet_ears_hear_the_talk_and_nothing_else() {
    let server = Server::start(&["--announce-joins"]);
    let mut ears = Program::start(join(&server, &["--name", "ears", "--quiet"]));
    let mut ali = server.connect();
    ali.expect(PROMPT);
    ali.say("ali");
    // Either may come first.
    let mut seen = ali.line();
    while seen != GREETING {
        seen = ali.line();
    }
    let deadline_marker = "ears is joined to the chatroom!";
    ali.say("/who");
    let mut who = ali.line();
    while !who.contains("ears") || who == deadline_marker {
        ali.say("/who");
        who = ali.line();
    }
    ali.say("سلام to all \x1b[31m");
    ali.say("/me waves");
    ali.say("/msg ears psst");
    ali.say("/quit");
    ears.screen.expect_line("ali: سلام to all \u{fffd}[31m");
    ears.screen.expect_line("* ali waves");
    ears.screen.expect_line("ali (privately): psst");
    ears.end_input();
    assert_eq!(ears.wait().code(), Some(0));
    assert_eq!(ears.screen.next_line(), None);
}

#[test]
fn a_taken_name_is_exit_code_three() {
    let server = Server::start(&[]);
    let _other = server.join("bot");
    let mut bot = Program::start(join(&server, &["--name", "bot"]));
    bot.type_text("never to be said\n");
    assert_eq!(bot.wait().code(), Some(3));
    let error = bot.errors.next_line().unwrap();
    assert!(
        error.contains("bot was refused") && error.contains("--name"),
        "{error}"
    );
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let server = Server::start(&[]);
    let speaker = server.join("speaker");
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command = join(&server, &["--name", "ears"]);
    let mut ears = command
        .stdin(std::process::Stdio::piped())
        .stdout(writer)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(command);
    let mut reader = crate::common::Incoming::new(reader);
    reader.expect_line(PROMPT);
    reader.expect_line(GREETING);
    drop(reader);
    speaker.say("anybody there?");
    let errors = ears.stderr.take().unwrap();
    let mut errors = crate::common::Incoming::new(errors);
    assert_eq!(errors.read_to_end(), b"");
    assert_eq!(ears.wait().unwrap().code(), Some(0));
}

#[test]
fn a_server_that_goes_away_is_exit_code_one() {
    let mut server = Server::start(&[]);
    let mut bot = Program::start(join(&server, &["--name", "bot"]));
    bot.screen.expect_line(PROMPT);
    bot.screen.expect_line(GREETING);
    server.stop();
    assert_eq!(bot.wait().code(), Some(1));
    let error = bot.errors.next_line().unwrap();
    assert!(error.contains("closed the connection"), "{error}");
}

#[test]
fn colours_in_a_pipe_only_on_demand() {
    let server = Server::start(&[]);
    let ali = server.join("ali");
    let mut plain = Program::start(join(&server, &["--name", "plain"]));
    let mut rich = Program::start(join(&server, &["--name", "rich", "--color", "always"]));
    for ears in [&mut plain, &mut rich] {
        ears.screen.expect_line(PROMPT);
        ears.screen.expect_line(GREETING);
    }
    ali.say("hi");
    plain.screen.expect_line("ali: hi");
    let line = rich.screen.next_line().unwrap();
    assert!(
        line.starts_with("\x1b[") && line.ends_with("ali\x1b[0m: hi"),
        "{line:?}"
    );
}

#[test]
fn lines_that_come_to_nothing_are_named_and_the_exit_code_is_four() {
    let server = Server::start(&[]);
    let mut ali = server.join("ali");
    let long = "x".repeat(5000);
    let endless = "y".repeat(100_000);
    for flags in [&["--name", "bot"][..], &["--name", "bot", "--quiet"]] {
        let mut bot = Program::start(join(&server, flags));
        bot.type_text(&format!(
            "one\n/msg nobody psst\n{long}\n/mgs ali psst\n{endless}\nlast\n"
        ));
        bot.end_input();
        assert_eq!(bot.wait().code(), Some(4));
        ali.expect("bot: one");
        ali.expect("bot: last");
        ali.expect("bot has left the chatroom!");
        let mut errors: Vec<_> = std::iter::from_fn(|| bot.errors.next_line()).collect();
        assert_eq!(
            errors.pop().unwrap(),
            "chatroom: 4 of 6 lines came to nothing"
        );
        // The client itself refuses what is too long to be sent.
        errors.sort();
        for (error, (line, why)) in errors.iter().zip([
            ("line 2 (\"/msg nobody psst\"): ", "nobody"),
            ("line 3 (\"xxxx", "longer than 4096 bytes"),
            ("line 4 (\"/mgs ali psst\"): ", "unknown"),
            ("line 5 (\"yyyy", "longer than 4096 bytes"),
        ]) {
            let is_named = error.starts_with(&format!("chatroom: {line}"));
            assert!(
                is_named && error.contains(why) && error.len() < 160,
                "{error}"
            );
        }
        assert_eq!(errors.len(), 4);
    }
    let help = chatroom().args(["join", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("4 lines of a pipe"), "{help}");
}

#[test]
fn quit_in_capitals_is_no_failure() {
    let server = Server::start(&[]);
    for flags in [&["--name", "bot"][..], &["--name", "bot", "--plain"]] {
        let mut bot = Program::start(join(&server, flags));
        bot.screen.expect_line(PROMPT);
        bot.screen.expect_line(GREETING);
        bot.type_text("/QUIT\n");
        assert_eq!(bot.wait().code(), Some(0), "{flags:?}");
    }
}
