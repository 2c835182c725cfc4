//! A room that several machines share: between deciding and applying, and nowhere else.
//!
//! What a member asks for is decided on by what this node knows, as ever; the event is then *proposed*:
//! written into a batch that is published. Every node, this one included, applies what the stream hands
//! back, in its order, after a second look at it ([`Room::verdict`](crate::room::Room::verdict)): of two
//! people who take one name on two nodes at once, whose event comes first gets it. The order of the
//! stream is the only truth; there is no second store that could disagree with it.

mod adopting;
mod applying;
mod boots;
mod presence;
mod private;
mod proposing;
mod snapshots;
mod writing;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use smol_str::SmolStr;

use self::presence::Presence;
use self::private::Letters;
use self::snapshots::Snapshots;
use super::Hub;
use super::requests::Again;
use super::requests::OwnedResume;
use crate::backplane::batch::Outbox;
use crate::backplane::event::Entry;
use crate::backplane::members::Members;
use crate::backplane::{Incoming, Link};
use crate::room::access::Act;
use crate::room::{Audience, Effect, Event, MemberId, Notice};
use crate::stream::Stream;
use crate::tick::Tick;

/// Most bytes of events that have not come back before what members say has to wait.
pub const BACKPLANE_WAITING_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Most bytes that the backplane's own output may hold before what members say has to wait.
const LINK_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What a node is told of its backplane.
#[derive(Debug, Clone)]
pub struct Settings {
    /// A word that no other start of any node has.
    pub boot: String,
    /// How long the room may be cut off before nobody new is let in.
    pub timeout: Duration,
}

/// What a hub keeps of the backplane.
#[derive(Debug)]
pub(super) struct Backplane {
    settings: Settings,
    /// The boot by which the others know this node.
    boot: SmolStr,
    /// How many boots it has had.
    boots: u32,
    outbox: Outbox<Then>,
    /// The number of the member that is announced next.
    next_number: u64,
    /// Who is about to come in, by the number it was announced by.
    joining: BTreeMap<u64, MemberId>,
    /// Who has to wait until its name is decided on.
    awaiting: BTreeSet<MemberId>,
    /// Who comes back on another connection, and waits until its older one has left the room.
    resuming: BTreeMap<MemberId, (MemberId, OwnedResume)>,
    /// Lines with ids that are on their way, and how often each was sent.
    acks: BTreeMap<(MemberId, String), u32>,
    requests: VecDeque<Request>,
    /// The sequence of the last batch that was heard.
    applied: u64,
    /// When that was: by the stream's clock in milliseconds since 1970, and by this node's.
    time: Option<(u64, Tick)>,
    link_bytes: usize,
    presence: Presence,
    snapshots: Snapshots,
    letters: Letters,
    figures: Figures,
}

/// How the backplane stands, and what was counted so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Figures {
    /// It is connected.
    pub up: bool,
    /// Nodes that have members, or had a moment ago.
    pub nodes: usize,
    /// Members who are connected to other nodes.
    pub elsewhere: usize,
    /// Bytes of events that have not come back.
    pub waiting_bytes: usize,
    /// Batches heard.
    pub batches_in: u64,
    /// Batches published, again or not.
    pub batches_out: u64,
    /// Events that were not applied, since others came before them.
    pub refused: u64,
    /// Batches and events that nobody of ours can have written.
    pub malformed: u64,
    /// How often the stream did not hold any more what this node had not heard.
    pub gaps: u64,
    /// How often it went on all the same, since nobody knew what had happened before.
    pub holes: u64,
}

/// What the backplane is to be asked for.
#[derive(Debug)]
enum Request {
    ListenAs(SmolStr),
    FollowFrom(u64),
    FetchSnapshot,
    Tell(SmolStr, Vec<u8>),
    PutSnapshot(Vec<Vec<u8>>),
}

/// What is done about one of this node's events when it has come back.
#[derive(Debug)]
pub(super) struct Then {
    member: MemberId,
    what: What,
}

