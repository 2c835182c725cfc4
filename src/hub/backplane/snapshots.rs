//! How far this node knows the room, and when it writes down what it knows.
//!
//! A node that starts, and one that finds that the stream does not hold any more what it has not heard,
//! doesn't know the room: it reads the last snapshot, and hears what came after. Until then it hears and says
//! nothing, and doesn't say that it lives: who does knows the room, and may be asked for a snapshot where
//! the last one is too old. Where nobody says so for a while, nobody knows better than this node: it puts
//! a snapshot of what it knows itself, and reads it, or that of another that did the same at the same moment, as
//! every other node will.
//!
//! A snapshot is written by the node whose batch has a sequence that is divisible by 1,024, and by the
//! one whose batch was the last for five seconds: so one writes it, and none has to be chosen.

use std::time::Duration;

use log::{info, warn};
use smol_str::SmolStr;

use super::presence::LEASE;
use super::{Request, Then};
use crate::backplane::event::Entry;
use crate::backplane::snapshot::{self, Line, Moment, Snapshot};
use crate::backplane::state;
use crate::hub::Hub;
use crate::stream::Stream;
use crate::tick::Tick;

/// How long after the last batch one is written.
const QUIET: Duration = Duration::from_secs(5);

/// How often a snapshot is asked for whose parts don't belong together.
const TRIES_MAX: u32 = 20;

/// How long after that it is asked for again, and how long where it is too old.
const TRY_AGAIN: Duration = Duration::from_millis(250);
const TRY_OLD_AGAIN: Duration = Duration::from_secs(1);

/// Most milliseconds by which nodes differ in how long they wait for one who knows the room.
const APART_MS: u64 = 5000;

/// Whether the batches are heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// No: the room is not known.
    Lost,
    /// Not yet: the backplane is about to be asked for them.
    Asks,
    /// Yes.
    Follows,
}

/// How far the node has come in knowing the room, and when it writes down what it knows.
#[derive(Debug)]
pub(in crate::hub) struct Snapshots {
    standing: Standing,
    /// It has known the room.
    has_known: bool,
    /// What names the stream.
    pub(super) stream: String,
    /// What the stream held when the backplane came up, or a gap showed.
    first_seq: u64,
    last_seq: u64,
    tries: u32,
    try_at: Option<Tick>,
    /// It put a snapshot of what it knows itself.
    offered: bool,
    /// The node that has said last that it lives, since one was asked.
    other: Option<SmolStr>,
    /// When that was, or since when this node doesn't know the room.
    waits_since: Tick,
    /// How long it waits for one who knows the room.
    patience: Duration,
    /// This node's batch was the last: when a snapshot is written if it stays so.
    due: Option<Tick>,
    pub(super) not_before: Tick,
    pub(super) asked_not_before: Tick,
}

/// With what a node begins to follow the stream.
#[derive(Debug, PartialEq, Eq)]
enum Beginning {
    /// The stream holds nothing and never has.
    New,
    /// The stream holds all that there ever was.
    All,
    /// A snapshot, and what came after it.
    Snapshot,
    /// A snapshot that it puts: nobody knows better.
    Offer {
        /// Of what the last snapshot says: it knows nothing, or less.
        last: bool,
    },
}

impl Snapshots {
    pub(super) fn new(boot: &str) -> Self {
        // FNV-1a: nodes need not agree on it.
        let word = boot.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self {
            standing: Standing::Lost,
            has_known: false,
            stream: String::new(),
            first_seq: 0,
            last_seq: 0,
            tries: 0,
            try_at: None,
            offered: false,
            other: None,
            waits_since: Tick::START,
            patience: LEASE + Duration::from_millis((word >> 16) % APART_MS),
            due: None,
            not_before: Tick::START,
            asked_not_before: Tick::START,
        }
    }

    /// Returns whether the node knows the room as it was when the backplane came up.
    pub(super) fn is_caught_up(&self, applied: u64) -> bool {
        self.follows() && applied >= self.last_seq
    }

    /// Returns whether the node knows the room as it was a moment ago.
    pub(super) fn follows(&self) -> bool {
        self.standing != Standing::Lost
    }

    /// Returns whether batches are those that were asked for.
    pub(super) fn hears(&self) -> bool {
        self.standing == Standing::Follows
    }

