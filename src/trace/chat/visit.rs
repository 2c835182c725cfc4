//! One connection to the room: its handshake, its two byte streams, its end.

use std::collections::VecDeque;
use std::rc::Rc;

use super::event::{Ending, Who};
use super::units::{Framing, Unit, Units};
use crate::trace::capture::Moment;
use crate::trace::packet::{ACK, Endpoint, FIN, Packet, RST, SYN};
use crate::trace::tcp::reassembly::{Delivery, Reassembly};

/// Most names that somebody may be trying to change to.
const NAMES_MAX: usize = 4;
/// Most lines kept while the server hasn't said whether it takes the name.
const OFFERS_MAX: usize = 16;
/// Most messages and copies of which the acknowledgement is awaited, each way.
const UNACKED_MAX: usize = 4096;
/// Most bytes of unfinished lines that are kept in all.
const LINE_BYTES_IN_ALL_MAX: usize = 4 * 1024 * 1024;

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// From the person to the server.
    Up,
    /// From the server to the person.
    Down,
}

/// A unit that stands by itself.
#[derive(Debug, Clone)]
pub(super) struct Spoken {
    pub(super) bytes: Vec<u8>,
    pub(super) partial: bool,
    pub(super) end: u32,
    pub(super) at: Moment,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) stream: u32,
    pub(super) client: Endpoint,
    /// First the name in use, then those asked for with `/nick`; none before one is given.
    pub(super) names: Vec<Rc<[u8]>>,
    /// The frame that completed the name.
    pub(super) joined: Option<u64>,
    pub(super) left: bool,
    syn: Option<Moment>,
    syn_ack: Option<Moment>,
    /// Raw numbers of the first bytes, up and down.
    first: (Option<u32>, Option<u32>),
    pub(super) connected: bool,
    fin_up: Option<u32>,
    fin_down: Option<u32>,
    pub(super) closing: Option<Moment>,
    pub(super) ended: bool,
    /// Bytes that were acknowledged and not captured.
    pub(super) lost: u64,
    /// Bytes that the snap length cut off.
    pub(super) cut: u64,
    /// The last frame that told that bytes to the person are missing.
    pub(super) gap_frame: Option<u64>,
    talk: Option<Box<Talk>>,
}

/// What a connection needs once somebody talks.
#[derive(Debug, Default)]
pub(super) struct Talk {
    up: Half,
    down: Half,
    spoken: bool,
    pub(super) prompted: bool,
    pub(super) greeted: bool,
    pub(super) offers: VecDeque<Spoken>,
    /// Messages that the server hasn't acknowledged.
    pub(super) said: VecDeque<(u32, u64, Moment)>,
    /// Copies that the person hasn't acknowledged.
    pub(super) copies: VecDeque<(u32, u64, Moment)>,
}

#[derive(Debug, Default)]
struct Half {
    reassembly: Reassembly,
    units: Units,
    /// What was counted of its unfinished line.
    kept_before: usize,
}

/// What the handshake and the end of a connection tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Connected {
        syn: Moment,
        syn_ack: Option<Moment>,
    },
    Refused {
        syn: Moment,
    },
    Leaving(Ending),
    Ended {
        began: Moment,
    },
}

/// Bytes that are kept for all connections together.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// What waits behind holes.
    pub(super) waiting: usize,
    /// Unfinished lines.
    pub(super) lines: usize,
}

impl Visit {
    pub(super) fn new(stream: u32, client: Endpoint) -> Self {
        Self {
            stream,
            client,
            names: Vec::new(),
            joined: None,
            left: false,
            syn: None,
            syn_ack: None,
            first: (None, None),
            connected: false,
            fin_up: None,
            fin_down: None,
            closing: None,
            ended: false,
            lost: 0,
            cut: 0,
            gap_frame: None,
            talk: None,
        }
    }

    pub(super) fn who(&self) -> Who {
        Who {
            stream: self.stream,
            name: self.names.first().map_or_else(
                || Rc::from(format!("port {}", self.client.port).into_bytes()),
                Rc::clone,
            ),
        }
    }

    /// Returns whether the person is in the room.
    pub(super) fn is_member(&self) -> bool {
        self.joined.is_some() && !self.left
    }

