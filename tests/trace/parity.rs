//! The packets, field by field, as tshark 4.0 prints them.

use std::fs;
use std::path::Path;

use super::support::{
    CAPTURES, CUT_CAPTURES, MADE_CAPTURES, capture, directory, field, golden, has_tshark, records,
    trace, trace_ok, trace_to, tshark,
};

/// tshark's fields and where they are in a record; addresses come first of IPv4, else of IPv6.
const FIELDS: [(&str, &str); 42] = [
    ("frame.number", "frame"),
    ("frame.time_relative", "time_relative"),
    ("frame.len", "length"),
    ("ip.src", "src"),
    ("ipv6.src", ""),
    ("ip.dst", "dst"),
    ("ipv6.dst", ""),
    ("tcp.srcport", "srcport"),
    ("tcp.dstport", "dstport"),
    ("tcp.stream", "stream"),
    ("tcp.seq", "seq"),
    ("tcp.ack", "ack"),
    ("tcp.len", "len"),
    ("tcp.flags", "flags"),
    ("tcp.window_size_value", "window_size_value"),
    ("tcp.window_size", "window_size"),
    ("tcp.window_size_scalefactor", "window_size_scalefactor"),
    ("tcp.completeness", "completeness"),
    ("tcp.analysis.reused_ports", "reused_ports"),
    ("tcp.analysis.retransmission", "retransmission"),
    ("tcp.analysis.fast_retransmission", "fast_retransmission"),
    (
        "tcp.analysis.spurious_retransmission",
        "spurious_retransmission",
    ),
    ("tcp.analysis.out_of_order", "out_of_order"),
    ("tcp.analysis.lost_segment", "lost_segment"),
    ("tcp.analysis.ack_lost_segment", "ack_lost_segment"),
    ("tcp.analysis.window_update", "window_update"),
    ("tcp.analysis.window_full", "window_full"),
    ("tcp.analysis.keep_alive", "keep_alive"),
    ("tcp.analysis.keep_alive_ack", "keep_alive_ack"),
    ("tcp.analysis.duplicate_ack", "duplicate_ack"),
    ("tcp.analysis.zero_window_probe", "zero_window_probe"),
    ("tcp.analysis.zero_window", "zero_window"),
    (
        "tcp.analysis.zero_window_probe_ack",
        "zero_window_probe_ack",
    ),
    ("tcp.analysis.duplicate_ack_num", "duplicate_ack_num"),
    ("tcp.analysis.duplicate_ack_frame", "duplicate_ack_frame"),
    ("tcp.analysis.acks_frame", "acks_frame"),
    ("tcp.analysis.ack_rtt", "ack_rtt"),
    ("tcp.analysis.rto", "rto"),
    ("tcp.analysis.rto_frame", "rto_frame"),
    ("tcp.analysis.bytes_in_flight", "bytes_in_flight"),
    ("tcp.analysis.push_bytes_sent", "push_bytes_sent"),
    ("tcp.analysis.initial_rtt", "initial_rtt"),
];

pub(crate) fn all_captures() -> impl Iterator<Item = &'static str> {
    CAPTURES
        .into_iter()
        .chain(CUT_CAPTURES)
        .chain(MADE_CAPTURES)
}

/// Returns what tshark says of every TCP packet, a line each.
fn tshark_fields(file: &Path) -> String {
    let mut arguments = vec!["-Y", "tcp", "-T", "fields", "-E", "occurrence=f"];
    for (name, _) in FIELDS {
        arguments.extend(["-e", name]);
    }
    arguments.extend(["-e", "_ws.col.Info"]);
    tshark(&arguments, file)
}

/// Returns the same from the records that `trace` writes.
fn our_fields(file: &Path) -> String {
    let text = trace_to("ndjson", &[], file);
    let mut lines = String::new();
    for record in records(&text, "packet") {
        for (tshark_name, name) in FIELDS {
            let value = match (tshark_name, name) {
                ("ip.src" | "ip.dst", name) if field(record, name).contains(':') => "",
                ("ipv6.src", _) if field(record, "src").contains(':') => field(record, "src"),
                ("ipv6.dst", _) if field(record, "dst").contains(':') => field(record, "dst"),
                (_, "") => "",
                (_, name) => field(record, name),
            };
            lines.push_str(if value == "true" { "1" } else { value });
            lines.push('\t');
        }
        lines.push_str(field(record, "info"));
        lines.push('\n');
    }
    lines
}