    /// The backplane was asked for what comes next.
    pub(super) fn note_asked(&mut self) {
        if self.standing == Standing::Asks {
            self.standing = Standing::Follows;
        }
    }

    /// Takes note of what the stream holds from the first to the last, where the backplane has come up;
    /// returns whether a snapshot is needed that doesn't come by itself.
    pub(super) fn note_up(
        &mut self,
        (first_seq, last_seq): (u64, u64),
        stream: &str,
        applied: u64,
        now: Tick,
    ) -> bool {
        let is_other = stream != self.stream || last_seq < applied;
        if self.follows() && is_other {
            warn!("the stream is another than before");
        }
        if self.follows() && (is_other || first_seq > applied + 1) {
            self.lose(now);
        }
        stream.clone_into(&mut self.stream);
        if !self.follows() {
            (self.first_seq, self.last_seq) = (first_seq, last_seq);
            self.waits_since = now;
        }
        !self.follows() && self.has_known
    }

    /// Returns whether batches are missing before `seq`, where `applied` was the last that was heard.
    pub(super) fn is_gap(&mut self, applied: u64, seq: u64, now: Tick) -> bool {
        let missing = seq.saturating_sub(applied + 1);
        if missing > 0 {
            warn!("the stream does not hold {missing} batches any more that were not heard");
            (self.first_seq, self.last_seq) = (seq, self.last_seq.max(seq));
            self.lose(now);
        }
        missing > 0
    }

    fn lose(&mut self, now: Tick) {
        (self.standing, self.tries, self.due) = (Standing::Lost, 0, None);
        (self.other, self.waits_since) = (None, now);
    }

    /// Takes note that another node lives.
    pub(super) fn note_other(&mut self, boot: &str, now: Tick) {
        if !self.follows() {
            (self.other, self.waits_since) = (Some(boot.into()), now);
        }
    }

    pub(super) fn note_batch(&mut self, is_own: bool, now: Tick) {
        self.due = is_own.then(|| now + QUIET);
    }

    pub(super) fn deadline(&self) -> Option<Tick> {
        [self.due, self.try_at].into_iter().flatten().min()
    }

    /// Returns whether a snapshot is of the stream that is followed.
    fn is_of_stream(&self, moment: &Moment) -> bool {
        moment.stream == self.stream
    }

