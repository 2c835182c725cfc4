//! A capture as it happens.

use std::collections::{BTreeSet, HashMap};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::common::{GREETING, Incoming, PROMPT, Program, Server, chatroom};
use super::support::{Step, command, has, session};

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
