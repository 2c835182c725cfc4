//! Captures of sealed connections: with the secrets of a key log they tell what the plain ones tell,
//! and without them what can be told.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Cursor, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::rc::Rc;

use chatroom::cli::{Cli, Command as Subcommand};
use chatroom::trace::capture::CaptureReader;
use chatroom::trace::options::Options;
use chatroom::trace::packet::{ACK, Fragments, Packet, SYN};
use chatroom::trace::pass::Pass;
use chatroom::trace::show::outputs::Outputs;
use chatroom::trace::tcp::reassembly::Reassembly;
use chatroom::trace::tls::key_log::KeyLog;
use chatroom::trace::tls::{Tls, Told, Way};
use clap::Parser;
use rustls::SupportedCipherSuite;
use rustls::crypto::ring::{cipher_suite, kx_group};
use serde_json::Value;

use super::house::{House, Made, captured, of, story, text};
use super::seal::Sealer;
use super::support::{file_with, has_tshark, trace, trace_ok};

const SUITES: [SupportedCipherSuite; 3] = [
    cipher_suite::TLS13_AES_128_GCM_SHA256,
    cipher_suite::TLS13_AES_256_GCM_SHA384,
    cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
];

/// Somebody of each encoding, who come, talk, and go.
fn talk() -> Vec<Made> {
    talk_of(true)
}

/// The same, where one of them speaks JSON, or none does.
fn talk_of(json: bool) -> Vec<Made> {
    let mut house = House::default();
    let people = [("soheil", false), ("ali", json), ("سهیل", false)];
    let people = people.map(|(name, json)| house.join(name, json));
    for round in 0..4 {
        house.types(people[0], &format!("hello {round}"));
        house.types(people[1], "/me waves \"twice\"");
        house.types(people[2], &"سلام ".repeat(300));
        house.types(people[1], "/msg soheil psst");
    }
    house.types(people[0], "/nick omid");
    house.types(people[0], "still me");
    house.leave(people[1]);
    house.types(people[2], "ali is gone");
    house.leave(people[0]);
    house.leave(people[2]);
    house.steps
}

fn options() -> Options {
    let words = ["chatroom", "trace", "-m", "-s", "--keylog", "x", "x.pcap"];
    match Cli::parse_from(words).command {
        Subcommand::Trace(options) => (&options).into(),
        other => panic!("{other:?}"),
    }
}

#[derive(Clone, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns what is written to a file with this ending, and to the screen.
fn shown(options: &Options, capture: &[u8], key_log: &str, ending: &str) -> (String, String) {
    let (mut screen, file) = (Vec::new(), Shared::default());
    let mut outputs = Outputs::new(options, &mut screen, false);
    let name = format!("x.{ending}");
    let copy = Box::new(file.clone());
    outputs.write_to(options, &name, copy).unwrap();
    let keys = KeyLog::following(Box::new(Cursor::new(key_log.to_owned())));
    let mut pass = Pass::new(options, outputs).with_keys(keys);
    let mut reader = CaptureReader::new(capture);
    while let Ok(Some(frame)) = reader.next_frame() {
        pass.frame(&frame).unwrap();
    }
    pass.finish(0).unwrap();
    drop(pass);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let written = text(&file.0.borrow());
    (written, text(&screen))
}

fn records(capture: &[u8], key_log: &str) -> Vec<Value> {
    let (text, _) = shown(&options(), capture, key_log, "ndjson");
    let records = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let mut records: Vec<Value> = records.collect();
    for record in &mut records {
        // What a plain connection says by its FIN.
        if record["how"] == "close_notify" {
            record["how"] = "FIN".into();
        }
    }
    records
}

/// Returns who got which message how late, and how late it was acknowledged.
fn latencies(records: &[Value]) -> Vec<[String; 3]> {
    let copies = of(records, "copy").into_iter();
    copies
        .filter(|copy| copy["of"] == "message")
        .map(|copy| ["name", "delay", "ack_delay"].map(|field| copy[field].to_string()))
        .collect()
}

