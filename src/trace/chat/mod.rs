//! The talk: who joined, who said what, which copies the server sent of it, who left.
//!
//! Knows the room's wire and nothing of output. A message's copies are found by [`Matcher`]; what
//! a connection has said so far is kept by `Visit`.

pub mod event;
mod fan_out;
pub mod framing;
pub mod matching;
pub mod phase;
pub mod units;
mod visit;

use std::collections::HashMap;
use std::rc::Rc;

use self::event::{Ending, Event, Original, Who};
use self::matching::{Expected, Matcher};
pub use self::phase::Phase;
use self::units::{Framing, without_telnet};
use self::visit::{Change, Kept, Spoken, Talk, Visit, Way};
use crate::trace::capture::Moment;
use crate::trace::packet::{ACK, Endpoint, FIN, Packet, RST, SYN};
use crate::trace::tcp::{Marks, Segment};

const PROMPT: &[u8] = b"Please enter your name:";
const NOTICE: &[u8] = b"* ";

/// What one frame meant.
#[derive(Debug, Clone)]
pub struct Note {
    /// What it is for.
    pub phase: Phase,
    /// A unit ends in it.
    pub ends_unit: bool,
    /// The copy that ends in it: of whose, when, to whom.
    pub copy: Option<(Who, Moment, Who)>,
    /// How long after what it answers.
    pub delay: Option<i64>,
}

/// The talk.
#[derive(Debug)]
pub struct Chat {
    port: u16,
    framing: Framing,
    visits: HashMap<u32, Box<Visit>>,
    matcher: Matcher,
    kept: Kept,
    members: usize,
    leaves_are_told: bool,
    now: i64,
}

/// What happened while one frame was looked at.
#[derive(Default)]
pub(super) struct Seen {
    /// A name was given, or the server said something to somebody without one.
    joining: bool,
    left: bool,
    units: bool,
    copy: Option<(Who, Moment, Who)>,
    /// How long the acknowledged message or copy waited for it.
    pub(super) ack_delay: Option<i64>,
}

impl Chat {
    /// Returns an empty talk on a port.
    #[must_use]
    pub fn new(port: u16, framing: Framing) -> Self {
        Self {
            port,
            framing,
            visits: HashMap::new(),
            matcher: Matcher::default(),
            kept: Kept::default(),
            members: 0,
            leaves_are_told: false,
            now: 0,
        }
    }

    /// Says what ends a message; only before anything was pushed.
    pub fn set_framing(&mut self, framing: Framing) {
        self.framing = framing;
    }

    /// Takes one packet of the port, in the order of the capture.
    pub fn push(
        &mut self,
        at: Moment,
        packet: &Packet<'_>,
        segment: &Segment,
        events: &mut Vec<Event>,
    ) -> Note {
        self.now = at.time;
        self.settle_due(events);
        let way = if packet.dst_port == self.port {
            Way::Up
        } else {
            Way::Down
        };
        let client = match way {
            Way::Up => (packet.src, packet.src_port),
            Way::Down => (packet.dst, packet.dst_port),
        };
        let mut seen = Seen::default();
        let visit = self.visits.entry(segment.stream).or_insert_with(|| {
            let (address, port) = client;
            Box::new(Visit::new(segment.stream, Endpoint { address, port }))
        });
        let change = visit.open(at, packet, way);
        let spoken = visit.hear(at, packet, way, self.framing, &mut self.kept);
        let (lost, cut) = (
            std::mem::take(&mut visit.lost),
            std::mem::take(&mut visit.cut),
        );
        if lost + cut > 0 {
            let who = visit.who();
            events.push(Event::Gap { who, at, lost, cut });
        }
        if let Some(change) = change {
            self.change(at, segment.stream, change, events, &mut seen);
        }
        for (way, spoken) in spoken {
            seen.units = true;
            match way {
                Way::Up => self.person_said(segment.stream, spoken, events, &mut seen),
                Way::Down => self.server_said(segment.stream, spoken, events, &mut seen),
            }
        }
        if packet.has(ACK) {
            self.acknowledge(at, segment.stream, packet.ack, way, events, &mut seen);
        }
        if let Some(visit) = self.visits.get_mut(&segment.stream)
            && let Some(change) = visit.close(at, packet, way)
        {
            self.change(at, segment.stream, change, events, &mut seen);
        }
        let delay = match &seen.copy {
            Some((_, original, _)) => Some(at.time - original.time),
            None => seen.ack_delay,
        };
        Note {
            phase: self.phase(packet, segment, way, &seen),
            ends_unit: seen.units,
            copy: seen.copy,
            delay,
        }
    }

