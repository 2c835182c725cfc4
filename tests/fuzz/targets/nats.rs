//! A client of NATS and whatever a server sends, whatever the room's side asks for: never a panic,
//! bounded memory, nothing but words of the protocol out, and batches in order.

use std::time::Duration;

use chatroom::backplane::nats::credentials::Credentials;
use chatroom::backplane::nats::{Client, Options};
use chatroom::backplane::{Incoming, Link, TOLD_BYTES_MAX};
use chatroom::tick::Tick;

/// What answers there may be; `@` stands for a number of the script.
const ANSWERS: &[&str] = &[
    "{}",
    r#"{"error":{"code":404,"err_code":10059,"description":"stream not found"}}"#,
    r#"{"error":{"code":404,"err_code":10037,"description":"no message found"}}"#,
    r#"{"error":{"code":400,"err_code":10058,"description":"name in use"}}"#,
    r#"{"error":{"code":503,"err_code":10@,"description":"x\r\ny"}}"#,
    r#"{"config":{"subjects":["chatroom.fuzz.events"],"retention":"limits","discard":"old","max_msgs_per_subject":-1},"state":{"first_seq":1,"last_seq":@}}"#,
    r#"{"config":{"subjects":["chatroom.fuzz.state.>"],"retention":"limits","discard":"old","max_msgs_per_subject":1}}"#,
    r#"{"message":{"data":"aGVsbG8="}}"#,
    r#"{"message":{"data":"!"}}"#,
    r#"{"stream":"chatroom_fuzz","seq":@}"#,
    "[",
];

/// A server that the script plays.
struct Play {
    client: Client,
    now: Tick,
    up: bool,
    followed: bool,
    seq: u64,
    /// Where the next answer goes.
    questions: Vec<String>,
    /// Where receipts go.
    receipts: Vec<String>,
    /// The consumer's subscription.
    consumer: u64,
    delivered: u64,
    rest: Vec<u8>,
    batches: usize,
}

/// The input is a script: a byte says what happens, the next how.
pub(crate) fn run(script: &[u8]) {
    play(script);
}

/// Plays a script; returns whether the client is up at its end, and how many batches were told.
pub(crate) fn play(script: &[u8]) -> (bool, usize) {
    let mut client = Client::new(Options {
        room: "fuzz".to_owned(),
        replicas: 1,
        max_age: Duration::ZERO,
        max_bytes: None,
        credentials: Credentials::default(),
        inbox: "i".to_owned(),
    });
    client.listen_as("boot");
    let mut play = Play {
        client,
        now: Tick::START,
        up: false,
        followed: false,
        seq: 0,
        questions: Vec::new(),
        receipts: Vec::new(),
        consumer: 0,
        delivered: 0,
        rest: Vec::new(),
        batches: 0,
    };
    let mut script = script;
    while let [what, how, rest @ ..] = script {
        script = play.step(*what, *how, rest);
        play.hear();
        play.read_output();
    }
    (play.up, play.batches)
}

