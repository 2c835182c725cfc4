//! How a person likes the client, from one time to the next.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::common::{GREETING, PROMPT, Program, Server, chatroom};
use crate::desk::Desk;

/// Returns a person's settings directory with this in the file.
fn settings(text: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("chatroom")).unwrap();
    fs::write(home.path().join("chatroom/join.toml"), text).unwrap();
    home
}

fn join(home: &Path, server: &Server, flags: &[&str]) -> Command {
    let mut command = chatroom();
    command.env("XDG_CONFIG_HOME", home);
    command.arg("join").arg(server.address().to_string());
    command.args(flags);
    command
}

#[test]
fn what_is_not_given_is_as_the_settings_have_it() {
    let server = Server::start(&[]);
    let home = settings("# mine\nname = \"soheil\"\ntimestamps = true\n");
    let mut desk = Desk::run(&join(home.path(), &server, &[]), 24, 80);
    desk.wait_until("we are in, and it is told when", |desk| {
        desk.rows().iter().any(|row| {
            row.as_bytes().get(2) == Some(&b':') && row.ends_with(&format!(" {GREETING}"))
        })
    });
    drop(desk);
    let flags = ["--name", "zed", "--timestamps=no"];
    let mut desk = Desk::run(&join(home.path(), &server, &flags), 24, 80);
    desk.expect(&[PROMPT, "you: zed", GREETING, "> "]);
}

#[test]
fn a_setting_that_is_none_is_told_with_its_line() {
    let server = Server::start(&[]);
    let home = settings("bell = true\n\ntimestamp = true\n");
    let mut desk = Desk::run(&join(home.path(), &server, &[]), 24, 200);
    assert_eq!(desk.exit_code(), 2);
    let told = "chatroom/join.toml:3: there is no setting `timestamp`; did you mean `timestamps`?";
    assert!(
        desk.rows().iter().any(|row| row.ends_with(told)),
        "{:?}",
        desk.rows()
    );
}

#[test]
fn a_script_does_the_same_whoever_runs_it() {
    let server = Server::start(&[]);
    let home = settings("name = \"soheil\"\ntimestamps = true\nnonsense = 1\n");
    let mut script = Program::start(join(home.path(), &server, &["--name", "bot"]));
    script.screen.expect_line(PROMPT);
    script.screen.expect_line(GREETING);
}

#[test]
fn a_setting_changed_holds_now_and_the_next_time() {
    let server = Server::start(&[]);
    let home = tempfile::tempdir().unwrap();
    let command = join(home.path(), &server, &["--name", "soheil"]);
    let mut desk = Desk::run(&command, 24, 80);
    desk.expect(&[GREETING, "> "]);
    let ali = server.join("ali");
    ali.say("hi soheil");
    desk.expect(&["ali: hi soheil", "> "]);
    assert!(!desk.written.contains(&7), "no bell yet");
    desk.enter("/set bell yes");
    desk.expect(&["you: /set bell yes", "* `bell` is yes now.", "> "]);
    ali.say("hi soheil");
    desk.wait_until("it rings", |desk| desk.written.contains(&7));
    desk.enter("/set bel yes");
    desk.expect(&["* There is no setting `bel`; did you mean `bell`?.", "> "]);
    desk.enter("/set timestamps perhaps");
    desk.expect(&["* `timestamps` has to be yes or no.", "> "]);
    desk.enter("/set");
    desk.wait_until("it lists them", |desk| {
        let rows = desk.rows();
        let row = |start: &str| rows.iter().any(|row| row.starts_with(start));
        row("* The settings, kept in ")
            && row("*   bell         yes")
            && row("*   notify       not set")
    });
    let kept = fs::read_to_string(home.path().join("chatroom/join.toml")).unwrap();
    assert_eq!(kept, "bell = true\n");
    desk.press("\x04");
    assert_eq!(desk.exit_code(), 0);
    let mut desk = Desk::run(&command, 24, 80);
    desk.expect(&[GREETING, "* Here (2): soheil, ali", "> "]);
    ali.say("hi soheil");
    desk.wait_until("it rings", |desk| desk.written.contains(&7));
}

#[test]
fn somebody_ignored_is_not_heard_now_and_the_next_time() {
    let server = Server::start(&[]);
    let home = tempfile::tempdir().unwrap();
    let command = join(home.path(), &server, &["--name", "soheil"]);
    let (ali, bob) = (server.join("ali"), server.join("bob"));
    for round in 0..2 {
        let mut desk = Desk::run(&command, 24, 80);
        desk.expect(&[GREETING, "* Here (3): ali, bob, soheil", "> "]);
        if round == 0 {
            bob.say("first");
            desk.expect(&["bob: first", "> "]);
            desk.enter("/ignore Bob");
            desk.expect(&["you: /ignore Bob", "* Bob is ignored from now on.", "> "]);
        }
        bob.say("noise");
        bob.say("/me shouts");
        bob.say("/msg soheil psst");
        ali.say(format!("peace {round}"));
        desk.wait_until("only ali is heard", |desk| {
            let rows = desk.rows();
            let heard = rows.iter().any(|row| *row == format!("ali: peace {round}"));
            assert!(
                !rows
                    .iter()
                    .any(|row| row.contains("noise") || row.contains("psst"))
            );
            heard
        });
        desk.enter("/ignored");
        desk.expect(&["* Ignored: Bob", "> "]);
        if round == 1 {
            desk.enter("/unignore bob");
            desk.expect(&["* bob is heard again.", "> "]);
            bob.say("back");
            desk.expect(&["bob: back", "> "]);
        }
        desk.press("\x04");
        assert_eq!(desk.exit_code(), 0);
    }
}

#[test]
fn the_keys_are_told() {
    let server = Server::start(&[]);
    let home = tempfile::tempdir().unwrap();
    let command = join(home.path(), &server, &["--name", "soheil"]);
    let mut desk = Desk::run(&command, 60, 100);
    desk.expect(&[GREETING, "> "]);
    desk.enter("/help keys");
    desk.wait_until("the keys are listed", |desk| {
        let rows = desk.rows();
        let row = |key: &str| {
            rows.iter()
                .any(|row| row.starts_with(&format!("*   {key}")))
        };
        row("Alt-Enter") && row("Ctrl-_") && row("Tab")
    });
    desk.enter("/help");
    desk.wait_until("the room's commands and the client's are listed", |desk| {
        let rows = desk.rows();
        let row = |command: &str| {
            rows.iter()
                .any(|row| row.starts_with(&format!("*   {command}")))
        };
        row("/ignore NAME") && row("/who")
    });
}