    /// Returns whether the beginning of the connection was captured.
    pub(super) fn is_whole(&self) -> bool {
        self.syn.is_some() || self.syn_ack.is_some()
    }

    pub(super) fn talk(&mut self) -> &mut Talk {
        let mid_stream = !self.is_whole();
        let (up, down) = self.first;
        self.talk.get_or_insert_with(|| {
            Box::new(Talk {
                up: Half::new(mid_stream, up),
                down: Half::new(mid_stream, down),
                ..Talk::default()
            })
        })
    }

    pub(super) fn has_talk(&self) -> bool {
        self.talk.is_some()
    }

    /// Takes the name that the server accepted.
    pub(super) fn rename(&mut self, name: &Rc<[u8]>) {
        if self.names.first() != Some(name) {
            self.names.retain(|other| other != name);
            self.names.insert(0, Rc::clone(name));
        }
    }

    /// Remembers a name asked for.
    pub(super) fn may_become(&mut self, name: &[u8]) {
        if self.names.iter().all(|other| **other != *name) {
            self.names.truncate(NAMES_MAX - 1);
            self.names.insert(1, Rc::from(name));
        }
    }

    /// Follows the handshake.
    pub(super) fn open(&mut self, at: Moment, packet: &Packet<'_>, way: Way) -> Option<Change> {
        let first = Some(packet.seq.wrapping_add(1));
        match (packet.has(SYN), packet.has(ACK), way) {
            (true, false, Way::Up) => {
                self.syn = Some(at);
                self.first.0 = self.first.0.or(first);
            }
            (true, true, Way::Down) => {
                self.syn_ack = Some(at);
                self.first.1 = self.first.1.or(first);
            }
            (false, _, Way::Down) if packet.has(RST) && self.syn_ack.is_none() => {
                let syn = self.syn?;
                if !self.connected && !self.ended {
                    self.ended = true;
                    return Some(Change::Refused { syn });
                }
            }
            (false, true, Way::Up) if !self.connected && self.syn_ack.is_some() => {
                self.connected = true;
                let syn = self.syn.or(self.syn_ack)?;
                return Some(Change::Connected {
                    syn,
                    syn_ack: self.syn_ack,
                });
            }
            _ => {}
        }
        None
    }