    /// Decides with what to begin; `applied` is the last that was heard. Nothing where to wait is better.
    fn begin(&self, snapshot: Option<&Snapshot<'_>>, applied: u64, now: Tick) -> Option<Beginning> {
        let moment = snapshot.map(|snapshot| &snapshot.moment);
        let own = moment.filter(|moment| self.is_of_stream(moment));
        if own.is_some_and(|moment| moment.seq + 1 >= self.first_seq) {
            return Some(Beginning::Snapshot);
        }
        if self.first_seq <= 1 {
            let is_new = self.last_seq == 0;
            return Some(if is_new {
                Beginning::New
            } else {
                Beginning::All
            });
        }
        // Who has known the room comes before who has not.
        let patience = self.patience + LEASE * u32::from(!self.has_known);
        if now - self.waits_since < patience {
            return None;
        }
        let is_newer = own.is_some_and(|moment| moment.seq > applied);
        let last = is_newer || (!self.has_known && moment.is_some());
        Some(Beginning::Offer { last })
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
        if snapshots.follows() {
            return;
        }
        let snapshot = match snapshot::gather(parts) {
            Ok(snapshot) => snapshot,
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
        let Some(beginning) = snapshots.begin(snapshot.as_ref(), backplane.applied, now) else {
            if snapshots.tries == 0 {
                warn!(
                    "the stream does not hold what followed on the last snapshot; a new one is needed"
                );
            }
            snapshots.tries += 1;
            snapshots.try_at = Some(now + TRY_OLD_AGAIN);
            return;
        };
        if let Beginning::Offer { last } = beginning {
            return self.offer_snapshot(snapshot.filter(|_| last));
        }
        let first = match &snapshot {
            Some(snapshot) if beginning == Beginning::Snapshot => snapshot.moment.seq + 1,
            _ => 1,
        };
        let is_first = !std::mem::replace(&mut snapshots.has_known, true);
        (snapshots.standing, snapshots.try_at) = (Standing::Asks, None);
        backplane.applied = first - 1;
        backplane.requests.push_back(Request::FollowFrom(first));
        backplane.presence.beat_soon(now);
        if !is_first {
            backplane.figures.gaps += 1;
            // What is on its way may have been taken where nobody hears it any more.
            backplane.outbox.begin_round();
        }
        self.begin_with(&beginning, snapshot.as_ref(), is_first);
        if !is_first && let Some(backplane) = &mut self.backplane {
            backplane.outbox.begin_slowly();
        }
        self.give_up_others();
    }

    /// Where this node went on without the others, has them taken for lost: one that comes back knows
    /// what this one doesn't, and has to let its people in again.
    fn give_up_others(&mut self) {
        let (Some(backplane), Some(members)) = (&mut self.backplane, &mut self.connections.members)
        else {
            return;
        };
        if std::mem::take(&mut backplane.snapshots.offered) {
            for (boot, node) in members.nodes_mut() {
                if *boot != backplane.boot {
                    node.doubted = true;
                    backplane.give_up(boot);
                }
            }
        }
    }

    /// Puts a snapshot that says what another says, or else what this node knows, of the room before the
    /// first batch that the stream holds.
    fn offer_snapshot(&mut self, snapshot: Option<Snapshot<'_>>) {
        let now = self.connections.now();
        let lines = match &snapshot {
            Some(snapshot) => snapshot.lines.iter().map(Line::written).collect(),
            None => self.snapshot_lines(),
        };
        let Some(backplane) = &mut self.backplane else {
            return;
        };
        warn!("no other node knows the room; it goes on as far as this one does");
        backplane.figures.holes += 1;
        let moment = snapshot.map(|snapshot| snapshot.moment);
        let moment = moment.unwrap_or_else(|| backplane.moment(self.connections.order.seq()));
        let moment = Moment {
            stream: backplane.snapshots.stream.clone(),
            seq: backplane.snapshots.first_seq.saturating_sub(1),
            ..moment
        };
        backplane.put_snapshot(&moment, lines);
        backplane.snapshots.offered = true;
        backplane.snapshots.try_at = Some(now + TRY_OLD_AGAIN);
    }

    fn begin_with(
        &mut self,
        beginning: &Beginning,
        snapshot: Option<&Snapshot<'_>>,
        is_first: bool,
    ) {
        match (beginning, snapshot) {
            (Beginning::Snapshot, Some(snapshot)) if is_first => {
                self.forget_seed();
                self.restore(snapshot);
            }
            (Beginning::Snapshot, snapshot) => self.adopt(snapshot),
            (Beginning::New, snapshot) => {
                if let Some(snapshot) = snapshot.filter(|_| is_first) {
                    // Of a stream that was lost.
                    self.forget_seed();
                    self.restore_kept(snapshot);
                }
                let access = std::mem::take(self.room.access_mut());
                let rows = state::rows(&access);
                *self.room.access_mut() = access.blank();
                if !is_first {
                    self.adopt(None);
                }
                self.propose_seed(&rows);
            }
            (Beginning::All, _) if is_first => self.forget_seed(),
            (Beginning::All, _) => self.adopt(None),
            (Beginning::Offer { .. }, _) => {}
        }
    }

    /// Proposes that the room keeps what this node has kept: the room is new.
    fn propose_seed(&mut self, rows: &[state::Row<'_>]) {
        if let Some(backplane) = &mut self.backplane {
            for row in rows {
                backplane
                    .outbox
                    .push(&Entry::Seed(row.clone()), Then::nothing());
            }
        }
    }

    /// Forgets what this node has kept: what the room keeps is the stream's matter.
    fn forget_seed(&mut self) {
        let access = std::mem::take(self.room.access_mut());
        *self.room.access_mut() = access.blank();
    }

    /// Asks for the snapshot again, or writes one, if it is time to.
    pub(super) fn snapshot_if_time(&mut self) {
        let now = self.connections.now();
        let Some(backplane) = &mut self.backplane else {
            return;
        };
        let snapshots = &mut backplane.snapshots;
        if snapshots.try_at.take_if(|at| *at <= now).is_some() {
            let other = snapshots.other.take();
            backplane.requests.push_back(Request::FetchSnapshot);
            if let Some(other) = other {
                self.ask_for_snapshot(&other);
            }
            return;
        }
        if snapshots.due.take_if(|at| *at <= now).is_some() {
            self.write_snapshot();
        }
    }
}
