//! The bytes of each stream, as tshark follows them.

use std::fs::File;
use std::path::Path;

use chatroom::trace::capture::CaptureReader;
use chatroom::trace::packet::{ACK, Fragments, Packet, RST, SYN};
use chatroom::trace::tcp::reassembly::{Delivery, Reassembly};

use super::parity::{all_captures, our_completeness};
use super::support::{capture, has_tshark, tshark};

/// Puts a stream together with our reassembly; returns the bytes from its two ends, lower port
/// first, gaps in tshark's words.
fn reassembled(file: &Path, stream: u32) -> [Vec<u8>; 2] {
    let mut reader = CaptureReader::new(File::open(file).unwrap());
    let mut streams = chatroom::trace::tcp::Streams::new(1000);
    let mut ends = [Reassembly::default(), Reassembly::default()];
    let mut bytes = [Vec::new(), Vec::new()];
    let mut total = 0;
    let mut fragments = Fragments::default();
    while let Ok(Some(frame)) = reader.next_frame() {
        let mut whole = None;
        let Ok(packet) = Packet::read(&frame, &mut fragments, &mut whole) else {
            continue;
        };
        let segment = chatroom::trace::tcp::analyse(&mut streams, frame.number, 0, &packet);
        if segment.stream != stream {
            continue;
        }
        let from = usize::from(packet.src_port > packet.dst_port);
        if packet.has(ACK) {
            let out = &mut bytes[1 - from];
            ends[1 - from].acknowledged(packet.ack, &mut total, &mut |run: Delivery<'_>| {
                if run.gap_before > 0 {
                    let gap = format!("[{} bytes missing in capture file]\0", run.gap_before);
                    out.extend_from_slice(gap.as_bytes());
                }
                out.extend_from_slice(run.data);
            });
        }
        let out = &mut bytes[from];
        let first = packet.seq.wrapping_add(u32::from(packet.has(SYN)));
        let (payload, len) = if packet.has(RST) {
            (&[][..], 0)
        } else {
            (packet.payload, packet.len)
        };
        ends[from].push(first, payload, len, &mut total, &mut |run: Delivery<'_>| {
            out.extend_from_slice(run.data);
        });
    }
    bytes
}

#[test]
fn reassembly_gives_the_bytes_that_tshark_follows() {
    if !has_tshark() {
        return;
    }
    // The snap length leaves bytes out that `follow` fills with words of its own; the generator's
    // segments contradict each other in ways that no host would send.
    for name in all_captures().filter(|name| !name.contains("snap80") && !name.contains("random")) {
        let streams = our_completeness(&capture(name)).lines().count();
        for stream in 0..u32::try_from(streams).unwrap() {
            let tap = format!("follow,tcp,raw,{stream}");
            let text = tshark(&["-q", "-z", &tap], &capture(name));
            let mut theirs = [Vec::new(), Vec::new()];
            let node = text
                .lines()
                .find_map(|line| line.strip_prefix("Node 0: "))
                .unwrap();
            let port: u16 = node.rsplit(':').next().unwrap().parse().unwrap();
            let first = usize::from(port != 5050);
            for line in text.lines() {
                let digits = line.trim();
                if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    continue;
                }
                let from = if line.starts_with('\t') {
                    1 - first
                } else {
                    first
                };
                let pairs = (0..digits.len()).step_by(2);
                theirs[from]
                    .extend(pairs.map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()));
            }
            let ours = reassembled(&capture(name), stream);
            assert!(ours == theirs, "stream {stream} of {name} differs");
        }
    }
}
