//! Getting there, and getting back.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::common::program::tool;
use crate::common::{GREETING, PATIENCE, PROMPT, Server, Signal, chatroom};
use crate::desk::Desk;

/// Returns a listener whose queue is full: who connects gets no answer.
fn silent_listener() -> (Socket, Vec<TcpStream>) {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener
        .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
        .unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let mut queue = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        queue.push(stream);
        assert!(queue.len() < 100, "the queue never gets full");
    }
    (listener, queue)
}

#[test]
fn connecting_is_told_while_it_takes_its_time() {
    let (listener, _queue) = silent_listener();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let mut desk = Desk::join(address, &["--name", "soheil"]);
    desk.expect(&[&format!("connecting to {address} ...")]);
    desk.signal(Signal::INT);
    desk.wait_until("it ends", |desk| {
        desk.rows().iter().any(|row| row.ends_with("left with 130"))
    });
}

/// Returns what the prompt says of the time until the next try, in seconds.
fn countdown(desk: &Desk) -> Option<u64> {
    let rows = desk.rows();
    let rest = rows.last()?.strip_prefix("(offline, next try in ")?;
    rest.split_once(' ')?.0.parse().ok()
}

#[test]
fn the_prompt_counts_down_and_enter_tries_now() {
    let server = Server::start(&[]);
    let address = server.address();
    let mut desk = Desk::join(address, &["--name", "soheil"]);
    desk.expect(&[GREETING, "> "]);
    drop(server);
    // After some tries the pauses are long.
    desk.wait_until("a long pause", |desk| countdown(desk) >= Some(4));
    let first = countdown(&desk).unwrap();
    desk.wait_until("it counts", |desk| {
        countdown(desk).is_some_and(|left| left < first)
    });
    let left = countdown(&desk).unwrap();
    let _server = Server::run({
        let mut command = chatroom();
        command.args(["serve", "--listen", &address.to_string()]);
        command
    });
    let pressed = Instant::now();
    desk.press("\r");
    desk.wait_until("it is back", |desk| {
        desk.rows()
            .iter()
            .any(|row| row.starts_with("* Back in the room as soheil"))
    });
    let took = pressed.elapsed();
    assert!(took < Duration::from_secs(left - 1), "{took:?} of {left} s");
    desk.wait_until("all is as before", |desk| {
        desk.rows().last().unwrap() == "> "
    });
}

#[test]
fn left_at_the_name_prompt_it_waits_for_a_key() {
    let mut server = Server::start(&["--name-timeout", "1"]);
    let mut desk = Desk::join(server.address(), &[]);
    desk.wait_until("it waits", |desk| {
        desk.rows().last().unwrap() == "(offline until you press a key) > "
    });
    let rows = desk.rows();
    assert!(
        rows[rows.len() - 2].ends_with("Press a key to come back."),
        "{rows:?}"
    );
    assert!(!desk.wait(Duration::from_secs(3)), "{:?}", desk.look());
    desk.press("so");
    desk.wait_until("it is asked again", |desk| {
        let rows = desk.rows();
        rows.ends_with(&[PROMPT.to_owned(), "> so".to_owned()])
    });
    desk.enter("heil");
    desk.expect(&[GREETING, "> "]);
    server.expect_log("soheil is joined to the chatroom!");
}

#[test]
fn a_server_that_moved_is_found_by_its_name() {
    let Some(mut unshare) = tool("unshare", "util-linux") else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let hosts = directory.path().join("hosts");
    std::fs::write(&hosts, "127.0.0.1 room.test\n").unwrap();
    // The client sees another /etc/hosts than everybody else.
    let script = r#"mount --bind "$0" /etc/hosts && exec "$@""#;
    unshare.args(["--map-root-user", "--mount", "sh", "-c", script]);
    unshare.arg(&hosts);
    let mut allowed = std::process::Command::new(unshare.get_program());
    allowed.args(unshare.get_args()).arg("true");
    if !allowed.status().is_ok_and(|status| status.success()) {
        println!("skipped: no mount namespace for us");
        return;
    }
    let server = Server::start(&[]);
    let port = server.address().port();
    let client = chatroom();
    unshare.arg(client.get_program());
    unshare.args(["join", &format!("room.test:{port}"), "--name", "soheil"]);
    let mut desk = Desk::run(&unshare, 24, 80);
    desk.expect(&[GREETING, "> "]);
    drop(server);
    std::fs::write(&hosts, "127.0.0.2 room.test\n").unwrap();
    let mut command = chatroom();
    command.args(["serve", "--listen", &format!("127.0.0.2:{port}")]);
    let mut server = Server::run(command);
    server.expect_log("soheil is joined to the chatroom!");
    desk.enter("here I am");
    server.expect_log("soheil said here I am");
}

#[test]
fn a_name_server_that_does_not_answer_holds_nobody() {
    // Not a name that anybody could find.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut command = chatroom();
    command.args(["join", &format!("room.invalid:{port}"), "--name", "soheil"]);
    let mut desk = Desk::run(&command, 24, 80);
    let started = Instant::now();
    let code = desk.exit_code();
    assert_eq!(code, 1);
    assert!(started.elapsed() < PATIENCE);
    desk.wait_until("it says so", |desk| {
        desk.rows()
            .iter()
            .any(|row| row.contains("can't find the host"))
    });
}
