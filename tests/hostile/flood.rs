//! More than anybody should send: urgent data, lines without end, lines without pause.

use std::time::{Duration, Instant};

use rustix::net::{SendFlags, send};

use crate::common::crowd::{crowd_permit, join_crowd, that_fit};
use crate::common::{PATIENCE, Server};
use crate::measure::{MIB, busy_part, discard, numbered_lines, pings, push};

/// `--max-line-bytes` unless told otherwise.
const LINE_BYTES: usize = 4096;

#[test]
fn urgent_data_keeps_nothing_busy_and_no_line_is_lost() {
    let server = Server::start(&["--rate", "0"]);
    let (ali, mut bob) = (server.join("ali"), server.join("bob"));
    for round in 0..20 {
        for _ in 0..500 {
            // The socket may be full for a moment; then this one is not sent.
            send(ali.stream(), b"!", SendFlags::OOB).ok();
        }
        ali.say(format!("line {round}"));
        // Where one mark overtakes another, the byte of the first is taken for data.
        let heard = bob.line();
        let text = heard.strip_prefix("ali: ").unwrap();
        assert_eq!(text.trim_start_matches('!'), format!("line {round}"));
    }
    let busy = busy_part(&server, Duration::from_millis(500));
    assert!(busy < 0.2, "busy for nothing: {busy}");
    ali.say("later");
    bob.expect("ali: later");
}

#[test]
fn lines_without_end_cost_the_limit_each_and_are_told_of() {
    let _permit = crowd_permit();
    let count = that_fit(5000);
    let mut server = Server::start(&["--rate", "0"]);
    let mut peers = join_crowd(&mut server, "p", count);
    let before = server.peak_resident_bytes();
    // First everybody is just below the limit: this is as much as may be kept.
    let start = vec![b'x'; LINE_BYTES];
    for peer in &peers {
        peer.send(&start);
    }
    let rest = vec![b'x'; MIB - LINE_BYTES];
    for peer in &peers {
        peer.send(&rest);
    }
    for peer in &mut peers {
        peer.expect("* Your line was not sent: it is longer than 4096 bytes.");
    }
    let growth = server.peak_resident_bytes() - before;
    // A little for what is kept beside the line, and what the server needs anyhow.
    let allowed = count * (LINE_BYTES + 512) + 2 * MIB;
    assert!(growth < allowed, "grew by {growth}, {allowed} allowed");
    // The line ends at last, and the next one counts.
    peers[0].say("\nhello");
    peers[1].expect("p0: hello");
}

#[test]
fn a_sender_that_stops_after_ten_megabytes_had_every_byte_handled() {
    const LINES: usize = 10 * MIB / 128;
    let line = |number: usize| format!("{number:08} {}", "y".repeat(118));
    let server = Server::start(&["--rate", "0"]);
    let (ali, mut bob) = (server.join("ali"), server.join("bob"));
    let sender = std::thread::spawn(move || {
        for from in (0..LINES).step_by(500) {
            let lines = (from..LINES.min(from + 500)).map(|number| line(number) + "\n");
            ali.send(lines.collect::<String>());
        }
        // The last one lacks its end, and then nothing comes any more.
        ali.send("the last");
        drop(ali);
    });
    for number in 0..LINES {
        bob.expect(&format!("ali: {}", line(number)));
    }
    bob.expect("ali: the last");
    bob.expect("ali has left the chatroom!");
    sender.join().unwrap();
}

#[test]
fn one_who_speaks_without_pause_starves_nobody() {
    let _permit = crowd_permit();
    let mut server = Server::start(&["--rate", "0"]);
    let mut quiet = join_crowd(&mut server, "q", 1000);
    let (flooder, mut listener) = (server.join("flooder"), quiet.pop().unwrap());
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopped = stop.clone();
    let is_over = move || stopped.load(std::sync::atomic::Ordering::Relaxed);
    let flood = {
        let is_over = is_over.clone();
        std::thread::spawn(move || {
            let lines = b"flood\n".repeat(100);
            let mut sent = 0;
            while !is_over() {
                sent += push(&flooder, &lines, Duration::from_millis(100));
            }
            sent
        })
    };
    // Everybody reads, so that nobody has to be waited for or cut.
    let speaker = quiet.pop().unwrap();
    let readers = std::thread::spawn(move || {
        while !is_over() {
            for peer in &quiet {
                discard(peer.stream());
            }
        }
        quiet
    });
    let times = pings(&speaker, &mut listener, "q998", 20);
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let sent = flood.join().unwrap();
    readers.join().unwrap();
    println!("{sent} bytes of flood; {times:?}");
    assert!(sent > 10_000, "no flood: {sent} bytes");
    let longest = times.last().unwrap();
    assert!(*longest < Duration::from_secs(3), "took {longest:?}");
}

#[test]
fn a_rate_slows_and_loses_nothing() {
    let mut server = Server::start(&["--rate", "50", "--burst", "10"]);
    let (ali, mut bob, mut carl) = (server.join("ali"), server.join("bob"), server.join("carl"));
    let start = Instant::now();
    ali.send(numbered_lines(60));
    bob.expect("ali: line 0");
    // Nobody else is slowed.
    carl.say("hello");
    let before_carl = bob.lines_before("carl: hello");
    assert!(before_carl.len() < 30, "{before_carl:?}");
    for number in 1 + before_carl.len()..60 {
        bob.expect(&format!("ali: line {number}"));
    }
    let took = start.elapsed();
    // The name was the first of the burst.
    let least = Duration::from_secs((60 - 10) / 50);
    assert!(took >= least, "60 lines within {took:?}");
    assert!(took < PATIENCE / 3, "60 lines took {took:?}");
    for number in 0..60 {
        // Its own place in the order is not carl's to choose.
        let line = carl.line();
        assert_eq!(line, format!("ali: line {number}"));
    }
    server.drain_log();
    assert!(!server.texts().iter().any(|text| text.contains("cut off")));
}

#[test]
fn what_is_over_the_rate_is_not_read() {
    let server = Server::start(&["--rate", "1", "--burst", "1"]);
    let (ali, mut bob) = (server.join("ali"), server.join("bob"));
    let before = server.peak_resident_bytes();
    let taken = push(&ali, &b"x\n".repeat(16 * MIB), Duration::from_millis(300));
    assert!(taken < 8 * MIB, "the server took {taken} bytes");
    bob.expect("ali: x");
    let growth = server.peak_resident_bytes() - before;
    assert!(growth < 2 * MIB, "grew by {growth} bytes");
    let busy = busy_part(&server, Duration::from_millis(500));
    assert!(busy < 0.2, "busy while it waits: {busy}");
}
