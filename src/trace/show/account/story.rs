//! What is drawn when the capture is over: the first rows of it, and a count of the rest.
//!
//! Bounded: so many rows and copies together, and so much text of each.

use std::collections::HashMap;

use crate::trace::capture::Moment;
use crate::trace::chat::event::{Ending, Event, Way, Who, Word};
use crate::trace::packet::{Endpoint, Packet, Ports};
use crate::trace::show::info::Flags;
use crate::trace::tcp::{Marks, Segment};

/// Most rows and copies that are kept.
pub(super) const KEPT_MAX: usize = 100_000;
/// Most bytes of one text that are kept.
pub(super) const TEXT_BYTES_MAX: usize = 400;
/// Most people that are drawn.
pub(super) const COLUMNS_MAX: usize = 24;

/// Marks that are drawn even where packets are folded, and their words.
const TROUBLE: [(Marks, &str); 6] = [
    (Marks::RETRANSMISSION, "retransmission"),
    (Marks::FAST_RETRANSMISSION, "fast retransmission"),
    (Marks::SPURIOUS_RETRANSMISSION, "spurious retransmission"),
    (Marks::OUT_OF_ORDER, "out of order"),
    (Marks::ZERO_WINDOW, "window closed"),
    (Marks::REUSED_PORTS, "port used again"),
];

/// A person's column.
#[derive(Debug)]
pub struct Column {
    /// Whose stream.
    pub stream: u32,
    /// Under which name.
    pub name: Vec<u8>,
    /// From where.
    pub client: Endpoint,
}

/// One row.
#[derive(Debug)]
pub struct Row {
    /// When.
    pub at: Moment,
    /// Whose stream.
    pub stream: u32,
    /// What.
    pub what: What,
    /// The copies of it.
    pub copies: Vec<CopyRow>,
}

/// One copy.
#[derive(Debug)]
pub struct CopyRow {
    /// To whose stream.
    pub stream: u32,
    /// When.
    pub at: Moment,
    /// How long after the original.
    pub delay: i64,
    /// The acknowledgement, and how long it took.
    pub acked: Option<(Moment, i64)>,
}

/// What a row shows.
#[derive(Debug)]
pub enum What {
    /// A handshake, and how long it took.
    Connected(i64),
    /// A connection refused.
    Refused,
    /// Somebody came.
    Joined,
    /// Somebody said this; the server's acknowledgement.
    Said(Vec<u8>, Option<(Moment, i64)>),
    /// Somebody left.
    Left(Ending),
    /// The end of a connection, and how long it took.
    Ended(i64),
    /// The server told this person something.
    Notice(Vec<u8>),
    /// A packet: to the server or from it, and its flags.
    Packet(bool, String),
    /// A packet in trouble.
    Trouble(bool, &'static str),
    /// What can be told of a sealed connection: of what goes to the server, or comes from it.
    Sealed(bool, String),
}

/// All of it.
#[derive(Debug, Default)]
pub struct Story {
    /// The rows, in the order of their frames once `finish` was called.
    pub rows: Vec<Row>,
    /// The columns, by first packet.
    pub columns: Vec<Column>,
    /// Rows and copies that were not kept.
    pub beyond: u64,
    /// People who have no column.
    pub more_people: u64,
    /// Every packet is a row.
    pub full: bool,
    by_id: HashMap<u64, usize>,
    by_stream: HashMap<u32, usize>,
    /// Highest number of a stream without a column.
    highest: Option<u32>,
    kept: usize,
}

impl Story {
    /// Returns an empty story.
    #[must_use]
    pub fn new(full: bool) -> Self {
        Self {
            full,
            ..Self::default()
        }
    }

    /// Takes a packet of the room's port.
    pub fn packet(&mut self, at: Moment, packet: &Packet<'_>, segment: &Segment, ports: Ports) {
        let up = ports.has(packet.dst_port);
        let stream = segment.stream;
        if !self.by_stream.contains_key(&stream) {
            let (address, port) = if up {
                (packet.src, packet.src_port)
            } else {
                (packet.dst, packet.dst_port)
            };
            self.column(stream, Endpoint { address, port });
        }
        if self.full {
            let flags = Flags::new(packet, segment);
            let label = format!(
                "[{flags}] Seq={} Ack={} Len={}",
                segment.seq, segment.ack, packet.len
            );
            self.push(at, stream, What::Packet(up, label));
        } else if !segment.marks.is_empty()
            && let Some((_, words)) = TROUBLE.iter().find(|(mark, _)| segment.marks.any(*mark))
        {
            self.push(at, stream, What::Trouble(up, words));
        }
    }

