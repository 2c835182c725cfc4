//! The reference session of three people, played against the real binary: by raw sockets, by real
//! `nc` and by `chatroom join`; every screen and the server's log are compared byte for byte.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says why it is skipped"
)]

mod common;

use std::process::Command;

use common::{GREETING, PROMPT, Peer, Program, RUNNING, Server, chatroom, program, reference};

/// Where a person sits: something to type on and a screen.
trait Seat {
    /// Types `line` and presses enter.
    fn enter(&mut self, line: &str);
    /// Waits for the screen's next line, which must be `line`.
    fn expect(&mut self, line: &str);
    /// Ends the input, waits for the end and returns all that the screen ever showed.
    fn leave(&mut self) -> Vec<u8>;
}

impl Seat for Peer {
    fn enter(&mut self, line: &str) {
        self.say(line);
    }

    fn expect(&mut self, line: &str) {
        Self::expect(self, line);
    }

    fn leave(&mut self) -> Vec<u8> {
        self.finish()
    }
}

impl Seat for Program {
    fn enter(&mut self, line: &str) {
        self.type_text(&format!("{line}\n"));
    }

    fn expect(&mut self, line: &str) {
        self.screen.expect_line(line);
    }

    fn leave(&mut self) -> Vec<u8> {
        self.end_input();
        let status = self.wait();
        assert!(status.success(), "{status}");
        self.screen.read_to_end().to_vec()
    }
}

/// Plays the session with each person at a seat that `sit` makes.
fn play<S: Seat>(sit: impl FnMut(&Server) -> S) {
    play_at(Server::start(&[]), sit);
}

/// The same at a server that has been started.
fn play_at<S: Seat>(mut server: Server, mut sit: impl FnMut(&Server) -> S) {
    let mut seats: Vec<(&str, S)> = Vec::new();
    for text in reference::TALK.lines() {
        if let Some(name) = text.strip_suffix(" is joined to the chatroom!") {
            let mut seat = sit(&server);
            seat.expect(PROMPT);
            seat.enter(name);
            seat.expect(GREETING);
            seats.push((name, seat));
        } else if let Some(name) = text.strip_suffix(" has left the chatroom!") {
            let place = seats.iter().position(|seat| seat.0 == name).unwrap();
            let screen = seats.remove(place).1.leave();
            let wanted = reference::screen(name);
            assert_eq!(
                String::from_utf8(screen).unwrap(),
                wanted,
                "{name}'s screen"
            );
            for (_, seat) in &mut seats {
                seat.expect(text);
            }
        } else {
            let (name, said) = text.split_once(" said ").unwrap();
            for (who, seat) in &mut seats {
                if *who == name {
                    seat.enter(said);
                }
            }
            let line = format!("{name}: {said}");
            for (who, seat) in &mut seats {
                if *who != name {
                    seat.expect(&line);
                }
            }
        }
        server.expect_log(text);
    }
    assert!(seats.is_empty(), "everybody left");
    compare_console(&mut server);
}

/// Compares the log, from the line that says the server runs, with that of the session.
fn compare_console(server: &mut Server) {
    let texts = server.texts();
    let start = texts.iter().position(|text| text == RUNNING).unwrap();
    let shown: String = texts[start..]
        .iter()
        // Some programs end without saying so to TLS; everybody is told that they have left.
        .filter(|text| !text.ends_with(" is cut off: connection broken"))
        .flat_map(|text| [text, "\n"])
        .collect();
    let console = format!("{RUNNING}\n{}", reference::TALK);
    assert_eq!(shown, console, "the server's console");
    let length = texts.len();
    let more = &server.stop()[length..];
    assert!(
        !more.iter().any(|text| text.contains("chatroom!")),
        "after everybody left: {more:?}"
    );
}

#[test]
fn the_reference_session_over_raw_sockets() {
    play(Server::connect);
}

#[test]
fn the_reference_session_over_nc() {
    if program::tool("nc.openbsd", "netcat-openbsd").is_none() {
        return;
    }
    play(|server| Program::start(program::nc(server.address()).unwrap()));
}

#[test]
fn the_reference_session_over_chatroom_join() {
    play(|server| {
        let mut command = chatroom();
        command.arg("join").arg(server.address().to_string());
        Program::start(command)
    });
}

/// Returns a program's command that brings TLS to `server`, with its package's name.
type Tunnel = fn(&Server) -> Option<Command>;

fn openssl(server: &Server) -> Option<Command> {
    let mut command = program::tool("openssl", "openssl")?;
    command.args(["s_client", "-quiet", "-no_ign_eof", "-connect"]);
    command.arg(server.tls_address().to_string());
    Some(command)
}

fn ncat(server: &Server) -> Option<Command> {
    let mut command = program::tool("ncat", "ncat")?;
    let address = server.tls_address();
    command.args([
        "--ssl",
        &address.ip().to_string(),
        &address.port().to_string(),
    ]);
    Some(command)
}

fn socat(server: &Server) -> Option<Command> {
    let mut command = program::tool("socat", "socat")?;
    command.args(["-", &format!("OPENSSL:{},verify=0", server.tls_address())]);
    Some(command)
}

fn gnutls(server: &Server) -> Option<Command> {
    let mut command = program::tool("gnutls-cli", "gnutls-bin")?;
    let address = server.tls_address();
    command.args(["--insecure", "--logfile", "/dev/null", "--port"]);
    command.args([address.port().to_string(), address.ip().to_string()]);
    Some(command)
}

fn nc(server: &Server) -> Option<Command> {
    program::nc(server.address())
}

/// Plays the session with the persons at these programs in turn.
fn play_over(programs: &[Tunnel]) {
    let directory = tempfile::tempdir().unwrap();
    let tls = ["--listen", "tls://127.0.0.1:0", "--tls-dir"];
    let path = directory.path().to_str().unwrap();
    let server = Server::start(&[&tls[..], &[path]].concat());
    if programs.iter().any(|program| program(&server).is_none()) {
        return;
    }
    let mut programs = programs.iter().cycle();
    play_at(server, |server| {
        let program = programs.next().unwrap();
        Program::start(program(server).unwrap())
    });
}

#[test]
fn the_reference_session_over_tls_by_openssl() {
    play_over(&[openssl]);
}

#[test]
fn the_reference_session_over_tls_by_ncat() {
    play_over(&[ncat]);
}

#[test]
fn the_reference_session_over_tls_by_socat() {
    play_over(&[socat]);
}

#[test]
fn the_reference_session_over_tls_by_gnutls() {
    play_over(&[gnutls]);
}

#[test]
fn the_reference_session_with_and_without_tls_in_one_room() {
    play_over(&[nc, openssl, gnutls]);
    play_over(&[socat, nc, ncat]);
}

#[test]
fn the_reference_session_over_tls_by_chatroom_join() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let server = Server::start(&["--listen", "tls://127.0.0.1:0", "--tls-dir", path]);
    let mut texts = server.texts().iter();
    let pin = texts
        .find_map(|text| text.strip_prefix("the certificate's SHA-256: "))
        .unwrap()
        .to_owned();
    play_at(server, |server| {
        let mut command = chatroom();
        command.args(["join", "--pin", &pin]);
        command.arg(format!("tls://{}", server.tls_address()));
        Program::start(command)
    });
}
