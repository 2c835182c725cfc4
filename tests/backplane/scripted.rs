//! A client and a server whose words are all written here: what real ones say only now and then.

use std::time::Duration;

use chatroom::backplane::Link;
use chatroom::backplane::nats::Client;
use chatroom::tick::Tick;

use crate::nats_server::{Heard, options};

const NOT_NOW: &str = r#"{"error":{"code":503,"err_code":10008,"description":"JetStream system temporarily unavailable"}}"#;

/// A question: its subject, and where the answer goes.
type Asked = (String, String);

struct Script {
    client: Client,
    now: Tick,
    heard: Vec<Heard>,
    /// The server answers when it is asked whether it lives.
    lives: bool,
}

impl Script {
    /// Begins with a connection, on which the server hasn't said anything.
    fn new() -> Self {
        let mut client = Client::new(options("room"));
        client.listen_as("boot1");
        client.connected(false, Tick::START);
        Self {
            client,
            now: Tick::START,
            heard: Vec::new(),
            lives: true,
        }
    }

    /// The same, once the streams are looked for.
    fn greeted() -> Self {
        let mut script = Self::new();
        script
            .say("INFO {\"headers\":true,\"max_payload\":1048576,\"jetstream\":true}\r\nPONG\r\n");
        script
    }

    /// The same, once it is up; also returns the question for the snapshot.
    fn up() -> (Self, Asked) {
        let mut script = Self::greeted();
        let account = script.asked_one("$JS.API.INFO");
        script.answer(&account, "{}");
        for (name, subject, most) in [
            ("chatroom_room", "chatroom.room.events", -1),
            ("chatroom_room_state", "chatroom.room.state.>", 1),
        ] {
            let look = script.asked_one(&format!("$JS.API.STREAM.INFO.{name}"));
            let answer = format!(
                r#"{{"config":{{"subjects":["{subject}"],"retention":"limits","discard":"old","max_msgs_per_subject":{most},"num_replicas":1}},"state":{{"first_seq":1,"last_seq":7}}}}"#
            );
            script.answer(&look, &answer);
        }
        assert!(matches!(script.heard[..], [Heard::Up { last_seq: 7, .. }]));
        let get = script.asked_one("$JS.API.STREAM.MSG.GET.chatroom_room_state");
        (script, get)
    }

    fn say(&mut self, words: &str) {
        self.client.receive(words.as_bytes(), self.now);
        while let Some(incoming) = self.client.next(self.now) {
            self.heard.push(incoming.into());
        }
    }

    fn answer(&mut self, (_, reply): &Asked, json: &str) {
        self.say(&format!("MSG {reply} 1 {}\r\n{json}\r\n", json.len()));
    }

    /// Takes out what the client has sent, and returns the questions.
    fn asked(&mut self) -> Vec<Asked> {
        let sent = String::from_utf8(self.client.output().to_vec()).unwrap();
        self.client.sent(sent.len());
        if self.lives && sent.contains("PING\r\n") {
            self.say("PONG\r\n");
        }
        let words = sent
            .lines()
            .filter_map(|line| line.strip_prefix("PUB $JS."));
        words
            .map(|words| {
                let mut words = words.split(' ');
                let subject = format!("$JS.{}", words.next().unwrap());
                (subject, words.next().unwrap().to_owned())
            })
            .collect()
    }

    #[track_caller]
    fn asked_one(&mut self, subject: &str) -> Asked {
        let mut asked = self.asked();
        assert_eq!(asked.len(), 1, "{asked:?}");
        assert_eq!(asked[0].0, subject);
        asked.remove(0)
    }

    /// Lets time pass from one deadline to the next, and returns what is asked until something is.
    #[track_caller]
    fn wait_for_question(&mut self) -> Vec<Asked> {
        let end = self.now + Duration::from_mins(1);
        loop {
            let asked = self.asked();
            if !asked.is_empty() || self.client.problem().is_some() {
                return asked;
            }
            self.now = self.client.deadline().expect("something is due");
            assert!(self.now < end, "nothing is asked");
            self.client.tick(self.now);
            if self.lives {
                // What else it says doesn't matter here.
                self.say("");
            }
        }
    }

