//! `--metrics`: what those who look after the server are told, and what it costs the room.
#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says why it is skipped"
)]

#[path = "../common/mod.rs"]
mod common;
mod hostile;
#[path = "../tls/person.rs"]
#[allow(dead_code, reason = "a part of it is used")]
mod person;

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use common::program::tool;
use common::{PATIENCE, Peer, Program, Server, Signal};
use person::Person;

/// Where the metrics have their names.
const SOURCE: &str = include_str!("../../src/server/metrics.rs");

/// A server, and where it tells how it goes.
struct Watched {
    server: Server,
    at: SocketAddr,
}

impl Watched {
    fn start(flags: &[&str]) -> Self {
        let server = Server::start(&[&["--metrics", "127.0.0.1:0"], flags].concat());
        let told = server.texts().iter().find_map(|text| {
            let address = text.strip_prefix("metrics at http://")?;
            address.strip_suffix("/metrics")?.parse().ok()
        });
        Self {
            server,
            at: told.expect("an address"),
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect_timeout(&self.at, PATIENCE).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends `request` and returns all of the answer.
    fn ask(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn get(&self, path: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"))
    }

    /// Returns the samples, by their name and labels.
    fn samples(&self) -> HashMap<String, f64> {
        let answer = self.get("/metrics");
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let samples = body.lines().filter(|line| !line.starts_with('#'));
        let sample = |line: &str| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        };
        samples.map(sample).collect()
    }
}

#[test]
fn what_happens_is_counted() {
    let watched = Watched::start(&["--max-connections", "3", "--rate", "1", "--burst", "5"]);
    let server = &watched.server;
    let (mut ali, mut bob) = (server.join("ali"), server.join("bob"));
    server.connect().expect(common::PROMPT);
    let stranger = server.connect();
    let mut full = server.connect();
    full.expect_notice("full");
    full.expect_end();
    for number in 0..3 {
        ali.say(number.to_string());
        bob.expect(&format!("ali: {number}"));
    }
    bob.finish();
    ali.expect("bob has left the chatroom!");
    // The next one has to wait a second.
    for _ in 0..4 {
        ali.say("/who");
    }
    ali.expect_notice("ali");
    let deadline = Instant::now() + PATIENCE;
    let samples = loop {
        let samples = watched.samples();
        if samples["chatroom_slowed_senders_total"] > 0.0 {
            break samples;
        }
        assert!(Instant::now() < deadline, "{samples:?}");
    };
    for (name, value) in [
        ("chatroom_build_info{version=\"0.1.0\"}", 1.0),
        ("chatroom_members", 1.0),
        ("chatroom_connections_refused_total{reason=\"full\"}", 1.0),
        ("chatroom_deliveries_total", 4.0),
        (
            "chatroom_disconnects_total{reason=\"connection broken\"}",
            0.0,
        ),
        ("chatroom_members_behind", 0.0),
        ("chatroom_backlog_used_bytes", 0.0),
        ("chatroom_backlog_limit_bytes", 8_388_608.0),
        ("chatroom_log_lines_dropped_total", 0.0),
        ("chatroom_waiting_seconds_total", 0.0),
    ] {
        assert_eq!(samples.get(name), Some(&value), "{name}");
    }
    for name in [
        "chatroom_received_lines_total",
        "chatroom_received_bytes_total",
        "chatroom_sent_bytes_total",
        "chatroom_loop_turn_seconds_count",
        "process_resident_memory_bytes",
        "process_start_time_seconds",
    ] {
        assert!(samples[name] > 4.0, "{name}");
    }
    assert_eq!(
        samples["chatroom_loop_turn_seconds_count"],
        samples["chatroom_loop_turn_seconds_bucket{le=\"+Inf\"}"]
    );
    drop(stranger);
}

#[test]
fn handshakes_are_counted_by_how_they_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let watched = Watched::start(&["--listen", "tls://127.0.0.1:0", "--tls-dir", path]);
    let address = watched.server.tls_address();
    let _ali = Person::join(address, "ali");
    let mut bob = Peer::connect(address);
    bob.say("bob");
    bob.expect_notice("TLS");
    bob.expect_end();
    let samples = watched.samples();
    for result in ["completed", "failed"] {
        let name = format!("chatroom_tls_handshakes_total{{result=\"{result}\"}}");
        assert_eq!(samples.get(&name), Some(&1.0), "{name}");
    }
}

#[test]
fn promtool_has_nothing_to_say() {
    let watched = Watched::start(&["--max-connections", "1"]);
    let ali = watched.server.join("ali");
    watched.server.connect().expect_notice("full");
    let answer = watched.get("/metrics");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("text/plain; version=0.0.4"), "{head}");
    assert!(
        head.contains(&format!("Content-Length: {}\r\n", body.len())),
        "{head}"
    );
    let Some(mut promtool) = tool("promtool", "prometheus") else {
        return;
    };
    promtool.args(["check", "metrics"]);
    let mut promtool = Program::start(promtool);
    promtool.type_text(body);
    promtool.end_input();
    let code = promtool.wait().code();
    let said = [promtool.screen.read_to_end(), promtool.errors.read_to_end()].concat();
    assert_eq!(
        (code, common::incoming::lossy(&said)),
        (Some(0), String::new())
    );
    drop(ali);
}

