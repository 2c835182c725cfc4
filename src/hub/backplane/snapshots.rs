//! The room as it is after a certain batch, so that a node that starts need not hear all from the start.
//!
//! A snapshot is written by the node whose batch has a sequence that is divisible by 1,024, and by the
//! one whose batch was the last for five seconds: so one writes it, and none has to be chosen.

use std::borrow::Cow;
use std::time::Duration;

use log::{info, warn};
use serde::{Deserialize, Serialize};

use super::{Request, Then};
use crate::backplane::event::{Entry, Text};
use crate::backplane::state::{self, Present, Row};
use crate::backplane::{SNAPSHOT_PART_BYTES_MAX, SNAPSHOT_PARTS_MAX, is_boot};
use crate::hub::Hub;
use crate::stream::Stream;
use crate::tick::Tick;
use crate::wire::json::Message;
use crate::wire::{Stamp, plain};

/// The version of snapshots; another one is not understood by who knows this.
const VERSION: u32 = 1;

/// So many batches apart snapshots are at most, unless they would come too often.
const BATCHES: u64 = 1024;

/// How long after the last batch one is written.
const QUIET: Duration = Duration::from_secs(5);

/// How often a node writes one at most.
const EVERY: Duration = Duration::from_secs(10);

/// How often a snapshot is asked for whose parts don't belong together.
const TRIES_MAX: u32 = 20;

/// How long after that it is asked for again.
const TRY_AGAIN: Duration = Duration::from_millis(250);

/// Most lines of the talk so far that it has.
const PAST_MAX: usize = 200;

/// How far the node has come in knowing the room, and when it writes down what it knows.
#[derive(Debug, Default)]
pub(in crate::hub) struct Snapshots {
    /// The batches after the snapshot are being heard.
    follows: bool,
    /// What the stream held when the backplane came up.
    first_seq: u64,
    last_seq: u64,
    tries: u32,
    try_at: Option<Tick>,
    /// This node's batch was the last: when a snapshot is written if it stays so.
    due: Option<Tick>,
    not_before: Tick,
}

/// How each part begins.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    v: u32,
    /// The sequence of the last batch that it knows of.
    seq: u64,
    part: usize,
    parts: usize,
    /// The number of the last event that everybody was told of.
    events: u64,
    /// The time of the last batch, in milliseconds since 1970.
    time: u64,
}

