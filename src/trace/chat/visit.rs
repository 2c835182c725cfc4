//! One connection to the room: its handshake, who is at its other end, its end.

use std::rc::Rc;

use super::arrival::{Arrival, Way};
use super::event::{Ending, Who};
use super::talk::{Heard, Kept, Talk, has_data};
use super::units::Framing;
use crate::trace::capture::Moment;
use crate::trace::packet::{ACK, Endpoint, FIN, RST, SYN};

/// Most names that somebody may be trying to change to.
const NAMES_MAX: usize = 4;

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
    connected: bool,
    fin_up: Option<u32>,
    fin_down: Option<u32>,
    pub(super) closing: Option<Moment>,
    pub(super) ended: bool,
    /// The last frame that told that bytes to the person are missing.
    pub(super) gap_frame: Option<u64>,
    talk: Option<Box<Talk>>,
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

    /// Returns what is said, which begins now if it hasn't.
    pub(super) fn talk(&mut self) -> &mut Talk {
        let mid_stream = !self.is_whole();
        let first = self.first;
        self.talk
            .get_or_insert_with(|| Box::new(Talk::new(mid_stream, first)))
    }

    /// Returns what is said, if anything is.
    pub(super) fn talk_so_far(&mut self) -> Option<&mut Talk> {
        self.talk.as_deref_mut()
    }

    /// Returns whether anybody said anything.
    pub(super) fn has_spoken(&self) -> bool {
        self.talk.as_ref().is_some_and(|talk| talk.spoken)
    }

    /// Returns whether bytes to the person are missing since this frame, or may be.
    pub(super) fn lacks_since(&self, frame: u64) -> bool {
        let waiting = self.talk.as_deref().map_or(0, Talk::waiting_down);
        waiting > 0 || self.gap_frame.is_some_and(|gap| gap >= frame)
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
    pub(super) fn open(&mut self, arrival: &Arrival<'_>) -> Option<Change> {
        let Arrival {
            at, packet, way, ..
        } = *arrival;
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

    /// Takes a packet's bytes and acknowledgement; returns the units that they end.
    pub(super) fn hear(
        &mut self,
        arrival: &Arrival<'_>,
        framing: Framing,
        kept: &mut Kept,
    ) -> Heard {
        if self.ended || (self.talk.is_none() && !has_data(arrival.packet)) {
            return Heard::default();
        }
        let heard = self.talk().hear(arrival, framing, kept);
        if heard.lacks_down {
            self.gap_frame = Some(arrival.at.frame);
        }
        heard
    }

    /// Takes it that one side of a sealed connection says that no more comes.
    pub(super) fn say_end(&mut self, at: Moment, way: Way) -> Option<Change> {
        if self.closing.is_some() || self.ended {
            return None;
        }
        self.closing = Some(at);
        Some(Change::Leaving(match way {
            Way::Up => Ending::CloseNotify,
            Way::Down => Ending::CutCloseNotify,
        }))
    }

    /// Returns whether nothing has gone this way but the handshake of a sealed connection.
    pub(super) fn is_shaking_hands(&self, way: Way) -> bool {
        self.talk
            .as_ref()
            .is_some_and(|talk| talk.is_shaking_hands(way))
    }

    /// Follows the end.
    pub(super) fn close(&mut self, arrival: &Arrival<'_>) -> Option<Change> {
        let Arrival {
            at, packet, way, ..
        } = *arrival;
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

    /// Forgets what waits.
    pub(super) fn clear(&mut self, kept: &mut Kept) {
        if let Some(talk) = self.talk.take() {
            talk.clear(kept);
        }
    }
}
