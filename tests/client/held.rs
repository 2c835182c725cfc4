//! Coming back to a name that somebody else has by now.

use std::net::SocketAddr;

use crate::common::{GREETING, Peer, Server, chatroom};
use crate::desk::Desk;

/// How often the name is found held: more often than the client once cared to try.
const TRIES: usize = 8;

/// Starts a server where one was before, with somebody called soheil in it.
fn start_again(address: SocketAddr) -> (Server, Peer) {
    let mut command = chatroom();
    command.args(["serve", "--listen", &address.to_string()]);
    command.args(["--log-level", "debug"]);
    let server = Server::run(command);
    let squatter = server.join("soheil");
    (server, squatter)
}

/// Returns a room started again, where soheil comes back to and finds the name held.
fn held() -> (Server, Peer, Desk) {
    let server = Server::start(&[]);
    let address = server.address();
    let mut desk = Desk::join(address, &["--name", "soheil"]);
    desk.expect(&[GREETING, "> "]);
    drop(server);
    desk.wait_until("it is offline", |desk| {
        desk.rows().last().unwrap().starts_with("(offline")
    });
    let (mut server, squatter) = start_again(address);
    for _ in 0..TRIES {
        desk.press("\r");
        server.expect_log("a name is refused: That name is taken: soheil");
        desk.wait_until("it says so", |desk| {
            desk.rows()
                .last()
                .unwrap()
                .starts_with("(the name is held, next try in ")
        });
    }
    desk.enter("still here");
    let told = "* That name is taken: soheil. It is tried again";
    let rows = desk.rows();
    let times = rows.iter().filter(|row| row.starts_with(told)).count();
    assert_eq!(times, 1, "told once: {rows:?}");
    (server, squatter, desk)
}

#[test]
fn a_name_held_after_a_restart_is_tried_until_it_is_free() {
    let (mut server, squatter, mut desk) = held();
    drop(squatter);
    server.expect_log("soheil has left the chatroom!");
    desk.press("\r");
    server.expect_log("soheil said still here");
    desk.wait_until("it is back", |desk| {
        let rows = desk.rows();
        rows.iter()
            .any(|row| row.starts_with("* Back in the room as soheil"))
            && rows.ends_with(&["you: still here", "> "].map(str::to_owned))
    });
}

#[test]
fn instead_of_a_name_that_is_held_another_can_be_typed() {
    let (mut server, _squatter, mut desk) = held();
    desk.enter("/nick zed");
    server.expect_log("zed said still here");
    desk.wait_until("it is back", |desk| {
        let rows = desk.rows();
        rows.iter()
            .any(|row| row.starts_with("* Back in the room as zed"))
            && rows.contains(&"you: still here".to_owned())
    });
}
