//! What `JetStream` is asked for, and what it answers: JSON on subjects of its own.
//!
//! See the schemas of `io.nats.jetstream.api.v1`; written for 2.9 and later.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::wire;

/// For how long a stream knows what it has taken already.
const DUPLICATES_KNOWN: Duration = Duration::from_mins(2);

/// How often a consumer that has nothing to tell says that it lives.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(1);

/// How long a consumer outlives its node.
const INACTIVE: Duration = Duration::from_secs(30);

/// Most bytes of the stream of the state: twice a snapshot.
const STATE_BYTES_MAX: usize =
    2 * crate::backplane::SNAPSHOT_PARTS_MAX * crate::backplane::SNAPSHOT_PART_BYTES_MAX;

/// There is no such stream.
const NO_STREAM: u32 = 10_059;

/// There is a stream of that name, with other settings.
const NAME_IN_USE: u32 = 10_058;

/// There is no such message.
const NO_MESSAGE: u32 = 10_037;

/// What waiting doesn't mend: no `JetStream` for the account, more replicas than servers, no storage
/// left, as many streams as are allowed, subjects of another stream, and other settings that can't be.
const FOR_GOOD: [u32; 14] = [
    10_023, 10_025, 10_026, 10_027, 10_028, 10_035, 10_039, 10_047, 10_052, 10_065, 10_074, 10_076,
    10_110, 10_113,
];

/// What `JetStream` says is wrong.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Refusal {
    pub(super) err_code: u32,
    pub(super) description: String,
}

impl Refusal {
    pub(super) fn is_no_stream(&self) -> bool {
        self.err_code == NO_STREAM
    }

    pub(super) fn is_name_in_use(&self) -> bool {
        self.err_code == NAME_IN_USE
    }

    pub(super) fn is_no_message(&self) -> bool {
        self.err_code == NO_MESSAGE
    }

    /// Returns it in words, without what could move a cursor.
    pub(super) fn shown(&self) -> String {
        let words = self.description.chars().filter(|c| !c.is_control());
        let words: String = words.take(200).collect();
        format!("{words} ({})", self.err_code)
    }

    /// Returns whether there is no use in asking again.
    pub(super) fn is_for_good(&self) -> bool {
        FOR_GOOD.contains(&self.err_code)
    }
}

/// An answer of any kind; what isn't told is empty.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Answer {
    pub(super) error: Option<Refusal>,
    pub(super) config: StreamConfig,
    pub(super) state: StreamState,
    /// When the stream was made: another one of the same name was made at another time.
    pub(super) created: String,
    /// The message that was asked for.
    pub(super) message: Option<Stored>,
    /// The stream that has taken a message, and where.
    pub(super) seq: u64,
}

impl Answer {
    pub(super) fn read(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }
}

/// A message as the stream has it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Stored {
    /// What it says, in base64.
    pub(super) data: String,
}

/// How a stream is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct StreamConfig {
    pub(super) subjects: Vec<String>,
    pub(super) retention: String,
    pub(super) discard: String,
    pub(super) no_ack: bool,
    pub(super) max_msgs_per_subject: i64,
    pub(super) max_age: i64,
    pub(super) max_bytes: i64,
    pub(super) max_msg_size: i64,
    pub(super) num_replicas: u32,
    pub(super) sealed: bool,
    pub(super) mirror: Option<Value>,
}

/// What a stream holds.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(super) struct StreamState {
    pub(super) first_seq: u64,
    pub(super) last_seq: u64,
}

/// What a stream has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) subject: String,
    pub(super) description: String,
    pub(super) max_age: Duration,
    pub(super) max_bytes: Option<u64>,
    /// Most messages of each subject; any number without.
    pub(super) per_subject: Option<u32>,
    pub(super) replicas: u32,
}

impl Wanted {
    /// The stream of the events of a room.
    pub(super) fn events(room: &str, age: Duration, bytes: Option<u64>, replicas: u32) -> Self {
        Self {
            name: format!("chatroom_{room}"),
            subject: format!("chatroom.{room}.events"),
            description: format!("chatroom: what happens in the room {room}"),
            max_age: age,
            max_bytes: bytes,
            per_subject: None,
            replicas,
        }
    }

