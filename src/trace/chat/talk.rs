//! What is said over one connection: its two byte streams, cut into units, and what of them is not
//! acknowledged yet. What is sealed of them is opened on the way, where it can be.

use std::collections::VecDeque;

use super::arrival::{Arrival, Way};
use super::speech::Speech;
use super::spoken::Spoken;
use super::units::{Framing, Unit, Units};
use crate::trace::capture::Moment;
use crate::trace::packet::{ACK, FIN, Packet, RST, SYN};
use crate::trace::tcp::reassembly::{Delivery, Reassembly};
use crate::trace::tls::key_log::KeyLog;
use crate::trace::tls::{Tls, Told, Word};
use crate::wire::Encoding;
use crate::wire::json::FIRST_LINE;

/// Most lines kept while the server hasn't said whether it takes the name.
const OFFERS_MAX: usize = 16;
/// Most messages or copies of which the acknowledgement is awaited.
const AWAITED_MAX: usize = 4096;
/// Most bytes of unfinished lines that are kept in all.
const LINE_BYTES_IN_ALL_MAX: usize = 4 * 1024 * 1024;
/// Most bytes of unfinished records that are kept in all.
const RECORD_BYTES_IN_ALL_MAX: usize = 8 * 1024 * 1024;

/// What one packet brings.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// The units that end in it, and which way each goes.
    pub(super) spoken: Vec<(Way, Spoken)>,
    /// Bytes that were acknowledged and not captured.
    pub(super) lost: u64,
    /// Bytes that the snap length cut off.
    pub(super) cut: u64,
    /// Some of what was on the way to the person is missing, or can't be opened.
    pub(super) lacks_down: bool,
    /// What else can be told of a sealed connection, and which way its bytes went.
    pub(super) words: Vec<(Way, Word)>,
    /// Who said that no more comes, before the connection was closed.
    pub(super) closed: Option<Way>,
}

/// What is kept for all connections together: how many bytes, and the log of secrets.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) keys: KeyLog,
    /// What waits behind holes.
    waiting: usize,
    /// Unfinished lines.
    lines: usize,
    /// Unfinished records.
    records: usize,
}

/// What a connection needs once somebody talks.
#[derive(Debug)]
pub(super) struct Talk {
    up: Half,
    down: Half,
    tls: Tls,
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
            tls: Tls::new(mid_stream),
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
            tls: &mut self.tls,
            heard: Heard::default(),
        };
        let (half, other) = match way {
            Way::Up => (&mut self.up, &mut self.down),
            Way::Down => (&mut self.down, &mut self.up),
        };
        if packet.has(ACK) {
            other.acknowledged(packet.ack, kept, &mut hearing);
        }
        if has_data(packet) {
            half.push(packet, kept, &mut hearing);
        }
        half.end(packet, kept, &mut hearing);
        let heard = hearing.heard;
        self.spoken |= has_data(packet);
        heard
    }

    /// Returns whether nothing has gone this way but the handshake of a sealed connection.
    pub(super) fn is_shaking_hands(&self, way: Way) -> bool {
        self.tls.is_shaking_hands(way)
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
            kept.records -= half.counted_records;
        }
    }
}

/// Returns whether a packet carries bytes of its stream: what a reset carries tells why.
pub(super) fn has_data(packet: &Packet<'_>) -> bool {
    packet.len > 0 && !packet.has(RST)
}

/// One packet being heard.
struct Hearing<'a> {
    framing: Framing,
    at: Moment,
    tls: &'a mut Tls,
    heard: Heard,
}

