//! With other programs: a capture as it happens, and the dissector in tshark.

use std::collections::{BTreeSet, HashMap};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use chatroom::room::notice::CLOSING;
use chatroom::wire::plain::Line;

use super::common::{GREETING, Incoming, PROMPT, Program, Server, chatroom};
use super::support::{
    Step, capture, command, field, file_with, has, has_tshark, records, session, trace_to,
};

/// A child that doesn't outlive its test.
struct Kept(Child);

impl Drop for Kept {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn a_line_is_shown_while_the_capture_goes_on() {
    let mut steps = vec![
        Step::Open(4001),
        Step::Down(4001, b"Please enter your name:\n"),
        Step::Up(4001, b"ali\n"),
        Step::Down(4001, b"Chat with your friends and enjoy\n"),
    ];
    let mut child = Kept(
        command()
            .args(["-m", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut stdin = child.0.stdin.take().unwrap();
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
    let mut bytes = session(&steps);
    stdin.write_all(&bytes).unwrap();
    let mut line = String::new();
    while !line.contains("Chat with your friends") {
        line = lines.next().unwrap().unwrap();
    }
    let mut times = Vec::new();
    for _ in 0..21 {
        let before = bytes.len();
        steps.push(Step::Up(4001, b"hello\n"));
        bytes = session(&steps);
        let started = Instant::now();
        stdin.write_all(&bytes[before..]).unwrap();
        let line = lines.next().unwrap().unwrap();
        times.push(started.elapsed());
        assert!(line.ends_with("ali: hello"), "{line}");
        let line = lines.next().unwrap().unwrap();
        assert!(line.contains("the server has it"), "{line}");
    }
    times.sort();
    let (median, longest) = (times[10], times[20]);
    println!("median {median:?}, longest {longest:?}");
    // A busy machine may need more now and then; a buffered program never comes.
    assert!(median < Duration::from_millis(50), "{median:?}");
    assert!(longest < Duration::from_secs(2), "{longest:?}");
}

/// Returns tcpdump as it captures what goes over `port`; `None` where that is not allowed.
fn tcpdump(port: u16) -> Option<Kept> {
    let mut tcpdump = Kept(
        Command::new("tcpdump")
            .args(["-i", "lo", "-U", "--immediate-mode", "-B", "65536"])
            .args(["-w", "-", &format!("tcp port {port}")])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut told = BufReader::new(tcpdump.0.stderr.take().unwrap()).lines();
    if told.any(|line| line.unwrap().contains("listening on")) {
        return Some(tcpdump);
    }
    eprintln!("skipped: tcpdump may not capture here");
    let required = std::env::var("CHATROOM_REQUIRE_INTEROP").is_ok_and(|value| value == "1");
    assert!(!required, "tcpdump must be able to capture");
    None
}

/// What happened, in the words of the server's log, and who was told of it.
type Told = Vec<(String, BTreeSet<String>)>;

/// Returns what the server's log tells.
fn told_by_log(texts: &[String]) -> Told {
    let mut present = BTreeSet::new();
    let mut told = Told::new();
    for text in texts {
        if let Some(name) = text.strip_suffix(" is joined to the chatroom!") {
            present.insert(name.to_owned());
            told.push((format!("{name} joined"), BTreeSet::new()));
        } else if let Some((name, said)) = text.split_once(" said ") {
            let mut others = present.clone();
            assert!(others.remove(name), "{name} is not here");
            told.push((format!("{name}: {said}"), others));
        } else if let Some(name) = text.strip_suffix(" has left the chatroom!") {
            assert!(present.remove(name), "{name} is not here");
            told.push((format!("{name} left"), present.clone()));
        }
    }
    told
}

/// Returns the same of what `--messages` shows.
fn told_by_trace(lines: &[String]) -> Told {
    let mut told = Told::new();
    let mut of_frame = HashMap::new();
    for line in lines {
        let plain = line.replace(['\u{2068}', '\u{2069}'], "");
        // The time and the frame's number stand in the first 21 columns.
        let (columns, text) = plain.split_at(21);
        let frame = columns.split_whitespace().nth(1).unwrap().to_owned();
        if let Some((name, copy)) = text
            .trim()
            .strip_prefix("-> ")
            .and_then(|rest| rest.split_once(" +"))
        {
            // Where it isn't below what it is a copy of, it says so.
            let of = copy
                .strip_suffix(')')
                .and_then(|copy| copy.rsplit(' ').next());
            let at = of.map_or(told.len() - 1, |frame| of_frame[frame]);
            told[at].1.insert(name.to_owned());
        } else if let Some(event) = event(text.trim()) {
            of_frame.insert(frame, told.len());
            told.push((event, BTreeSet::new()));
        }
    }
    told
}

/// Returns what a line of `--messages` says that somebody did.
fn event(text: &str) -> Option<String> {
    if let Some((name, _)) = text.split_once(" joined from ") {
        return Some(format!("{name} joined"));
    }
    if let Some((name, _)) = text.split_once(" left (") {
        return Some(format!("{name} left"));
    }
    let others = ["the server", " connected (", "connection is over"];
    let said = text.contains(": ") && !others.iter().any(|words| text.contains(words));
    said.then(|| text.to_owned())
}

/// Starts `trace` on what is captured.
fn trace_of(tcpdump: &mut Kept, port: u16) -> Kept {
    let trace = command()
        .args(["-m", "-p", &port.to_string(), "-"])
        .stdin(tcpdump.0.stdout.take().unwrap())
        .stdout(Stdio::piped())
        .spawn();
    Kept(trace.unwrap())
}

/// Starts `join` and waits until it is in the room.
fn joined(server: &Server, name: &str) -> Program {
    let mut join = chatroom();
    join.args(["join", &server.address().to_string(), "--name", name]);
    let mut person = Program::start(join);
    person.screen.expect_line(PROMPT);
    person.screen.expect_line(GREETING);
    person
}

#[test]
fn a_live_session_tells_what_the_servers_log_tells() {
    if !has("tcpdump") {
        return;
    }
    let mut server = Server::start(&["--rate", "0"]);
    let port = server.address().port();
    let Some(mut tcpdump) = tcpdump(port) else {
        return;
    };
    let mut trace = trace_of(&mut tcpdump, port);
    let mut screen = Incoming::new(trace.0.stdout.take().unwrap());
    let mut lines: Vec<String> = Vec::new();
    // A burst is more than the kernel's ring for a capture holds: each line is awaited.
    let mut shown = |words: &str| loop {
        let Some(line) = screen.next_line() else {
            panic!("no {words:?}: {lines:#?}");
        };
        lines.push(line);
        if lines.last().is_some_and(|line| line.contains(words)) {
            break;
        }
    };
    let names = ["soheil", "ali", "سهیل"];
    let mut people: Vec<Program> = Vec::new();
    for name in names {
        people.push(joined(&server, name));
        shown(GREETING);
    }
    let mut say = |at: usize, text: &str, heard: &str| {
        people[at].type_text(&format!("{text}\n"));
        for other in (0..names.len()).filter(|&other| other != at) {
            people[other].screen.expect_line(heard);
        }
    };
    for round in 0..20 {
        let text = format!("hello {round}");
        say(0, &text, &format!("soheil: {text}"));
        shown(&text);
        let text = "سلام دنیا: ali has left the chatroom!";
        say(2, text, &format!("سهیل: {text}"));
        shown("has left the chatroom!");
        say(1, "/me waves", "* ali waves");
        shown("/me waves");
    }
    for person in &mut people {
        person.end_input();
        person.wait();
        shown("connection is over");
    }
    let expected = told_by_log(server.stop());
    drop(tcpdump);
    lines.extend(std::iter::from_fn(|| screen.next_line()));
    assert_eq!(expected.len(), 3 + 60 + 3);
    assert_eq!(told_by_trace(&lines), expected, "{lines:#?}");
}

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
            ("message", "third")
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
