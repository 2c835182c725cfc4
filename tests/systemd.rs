//! What a service manager hands the server, and what it is told.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and says why it is skipped"
)]

mod common;

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{self, UnixDatagram};
use std::process::Command;
use std::time::{Duration, Instant};

use common::incoming::is_ready;
use common::program::tool;
use common::{PATIENCE, Peer, Program, Server, Signal, chatroom};
use rustix::event::PollFlags;
use tempfile::TempDir;

/// A service manager's end of the socket.
struct Manager {
    socket: UnixDatagram,
    address: String,
    _directory: TempDir,
}

impl Manager {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_nonblocking(true).unwrap();
        Self {
            socket,
            address: path.to_str().unwrap().to_owned(),
            _directory: directory,
        }
    }

    /// Starts a server that tells this manager how it goes.
    fn start(&self, flags: &[&str], watchdog: Option<Duration>) -> Server {
        let mut command = chatroom();
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(flags)
            .env("NOTIFY_SOCKET", &self.address);
        if let Some(period) = watchdog {
            command.env("WATCHDOG_USEC", period.as_micros().to_string());
        }
        Server::run(command)
    }

    /// Waits for the next message until `deadline`.
    fn next_before(&self, deadline: Instant) -> Option<String> {
        let mut message = [0; 4096];
        is_ready(self.socket.as_fd(), PollFlags::IN, deadline).then(|| {
            let length = self.socket.recv(&mut message).unwrap();
            String::from_utf8(message[..length].to_vec()).unwrap()
        })
    }

    fn next(&self) -> String {
        self.next_before(Instant::now() + PATIENCE)
            .expect("a message")
    }

    /// Takes the messages that have come.
    fn drain(&self) {
        while self.next_before(Instant::now()).is_some() {}
    }
}

/// Returns the part of a message behind `key`.
fn value<'a>(message: &'a str, key: &str) -> Option<&'a str> {
    message.lines().find_map(|line| line.strip_prefix(key))
}

#[test]
fn the_manager_is_told_everything_in_order() {
    let manager = Manager::new();
    let mut server = manager.start(&[], None);
    assert_eq!(manager.next(), "READY=1\nSTATUS=0 in the room, 0 lines/s");
    for _ in 0..2 {
        server.signal(Signal::HUP);
        let before = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let reloading = manager.next();
        assert!(reloading.starts_with("RELOADING=1\n"), "{reloading}");
        let usec: i64 = value(&reloading, "MONOTONIC_USEC=")
            .unwrap()
            .parse()
            .unwrap();
        assert!((usec / 1_000_000 - before.tv_sec).abs() < 60, "{usec}");
        assert!(manager.next().starts_with("READY=1\n"));
    }
    server.signal(Signal::TERM);
    let stopping = manager.next();
    assert!(
        stopping.starts_with("STOPPING=1\nEXTEND_TIMEOUT_USEC=5000000"),
        "{stopping}"
    );
    assert_eq!(server.wait().code(), Some(0));
    assert_eq!(manager.next_before(Instant::now()), None);
}

