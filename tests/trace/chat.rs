//! Who said what: against what the reference page and the makers of the captures say.

use super::support::{
    Step, capture, field, file_with, records, session, trace, trace_bytes, trace_ok, trace_to,
};

#[test]
fn the_reference_session_is_told_in_order() {
    let text = trace_ok(&["--messages"], &capture("session.pcap"));
    let story = [
        "soheil joined",
        "ali joined",
        "soheil: hello this is soheil",
        "ali: hi soheil im ali",
        "hasan joined",
        "hasan: hi guys",
        "soheil: hello hasan how are you",
        "hasan: im fine thanks",
        "hasan: hwo else is in chat?",
        "ali: im here too",
        "soheil: i must go. by guys",
        "soheil left",
        "hasan left",
        "ali left",
    ];
    let mut rest = text.as_str();
    for words in story {
        let at = rest
            .find(words)
            .unwrap_or_else(|| panic!("{words:?} is not in\n{rest}"));
        rest = &rest[at + words.len()..];
    }
}

#[test]
fn message_33_has_the_reference_pages_delays() {
    let text = trace_ok(&["--messages"], &capture("session.pcap"));
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let at = lines
        .iter()
        .position(|line| line.contains("hello hasan how are you"))
        .unwrap();
    assert_eq!(
        lines[at],
        "139.117796     33  soheil: hello hasan how are you"
    );
    assert!(lines[at + 1].ends_with("the server has it, ACK +39 us"));
    assert!(lines[at + 2].ends_with("35    -> ali +1158 us, ACK +33 us in frame 37"));
    assert!(lines[at + 3].ends_with("36    -> hasan +1182 us, ACK +108 us in frame 38"));
}

#[test]
fn every_frame_of_the_port_has_one_phase() {
    let text = trace_to("ndjson", &[], &capture("session.pcap"));
    let phases: Vec<_> = records(&text, "packet")
        .iter()
        .map(|record| field(record, "phase"))
        .collect();
    assert_eq!(phases.len(), 80);
    for (frame, phase) in [
        (1, "handshake"),
        (2, "handshake"),
        (3, "handshake"),
        (5, "join"),
        (6, "ack"),
        (33, "message"),
        (34, "ack"),
        (35, "fan-out"),
        (36, "fan-out"),
        (37, "fan-out ack"),
        (38, "fan-out ack"),
        (63, "leave"),
        (64, "teardown"),
        (65, "teardown"),
        (66, "teardown"),
        (67, "fan-out"),
        (69, "fan-out ack"),
    ] {
        assert_eq!(phases[frame - 1], phase, "frame {frame}");
    }
    let keepalive = trace_to("ndjson", &[], &capture("keepalive.pcap"));
    assert!(
        records(&keepalive, "packet")
            .iter()
            .any(|record| field(record, "phase") == "keep-alive")
    );
}

#[test]
fn lost_packets_lose_no_broadcast() {
    // 23 broadcasts and 3 leaves are in it: one broadcast has a gap, one is cut by its reader's end.
    let text = trace_to("ndjson", &[], &capture("lossy_client.pcap"));
    let copies = |of: &str| {
        let of_it = |record: &&&str| field(record, "of") == of;
        records(&text, "copy").iter().filter(of_it).count()
    };
    assert_eq!((copies("message"), copies("leave")), (21, 3));
    let notices = records(&text, "notice");
    assert_eq!(notices.len(), 1);
    assert_eq!(field(notices[0], "partial"), "true");
    assert!(
        notices[0].contains("soheil: message 9 ")
            && notices[0].contains("[548 bytes not captured]")
    );
    assert_eq!(field(records(&text, "gap")[0], "lost"), "548");

    let text = trace_to("ndjson", &[], &capture("lossy_server.pcap"));
    assert_eq!(records(&text, "copy").len(), 23 + 3);
    assert!(records(&text, "notice").is_empty());
}

#[test]
fn copies_are_matched_to_their_messages_frame_by_frame() {
    let text = trace_to("ndjson", &[], &capture("session.pcap"));
    let messages = records(&text, "message");
    for copy in records(&text, "copy") {
        if field(copy, "of") != "message" {
            continue;
        }
        let message = messages
            .iter()
            .find(|message| field(message, "id") == field(copy, "id"))
            .unwrap();
        assert_eq!(field(message, "frame"), field(copy, "of_frame"));
        assert_ne!(
            field(message, "name"),
            field(copy, "name"),
            "nobody gets a copy of their own"
        );
    }
    let copy = records(&text, "copy")
        .into_iter()
        .find(|copy| field(copy, "frame") == "35")
        .unwrap();
    assert_eq!(field(copy, "delay"), "0.001158000");
    assert_eq!(
        (field(copy, "ack_frame"), field(copy, "ack_delay")),
        ("37", "0.000033000")
    );
}

const PROMPT: &[u8] = b"Please enter your name:\n";
const GREETING: &[u8] = b"Chat with your friends and enjoy\n";