    fn problem(&self) -> String {
        self.client
            .problem()
            .map_or_else(String::new, |problem| problem.why.clone())
    }
}

#[test]
fn a_server_that_is_accepted_for_and_says_nothing_is_left_soon() {
    let mut script = Script::new();
    script.lives = false;
    assert!(script.wait_for_question().is_empty());
    assert_eq!(script.problem(), "the NATS server says nothing any more");
    assert!(script.now - Tick::START <= Duration::from_secs(3));
}

/// Found where a server died that led the stream of the snapshots: a node that started meanwhile
/// connected and was cut off again a dozen times a second, and heard nothing until another led.
#[test]
fn a_snapshot_that_can_not_be_read_yet_is_asked_for_again_and_nothing_is_cut_off() {
    let (mut script, mut get) = Script::up();
    for _ in 0..10 {
        script.answer(&get, NOT_NOW);
        assert_eq!(script.problem(), "");
        let asked = script.wait_for_question();
        assert_eq!(asked.len(), 1, "{asked:?}");
        assert_eq!(asked[0].0, get.0);
        get = asked[0].clone();
    }
    let took = script.now - Tick::START;
    assert!(took >= Duration::from_secs(5), "{took:?}");
    script.answer(&get, r#"{"error":{"code":404,"err_code":10037}}"#);
    assert_eq!(script.heard.last(), Some(&Heard::Snapshot(Vec::new())));
    let remarks = script.client.take_remarks();
    let told = remarks
        .iter()
        .filter(|remark| remark.starts_with("the snapshot can't be read: "));
    assert_eq!(told.count(), 1, "{remarks:?}");
}

#[test]
fn a_snapshot_that_can_not_be_read_for_long_is_asked_of_another_server() {
    let (mut script, _) = Script::up();
    while script.problem().is_empty() {
        // Nobody answers.
        script.wait_for_question();
    }
    assert_eq!(
        script.problem(),
        "the snapshot can't be read: JetStream doesn't answer"
    );
    let took = script.now - Tick::START;
    assert!(took <= Duration::from_secs(30), "{took:?}");
}

#[test]
fn who_leads_the_stream_may_be_elected_while_it_is_asked_for() {
    let mut script = Script::greeted();
    let first = script.asked_one("$JS.API.INFO");
    let again = script.wait_for_question();
    assert_eq!(again[0].0, first.0);
    assert_ne!(again[0].1, first.1);
    assert!(script.now - Tick::START <= Duration::from_secs(2));
    // Either answer counts, and only one.
    script.answer(&first, "{}");
    script.asked_one("$JS.API.STREAM.INFO.chatroom_room");
    script.answer(&again[0], "{}");
    assert!(script.asked().is_empty() && script.problem().is_empty());
}

#[test]
fn another_server_is_asked_where_consumers_stay_silent() {
    let (mut script, get) = Script::up();
    script.answer(&get, r#"{"error":{"code":404,"err_code":10037}}"#);
    script.client.follow_from(8);
    let mut consumers = 0;
    while script.problem().is_empty() {
        for asked in script.wait_for_question() {
            assert_eq!(asked.0, "$JS.API.CONSUMER.CREATE.chatroom_room");
            // There is one, and it never says a word.
            script.answer(&asked, "{}");
            consumers += 1;
        }
    }
    assert_eq!(script.problem(), "the stream's consumers are silent");
    assert!((3..10).contains(&consumers), "{consumers}");
    let took = script.now - Tick::START;
    assert!(took <= Duration::from_secs(20), "{took:?}");
    script.say("");
    assert!(matches!(script.heard.last(), Some(Heard::Down(_))));
}
