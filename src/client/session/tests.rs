//! The conversation with a server that is kept in memory, over connections that break anywhere.

use std::collections::VecDeque;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::wire::json::{Coming, FIRST_LINE, Hello, Message, Talk};
use crate::wire::plain::{GREETING, PROMPT};

const IDS: usize = 3;
const ME: &str = "soheil";

/// A room of one who comes and goes, and of others whose lines come from nowhere.
#[derive(Default)]
struct Server {
    boot: u64,
    events: Vec<Happening>,
    /// Events before this are forgotten.
    held_from: usize,
    /// What was taken of the one under test, with its event.
    taken: VecDeque<(String, Option<u64>)>,
    is_inside: bool,
    /// What the connection has brought of an unfinished line, and what it will bring.
    input: Vec<u8>,
    output: Vec<u8>,
    speaks_objects: bool,
}

#[derive(Clone)]
enum Happening {
    Said(&'static str, String),
    Joined,
    Left,
}

impl Server {
    fn connect(&mut self) {
        if self.is_inside {
            self.happen(Happening::Left);
        }
        self.is_inside = false;
        self.speaks_objects = false;
        self.input.clear();
        self.output = format!("{PROMPT}\n").into_bytes();
    }

    fn restart(&mut self) {
        *self = Self {
            boot: self.boot + 1,
            ..Self::default()
        };
        self.connect();
    }

    fn tell(&mut self, message: &Message<'_>) {
        message.put(&mut self.output);
    }

    fn happen(&mut self, event: Happening) -> u64 {
        self.events.push(event);
        let seq = self.events.len() as u64;
        let is_own = !matches!(self.events.last(), Some(Happening::Said("ali", _)));
        if self.is_inside && !is_own {
            self.tell_event(seq);
        }
        seq
    }

    fn tell_event(&mut self, seq: u64) {
        let time = 1000 * seq;
        let coming = Coming {
            seq,
            time,
            name: ME.into(),
        };
        let event = self.events[usize::try_from(seq).unwrap() - 1].clone();
        let message = match &event {
            Happening::Said(name, text) => Message::Said(Talk {
                seq,
                time,
                name: (*name).into(),
                text: text.as_str().into(),
            }),
            Happening::Joined => Message::Joined(coming),
            Happening::Left => Message::Left(coming),
        };
        message.put(&mut self.output);
    }

    fn hear(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if byte != b'\n' {
                self.input.push(byte);
                continue;
            }
            let line = mem::take(&mut self.input);
            if self.speaks_objects {
                self.answer(&Request::parse(&line).expect("a request"));
            } else {
                assert_eq!(line, FIRST_LINE.as_bytes());
                self.speaks_objects = true;
                let boot = self.boot.to_string();
                self.tell(&Message::Hello(Hello {
                    version: 1,
                    server: "model".into(),
                    boot: boot.into(),
                    line_bytes: 100,
                    rate: 0,
                    burst: 0,
                    ids: IDS,
                    announces_joins: true,
                }));
            }
        }
    }

    fn answer(&mut self, request: &Request<'_>) {
        match request {
            Request::Name(_) => {
                self.taken.clear();
                self.welcome(false);
            }
            Request::Resume(resume) => {
                assert_eq!(resume.name, ME);
                let is_known = resume.boot == self.boot.to_string();
                self.welcome(is_known);
                if is_known {
                    self.catch_up(usize::try_from(resume.seq).unwrap());
                } else {
                    self.taken.clear();
                    self.tell(&Message::Gap { missed: None });
                }
            }
            Request::Line { id, line } => return self.take(id.as_deref().unwrap(), line),
        }
        let names = vec![ME.into(), "ali".into()];
        let (count, more) = (2, 0);
        self.tell(&Message::Members { count, names, more });
    }

    fn catch_up(&mut self, from: usize) {
        if from < self.held_from {
            let missed = Some((self.held_from - from) as u64);
            self.tell(&Message::Gap { missed });
        }
        for seq in from.max(self.held_from)..self.events.len() - 1 {
            self.tell_event(seq as u64 + 1);
        }
    }

    fn welcome(&mut self, resumed: bool) {
        let seq = self.happen(Happening::Joined);
        self.is_inside = true;
        let name = ME.into();
        let token = "t".into();
        self.tell(&Message::Welcome {
            seq,
            name,
            resumed,
            token,
        });
    }