    /// Says that a stream is over or forgotten.
    pub fn forget(&mut self, stream: u32, events: &mut Vec<Event>) {
        self.flush_offers(stream, events, &mut Seen::default());
        if let Some(mut visit) = self.visits.remove(&stream) {
            self.members -= usize::from(visit.is_member());
            visit.clear(&mut self.kept);
        }
    }

    /// Says that the capture is over.
    pub fn finish(&mut self, events: &mut Vec<Event>) {
        let mut streams: Vec<_> = self.visits.keys().copied().collect();
        streams.sort_unstable();
        for stream in streams {
            self.flush_offers(stream, events, &mut Seen::default());
        }
        while let Some(id) = self.matcher.oldest() {
            self.settle(id, true, events);
        }
    }

    pub(super) fn who(&self, stream: u32) -> Option<Who> {
        self.visits.get(&stream).map(|one| one.who())
    }

    fn change(
        &mut self,
        at: Moment,
        stream: u32,
        change: Change,
        events: &mut Vec<Event>,
        seen: &mut Seen,
    ) {
        let Some(visit) = self.visits.get_mut(&stream) else {
            return;
        };
        let who = visit.who();
        match change {
            Change::Connected { syn, syn_ack } => events.push(Event::Connected {
                who,
                client: visit.client,
                syn,
                syn_ack,
                at,
            }),
            Change::Refused { syn } => events.push(Event::Refused { who, syn, at }),
            Change::Ended { began } => {
                events.push(Event::Ended { who, began, at });
                visit.clear(&mut self.kept);
            }
            Change::Leaving(how) => {
                self.flush_offers(stream, events, seen);
                self.leave(stream, at, how, events);
                seen.left = true;
                if matches!(how, Ending::Reset | Ending::CutReset)
                    && let Some(visit) = self.visits.get_mut(&stream)
                {
                    visit.ended = true;
                    visit.clear(&mut self.kept);
                    let who = visit.who();
                    let began = visit.closing.unwrap_or(at);
                    events.push(Event::Ended { who, began, at });
                }
            }
        }
    }

    /// A unit from a person: a name, a command or a message.
    fn person_said(
        &mut self,
        stream: u32,
        mut spoken: Spoken,
        events: &mut Vec<Event>,
        seen: &mut Seen,
    ) {
        if self.framing == Framing::Lines && spoken.bytes.iter().any(|byte| matches!(byte, 0 | 255))
        {
            spoken.bytes = without_telnet(&spoken.bytes);
        }
        if spoken.bytes.is_empty() {
            return;
        }
        let Some(visit) = self.visits.get_mut(&stream) else {
            return;
        };
        if visit.joined.is_some() || !visit.is_whole() {
            self.say(stream, spoken, events);
            return;
        }
        let talk = visit.talk();
        if talk.prompted && !talk.greeted {
            seen.joining = true;
            if let Some(offer) = talk.offer(spoken) {
                self.join(stream, &offer, events, seen);
            }
        } else {
            self.join(stream, &spoken, events, seen);
        }
    }

