//! The real server and a real NATS server.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener};

use rustix::process::{Pid, Signal, kill_process};

use crate::common::{Program, Server, chatroom};
use crate::nats_server::{Nats, PATIENCE};

/// Starts a server that can't, and returns what it says.
#[track_caller]
fn fails(flags: &[&str]) -> String {
    fault_of(start(flags))
}

fn start(flags: &[&str]) -> Program {
    let mut command = chatroom();
    command
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--backplane-timeout",
            "2",
        ])
        .args(flags);
    Program::start(command)
}

#[track_caller]
fn fault_of(mut program: Program) -> String {
    assert_eq!(program.wait().code(), Some(1));
    program.errors.read_to_end();
    program.errors.next_line().unwrap_or_default()
}

#[test]
fn a_start_without_what_it_needs_says_so() {
    let Some(nats) = Nats::start_with(&["-js", "--user", "room", "--pass", "secret"], "") else {
        return;
    };
    let error = fails(&["--backplane", &nats.url()]);
    assert!(
        error.contains("doesn't let us in: Authorization Violation"),
        "{error}"
    );
    let file = nats.path().join("password");
    fs::write(&file, "secret\n").unwrap();
    let user = [
        "--backplane-user",
        "room",
        "--backplane-password-file",
        file.to_str().unwrap(),
    ];
    let error = fails(&[&["--backplane", &nats.url(), "--replicas", "3"], &user[..]].concat());
    assert!(error.contains("replicas > 1 not supported"), "{error}");
    let error = fails(&["--backplane", "nats://127.0.0.1:1"]);
    assert!(
        error.contains("refused") && error.contains("(within 2 s)"),
        "{error}"
    );
    let error = fails(&[
        "--backplane",
        &nats.url(),
        "--backplane-creds",
        "/nonexistent/creds",
    ]);
    assert!(
        error.contains("can't read the secret in /nonexistent/creds"),
        "{error}"
    );
    let mut server = Server::start(&[&["--backplane", &nats.url()], &user[..]].concat());
    server.join("ali");
    server.stop();
}

#[test]
fn a_start_waits_for_a_server_that_stands_still() {
    let Some(nats) = Nats::start() else { return };
    nats.signal(Signal::STOP);
    let error = fails(&["--backplane", &nats.url()]);
    assert!(error.contains("(within 2 s)"), "{error}");
    nats.signal(Signal::CONT);
}

#[test]
fn an_end_that_comes_with_the_last_words_is_seen() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let program = start(&[
        "--backplane",
        &format!("nats://{}", listener.local_addr().unwrap()),
    ]);
    let signal = |signal| {
        let id = program.id().try_into().unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    };
    let (mut nats, _) = listener.accept().unwrap();
    nats.set_read_timeout(Some(PATIENCE)).unwrap();
    nats.write_all(b"INFO {\"headers\":true,\"max_payload\":1048576}\r\n")
        .unwrap();
    let mut heard = BufReader::new(nats.try_clone().unwrap()).lines();
    while heard.next().unwrap().unwrap() != "PING" {}
    // Both are there before it looks.
    signal(Signal::STOP);
    nats.write_all(b"PING\r\n").unwrap();
    nats.shutdown(Shutdown::Write).unwrap();
    signal(Signal::CONT);
    let error = fault_of(program);
    assert!(error.contains("has closed the connection"), "{error}");
}

#[test]
fn the_sandbox_lets_a_server_connect_again_and_nowhere_else() {
    let Some(mut nats) = Nats::start() else {
        return;
    };
    let mut server = Server::start(&["--backplane", &nats.url()]);
    let port = nats.port.to_string();
    let holds = server
        .texts()
        .iter()
        .find(|text| text.starts_with("sandbox: "))
        .unwrap();
    assert!(
        holds.contains(&format!("no connections but to port {port}")),
        "{holds}"
    );
    for _ in 0..2 {
        nats.kill();
        server.expect_log_with(|text| {
            text.contains("has closed the connection") || text.contains("reset")
        });
        nats.restart();
        server.expect_log_with(|text| text.contains("the backplane is up"));
    }
    server.stop();
}

#[test]
fn tls_is_spoken_with_whom_an_authority_vouches_for() {
    let directory = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("cert.pem"), made.cert.pem()).unwrap();
    fs::write(path("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let (certificate, key) = (path("cert.pem"), path("key.pem"));
    let tls = ["-js", "--tls", "--tlscert", &certificate, "--tlskey", &key];
    let Some(mut nats) = Nats::start_with(&tls, "") else {
        return;
    };
    for scheme in ["tls", "nats"] {
        let url = format!("{scheme}://127.0.0.1:{}", nats.port);
        let mut server = Server::start(&["--backplane", &url, "--backplane-ca", &certificate]);
        nats.kill();
        server
            .expect_log_with(|text| text.starts_with("the backplane ") && !text.contains("is up"));
        nats.restart();
        server.expect_log_with(|text| text.contains("the backplane is up"));
        server.stop();
    }
    let other = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    fs::write(path("other.pem"), other.cert.pem()).unwrap();
    let url = format!("tls://127.0.0.1:{}", nats.port);
    let error = fails(&["--backplane", &url, "--backplane-ca", &path("other.pem")]);
    assert!(error.contains("TLS: invalid peer certificate"), "{error}");
    let Some(plain) = Nats::start() else { return };
    let url = format!("tls://127.0.0.1:{}", plain.port);
    let error = fails(&["--backplane", &url, "--backplane-ca", &certificate]);
    assert!(error.contains("doesn't speak TLS"), "{error}");
}