    fn take(&mut self, id: &str, line: &str) {
        let known = self.taken.iter().find(|(taken, _)| taken == id);
        let seq = match known {
            Some((_, seq)) => *seq,
            None => {
                let is_talk = !line.starts_with('/');
                let seq = is_talk.then(|| self.happen(Happening::Said(ME, line.to_owned())));
                self.taken.push_back((id.to_owned(), seq));
                if self.taken.len() > IDS {
                    self.taken.pop_front();
                }
                seq
            }
        };
        let (id, time) = (id.into(), seq.map(|seq| 1000 * seq));
        self.tell(&Message::Ack { id, seq, time });
    }

    fn said(&self) -> Vec<(&'static str, String)> {
        let said = self.events.iter().filter_map(|event| match event {
            Happening::Said(name, text) => Some((*name, text.clone())),
            _ => None,
        });
        said.collect()
    }
}

/// The one under test, and what it was told.
struct Client {
    session: Session,
    heard: Vec<(&'static str, String)>,
    words: Vec<String>,
    now: Instant,
}

impl Client {
    fn new() -> Self {
        let entry = Entry::new(Some(ME)).unwrap();
        Self {
            session: Session::new(entry, false, true),
            heard: Vec::new(),
            words: Vec::new(),
            now: Instant::now(),
        }
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.session.hear(bytes, self.now);
        self.session.pump();
        while let Some(told) = self.session.take_told() {
            match told {
                Told::Event { event, .. } => match event {
                    Event::Said { name, text } => {
                        assert_eq!(name, "ali", "own lines are told as own");
                        self.heard.push(("ali", text));
                    }
                    Event::Left(name) | Event::Joined(name) => {
                        panic!("{name} is told of itself");
                    }
                    Event::Prompt | Event::Entered => {}
                    event => panic!("{event:?}"),
                },
                Told::Own { line, .. } => self.heard.push((ME, line)),
                Told::Back(word) => self.words.push(word),
                Told::Members { .. } | Told::Name(_) => {}
                told => panic!("{told:?}"),
            }
        }
    }

    fn lose(&mut self) {
        self.session.hear_end();
        self.now += Duration::from_secs(3);
        self.session.lose(self.now);
    }

    /// Lets both sides have what the other said, until they have no more to say.
    fn settle(&mut self, server: &mut Server) {
        while !server.output.is_empty() || !self.session.out().is_empty() {
            let output = mem::take(&mut server.output);
            self.hear(&output);
            let out = mem::take(self.session.out());
            server.hear(&out);
        }
    }
}

#[derive(Debug, Clone)]
enum Act {
    Type,
    /// A command, of which nobody hears.
    Ask,
    Other,
    /// So many bytes arrive.
    ToClient(usize),
    ToServer(usize),
    Break,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => Just(Act::Type),
        1 => Just(Act::Ask),
        4 => Just(Act::Other),
        8 => (0..300_usize).prop_map(Act::ToClient),
        8 => (0..150_usize).prop_map(Act::ToServer),
        2 => Just(Act::Break),
    ]
}

fn play(acts: &[Act], act_of: impl Fn(&mut Server)) -> (Server, Client, Vec<String>) {
    let (mut server, mut client, mut typed) = (Server::default(), Client::new(), Vec::new());
    server.connect();
    client.settle(&mut server);
    for (number, act) in acts.iter().enumerate() {
        match act {
            Act::Type | Act::Ask => {
                let slash = if matches!(act, Act::Ask) { "/x" } else { "" };
                // The same words again and again: nothing but its id tells a line.
                let line = format!("{slash}{}", number % 3);
                typed.push(line.clone());
                assert!(client.session.take_line(line));
                client.hear(b"");
            }
            Act::Other => {
                server.happen(Happening::Said("ali", number.to_string()));
            }
            Act::ToClient(count) => {
                let count = (*count).min(server.output.len());
                let bytes: Vec<_> = server.output.drain(..count).collect();
                client.hear(&bytes);
            }
            Act::ToServer(count) => {
                let out = client.session.out();
                let count = (*count).min(out.len());
                let bytes: Vec<_> = out.drain(..count).collect();
                server.hear(&bytes);
            }
            Act::Break => {
                client.lose();
                act_of(&mut server);
                server.connect();
            }
        }
    }
    client.settle(&mut server);
    (server, client, typed)
}