fn assert_same(name: &str, ours: &str, theirs: &str) {
    assert_eq!(ours.lines().count(), theirs.lines().count(), "{name}");
    for (ours, theirs) in ours.lines().zip(theirs.lines()) {
        let names = FIELDS.iter().map(|(name, _)| *name).chain(["info"]);
        for ((ours_field, theirs_field), field) in
            ours.split('\t').zip(theirs.split('\t')).zip(names)
        {
            let frame = ours.split('\t').next().unwrap();
            assert_eq!(
                ours_field, theirs_field,
                "{field} of frame {frame} in {name}"
            );
        }
    }
}

#[test]
fn every_field_of_every_packet_is_what_tshark_printed() {
    for name in all_captures() {
        let theirs = golden(&format!("tshark/{name}.tsv"));
        assert_same(name, &our_fields(&capture(name)), &theirs);
    }
}

#[test]
fn what_tshark_printed_is_what_tshark_prints() {
    if !has_tshark() {
        return;
    }
    let bless = std::env::var_os("BLESS").is_some();
    for name in all_captures() {
        let theirs = tshark_fields(&capture(name));
        let path = directory().join("tshark").join(format!("{name}.tsv"));
        if bless {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, &theirs).unwrap();
        } else {
            assert_same(name, &fs::read_to_string(path).unwrap(), &theirs);
        }
    }
}

#[test]
fn the_packet_list_of_the_reference_session_is_the_reference_table() {
    let list = trace_ok(&["--packets", "--plain"], &capture("session.pcap"));
    let table = golden("session.packets.tsv");
    let rows: Vec<_> = table.lines().skip(1).collect();
    assert_eq!(list.lines().count(), 80);
    for (line, row) in list.lines().zip(rows) {
        let mut columns = row.split('\t');
        let mut next = || columns.next().unwrap();
        let (number, time, protocol, src, dst, length, info) =
            (next(), next(), next(), next(), next(), next(), next());
        let expected = format!("{number:>5} {time:>11} {src} {dst} {protocol} {length} {info}");
        assert_eq!(line, expected);
    }
}

#[test]
fn the_packet_list_calls_a_packet_chat_where_a_unit_ends() {
    let list = trace_ok(&["--packets"], &capture("session.pcap"));
    let chat: Vec<_> = list
        .lines()
        .filter(|line| line.contains(" CHAT "))
        .collect();
    assert_eq!(chat.len(), 3 + 8 + 14 + 3);
    assert!(chat.iter().all(|line| line.contains("[PSH, ACK]")));
}

fn completeness(file: &Path) -> String {
    let text = tshark(
        &[
            "-2",
            "-Y",
            "tcp",
            "-T",
            "fields",
            "-e",
            "tcp.stream",
            "-e",
            "tcp.completeness",
        ],
        file,
    );
    let mut last = std::collections::BTreeMap::new();
    for line in text.lines() {
        let (stream, value) = line.split_once('\t').unwrap();
        last.insert(stream.parse::<u32>().unwrap(), value.to_owned());
    }
    let lines: Vec<_> = last
        .iter()
        .map(|(stream, value)| format!("{stream} {value}\n"))
        .collect();
    lines.concat()
}

pub(crate) fn our_completeness(file: &Path) -> String {
    let output = trace(&["--summary"], file);
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .filter_map(|line| {
            let stream: u32 = line.split_whitespace().next()?.parse().ok()?;
            let value = line.strip_suffix(')')?.rsplit_once('(')?.1.to_owned();
            Some(format!("{stream} {value}\n"))
        })
        .collect()
}

#[test]
fn completeness_is_what_two_passes_of_tshark_say() {
    let bless = std::env::var_os("BLESS").is_some();
    let live = has_tshark();
    for name in all_captures() {
        let path = format!("tshark/{name}.completeness");
        if live {
            let theirs = completeness(&capture(name));
            if bless {
                fs::write(directory().join(&path), &theirs).unwrap();
            }
            assert_eq!(golden(&path), theirs, "{name}");
        }
        assert_eq!(our_completeness(&capture(name)), golden(&path), "{name}");
    }
}