impl Hearing<'_> {
    /// Takes bytes that are in order now.
    fn run(&mut self, way: Way, run: &Delivery<'_>, units: &mut Units, keys: &mut KeyLog) {
        let Self {
            framing,
            at,
            tls,
            heard,
        } = self;
        heard.lost += run.gap_before;
        heard.cut += run.gap_after;
        heard.lacks_down |= way == Way::Down && run.gap_before + run.gap_after > 0;
        tls.push(way, run, keys, &mut |told| match told {
            Told::Bytes(run) => {
                heard.lacks_down |= way == Way::Down && run.gap_before > 0;
                units.push(*framing, &run, &mut |unit| heard.unit(*at, way, unit));
            }
            Told::Closed(end) => {
                heard.closed = heard.closed.or(Some(way));
                if way == Way::Up {
                    // An orderly end of stream ends the last line.
                    units.finish(end, &mut |unit| heard.unit(*at, way, unit));
                }
            }
            Told::Word(word) => {
                let is_sealed = matches!(word, Word::Sealed { .. });
                heard.lacks_down |= way == Way::Down && is_sealed;
                heard.words.push((way, word));
            }
        });
    }
}

impl Heard {
    fn unit(&mut self, at: Moment, way: Way, unit: Unit<'_>) {
        let spoken = Spoken {
            bytes: unit.bytes.to_vec(),
            partial: unit.partial,
            end: unit.end,
            at,
        };
        self.spoken.push((way, spoken));
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
    /// What was counted of its unfinished record.
    counted_records: usize,
}

impl Half {
    fn new(way: Way, mid_stream: bool, first: Option<u32>) -> Self {
        Self {
            way,
            reassembly: Reassembly::starting_at(first),
            units: Units::new(mid_stream),
            counted: 0,
            counted_records: 0,
        }
    }

    fn acknowledged(&mut self, ack: u32, kept: &mut Kept, hearing: &mut Hearing<'_>) {
        let (way, units, keys) = (self.way, &mut self.units, &mut kept.keys);
        self.reassembly
            .acknowledged(ack, &mut kept.waiting, &mut |run| {
                hearing.run(way, &run, units, keys);
            });
    }

    fn push(&mut self, packet: &Packet<'_>, kept: &mut Kept, hearing: &mut Hearing<'_>) {
        let (way, units, keys) = (self.way, &mut self.units, &mut kept.keys);
        let first = packet.seq.wrapping_add(u32::from(packet.has(SYN)));
        self.reassembly.push(
            first,
            packet.payload,
            packet.len,
            &mut kept.waiting,
            &mut |run| hearing.run(way, &run, units, keys),
        );
    }

    /// Ends the last line if the stream ends, or if all unfinished ones are too much together.
    fn end(&mut self, packet: &Packet<'_>, kept: &mut Kept, hearing: &mut Hearing<'_>) {
        let way = self.way;
        self.count_records(kept, hearing.tls);
        // A sealed one ends by saying so; whoever only closes it has broken it.
        let is_sealed = hearing.tls.is_sealed(way);
        let (at, heard) = (hearing.at, &mut hearing.heard);
        let mut give = |unit: Unit<'_>| heard.unit(at, way, unit);
        let end = packet.seq.wrapping_add(packet.len);
        if self.units.kept_bytes() > self.counted && kept.lines > LINE_BYTES_IN_ALL_MAX {
            self.units.give_up(end, &mut give);
        }
        let before = std::mem::replace(&mut self.counted, self.units.kept_bytes());
        kept.lines = kept.lines + self.counted - before;
        let all_here = self.reassembly.expected() == Some(end);
        if packet.has(FIN) && way == Way::Up && all_here && !is_sealed {
            // An orderly end of stream ends the last line.
            self.units.finish(end, &mut give);
        }
    }

    /// Counts what is kept of a record, and gives it up if all of them are too much together.
    fn count_records(&mut self, kept: &mut Kept, tls: &mut Tls) {
        let grows = tls.kept_bytes(self.way) > self.counted_records;
        if grows && kept.records > RECORD_BYTES_IN_ALL_MAX {
            tls.give_up(self.way);
        }
        let now = tls.kept_bytes(self.way);
        let before = std::mem::replace(&mut self.counted_records, now);
        kept.records = kept.records + now - before;
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
