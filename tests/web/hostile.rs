//! What the hostile and the broken do where the page is.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::common::incoming::is_ready;
use super::common::{PATIENCE, Server};
use super::peer::{Web, ask, asking, dial, read_answer, serve};
use super::rig::frames::{CONTINUATION, FIN, PING, TEXT, frame};
use rustix::event::PollFlags;

/// Checks that the room goes on.
#[track_caller]
fn goes_on(server: &Server, name: &str) {
    let mut nc = server.join(&format!("nc{name}"));
    let mut web = Web::join(server, &format!("web{name}"));
    web.say("hello");
    nc.expect(&format!("web{name}: hello"));
    nc.say("hi");
    web.expect(&format!("nc{name}: hi"));
    web.leave();
    nc.expect(&format!("web{name} has left the chatroom!"));
}

/// Reads until the server has closed, in whatever way.
fn read_all(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("it stays open"),
        _ => bytes,
    }
}

#[test]
fn endless_headers_are_refused() {
    let server = serve(&[]);
    let mut stream = dial(server.web_address());
    let start = b"GET / HTTP/1.1\r\n";
    let field = b"X-Field: some value that goes on and on\r\n";
    let mut written = stream.write(start).unwrap();
    while written < 1 << 20 {
        match stream.write(field) {
            Ok(length) => written += length,
            Err(_) => break,
        }
        if is_ready(&stream, PollFlags::IN, Instant::now()) {
            break;
        }
    }
    let said = String::from_utf8_lossy(&read_all(&mut stream)).into_owned();
    assert!(
        said.is_empty() || said.starts_with("HTTP/1.1 431 "),
        "{said}"
    );
    goes_on(&server, "");
}

#[test]
fn slow_headers_have_as_long_as_a_name() {
    let server = serve(&["--name-timeout", "1"]);
    let start = Instant::now();
    let mut slow = dial(server.web_address());
    let mut silent = dial(server.web_address());
    let request = asking("");
    // A byte now and then wins no time.
    for byte in request.as_bytes().iter().take(30) {
        if slow.write_all(&[*byte]).is_err() {
            break;
        }
        assert!(!is_ready(
            &std::io::pipe().unwrap().0,
            PollFlags::IN,
            Instant::now() + Duration::from_millis(50)
        ));
    }
    assert!(read_all(&mut slow).is_empty());
    assert!(read_all(&mut silent).is_empty());
    assert!(start.elapsed() < PATIENCE / 3);
    // Nor does who has been answered stay for ever.
    let mut idle = dial(server.web_address());
    idle.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    read_answer(&mut idle, false);
    assert!(read_all(&mut idle).is_empty());
    goes_on(&server, "");
}

/// Lets `count` connections stand that have sent half a request.
fn half_requests(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    let half = &asking("")[..60];
    let mut streams = Vec::new();
    for _ in 0..count {
        let Ok(mut stream) = TcpStream::connect(address) else {
            continue;
        };
        stream.write_all(half.as_bytes()).ok();
        streams.push(stream);
    }
    streams
}

/// Returns how long a line takes from one to another, the slowest of a hundred left out.
fn p99(server: &Server, names: [&str; 2]) -> Duration {
    let [mut from, mut to] = names.map(|name| server.join(name));
    let mut times: Vec<Duration> = (0..200)
        .map(|number| {
            let start = Instant::now();
            from.say(format!("{number}"));
            to.expect(&format!("{}: {number}", names[0]));
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    to.say("/quit");
    from.expect(&format!("{} has left the chatroom!", names[1]));
    times[times.len() * 99 / 100]
}

#[test]
fn ten_thousand_half_requests_hold_up_nobody_in_the_room() {
    let server = serve(&[]);
    let quiet = p99(&server, ["a1", "b1"]);
    let memory = server.peak_resident_bytes();
    let address = server.web_address();
    let attack = std::thread::spawn(move || {
        // No more than some at once: they have one address.
        (0..50)
            .map(|_| half_requests(address, 200).len())
            .sum::<usize>()
    });
    // On a machine that has much else to do, the calmest while says what they cost the room.
    let mut calmest = Duration::MAX;
    let mut rounds = 0;
    while !attack.is_finished() || rounds == 0 {
        let names = [format!("x{rounds}"), format!("y{rounds}")];
        calmest = calmest.min(p99(&server, [&names[0], &names[1]]));
        rounds += 1;
    }
    let count = attack.join().unwrap();
    let grown = server.peak_resident_bytes().saturating_sub(memory);
    println!("{count} half requests: p99 {quiet:?} without, {calmest:?} with; {grown} bytes more");
    assert!(count > 9000);
    assert!(
        calmest < quiet + Duration::from_millis(50),
        "{calmest:?} after {quiet:?}"
    );
    assert!(grown < 16 << 20, "{grown}");
    goes_on(&server, "");
}

#[test]
fn floods_of_frames_are_read_no_faster_than_lines() {
    let mut server = serve(&[]);
    let memory = server.peak_resident_bytes();
    let mut pings = Web::join(&server, "pings");
    let mut pieces = Web::join(&server, "pieces");
    let mut empty = Web::join(&server, "empty");
    for web in [&mut pings, &mut pieces, &mut empty] {
        web.stream.set_nonblocking(true).unwrap();
    }
    let ping = frame(FIN | PING, b"x").repeat(2000);
    let piece = frame(CONTINUATION, b"").repeat(2000);
    let message = frame(FIN | TEXT, b"").repeat(2000);
    pieces.stream.write_all(&frame(TEXT, b"x")).unwrap();
    for _ in 0..200 {
        for (web, bytes) in [
            (&mut pings, &ping),
            (&mut pieces, &piece),
            (&mut empty, &message),
        ] {
            // What the server doesn't read, the kernel takes no more of.
            drop(web.stream.write(bytes));
        }
    }
    let calmest =
        (0..5).map(|round| p99(&server, [&format!("from{round}"), &format!("to{round}")]));
    let calmest = calmest.min().unwrap();
    let grown = server.peak_resident_bytes().saturating_sub(memory);
    assert!(grown < 8 << 20, "{grown}");
    assert!(calmest < Duration::from_millis(200), "{calmest:?}");
    drop((pings, pieces, empty));
    server.stop();
}

#[test]
fn cut_anywhere_no_request_and_no_frame_does_harm() {
    let server = serve(&[]);
    let whole = [asking("").into_bytes(), frame(FIN | TEXT, b"hello")].concat();
    for at in (0..whole.len()).step_by(3) {
        let mut stream = dial(server.web_address());
        stream.write_all(&whole[..at]).unwrap();
        // Half of them reset.
        if at % 2 == 0 {
            socket2::SockRef::from(&stream)
                .set_linger(Some(Duration::ZERO))
                .unwrap();
        }
    }
    let answer = ask(&server, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(answer.status, 200);
    goes_on(&server, "");
}
