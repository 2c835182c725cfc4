//! What the client asks of the kernel: one write per redraw, and nothing when nothing happens.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::common::program::tool;
use crate::common::{GREETING, Server, chatroom};
use crate::desk::Desk;

/// Returns `chatroom join` under `strace`, which writes what it sees to `file`.
fn traced(server: &Server, file: &Path, calls: &str) -> Option<Command> {
    let mut command = tool("strace", "strace")?;
    let program = chatroom();
    command.args(["-o", file.to_str().unwrap(), "-e", calls]);
    command.arg(program.get_program());
    command.args(["join", &server.address().to_string(), "--name", "soheil"]);
    Some(command)
}

fn calls(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(str::to_owned).collect()
}

#[test]
fn one_write_per_redraw() {
    let server = Server::start(&[]);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("calls");
    let Some(command) = traced(&server, &file, "trace=write,writev,pwrite64") else {
        return;
    };
    let mut desk = Desk::run(&command, 24, 80);
    desk.expect(&[GREETING, "> "]);
    let ali = server.join("ali");
    let mut typed = "> ".to_owned();
    for key in "hello there".chars() {
        desk.press(&key.to_string());
        typed.push(key);
        desk.expect(&[&typed]);
    }
    // Many lines in one segment are one redraw too.
    ali.send("one\ntwo\nthree\n");
    desk.expect(&["ali: one", "ali: two", "ali: three", "> hello there"]);
    desk.press("\x15");
    desk.expect(&["ali: three", "> "]);
    desk.press("\x04");
    assert_eq!(desk.exit_code(), 0);
    // Only now is everything in the file.
    let calls = calls(&file);
    let at = |text: &str| calls.iter().position(|call| call.contains(text)).unwrap();
    let first = at("J> h\\r> h\"");
    let writes = &calls[first..];
    let last = writes
        .iter()
        .position(|call| call.contains("J> \\r> \""))
        .unwrap();
    let writes = &writes[..=last];
    let terminal = writes[0].split_once(',').unwrap().0;
    assert!(
        writes.iter().all(|call| call.starts_with(terminal)),
        "{writes:#?}"
    );
    // A write for each key; the room may settle three lines in more than one turn.
    let keys = "hello there".len() + 1;
    assert!((keys + 1..=keys + 3).contains(&writes.len()), "{writes:#?}");
}

#[test]
fn an_idle_client_makes_no_system_calls() {
    let server = Server::start(&[]);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("calls");
    let Some(command) = traced(&server, &file, "trace=all") else {
        return;
    };
    let mut desk = Desk::run(&command, 24, 80);
    desk.expect(&[GREETING, "> "]);
    desk.press("x");
    desk.expect(&["> x"]);
    // What followed the last write, and strace's account of it, is over...
    let mut before = 0;
    while before < calls(&file).len() {
        before = calls(&file).len();
        desk.wait(Duration::from_millis(500));
    }
    // ... and then that nothing follows.
    assert!(!desk.wait(Duration::from_secs(2)), "{:?}", desk.look());
    let idle = calls(&file)[before..].to_vec();
    assert_eq!(idle, [""; 0]);
    desk.press("y");
    desk.expect(&["> xy"]);
    assert!(calls(&file).len() > before, "strace sees nothing");
}
