//! A capture as it happens.

use std::collections::{BTreeSet, HashMap};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use chatroom::wire::json::{Message, Request, Resume};

use super::common::{GREETING, Incoming, PROMPT, Peer, Program, Server, chatroom};
use super::house::request;
use super::support::{Step, command, has, session};

/// A child that doesn't outlive its test.
pub(crate) struct Kept(Child);

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

/// Returns tcpdump as it captures what passes `filter`; `None` where that is not allowed.
pub(crate) fn tcpdump(filter: &str) -> Option<Kept> {
    let mut tcpdump = Kept(
        Command::new("tcpdump")
            .args(["-i", "lo", "-U", "--immediate-mode", "-B", "65536"])
            .args(["-w", "-", filter])
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
pub(crate) type Told = Vec<(String, BTreeSet<String>)>;

/// Returns what the server's log tells.
pub(crate) fn told_by_log(texts: &[String]) -> Told {
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
pub(crate) fn told_by_trace(lines: &[String]) -> Told {
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
            // Only those who read objects are told of it.
            if !told[at].0.ends_with(" joined") {
                let is_new = told[at].1.insert(name.to_owned());
                assert!(is_new, "told twice: {line}");
            }
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

/// `trace` on what is captured, and what it has shown.
pub(crate) struct Trace {
    _child: Kept,
    screen: Incoming<ChildStdout>,
    lines: Vec<String>,
}

impl Trace {
    pub(crate) fn start(tcpdump: &mut Kept, arguments: &[&str]) -> Self {
        let child = command()
            .args(["-m", "-"])
            .args(arguments)
            .stdin(tcpdump.0.stdout.take().unwrap())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = Kept(child.unwrap());
        let screen = Incoming::new(child.0.stdout.take().unwrap());
        Self {
            _child: child,
            screen,
            lines: Vec::new(),
        }
    }

    /// Waits until these words are shown. A burst is more than the kernel's ring for a capture
    /// holds: what is said is awaited.
    pub(crate) fn shows(&mut self, words: &str) {
        loop {
            let Some(line) = self.screen.next_line() else {
                panic!("no {words:?}: {:#?}", self.lines);
            };
            self.lines.push(line);
            if self.lines.last().is_some_and(|line| line.contains(words)) {
                return;
            }
        }
    }

    /// Returns all that is shown once there is no more to capture.
    pub(crate) fn finish(mut self, tcpdump: Kept) -> Vec<String> {
        drop(tcpdump);
        self.lines
            .extend(std::iter::from_fn(|| self.screen.next_line()));
        self.lines
    }
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
    let Some(mut tcpdump) = tcpdump(&format!("tcp port {port}")) else {
        return;
    };
    let mut trace = Trace::start(&mut tcpdump, &["-p", &port.to_string()]);
    let names = ["soheil", "ali", "سهیل"];
    let mut people: Vec<Program> = Vec::new();
    for name in names {
        people.push(joined(&server, name));
        trace.shows(" joined from ");
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
        trace.shows(&text);
        let text = "سلام دنیا: ali has left the chatroom!";
        say(2, text, &format!("سهیل: {text}"));
        trace.shows("has left the chatroom!");
        say(1, "/me waves", "* ali waves");
        trace.shows("/me waves");
    }
    for person in &mut people {
        person.end_input();
        person.wait();
        trace.shows("connection is over");
    }
    let expected = told_by_log(server.stop());
    let lines = trace.finish(tcpdump);
    assert_eq!(expected.len(), 3 + 60 + 3);
    assert_eq!(told_by_trace(&lines), expected, "{lines:#?}");
}

/// Somebody at a raw socket, in either encoding.
struct Member {
    peer: Peer,
    json: bool,
    /// Which start of the server it is, and the highest number heard of.
    boot: String,
    seq: u64,
    lines: u32,
}

impl Member {
    /// Joins under a name, or by a request in JSON.
    fn join(server: &Server, name: &str, opening: Option<&Request<'_>>) -> Self {
        let mut peer = server.connect();
        peer.expect(PROMPT);
        let json = opening.is_some();
        match opening {
            Some(opening) => peer.send([b"/json\n".to_vec(), request(opening)].concat()),
            None => peer.say(name),
        }
        let mut member = Self {
            peer,
            json,
            boot: String::new(),
            seq: 0,
            lines: 0,
        };
        member.hears(if json { "\"members\"" } else { GREETING });
        member
    }

    fn types(&mut self, line: &str) {
        if self.json {
            self.lines += 1;
            let (id, line) = (Some(self.lines.to_string().into()), line.into());
            self.peer.send(request(&Request::Line { id, line }));
        } else {
            self.peer.say(line);
        }
    }

    /// Waits for a line that holds these words; returns those before it.
    fn hears(&mut self, words: &str) -> Vec<String> {
        let mut before = Vec::new();
        loop {
            let line = self.peer.line();
            if self.json && line.starts_with('{') {
                let message = Message::parse(line.as_bytes()).unwrap();
                self.seq = message.seq().unwrap_or(0).max(self.seq);
                if let Message::Hello(hello) = message {
                    self.boot = hello.boot.into_owned();
                }
            }
            if line.contains(words) {
                return before;
            }
            before.push(line);
        }
    }
}

/// Lets one of them say something, and waits until the others heard it and it is shown.
fn say(people: &mut [Member], trace: &mut Trace, at: usize, text: &str) {
    people[at].types(text);
    // What people hear has its own quotes and no command.
    let heard = text.trim_start_matches("/me ");
    for other in (0..people.len()).filter(|&other| other != at) {
        people[other].hears(heard);
    }
    trace.shows(text);
}

/// Lets all of them leave.
fn finish(people: Vec<Member>, trace: &mut Trace) {
    for mut person in people.into_iter().rev() {
        person.peer.finish();
        trace.shows("connection is over");
    }
}

/// Plain members and JSON ones, of whom one breaks and resumes; newcomers are told what was before.
#[test]
fn a_live_session_in_both_encodings_tells_what_the_servers_log_tells() {
    if !has("tcpdump") {
        return;
    }
    let mut server = Server::start(&["--rate", "0", "--history", "3"]);
    let port = server.address().port();
    let Some(mut tcpdump) = tcpdump(&format!("tcp port {port}")) else {
        return;
    };
    let mut trace = Trace::start(&mut tcpdump, &["-p", &port.to_string()]);
    let mut people = Vec::new();
    for (name, json) in [("soheil", false), ("ali", true), ("سهیل", true)] {
        let opening = Request::Name(name.into());
        people.push(Member::join(&server, name, json.then_some(&opening)));
        trace.shows(" joined from ");
    }
    for round in 0..10 {
        say(&mut people, &mut trace, 0, &format!("hello {round}."));
        say(&mut people, &mut trace, 1, "/etc/passwd is {a} file: [1]");
        say(&mut people, &mut trace, 2, "/me سلام");
    }
    let gone = people.remove(1);
    gone.peer.reset();
    people[0].hears("ali has left");
    trace.shows("ali left (RST)");
    say(&mut people, &mut trace, 0, "ali misses this");
    let opening = Request::Resume(Resume {
        boot: gone.boot.into(),
        seq: gone.seq,
        name: "ali".into(),
        token: None,
        key: None,
    });
    let mut ali = Member::join(&server, "ali", Some(&opening));
    ali.lines = gone.lines;
    people.push(ali);
    trace.shows("ali joined from ");
    for (name, json) in [("zoe", false), ("bob", true)] {
        let opening = Request::Name(name.into());
        people.push(Member::join(&server, name, json.then_some(&opening)));
        trace.shows(&format!("{name} joined from "));
    }
    for at in 0..people.len() {
        say(&mut people, &mut trace, at, &format!("I am number {at}."));
    }
    finish(people, &mut trace);
    let expected = told_by_log(server.stop());
    let lines = trace.finish(tcpdump);
    assert_eq!(expected.len(), 3 + 30 + 1 + 1 + 3 + 5 + 5);
    assert_eq!(told_by_trace(&lines), expected, "{lines:#?}");
    let told_again = |to: &str| {
        let words = format!("the server to {to}: soheil: ali misses this");
        lines.iter().filter(|line| line.ends_with(&words)).count()
    };
    assert_eq!(
        (told_again("ali"), told_again("zoe"), told_again("bob")),
        (1, 1, 1),
        "{lines:#?}"
    );
}
