//! Who doesn't read costs the others neither memory nor time.

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use socket2::SockRef;

use crate::common::crowd::{crowd_permit, join_crowd};
use crate::common::{PATIENCE, Server};
use crate::measure::{MIB, connect_deaf, pings};

/// Lets somebody join with the smallest receive buffer there is, who then reads nothing any more.
fn join_and_read_nothing(server: &Server, name: &str) -> TcpStream {
    let stream = connect_deaf(server);
    std::io::Write::write_all(&mut &stream, format!("{name}\n").as_bytes()).unwrap();
    stream
}

/// Returns how many lines the log says it has lost.
fn lost_lines(text: &str) -> Option<usize> {
    let (count, _) = text.split_once(" lines of the log were lost")?;
    count.parse().ok()
}

/// Returns the name of who is cut off as a slow reader in a line of the log.
fn cut_off(text: &str) -> Option<&str> {
    text.split_once(" is cut off: slow reader")
        .map(|(name, _)| name)
}

#[test]
fn a_thousand_who_read_nothing_cost_the_backlog_and_no_more() {
    const SLOW: usize = 1000;
    const LINES: usize = 1500;
    const BACKLOG: &str = "1000000";
    let _permit = crowd_permit();
    let mut server = Server::start(&["--rate", "0", "--backlog-bytes", BACKLOG]);
    let mut healthy = join_crowd(&mut server, "healthy", 3);
    let slow = join_crowd(&mut server, "slow", SLOW);
    for peer in &slow {
        SockRef::from(peer.stream())
            .set_recv_buffer_size(1)
            .unwrap();
    }
    let talker = server.join("talker");
    let before = server.peak_resident_bytes();
    let mut heard: Vec<Vec<String>> = vec![Vec::new(); healthy.len()];
    let text = "x".repeat(4000);
    for number in 0..LINES {
        talker.say(format!("{number} {text}"));
        let line = format!("talker: {number} {text}");
        for (peer, heard) in healthy.iter_mut().zip(&mut heard) {
            // Between the lines, others leave.
            heard.extend(peer.lines_before(&line));
        }
        server.drain_log();
    }
    let deadline = Instant::now() + PATIENCE;
    while heard.iter().any(|heard| heard.len() < SLOW) {
        assert!(Instant::now() < deadline, "{} left", heard[0].len());
        for (peer, heard) in healthy.iter_mut().zip(&mut heard) {
            if heard.len() < SLOW {
                heard.push(peer.line());
            }
        }
    }
    let growth = server.peak_resident_bytes() - before;
    assert!(growth < 1_000_000 + 3 * MIB, "grew by {growth} bytes");
    // Each once, in one order for all, each with its reason in the log.
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    for line in &heard[0] {
        let name = line.strip_suffix(" has left the chatroom!").expect(line);
        *left.entry(name).or_default() += 1;
    }
    assert!(left.len() == SLOW && left.values().all(|&times| times == 1));
    assert!(
        heard.iter().all(|other| *other == heard[0]),
        "another order"
    );
    talker.say("the end");
    healthy[0].expect("talker: the end");
    // Each with its reason in the log, as far as its pipe took so many lines at once.
    let log = server.stop();
    let cut = log.iter().filter(|text| cut_off(text).is_some()).count();
    let lost: usize = log.iter().filter_map(|text| lost_lines(text)).sum();
    assert!(cut <= SLOW && cut + lost >= SLOW, "{cut} cut, {lost} lost");
}

#[test]
fn one_who_never_reads_holds_up_nobody() {
    // Small, so that the one is soon far behind, and just not overrun.
    const BACKLOG: usize = 1_000_000;
    let mut server = Server::start(&["--rate", "0", "--backlog-bytes", &BACKLOG.to_string()]);
    let (ali, mut bob) = (server.join("ali"), server.join("bob"));
    let alone = pings(&ali, &mut bob, "ali", 300);
    let stuck = join_and_read_nothing(&server, "stuck");
    server.expect_log("stuck is joined to the chatroom!");
    let line = "x".repeat(1000);
    let mut longest = Duration::ZERO;
    for _ in 0..BACKLOG / 1000 * 3 / 4 {
        let start = Instant::now();
        ali.say(&line);
        bob.expect(&format!("ali: {line}"));
        longest = longest.max(start.elapsed());
    }
    // The room waits for who falls behind, but not for who takes nothing at all.
    assert!(longest < Duration::from_secs(2), "took {longest:?}");
    let beside = pings(&ali, &mut bob, "ali", 300);
    let p99 = |times: &[Duration]| times[times.len() * 99 / 100];
    let (alone, beside) = (p99(&alone), p99(&beside));
    println!("p99 alone {alone:?}, beside a stuck reader {beside:?}");
    assert!(beside < 20 * alone + Duration::from_millis(100));
    server.drain_log();
    assert!(
        !server.texts().iter().any(|text| cut_off(text).is_some()),
        "it was to be stuck, not cut"
    );
    drop(stuck);
    bob.lines_before("stuck has left the chatroom!");
}

#[test]
fn one_who_reads_slowly_hears_every_line() {
    const LINES: usize = 1000;
    let server = Server::start(&["--rate", "0", "--backlog-bytes", "200000"]);
    let (talker, mut slow) = (server.join("talker"), server.join("slow"));
    let text = "x".repeat(2000);
    let flood = {
        let text = text.clone();
        std::thread::spawn(move || {
            for number in 0..LINES {
                talker.say(format!("{number} {text}"));
            }
            talker
        })
    };
    // Ten times the backlog: the talker has to wait, the reader is not cut.
    for number in 0..LINES {
        slow.expect(&format!("talker: {number} {text}"));
        if number % 100 == 0 {
            crate::measure::idle(Duration::from_millis(20));
        }
    }
    drop(flood.join().unwrap());
    slow.expect("talker has left the chatroom!");
}

#[test]
fn private_lines_to_one_who_reads_nothing_are_refused() {
    let mut server = Server::start(&["--rate", "0"]);
    let mut ali = server.join("ali");
    let stuck = join_and_read_nothing(&server, "stuck");
    server.expect_log("stuck is joined to the chatroom!");
    let before = server.peak_resident_bytes();
    let text = "x".repeat(4000);
    let mut refused = 0;
    for _ in 0..2000 {
        ali.say(format!("/msg stuck {text}"));
        ali.say("/who");
        let mut line = ali.line();
        if line.starts_with("* Your message was not sent: stuck is not reading") {
            refused += 1;
        } else {
            assert_eq!(line, "* Your message reached stuck.");
        }
        line = ali.line();
        assert_eq!(line, "* Here (2): ali, stuck");
    }
    assert!(refused > 1000, "refused {refused} times");
    let growth = server.peak_resident_bytes() - before;
    assert!(growth < 2 * MIB, "grew by {growth} bytes");
    drop(stuck);
}