/// Leaves out what one of them has for itself: how tshark displayed other frames, which protocol it
/// gave the payload to; our word on the chat.
fn without_display(text: &str) -> String {
    let shown = [
        "previous displayed",
        "is marked",
        "is ignored",
        "TCP payload",
        "Data (",
        "    Data: ",
        "    [Length: ",
        "TCP segment data",
    ];
    text.lines()
        .filter(|line| shown.iter().all(|words| !line.contains(words)))
        .filter(|line| !line.is_empty() && !line.starts_with("[Chat:"))
        .flat_map(|line| [line, "\n"])
        .collect()
}

#[test]
fn the_details_of_a_frame_are_tsharks_words_and_values() {
    let bless = std::env::var_os("BLESS").is_some();
    let live = has_tshark();
    for (name, frame) in [
        ("session.pcap", "1"),
        ("session.pcap", "2"),
        ("session.pcap", "35"),
        ("session.pcap", "63"),
        ("session.pcap", "65"),
        ("chat_raw.pcap", "30"),
        ("lossy_client.pcap", "6"),
        ("lossy_client.pcap", "29"),
        ("lossy_client.pcap", "34"),
        ("slow.pcap", "432"),
        ("random_headers.pcap", "1-48"),
        ("links_sll.pcap", "1-3"),
        ("links_sll2.pcap", "1-3"),
        ("links_null.pcap", "1-5"),
        ("links_ppp.pcap", "1-8"),
        ("links_fddi.pcap", "1-3,6"),
        ("fragments_v4.pcap", "1-4,7,11,15,17,21,24"),
        ("fragments_v6.pcap", "1,4,6,8"),
        // But for lengths that can't be, multipath TCP, of which there is more to tell, and whether a
        // server takes early data.
        ("tcp_options.pcap", "1-18,21-32,41,43,44,46"),
    ] {
        let path = format!("tshark/{name}.{frame}.details");
        if live {
            let filter = format!("tcp and frame.number in {{{}}}", frame.replace('-', ".."));
            let theirs = tshark(&["-2", "-V", "-x", "-Y", &filter], &capture(name));
            let theirs = without_display(&theirs);
            if bless {
                fs::write(directory().join(&path), &theirs).unwrap();
            }
            assert_eq!(golden(&path), theirs, "frame {frame} of {name}");
        }
        let ours = without_display(&trace_ok(&["--details", frame], &capture(name)));
        for (ours, theirs) in ours.lines().zip(golden(&path).lines()) {
            assert_eq!(ours, theirs, "frame {frame} of {name}");
        }
        assert_eq!(ours.lines().count(), golden(&path).lines().count());
    }
}

#[test]
fn the_details_show_every_figure_of_the_reference_page() {
    let details = trace_ok(&["--details", "35,63"], &capture("session.pcap"));
    for figure in [
        "Sequence Number: 43    (relative",
        "Sequence Number (raw): 3115644527",
        "Acknowledgment Number: 20    (relative",
        "Acknowledgment number (raw): 715977238",
        "[Next Sequence Number: 74    (relative",
        "Header Length: 32 bytes (8)",
        "Flags: 0x018 (PSH, ACK)",
        "Window: 6379",
        "[Calculated window size: 408256]",
        "[Window size scaling factor: 64]",
        "Checksum: 0xfe4b [unverified]",
        "No-Operation (NOP), No-Operation (NOP), Timestamps",
        "Data: 736f6865",
        "[Conversation completeness: Complete, WITH_DATA (31)]",
        "[Chat: fan-out, copy for ali of what soheil sent in frame 33",
        "Flags: 0x011 (FIN, ACK)",
        "Sequence Number: 68    (relative",
        "Sequence Number (raw): 2477615619",
        "Acknowledgment number (raw): 408559756",
        "[Calculated window size: 408192]",
    ] {
        assert!(details.contains(figure), "{figure} is not in\n{details}");
    }
}
