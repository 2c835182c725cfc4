//! `join --json`: a script that reads the events themselves.

use std::net::SocketAddr;
use std::process::Command;

use serde_json::{Value, json};

use crate::common::{Program, Server, chatroom};
use crate::wire::Wire;

fn join(address: SocketAddr, flags: &[&str]) -> Command {
    let mut command = chatroom();
    command
        .args(["join", "--json", &address.to_string()])
        .args(flags);
    command
}

/// Returns the next event of this kind; those before it are passed over.
#[track_caller]
fn next(script: &mut Program, kind: &str) -> Value {
    loop {
        let line = script.screen.next_line().expect("an event");
        let event: Value = serde_json::from_str(&line).expect(&line);
        if event["event"] == kind {
            return event;
        }
    }
}

#[test]
fn a_script_reads_events_and_writes_lines_or_objects() {
    let server = Server::start(&[]);
    let mut ali = server.join("ali");
    let mut script = Program::start(join(server.address(), &["--name", "bot"]));
    assert_eq!(next(&mut script, "hello")["version"], 1);
    assert_eq!(next(&mut script, "welcome")["name"], "bot");
    assert_eq!(next(&mut script, "members")["names"], json!(["ali", "bot"]));
    script.type_text("a line\n{\"id\":\"x\",\"line\":\"/me waves\"}\n");
    ali.expect("bot: a line");
    ali.expect("* bot waves");
    let ack = next(&mut script, "ack");
    assert_eq!(ack["id"], "x");
    ali.say("hi");
    let said = next(&mut script, "said");
    assert_eq!(
        (&said["name"], &said["text"]),
        (&json!("ali"), &json!("hi"))
    );
    assert!(said["seq"].as_u64() > ack["seq"].as_u64());
    // What comes to nothing is told by an event, too.
    let long = "x".repeat(5000);
    script.type_text(&format!(
        "/msg nobody hi\n{{\"id\":\"y\",\"line\":\"{long}\"}}\n{{\"id\":7}}\n"
    ));
    // The client's own answers don't wait for the server's.
    let mut errors: Vec<_> = (0..3)
        .map(|_| next(&mut script, "error"))
        .map(|error| (error["code"].to_string(), error["id"].clone()))
        .collect();
    errors.sort_by(|one, other| one.0.cmp(&other.0));
    let wanted = [
        ("\"bad-request\"", Value::Null),
        ("\"line-too-long\"", json!("y")),
        ("\"nobody-called\"", Value::Null),
    ];
    assert_eq!(errors, wanted.map(|(code, id)| (code.to_owned(), id)));
    script.end_input();
    assert_eq!(script.wait().code(), Some(0));
    assert_eq!(script.errors.next_line(), None);
    ali.expect("bot has left the chatroom!");
}

#[test]
fn a_script_gives_its_name_itself_and_may_try_again() {
    let server = Server::start(&[]);
    let _ali = server.join("ali");
    let mut script = Program::start(join(server.address(), &[]));
    script.type_text("{\"name\":\"ali\"}\n");
    assert_eq!(next(&mut script, "error")["code"], "name-taken");
    script.type_text("bot\n");
    assert_eq!(next(&mut script, "welcome")["name"], "bot");
    script.end_input();
    assert_eq!(script.wait().code(), Some(0));
    let mut named = Program::start(join(server.address(), &["--name", "ali"]));
    assert_eq!(named.wait().code(), Some(3));
}

#[test]
fn a_script_comes_back_and_goes_on_where_it_was() {
    let server = Server::start(&[]);
    let wire = Wire::to(server.address());
    let mut ali = server.join("ali");
    let mut script = Program::start(join(wire.address(), &["--name", "bot"]));
    next(&mut script, "members");
    wire.cut();
    ali.expect("bot has left the chatroom!");
    ali.say("missed");
    // Read only when it is back.
    script.type_text("{\"id\":\"1\",\"line\":\"back\"}\n");
    wire.mend();
    assert_eq!(next(&mut script, "welcome")["resumed"], true);
    assert_eq!(next(&mut script, "said")["text"], "missed");
    assert_eq!(next(&mut script, "ack")["id"], "1");
    ali.expect("bot: back");
    drop(server);
    let mut script = Program::start(join(wire.address(), &["--name", "bot", "--no-reconnect"]));
    assert_eq!(script.wait().code(), Some(1));
}