    fn join(&mut self, stream: u32, spoken: &Spoken, events: &mut Vec<Event>, seen: &mut Seen) {
        let Some(visit) = self.visits.get_mut(&stream) else {
            return;
        };
        if visit.joined.is_some() || visit.left {
            return;
        }
        visit.names = vec![Rc::from(spoken.bytes.as_slice())];
        visit.joined = Some(spoken.at.frame);
        let (who, client) = (visit.who(), visit.client);
        let name = Rc::clone(&who.name);
        let expected = self.members;
        self.members += 1;
        seen.joining = true;
        let id = self.matcher.add(Expected {
            of: Original::Join,
            sender: stream,
            at: spoken.at,
            expected,
            required: false,
            lines: vec![(join_bytes(&[&name, b" is joined to the chatroom!"]), name)],
        });
        events.push(Event::Joined {
            id,
            who,
            client,
            at: spoken.at,
        });
    }

    fn say(&mut self, stream: u32, spoken: Spoken, events: &mut Vec<Event>) {
        let Some(visit) = self.visits.get_mut(&stream) else {
            return;
        };
        let who = visit.who();
        let is_named = visit.joined.is_some();
        let command = self.framing == Framing::Lines && spoken.bytes.starts_with(b"/");
        if let Some(name) = spoken.bytes.strip_prefix(b"/nick ")
            && command
            && is_named
        {
            visit.may_become(name.trim_ascii());
        }
        let quits = command && is_named && spoken.bytes.trim_ascii() == b"/quit";
        let quits = quits && visit.talk().prompted;
        let all_names = visit.names.clone();
        let lines = if is_named && !spoken.partial {
            said_lines(&all_names, &spoken.bytes, command)
        } else {
            Vec::new()
        };
        let expected = self.members.saturating_sub(usize::from(visit.is_member()));
        let private = command && !spoken.bytes.starts_with(b"//");
        let required = is_named && !spoken.partial && !private && visit.is_member();
        let id = self.matcher.add(Expected {
            of: Original::Message,
            sender: stream,
            at: spoken.at,
            expected,
            required,
            lines,
        });
        Talk::await_ack(&mut visit.talk().said, (spoken.end, id, spoken.at));
        let (at, text, partial) = (spoken.at, spoken.bytes, spoken.partial);
        events.push(Event::Said {
            id,
            who,
            at,
            text,
            partial,
        });
        if quits {
            self.leave(stream, at, Ending::Quit, events);
        }
    }

    fn leave(&mut self, stream: u32, at: Moment, how: Ending, events: &mut Vec<Event>) {
        let Some(visit) = self.visits.get_mut(&stream) else {
            return;
        };
        if !visit.is_member() {
            return;
        }
        visit.left = true;
        self.members -= 1;
        let who = visit.who();
        let lines = visit
            .names
            .iter()
            .map(|name| {
                (
                    join_bytes(&[name, b" has left the chatroom!"]),
                    Rc::clone(name),
                )
            })
            .collect();
        let id = self.matcher.add(Expected {
            of: Original::Leave,
            sender: stream,
            at,
            expected: self.members,
            required: true,
            lines,
        });
        events.push(Event::Left { id, who, at, how });
    }

    /// A unit from the server: a copy, or something for this person alone.
    fn server_said(
        &mut self,
        stream: u32,
        spoken: Spoken,
        events: &mut Vec<Event>,
        seen: &mut Seen,
    ) {
        let Some(visit) = self.visits.get(&stream) else {
            return;
        };
        // Who was in the room before the capture began gets copies from its first frame on.
        let joined = match visit.joined {
            Some(frame) => frame,
            None if visit.is_whole() => u64::MAX,
            None => 0,
        };
        let to = visit.who();
        if !spoken.partial
            && let Some(found) = self.matcher.find(&spoken.bytes, stream, joined, spoken.at)
        {
            if let Some(sender) = self.visits.get_mut(&found.sender) {
                sender.rename(&found.name);
                seen.copy = Some((sender.who(), found.original, to));
            }
            self.leaves_are_told |= found.of == Original::Leave;
            if let Some(visit) = self.visits.get_mut(&stream) {
                let entry = (spoken.end, found.id, spoken.at);
                Talk::await_ack(&mut visit.talk().copies, entry);
            }
            return;
        }
        self.answer(stream, &spoken, events, seen);
        let (at, text, partial) = (spoken.at, spoken.bytes, spoken.partial);
        events.push(Event::Notice {
            who: to,
            at,
            text,
            partial,
        });
    }

