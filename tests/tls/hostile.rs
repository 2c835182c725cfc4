//! What the hostile and the broken do to a server that speaks TLS.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use super::common::incoming::is_ready;
use super::common::{PATIENCE, PROMPT, Peer, Server};
use super::person::{Person, config, serve};

fn dial(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Reads until the server has closed, in whatever way.
fn read_all(mut stream: &TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("it stays open: {bytes:?}"),
        _ => bytes,
    }
}

/// Checks that the room goes on.
#[track_caller]
fn goes_on(server: &Server, name: &str) {
    let mut ali = server.join(&format!("ali{name}"));
    let mut bob = Person::join(server.tls_address(), &format!("bob{name}"));
    bob.say("hello");
    ali.expect(&format!("bob{name}: hello"));
    ali.say("hi");
    bob.expect(&format!("ali{name}: hi"));
    bob.finish();
    ali.expect(&format!("bob{name} has left the chatroom!"));
}

#[test]
fn plain_text_at_the_tls_port_is_told_so() {
    let (mut server, _directory) = serve(&[]);
    for text in [
        &b"ali\n"[..],
        b"GET / HTTP/1.1\r\n\r\n",
        b"\n",
        b"\xff\xfb\x1f",
        b"\x80\x2e\x01",
    ] {
        let mut stream = dial(server.tls_address());
        stream.write_all(text).unwrap();
        let said = read_all(&stream);
        let said = String::from_utf8_lossy(&said);
        assert!(said.starts_with("* That was not TLS"), "{text:?}: {said}");
    }
    goes_on(&server, "");
    server.stop();
}

#[test]
fn tls_at_the_plain_port_is_told_so() {
    let (server, _directory) = serve(&[]);
    let mut peer = Peer::connect(server.address());
    peer.expect(PROMPT);
    let mut hello = Vec::new();
    let name = ServerName::try_from("localhost").unwrap();
    let mut connection = ClientConnection::new(config(), name).unwrap();
    connection.write_tls(&mut hello).unwrap();
    hello.push(b'\n');
    peer.send(&hello);
    peer.expect_notice("TLS");
}

/// Sends what a client would, with byte `at` of all that it sends changed.
fn change_a_byte(address: SocketAddr, at: usize) -> bool {
    struct Changing(TcpStream, usize, bool);
    impl Read for Changing {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0.read(buffer)
        }
    }
    impl Write for Changing {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let mut bytes = bytes.to_vec();
            if let Some(byte) = bytes.get_mut(self.1) {
                *byte ^= 0x41;
                self.2 = true;
            }
            self.1 = self.1.wrapping_sub(bytes.len());
            self.0.write_all(&bytes)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            self.0.flush()
        }
    }
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(config(), name).unwrap();
    let stream = dial(address);
    stream.set_nodelay(true).unwrap();
    let mut tls = StreamOwned::new(connection, Changing(stream, at, false));
    let whole = tls.write_all(b"mallory\n").is_ok() && tls.write_all(b"harm\n").is_ok();
    tls.conn.send_close_notify();
    if whole {
        drop(tls.flush());
    }
    // Where a length was changed, the server waits for more.
    drop(tls.sock.0.shutdown(Shutdown::Write));
    read_all(&tls.sock.0);
    tls.sock.2
}

#[test]
fn each_byte_of_a_session_that_is_changed_harms_nobody() {
    let (mut server, _directory) = serve(&["--rate", "0"]);
    let ali = server.join("ali");
    let mut at = 0;
    // The client's hello is some 250 bytes; only what makes a difference to whom it comes to.
    while change_a_byte(server.tls_address(), at) {
        at += if at < 200 { 13 } else { 1 };
        server.drain_log();
    }
    assert!(at > 300, "only {at} bytes");
    ali.say("still here");
    drop(ali);
    goes_on(&server, "x");
    let log = server.stop();
    assert!(!log.iter().any(|text| text.contains("panicked")));
}

#[test]
fn records_of_strange_lengths_end_a_session_with_an_alert() {
    let (mut server, _directory) = serve(&[]);
    for (number, length) in [0_u16, 1, 16, 17, 16_384 + 257, 0xffff]
        .into_iter()
        .enumerate()
    {
        let mut person = Person::join(server.tls_address(), &format!("m{number}"));
        let [high, low] = length.to_be_bytes();
        let mut record = vec![23, 3, 3, high, low];
        record.resize(5 + usize::from(length), 7);
        let _sent = person.tls.sock.write_all(&record);
        assert_ne!(
            person.line(),
            Ok(None),
            "{length}: an alert, not an orderly end"
        );
    }
    goes_on(&server, "y");
    server.stop();
}

