//! Many who speak TLS: what they cost the process, and what their coming costs those who talk.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use socket2::{Domain, Socket, Type};

use super::common::{PATIENCE, PROMPT, Peer, Server};
use super::person::{Person, config, serve};

/// Connects from one of a few hundred addresses of this machine.
fn dial(address: SocketAddr, number: usize) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let source = format!("127.0.0.{}:0", 2 + number % 250);
    let source: SocketAddr = source.parse().unwrap();
    socket.bind(&source.into()).unwrap();
    socket.connect(&address.into()).unwrap();
    socket.into()
}

fn resident_bytes(server: &Server) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.unwrap().trim().strip_suffix(" kB").unwrap();
    kilobytes.trim().parse::<usize>().unwrap() * 1024
}

fn slow_tests() -> bool {
    std::env::var_os("CHATROOM_SLOW_TESTS").is_some_and(|value| value == "1")
}

/// The bound is 400 bytes for thousands; for few, what shaking hands leaves behind counts for more.
#[test]
fn a_member_costs_the_process_some_hundred_bytes() {
    let members = if slow_tests() { 9500 } else { 1500 };
    let (server, _directory) = serve(&[]);
    let join = |number: usize| {
        let mut person = Person::over(dial(server.tls_address(), number), config());
        person.enter(&format!("u{number:07}"));
        person.say("/away");
        while person
            .line()
            .unwrap()
            .is_some_and(|line| !line.starts_with("* "))
        {}
        // Only its socket is kept: what the client needs is not the server's matter.
        person.tls.sock
    };
    let first: Vec<_> = (0..100).map(join).collect();
    let before = resident_bytes(&server);
    let more: Vec<_> = (100..100 + members).map(join).collect();
    let bytes = (resident_bytes(&server) - before) / members;
    println!("{bytes} bytes a member, {members} of them");
    assert!(
        bytes <= if slow_tests() { 400 } else { 800 },
        "{bytes} bytes a member"
    );
    drop((first, more));
}

/// A handshake under way.
struct Coming {
    connection: ClientConnection,
    stream: TcpStream,
}

impl Coming {
    fn new(address: SocketAddr, number: usize, config: &Arc<ClientConfig>) -> Self {
        let stream = dial(address, number);
        stream.set_nonblocking(true).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::clone(config), name).unwrap();
        Self { connection, stream }
    }

    /// Goes on as far as it can, and returns whether it has seen the prompt.
    fn go_on(&mut self) -> bool {
        while self.connection.wants_write() {
            if self.connection.write_tls(&mut self.stream).is_err() {
                break;
            }
        }
        if self
            .connection
            .read_tls(&mut self.stream)
            .is_ok_and(|length| length > 0)
        {
            self.connection.process_new_packets().unwrap();
        }
        let mut seen = [0; 64];
        let read = std::io::Read::read(&mut self.connection.reader(), &mut seen);
        read.is_ok_and(|length| seen[..length].starts_with(PROMPT.as_bytes()))
    }
}

/// All of them come at once; who is there talks on. How long a turn takes on a busy machine is the
/// machine's matter, so what counts is what the loop does in it; three times, since where others use
/// the same processor a turn needs more of it, too.
#[test]
fn a_storm_of_handshakes_starves_nobody() {
    const GOAL: Duration = Duration::from_millis(20);
    let mut storms = std::iter::repeat_with(live_through_storm).take(3);
    assert!(storms.any(|most_worked| most_worked < GOAL));
}

/// Returns the most processor time that a turn of the loop took.
fn live_through_storm() -> Duration {
    let newcomers = if slow_tests() { 5000 } else { 700 };
    // Nobody is late because the machine is.
    let (mut server, _directory) = serve(&["--name-timeout", "0"]);
    let ali = server.join("ali");
    let mut bob = Peer::join(server.address(), "bob");
    let config = config();
    let mut coming: Vec<Coming> = (0..newcomers)
        .map(|number| Coming::new(server.tls_address(), number, &config))
        .collect();
    let start = Instant::now();
    let mut slowest = Duration::ZERO;
    while !coming.is_empty() {
        assert!(start.elapsed() < 3 * PATIENCE, "{} are left", coming.len());
        coming.retain_mut(|one| !one.go_on());
        let asked = Instant::now();
        ali.say("hello");
        bob.expect("ali: hello");
        slowest = slowest.max(asked.elapsed());
    }
    let took = start.elapsed();
    server.drain_log();
    let log = server.stop();
    let (_, turn) = log
        .iter()
        .rev()
        .find_map(|text| text.split_once("longest turn "))
        .unwrap();
    println!("all in after {took:?}, a line took {slowest:?} at most, a turn {turn}");
    let (_, worked) = turn.split_once("under load ").unwrap();
    let (ms, _) = worked.split_once(" ms").unwrap();
    let worked = Duration::from_secs_f64(ms.parse::<f64>().unwrap() / 1e3);
    assert!(!worked.is_zero(), "there was none: {turn}");
    worked
}