    /// What the server says to somebody without a name tells whether it takes the one offered.
    fn answer(&mut self, stream: u32, spoken: &Spoken, events: &mut Vec<Event>, seen: &mut Seen) {
        let Some(visit) = self.visits.get_mut(&stream) else {
            return;
        };
        if visit.joined.is_some() || self.framing != Framing::Lines {
            return;
        }
        seen.joining = true;
        let talk = visit.talk();
        if spoken.bytes == PROMPT {
            talk.prompted = true;
        } else if spoken.bytes.starts_with(NOTICE) {
            talk.offers.pop_front();
        } else if talk.prompted {
            talk.greeted = true;
            self.flush_offers(stream, events, seen);
        }
    }

    /// Takes the oldest offer for the name and the others for messages.
    fn flush_offers(&mut self, stream: u32, events: &mut Vec<Event>, seen: &mut Seen) {
        let Some(visit) = self.visits.get_mut(&stream) else {
            return;
        };
        if !visit.has_talk() {
            return;
        }
        let mut offers = std::mem::take(&mut visit.talk().offers).into_iter();
        if let Some(name) = offers.next() {
            self.join(stream, &name, events, seen);
        }
        for message in offers {
            self.say(stream, message, events);
        }
    }

    /// Says what a frame is for; every frame of the port gets exactly one answer.
    fn phase(&self, packet: &Packet<'_>, segment: &Segment, way: Way, seen: &Seen) -> Phase {
        let keep_alive = Marks(
            Marks::KEEP_ALIVE.0
                | Marks::KEEP_ALIVE_ACK.0
                | Marks::ZERO_WINDOW_PROBE.0
                | Marks::ZERO_WINDOW_PROBE_ACK.0,
        );
        let visit = self.visits.get(&segment.stream);
        let closing = visit.is_some_and(|one| one.closing.is_some());
        let named = visit.is_some_and(|one| one.joined.is_some());
        if packet.has(SYN) {
            Phase::Handshake
        } else if packet.has(FIN | RST) {
            if seen.left {
                Phase::Leave
            } else {
                Phase::Teardown
            }
        } else if segment.marks.any(keep_alive) {
            Phase::KeepAlive
        } else if packet.len > 0 {
            match way {
                Way::Up if seen.joining || !named => Phase::Join,
                Way::Up => Phase::Message,
                Way::Down if seen.copy.is_some() => Phase::FanOut,
                Way::Down if seen.joining => Phase::Join,
                Way::Down => Phase::Other,
            }
        } else if seen.ack_delay.is_some() && way == Way::Up {
            Phase::FanOutAck
        } else if closing {
            Phase::Teardown
        } else if segment.marks.any(Marks::WINDOW_UPDATE) {
            Phase::Other
        } else if way == Way::Down && (seen.ack_delay.is_some() || segment.acks.is_some()) {
            Phase::Ack
        } else if visit.is_some_and(|one| !one.has_talk_data()) {
            Phase::Handshake
        } else {
            Phase::Other
        }
    }
}

fn join_bytes(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// Returns the lines that copies of what somebody said may have.
fn said_lines(names: &[Rc<[u8]>], text: &[u8], command: bool) -> Vec<(Vec<u8>, Rc<[u8]>)> {
    let mut lines = Vec::new();
    for name in names {
        let mut add = |parts: &[&[u8]]| lines.push((join_bytes(parts), Rc::clone(name)));
        add(&[name, b": ", text]);
        if command {
            if let Some(action) = text.strip_prefix(b"/me ") {
                add(&[b"* ", name, b" ", action]);
            }
            if text.starts_with(b"//") {
                add(&[name, b": ", &text[1..]]);
            }
        }
    }
    lines
}
