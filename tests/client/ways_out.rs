//! Leaving, being left, and what the terminal is like then.

use std::net::SocketAddr;

use rustix::termios::{LocalModes, Termios};

use crate::common::{GREETING, PROMPT, Server, Signal, chatroom};
use crate::desk::Desk;

/// Everything a shell would miss if it were not restored.
fn modes(modes: &Termios) -> impl PartialEq + std::fmt::Debug + use<> {
    (
        modes.input_modes,
        modes.output_modes,
        modes.control_modes,
        modes.local_modes,
        format!("{:?}", modes.special_codes),
    )
}

/// Asserts that the client ended with `code` and left the terminal as it found it.
#[track_caller]
fn assert_left(desk: &mut Desk, code: u8) {
    assert_eq!(desk.exit_code(), code);
    assert_eq!(modes(&desk.modes()), modes(&desk.modes_before));
    assert!(!desk.screen().bracketed_paste(), "pastes are marked still");
    assert!(
        desk.written.ends_with(b"\n"),
        "the shell starts on a line of its own"
    );
}

fn sit_down(address: SocketAddr, flags: &[&str]) -> Desk {
    let mut desk = Desk::join(address, &[&["--name", "soheil"], flags].concat());
    desk.expect_row(GREETING);
    let raw = desk.modes();
    assert!(
        !raw.local_modes
            .contains(LocalModes::ECHO | LocalModes::ICANON)
    );
    assert!(desk.screen().bracketed_paste());
    desk
}

#[test]
fn every_way_out_restores_the_terminal() {
    let server = Server::start(&[]);
    for (keys, code) in [
        ("\x04", 0),
        ("\x03\x03", 0),
        ("text\x03\x04", 0),
        ("/quit\r", 0),
    ] {
        let mut desk = sit_down(server.address(), &[]);
        desk.press(keys);
        assert_left(&mut desk, code);
    }
    for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT] {
        let mut desk = sit_down(server.address(), &[]);
        desk.press("half a line");
        desk.expect(&["> half a line"]);
        desk.signal(signal);
        assert_left(&mut desk, 128 + u8::try_from(signal.as_raw()).unwrap());
        desk.expect_row("not sent: half a line");
    }
}

#[test]
fn a_server_that_goes_away_for_good_restores_the_terminal() {
    let mut server = Server::start(&[]);
    let mut desk = sit_down(server.address(), &["--no-reconnect"]);
    server.stop();
    assert_left(&mut desk, 1);
    let lost = "is lost (the server closed it)";
    assert!(
        desk.rows().iter().any(|row| row.ends_with(lost)),
        "{:?}",
        desk.rows()
    );
}

#[test]
fn suspending_gives_the_shell_its_terminal_and_comes_back_whole() {
    let server = Server::start(&[]);
    let ali = server.join("ali");
    let mut desk = Desk::join_from_a_shell(&server);
    desk.press("half a li");
    desk.expect(&["> half a li"]);
    for round in 0..3 {
        desk.press("\x1a");
        desk.wait_until("the shell tells that it stopped", |desk| {
            let rows = desk.rows();
            rows.iter().any(|row| row.contains("Stopped")) && rows.last().unwrap() == "$ "
        });
        assert!(!desk.screen().bracketed_paste());
        assert_eq!(
            modes(&desk.modes()),
            modes(&desk.modes_before),
            "round {round}"
        );
        ali.say(format!("round {round}"));
        desk.enter("clear; fg");
        desk.expect(&[&format!("ali: round {round}"), "> half a li"]);
        assert!(desk.screen().bracketed_paste());
    }
    desk.press("ne\r");
    desk.expect(&["you: half a line", "> "]);
    desk.press("\x04");
    desk.expect(&["$ "]);
    assert_eq!(modes(&desk.modes()), modes(&desk.modes_before));
}

