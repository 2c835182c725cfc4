//! Servers of another kind, or of another age.

use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::time::Instant;

use rustix::event::PollFlags;

use crate::common::incoming::{is_ready, write_all};
use crate::common::{GREETING, Incoming, PATIENCE, PROMPT, Program, Server, chatroom};
use crate::desk::Desk;

fn accept(listener: &TcpListener) -> Incoming<TcpStream> {
    let deadline = Instant::now() + PATIENCE;
    assert!(is_ready(listener, PollFlags::IN, deadline), "nobody comes");
    Incoming::new(listener.accept().unwrap().0)
}

fn say(stream: &Incoming<TcpStream>, lines: &[&str]) {
    write_all(stream.source(), (lines.join("\n") + "\n").as_bytes());
}

fn join(listener: &TcpListener, flags: &[&str]) -> Command {
    let mut command = chatroom();
    command
        .arg("join")
        .arg(listener.local_addr().unwrap().to_string());
    command.args(["--name", "soheil"]).args(flags);
    command
}

#[test]
fn an_older_chatroom_is_spoken_to_in_lines_on_the_same_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let serve = || {
        let mut server = accept(&listener);
        say(&server, &[PROMPT]);
        server.expect_line("/json");
        say(&server, &["* That name starts with a slash: /json", PROMPT]);
        server.expect_line("soheil");
        say(&server, &[GREETING, "ali: hi"]);
        server
    };
    let mut desk = Desk::run(&join(&listener, &[]), 24, 80);
    let mut server = serve();
    desk.enter("hello");
    server.expect_line("hello");
    let shown = [
        PROMPT,
        "you: soheil",
        GREETING,
        "ali: hi",
        "you: hello",
        "> ",
    ];
    desk.expect(&shown);
    let mut pipe = Program::start(join(&listener, &[]));
    let mut server = serve();
    pipe.type_text("hello\n");
    server.expect_line("hello");
    for line in [PROMPT, GREETING, "ali: hi"] {
        pipe.screen.expect_line(line);
    }
}

#[test]
fn a_strangers_server_is_connected_to_again_and_spoken_to_in_lines() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let refuse = |mut server: Incoming<TcpStream>| {
        say(&server, &[PROMPT]);
        server.expect_line("/json");
        say(&server, &[GREETING, "eve: hi /json"]);
        assert_eq!(server.next_line(), None);
    };
    let serve = |mut server: Incoming<TcpStream>| {
        say(&server, &[PROMPT]);
        server.expect_line("soheil");
        say(&server, &[GREETING, "eve: hi soheil"]);
        server
    };
    let mut desk = Desk::run(&join(&listener, &[]), 24, 80);
    refuse(accept(&listener));
    let _server = serve(accept(&listener));
    desk.expect(&[PROMPT, "you: soheil", GREETING, "eve: hi soheil", "> "]);
    let mut pipe = Program::start(join(&listener, &[]));
    refuse(accept(&listener));
    let mut server = serve(accept(&listener));
    for line in [PROMPT, GREETING, "eve: hi soheil"] {
        pipe.screen.expect_line(line);
    }
    pipe.type_text("hello\n");
    server.expect_line("hello");
    // Who wants objects gets none here.
    let mut script = Program::start(join(&listener, &["--json"]));
    refuse(accept(&listener));
    assert_eq!(script.wait().code(), Some(1));
    let error = script.errors.next_line().unwrap();
    assert!(error.contains("speaks no JSON"), "{error}");
}

#[test]
fn plain_never_asks_for_objects() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let _pipe = Program::start(join(&listener, &["--plain"]));
    let mut server = accept(&listener);
    say(&server, &[PROMPT]);
    server.expect_line("soheil");
    // Nor is the talk another to somebody who speaks in lines.
    let room = Server::start(&[]);
    let mut command = chatroom();
    command.args([
        "join",
        &room.address().to_string(),
        "--name",
        "ears",
        "--plain",
    ]);
    let mut ears = Program::start(command);
    ears.screen.expect_line(PROMPT);
    ears.screen.expect_line(GREETING);
    room.join("ali").say("hi");
    ears.screen.expect_line("ali: hi");
}

#[test]
fn objects_that_mean_harm_do_none() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut desk = Desk::run(&join(&listener, &[]), 24, 80);
    let mut server = accept(&listener);
    say(&server, &[PROMPT]);
    server.expect_line("/json");
    let hello = r#"{"event":"hello","version":1,"server":"\u001b[2J","boot":"\u001bc","line_bytes":18446744073709551615,"rate":0,"burst":0,"ids":0}"#;
    say(&server, &[hello]);
    server.expect_line(r#"{"name":"soheil"}"#);
    let harm = r"\u001b[2J\u009b1m\u0007\u202e\n\r";
    let name = r#""name":"a\u001b]0;t\u0007\n""#;
    let lines = [
        format!(
            r#"{{"event":"welcome","seq":9,"name":"soheil{harm}","resumed":true,"token":"{harm}"}}"#
        ),
        format!(r#"{{"event":"members","count":9,"names":["{harm}"],"more":7}}"#),
        format!(
            r#"{{"event":"said","seq":18446744073709551615,"time":18446744073709551615,{name},"text":"{harm}"}}"#
        ),
        format!(r#"{{"event":"private","time":0,{name},"text":"{harm}"}}"#),
        format!(r#"{{"event":"notice","code":"{harm}","text":"{harm}"}}"#),
        format!(r#"{{"event":"error","code":"{harm}","text":"{harm}","id":"{harm}"}}"#),
        r#"{"event":"ack","id":"never","seq":1}"#.to_owned(),
        "[".repeat(10_000),
        "\u{1b}[2J".to_owned(),
        "x".repeat(9 * 1024 * 1024),
        r#"{"event":"said","seq":5,"time":7,"name":"ali","text":"done"}"#.to_owned(),
        r#"{"event":"private","time":7,"name":"ali","text":"done"}"#.to_owned(),
    ];
    for line in &lines {
        for chunk in (line.clone() + "\n").as_bytes().chunks(64 * 1024) {
            write_all(server.source(), chunk);
            desk.look();
        }
    }
    desk.wait_until("all is shown", |desk| {
        desk.rows()
            .iter()
            .any(|row| row == "» ali (privately): done")
    });
    let written = String::from_utf8(desk.written.clone()).expect("only text");
    for harm in ["\x1b[2J\x1b[", "\u{9b}", "\u{202e}", "\x1b]"] {
        assert!(!written.contains(harm), "{harm:?}");
    }
    let memory = desk.peak_resident_bytes();
    assert!(memory < 64 * 1024 * 1024, "{memory} bytes");
}
