//! What is said over one connection: its two byte streams, cut into units, and what of them is not
//! acknowledged yet.

use std::collections::VecDeque;

use super::arrival::{Arrival, Way};
use super::json::Speech;
use super::units::{Framing, Unit, Units};
use crate::trace::capture::Moment;
use crate::trace::packet::{ACK, FIN, Packet, RST, SYN};
use crate::trace::tcp::reassembly::{Delivery, Reassembly};
use crate::wire::Encoding;
use crate::wire::json::FIRST_LINE;

/// Most lines kept while the server hasn't said whether it takes the name.
const OFFERS_MAX: usize = 16;
/// Most messages or copies of which the acknowledgement is awaited.
const AWAITED_MAX: usize = 4096;
/// Most bytes of unfinished lines that are kept in all.
const LINE_BYTES_IN_ALL_MAX: usize = 4 * 1024 * 1024;

/// A unit that stands by itself.
#[derive(Debug, Clone)]
pub(super) struct Spoken {
    pub(super) bytes: Vec<u8>,
    pub(super) partial: bool,
    pub(super) end: u32,
    pub(super) at: Moment,
}

impl Spoken {
    /// Returns other words for it.
    pub(super) fn saying(&self, bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            partial: self.partial,
            ..*self
        }
    }
}

/// What one packet brings.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// The units that end in it, and which way each goes.
    pub(super) spoken: Vec<(Way, Spoken)>,
    /// Bytes that were acknowledged and not captured.
    pub(super) lost: u64,
    /// Bytes that the snap length cut off.
    pub(super) cut: u64,
    /// Some of these were on the way to the person.
    pub(super) lacks_down: bool,
}

/// Bytes that are kept for all connections together.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// What waits behind holes.
    waiting: usize,
    /// Unfinished lines.
    lines: usize,
}

/// What a connection needs once somebody talks.
#[derive(Debug)]
pub(super) struct Talk {
    up: Half,
    down: Half,
    /// Somebody said something.
    pub(super) spoken: bool,
    /// The server asked for the name.
    pub(super) prompted: bool,
    /// The server took it.
    pub(super) greeted: bool,
    /// In which encoding.
    pub(super) speech: Speech,
    /// Lines that may be the name.
    pub(super) offers: VecDeque<Spoken>,
    /// Messages that the server hasn't acknowledged.
    pub(super) said: Unacknowledged,
    /// Copies that the person hasn't acknowledged.
    pub(super) copies: Unacknowledged,
}

impl Talk {
    /// Returns a talk that begins with these raw numbers, up and down; `mid_stream` if it began before
    /// the capture did.
    pub(super) fn new(mid_stream: bool, first: (Option<u32>, Option<u32>)) -> Self {
        Self {
            up: Half::new(Way::Up, mid_stream, first.0),
            down: Half::new(Way::Down, mid_stream, first.1),
            spoken: false,
            prompted: false,
            greeted: false,
            speech: Speech::new(mid_stream),
            offers: VecDeque::new(),
            said: Unacknowledged::default(),
            copies: Unacknowledged::default(),
        }
    }

    /// Takes a packet's bytes and acknowledgement; returns the units that they end.
    pub(super) fn hear(
        &mut self,
        arrival: &Arrival<'_>,
        framing: Framing,
        kept: &mut Kept,
    ) -> Heard {
        let Arrival { packet, way, .. } = *arrival;
        let mut hearing = Hearing {
            framing,
            at: arrival.at,
            heard: Heard::default(),
        };
        if packet.has(ACK) {
            let half = self.half(way.back());
            half.acknowledged(packet.ack, kept, &mut hearing);
        }
        let half = self.half(way);
        if has_data(packet) {
            half.push(packet, kept, &mut hearing);
        }
        half.end(packet, kept, &mut hearing);
        self.spoken |= has_data(packet);
        hearing.heard
    }

    /// Returns whether it is for the server to say what becomes of a line from somebody without a
    /// name.
    pub(super) fn is_undecided(&self, line: &[u8]) -> bool {
        let asked = self.prompted && !self.greeted;
        asked || self.speech.is_json() || !self.offers.is_empty() || line == FIRST_LINE.as_bytes()
    }

    /// Keeps a line until the server says whether it takes the name; returns whether there is room
    /// for more.
    pub(super) fn offer(&mut self, spoken: Spoken) -> bool {
        self.offers.push_back(spoken);
        self.offers.len() <= OFFERS_MAX
    }

    /// Returns whether the person asked to be sent JSON, and has no answer.
    pub(super) fn asks_for_json(&self) -> bool {
        let first = self.offers.front();
        !self.speech.is_json() && first.is_some_and(|line| line.bytes == FIRST_LINE.as_bytes())
    }

    /// Goes on in JSON.
    pub(super) fn begin_json(&mut self) {
        if self.asks_for_json() {
            self.offers.pop_front();
        }
        self.speech.set(Encoding::Json);
    }

    /// Returns how many bytes to the person wait behind a hole.
    pub(super) fn waiting_down(&self) -> usize {
        self.down.reassembly.waiting_bytes()
    }

    /// Forgets what waits.
    pub(super) fn clear(mut self, kept: &mut Kept) {
        for half in [&mut self.up, &mut self.down] {
            half.reassembly.clear(&mut kept.waiting);
            kept.lines -= half.counted;
        }
    }

