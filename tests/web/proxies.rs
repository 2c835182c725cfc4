//! Those who come by a proxy that stands in front.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::time::Instant;

use super::common::{PATIENCE, PROMPT, Program, program};
use super::peer::{Web, ask, asking, dial, read_answer, serve};

const LIMITS: [&str; 5] = [
    "--log-addresses",
    "--max-per-address",
    "1",
    "--proxy-from",
    "127.0.0.1,10.0.0.0/8",
];

#[test]
fn the_address_that_a_proxy_names_is_the_one_that_counts() {
    let mut server = serve(&LIMITS);
    let from = |list: &str| format!("X-Forwarded-For: {list}\r\n");
    let mut ali = Web::open_with(&server, &from("198.51.100.1, 203.0.113.7"));
    ali.enter("ali");
    server.expect_log("[203.0.113.7] ali is joined to the chatroom!");
    let mut again = Web::open_with(&server, &from("203.0.113.7, 10.1.1.1"));
    assert!(again.line().contains("no more places for your address"));
    assert_eq!(again.close_code(), Some(1013));
    let mut other = Web::open_with(&server, &from("203.0.113.8"));
    other.enter("other");
    server.expect_log("[203.0.113.8] other is joined to the chatroom!");
}

#[test]
fn a_proxy_header_may_come_before_the_request() {
    let mut server = serve(&LIMITS);
    let mut stream = dial(server.web_address());
    stream
        .write_all(b"PROXY TCP4 203.0.113.9 127.0.0.1 4711 80\r\n")
        .unwrap();
    // Whom that names is no proxy: what it says of itself is worth nothing.
    let mut ali = Web::over(stream, "X-Forwarded-For: 198.51.100.1\r\n");
    ali.enter("ali");
    server.expect_log("[203.0.113.9] ali is joined to the chatroom!");
}

#[test]
fn nobody_else_is_believed() {
    let mut server = serve(&["--log-addresses", "--proxy-from", "10.0.0.0/8"]);
    let mut ali = Web::open_with(&server, "X-Forwarded-For: 203.0.113.7\r\n");
    ali.expect(PROMPT);
    ali.say("ali");
    server.expect_log("[127.0.0.1] ali is joined to the chatroom!");
    let mut stream = dial(server.web_address());
    stream
        .write_all(b"PROXY TCP4 203.0.113.9 127.0.0.1 4711 80\r\n\r\n")
        .unwrap();
    assert_eq!(read_answer(&mut stream, false).status, 400);
}

#[test]
fn a_name_that_a_proxy_serves_is_a_pages_own() {
    let origin = "Origin: https://chat.example.org\r\n";
    let request = asking(origin).replace("Host: localhost", "Host: chat.example.org");
    let forwarded = format!("{origin}X-Forwarded-For: 203.0.113.7\r\n");
    let behind = asking(&forwarded).replace("Host: localhost", "Host: chat.example.org");
    let server = serve(&["--proxy-from", "127.0.0.1"]);
    assert_eq!(ask(&server, &behind).status, 101);
    // A page in a browser of this machine can't add that.
    assert_eq!(ask(&server, &request).status, 403);
    let server = serve(&[]);
    assert_eq!(ask(&server, &behind).status, 403);
}

/// `HAProxy` itself, that speaks HTTP.
#[test]
fn haproxy_brings_browsers() {
    let Some(mut command) = program::tool("haproxy", "haproxy") else {
        return;
    };
    let server = serve(&["--proxy-from", "127.0.0.1"]);
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("front.sock");
    let config = directory.path().join("haproxy.cfg");
    std::fs::write(
        &config,
        format!(
            "defaults\n mode http\n timeout connect 5s\n timeout client 30s\n timeout server 30s\n\
             listen page\n bind unix@{}\n option forwardfor\n server room {}\n",
            socket.display(),
            server.web_address()
        ),
    )
    .unwrap();
    command.arg("-db").arg("-f").arg(&config);
    let _haproxy = Program::start(command);
    let deadline = Instant::now() + PATIENCE;
    let dial = || loop {
        match UnixStream::connect(&socket) {
            Ok(stream) => break stream,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        std::thread::yield_now();
    };
    let mut page = dial();
    page.set_read_timeout(Some(PATIENCE)).unwrap();
    page.write_all(b"GET / HTTP/1.1\r\nHost: chat.example.org\r\n\r\n")
        .unwrap();
    assert_eq!(read_answer(&mut page, false).status, 200);
    let stream = dial();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut web = Web::over(stream, "");
    web.enter("web");
    let mut other = Web::join(&server, "other");
    web.say("hello");
    other.expect("web: hello");
    other.say("hi");
    web.expect("other: hi");
    web.leave();
    other.expect("web has left the chatroom!");
}