#[test]
fn a_lame_duck_asks_for_the_time_it_takes() {
    let manager = Manager::new();
    let mut server = manager.start(&["--lame-duck", "20", "--grace", "3"], None);
    assert!(manager.next().starts_with("READY=1\n"));
    server.signal(Signal::TERM);
    assert_eq!(
        value(&manager.next(), "EXTEND_TIMEOUT_USEC="),
        Some("23000000")
    );
    server.signal(Signal::TERM);
    assert_eq!(
        value(&manager.next(), "EXTEND_TIMEOUT_USEC="),
        Some("3000000")
    );
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn the_loop_feeds_the_watchdog_and_stops_when_it_hangs() {
    let manager = Manager::new();
    let period = Duration::from_millis(400);
    let server = manager.start(&[], Some(period));
    let ali = server.join("ali");
    assert!(manager.next().starts_with("READY=1\n"));
    for _ in 0..5 {
        let before = Instant::now();
        assert!(manager.next().starts_with("WATCHDOG=1\nSTATUS="));
        assert!(before.elapsed() < PATIENCE / 2);
    }
    // The status follows.
    let deadline = Instant::now() + PATIENCE;
    while value(&manager.next(), "STATUS=") != Some("1 in the room, 0 lines/s") {
        assert!(Instant::now() < deadline);
    }
    server.signal(Signal::STOP);
    // What it said before it hung.
    while manager.next_before(Instant::now() + period).is_some() {}
    let hung = manager.next_before(Instant::now() + 4 * period);
    assert_eq!(hung, None, "a loop that hangs says nothing");
    server.signal(Signal::CONT);
    assert!(manager.next().starts_with("WATCHDOG=1\n"));
    drop(ali);
}

#[test]
fn a_watchdog_of_another_process_is_not_fed() {
    let manager = Manager::new();
    let mut command = chatroom();
    command
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("NOTIFY_SOCKET", &manager.address)
        .env("WATCHDOG_USEC", "100000")
        .env("WATCHDOG_PID", "1");
    let _server = Server::run(command);
    assert!(manager.next().starts_with("READY=1\n"));
    let message = manager.next_before(Instant::now() + Duration::from_millis(300));
    assert_eq!(message, None);
}

#[test]
fn a_manager_that_reads_nothing_holds_nobody_up() {
    let manager = Manager::new();
    let server = manager.start(&[], Some(Duration::from_millis(2)));
    let mut ears = server.join("ears");
    let ali = server.join("ali");
    // More messages than the socket's queue holds.
    for number in 0..1000 {
        ali.say(number.to_string());
        ears.expect(&format!("ali: {number}"));
    }
    let deadline = Instant::now() + Duration::from_millis(200);
    assert!(!is_ready(ears.stream().as_fd(), PollFlags::IN, deadline));
    ali.say("still here");
    ears.expect("ali: still here");
    manager.drain();
}

#[test]
fn a_manager_may_have_an_abstract_address() {
    let name = format!("chatroom-test-{}", std::process::id());
    let address = net::SocketAddr::from_abstract_name(&name).unwrap();
    let socket = UnixDatagram::bind_addr(&address).unwrap();
    let mut command = chatroom();
    command
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("NOTIFY_SOCKET", format!("@{name}"));
    let _server = Server::run(command);
    let mut message = [0; 100];
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = socket.recv(&mut message).unwrap();
    assert!(message[..length].starts_with(b"READY=1"));
}

/// Returns ports that are free at the moment.
fn free_ports<const N: usize>() -> [SocketAddr; N] {
    let sockets: [_; N] = std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    sockets.map(|socket| socket.local_addr().unwrap())
}

/// Returns a command that listens on `ports`, of these names, and starts a server with `flags`
/// when somebody connects.
fn activate(ports: &[SocketAddr], names: &str, flags: &[&str]) -> Option<Command> {
    let mut command = tool("systemd-socket-activate", "systemd")?;
    for port in ports {
        command.args(["--listen", &port.to_string()]);
    }
    command.args(["--fdname", names]);
    let server = chatroom();
    command.arg(server.get_program()).arg("serve").args(flags);
    Some(command)
}

/// Waits until somebody listens there, and connects once, which starts the server.
fn knock(address: SocketAddr) {
    let deadline = Instant::now() + PATIENCE;
    while let Err(error) = TcpStream::connect(address) {
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        assert!(Instant::now() < deadline, "nobody listens on {address}");
        std::thread::yield_now();
    }
}

/// Connects as soon as somebody listens.
fn connect(address: SocketAddr) -> Peer {
    knock(address);
    Peer::connect(address)
}

#[test]
fn sockets_that_are_handed_over_are_listened_on_alone() {
    let ports: [_; 2] = free_ports();
    let Some(command) = activate(&ports, "plain:chatroom.socket", &[]) else {
        return;
    };
    let mut program = Program::start(command);
    let mut first = connect(ports[0]);
    first.expect(common::PROMPT);
    first.enter("ali");
    let second = Peer::join(ports[1], "bob");
    second.say("hello");
    first.expect("bob: hello");
    program.screen.drain();
    let log = common::incoming::lossy(program.screen.bytes());
    let listening = log.lines().filter(|line| line.contains("listening on"));
    assert_eq!(listening.count(), 2, "{log}");
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(program.id().cast_signed()).unwrap(),
        Signal::TERM,
    )
    .unwrap();
    first.expect(common::CLOSING);
    assert_eq!(program.wait().code(), Some(0));
}

#[test]
fn a_flag_adds_to_what_is_handed_over() {
    let [handed, own] = free_ports();
    let Some(command) = activate(&[handed], "plain", &["--listen", &own.to_string()]) else {
        return;
    };
    let _program = Program::start(command);
    connect(handed).expect(common::PROMPT);
    connect(own).expect(common::PROMPT);
}

#[test]
fn a_socket_called_http_has_the_page() {
    let [port] = free_ports();
    let Some(command) = activate(&[port], "http", &[]) else {
        return;
    };
    let _program = Program::start(command);
    let mut browser = connect(port);
    browser.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let status = browser.line();
    assert!(status.starts_with("HTTP/1.1 200 OK"), "{status}");
}

#[test]
fn what_is_no_socket_is_refused() {
    // Descriptor 3 is whatever the shell opens.
    let mut command = Command::new("sh");
    let server = chatroom();
    command
        .args([
            "-c",
            "exec 3</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" serve",
        ])
        .arg(server.get_program());
    let mut program = Program::start(command);
    assert_eq!(program.wait().code(), Some(1));
}

#[test]
fn who_comes_by_ipv4_to_a_socket_for_both_has_an_address_of_ipv4() {
    if TcpListener::bind("[::1]:0").is_err() {
        println!("skipped: no IPv6");
        return;
    }
    let [port] = free_ports();
    let both: SocketAddr = format!("[::]:{}", port.port()).parse().unwrap();
    let Some(command) = activate(&[both], "plain", &["--log-addresses"]) else {
        return;
    };
    let mut program = Program::start(command);
    let mut ali = connect(port);
    ali.expect(common::PROMPT);
    ali.enter("ali");
    while !program
        .screen
        .next_line()
        .unwrap()
        .contains("[127.0.0.1] ali is joined")
    {}
}