#[test]
fn a_browser_and_curl_are_answered() {
    let watched = Watched::start(&[]);
    let Some(mut curl) = tool("curl", "curl") else {
        return;
    };
    let url = format!("http://{}/healthz", watched.at);
    let output = curl.args(["-sSf", &url]).output().unwrap();
    assert_eq!(
        (output.status.code(), &*output.stdout),
        (Some(0), &b"ok\n"[..])
    );
    let mut curl = Command::new("curl");
    let output = curl.args(["-sSI", &url]).output().unwrap();
    assert!(
        output.stdout.starts_with(b"HTTP/1.1 200 OK\r\n"),
        "{output:?}"
    );
}

#[test]
fn requests_for_something_else_are_refused() {
    let watched = Watched::start(&[]);
    let long = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(10_000));
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n", "404"),
        ("GET /metrics/ HTTP/1.1\r\n\r\n", "404"),
        (
            "POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
            "405",
        ),
        ("HELLO\r\n\r\n", "400"),
        ("GET /metrics HTTP/1.1\r\nno field\r\n\r\n", "400"),
        (&long, "431"),
    ] {
        let answer = watched.ask(request);
        let line = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&line), "{request:.40}: {answer}");
        assert!(answer.contains("Connection: close"), "{answer}");
    }
}

#[test]
fn a_request_in_pieces_is_answered_and_a_half_one_is_dropped_in_time() {
    let watched = Watched::start(&[]);
    let mut half = watched.connect();
    half.write_all(b"GET /healthz HTT").unwrap();
    let start = Instant::now();
    let mut stream = watched.connect();
    for byte in b"GET /healthz HTTP/1.1\r\n\r\n" {
        stream.write_all(&[*byte]).unwrap();
        thread::sleep(Duration::from_millis(1));
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("\r\n\r\nok\n"), "{answer}");
    let mut rest = Vec::new();
    // Reset or closed: either way nothing comes.
    half.read_to_end(&mut rest).ok();
    assert_eq!(rest, b"");
    let took = start.elapsed();
    assert!(took > Duration::from_secs(4) && took < PATIENCE, "{took:?}");
}

#[test]
fn those_who_ask_nothing_keep_nobody_from_asking() {
    let watched = Watched::start(&[]);
    let silent: Vec<_> = (0..100).map(|_| watched.connect()).collect();
    let start = Instant::now();
    assert!(watched.get("/healthz").ends_with("ok\n"));
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );
    drop(silent);
}

#[test]
fn a_server_that_closes_says_so() {
    let mut watched = Watched::start(&["--lame-duck", "300"]);
    let mut ali = watched.server.join("ali");
    watched.server.signal(Signal::TERM);
    ali.expect_notice("closes in 300 s");
    let answer = watched.get("/healthz");
    assert!(
        answer.starts_with("HTTP/1.1 503 ") && answer.ends_with("closing\n"),
        "{answer}"
    );
    assert_eq!(watched.samples()["chatroom_members"], 1.0);
    watched.server.signal(Signal::TERM);
    ali.expect(common::CLOSING);
    assert_eq!(watched.server.wait().code(), Some(0));
}

#[test]
fn a_loop_that_was_late_is_not_healthy() {
    let watched = Watched::start(&["--name-timeout", "1"]);
    // Something is due while it hangs.
    let mut stranger = watched.server.connect();
    stranger.expect(common::PROMPT);
    watched.server.signal(Signal::STOP);
    thread::sleep(Duration::from_millis(3500));
    watched.server.signal(Signal::CONT);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = watched.get("/healthz");
        if answer.starts_with("HTTP/1.1 503 ") {
            assert!(answer.contains("the loop was late by "), "{answer}");
            break;
        }
        assert!(Instant::now() < deadline, "{answer}");
    }
    drop(stranger);
}

#[test]
fn the_dashboard_shows_metrics_that_there_are() {
    let output = common::chatroom()
        .args(["generate", "dashboard"])
        .output()
        .unwrap();
    let dashboard: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("record");
    let told = Watched::start(&["--record", record.to_str().unwrap()]).get("/metrics");
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap());
    let mut shown = Vec::new();
    for target in targets {
        let expression = target["expr"].as_str().unwrap();
        let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let is_name = |word: &&str| word.starts_with("chatroom_") || word.starts_with("process_");
        let name = words
            .into_iter()
            .find(is_name)
            .unwrap_or_else(|| panic!("{expression}"));
        let family = name.trim_end_matches("_bucket");
        // Those of a backplane are told where there is one.
        let is_told = told.contains(&format!("# TYPE {family} "))
            || family.starts_with("chatroom_backplane_")
                && SOURCE.contains(&format!("\"{family}\""));
        assert!(is_told, "{name}");
        shown.push(family);
    }
    // And all of them.
    for line in told.lines() {
        if let Some(family) = line.strip_prefix("# TYPE ") {
            let name = family.split(' ').next().unwrap();
            let known = ["chatroom_build_info", "process_start_time_seconds"];
            assert!(shown.contains(&name) || known.contains(&name), "{name}");
        }
    }
}