    /// The stream of its snapshots.
    pub(super) fn state(room: &str, replicas: u32) -> Self {
        Self {
            name: format!("chatroom_{room}_state"),
            subject: format!("chatroom.{room}.state.>"),
            description: format!("chatroom: how the room {room} is"),
            max_age: Duration::ZERO,
            max_bytes: Some(STATE_BYTES_MAX as u64),
            per_subject: Some(1),
            replicas,
        }
    }

    /// Returns what asks for it to be made.
    pub(super) fn create(&self) -> Vec<u8> {
        let json = json!({
            "name": self.name,
            "description": self.description,
            "subjects": [self.subject],
            "retention": "limits",
            "discard": "old",
            "storage": "file",
            "max_consumers": -1,
            "max_msgs": -1,
            "max_bytes": self.max_bytes.map_or(-1, |bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
            "max_age": nanoseconds(self.max_age),
            "max_msgs_per_subject": self.per_subject.map_or(-1, i64::from),
            "max_msg_size": -1,
            "num_replicas": self.replicas,
            "duplicate_window": nanoseconds(DUPLICATES_KNOWN),
        });
        json.to_string().into_bytes()
    }

    /// Checks a stream of that name.
    ///
    /// # Errors
    /// Says why it can't be used.
    pub(super) fn check(&self, there: &StreamConfig) -> Result<(), String> {
        let name = &self.name;
        let foreign = |why: &str| {
            Err(format!(
                "there is a stream {name}, but it isn't ours: {why}"
            ))
        };
        if there.subjects != [self.subject.clone()] {
            return foreign(&format!("its subjects are {}", there.subjects.join(", ")));
        }
        if there.mirror.is_some() {
            return foreign("it is a mirror");
        }
        if there.retention != "limits" {
            return foreign(&format!("its retention is {}", there.retention));
        }
        if there.discard != "old" {
            return foreign(&format!("what it discards is {}", there.discard));
        }
        if there.no_ack || there.sealed {
            return foreign("it doesn't say what it has taken");
        }
        if there.max_msgs_per_subject.max(0) != self.per_subject.map_or(0, i64::from) {
            return foreign(&format!(
                "it keeps {} messages of a subject",
                there.max_msgs_per_subject
            ));
        }
        let longest = usize::try_from(there.max_msg_size).unwrap_or_default();
        if longest > 0 && longest < crate::backplane::SNAPSHOT_PART_BYTES_MAX {
            return foreign(&format!(
                "its messages are at most {} bytes long",
                there.max_msg_size
            ));
        }
        Ok(())
    }

    /// Returns how a stream that can be used differs from what was asked for, if it does.
    pub(super) fn difference(&self, there: &StreamConfig) -> Option<String> {
        let bytes = self
            .max_bytes
            .map_or(-1, |bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
        let age = i64::try_from(nanoseconds(self.max_age)).unwrap_or(i64::MAX);
        let same =
            there.max_age == age && there.max_bytes == bytes && there.num_replicas == self.replicas;
        (!same).then(|| {
            format!(
                "the stream {} stays as it was made: {} s, {} bytes, {} replicas",
                self.name,
                there.max_age / 1_000_000_000,
                there.max_bytes,
                there.num_replicas
            )
        })
    }
}

/// Returns what asks for an ordered consumer from a sequence on: pushed, nothing acknowledged, kept
/// in memory; it says that it lives, and waits where the way is full.
pub(super) fn consumer(stream: &str, deliver: &str, from: u64) -> Vec<u8> {
    let json = json!({
        "stream_name": stream,
        "config": {
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": from.max(1),
            "deliver_subject": deliver,
            "ack_policy": "none",
            "max_deliver": 1,
            "replay_policy": "instant",
            "flow_control": true,
            "idle_heartbeat": nanoseconds(HEARTBEAT),
            "inactive_threshold": nanoseconds(INACTIVE),
            "mem_storage": true,
            "num_replicas": 1,
        },
    });
    json.to_string().into_bytes()
}

/// Returns what asks for the last message of a subject.
pub(super) fn last_of(subject: &str) -> Vec<u8> {
    json!({ "last_by_subj": subject }).to_string().into_bytes()
}

/// Where a message has been delivered from: the subject that it would be acknowledged at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Its sequence in the stream.
    pub(super) stream_seq: u64,
    /// How many the consumer had delivered with it.
    pub(super) consumer_seq: u64,
    /// When the stream took it, in nanoseconds since 1970.
    pub(super) time_ns: u64,
}

impl Place {
    /// Reads `$JS.ACK.STREAM.CONSUMER.DELIVERED.SEQ.SEQ.TIME.PENDING`, also with a domain and an
    /// account behind `ACK`.
    pub(super) fn read(reply: &[u8]) -> Option<Self> {
        let mut tokens = [&[][..]; 12];
        let mut count = 0;
        for token in reply.split(|&byte| byte == b'.') {
            *tokens.get_mut(count)? = token;
            count += 1;
        }
        if tokens[0] != b"$JS" || tokens[1] != b"ACK" {
            return None;
        }
        let first = match count {
            9 => 5,
            11 | 12 => 7,
            _ => return None,
        };
        Some(Self {
            stream_seq: wire::number(tokens[first])?,
            consumer_seq: wire::number(tokens[first + 1])?,
            time_ns: wire::number(tokens[first + 2])?,
        })
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_from_old_and_new_replies() {
        let place = Some(Place {
            stream_seq: 12,
            consumer_seq: 3,
            time_ns: 1_700_000_000_000_000_001,
        });
        for reply in [
            "$JS.ACK.chatroom_lobby.c0ns.1.12.3.1700000000000000001.0",
            "$JS.ACK.hub.aCc0unt.chatroom_lobby.c0ns.1.12.3.1700000000000000001.0",
            "$JS.ACK.hub.aCc0unt.chatroom_lobby.c0ns.1.12.3.1700000000000000001.0.rand0m",
        ] {
            assert_eq!(Place::read(reply.as_bytes()), place, "{reply}");
        }
        for reply in [
            "",
            "$JS.ACK",
            "$JS.ACK.s.c.1.x.3.17.0",
            "$JS.FC.s.c.1.12.3.17.0",
            "$JS.ACK.s.c.1.12.3.17",
            "$JS.ACK.s.c.1.99999999999999999999.3.17.0",
            "$JS.ACK.a.b.c.d.e.f.g.h.i.j.k.l.m",
        ] {
            assert_eq!(Place::read(reply.as_bytes()), None, "{reply}");
        }
    }

    #[test]
    fn a_stream_that_is_not_ours_is_told_from_ours() {
        let wanted = Wanted::events("lobby", Duration::from_hours(1), None, 1);
        let ours = StreamConfig {
            subjects: vec!["chatroom.lobby.events".to_owned()],
            retention: "limits".to_owned(),
            discard: "old".to_owned(),
            max_msgs_per_subject: -1,
            max_age: 3_600_000_000_000,
            max_bytes: -1,
            max_msg_size: -1,
            num_replicas: 1,
            ..StreamConfig::default()
        };
        assert_eq!(wanted.check(&ours), Ok(()));
        assert_eq!(wanted.difference(&ours), None);
        let changes: [fn(&mut StreamConfig); 7] = [
            |there| there.subjects = vec!["orders".to_owned()],
            |there| there.subjects.push("orders".to_owned()),
            |there| there.retention = "workqueue".to_owned(),
            |there| there.discard = "new".to_owned(),
            |there| there.no_ack = true,
            |there| there.max_msgs_per_subject = 1,
            |there| there.max_msg_size = 100,
        ];
        for change in changes {
            let mut there = ours.clone();
            change(&mut there);
            assert!(wanted.check(&there).is_err(), "{there:?}");
        }
        let other = StreamConfig {
            num_replicas: 3,
            ..ours
        };
        assert_eq!(wanted.check(&other), Ok(()));
        assert!(wanted.difference(&other).unwrap().ends_with("3 replicas"));
    }

    #[test]
    fn an_answer_may_be_anything() {
        let answer = Answer::read(br#"{"error":{"code":404,"err_code":10059,"description":"x"}}"#);
        assert!(answer.unwrap().error.unwrap().is_no_stream());
        for json in [&b"{}"[..], b"{\"state\":{}}", b"{\"message\":{}}"] {
            assert!(Answer::read(json).is_some());
        }
        for json in [&b""[..], b"[", b"{\"seq\":-1}", b"\xff"] {
            assert!(Answer::read(json).is_none());
        }
    }
}