impl Play {
    /// Does one thing; returns what is left of the script.
    fn step<'a>(&mut self, what: u8, how: u8, rest: &'a [u8]) -> &'a [u8] {
        let (taken, left) = rest.split_at(rest.len().min(usize::from(how)));
        match what % 20 {
            0 => {
                self.client.connected(false, self.now);
                self.rest.clear();
            }
            1 => self.client.disconnected("cut"),
            2 => self.say(
                r#"INFO {"headers":true,"max_payload":1048576,"jetstream":true,"version":"2"}"#,
                how,
            ),
            3 => self.say("PONG", how),
            4 => self.say("PING", how),
            5 => {
                self.client.receive(taken, self.now);
                return left;
            }
            6 | 7 => self.answer(how),
            8 => self.receipt(how),
            9 | 10 => self.deliver(how, taken),
            11 => self.heartbeat(how),
            12 => {
                self.now += Duration::from_millis(u64::from(how) * 20);
                self.client.tick(self.now);
            }
            13 => {
                self.client.follow_from(u64::from(how));
                self.seq = u64::from(how).max(1) - 1;
                self.followed = true;
            }
            14 => self.client.publish(u64::from(how), 0, taken),
            15 => self.client.tell(&String::from_utf8_lossy(taken), taken),
            16 => self.client.listen_as(&String::from_utf8_lossy(taken)),
            17 => self
                .client
                .put_snapshot(vec![taken.to_vec(); usize::from(how % 4)]),
            18 => self.client.fetch_snapshot(),
            _ => self.client.beat(),
        }
        rest
    }

    /// Says a line, cut in two somewhere.
    fn say(&mut self, line: &str, cut: u8) {
        self.send(format!("{line}\r\n").as_bytes(), cut);
    }

    fn send(&mut self, bytes: &[u8], cut: u8) {
        let (first, second) = bytes.split_at(usize::from(cut) % (bytes.len() + 1));
        self.client.receive(first, self.now);
        self.hear();
        self.client.receive(second, self.now);
    }

    fn answer(&mut self, how: u8) {
        let Some(reply) = self.questions.pop() else {
            return;
        };
        let answer = ANSWERS[usize::from(how) % ANSWERS.len()].replace('@', &how.to_string());
        self.send(
            format!("MSG {reply} 1 {}\r\n{answer}\r\n", answer.len()).as_bytes(),
            how,
        );
    }

    fn receipt(&mut self, how: u8) {
        let Some(reply) = self.receipts.pop() else {
            return;
        };
        let answer = ANSWERS[usize::from(how) % ANSWERS.len()].replace('@', &how.to_string());
        self.send(
            format!("MSG {reply} 2 {}\r\n{answer}\r\n", answer.len()).as_bytes(),
            how,
        );
    }

    /// Delivers a batch, not always the next.
    fn deliver(&mut self, how: u8, payload: &[u8]) {
        self.delivered += u64::from(how % 16 != 15);
        let seq =
            (self.seq + 1 + u64::from(how / 64)).saturating_sub(u64::from(how % 32 == 31) * 5);
        let reply = format!(
            "$JS.ACK.chatroom_fuzz.c.1.{seq}.{}.1700000000000000000.0",
            self.delivered
        );
        let mut bytes = format!(
            "MSG chatroom.fuzz.events {} {reply} {}\r\n",
            self.consumer,
            payload.len()
        )
        .into_bytes();
        bytes.extend_from_slice(payload);
        bytes.extend_from_slice(b"\r\n");
        self.send(&bytes, how);
    }

    fn heartbeat(&mut self, how: u8) {
        let last = self.delivered + u64::from(how % 8 == 7);
        let stalled = if how % 16 == 3 {
            "Nats-Consumer-Stalled: $JS.FC.x\r\n"
        } else {
            ""
        };
        let headers =
            format!("NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: {last}\r\n{stalled}\r\n");
        let reply = if how % 4 == 1 {
            "$JS.FC.chatroom_fuzz.c.x "
        } else {
            ""
        };
        let length = headers.len();
        self.send(
            format!(
                "HMSG i {} {reply}{length} {length}\r\n{headers}\r\n",
                self.consumer
            )
            .as_bytes(),
            how,
        );
    }

    /// Hears all, and checks that it is in order.
    fn hear(&mut self) {
        while let Some(incoming) = self.client.next(self.now) {
            match incoming {
                Incoming::Up { .. } => assert!(!std::mem::replace(&mut self.up, true), "up twice"),
                Incoming::Down { .. } => assert!(std::mem::take(&mut self.up), "down twice"),
                Incoming::Snapshot { .. } | Incoming::Refused { .. } => assert!(self.up),
                Incoming::Told { payload } => assert!(self.up && payload.len() <= TOLD_BYTES_MAX),
                Incoming::Beat { boot } => assert!(self.up && chatroom::backplane::is_boot(boot)),
                Incoming::Batch { seq, .. } => {
                    assert!(self.up && self.followed);
                    assert!(seq > self.seq, "{seq} comes after {}", self.seq);
                    self.seq = seq;
                    self.batches += 1;
                }
            }
        }
        assert!(self.client.held_bytes() < 2 * 1024 * 1024);
    }

    /// Reads what the client says as a server does.
    fn read_output(&mut self) {
        let output = self.client.output().to_vec();
        self.client.sent(output.len());
        self.rest.extend_from_slice(&output);
        let bytes = std::mem::take(&mut self.rest);
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let end = rest
                .windows(2)
                .position(|two| two == b"\r\n")
                .expect("a line ends");
            let line = std::str::from_utf8(&rest[..end]).expect("a line is text");
            rest = &rest[end + 2..];
            let words: Vec<_> = line.split(' ').collect();
            match words.as_slice() {
                ["CONNECT", ..] | ["PING" | "PONG"] | ["UNSUB", _] => {}
                ["SUB", subject, sid] => {
                    assert!(
                        subject.starts_with("_INBOX.i.") || subject.starts_with("chatroom.fuzz.")
                    );
                    if subject.starts_with("_INBOX.i.d.") {
                        (self.consumer, self.delivered) = (sid.parse().unwrap(), 0);
                    }
                }
                ["PUB" | "HPUB", subject, others @ ..] => {
                    let length: usize = others.last().unwrap().parse().unwrap();
                    assert_eq!(&rest[length..length + 2], b"\r\n");
                    rest = &rest[length + 2..];
                    let known = ["$JS.API.", "$JS.FC.", "chatroom.fuzz."];
                    assert!(
                        known.iter().any(|known| subject.starts_with(known)),
                        "{line}"
                    );
                    match others.first() {
                        Some(reply) if reply.starts_with("_INBOX.i.r.") => {
                            self.questions.push((*reply).to_owned());
                        }
                        Some(reply) if reply.starts_with("_INBOX.i.p.") => {
                            self.receipts.push((*reply).to_owned());
                        }
                        _ => {}
                    }
                }
                _ => panic!("it is no word of the protocol: {line:?}"),
            }
        }
    }
}