proptest! {
    /// Whatever breaks where: everybody hears everything once, in one order.
    #[test]
    fn nothing_is_lost_or_told_twice(acts in prop::collection::vec(act(), 0..80)) {
        let (server, client, typed) = play(&acts, |_| {});
        let own = |list: &[(&str, String)]| {
            let own = list.iter().filter(|(name, _)| *name == ME);
            own.map(|(_, text)| text.clone()).collect::<Vec<_>>()
        };
        let is_talk = |line: &String| !line.starts_with('/');
        let talk: Vec<_> = typed.iter().filter(|line| is_talk(line)).cloned().collect();
        prop_assert_eq!(own(&server.said()), talk, "said once, in order");
        let mut heard = client.heard.clone();
        heard.retain(|(_, text)| is_talk(text));
        prop_assert_eq!(heard, server.said());
        prop_assert_eq!(own(&client.heard).len(), typed.len());
        prop_assert!(client.session.is_sent());
    }

    /// Where the room has forgotten some of it: the rest once and in order, and a word of the gap.
    #[test]
    fn what_is_forgotten_is_a_gap(acts in prop::collection::vec(act(), 0..80)) {
        let (server, client, typed) = play(&acts, |server| {
            server.held_from = server.events.len() * 2 / 3;
        });
        let said = server.said();
        let own = said.iter().filter(|(name, _)| *name == ME).count();
        let talk = typed.iter().filter(|line| !line.starts_with('/')).count();
        prop_assert_eq!(own, talk, "said once");
        let mut others = said.into_iter().filter(|(name, _)| *name == "ali");
        let mut has_gap = false;
        for heard in client.heard.iter().filter(|(name, _)| *name == "ali") {
            has_gap |= others.by_ref().position(|said| said == *heard).unwrap() > 0;
        }
        has_gap |= others.next().is_some();
        let told = client.words.iter().any(|word| word.contains("are missing"));
        prop_assert!(told || !has_gap, "{:?}", client.words);
    }

    /// Another start of the server, which knows nothing: what waits is said in it.
    #[test]
    fn after_a_restart_what_waits_is_said(acts in prop::collection::vec(act(), 0..80)) {
        let (server, client, _) = play(&acts, Server::restart);
        prop_assert!(client.session.is_sent());
        let told = client.words.iter().all(|word| word.ends_with("is missing here."));
        prop_assert!(told, "{:?}", client.words);
        prop_assert_eq!(server.boot > 0, acts.iter().any(|act| matches!(act, Act::Break)));
    }
}

fn hear(client: &mut Client, lines: &[&str]) -> Vec<Told> {
    let bytes = lines.join("\n") + "\n";
    client.session.hear(bytes.as_bytes(), client.now);
    client.session.pump();
    std::iter::from_fn(|| client.session.take_told()).collect()
}

fn sent(client: &mut Client) -> String {
    String::from_utf8(mem::take(client.session.out())).unwrap()
}

#[test]
fn an_older_chatroom_is_spoken_to_in_lines_on_the_same_connection() {
    let mut client = Client::new();
    assert_eq!(hear(&mut client, &[PROMPT]), []);
    assert_eq!(sent(&mut client), "/json\n");
    let told = hear(
        &mut client,
        &["* That name starts with a slash: /json", PROMPT],
    );
    assert_eq!(told.len(), 2, "the prompt and the name: {told:?}");
    assert_eq!(sent(&mut client), format!("{ME}\n"));
    hear(&mut client, &[GREETING]);
    client.session.take_line("hi".to_owned());
    client.session.pump();
    assert_eq!(sent(&mut client), "hi\n");
    client.session.pump();
    let own = Told::Own {
        line: "hi".to_owned(),
        time_ms: None,
    };
    assert_eq!(client.session.take_told(), Some(own));
    assert!(client.session.is_sent());
}

#[test]
fn a_strangers_server_is_connected_to_again() {
    for answer in [GREETING, "eve: who is /json?", "{\"event\":\"hi\"}"] {
        let mut client = Client::new();
        hear(&mut client, &[PROMPT]);
        assert_eq!(hear(&mut client, &[answer, "more"]), []);
        assert_eq!(client.session.wants(), Some(Wants::StartOver));
        client.session.start_over();
        let told = hear(&mut client, &[PROMPT]);
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!(sent(&mut client), format!("{ME}\n"));
    }
}

const HELLO: &str = r#"{"event":"hello","version":1,"server":"x","boot":"b","line_bytes":9,"rate":0,"burst":0,"ids":4}"#;
const MEMBERS: &str = r#"{"event":"members","count":1,"names":["soheil"],"more":0}"#;
const TAKEN: &str = r#"{"event":"error","code":"name-taken","text":"That name is taken: soheil"}"#;

