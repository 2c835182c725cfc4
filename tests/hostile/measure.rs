//! What the tests measure of a server.

use std::collections::HashSet;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use socket2::{Domain, Socket, Type};

use crate::common::incoming::is_ready;
use crate::common::{PATIENCE, Peer, Server, Signal};

/// A mebibyte.
pub(crate) const MIB: usize = 1 << 20;

/// Clock ticks a second in `/proc`; the same on every Linux.
const TICKS_PER_S: u64 = 100;

/// Whether the tests that take minutes are to run.
pub(crate) fn slow_tests() -> bool {
    std::env::var_os("CHATROOM_SLOW_TESTS").is_some_and(|value| value == "1")
}

/// Returns how long the longest turn of the loop took, as the server says at its end.
pub(crate) fn longest_turn(log: &[String]) -> Duration {
    let (_, ms) = log
        .iter()
        .find_map(|text| text.split_once("longest turn "))
        .expect("the server says so");
    let (ms, _) = ms.split_once(" ms").unwrap();
    Duration::from_secs_f64(ms.parse::<f64>().unwrap() / 1e3)
}

/// Asks the server how it goes until its answer begins with `start`, and returns that.
pub(crate) fn report_of(server: &mut Server, start: &str) -> String {
    let mut report = None;
    wait_until("a report", || {
        server.signal(Signal::USR1);
        server.drain_log();
        let is_report =
            |text: &&String| text.starts_with(start) && text.contains("; longest turn ");
        report = server.texts().iter().rev().find(is_report).cloned();
        report.is_some()
    });
    report.unwrap()
}

/// Returns how many descriptors the server has open.
pub(crate) fn descriptors(server: &Server) -> usize {
    fs::read_dir(format!("/proc/{}/fd", server.id()))
        .unwrap()
        .count()
}

/// Returns how much processor time process `id` has used.
pub(crate) fn processor_time(id: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    // The name in parentheses may hold anything; behind it, utime and stime are the 12th and 13th.
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split(' ').collect();
    let ticks: u64 = fields[12].parse::<u64>().unwrap() + fields[13].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 1000 / TICKS_PER_S)
}

/// Watches the server for `time`, while nothing happens, and returns how busy it was: 0 to 1.
pub(crate) fn busy_part(server: &Server, time: Duration) -> f64 {
    let before = processor_time(server.id());
    let start = Instant::now();
    idle(time);
    let used = processor_time(server.id()).saturating_sub(before);
    used.as_secs_f64() / start.elapsed().as_secs_f64()
}

/// Lets `time` pass.
pub(crate) fn idle(time: Duration) {
    let (quiet, _open) = std::io::pipe().unwrap();
    assert!(!is_ready(&quiet, PollFlags::IN, Instant::now() + time));
}

/// Waits until `done`, looking every few milliseconds, at most as long as tests wait for things.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        idle(Duration::from_millis(5));
    }
}

/// Connects with the smallest receive buffer there is.
pub(crate) fn connect_deaf(server: &Server) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(1).unwrap();
    socket.connect(&server.address().into()).unwrap();
    socket.into()
}

/// Sends what the socket takes of `bytes` until it has taken nothing for `patience`; returns how
/// much it took.
pub(crate) fn push(peer: &Peer, bytes: &[u8], patience: Duration) -> usize {
    let mut taken = 0;
    while taken < bytes.len() {
        match peer.stream().write(&bytes[taken..]) {
            Ok(count) => taken += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if !is_ready(
                    peer.stream().as_fd(),
                    PollFlags::OUT,
                    Instant::now() + patience,
                ) {
                    break;
                }
            }
            Err(error) => panic!("write: {error}"),
        }
    }
    taken
}

/// Returns `line 0`, `line 1` ..., each with its end.
pub(crate) fn numbered_lines(count: usize) -> String {
    let lines: Vec<String> = (0..count)
        .map(|number| format!("line {number}\n"))
        .collect();
    lines.concat()
}

/// Reads what there is on a socket and throws it away.
pub(crate) fn discard(mut stream: &TcpStream) {
    let mut chunk = [0; 16 * 1024];
    while stream.read(&mut chunk).is_ok_and(|count| count > 0) {}
}

/// Lets `from` say something until `to` hears it, `count` times; returns how long each took, the
/// shortest first. What `to` hears beside it is passed over.
pub(crate) fn pings(from: &Peer, to: &mut Peer, name: &str, count: usize) -> Vec<Duration> {
    let mut times: Vec<Duration> = (0..count)
        .map(|number| {
            let start = Instant::now();
            from.say(format!("ping {number}"));
            to.lines_before(&format!("{name}: ping {number}"));
            start.elapsed()
        })
        .collect();
    times.sort();
    times
}

/// Returns the address that process `id` listens on, for a server whose log nobody reads.
pub(crate) fn listening_address(id: u32) -> Option<SocketAddr> {
    let sockets: HashSet<String> = fs::read_dir(format!("/proc/{id}/fd"))
        .ok()?
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter_map(|link| {
            let inode = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
            Some(inode.to_owned())
        })
        .collect();
    let table = fs::read_to_string(format!("/proc/{id}/net/tcp")).ok()?;
    table.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        // State 0A is listening.
        let ours = fields.get(3) == Some(&"0A") && sockets.contains(*fields.get(9)?);
        let port = fields.get(1)?.split_once(':')?.1;
        let port = u16::from_str_radix(port, 16).ok().filter(|_| ours)?;
        Some(SocketAddr::from(([127, 0, 0, 1], port)))
    })
}
