//! Nothing that a capture contains may panic, hang or bloat the program.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::process::Stdio;
use std::rc::Rc;

use chatroom::cli::{Cli, Command};
use chatroom::trace::capture::CaptureReader;
use chatroom::trace::options::Options;
use chatroom::trace::pass::Pass;
use chatroom::trace::show::outputs::Outputs;
use chatroom::trace::tls::key_log::KeyLog;
use clap::Parser;

use super::support::{CAPTURES, CUT_CAPTURES, capture, command, directory, trace, trace_bytes};

fn options() -> Options {
    let words = [
        "chatroom",
        "trace",
        "-l",
        "-m",
        "-s",
        "--details",
        "1-20",
        "x.pcap",
    ];
    match Cli::parse_from(words).command {
        Command::Trace(options) => (&options).into(),
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

/// Runs everything over a stream; returns all that is written, and how the stream ended.
fn everything(options: &Options, source: impl Read) -> (Vec<u8>, String) {
    let mut text = Vec::new();
    let records = Shared::default();
    let mut outputs = Outputs::new(options, &mut text, false);
    for name in ["x.ndjson", "x.txt"] {
        let file = Box::new(records.clone());
        outputs.write_to(options, name, file).unwrap();
    }
    let keys = File::open(capture("sealed.keys")).unwrap();
    let mut pass = Pass::new(options, outputs).with_keys(KeyLog::following(Box::new(keys)));
    let mut reader = CaptureReader::new(source);
    let end = loop {
        match reader.next_frame() {
            Ok(Some(frame)) => pass.frame(&frame).unwrap(),
            Ok(None) => break String::new(),
            Err(error) => break error.to_string(),
        }
    };
    pass.finish(reader.dropped()).unwrap();
    drop(pass);
    text.extend_from_slice(&records.0.borrow());
    (text, end)
}

/// A reader that gives so many bytes at a time.
struct Slowly<'a>(&'a [u8], usize);

impl Read for Slowly<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = self.1.min(buffer.len());
        self.0.read(&mut buffer[..most])
    }
}

/// Captures of what there is around TCP and in its options, of JSON, and of TLS.
const LAYERS: [&str; 8] = [
    "fragments_v4.pcap",
    "fragments_v6.pcap",
    "json.pcap",
    "links_fddi.pcap",
    "links_ppp.pcap",
    "sealed.pcap",
    "tcp_options.pcap",
    "tunnels.pcap",
];

fn all() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    CAPTURES
        .into_iter()
        .chain(CUT_CAPTURES)
        .chain(LAYERS)
        .map(|name| (name, fs::read(capture(name)).unwrap()))
}

/// All there are with `CHATROOM_SLOW_TESTS=1`, which takes minutes in a release build; a sample
/// otherwise.
fn rounds(all: usize, sample: usize) -> usize {
    if std::env::var_os("CHATROOM_SLOW_TESTS").is_some_and(|value| value == "1") {
        all
    } else {
        sample
    }
}

#[test]
fn every_prefix_of_every_capture_is_read() {
    let options = options();
    for (name, bytes) in all() {
        // All of a capture of less than 100 kB. A step is odd, so that ends lie everywhere in the
        // words that records are made of.
        let step = (bytes.len() / rounds(100_000, 60)).max(1) | 1;
        for end in (0..bytes.len()).step_by(step) {
            let (_, error) = everything(&options, &bytes[..end]);
            let cut = error.is_empty()
                || error.starts_with("capture ends in the middle of packet ")
                || error.starts_with("no capture data")
                || error.starts_with("not a pcap or pcapng capture");
            assert!(cut, "{end} bytes of {name}: {error}");
        }
    }
}