#[test]
fn a_stop_from_outside_is_overcome_too() {
    let server = Server::start(&[]);
    let ali = server.join("ali");
    let mut desk = sit_down(server.address(), &[]);
    desk.press("typing");
    desk.expect(&["> typing"]);
    desk.signal(Signal::STOP);
    ali.say("while stopped");
    desk.signal(Signal::CONT);
    desk.expect(&["ali: while stopped", "> typing"]);
}

#[test]
fn a_lost_server_is_waited_for_and_lines_wait_too() {
    let server = Server::start(&[]);
    let address = server.address();
    let mut desk = sit_down(address, &[]);
    desk.enter("/nick zed");
    desk.expect(&["* You are now known as zed.", "> "]);
    // Killed: no word of farewell.
    drop(server);
    desk.wait_until("it says so", |desk| {
        desk.rows().last().unwrap().starts_with("(offline")
    });
    for line in ["one", "two", "three", "four", "five"] {
        desk.enter(line);
    }
    desk.press("half");
    let waiting = [
        "waiting: one",
        "waiting: two",
        "waiting: three",
        "waiting: 2 more",
    ];
    desk.wait_until("what waits is shown", |desk| {
        let rows = desk.rows();
        let (last, above) = rows.split_last().unwrap();
        above.ends_with(&waiting.map(str::to_owned))
            && (last.starts_with("(offline") || last.starts_with("(connecting"))
            && last.ends_with("> half")
    });
    let server = start_at(address);
    desk.wait_until("it is back and sent what waited", |desk| {
        let rows = desk.rows();
        let back = rows
            .iter()
            .position(|row| row.starts_with("* Back in the room as zed"));
        let back = back.map(|at| &rows[at..]);
        let sent = |rows: &[String]| {
            let own: Vec<_> = rows
                .iter()
                .filter_map(|row| row.strip_prefix("you: "))
                .collect();
            own == ["one", "two", "three", "four", "five"]
        };
        back.is_some_and(sent) && rows.last().unwrap() == "> half"
    });
    let mut server = server;
    for line in ["one", "two", "three", "four", "five"] {
        server.expect_log(&format!("zed said {line}"));
    }
}

#[test]
fn coming_back_tries_the_same_name_again() {
    let server = Server::start(&[]);
    let address = server.address();
    let mut desk = sit_down(address, &[]);
    drop(server);
    desk.wait_until("it says so", |desk| {
        desk.rows().last().unwrap().starts_with("(offline")
    });
    let mut server = start_at(address);
    let squatter = server.join("soheil");
    // Refused at least once by now: the next try finds the name free.
    let mut watcher = server.join("ali");
    drop(squatter);
    watcher.expect("soheil has left the chatroom!");
    desk.enter("hello again");
    watcher.expect("soheil: hello again");
    server.expect_log("soheil said hello again");
}

#[test]
fn leaving_with_lines_that_wait_says_so() {
    let server = Server::start(&[]);
    let mut desk = sit_down(server.address(), &[]);
    drop(server);
    desk.wait_until("it says so", |desk| {
        desk.rows().last().unwrap().starts_with("(offline")
    });
    desk.press("precious\r\x04");
    assert_left(&mut desk, 1);
    desk.expect_row("not sent: precious");
}

#[test]
fn a_taken_name_is_answered_by_the_person() {
    let server = Server::start(&[]);
    let _other = server.join("soheil");
    let mut desk = Desk::join(server.address(), &["--name", "soheil"]);
    desk.expect(&[
        PROMPT,
        "you: soheil",
        "* That name is taken: soheil",
        PROMPT,
        "> ",
    ]);
    desk.enter("zed");
    let here = "* Here (2): soheil, zed";
    desk.expect(&[PROMPT, "you: zed", GREETING, here, "> "]);
}

/// Starts a server where one was before.
fn start_at(address: SocketAddr) -> Server {
    let mut command = chatroom();
    command.args(["serve", "--listen", &address.to_string()]);
    Server::run(command)
}
