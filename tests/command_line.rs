//! What is asked for in words that are nearly right, and what an error says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says why it is skipped"
)]

mod common;

use std::process::Command;

use common::{PROMPT, Program, Server, chatroom};

/// Returns what a command that must fail as wrong usage says.
#[track_caller]
fn usage_error(arguments: &[&str]) -> String {
    let output = chatroom().args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// Returns `chatroom COMMAND` with each variable that it knows set to nothing.
fn with_empty_variables(command: &str) -> Command {
    let help = chatroom().args([command, "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let mut chatroom = chatroom();
    chatroom.arg(command);
    let variables: Vec<_> = help
        .split("[env: ")
        .skip(1)
        .filter_map(|rest| rest.split_once('='))
        .collect();
    assert!(variables.len() > 5, "{help}");
    for (name, _) in variables {
        chatroom.env(name, "");
    }
    chatroom
}

#[test]
fn an_empty_variable_is_as_good_as_none() {
    let mut command = with_empty_variables("serve");
    command.args(["--listen", "127.0.0.1:0"]);
    let server = Server::run(command);
    let mut command = with_empty_variables("join");
    command.arg(server.address().to_string());
    let mut person = Program::start(command);
    person.screen.expect_line(PROMPT);
    let mut command = with_empty_variables("trace");
    command.arg("tests/trace/captures/chat_nl_rst.pcap");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_level_that_is_none_is_told_which_there_are() {
    let error = usage_error(&["serve", "--log-level", "loud"]);
    for level in ["off", "error", "warn", "info", "debug", "trace"] {
        assert!(error.contains(level), "{error}");
    }
}

#[test]
fn a_name_or_a_port_is_listened_on() {
    for (listen, address) in [
        ("localhost:0", "127.0.0.1"),
        ("0", "127.0.0.1"),
        (":0", "0.0.0.0"),
    ] {
        let mut command = chatroom();
        command.args(["serve", "--listen", listen]);
        let server = Server::run(command);
        let heard: Vec<_> = server
            .addresses()
            .iter()
            .map(|on| on.ip().to_string())
            .collect();
        assert!(heard.iter().any(|ip| ip == address), "{listen}: {heard:?}");
    }
    let error = usage_error(&["serve", "--listen", "5050:localhost"]);
    assert!(error.contains("such as 127.0.0.1:5050"), "{error}");
}

#[test]
fn the_advice_to_start_a_room_is_a_whole_command() {
    // Bound and not listening: nobody else gets the port meanwhile.
    let nobody = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    nobody.bind(&any.into()).unwrap();
    let address = nobody.local_addr().unwrap().as_socket().unwrap();
    let output = chatroom()
        .args(["join", &address.to_string()])
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    let advice = format!("`chatroom serve --listen {address}`");
    assert!(error.contains(&advice), "{error}");
    drop(nobody);
    let (_, command) = advice.trim_matches('`').split_once(' ').unwrap();
    let mut serve = chatroom();
    serve.args(command.split(' '));
    assert_eq!(Server::run(serve).address(), address);
}
