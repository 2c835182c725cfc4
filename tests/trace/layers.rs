//! What stands around TCP: fragments of IP, tunnels, the columns that its options change.

use std::fs;

use super::support::{
    capture, directory, has_tshark, records, trace, trace_bytes, trace_ok, trace_to, tshark,
};

#[test]
fn fragments_are_put_together_and_counted() {
    let (v4, v6) = (capture("fragments_v4.pcap"), capture("fragments_v6.pcap"));
    let summary = trace_ok(&["-s"], &v4);
    assert!(
        summary.contains("6 packets put together of 18 IP fragments\n"),
        "{summary}"
    );
    let missing = "2 skipped: IP fragment, and others of its packet are missing\n";
    assert!(summary.contains(missing), "{summary}");
    assert!(summary.contains("5 messages"), "{summary}");
    let summary = trace_ok(&["-s"], &v6);
    assert!(
        summary.contains("3 packets put together of 7 IP fragments\n"),
        "{summary}"
    );
}

#[test]
fn a_line_in_fragments_tells_that_messages_are_lines() {
    // The first line end of all is in a packet that was put together.
    let output = trace(&["-m"], &capture("fragments_v6.pcap"));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains(&format!(": {}\n", "x".repeat(99))), "{told}");
}

#[test]
fn what_is_said_in_fragments_is_not_shown_where_it_is_not_to_be() {
    for name in ["fragments_v4.pcap", "fragments_v6.pcap"] {
        let output = trace_ok(
            &["--redact", "-l", "-m", "-s", "-d", "1-30"],
            &capture(name),
        );
        for said in ["xxxx", "78 78 78", "787878", "7373", "somebody"] {
            assert!(!output.contains(said), "{said} of {name} in\n{output}");
        }
        assert!(output.contains("Reassembled IPv"), "{output}");
    }
}

#[test]
fn tcp_in_tunnels_is_counted_and_said() {
    let file = capture("tunnels.pcap");
    let output = trace(&[], &file);
    let summary = String::from_utf8(output.stdout).unwrap();
    for tunnel in ["Geneve", "GRE", "MPLS", "VXLAN"] {
        let words = format!("2 skipped: TCP in {tunnel} (not looked into)\n");
        assert!(summary.contains(&words), "{summary}");
    }
    assert!(summary.contains("2 skipped: not TCP\n"), "{summary}");
    let error = String::from_utf8(output.stderr).unwrap();
    let words = "(no TCP packets at all; 8 in tunnels, which aren't looked into)\n";
    assert!(error.ends_with(words), "{error}");
    assert_eq!(output.status.code(), Some(1));
    if has_tshark() {
        let theirs = tshark(&["-Y", "tcp", "-T", "fields", "-e", "frame.number"], &file);
        assert_eq!(theirs.lines().count(), 8);
    }
}

#[test]
fn tunnels_of_tunnels_without_end_are_given_up() {
    let mut frame = vec![0; 12];
    frame.extend([0x88, 0x47]);
    for label in 0..10_000_u32 {
        frame.extend((label << 12).to_be_bytes());
    }
    let mut nested = vec![0; 12];
    nested.extend([8, 0]);
    for left in (0..50_u16).rev() {
        let length = 20 + 24 * left + 24;
        nested.extend([0x45, 0]);
        nested.extend(length.to_be_bytes());
        nested.extend([
            0, 1, 0, 0, 64, 47, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 0, 8, 0,
        ]);
    }
    let mut bytes = fs::read(capture("tunnels.pcap")).unwrap();
    bytes.truncate(24);
    for frame in [&frame, &nested] {
        let length = u32::try_from(frame.len()).unwrap();
        for word in [0, 0, length, length] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(frame);
    }
    let output = trace_bytes(&[], &bytes);
    let summary = String::from_utf8(output.stdout).unwrap();
    assert!(summary.contains("capture    2 packets"), "{summary}");
    assert!(summary.contains("1 skipped: not IP\n"), "{summary}");
}

#[test]
fn the_protocol_column_is_what_tshark_prints() {
    let file = capture("tcp_options.pcap");
    let golden = directory().join("tshark/tcp_options.pcap.protocols");
    if has_tshark() {
        let columns = ["-T", "fields", "-e", "_ws.col.Protocol"];
        let theirs = tshark(&columns, &file);
        if std::env::var_os("BLESS").is_some() {
            fs::write(&golden, &theirs).unwrap();
        }
        assert_eq!(fs::read_to_string(&golden).unwrap(), theirs);
    }
    let list = trace_ok(&["-l", "--plain"], &file);
    let ours: Vec<_> = list
        .lines()
        .filter_map(|line| line.split_whitespace().nth(4))
        .collect();
    let theirs = fs::read_to_string(golden).unwrap();
    assert_eq!(ours, theirs.lines().collect::<Vec<_>>());
}

#[test]
fn every_fragment_but_the_last_is_no_record_of_a_packet() {
    let text = trace_to("ndjson", &[], &capture("fragments_v4.pcap"));
    assert_eq!(records(&text, "packet").len(), 10);
    assert_eq!(records(&text, "message").len(), 5);
}