    /// Takes something that happened.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::Connected { who, syn, at, .. } => {
                self.push(*syn, who.stream, What::Connected(at.time - syn.time));
            }
            Event::Refused { who, syn, .. } => self.push(*syn, who.stream, What::Refused),
            Event::Joined { id, who, at, .. } => {
                self.name(who);
                self.push_with_id(*id, *at, who.stream, What::Joined);
            }
            Event::Said {
                id, who, at, text, ..
            } => {
                self.name(who);
                self.push_with_id(*id, *at, who.stream, What::Said(shortened(text), None));
            }
            Event::Left { id, who, at, how } => {
                self.push_with_id(*id, *at, who.stream, What::Left(*how));
            }
            Event::Ended { who, began, at } => {
                self.push(*at, who.stream, What::Ended(at.time - began.time));
            }
            Event::Notice { who, at, text, .. } => {
                self.push(*at, who.stream, What::Notice(shortened(text)));
            }
            Event::Acked { id, at, delay } => {
                let row = self.by_id.get(id).and_then(|row| self.rows.get_mut(*row));
                if let Some(What::Said(_, acked)) = row.map(|row| &mut row.what) {
                    *acked = Some((*at, *delay));
                }
            }
            Event::Copied {
                id,
                to,
                at,
                delay,
                acked,
                ..
            } => {
                if !self.by_id.contains_key(id) || !self.has_room() {
                    return;
                }
                let copy = CopyRow {
                    stream: to.stream,
                    at: *at,
                    delay: *delay,
                    acked: *acked,
                };
                let row = self.by_id.get(id).and_then(|row| self.rows.get_mut(*row));
                if let Some(row) = row {
                    row.copies.push(copy);
                }
            }
            Event::Settled { id, .. } => {
                self.by_id.remove(id);
            }
            Event::Sealed { who, at, way, word } if !self.full => {
                if let Some(label) = drawn(word) {
                    self.push(*at, who.stream, What::Sealed(*way == Way::Up, label));
                }
            }
            Event::Missing { .. } | Event::Gap { .. } | Event::Sealed { .. } => {}
        }
    }

    /// Puts the rows in the order of their frames.
    pub fn finish(&mut self) {
        self.by_id.clear();
        self.rows.sort_by_key(|row| row.at.frame);
        for row in &mut self.rows {
            row.copies.sort_by_key(|copy| copy.at.frame);
        }
    }

    /// Returns a stream's column, counted from 0.
    #[must_use]
    pub fn column_of(&self, stream: u32) -> Option<usize> {
        self.by_stream.get(&stream).copied()
    }

    fn column(&mut self, stream: u32, client: Endpoint) {
        if self.columns.len() >= COLUMNS_MAX {
            // Streams are numbered by first packet, so only a higher number is somebody new.
            if self.highest.is_none_or(|highest| highest < stream) {
                self.highest = Some(stream);
                self.more_people += 1;
            }
            return;
        }
        self.by_stream.insert(stream, self.columns.len());
        self.columns.push(Column {
            stream,
            name: Vec::new(),
            client,
        });
    }

    fn name(&mut self, who: &Who) {
        if let Some(column) = self.by_stream.get(&who.stream)
            && let Some(column) = self.columns.get_mut(*column)
            && column.name.is_empty()
        {
            column.name = who.name.to_vec();
        }
    }

    fn push_with_id(&mut self, id: u64, at: Moment, stream: u32, what: What) {
        let before = self.rows.len();
        self.push(at, stream, what);
        if self.rows.len() > before {
            self.by_id.insert(id, before);
        }
    }

    fn push(&mut self, at: Moment, stream: u32, what: What) {
        if self.has_room() {
            self.rows.push(Row {
                at,
                stream,
                what,
                copies: Vec::new(),
            });
        }
    }

    fn has_room(&mut self) -> bool {
        if self.kept < KEPT_MAX {
            self.kept += 1;
            return true;
        }
        self.beyond += 1;
        false
    }
}

/// Returns how a word on a sealed connection is drawn, if it is.
fn drawn(word: &Word) -> Option<String> {
    match word {
        Word::Sealed { bytes, .. } => Some(format!("{bytes} bytes, sealed")),
        Word::Alert(alert) => Some(format!("TLS alert {alert}")),
        Word::Asked { .. } | Word::Agreed { .. } | Word::Opened => None,
    }
}

/// Returns the first bytes of a text, not ending inside a character.
fn shortened(text: &[u8]) -> Vec<u8> {
    if text.len() <= TEXT_BYTES_MAX {
        return text.to_vec();
    }
    let mut end = TEXT_BYTES_MAX;
    while end > 0 && text[end] & 0xc0 == 0x80 {
        end -= 1;
    }
    [&text[..end], "…".as_bytes()].concat()
}
