//! What a line costs in memory: cutting it out of the stream and making it safe, against searching
//! for its end alone; keeping it for everybody, against copying it.

mod support;

use std::hint::black_box;
use std::time::Duration;

use chatroom::feed::Transcript;
use chatroom::line::framing::{Piece, Unfinished};
use chatroom::line::sanitize;
use criterion::Criterion;
use support::micro::Ways;

/// As much as the room reads at once.
const CHUNK_BYTES: usize = 64 * 1024;

const LINE_BYTES_MAX: usize = 4096;

/// The room's backlog on default flags.
const BACKLOG_BYTES: usize = 8 * 1024 * 1024;

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    framing(&mut criterion);
    transcript(&mut criterion);
    criterion.final_summary();
}

/// How many bytes a second become lines that are safe to show, and how many does `memchr` alone
/// search for line ends?
fn framing(criterion: &mut Criterion) {
    let ascii = |bytes: usize| "hello ".repeat(bytes / 6 + 1)[..bytes].to_owned();
    let persian = "می\u{200c}خواهم به خانه بروم، سلام!".to_owned();
    for (of, line) in [
        ("lines of 16 bytes", ascii(16)),
        ("lines of 64 bytes", ascii(64)),
        ("lines of 4000 bytes", ascii(4000)),
        ("lines of Persian", persian),
    ] {
        let line = line + "\n";
        let chunk = line.repeat(CHUNK_BYTES / line.len()).into_bytes();
        let mut group = criterion.benchmark_group("framing");
        let mut ways = Ways::new(&mut group, chunk.len());
        ways.way("memchr", of, || {
            black_box(memchr::memchr_iter(b'\n', black_box(&chunk)).fold(0, |sum, at| sum ^ at));
        });
        let mut unfinished = Unfinished::default();
        ways.way("framing", of, || {
            let mut rest = black_box(&chunk[..]);
            while let Some(piece) = unfinished.next(&mut rest, LINE_BYTES_MAX) {
                black_box(piece);
            }
        });
        let mut buffer = String::new();
        ways.way("framing and text safety", of, || {
            let mut rest = black_box(&chunk[..]);
            while let Some(piece) = unfinished.next(&mut rest, LINE_BYTES_MAX) {
                if let Piece::Line(line) = piece {
                    black_box(sanitize::safe(line, &mut buffer));
                }
            }
        });
        ways.finish();
        group.finish();
    }
}

/// What does it cost to keep a line once for everybody, and to find what one member is owed?
fn transcript(criterion: &mut Criterion) {
    for (of, bytes) in [("64 bytes", 64), ("4000 bytes", 4000)] {
        let line = "x".repeat(bytes - 1) + "\n";
        let mut group = criterion.benchmark_group("transcript");
        let mut ways = Ways::new(&mut group, line.len());
        let mut ring = vec![0_u8; BACKLOG_BYTES];
        let mut at = 0;
        ways.way("memcpy", of, || {
            if at + line.len() > ring.len() {
                at = 0;
            }
            ring[at..at + line.len()].copy_from_slice(black_box(line.as_bytes()));
            at += line.len();
            black_box(&mut ring);
        });
        let mut transcript = Transcript::new(BACKLOG_BYTES);
        ways.way("append", of, || {
            black_box(transcript.append(black_box(&["soheil", ": ", &line[8..]])));
        });
        let mut cursor = transcript.end();
        ways.way("append and cut for one member", of, || {
            let said = transcript.append(black_box(&["soheil", ": ", &line[8..]]));
            black_box(transcript.bytes(black_box(cursor)..said.end));
            cursor = said.end;
        });
        ways.finish();
        group.finish();
    }
}