/// See [`Then`].
#[derive(Debug)]
pub(super) enum What {
    /// Nothing.
    Nothing,
    /// It is let in, perhaps as somebody who was here before.
    Enter(Option<Again>),
    /// It is let in once more.
    EnterAgain,
    /// The line is acknowledged that had this id, if any.
    Line(Option<String>),
}

impl Then {
    /// Nothing is done.
    fn nothing() -> Self {
        Self {
            member: applying::NOBODY,
            what: What::Nothing,
        }
    }
}

impl Backplane {
    fn new(settings: &Settings, now: Tick) -> Self {
        let boot = SmolStr::new(&settings.boot);
        Self {
            settings: settings.clone(),
            outbox: Outbox::new(&boot),
            boots: 0,
            next_number: 1,
            joining: BTreeMap::new(),
            awaiting: BTreeSet::new(),
            resuming: BTreeMap::new(),
            acks: BTreeMap::new(),
            requests: VecDeque::from([Request::ListenAs(boot.clone())]),
            boot,
            applied: 0,
            time: None,
            link_bytes: 0,
            presence: Presence::new(now),
            snapshots: Snapshots::new(&settings.boot),
            letters: Letters::default(),
            figures: Figures::default(),
        }
    }

    /// Returns whether it is connected.
    pub(super) fn is_up(&self) -> bool {
        self.presence.is_up()
    }

    /// Returns whether somebody has to wait until its name is decided on.
    pub(super) fn awaits(&self, member: MemberId) -> bool {
        self.awaiting.contains(&member)
    }