fn welcome(resumed: bool) -> String {
    format!(r#"{{"event":"welcome","seq":5,"name":"soheil","resumed":{resumed},"token":"t"}}"#)
}

/// Returns one who is in the room.
fn inside() -> Client {
    let mut client = Client::new();
    hear(&mut client, &[PROMPT, HELLO, &welcome(false), MEMBERS]);
    assert_eq!(sent(&mut client), "/json\n{\"name\":\"soheil\"}\n");
    client
}

#[test]
fn a_name_that_is_held_is_tried_again_or_another() {
    let mut client = inside();
    client.session.take_line("hi".to_owned());
    client.lose();
    for round in 0..20 {
        let told = hear(&mut client, &[PROMPT, HELLO, TAKEN]);
        assert_eq!(told.len(), usize::from(round == 0), "told once: {told:?}");
        assert_eq!(client.session.wants(), Some(Wants::Pause));
        assert!(client.session.is_held());
        client.lose();
    }
    client.session.take_line("/nick zed".to_owned());
    sent(&mut client);
    hear(&mut client, &[PROMPT, HELLO]);
    let resume = r#"{"resume":{"boot":"b","name":"zed","seq":5,"token":"t"}}"#;
    assert!(sent(&mut client).ends_with(&format!("{resume}\n")));
    let told = hear(
        &mut client,
        &[&welcome(true).replace("soheil", "zed"), MEMBERS],
    );
    let is_back = |told: &Told| matches!(told, Told::Back(word) if word.contains("as zed"));
    assert!(told.iter().any(is_back), "{told:?}");
    assert_eq!(sent(&mut client), "{\"id\":\"1\",\"line\":\"hi\"}\n");
}

#[test]
fn back_under_another_name_what_was_said_is_not_said_again() {
    let mut client = inside();
    for line in ["one", "two"] {
        client.session.take_line(line.to_owned());
    }
    client.session.pump();
    client.lose();
    hear(&mut client, &[PROMPT, HELLO, TAKEN]);
    client.session.take_line("/nick zed".to_owned());
    client.lose();
    hear(&mut client, &[PROMPT, HELLO]);
    sent(&mut client);
    let said = r#"{"event":"said","seq":6,"time":7,"name":"soheil","text":"one"}"#;
    let left = r#"{"event":"left","seq":7,"time":7,"name":"soheil"}"#;
    let welcome = welcome(true).replace("soheil", "zed").replace('5', "8");
    let told = hear(&mut client, &[&welcome, said, left, MEMBERS]);
    let own = Told::Own {
        line: "one".to_owned(),
        time_ms: Some(7),
    };
    assert!(told.contains(&own), "{told:?}");
    assert_eq!(sent(&mut client), "{\"id\":\"2\",\"line\":\"two\"}\n");
}

#[test]
fn history_is_old_and_a_command_is_shown_before_its_answer() {
    let mut client = Client::new();
    let said = r#"{"event":"said","seq":1,"time":7,"name":"ali","text":"soheil!"}"#;
    let (begin, end) = (r#"{"event":"history-begin"}"#, r#"{"event":"history-end"}"#);
    let told = hear(
        &mut client,
        &[PROMPT, HELLO, &welcome(false), begin, said, end, MEMBERS],
    );
    let old = told
        .iter()
        .filter(|told| matches!(told, Told::Event { is_old: true, .. }));
    assert_eq!(old.count(), 1, "{told:?}");
    client.session.take_line("/help".to_owned());
    client.session.pump();
    let notice = r#"{"event":"notice","code":"help","text":"Here is what:\n  /who"}"#;
    let ack = r#"{"event":"ack","id":"1"}"#;
    let told = hear(&mut client, &[notice, ack]);
    let own = matches!(&told[0], Told::Own { line, .. } if line == "/help");
    assert!(own && told.len() == 3, "{told:?}");
}

#[test]
fn what_is_no_event_is_shown_and_what_is_unknown_is_not() {
    let mut client = inside();
    let told = hear(
        &mut client,
        &["{\"event\":\"later\"}", "", "\u{1b}[2J what?"],
    );
    let text = Event::Text("\u{fffd}[2J what?".to_owned());
    assert_eq!(told, [told_event(text)]);
}

#[test]
fn a_line_too_long_for_the_server_is_refused_here() {
    let mut client = inside();
    client.session.take_line("ten bytes!".to_owned());
    client.session.take_line("nine, ok.".to_owned());
    client.session.pump();
    assert!(
        matches!(client.session.take_told(), Some(Told::Refused { line: Some(line), .. }) if line.number == 1)
    );
    assert_eq!(sent(&mut client), "{\"id\":\"2\",\"line\":\"nine, ok.\"}\n");
}
