//! The conversation with a server that is kept in memory, over connections that break anywhere.

mod model;
mod secret;

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::wire::plain::{GREETING, PROMPT};
use model::{Happening, ME, Server};

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
