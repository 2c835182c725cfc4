//! Bad input: what is said, and which exit code.

use std::fs;

use super::support::{Step, capture, file_with, session, trace, trace_bytes};

fn ended(output: &std::process::Output) -> (Option<i32>, String) {
    let error = String::from_utf8(output.stderr.clone()).unwrap();
    (output.status.code(), error)
}

#[track_caller]
fn assert_ends(bytes: &[u8], code: i32, words: &str) -> String {
    let file = file_with(bytes);
    let (found, error) = ended(&trace(&[], file.path()));
    assert!(
        error.starts_with("chatroom trace: ") && error.contains(words),
        "{error}"
    );
    assert_eq!(found, Some(code), "{error}");
    let output = trace_bytes(&[], bytes);
    assert_eq!(output.status.code(), Some(code), "from a pipe");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_file_that_is_not_there() {
    let (code, error) = ended(&trace(&[], &capture("nothing.pcap")));
    assert_eq!(code, Some(2));
    assert!(
        error.ends_with("nothing.pcap: No such file or directory\n"),
        "{error}"
    );
}

#[test]
fn a_file_that_is_no_capture() {
    assert_eq!(assert_ends(b"", 2, "no capture data"), "");
    let said = assert_ends(
        b"hello world, this is text",
        2,
        "not a pcap or pcapng capture (magic 68656c6c)",
    );
    assert_eq!(said, "");
    for (magic, tool) in [
        (&b"\x1f\x8b\x08\x00"[..], "gzip"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"\xfd7zXZ\0", "xz"),
    ] {
        let words = format!("compressed; use: {tool} -dc ");
        assert_ends(magic, 2, &words);
    }
}

#[test]
fn a_capture_that_ends_too_early_tells_what_came_before() {
    let whole = fs::read(capture("cut.pcap")).unwrap();
    let said = assert_ends(
        &whole,
        2,
        "capture ends in the middle of packet 34 (byte 3000); 33 packets used",
    );
    assert!(said.contains("soheil: hello hasan how are you"));
    let words = "capture ends in the middle of packet 1 (byte 10); 0 packets used";
    assert_ends(&whole[..10], 2, words);
    let whole = fs::read(capture("cut.pcapng")).unwrap();
    assert_ends(&whole, 2, "(byte 5000); 45 packets used");
}

#[test]
fn a_capture_with_an_absurd_length_is_not_believed() {
    let mut bytes = fs::read(capture("session.pcap")).unwrap();
    // Frames 1 to 4 take 24 + 84 + 84 + 72 + 72 bytes; the length stands 8 bytes into the next.
    let at = 24 + 2 * (16 + 68) + 2 * (16 + 56);
    bytes[at + 8..at + 12].copy_from_slice(&0x7fff_ffff_u32.to_le_bytes());
    let words = format!("packet 5 at byte {at} claims 2147483647 bytes: damaged capture");
    let said = assert_ends(&bytes, 2, &words);
    assert!(said.contains("capture    4 packets"), "{said}");

    let mut bytes = fs::read(capture("chat_raw.pcapng")).unwrap();
    let first = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
    for (length, words) in [
        (6_u32, "claims 6 bytes"),
        (33, "claims 33"),
        (1 << 25, "claims 33554432"),
    ] {
        bytes[first + 4..first + 8].copy_from_slice(&length.to_le_bytes());
        assert_ends(&bytes, 2, words);
    }
    let mut bytes = fs::read(capture("chat_raw.pcapng")).unwrap();
    bytes[first - 4] ^= 1;
    assert_ends(&bytes, 2, "packet 1 at byte 0 claims");
}

#[test]
fn a_link_type_that_is_not_supported() {
    let mut bytes = session(&[Step::Open(4001)]);
    bytes[20..24].copy_from_slice(&147_u32.to_le_bytes());
    assert_ends(&bytes, 2, "link type 147 (USER0) is not supported");
}

#[test]
fn a_capture_without_the_port_says_which_there_are() {
    let mut bytes = session(&[Step::Open(4001), Step::Up(4001, b"hi\n")]);
    let said = {
        let file = file_with(&bytes);
        ended(&trace(&["-p", "6000"], file.path()))
    };
    assert_eq!(said.0, Some(1));
    assert!(
        said.1
            .contains("no TCP packets on port 6000 (TCP ports seen: 4001, 5050)"),
        "{}",
        said.1
    );
    bytes.truncate(24);
    assert_ends(
        &bytes,
        1,
        "no TCP packets on port 5050 (no TCP packets at all)",
    );
}

#[test]
fn a_stream_or_a_time_that_there_is_not_is_said_in_place_of_a_summary_of_everything() {
    for (arguments, asked) in [
        (&["--stream", "99"][..], "--stream 99"),
        (&["--from", "5", "--to", "1"], "--from 5 --to 1"),
        (&["--from", "1000.25", "-l", "-m"], "--from 1000.25"),
        (&["--to=-0.5", "--stream=0", "-s"], "--stream 0 --to -0.5"),
    ] {
        let output = trace(arguments, &capture("session.pcap"));
        let (code, error) = ended(&output);
        let there_is = "(there are streams 0 to 2, until 250.000350 s)";
        let words = format!("chatroom trace: nothing matches {asked} {there_is}\n");
        assert_eq!((code, error), (Some(1), words), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    let output = trace(&["--stream", "1"], &capture("session.pcap"));
    assert_eq!(output.status.code(), Some(0));
    // Also of a capture that breaks off, whose code it keeps.
    let (code, error) = ended(&trace(&["--stream", "99"], &capture("cut.pcap")));
    assert_eq!(code, Some(2));
    let words = "33 packets used; nothing matches --stream 99 (there are ";
    assert!(error.contains(words), "{error}");
    // Frames that were asked for by number are shown.
    let output = trace(&["--stream", "99", "-d", "35"], &capture("session.pcap"));
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.starts_with(b"Frame 35: "));
}

#[test]
fn the_capture_is_not_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.svg");
    let link = directory.path().join("y.svg");
    fs::copy(capture("session.pcap"), &path).unwrap();
    fs::hard_link(&path, &link).unwrap();
    for output in [&path, &link] {
        let (code, error) = ended(&trace(&["-o", output.to_str().unwrap()], &path));
        assert_eq!(code, Some(2));
        assert!(error.contains("is the capture itself"), "{error}");
    }
    assert_eq!(
        fs::read(&path).unwrap(),
        fs::read(capture("session.pcap")).unwrap()
    );
    let (code, error) = ended(&trace(&["-o", "x.pdf"], &path));
    assert_eq!(code, Some(2));
    assert!(error.contains("unknown ending"), "{error}");
}

#[test]
fn wrong_usage_is_told() {
    for arguments in [
        &["--details", "0"][..],
        &["--from", "x"],
        &["--framing", "words"],
        &["--wrong"],
    ] {
        let output = trace(arguments, &capture("session.pcap"));
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn time_may_go_backwards() {
    let mut bytes = session(&[Step::Open(4001), Step::Up(4001, b"ali\n")]);
    // The third frame comes 20 seconds before the others.
    let at = 24 + 2 * (16 + 40);
    let seconds = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) - 20;
    bytes[at..at + 4].copy_from_slice(&seconds.to_le_bytes());
    let output = trace_bytes(&["-l"], &bytes);
    let list = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(
        list.lines()
            .nth(2)
            .unwrap()
            .starts_with("    3  -19.999800 "),
        "{list}"
    );
}

#[test]
fn a_packet_without_a_time_has_none() {
    let output = trace(&["-l"], &capture("simple_packet.pcapng"));
    let list = String::from_utf8(output.stdout).unwrap();
    let second = list.lines().nth(1).unwrap();
    assert!(second.starts_with("    2           - 1.2.3.4 "), "{list}");
}