#[test]
fn a_sealed_talk_tells_what_the_plain_one_tells() {
    let steps = talk();
    let plain = records(&captured(&steps), "");
    assert_eq!(of(&plain, "message").len(), 19);
    assert_eq!(story(&plain).missing, 0);
    for suite in SUITES {
        for update_every in [usize::MAX, 7, 1] {
            let mut pen = Sealer::with(suite).updating(update_every);
            // All of them, or some among plain ones.
            for first in [4001, 4002, 4003] {
                let (sealed, _) = pen.seal(&steps, |port| port >= first);
                let sealed = records(&captured(&sealed), &pen.key_log());
                assert_eq!(story(&sealed), story(&plain), "{suite:?} {first}");
                assert_eq!(latencies(&sealed), latencies(&plain), "{suite:?} {first}");
            }
        }
    }
}

#[test]
fn a_sealed_talk_is_drawn_as_the_plain_one() {
    let steps = talk();
    let mut pen = Sealer::with(SUITES[1]);
    let (sealed, _) = pen.seal(&steps, |_| true);
    let drawn = |steps: &[Made], ending| {
        let (text, _) = shown(&options(), &captured(steps), &pen.key_log(), ending);
        // Who leaves says so before the connection is closed.
        let lines = text.lines().take_while(|line| !line.contains("left"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let plain = drawn(&steps, "mmd");
    assert!(plain.len() > 60, "{plain:#?}");
    assert_eq!(drawn(&sealed, "mmd"), plain);
}

#[test]
fn a_client_that_is_asked_again_is_read() {
    let mut pen = Sealer::new(&SUITES[..1], &[kx_group::SECP384R1]);
    let steps = talk();
    let (sealed, _) = pen.seal(&steps, |_| true);
    let records = records(&captured(&sealed), &pen.key_log());
    assert_eq!(of(&records, "message").len(), 19);
    let words = of(&records, "tls");
    let asked = words.iter().filter(|word| word["what"] == "asked");
    assert_eq!(asked.count(), 3);
}

/// Returns the log without the lines that hold one of these words.
fn without(log: &str, words: &[&str]) -> String {
    let keep = |line: &&str| !words.iter().any(|word| line.contains(word));
    log.lines()
        .filter(keep)
        .fold(String::new(), |all, line| all + line + "\n")
}

#[test]
fn the_secrets_of_the_handshake_are_not_needed() {
    let steps = talk();
    let plain = story(&records(&captured(&steps), ""));
    for suite in SUITES {
        let mut pen = Sealer::with(suite).updating(5);
        let (sealed, _) = pen.seal(&steps, |_| true);
        let log = without(&pen.key_log(), &["HANDSHAKE", "EXPORTER"]);
        assert_eq!(story(&records(&captured(&sealed), &log)), plain);
    }
}

#[test]
fn without_secrets_it_is_told_who_connects_and_how_much_is_said() {
    let steps = talk();
    let mut pen = Sealer::with(SUITES[0]);
    let (sealed, _) = pen.seal(&steps, |_| true);
    let capture = captured(&sealed);
    let mut other = Sealer::with(SUITES[0]);
    other.seal(&steps, |_| true);
    let garbage = "this is\nno log\n\u{1}of \u{fffd} keys\n";
    for log in ["", garbage, &other.key_log()] {
        let (_, screen) = shown(&options(), &capture, log, "ndjson");
        for words in [
            "port 4001 to the server: TLS, as localhost\n",
            "the server to port 4001: TLS 1.3, TLS_AES_128_GCM_SHA256\n",
            "  port 4001 sends 7 bytes, sealed\n",
            "  the server sends port 4001 24 bytes, sealed\n",
            "\nroom       0 joined, 0 messages, 0 left\n",
            "\nTLS        3 connections, 0 of them read\n",
            "no secrets of this session",
        ] {
            assert!(screen.contains(words), "{words:?}: {screen}");
        }
        assert!(!screen.contains("hello 0") && !screen.contains("no copy"));
        let records = records(&capture, log);
        assert_eq!(of(&records, "connect").len(), 3);
        assert_eq!(of(&records, "end").len(), 3);
        assert!(of(&records, "notice").is_empty());
    }
    let (_, screen) = shown(&options(), &capture, garbage, "ndjson");
    assert!(
        screen.contains("secrets    of 0 sessions; lines of the log that are none: 3\n"),
        "{screen}"
    );
}

#[test]
fn the_secrets_of_another_session_under_this_ones_number_open_nothing() {
    let steps = talk();
    let mut pen = Sealer::with(SUITES[0]);
    let (sealed, _) = pen.seal(&steps, |_| true);
    let log = pen.key_log();
    let wrong = log.lines().fold(String::new(), |all, line| {
        let (start, secret) = line.rsplit_once(' ').unwrap();
        let other: String = secret.chars().rev().collect();
        format!("{all}{start} {other}\n")
    });
    let records = records(&captured(&sealed), &wrong);
    for kind in ["join", "message", "notice", "copy", "missing"] {
        assert!(of(&records, kind).is_empty(), "{kind}");
    }
}

#[test]
fn who_is_read_in_one_direction_only_tells_nothing_wrong() {
    let steps = talk();
    let mut pen = Sealer::with(SUITES[2]);
    let (sealed, _) = pen.seal(&steps, |port| port == 4001);
    let plain = records(&captured(&steps), "");
    for lacks in ["CLIENT_TRAFFIC", "SERVER_TRAFFIC"] {
        let log = without(&pen.key_log(), &[lacks]);
        let partly = records(&captured(&sealed), &log);
        let said = |records: &[Value]| {
            let of_message = |record: &&Value| format!("{} {}", record["name"], record["text"]);
            let messages = of(records, "message");
            messages.iter().map(of_message).collect::<BTreeSet<_>>()
        };
        assert!(said(&partly).is_subset(&said(&plain)), "{lacks}");
        assert!(of(&partly, "message").len() >= 12, "{lacks}");
        let missing = of(&partly, "missing");
        let wrong: Vec<_> = missing
            .iter()
            .filter(|missing| missing["not_captured"] != true)
            .collect();
        assert!(wrong.is_empty(), "{lacks}: {wrong:?}");
    }
}

/// Returns a capture of steps without the packet that carries the bytes of one of them.
fn captured_without(steps: &[Made], lost: usize) -> Vec<u8> {
    let packets_before: usize = steps[..lost]
        .iter()
        .map(|step| match step {
            Made::Open(_) | Made::Close(_) => 3,
            Made::Up(..) | Made::Down(..) => 2,
        })
        .sum();
    let all = captured(steps);
    let mut at = 24;
    for _ in 0..packets_before {
        at += packet_bytes(&all[at..]);
    }
    let behind = at + packet_bytes(&all[at..]);
    [&all[..at], &all[behind..]].concat()
}

fn packet_bytes(record: &[u8]) -> usize {
    16 + u32::from_le_bytes(record[8..12].try_into().unwrap()) as usize
}

/// Returns a text with each count of lost bytes left out.
fn without_counts(text: &str) -> String {
    let mut pieces: Vec<&str> = text.split(" bytes not captured]").collect();
    let last = pieces.pop().unwrap_or_default();
    let counts = pieces
        .iter()
        .map(|piece| piece.trim_end_matches(|c: char| c.is_ascii_digit()));
    counts.fold(String::new(), |all, piece| all + piece + "N]") + last
}

/// Returns what happened, of whose, and what was said or told.
fn with_gaps(records: &[Value]) -> Vec<[String; 3]> {
    let kinds = ["join", "message", "notice", "copy", "missing"];
    let told = records.iter();
    told.filter(|record| kinds.contains(&text(record, "record")))
        .map(|record| {
            ["record", "name", "text"]
                .map(|field| without_counts(record[field].as_str().unwrap_or_default()))
        })
        .collect()
}

/// Checks that nothing is told that wasn't said, unless it is said to be incomplete.
#[track_caller]
fn assert_true(records: &[Value], steps: &[Made], what: &str) {
    let said: BTreeSet<&[u8]> = steps
        .iter()
        .filter_map(|step| match step {
            Made::Up(_, bytes) | Made::Down(_, bytes) => Some(bytes),
            Made::Open(_) | Made::Close(_) => None,
        })
        .flat_map(|bytes| bytes.split(|byte| *byte == b'\n'))
        .collect();
    for [kind, name, text] in with_gaps(records) {
        let words = if kind == "join" { &name } else { &text };
        let is_true = said.contains(words.as_bytes()) || words.contains("N]");
        assert!(is_true || words.is_empty(), "{what}: {kind} {name} {text}");
    }
}

/// Whichever packet of the talk is lost: as much is told as if the talk were plain.
#[test]
fn what_the_capture_lacks_costs_as_much_as_in_a_plain_one() {
    let steps = talk();
    for (suite, update_every) in [(SUITES[0], usize::MAX), (SUITES[1], 6)] {
        let mut pen = Sealer::with(suite).updating(update_every);
        let (sealed, places) = pen.seal(&steps, |_| true);
        let log = pen.key_log();
        let mut compared = 0;
        for (at, step) in steps.iter().enumerate() {
            let goes_on = |rest: &[Made]| {
                rest.iter().any(|other| match (step, other) {
                    (Made::Up(port, _), Made::Up(other, _))
                    | (Made::Down(port, _), Made::Down(other, _)) => port == other,
                    _ => false,
                })
            };
            // A hole at the end is told of a sealed connection, whose end comes behind it.
            if !goes_on(&steps[at + 1..]) {
                continue;
            }
            let plain = records(&captured_without(&steps, at), "");
            let sealed = records(&captured_without(&sealed, places[at]), &log);
            assert_eq!(
                with_gaps(&sealed),
                with_gaps(&plain),
                "{suite:?}, step {at}"
            );
            compared += 1;
        }
        assert!(compared > 60, "{compared}");
    }
}

#[test]
fn a_handshake_that_lacks_a_packet_tells_nothing_wrong() {
    let steps = talk_of(false);
    let mut pen = Sealer::with(SUITES[1]);
    let (sealed, places) = pen.seal(&steps, |_| true);
    for at in 1..places[1] {
        let records = records(&captured_without(&sealed, at), &pen.key_log());
        assert!(with_gaps(&records).len() > 40, "{at}");
        assert_true(&records, &steps, &format!("packet {at}"));
    }
}

#[test]
fn every_prefix_and_every_snap_length_is_read() {
    let steps = talk_of(false);
    let mut pen = Sealer::with(SUITES[0]).updating(3);
    let (sealed, _) = pen.seal(&steps[..60], |port| port != 4002);
    let (capture, log) = (captured(&sealed), pen.key_log());
    for end in (24..capture.len()).step_by(97) {
        let records = records(&capture[..end], &log);
        assert_true(&records, &steps, &format!("{end} bytes"));
    }
    for snap in 40..200 {
        let records = records(&snapped(&capture, snap), &log);
        assert_true(&records, &steps, &format!("{snap} bytes a packet"));
    }
}

/// Returns a capture whose packets are cut to so many bytes.
fn snapped(capture: &[u8], snap: usize) -> Vec<u8> {
    let mut out = capture[..24].to_vec();
    let mut at = 24;
    while at < capture.len() {
        let length = packet_bytes(&capture[at..]);
        let kept = (length - 16).min(snap);
        out.extend(&capture[at..at + 8]);
        out.extend(u32::try_from(kept).unwrap().to_le_bytes());
        out.extend(&capture[at + 12..at + 16 + kept]);
        at += length;
    }
    out
}

#[test]
fn flipped_bits_open_nothing_wrong() {
    let steps = talk_of(false);
    let mut pen = Sealer::with(SUITES[2]).updating(9);
    let (sealed, _) = pen.seal(&steps, |_| true);
    let (capture, log) = (captured(&sealed), pen.key_log());
    let mut at = 24;
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    while at < capture.len() {
        let length = packet_bytes(&capture[at..]);
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        if length > 16 + 40 {
            let mut flipped = capture.clone();
            let bits = (length - 56) * 8;
            let bit = usize::try_from(random >> 33).unwrap() % bits;
            flipped[at + 56 + bit / 8] ^= 1 << (bit % 8);
            let records = records(&flipped, &log);
            assert_true(&records, &steps, &format!("packet at byte {at}"));
        }
        at += length;
    }
}

#[test]
fn old_versions_are_said_not_to_be_read() {
    let mut pen = Sealer::with(SUITES[0]);
    let (sealed, _) = pen.seal(&talk()[..1], |_| true);
    let Made::Up(_, hello) = &sealed[1] else {
        panic!("{} steps", sealed.len());
    };
    let mut answer = vec![22, 3, 3, 0, 42, 2, 0, 0, 38, 3, 3];
    answer.extend([9; 32]);
    answer.extend([0, 0xc0, 0x2f, 0]);
    let data = [&[23, 3, 3, 0, 40][..], &[7; 40]].concat();
    let steps = [
        Made::Open(4001),
        Made::Up(4001, hello.clone()),
        Made::Down(4001, answer),
        Made::Up(4001, data.clone()),
        Made::Up(4001, data.clone()),
        Made::Down(4001, data),
        Made::Close(4001),
    ];
    let (_, screen) = shown(&options(), &captured(&steps), &pen.key_log(), "txt");
    for words in [
        "the server to port 4001: TLS 1.2, cipher suite 0xc02f\n",
        "port 4001 sends 23 bytes, sealed\n",
        "TLS 1.2 is not read",
    ] {
        assert!(screen.contains(words), "{words:?}: {screen}");
    }
}

#[test]
fn a_capture_that_begins_inside_a_connection_says_so() {
    let mut pen = Sealer::with(SUITES[0]);
    let (sealed, places) = pen.seal(&talk(), |_| true);
    let whole = captured(&sealed);
    let (mut at, mut left) = (24, 3 + 2 * (places[3] - 1));
    while left > 0 {
        at += packet_bytes(&whole[at..]);
        left -= 1;
    }
    let capture = [&whole[..24], &whole[at..]].concat();
    let (_, screen) = shown(&options(), &capture, &pen.key_log(), "txt");
    assert!(
        screen.contains("its beginning was not captured"),
        "{screen}"
    );
    assert!(screen.contains("ali: "), "{screen}");
    assert!(!screen.contains('\u{fffd}'), "{screen}");
}

#[test]
fn what_people_said_is_left_out_of_a_sealed_talk_too() {
    let mut pen = Sealer::with(SUITES[0]);
    let (sealed, _) = pen.seal(&talk(), |_| true);
    let options = Options {
        redact: true,
        ..options()
    };
    for ending in ["ndjson", "svg", "html", "txt", "mmd"] {
        let (text, screen) = shown(&options, &captured(&sealed), &pen.key_log(), ending);
        for said in ["hello 0", "waves", "سلام", "psst"] {
            assert!(!text.contains(said) && !screen.contains(said), "{ending}");
        }
        assert!(screen.contains("soheil: <7 bytes>"), "{screen}");
    }
}

#[test]
fn a_key_log_is_a_file_that_is_there() {
    let mut pen = Sealer::with(SUITES[0]);
    let (sealed, _) = pen.seal(&talk(), |_| true);
    let capture = file_with(&captured(&sealed));
    let output = trace(&["--keylog", "/nonexistent/keys"], capture.path());
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("/nonexistent/keys: No such file"), "{error}");
    let keys = file_with(pen.key_log().as_bytes());
    let keys = keys.path().to_str().unwrap();
    let screen = trace_ok(&["--keylog", keys], capture.path());
    assert!(screen.contains("  soheil: hello 0\n"), "{screen}");
    assert!(screen.contains("TLS        3 connections, 3 of them read"));
    assert!(screen.contains("secrets    of 3 sessions\n"));
    let screen = trace_ok(&["-p", "5050,4999", "--keylog", keys], capture.path());
    assert!(screen.contains(" on ports 5050, 4999, "), "{screen}");
}

/// Returns what goes each way over a stream, opened.
fn opened(capture: &Path, stream: u32, key_log: &str) -> [Vec<u8>; 2] {
    let mut reader = CaptureReader::new(File::open(capture).unwrap());
    let mut streams = chatroom::trace::tcp::Streams::new(1000);
    let mut ends = [Reassembly::default(), Reassembly::default()];
    let mut bytes = [Vec::new(), Vec::new()];
    let mut keys = KeyLog::following(Box::new(Cursor::new(key_log.to_owned())));
    let mut tls = Tls::new(false);
    let (mut total, mut fragments) = (0, Fragments::default());
    while let Ok(Some(frame)) = reader.next_frame() {
        let mut whole = None;
        let Ok(packet) = Packet::read(&frame, &mut fragments, &mut whole) else {
            continue;
        };
        let segment = chatroom::trace::tcp::analyse(&mut streams, frame.number, 0, &packet);
        if segment.stream != stream {
            continue;
        }
        assert!(packet.has(ACK) || packet.has(SYN));
        let way = if packet.dst_port == 5050 {
            Way::Up
        } else {
            Way::Down
        };
        let out = &mut bytes[way as usize];
        let first = packet.seq.wrapping_add(u32::from(packet.has(SYN)));
        let end = &mut ends[way as usize];
        end.push(first, packet.payload, packet.len, &mut total, &mut |run| {
            tls.push(way, &run, &mut keys, &mut |told| {
                if let Told::Bytes(run) = told {
                    out.extend_from_slice(run.data);
                }
            });
        });
    }
    bytes
}

#[test]
fn what_is_opened_is_what_tshark_opens() {
    if !has_tshark() {
        return;
    }
    for suite in SUITES {
        let mut pen = Sealer::with(suite).updating(8);
        let (sealed, _) = pen.seal(&talk(), |_| true);
        let capture = file_with(&captured(&sealed));
        let keys = file_with(pen.key_log().as_bytes());
        for stream in 0..3 {
            let output = Command::new("tshark")
                .args(["-n", "-d", "tcp.port==5050,tls", "-q"])
                .args(["-o", &format!("tls.keylog_file:{}", keys.path().display())])
                .args(["-z", &format!("follow,tls,raw,{stream}"), "-r"])
                .arg(capture.path())
                .stderr(Stdio::null())
                .output()
                .unwrap();
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let node = text.lines().find_map(|line| line.strip_prefix("Node 0: "));
            let is_server = node.unwrap().ends_with(":5050");
            let mut theirs = [Vec::new(), Vec::new()];
            for line in text.lines() {
                let digits = line.trim();
                if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    continue;
                }
                let way = usize::from(line.starts_with('\t') != is_server);
                let pairs = (0..digits.len()).step_by(2);
                theirs[way]
                    .extend(pairs.map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()));
            }
            let ours = opened(capture.path(), stream, &pen.key_log());
            assert!(ours[0].len() > 40, "{} bytes", ours[0].len());
            assert!(ours[1].len() > 200, "{} bytes", ours[1].len());
            assert!(ours == theirs, "{suite:?}, stream {stream}: {text}");
        }
    }
}