    fn half(&mut self, way: Way) -> &mut Half {
        match way {
            Way::Up => &mut self.up,
            Way::Down => &mut self.down,
        }
    }
}

/// Returns whether a packet carries bytes of its stream: what a reset carries tells why.
pub(super) fn has_data(packet: &Packet<'_>) -> bool {
    packet.len > 0 && !packet.has(RST)
}

/// One packet being heard.
struct Hearing {
    framing: Framing,
    at: Moment,
    heard: Heard,
}

impl Hearing {
    /// Takes bytes that are in order now.
    fn run(&mut self, way: Way, run: &Delivery<'_>, units: &mut Units) {
        self.heard.lost += run.gap_before;
        self.heard.cut += run.gap_after;
        self.heard.lacks_down |= way == Way::Down && run.gap_before + run.gap_after > 0;
        units.push(self.framing, run, &mut |unit| self.unit(way, unit));
    }

    fn unit(&mut self, way: Way, unit: Unit<'_>) {
        let spoken = Spoken {
            bytes: unit.bytes.to_vec(),
            partial: unit.partial,
            end: unit.end,
            at: self.at,
        };
        self.heard.spoken.push((way, spoken));
    }
}

/// What goes one way.
#[derive(Debug)]
struct Half {
    way: Way,
    reassembly: Reassembly,
    units: Units,
    /// What was counted of its unfinished line.
    counted: usize,
}

impl Half {
    fn new(way: Way, mid_stream: bool, first: Option<u32>) -> Self {
        Self {
            way,
            reassembly: Reassembly::starting_at(first),
            units: Units::new(mid_stream),
            counted: 0,
        }
    }

    fn acknowledged(&mut self, ack: u32, kept: &mut Kept, hearing: &mut Hearing) {
        let (way, units) = (self.way, &mut self.units);
        self.reassembly
            .acknowledged(ack, &mut kept.waiting, &mut |run| {
                hearing.run(way, &run, units);
            });
    }

    fn push(&mut self, packet: &Packet<'_>, kept: &mut Kept, hearing: &mut Hearing) {
        let (way, units) = (self.way, &mut self.units);
        let first = packet.seq.wrapping_add(u32::from(packet.has(SYN)));
        self.reassembly.push(
            first,
            packet.payload,
            packet.len,
            &mut kept.waiting,
            &mut |run| hearing.run(way, &run, units),
        );
    }

    /// Ends the last line if the stream ends, or if all unfinished ones are too much together.
    fn end(&mut self, packet: &Packet<'_>, kept: &mut Kept, hearing: &mut Hearing) {
        let way = self.way;
        let mut give = |unit: Unit<'_>| hearing.unit(way, unit);
        let end = packet.seq.wrapping_add(packet.len);
        if self.units.kept_bytes() > self.counted && kept.lines > LINE_BYTES_IN_ALL_MAX {
            self.units.give_up(end, &mut give);
        }
        let before = std::mem::replace(&mut self.counted, self.units.kept_bytes());
        kept.lines = kept.lines + self.counted - before;
        let all_here = self.reassembly.expected() == Some(end);
        if packet.has(FIN) && way == Way::Up && all_here {
            // An orderly end of stream ends the last line.
            self.units.finish(end, &mut give);
        }
    }
}

/// What was sent one way and is not acknowledged, in its order.
#[derive(Debug, Default)]
pub(super) struct Unacknowledged(VecDeque<Awaited>);

/// A message or copy whose acknowledgement is awaited.
#[derive(Debug, Clone, Copy)]
pub(super) struct Awaited {
    /// Raw number after its last byte.
    pub(super) end: u32,
    /// Which message.
    pub(super) id: u64,
    /// When it was complete.
    pub(super) since: Moment,
}

impl Unacknowledged {
    /// Adds one, and forgets the oldest if there are too many.
    pub(super) fn push(&mut self, awaited: Awaited) {
        if self.0.len() >= AWAITED_MAX {
            self.0.pop_front();
        }
        self.0.push_back(awaited);
    }

    /// Takes those that end before `ack`, but for what that very frame completed.
    pub(super) fn acknowledged(&mut self, ack: u32, frame: u64) -> Vec<Awaited> {
        let mut acked = Vec::new();
        while let Some(first) = self.0.front() {
            if ack.wrapping_sub(first.end).cast_signed() < 0 || first.since.frame == frame {
                break;
            }
            acked.extend(self.0.pop_front());
        }
        acked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ack_takes_what_ends_before_it_across_the_wrap_but_nothing_of_its_own_frame() {
        let mut sent = Unacknowledged::default();
        let ends = [u32::MAX - 5, u32::MAX, 3, 9];
        for (id, end) in ends.into_iter().enumerate() {
            let (id, frame) = (id as u64, id as u64 + 10);
            let since = Moment { frame, time: 0 };
            sent.push(Awaited { end, id, since });
        }
        let ids = |acked: Vec<Awaited>| acked.iter().map(|one| one.id).collect::<Vec<_>>();
        assert_eq!(ids(sent.acknowledged(2, 99)), [0, 1]);
        assert_eq!(ids(sent.acknowledged(9, 13)), [2]);
        assert_eq!(ids(sent.acknowledged(9, 14)), [3]);
        for id in 0..=AWAITED_MAX as u64 {
            let since = Moment { frame: 1, time: 0 };
            sent.push(Awaited { end: 1, id, since });
        }
        assert_eq!(sent.acknowledged(1, 2).first().map(|one| one.id), Some(1));
    }
}
