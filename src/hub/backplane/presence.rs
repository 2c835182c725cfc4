//! Whether the backplane is there, and the other nodes.
//!
//! Each node says every two seconds that it lives. One that is not heard for ten, while this node heard
//! itself all the time, is proposed to be gone; when that comes back in the stream's order, every node
//! lets its members leave. A node that was only cut off finds itself said to be gone, takes another
//! boot, and lets its people in again.

use std::time::Duration;

use log::{info, warn};

use super::Request;
use crate::hub::Hub;
use crate::hub::disconnect::Disconnect;
use crate::hub::standing::Stage;
use crate::room::{Machines, MemberId, Notice};
use crate::stream::Stream;
use crate::tick::Tick;

/// How often a node says that it lives.
const BEAT_EVERY: Duration = Duration::from_secs(2);

/// How long a node may not be heard before it is taken for lost.
pub(super) const LEASE: Duration = Duration::from_secs(10);

/// A node that has not heard itself for so long hears nobody; one that did nothing for so long was
/// stopped.
const DEAF: Duration = Duration::from_secs(5);

/// How long people are not told of a break.
const TOLD_AFTER: Duration = Duration::from_secs(1);

/// How long what was published may take to come back before it is published again.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// How long after it was not taken.
const REFUSED_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// How often the log is told of the same at most.
const COMPLAIN_EVERY: Duration = Duration::from_mins(1);

/// Whether the backplane is there, and since when.
#[derive(Debug)]
pub(in crate::hub) struct Presence {
    /// Since when it is not, if it isn't.
    down_since: Option<Tick>,
    has_been_up: bool,
    /// People were told that it is down.
    told: bool,
    /// It has been down for so long that nobody new is let in.
    late: bool,
    /// Since when nothing has come back of what is on its way, if something is.
    waits_since: Option<Tick>,
    /// When a batch that was not taken is sent again.
    again_at: Option<Tick>,
    beat_at: Tick,
    own_beat: Tick,
    /// Since when this node has heard all that the others could hear.
    watching_since: Tick,
    looked_at: Tick,
    complained: Option<Tick>,
}

impl Presence {
    pub(super) fn new(now: Tick) -> Self {
        Self {
            down_since: Some(now),
            has_been_up: false,
            told: false,
            late: false,
            waits_since: None,
            again_at: None,
            beat_at: now,
            own_beat: now,
            watching_since: now,
            looked_at: now,
            complained: None,
        }
    }

    pub(super) fn is_up(&self) -> bool {
        self.down_since.is_none()
    }

    pub(super) fn deadline(&self, timeout: Duration) -> Option<Tick> {
        let Some(since) = self.down_since else {
            let waits = self.waits_since.map(|since| since + AGAIN_AFTER);
            return [Some(self.beat_at), waits, self.again_at]
                .into_iter()
                .flatten()
                .min();
        };
        let tell = (!self.told && self.has_been_up).then(|| since + TOLD_AFTER);
        let late = (!self.late).then(|| since + timeout);
        tell.into_iter().chain(late).min()
    }

    /// Takes note that something was published, or is still on its way.
    pub(super) fn note_published(&mut self, published: bool, now: Tick) {
        if published {
            self.waits_since.get_or_insert(now);
        }
    }

    /// Takes note that something of this node has come back.
    pub(super) fn note_progress(&mut self, still_waits: bool, now: Tick) {
        self.waits_since = still_waits.then_some(now);
    }

    /// Lets this node say that it lives as soon as it can.
    pub(super) fn beat_soon(&mut self, now: Tick) {
        self.beat_at = now;
    }

    /// Returns whether it is time to say that this node lives.
    pub(super) fn take_beat(&mut self, now: Tick) -> bool {
        let due = now >= self.beat_at;
        if due {
            self.beat_at = now + BEAT_EVERY;
        }
        due
    }

    /// Returns whether the log may be told once more of something that may happen often.
    pub(super) fn may_complain(&mut self, now: Tick) -> bool {
        let may = self.complained.is_none_or(|at| now - at >= COMPLAIN_EVERY);
        if may {
            self.complained = Some(now);
        }
        may
    }
}

impl<S: Stream> Hub<S> {
    /// Returns whether the room has been cut off for so long that nobody new is let in.
    pub(in crate::hub) fn is_cut_off_for_long(&self) -> bool {
        let backplane = self.backplane.as_ref();
        backplane.is_some_and(|backplane| backplane.presence.late)
    }