fn told(steps: &[Step<'_>]) -> String {
    let file = file_with(&session(steps));
    trace_to("ndjson", &[], file.path())
}

fn enter(client: u16, name: &[u8]) -> [Step<'_>; 4] {
    [
        Step::Open(client),
        Step::Down(client, PROMPT),
        Step::Up(client, name),
        Step::Down(client, GREETING),
    ]
}

#[test]
fn what_imitates_the_room_stays_a_message() {
    let mut steps = Vec::new();
    steps.extend(enter(4001, b"x: ali has left the chatroom!\n"));
    steps.extend(enter(4002, b"ali\n"));
    steps.push(Step::Up(4002, b"ali has left the chatroom!\n"));
    steps.push(Step::Down(4001, b"ali: ali has left the chatroom!\n"));
    steps.push(Step::Up(4001, b"hi\n"));
    steps.push(Step::Down(4002, b"x: ali has left the chatroom!: hi\n"));
    // Nobody left, so this is no copy of anything.
    steps.push(Step::Down(4001, b"ali has left the chatroom!\n"));
    let text = told(&steps);
    assert!(records(&text, "leave").is_empty());
    let copies = records(&text, "copy");
    assert_eq!(copies.len(), 2);
    assert!(copies.iter().all(|copy| field(copy, "of") == "message"));
    let last = *records(&text, "notice").last().unwrap();
    assert_eq!(field(last, "text"), "ali has left the chatroom!");
}

#[test]
fn a_refused_name_is_nobodys() {
    let steps = [
        Step::Open(4001),
        Step::Down(4001, PROMPT),
        Step::Up(4001, b"a:b\n"),
        Step::Down(4001, b"* a name has no colon\n"),
        Step::Up(4001, b"ali\n"),
        Step::Down(4001, GREETING),
        Step::Up(4001, b"hello\n"),
    ];
    let text = told(&steps);
    let joins = records(&text, "join");
    assert_eq!(joins.len(), 1);
    assert_eq!(field(joins[0], "name"), "ali");
    assert_eq!(field(records(&text, "message")[0], "text"), "hello");
}

#[test]
fn commands_and_telnet_are_understood() {
    let mut steps = Vec::new();
    steps.extend(enter(4001, b"\xff\xfb\x18soheil\r\n"));
    steps.extend(enter(4002, b"ali\n"));
    steps.push(Step::Up(4001, b"/nick omid\n"));
    steps.push(Step::Down(4001, b"* you are omid now\n"));
    steps.push(Step::Up(4001, b"/me waves\r\n"));
    steps.push(Step::Down(4002, b"* omid waves\n"));
    steps.push(Step::Up(4001, b"//who\n"));
    steps.push(Step::Down(4002, b"omid: /who\n"));
    steps.push(Step::Up(4001, b"/quit\n"));
    steps.push(Step::Down(4002, b"omid has left the chatroom!\n"));
    steps.push(Step::Close(4001));
    let text = told(&steps);
    assert_eq!(field(records(&text, "join")[0], "name"), "soheil");
    let copies: Vec<_> = records(&text, "copy")
        .iter()
        .map(|copy| field(copy, "of"))
        .collect();
    assert_eq!(copies, ["message", "message", "leave"]);
    let leaves = records(&text, "leave");
    assert_eq!(leaves.len(), 1);
    assert_eq!(
        (field(leaves[0], "name"), field(leaves[0], "how")),
        ("omid", "/quit")
    );
    assert!(
        records(&text, "missing").is_empty(),
        "a command has no copies to miss"
    );
}

/// Took every line that starts with a slash for a command, and none that starts with a blank.
#[test]
fn a_command_is_what_the_room_takes_for_one() {
    let mut steps = Vec::new();
    steps.extend(enter(4001, b"soheil\n"));
    steps.extend(enter(4002, b"ali\n"));
    for line in [&b"/etc/passwd is a file\n"[..], b"/1 of 2\n"] {
        // Nobody gets a copy of the talk; the command before it has none.
        steps.extend([Step::Up(4001, b" /Who al\n"), Step::Up(4001, line)]);
    }
    steps.push(Step::Up(4001, b" /ME waves \n"));
    steps.push(Step::Down(4002, b"* soheil waves\n"));
    steps.extend([Step::Up(4002, b"/who\n")].repeat(6000));
    steps.push(Step::Up(4001, b"/Quit now\n"));
    let text = told(&steps);
    let missing = records(&text, "missing");
    assert_eq!(missing.len(), 2, "{missing:?}");
    assert!(missing.iter().all(|record| field(record, "name") == "ali"));
    assert_eq!(records(&text, "copy").len(), 1);
    assert_eq!(field(records(&text, "leave")[0], "how"), "/quit");
}

#[test]
fn a_copy_that_never_comes_is_found() {
    let mut steps = Vec::new();
    for (client, name) in [
        (4001, &b"soheil\n"[..]),
        (4002, b"ali\n"),
        (4003, b"hasan\n"),
    ] {
        steps.extend(enter(client, name));
    }
    steps.push(Step::Up(4001, b"hello\n"));
    steps.push(Step::Down(4002, b"soheil: hello\n"));
    // More than a second later, so that the end of the capture is no excuse.
    steps.extend([Step::Up(4003, b"/who\n")].repeat(6000));
    let file = file_with(&session(&steps));
    let text = trace_to("ndjson", &[], file.path());
    let missing = records(&text, "missing");
    assert_eq!(missing.len(), 1);
    assert_eq!(
        (field(missing[0], "name"), field(missing[0], "not_captured")),
        ("hasan", "false")
    );
    let output = trace(&["--check", "--summary"], file.path());
    assert_eq!(output.status.code(), Some(1));
    let summary = String::from_utf8(output.stdout).unwrap();
    assert!(summary.contains("copy missing, hasan: 1 copy"), "{summary}");
}

#[test]
fn findings_name_what_is_wrong() {
    for (name, words) in [
        ("slow.pcap", "warn  slow reader, "),
        ("refused.pcap", "warn  refused, "),
        ("reuse.pcap", "warn  reset, "),
        (
            "lossy_client.pcap",
            "warn  lost in capture, ali: 548 bytes in 1 place (frame 162)",
        ),
        (
            "lossy_client.pcap",
            "warn  retransmission, ali: once (frame 9)",
        ),
        ("chat_raw_snap80.pcap", "info  cut short, "),
        ("cut.pcap", "info  still open, "),
        ("session.pcap", "findings   none"),
    ] {
        let output = trace(&["--summary"], &capture(name));
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains(words), "{words:?} is not in\n{text}");
    }
}