#[test]
fn flipped_bits_are_read() {
    let options = options();
    let captures: Vec<_> = all().filter(|(_, bytes)| bytes.len() < 30_000).collect();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random >> 33).unwrap()
    };
    for round in 0..rounds(100_000, 1500) {
        let (_, bytes) = &captures[round % captures.len()];
        let mut bytes = bytes.clone();
        for _ in 0..=next() % 4 {
            let bit = next() % (bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        everything(&options, bytes.as_slice());
    }
}

#[test]
fn how_the_bytes_come_makes_no_difference() {
    let options = options();
    for (name, bytes) in all() {
        let whole = everything(&options, bytes.as_slice());
        for at_once in [1, 7, 4096] {
            let slowly = everything(&options, Slowly(&bytes, at_once));
            assert!(whole == slowly, "{name}, {at_once} bytes at once");
        }
    }
}

#[test]
fn a_pipe_gives_the_same_bytes_as_a_file() {
    for (name, bytes) in all() {
        let file = trace(&["-l", "-m", "-s"], &capture(name));
        let pipe = trace_bytes(&["-l", "-m", "-s"], &bytes);
        assert!(file.stdout == pipe.stdout, "{name}");
        assert_eq!(file.status.code(), pipe.status.code(), "{name}");
    }
}

#[test]
fn what_the_fuzzer_found_is_read() {
    let options = options();
    let corpus = directory().parent().unwrap().join("fuzz/corpus/trace");
    let mut seen = 0;
    for entry in fs::read_dir(corpus).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        everything(&options, bytes.as_slice());
        seen += 1;
    }
    assert!(seen > 0, "the corpus is empty");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = command()
        .arg("-l")
        .arg(capture("slow.pcap"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
}

/// Returns the most memory that a process has had, in KiB.
fn peak_memory_kib(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// A capture of one packet after another with this in it: some people are seen once, so many others
/// again and again, so soon that they can't be forgotten.
fn endless(packet: u32, (persistent, data): (u32, &[u8]), bytes: &mut Vec<u8>) {
    let number = packet / 2;
    let (client, turn) = if packet.is_multiple_of(2) {
        (number % persistent, number / persistent)
    } else {
        (persistent + number, 0)
    };
    // Every other packet of a person leaves a hole, if it doesn't end a line.
    let step = if data.ends_with(b"\n") { 1 } else { 2 };
    let len = u32::try_from(data.len()).unwrap();
    let total = 40 + len;
    for word in [
        1_700_000_000 + packet / 1000,
        packet % 1000 * 1000,
        total,
        total,
    ] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend([0x45, 0]);
    bytes.extend(u16::try_from(total).unwrap().to_be_bytes());
    bytes.extend([0, 1, 0x40, 0, 64, 6, 0, 0, 10]);
    bytes.extend(&client.to_be_bytes()[1..]);
    bytes.extend([10, 255, 255, 255, 0x20, 0x00]);
    bytes.extend(5050_u16.to_be_bytes());
    bytes.extend(turn.wrapping_mul(step * len).wrapping_add(1).to_be_bytes());
    bytes.extend([0, 0, 0, 1, 0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0]);
    bytes.extend(data);
}

#[test]
fn memory_is_bounded_however_long_the_stream() {
    stays_bounded((5000, &[b'x'; 1000]));
}

#[test]
fn memory_is_bounded_whatever_programs_ask_for_and_are_told() {
    let text = "\\u001b".repeat(150);
    let line = |start: &str| format!("{start}\"{text}\"}}\n");
    // Nobody answers, and one asks without end.
    stays_bounded((1, line("{\"id\":\"7\",\"line\":").as_bytes()));
    stays_bounded((5000, line("{\"id\":\"7\",\"line\":").as_bytes()));
    stays_bounded((5000, format!("{{\"line\":\"{text}{text}").as_bytes()));
}

#[test]
fn memory_is_bounded_whatever_records_are_begun() {
    // A record as long as there may be, of which a packet has the start; nothing in it is what it seems.
    let mut begun = vec![22, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xfc];
    begun.resize(999, b'x');
    begun.push(b'\n');
    stays_bounded((5000, &begun));
    begun[0] = 23;
    stays_bounded((5000, &begun));
}

fn stays_bounded(endless_talk: (u32, &[u8])) {
    let megabytes: u32 = std::env::var("TRACE_STREAM_MB")
        .ok()
        .and_then(|value| value.parse().ok())
        .unwrap_or(60);
    let mut child = command()
        .args(["--framing", "lines", "-s", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut bytes = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, 101] {
        bytes.extend(word.to_le_bytes());
    }
    let mut peak = 0;
    let mut packet = 0;
    for _ in 0..megabytes {
        while bytes.len() < 1 << 20 {
            endless(packet, endless_talk, &mut bytes);
            packet += 1;
        }
        stdin.write_all(&bytes).unwrap();
        bytes.clear();
        peak = peak_memory_kib(child.id()).max(peak);
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    println!("{peak} KiB for {megabytes} MB");
    assert!(
        peak > 0 && peak < 64 * 1024,
        "{peak} KiB for {megabytes} MB"
    );
}
