//! The dissector in tshark.

use std::process::Command;

use chatroom::room::notice::CLOSING;
use chatroom::wire::plain::Line;

use super::support::{Step, capture, field, file_with, has_tshark, records, session, trace_to};

/// Returns what the dissector makes of a capture: frame, type, name and text of each unit.
fn dissected(arguments: &[&str], file: &std::path::Path) -> Vec<[String; 4]> {
    let script = Command::new(env!("CARGO_BIN_EXE_chatroom"))
        .args(["generate", "dissector"])
        .output()
        .unwrap();
    assert!(script.status.success());
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chatroom.lua");
    std::fs::write(&path, script.stdout).unwrap();
    let output = Command::new("tshark")
        .arg("-n")
        .arg("-X")
        .arg(format!("lua_script:{}", path.display()))
        .args(["-o", "tcp.reassemble_out_of_order:TRUE"])
        .args(arguments)
        .args([
            "-Y",
            "chatroom",
            "-T",
            "fields",
            "-E",
            "separator=/t",
            "-E",
            "aggregator=|",
        ])
        .args([
            "-e",
            "frame.number",
            "-e",
            "chatroom.type",
            "-e",
            "chatroom.name",
            "-e",
            "chatroom.line",
        ])
        .arg("-r")
        .arg(file)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!error.contains("Lua"), "{error}");
    let mut units = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let columns: Vec<_> = line.split('\t').collect();
        let (kinds, names, lines) = (
            columns[1].split('|'),
            columns[2].split('|'),
            columns[3].split('|'),
        );
        for ((kind, name), line) in kinds.zip(names).zip(lines) {
            units.push([columns[0], kind, name, line].map(str::to_owned));
        }
    }
    units
}

#[test]
fn the_dissector_sees_what_trace_sees() {
    if !has_tshark() {
        return;
    }
    for (name, arguments) in [
        ("session.pcap", &[][..]),
        ("session.pcap", &["-2"]),
        ("session.pcap", &["-o", "chatroom.framing:2"]),
        ("chat_raw.pcap", &[]),
        ("chat_nl_rst.pcap", &[]),
        ("chat_nl_rst.pcap", &["-2"]),
        ("chat_nl_v6_any_sll2.pcap", &[]),
        ("simclose.pcap", &["-2"]),
    ] {
        let text = trace_to("ndjson", &[], &capture(name));
        let units = dissected(arguments, &capture(name));
        let of = |kind: &str| -> Vec<(String, String)> {
            let mut found: Vec<_> = units
                .iter()
                .filter(|unit| unit[1] == kind)
                .map(|unit| (unit[0].clone(), unit[2].clone()))
                .collect();
            found.sort();
            found
        };
        let ours = |record: &str| -> Vec<(String, String)> {
            let mut found: Vec<_> = records(&text, record)
                .iter()
                .map(|line| {
                    (
                        field(line, "frame").to_owned(),
                        field(line, "name").to_owned(),
                    )
                })
                .collect();
            found.sort();
            found
        };
        assert_eq!(of("join"), ours("join"), "{name} {arguments:?}");
        assert_eq!(of("message"), ours("message"), "{name} {arguments:?}");
        let copies = of("copy").len() + of("leave").len();
        assert_eq!(
            copies,
            ours("copy").len() + ours("notice").len(),
            "{name} {arguments:?}"
        );
    }
}

#[test]
fn the_dissector_reads_lines_that_span_segments() {
    if !has_tshark() {
        return;
    }
    let file = file_with(&session(&[
        Step::Open(4001),
        Step::Up(4001, b"ali\nfirst\nsec"),
        Step::Up(4001, "ond سل".as_bytes()),
        Step::Up(4001, "ام\nthird\n".as_bytes()),
        Step::Up(4001, b"/etc/passwd is a file\n/WHO\n\t/msg ali hi\n//who\n"),
    ]));
    let units = dissected(&["-2"], file.path());
    let told: Vec<_> = units
        .iter()
        .map(|unit| (unit[1].as_str(), unit[3].as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("join", "ali"),
            ("message", "first"),
            ("message", "second سلام"),
            ("message", "third"),
            ("message", "/etc/passwd is a file"),
            ("command", "/WHO"),
            ("command", "\\t/msg ali hi"),
            ("message", "//who"),
        ]
    );
}

/// Took the name of a private message for `bob (privately)`, and a notice with a colon for talk.
#[test]
fn the_dissector_knows_each_line_that_the_server_writes() {
    if !has_tshark() {
        return;
    }
    let (name, text) = ("سهیل", "ali: * bob (privately): hi");
    let expected = [
        (Line::Prompt, "notice", ""),
        (Line::Greeting, "notice", ""),
        (Line::Said { name, text }, "copy", name),
        (Line::SaidPrivately { name, text }, "copy", name),
        (Line::Did { name, text }, "notice", ""),
        (Line::Joined(name), "join", name),
        (
            Line::Renamed {
                from: name,
                to: "ali",
            },
            "notice",
            "",
        ),
        (Line::Notice("Here (2): ali, bob"), "notice", ""),
        (Line::Notice(CLOSING), "notice", ""),
        (Line::Left(name), "leave", name),
    ];
    let lines: Vec<String> = expected
        .iter()
        .map(|(line, ..)| line.parts().concat())
        .collect();
    let mut steps = vec![Step::Open(4001)];
    steps.extend(lines.iter().map(|line| Step::Down(4001, line.as_bytes())));
    let file = file_with(&session(&steps));
    let told: Vec<_> = dissected(&[], file.path())
        .into_iter()
        .map(|[_, kind, name, line]| (kind, name, line + "\n"))
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .zip(lines)
        .map(|((_, kind, name), line)| ((*kind).to_owned(), (*name).to_owned(), line))
        .collect();
    assert_eq!(told, expected);
}