    /// Takes a packet's bytes and acknowledgement; gives out the units that they end.
    pub(super) fn hear(
        &mut self,
        at: Moment,
        packet: &Packet<'_>,
        way: Way,
        framing: Framing,
        kept: &mut Kept,
    ) -> Vec<(Way, Spoken)> {
        let mut spoken = Vec::new();
        let has_data = packet.len > 0 && !packet.has(RST);
        if self.ended || (!has_data && self.talk.is_none()) {
            return spoken;
        }
        let back = match way {
            Way::Up => Way::Down,
            Way::Down => Way::Up,
        };
        let (mut lost, mut cut, mut lost_down) = (0, 0, false);
        let talk = self.talk();
        talk.spoken |= has_data;
        if packet.has(ACK) {
            let half = talk.half(back);
            let mut take = |unit: Unit<'_>| spoken.push((back, Spoken::new(unit, at)));
            let units = &mut half.units;
            let mut deliver = |run: Delivery<'_>| {
                lost += run.gap_before;
                cut += run.gap_after;
                lost_down |= back == Way::Down && run.gap_before + run.gap_after > 0;
                units.push(framing, &run, &mut take);
            };
            half.reassembly
                .acknowledged(packet.ack, &mut kept.waiting, &mut deliver);
        }
        let half = talk.half(way);
        let units = &mut half.units;
        let mut take = |unit: Unit<'_>| spoken.push((way, Spoken::new(unit, at)));
        if has_data {
            let mut deliver = |run: Delivery<'_>| {
                lost += run.gap_before;
                cut += run.gap_after;
                lost_down |= way == Way::Down && run.gap_before + run.gap_after > 0;
                units.push(framing, &run, &mut take);
            };
            let first = packet.seq.wrapping_add(u32::from(packet.has(SYN)));
            half.reassembly.push(
                first,
                packet.payload,
                packet.len,
                &mut kept.waiting,
                &mut deliver,
            );
        }
        let end = packet.seq.wrapping_add(packet.len);
        let before = half.kept_before;
        if half.units.kept_bytes() > before && kept.lines > LINE_BYTES_IN_ALL_MAX {
            half.units.give_up(end, &mut take);
        }
        half.kept_before = half.units.kept_bytes();
        kept.lines = kept.lines + half.kept_before - before;
        let all_here = half.reassembly.expected() == Some(end);
        if packet.has(FIN) && way == Way::Up && all_here {
            // An orderly end of stream ends the last line.
            half.units.finish(end, &mut take);
        }
        if lost_down {
            self.gap_frame = Some(at.frame);
        }
        self.lost += lost;
        self.cut += cut;
        spoken
    }

    /// Follows the end.
    pub(super) fn close(&mut self, at: Moment, packet: &Packet<'_>, way: Way) -> Option<Change> {
        if self.ended {
            return None;
        }
        if packet.has(RST) {
            self.closing.get_or_insert(at);
            if self.left || self.joined.is_none() {
                self.ended = true;
                return Some(Change::Ended {
                    began: self.closing?,
                });
            }
            return Some(Change::Leaving(match way {
                Way::Up => Ending::Reset,
                Way::Down => Ending::CutReset,
            }));
        }
        let acked = |fin: Option<u32>| {
            packet.has(ACK) && fin.is_some_and(|fin| packet.ack.wrapping_sub(fin).cast_signed() > 0)
        };
        let (mine, theirs) = match way {
            Way::Up => (&mut self.fin_up, self.fin_down),
            Way::Down => (&mut self.fin_down, self.fin_up),
        };
        if packet.has(FIN) && mine.is_none() {
            *mine = Some(packet.seq.wrapping_add(packet.len));
            if self.closing.is_none() {
                self.closing = Some(at);
                return Some(Change::Leaving(match way {
                    Way::Up => Ending::Closed,
                    Way::Down => Ending::Cut,
                }));
            }
        }
        // The side that closed last has its FIN acknowledged last.
        if mine.is_some() && acked(theirs) && !packet.has(FIN) {
            self.ended = true;
            return Some(Change::Ended {
                began: self.closing?,
            });
        }
        None
    }

    /// Returns whether anybody said anything.
    pub(super) fn has_talk_data(&self) -> bool {
        self.talk.as_ref().is_some_and(|talk| talk.spoken)
    }

    /// Returns how many bytes wait behind a hole, up and down.
    pub(super) fn waiting_bytes(&self) -> (usize, usize) {
        self.talk.as_ref().map_or((0, 0), |talk| {
            let bytes = |half: &Half| half.reassembly.waiting_bytes();
            (bytes(&talk.up), bytes(&talk.down))
        })
    }

    /// Forgets what waits.
    pub(super) fn clear(&mut self, kept: &mut Kept) {
        if let Some(mut talk) = self.talk.take() {
            talk.up.reassembly.clear(&mut kept.waiting);
            talk.down.reassembly.clear(&mut kept.waiting);
            kept.lines -= talk.up.kept_before + talk.down.kept_before;
        }
    }
}

impl Talk {
    fn half(&mut self, way: Way) -> &mut Half {
        match way {
            Way::Up => &mut self.up,
            Way::Down => &mut self.down,
        }
    }

    /// Keeps a line until the server says whether it takes the name; returns what there is no room
    /// for.
    pub(super) fn offer(&mut self, spoken: Spoken) -> Option<Spoken> {
        self.offers.push_back(spoken);
        if self.offers.len() > OFFERS_MAX {
            self.offers.pop_front()
        } else {
            None
        }
    }

    pub(super) fn await_ack(queue: &mut VecDeque<(u32, u64, Moment)>, entry: (u32, u64, Moment)) {
        if queue.len() >= UNACKED_MAX {
            queue.pop_front();
        }
        queue.push_back(entry);
    }
}

impl Half {
    fn new(mid_stream: bool, first: Option<u32>) -> Self {
        Self {
            reassembly: Reassembly::starting_at(first),
            units: Units::new(mid_stream),
            kept_before: 0,
        }
    }
}

impl Spoken {
    fn new(unit: Unit<'_>, at: Moment) -> Self {
        Self {
            bytes: unit.bytes.to_vec(),
            partial: unit.partial,
            end: unit.end,
            at,
        }
    }
}
