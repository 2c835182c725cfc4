//! `chatroom join`: from a pipe and from a file, against a server that is gone and one that lies.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says why it is skipped"
)]

mod common;

use std::fmt::Display;
use std::fs::File;
use std::io::{Seek, Write};
use std::net::{Shutdown, SocketAddr, TcpListener};
use std::process::{Command, Stdio};

use common::{GREETING, PROMPT, Program, Server, chatroom};
use socket2::{Domain, Socket, Type};

/// Returns `chatroom join SERVER`.
fn join(server: impl Display) -> Command {
    let mut command = chatroom();
    command.arg("join").arg(format!("{server}"));
    command
}

/// Returns a file with `text` in it as a standard input.
fn file_of(text: &str) -> Stdio {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.rewind().unwrap();
    Stdio::from(file)
}

/// Waits until `program` failed with one line on standard error, which it returns.
#[track_caller]
fn failure(program: &mut Program) -> String {
    assert_eq!(program.wait().code(), Some(1));
    program.errors.read_to_end();
    let message = program.errors.next_line().expect("a message");
    assert!(message.starts_with("chatroom: "), "{message}");
    assert_eq!(program.errors.next_line(), None, "one line");
    message
}

#[test]
fn a_file_as_standard_input_is_sent_whole() {
    const LINES: usize = 2000;
    let server = Server::start(&["--rate", "0"]);
    let mut ali = server.join("ali");
    let text = "x".repeat(1000);
    let mut lines = vec!["person".to_owned()];
    lines.extend((0..LINES).map(|number| format!("{number} {text}")));
    lines.push("last, without a line end".to_owned());
    let mut person = Program::start_with(join(server.address()), file_of(&lines.join("\n")));
    for number in 0..LINES {
        ali.expect(&format!("person: {number} {text}"));
    }
    ali.expect("person: last, without a line end");
    ali.expect("person has left the chatroom!");
    assert_eq!(person.wait().code(), Some(0));
    let screen = person.screen.read_to_end();
    assert_eq!(screen, format!("{PROMPT}\n{GREETING}\n").into_bytes());
}

#[test]
fn an_empty_input_leaves_at_once() {
    let server = Server::start(&[]);
    let nothing = File::open("/dev/null").unwrap();
    let mut person = Program::start_with(join(server.address()), Stdio::from(nothing));
    assert_eq!(person.wait().code(), Some(0));
}

#[test]
fn a_name_given_by_flag_or_environment_answers_the_prompt() {
    let server = Server::start(&[]);
    let mut ali = server.join("ali");
    let mut by_flag = join(server.address());
    by_flag.args(["--name", "سهیل"]);
    let mut by_environment = chatroom();
    by_environment
        .arg("join")
        .env("CHATROOM_SERVER", server.address().to_string())
        .env("CHATROOM_NAME", "hasan");
    for (command, name) in [(by_flag, "سهیل"), (by_environment, "hasan")] {
        let mut person = Program::start(command);
        person.screen.expect_line(PROMPT);
        person.screen.expect_line(GREETING);
        person.type_text("hello\n");
        ali.expect(&format!("{name}: hello"));
        person.end_input();
        ali.expect(&format!("{name} has left the chatroom!"));
        assert_eq!(person.wait().code(), Some(0));
    }
}

#[test]
fn a_piped_line_never_becomes_the_name_when_the_name_given_is_refused() {
    let server = Server::start(&["--announce-joins"]);
    let mut ali = server.join("ali");
    let mut command = join(server.address());
    command.args(["--name", "ALI"]);
    let mut person = Program::start_with(command, file_of("hello\nby the way\n"));
    assert!(!person.wait().success());
    let message = String::from_utf8(person.errors.read_to_end().to_vec()).unwrap();
    assert!(message.contains("ALI"), "{message}");
    // The first to be heard of is who comes now.
    server.join("hasan");
    ali.expect("hasan is joined to the chatroom!");
}

#[test]
fn host_names_resolve() {
    let server = Server::start(&[]);
    let address = format!("localhost:{}", server.address().port());
    let mut person = Program::start(join(address));
    person.screen.expect_line(PROMPT);
    person.end_input();
    assert_eq!(person.wait().code(), Some(0));
}

#[test]
fn a_server_that_goes_away_is_a_failure_with_a_message() {
    let mut server = Server::start(&[]);
    let mut command = join(server.address());
    command.args(["--name", "ali"]);
    let mut person = Program::start(command);
    person.screen.expect_line(PROMPT);
    person.screen.expect_line(GREETING);
    server.stop();
    person.screen.expect_line(common::CLOSING);
    failure(&mut person);
}

#[test]
fn a_server_that_is_not_there_is_a_failure_that_names_it() {
    // Bound and not listening: nobody else gets the port meanwhile.
    let nobody = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    nobody
        .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
        .unwrap();
    let address = nobody.local_addr().unwrap().as_socket().unwrap();
    let address = address.to_string();
    let message = failure(&mut Program::start(join(&address)));
    assert!(message.contains(&address), "{message}");
}

#[test]
fn what_a_server_sends_is_made_safe_for_the_terminal() {
    let liar = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut person = Program::start(join(liar.local_addr().unwrap()));
    let (mut socket, _) = liar.accept().unwrap();
    socket
        .write_all(
            "\u{1b}]0;title\u{7}\n\u{9b}2J\u{202e}\nali: a\rbob: b\nسلام می\u{200c}خواهم\tx\n"
                .as_bytes(),
        )
        .unwrap();
    socket.write_all(b"\xff\xfb\x01\x80raw\n").unwrap();
    person.screen.expect_line("\u{fffd}]0;title\u{fffd}");
    person.screen.expect_line("\u{fffd}2J\u{fffd}");
    person.screen.expect_line("ali: a\u{fffd}bob: b");
    person.screen.expect_line("سلام می\u{200c}خواهم\tx");
    let raw = person.screen.next_line().unwrap();
    assert!(raw.ends_with("\u{fffd}raw"), "{raw:?}");
    assert!(!raw.chars().any(char::is_control), "{raw:?}");
    socket.shutdown(Shutdown::Write).unwrap();
    failure(&mut person);
}
