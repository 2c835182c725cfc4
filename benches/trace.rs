//! How fast a capture is read: the packet list and the summary of 200,000 packets, and, where tshark
//! is installed, what it takes for the same file in the same run.
//!
//! ```text
//! cargo bench --bench trace
//! ```
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "criterion's macros write functions without docs; a bench may stop where it stands"
)]

use std::hint::black_box;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const PACKETS: u32 = 200_000;
const PEOPLE: u32 = 5700;
const PORT: u16 = 5050;

/// A capture of so many packets: people join, talk and leave, in lines, all on the room's port.
struct Maker {
    bytes: Vec<u8>,
    packets: u32,
}

impl Maker {
    fn new() -> Self {
        let mut bytes = Vec::new();
        for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, 1] {
            bytes.extend(word.to_le_bytes());
        }
        Self { bytes, packets: 0 }
    }

    /// Adds an Ethernet frame from a person to the server, or back.
    fn packet(&mut self, person: u32, up: bool, flags: u8, numbers: (u32, u32), data: &[u8]) {
        let total = 20 + 32 + data.len();
        let frame = u32::try_from(14 + total).unwrap();
        let (seconds, rest) = (self.packets / 20_000, self.packets % 20_000);
        for word in [1_700_000_000 + seconds, rest * 50, frame, frame] {
            self.bytes.extend(word.to_le_bytes());
        }
        self.bytes
            .extend([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0]);
        self.bytes
            .extend(u16::try_from(total).unwrap().to_be_bytes());
        self.bytes.extend([0, 1, 0x40, 0, 64, 6, 0, 0]);
        let [_, _, high, low] = person.to_be_bytes();
        let client = [10, 0, high, low];
        let server = [10, 1, 0, 1];
        let port = 40_000 + u16::try_from(person % 20_000).unwrap();
        let ends = if up {
            (client, server, port, PORT)
        } else {
            (server, client, PORT, port)
        };
        self.bytes.extend(ends.0);
        self.bytes.extend(ends.1);
        self.bytes.extend(ends.2.to_be_bytes());
        self.bytes.extend(ends.3.to_be_bytes());
        self.bytes.extend(numbers.0.to_be_bytes());
        self.bytes.extend(numbers.1.to_be_bytes());
        self.bytes
            .extend([0x80, flags, 0x10, 0, 0, 0, 0, 0, 1, 1, 8, 10]);
        self.bytes.extend(self.packets.to_be_bytes());
        self.bytes.extend([0, 0, 0, 1]);
        self.bytes.extend(data);
        self.packets += 1;
    }

    /// A person joins, says two lines to which three others listen, and leaves.
    fn person(&mut self, person: u32) {
        let (mut up, mut down) = (1000, 9000);
        let len = |data: &[u8]| u32::try_from(data.len()).unwrap();
        self.packet(person, true, 0x02, (up, 0), b"");
        up += 1;
        self.packet(person, false, 0x12, (down, up), b"");
        down += 1;
        self.packet(person, true, 0x10, (up, down), b"");
        let name = format!("person{person}\n");
        let texts = [
            "hello everybody in this room, how are you\n",
            "i am fine, thank you\n",
        ];
        for line in [name.as_str(), texts[0], texts[1]] {
            self.packet(person, true, 0x18, (up, down), line.as_bytes());
            up += len(line.as_bytes());
            self.packet(person, false, 0x10, (down, up), b"");
        }
        for other in 0..11_u32 {
            let line = format!(
                "person{}: {}",
                person.wrapping_sub(other),
                texts[usize::from(other % 2 == 1)]
            );
            self.packet(person, false, 0x18, (down, up), line.as_bytes());
            down += len(line.as_bytes());
            self.packet(person, true, 0x10, (up, down), b"");
        }
        self.packet(person, true, 0x11, (up, down), b"");
        up += 1;
        self.packet(person, false, 0x11, (down, up), b"");
        self.packet(person, true, 0x10, (up, down + 1), b"");
    }
}

fn capture() -> tempfile::NamedTempFile {
    let mut maker = Maker::new();
    for person in 0..PEOPLE {
        maker.person(person);
    }
    let mut person = PEOPLE;
    while maker.packets < PACKETS {
        maker.person(person);
        person += 1;
    }
    let file = tempfile::Builder::new().suffix(".pcap").tempfile().unwrap();
    std::fs::write(file.path(), &maker.bytes).unwrap();
    file
}

/// Runs a program to its end and returns how long it took.
fn run(program: &str, arguments: &[&str]) -> Duration {
    let started = Instant::now();
    let status = Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{program} {arguments:?}");
    started.elapsed()
}

fn bench(criterion: &mut Criterion) {
    let file = capture();
    let path = file.path().to_str().unwrap();
    let chatroom = env!("CARGO_BIN_EXE_chatroom");
    let mut group = criterion.benchmark_group("trace");
    group.sample_size(10);
    group.throughput(Throughput::Elements(u64::from(PACKETS)));
    for (name, view) in [("list", "--packets"), ("summary", "--summary")] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(run(chatroom, &["trace", view, path])));
        });
    }
    group.finish();
    compare(chatroom, path);
}

/// Takes the best of three of each, in turn, and says how many times faster than tshark it is.
fn compare(chatroom: &str, path: &str) {
    if Command::new("tshark").arg("--version").output().is_err() {
        eprintln!("tshark is not installed: nothing to compare with");
        return;
    }
    let mut best = [Duration::MAX; 3];
    for _ in 0..3 {
        let took = [
            run("tshark", &["-n", "-r", path]),
            run(chatroom, &["trace", "--packets", path]),
            run(chatroom, &["trace", "--summary", path]),
        ];
        for (best, took) in best.iter_mut().zip(took) {
            *best = took.min(*best);
        }
    }
    let [tshark, list, summary] = best.map(|best| best.as_secs_f64());
    eprintln!(
        "{PACKETS} packets: tshark {tshark:.2} s, list {list:.3} s ({:.1} times), summary {summary:.3} s ({:.1} times)",
        tshark / list,
        tshark / summary
    );
}

criterion_group!(benches, bench);
criterion_main!(benches);