#[test]
fn foreign_text_can_not_touch_the_terminal() {
    let mut steps = Vec::new();
    steps.extend(enter(4001, b"soheil\n"));
    steps.push(Step::Up(
        4001,
        b"\x1b[2J\x07\xc2\x9b31m\xe2\x80\xaeabc\xfe\n",
    ));
    steps.push(Step::Up(4001, "سلام دنیا\n".as_bytes()));
    let bytes = session(&steps);
    for arguments in [&[][..], &["-l"], &["-d", "1-40"], &["-m"], &["-s"]] {
        let output = trace_bytes(arguments, &bytes);
        let text = String::from_utf8(output.stdout).unwrap();
        let safe = |c: char| !c.is_control() || c == '\n';
        assert!(
            text.chars().all(|c| safe(c) && c != '\u{202e}'),
            "{arguments:?}: {text:?}"
        );
    }
    let text = String::from_utf8(trace_bytes(&["-m"], &bytes).stdout).unwrap();
    assert!(
        text.contains(r"\x1b[2J\x07\x9b31m\u{202e}abc\xfe"),
        "{text}"
    );
    assert!(text.contains("soheil: \u{2068}سلام دنیا\u{2069}"), "{text}");
}

#[test]
fn a_redacted_text_is_not_in_the_dump_of_a_padded_frame_either() {
    // Thirty times x, then six bytes of trailer.
    let file = capture("random_headers.pcap");
    assert!(trace_ok(&["-d", "8"], &file).contains("78 78"));
    let redacted = trace_ok(&["-d", "8", "--redact"], &file);
    assert!(redacted.contains("<36 bytes>"), "{redacted}");
    assert!(!redacted.contains("78 78"), "{redacted}");
}

#[test]
fn redacted_texts_are_nowhere() {
    let mut outputs = vec![trace_ok(
        &["-m", "-s", "-d", "33,35", "--redact"],
        &capture("session.pcap"),
    )];
    for ending in ["svg", "html", "mmd", "txt", "ndjson"] {
        outputs.push(trace_to(ending, &["--redact"], &capture("session.pcap")));
    }
    for output in outputs {
        assert!(
            !output.contains("how are you") && !output.contains("how  are"),
            "{output}"
        );
        assert!(
            output.contains("23 bytes") || output.contains("#60;23 bytes#62;"),
            "{output}"
        );
    }
}

#[test]
fn rows_can_be_chosen_by_stream_and_time() {
    let list = trace_ok(&["-l", "--stream", "1"], &capture("session.pcap"));
    assert_eq!(list.lines().count(), 30);
    let list = trace_ok(
        &["-l", "--from", "139", "--to", "140"],
        &capture("session.pcap"),
    );
    let numbers: Vec<_> = list
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(numbers, ["33", "34", "35", "36", "37", "38"]);
    let list = trace_ok(&["-l", "--time", "utc"], &capture("session.pcap"));
    assert!(
        list.starts_with("    1 2023-11-14 22:13:20.000000 127.0.0.3"),
        "{list}"
    );
    let list = trace_ok(&["-l", "--time", "epoch"], &capture("session.pcap"));
    assert!(
        list.starts_with("    1 1700000000.000000 127.0.0.3"),
        "{list}"
    );
}
