//! Socket files, and proxies in front.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};

use super::common::incoming::Incoming;
use super::common::{GREETING, PROMPT, Peer, Server, chatroom, program};
use super::person::{Person, config, serve};

/// Starts a server at a socket file, and returns the file's address as it is given.
fn at_a_file(directory: &tempfile::TempDir, flags: &[&str]) -> (Server, String) {
    let path = directory.path().join("room.sock");
    let endpoint = format!("unix:{}", path.display());
    let flags: Vec<&str> = ["--listen", &endpoint]
        .iter()
        .chain(flags)
        .copied()
        .collect();
    (Server::start(&flags), path.to_str().unwrap().to_owned())
}

#[test]
fn people_meet_through_a_socket_file() {
    let directory = tempfile::tempdir().unwrap();
    let (mut server, path) = at_a_file(&directory, &["--socket-mode", "600"]);
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut ali = server.join("ali");
    let mut bob = Incoming::new(UnixStream::connect(&path).unwrap());
    bob.expect_line(PROMPT);
    bob.source().write_all(b"bob\nhello\n").unwrap();
    bob.expect_line(GREETING);
    ali.expect("bob: hello");
    ali.say("hi");
    bob.expect_line("ali: hi");
    bob.source().shutdown(std::net::Shutdown::Write).unwrap();
    ali.expect("bob has left the chatroom!");
    assert_eq!(bob.next_line(), None);
    server.stop();
    assert!(!std::fs::exists(&path).unwrap(), "it leaves no file");
}

#[test]
fn a_stale_socket_file_is_replaced_and_a_live_one_is_not() {
    let directory = tempfile::tempdir().unwrap();
    // Dropping it leaves the file.
    drop(UnixListener::bind(directory.path().join("room.sock")).unwrap());
    let (_server, path) = at_a_file(&directory, &[]);
    let endpoint = format!("unix:{path}");
    let output = chatroom()
        .args(["serve", "--listen", &endpoint])
        .output()
        .unwrap();
    let why = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(why.contains("another program listens there"), "{why}");
    UnixStream::connect(path).unwrap();
    std::fs::write(directory.path().join("file"), "dear").unwrap();
    let endpoint = format!("unix:{}/file", directory.path().display());
    let output = chatroom()
        .args(["serve", "--listen", &endpoint])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let kept = std::fs::read_to_string(directory.path().join("file")).unwrap();
    assert_eq!(
        kept, "dear",
        "a file that is no socket is nobody's to remove"
    );
}

const PROXIED: &[u8] = b"PROXY TCP4 203.0.113.7 127.0.0.1 4711 5050\r\n";

#[test]
fn the_address_behind_a_proxy_is_the_one_that_counts() {
    let flags = [
        "--proxy-from",
        "127.0.0.1",
        "--log-addresses",
        "--max-per-address",
        "1",
    ];
    let (mut server, _directory) = serve(&flags);
    let mut ali = Peer::connect(server.address());
    // In pieces, and the name right behind.
    ali.send(&PROXIED[..9]);
    ali.send([&PROXIED[9..], b"ali\n"].concat());
    ali.expect(PROMPT);
    ali.expect(GREETING);
    server.expect_log("[203.0.113.7] ali is joined to the chatroom!");
    let mut again = Peer::connect(server.address());
    again.send(PROXIED);
    again.expect_notice("no more places for your address");
    let mut stream = TcpStream::connect(server.tls_address()).unwrap();
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    header.extend([203, 0, 113, 8, 127, 0, 0, 1, 1, 2, 3, 4]);
    stream.write_all(&header).unwrap();
    let mut bob = Person::over(stream, config());
    bob.enter("bob");
    server.expect_log("[203.0.113.8] bob is joined to the chatroom!");
    bob.say("hello");
    ali.expect("bob: hello");
}

#[test]
fn what_begins_without_a_proper_header_is_closed() {
    let (mut server, _directory) = serve(&["--proxy-from", "127.0.0.0/8", "--log-addresses"]);
    for start in [
        &b"ali\n"[..],
        b"PROXY TCP4 1.2.3.4\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\0",
    ] {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all(start).unwrap();
        let mut said = Vec::new();
        // A reset is as good: not all of it was read.
        drop(stream.read_to_end(&mut said));
        assert!(said.is_empty(), "{said:?}");
        server.expect_log("[127.0.0.1] a connection is turned away: it has no proper PROXY header");
    }
}

#[test]
fn a_header_from_elsewhere_is_a_name_like_any_other() {
    let (server, _directory) = serve(&["--proxy-from", "10.0.0.0/8"]);
    let mut peer = Peer::connect(server.address());
    peer.expect(PROMPT);
    peer.send(PROXIED);
    peer.expect_notice("name");
}

/// `HAProxy` itself.
#[test]
fn haproxy_stands_in_front() {
    let Some(mut command) = program::tool("haproxy", "haproxy") else {
        return;
    };
    let (mut server, _directory) = serve(&["--proxy-from", "127.0.0.1", "--log-addresses"]);
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("front.sock");
    let config = directory.path().join("haproxy.cfg");
    std::fs::write(
        &config,
        format!(
            "defaults\n mode tcp\n timeout connect 5s\n timeout client 30s\n timeout server 30s\n\
             listen room\n bind unix@{}\n server room {} send-proxy-v2\n",
            socket.display(),
            server.address()
        ),
    )
    .unwrap();
    let child = command.arg("-db").arg("-f").arg(&config).spawn();
    let mut child = child.unwrap();
    let deadline = std::time::Instant::now() + super::common::PATIENCE;
    let stream = loop {
        match UnixStream::connect(&socket) {
            Ok(stream) => break stream,
            Err(error) => assert!(std::time::Instant::now() < deadline, "{error}"),
        }
        std::thread::yield_now();
    };
    let mut person = Incoming::new(stream);
    person.expect_line(PROMPT);
    person.source().write_all(b"ali\n").unwrap();
    person.expect_line(GREETING);
    server.expect_log("[127.0.0.1] ali is joined to the chatroom!");
    child.kill().unwrap();
    child.wait().unwrap();
}
