//! How many lines a second one hears of another who says them as fast as the server takes them: each
//! one looked at, so that none is missing, doubled or out of order.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::Server;
use crate::support::wire::WELCOME;

/// Lines that are said.
const LINES: usize = 200_000;

/// How long nothing may be heard before the measurement has failed.
const PATIENCE: Duration = Duration::from_secs(15);

/// Returns how many lines a second somebody at `ear` hears of somebody at `mouth`.
pub(crate) fn lines_per_second(mouth: &Server, ear: &Server) -> f64 {
    let (mut speaker, _) = join(mouth, "mouth");
    let (_, mut heard) = join(ear, "ear");
    let mut said = Vec::new();
    for number in 0..LINES {
        writeln!(said, "{number:060}").expect("memory takes all");
    }
    let start = Instant::now();
    thread::scope(|scope| {
        scope.spawn(move || speaker.write_all(&said).expect("it is heard"));
        let mut line = String::new();
        for number in 0..LINES {
            line.clear();
            heard.read_line(&mut line).expect("lines come");
            assert_eq!(line, format!("mouth: {number:060}\n"));
        }
    });
    LINES as f64 / start.elapsed().as_secs_f64()
}

fn join(server: &Server, name: &str) -> (TcpStream, BufReader<TcpStream>) {
    let mut stream = TcpStream::connect(server.address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("it is one");
    writeln!(stream, "{name}").expect("it is connected");
    let mut heard = BufReader::new(stream.try_clone().expect("descriptors are left"));
    let mut welcome = Vec::new();
    while welcome.len() < WELCOME.len() {
        let bytes = heard.read_until(b'\n', &mut welcome);
        assert!(bytes.expect("it is welcome") > 0, "{name} is turned away");
    }
    (stream, heard)
}
