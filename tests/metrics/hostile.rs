//! Ten thousand hostile requests, and what they cost the room.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::Watched;
use crate::common::Peer;

/// Returns the 99th percentile of how long a line takes from one to the other.
fn p99(talker: &Peer, ears: &mut Peer, lines: usize) -> Duration {
    let mut times: Vec<_> = (0..lines)
        .map(|number| {
            let start = Instant::now();
            talker.say(number.to_string());
            ears.expect(&format!("talker: {number}"));
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[lines * 99 / 100]
}

/// Does something hostile to whoever answers there.
fn attack(at: SocketAddr, number: usize) {
    let Ok(mut stream) = TcpStream::connect(at) else {
        return;
    };
    stream
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    let junk = vec![b'x'; 16 * 1024];
    let request: &[u8] = match number % 8 {
        0 => b"GET /metrics HTTP/1.1\r\n\r\n",
        1 => b"GET /metrics HTTP/1.1\r\nHost: ",
        2 => &junk,
        3 => b"\x16\x03\x01\x02\x00\x01\x00",
        4 => b"POST /metrics HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n",
        5 => b"\n\n\n\n\n\n\n\n\n\n\n\n",
        6 => b"",
        _ => b"GET /metrics HTTP/1.1\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n",
    };
    stream.write_all(request).ok();
    if number.is_multiple_of(3) {
        // Whatever comes of it.
        drop(stream.read(&mut [0; 1024]));
    }
    if number.is_multiple_of(5) {
        // Goes in anger.
        socket2::SockRef::from(&stream)
            .set_linger(Some(Duration::ZERO))
            .ok();
    }
}

#[test]
fn ten_thousand_hostile_requests_cost_the_room_nothing() {
    const REQUESTS: usize = 10_000;
    let watched = Watched::start(&["--rate", "0"]);
    let mut ears = watched.server.join("ears");
    let talker = watched.server.join("talker");
    let before = p99(&talker, &mut ears, 2000);
    let next = AtomicUsize::new(0);
    let done = AtomicBool::new(false);
    let mut during = Vec::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            let attackers: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        loop {
                            let number = next.fetch_add(1, Ordering::Relaxed);
                            if number >= REQUESTS {
                                break;
                            }
                            attack(watched.at, number);
                        }
                    })
                })
                .collect();
            for attacker in attackers {
                attacker.join().unwrap();
            }
            done.store(true, Ordering::Relaxed);
        });
        while !done.load(Ordering::Relaxed) {
            during.push(p99(&talker, &mut ears, 500));
        }
    });
    during.sort_unstable();
    let median = during[during.len() / 2];
    println!(
        "p99 {before:?} before, {median:?} during, in the median of {}",
        during.len()
    );
    // Attackers and the room share this machine's processors: far more than that would be the
    // server's doing.
    assert!(
        median < before * 5 + Duration::from_millis(5),
        "{before:?} {median:?}"
    );
    assert!(watched.get("/healthz").ends_with("ok\n"));
    let descriptors = std::fs::read_dir(format!("/proc/{}/fd", watched.server.id()));
    assert!(descriptors.unwrap().count() < 50);
}