#[test]
fn a_key_update_flood_is_stopped() {
    let (mut server, _directory) = serve(&[]);
    let mut mallory = Person::join(server.tls_address(), "mallory");
    for _ in 0..200 {
        if mallory.tls.conn.refresh_traffic_keys().is_err() || mallory.tls.flush().is_err() {
            break;
        }
    }
    assert!(mallory.line().is_err(), "it is cut off");
    server.expect_log("mallory is cut off: connection broken");
    goes_on(&server, "z");
}

#[test]
fn key_updates_between_lines_are_followed() {
    let (server, _directory) = serve(&[]);
    let mut ali = server.join("ali");
    let mut bob = Person::join(server.tls_address(), "bob");
    for number in 0..100 {
        bob.tls.conn.refresh_traffic_keys().unwrap();
        bob.say(&format!("line {number}"));
        ali.expect(&format!("bob: line {number}"));
        ali.say("heard");
        bob.expect("ali: heard");
    }
}

#[test]
fn a_stream_that_is_cut_has_no_last_line() {
    let (mut server, _directory) = serve(&[]);
    let mut ali = server.join("ali");
    let mut cut = Person::join(server.tls_address(), "cut");
    cut.tls.write_all(b"a whole line\nhalf a li").unwrap();
    cut.tls.flush().unwrap();
    ali.expect("cut: a whole line");
    // An end without TLS' own could be anybody's doing.
    cut.tls.sock.shutdown(Shutdown::Write).unwrap();
    ali.expect("cut has left the chatroom!");
    server.expect_log("cut is cut off: connection broken");
    let mut closed = Person::join(server.tls_address(), "closed");
    closed.tls.write_all(b"last, without a line end").unwrap();
    closed.finish();
    ali.expect("closed: last, without a line end");
    ali.expect("closed has left the chatroom!");
}

#[test]
fn half_handshakes_end_in_time_and_are_no_members() {
    let (mut server, _directory) = serve(&["--name-timeout", "1", "--log-addresses"]);
    let mut hello = Vec::new();
    let name = ServerName::try_from("localhost").unwrap();
    let mut connection = ClientConnection::new(config(), name).unwrap();
    connection.write_tls(&mut hello).unwrap();
    let start = Instant::now();
    let streams: Vec<TcpStream> = [0, 1, 5, 100, hello.len() - 1, hello.len()]
        .into_iter()
        .map(|length| {
            let mut stream = dial(server.tls_address());
            stream.write_all(&hello[..length]).unwrap();
            stream
        })
        .collect();
    for stream in &streams {
        read_all(stream);
    }
    assert!(start.elapsed() >= Duration::from_secs(1));
    for _ in &streams {
        server.expect_log("[127.0.0.1] a connection is turned away: it took too long to come in");
    }
    goes_on(&server, "w");
}

#[test]
fn many_half_handshakes_of_one_address_leave_place_for_others() {
    let (mut server, _directory) = serve(&["--log-addresses"]);
    let address = server.tls_address();
    let silent: Vec<TcpStream> = (0..300).map(|_| dial(address)).collect();
    // Beyond its share, the address is turned away.
    server.expect_log(
        "[127.0.0.1] a connection is turned away: too many are on their way in, or there",
    );
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let other: SocketAddr = "127.0.0.2:0".parse().unwrap();
    socket.bind(&other.into()).unwrap();
    socket.connect(&address.into()).unwrap();
    let mut person = Person::over(socket.into(), config());
    person.enter("ali");
    drop(silent);
}

/// The time of those who had arrived ran out again and again.
#[test]
fn a_server_whose_newcomers_have_arrived_sleeps() {
    let (server, _directory) = serve(&["--name-timeout", "1"]);
    let mut ali = Person::join(server.tls_address(), "ali");
    let ticks = || -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split(' ').collect();
        fields[12].parse::<u64>().unwrap() + fields[13].parse::<u64>().unwrap()
    };
    let sleep = |time| {
        let (quiet, _open) = std::io::pipe().unwrap();
        let until = Instant::now() + time;
        assert!(!is_ready(&quiet, PollFlags::IN, until));
    };
    sleep(Duration::from_millis(2500));
    let before = ticks();
    sleep(Duration::from_secs(1));
    assert!(ticks() - before < 10, "it spins");
    ali.say("still here");
}