/// One line of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line<'a> {
    /// A node, and the counter of its last batch.
    Node(#[serde(borrow)] Text<'a>, u64),
    /// A node that is gone.
    Gone(#[serde(borrow)] Text<'a>),
    /// What the room keeps.
    Keeps(#[serde(borrow)] Row<'a>),
    /// Who is in it.
    Here(#[serde(borrow)] Present<'a>),
    /// What was said lately, as a line of a record.
    Past(#[serde(borrow)] Cow<'a, str>),
}

impl Snapshots {
    /// Returns whether the node knows the room as it was when the backplane came up.
    pub(super) fn is_caught_up(&self, applied: u64) -> bool {
        self.follows && applied >= self.last_seq
    }

    pub(super) fn note_up(&mut self, first_seq: u64, last_seq: u64) {
        if !self.follows {
            (self.first_seq, self.last_seq) = (first_seq, last_seq);
        }
    }

    pub(super) fn note_batch(&mut self, is_own: bool, now: Tick) {
        self.due = is_own.then(|| now + QUIET);
    }

    pub(super) fn deadline(&self) -> Option<Tick> {
        [self.due, self.try_at].into_iter().flatten().min()
    }
}

impl<S: Stream> Hub<S> {
    /// Begins with what a snapshot says, and hears what came after it.
    pub(super) fn hear_snapshot(&mut self, parts: &[Vec<u8>]) {
        let now = self.connections.now();
        let Some(backplane) = &mut self.backplane else {
            return;
        };
        let snapshots = &mut backplane.snapshots;
        if snapshots.follows {
            return;
        }
        let lines = match gather(parts) {
            Ok(gathered) => gathered,
            Err(why) if snapshots.tries < TRIES_MAX => {
                info!("the snapshot is read again: {why}");
                snapshots.tries += 1;
                snapshots.try_at = Some(now + TRY_AGAIN);
                return;
            }
            Err(why) => {
                warn!("there is no snapshot that can be read: {why}");
                None
            }
        };
        let (first_seq, last_seq) = (snapshots.first_seq, snapshots.last_seq);
        snapshots.follows = true;
        snapshots.try_at = None;
        let seq = lines.as_ref().map(|(head, _)| head.seq);
        let is_empty = last_seq == 0 && seq.is_none();
        let first = seq.map_or_else(|| first_seq.max(1), |seq| seq + 1);
        if first < first_seq {
            warn!("the stream does not hold what followed on the snapshot: {first} to {first_seq}");
        } else if seq.is_none() && first > 1 {
            warn!("there is no snapshot, and the stream does not hold its first {first} batches");
        }
        // It may be that of a stream that was there before.
        let first = if seq.is_some_and(|seq| seq > last_seq) {
            first_seq.max(1)
        } else {
            first.max(first_seq)
        };
        backplane.applied = first - 1;
        snapshots.last_seq = last_seq;
        backplane.requests.push_back(Request::FollowFrom(first));
        if is_empty {
            return self.propose_seed();
        }
        self.forget_seed();
        if let Some((head, lines)) = lines {
            self.restore(&head, &lines);
        }
    }

    /// Proposes that the room keeps what this node has kept: the room is new.
    fn propose_seed(&mut self) {
        let access = std::mem::take(self.room.access_mut());
        *self.room.access_mut() = access.blank();
        if let Some(backplane) = &mut self.backplane {
            for row in state::rows(&access) {
                backplane.outbox.push(&Entry::Seed(row), Then::nothing());
            }
        }
    }

    /// Forgets what this node has kept: what the room keeps is the stream's matter.
    fn forget_seed(&mut self) {
        let access = std::mem::take(self.room.access_mut());
        *self.room.access_mut() = access.blank();
    }

    fn restore(&mut self, head: &Head, lines: &[Line<'_>]) {
        let now = self.connections.now();
        let (Some(backplane), Some(members)) = (&mut self.backplane, &mut self.connections.members)
        else {
            return;
        };
        backplane.time = Some((head.time, now));
        let mut wrong = 0_usize;
        for line in lines {
            let restored = match line {
                Line::Node(boot, last) => is_boot(&boot.0).then(|| {
                    members.count(&boot.0, *last, now);
                }),
                Line::Gone(boot) => is_boot(&boot.0).then(|| members.end(&boot.0)),
                Line::Keeps(row) => row.restore(self.room.access_mut(), head.time),
                Line::Here(present) => restore_member(&mut self.room, members, present, now),
                Line::Past(line) => Message::parse(line.as_bytes()).ok().and_then(|message| {
                    let (line, time_ms) = message.as_past()?;
                    let seq = message.seq()?;
                    let stamp = Stamp { seq, time_ms };
                    self.connections.delivery.feeds.recall(line, stamp);
                    Some(())
                }),
            };
            wrong += usize::from(restored.is_none());
        }
        if wrong > 0 {
            warn!("{wrong} lines of the snapshot can't be understood");
        }
        self.connections.order.set_seq(head.events);
        self.connections.order.set_time_ms(head.time);
        info!(
            "the room as of batch {}: {} members at {} nodes",
            head.seq,
            self.room.names().count(),
            members.nodes().count()
        );
    }

    /// Asks for the snapshot again, or writes one, if it is time to.
    pub(super) fn snapshot_if_time(&mut self) {
        let now = self.connections.now();
        let Some(backplane) = &mut self.backplane else {
            return;
        };
        let snapshots = &mut backplane.snapshots;
        if snapshots.try_at.take_if(|at| *at <= now).is_some() {
            backplane.requests.push_back(Request::FetchSnapshot);
        }
        if backplane.snapshots.due.take_if(|at| *at <= now).is_some() {
            self.write_snapshot();
        }
    }

    /// Writes a snapshot after this node's batch `seq`, if it is its turn.
    pub(super) fn snapshot_if_due(&mut self, seq: u64, is_own: bool) {
        let now = self.connections.now();
        let backplane = self.backplane.as_ref();
        let may = backplane.is_some_and(|backplane| backplane.snapshots.not_before <= now);
        if is_own && may && seq.is_multiple_of(BATCHES) {
            self.write_snapshot();
        }
    }

    fn write_snapshot(&mut self) {
        let now = self.connections.now();
        let lines = self.snapshot_lines();
        let Some(backplane) = &mut self.backplane else {
            return;
        };
        backplane.snapshots.not_before = now + EVERY;
        let mut bodies: Vec<Vec<u8>> = vec![Vec::new()];
        for line in lines {
            let full = |body: &Vec<u8>| body.len() + line.len() > SNAPSHOT_PART_BYTES_MAX - 512;
            if bodies.last().is_none_or(full) {
                bodies.push(Vec::new());
            }
            if let Some(body) = bodies.last_mut() {
                body.extend(line);
            }
        }
        if bodies.len() > SNAPSHOT_PARTS_MAX {
            return warn!("the room is too large for a snapshot");
        }
        let parts = bodies.len();
        let time = backplane.time.map_or(0, |(time_ms, _)| time_ms);
        let parts = bodies.into_iter().enumerate().map(|(part, body)| {
            let head = Head {
                v: VERSION,
                seq: backplane.applied,
                part,
                parts,
                events: self.connections.order.seq(),
                time,
            };
            let mut bytes = serde_json::to_vec(&head).unwrap_or_default();
            bytes.push(b'\n');
            bytes.extend(body);
            bytes
        });
        let parts = parts.collect();
        backplane.requests.push_back(Request::PutSnapshot(parts));
    }

    /// Returns all that a node has to know that starts: each line as JSON, with its line end.
    fn snapshot_lines(&self) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        let mut add = |line: &Line<'_>| {
            let mut bytes = serde_json::to_vec(line).unwrap_or_default();
            bytes.push(b'\n');
            lines.push(bytes);
        };
        let (access, names) = (self.room.access(), self.room.names());
        for row in state::rows(access) {
            add(&Line::Keeps(row));
        }
        let Some(members) = &self.connections.members else {
            return lines;
        };
        for boot in members.gone() {
            add(&Line::Gone(boot.into()));
        }
        for (boot, node) in members.nodes() {
            add(&Line::Node(boot.as_str().into(), node.last));
            for (&n, &member) in &node.members {
                use crate::room::Audience as _;
                add(&Line::Here(Present {
                    node: boot.as_str().into(),
                    n,
                    name: names.of(member).into(),
                    keeps: access.keeps_of(member).map(|name| name.as_str().into()),
                    since: access.since_ms(member).unwrap_or(0),
                    spoke: access.spoke_ms(member),
                    at: self.connections.address(member),
                }));
            }
        }
        for (stamp, line) in self.connections.delivery.feeds.past_lines(PAST_MAX) {
            if let Some(message) = Message::of_line(plain::Line::parse(&line), stamp) {
                let mut bytes = Vec::new();
                message.put(&mut bytes);
                bytes.pop();
                add(&Line::Past(String::from_utf8_lossy(&bytes)));
            }
        }
        lines
    }
}

fn restore_member(
    room: &mut crate::room::Room,
    members: &mut crate::backplane::members::Members,
    present: &Present<'_>,
    now: Tick,
) -> Option<()> {
    let (name, boot) = (present.name.name()?, &*present.node.0);
    let keeps = present.keeps.as_ref();
    let keeps = match keeps {
        Some(keeps) => Some(keeps.name()?),
        None => None,
    };
    if !members.knows(boot) || members.find(boot, present.n).is_some() {
        return None;
    }
    let member = members.come(boot, present.n, present.at, now);
    members.enter(boot, present.n, member, now);
    room.restore_member(member, name, keeps.as_ref(), present.since, present.spoke)
}

/// Returns the lines of a snapshot, nothing if there is none.
fn gather(parts: &[Vec<u8>]) -> Result<Option<(Head, Vec<Line<'_>>)>, &'static str> {
    let mut whole: Option<Head> = None;
    let mut lines = Vec::new();
    for part in parts {
        let mut rest = part.split(|&byte| byte == b'\n');
        let head = rest.next().unwrap_or_default();
        let Ok(head) = serde_json::from_slice::<Head>(head) else {
            return Err("a part is none");
        };
        let next = whole.as_ref().map_or(0, |whole| whole.part + 1);
        let belongs = whole.as_ref().is_none_or(|whole| whole.seq == head.seq);
        if whole.as_ref().is_some_and(|whole| whole.parts == next) {
            break;
        }
        if head.v != VERSION || !belongs || head.part != next || head.seq == u64::MAX {
            return Err("its parts don't belong together");
        }
        lines.extend(
            rest.filter(|line| !line.is_empty())
                .filter_map(|line| serde_json::from_slice(line).ok()),
        );
        whole = Some(head);
    }
    match whole {
        None => Ok(None),
        Some(head) if head.part + 1 == head.parts => Ok(Some((head, lines))),
        Some(_) => Err("a part is missing"),
    }
}