    /// Returns when something is due.
    pub(super) fn deadline(&self) -> Option<Tick> {
        let presence = self.presence.deadline(self.settings.timeout);
        [presence, self.snapshots.deadline(), self.letters.deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Returns the time by the stream's clock.
    fn time_ms(&self, now: Tick) -> Option<u64> {
        let (time_ms, at) = self.time?;
        Some(time_ms.saturating_add((now - at).as_millis() as u64))
    }

    /// Says that a node is gone for good: its people leave.
    fn give_up(&mut self, boot: &str) {
        let gone = Entry::Gone(boot.into());
        self.outbox.push(&gone, Then::nothing());
    }

    fn is_full(&self) -> bool {
        self.outbox.waiting_bytes() > BACKPLANE_WAITING_BYTES_MAX
            || self.link_bytes > LINK_BYTES_MAX
            || !self.snapshots.is_caught_up(self.applied)
    }
}

impl<S: Stream> Hub<S> {
    /// Lets the room be one that several machines share, by a backplane that is not up yet.
    pub fn share(&mut self, settings: &Settings) {
        let now = self.connections.now();
        self.backplane = Some(Box::new(Backplane::new(settings, now)));
        self.connections.members = Some(Box::new(Members::default()));
        self.connections.is_cut_off = true;
    }

    /// Hears what the backplane tells.
    pub fn hear_backplane(&mut self, incoming: Incoming<'_>) {
        if self.backplane.is_none() {
            return;
        }
        match incoming {
            Incoming::Up {
                first_seq,
                last_seq,
                stream,
            } => self.backplane_is_up(first_seq, last_seq, stream),
            Incoming::Snapshot { parts } => self.hear_snapshot(&parts),
            Incoming::Batch {
                seq,
                time_ms,
                payload,
            } => self.hear_batch(seq, time_ms, payload),
            Incoming::Told { payload } => self.hear_letter(payload),
            Incoming::Beat { boot } => self.hear_beat(boot),
            Incoming::Refused {
                counter,
                round,
                why,
            } => self.hear_refusal(counter, round, &why),
            Incoming::Down { why } => self.backplane_is_down(&why),
        }
        self.note_flow();
    }

    /// Asks the backplane for what has come up; at the end of each turn.
    pub fn speak_to(&mut self, link: &mut (impl Link + ?Sized)) {
        let now = self.connections.now();
        let Some(backplane) = &mut self.backplane else {
            return;
        };
        for request in backplane.requests.drain(..) {
            match request {
                Request::ListenAs(boot) => link.listen_as(&boot),
                Request::FollowFrom(seq) => {
                    link.follow_from(seq);
                    backplane.snapshots.note_asked();
                }
                Request::FetchSnapshot => link.fetch_snapshot(),
                Request::Tell(boot, payload) => link.tell(&boot, &payload),
                Request::PutSnapshot(parts) => link.put_snapshot(parts),
            }
        }
        // Who says something, and that it lives, knows the room: others may ask it how it is.
        if backplane.presence.is_up() {
            let knows = backplane.snapshots.follows();
            // What is published while it reads what the stream holds may push that out of it.
            if backplane.snapshots.is_caught_up(backplane.applied) {
                let published = backplane.outbox.publish(link);
                backplane.figures.batches_out += published;
                backplane.presence.note_published(published > 0, now);
            }
            if backplane.presence.take_beat(now) && knows {
                link.beat();
            }
        }
        backplane.link_bytes = link.waiting_bytes();
        self.note_flow();
    }

    /// Returns whether this node can take what the stream hands back: else those who hear it would be
    /// overrun.
    #[must_use]
    pub fn can_hear_batches(&self) -> bool {
        !self.connections.is_fan_out_behind()
    }

    /// Returns whether the node knows the room as it was when the backplane came up.
    #[must_use]
    pub fn has_caught_up(&self) -> bool {
        let backplane = self.backplane.as_ref();
        backplane.is_none_or(|backplane| backplane.snapshots.is_caught_up(backplane.applied))
    }

    /// Returns how the backplane stands, if there is one.
    #[must_use]
    pub fn backplane_figures(&self) -> Option<Figures> {
        let backplane = self.backplane.as_ref()?;
        let members = self.connections.members.as_ref()?;
        Some(Figures {
            up: backplane.is_up(),
            nodes: members.nodes().count(),
            elsewhere: members.elsewhere(),
            waiting_bytes: backplane.outbox.waiting_bytes(),
            ..backplane.figures
        })
    }

    /// Returns the sequence of the last batch that this node has heard.
    #[must_use]
    pub fn applied_seq(&self) -> u64 {
        let backplane = self.backplane.as_ref();
        backplane.map_or(0, |backplane| backplane.applied)
    }

    /// Returns the time by the stream's clock, if the room is shared.
    pub(super) fn shared_time_ms(&self) -> Option<u64> {
        self.backplane.as_ref()?.time_ms(self.connections.now())
    }

    /// Returns whether somebody has to wait until its name is decided on.
    pub(super) fn awaits_verdict(&self, member: MemberId) -> bool {
        let backplane = self.backplane.as_ref();
        backplane.is_some_and(|backplane| backplane.awaits(member))
    }

    /// Returns whether an event happens when it comes back in the order that several machines have in
    /// common.
    pub(super) fn is_shared(&self, event: &Event<'_>) -> bool {
        self.backplane.is_some()
            && !matches!(
                event,
                Event::Act {
                    act: Act::Ignore(_) | Act::Unignore(_),
                    ..
                }
            )
    }

    /// Tells everybody who is connected to this machine something.
    pub(super) fn tell_all_here(&mut self, notice: Notice<'_>) {
        for id in self.connections.slots.ids() {
            if self.connections.slots.stage(id) == super::standing::Stage::Member {
                self.connections.push(id, Effect::Notice(notice));
            }
        }
    }

    /// Lets somebody wait until another has left the room; returns who has waited for the same.
    pub(super) fn wait_for(
        &mut self,
        older: MemberId,
        id: MemberId,
        resume: OwnedResume,
    ) -> Option<MemberId> {
        let backplane = self.backplane.as_mut()?;
        backplane.awaiting.insert(id);
        let earlier = backplane.resuming.insert(older, (id, resume));
        earlier.map(|(id, _)| id)
    }

    /// Takes note of whether what members say has to wait.
    fn note_flow(&mut self) {
        if let Some(backplane) = &self.backplane {
            self.connections.is_cut_off = backplane.is_full();
        }
    }
}