    pub(super) fn backplane_is_up(&mut self, first_seq: u64, last_seq: u64, stream: &str) {
        let now = self.connections.now();
        let Some(backplane) = &mut self.backplane else {
            return;
        };
        info!("the backplane is there; its stream has {first_seq} to {last_seq}");
        let presence = &mut backplane.presence;
        let told = presence.told;
        *presence = Presence {
            down_since: None,
            has_been_up: true,
            complained: presence.complained,
            ..Presence::new(now)
        };
        backplane.outbox.begin_round();
        let applied = backplane.applied;
        let is_lost = backplane
            .snapshots
            .note_up((first_seq, last_seq), stream, applied, now);
        if is_lost {
            backplane.requests.push_back(Request::FetchSnapshot);
        }
        if told {
            self.tell_all_here(Notice::Machines(Machines::WholeAgain));
        }
    }

    pub(super) fn backplane_is_down(&mut self, why: &str) {
        let now = self.connections.now();
        if let Some(backplane) = &mut self.backplane
            && backplane.presence.is_up()
        {
            warn!("the room is cut off from its other machines: {why}");
            backplane.presence.down_since = Some(now);
            backplane.presence.waits_since = None;
        }
    }

    /// Hears that the stream has not taken a batch, or may not have.
    pub(super) fn hear_refusal(&mut self, counter: u64, round: u32, why: &str) {
        let now = self.connections.now();
        let Some(backplane) = &mut self.backplane else {
            return;
        };
        let is_open = backplane.outbox.has(counter) && backplane.outbox.round() == round;
        if !is_open {
            return;
        }
        let presence = &mut backplane.presence;
        if presence.may_complain(now) {
            warn!("the stream does not take what is said, which waits: {why}");
        }
        presence.again_at.get_or_insert(now + REFUSED_AGAIN_AFTER);
    }

    pub(super) fn hear_beat(&mut self, boot: &str) {
        let now = self.connections.now();
        let (Some(backplane), Some(members)) = (&mut self.backplane, &mut self.connections.members)
        else {
            return;
        };
        if boot == backplane.boot {
            let presence = &mut backplane.presence;
            if now - presence.own_beat > DEAF {
                presence.watching_since = now;
            }
            presence.own_beat = now;
        }
        members.hear(boot, now);
        if boot != backplane.boot {
            backplane.snapshots.note_other(boot, now);
        }
    }

    /// Does what is due about the backplane.
    pub(in crate::hub) fn look_at_backplane(&mut self) {
        self.give_up_letters();
        let now = self.connections.now();
        let (Some(backplane), Some(members)) = (&mut self.backplane, &mut self.connections.members)
        else {
            return;
        };
        let timeout = backplane.settings.timeout;
        let presence = &mut backplane.presence;
        if now - presence.looked_at > DEAF {
            presence.watching_since = now;
        }
        presence.looked_at = now;
        if let Some(since) = presence.down_since {
            let tell = presence.has_been_up && !presence.told && now >= since + TOLD_AFTER;
            let refuse = !presence.late && now >= since + timeout;
            presence.told |= tell;
            presence.late |= refuse;
            if tell {
                self.tell_all_here(Notice::Machines(Machines::CutOffWaits));
            }
            if refuse {
                self.turn_newcomers_away();
            }
            return;
        }
        if presence.again_at.take_if(|at| *at <= now).is_some() {
            backplane.outbox.begin_round();
            presence.waits_since = None;
        }
        let waits = presence
            .waits_since
            .filter(|since| now >= *since + AGAIN_AFTER);
        if waits.is_some() {
            backplane.outbox.begin_round();
            presence.waits_since = None;
        }
        let hears = now - presence.own_beat <= DEAF && backplane.snapshots.follows();
        let watching_since = presence.watching_since;
        for (boot, node) in members.nodes_mut().filter(|_| hears) {
            let silent = now - node.heard.max(watching_since);
            if silent > LEASE && !node.doubted && *boot != backplane.boot {
                warn!("the node {boot} is not heard any more; it is taken for lost");
                node.doubted = true;
                backplane.give_up(boot);
            }
        }
        self.snapshot_if_time();
    }

    /// Lets those go who wait to come in: that may take long.
    fn turn_newcomers_away(&mut self) {
        let Some(backplane) = &self.backplane else {
            return;
        };
        let slots = &self.connections.slots;
        let awaiting = backplane.awaiting.iter().copied();
        let nameless: Vec<MemberId> = awaiting
            .filter(|&id| slots.stage(id) == Stage::Nameless)
            .collect();
        for id in nameless {
            self.connections
                .dismiss(id, Notice::Machines(Machines::CutOff), Disconnect::CutOff);
        }
    }
}
