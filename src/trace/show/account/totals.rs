//! What is counted while reading.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::latencies::Latencies;
use crate::trace::chat::event::{Event, Word};
use crate::trace::packet::{Packet, Ports as RoomPorts, Skip};
use crate::trace::tcp::StreamRow;

/// Most streams that are listed.
pub(super) const ROWS_MAX: usize = 200;
/// Most names that are remembered.
const NAMES_MAX: usize = 100_000;
/// Most ports that are named when there is nothing on the room's.
const PORTS_MAX: usize = 8;

/// What is counted while reading.
#[derive(Debug, Default)]
pub struct Totals {
    /// Frames.
    pub frames: u64,
    /// TCP segments.
    pub tcp: u64,
    /// TCP segments on the room's port.
    pub on_port: u64,
    /// Frames not looked at, by reason.
    pub skipped: BTreeMap<Skip, u64>,
    /// IP packets that were put together, and of how many frames.
    pub put_together: (u64, u64),
    /// Messages.
    pub messages: u64,
    /// Joins.
    pub joins: u64,
    /// Leaves.
    pub leaves: u64,
    /// Streams on the room's port, as many as are listed, by number once all are over.
    pub rows: Vec<StreamRow>,
    /// Streams on the room's port that are not listed.
    pub unlisted: u64,
    /// Connections that are sealed, and those of them of which something was opened.
    pub sealed: (u64, u64),
    /// How long things took.
    pub latencies: Latencies,
    seen_sealed: HashSet<u32>,
    seen_opened: HashSet<u32>,
    names: HashMap<u32, Vec<u8>>,
    ports: Ports,
}

/// How many packets came from or went to each port.
#[derive(Debug)]
struct Ports(Box<[u32]>);

impl Default for Ports {
    fn default() -> Self {
        Self(vec![0; 65_536].into_boxed_slice())
    }
}

impl Totals {
    /// Counts a TCP segment.
    pub fn segment(&mut self, packet: &Packet<'_>, on_port: bool) {
        self.tcp += 1;
        if on_port {
            self.on_port += 1;
            return;
        }
        for port in [packet.src_port, packet.dst_port] {
            let count = &mut self.ports.0[usize::from(port)];
            *count = count.saturating_add(1);
        }
    }

    /// Counts an IP packet that was put together; its fragments but the last were counted as skipped.
    pub fn put_together(&mut self, fragments: u64) {
        self.put_together.0 += 1;
        self.put_together.1 += fragments;
        if let Some(skipped) = self.skipped.get_mut(&Skip::Fragment) {
            *skipped = skipped.saturating_sub(fragments - 1);
            if *skipped == 0 {
                self.skipped.remove(&Skip::Fragment);
            }
        }
    }

    /// Counts a frame that isn't looked at.
    pub fn skip(&mut self, why: Skip) {
        *self.skipped.entry(why).or_default() += 1;
    }

    /// Keeps a stream of the room's port for the list.
    pub fn stream(&mut self, row: &StreamRow) {
        if self.rows.len() < ROWS_MAX {
            self.rows.push(row.clone());
        } else {
            self.unlisted += 1;
        }
    }

    /// Counts something that happened.
    pub fn event(&mut self, event: &Event) {
        self.latencies.event(event);
        match event {
            Event::Joined { who, .. } => {
                self.joins += 1;
                if self.names.len() < NAMES_MAX {
                    self.names.insert(who.stream, who.name.to_vec());
                }
            }
            Event::Said { .. } => self.messages += 1,
            Event::Left { .. } => self.leaves += 1,
            Event::Sealed { who, word, .. } => self.sealed(who.stream, word),
            _ => {}
        }
    }

    fn sealed(&mut self, stream: u32, word: &Word) {
        let is_new = |seen: &mut HashSet<u32>| seen.len() < NAMES_MAX && seen.insert(stream);
        self.sealed.0 += u64::from(is_new(&mut self.seen_sealed));
        if *word == Word::Opened {
            self.sealed.1 += u64::from(is_new(&mut self.seen_opened));
        }
    }

    /// Returns how many streams there were on the room's port.
    #[must_use]
    pub fn streams(&self) -> u64 {
        self.rows.len() as u64 + self.unlisted
    }

    /// Returns the name used in a stream.
    #[must_use]
    pub fn name(&self, stream: u32) -> Option<&[u8]> {
        self.names.get(&stream).map(Vec::as_slice)
    }

    /// Says that nothing was on the port, and what was seen instead.
    #[must_use]
    pub fn nothing_on(&self, on: RoomPorts) -> String {
        let mut ports: Vec<_> = (0_u16..=u16::MAX)
            .zip(self.ports.0.iter())
            .filter(|(_, count)| **count > 0)
            .collect();
        ports.sort_by_key(|(port, count)| (Reverse(**count), *port));
        let list: Vec<_> = ports
            .iter()
            .take(PORTS_MAX)
            .map(|(port, _)| port.to_string())
            .collect();
        let seen = if list.is_empty() {
            "no TCP packets at all".to_owned()
        } else {
            let more = if ports.len() > PORTS_MAX { ", ..." } else { "" };
            format!("TCP ports seen: {}{more}", list.join(", "))
        };
        let tunnelled = self.skipped.iter().map(|(why, count)| match why {
            Skip::Tunnelled(_) => *count,
            _ => 0,
        });
        let tunnelled = match tunnelled.sum() {
            0_u64 => String::new(),
            count => format!("; {count} in tunnels, which aren't looked into"),
        };
        format!("no TCP packets on {} ({seen}{tunnelled})", on.words())
    }

    /// Returns the one frame reason if no frame could be looked at because of its link type.
    #[must_use]
    pub fn unsupported_link(&self) -> Option<Skip> {
        let mut links = self
            .skipped
            .iter()
            .filter(|(why, _)| matches!(why, Skip::UnknownLink(_)));
        let (why, _) = links.next()?;
        let unknown: u64 = self
            .skipped
            .iter()
            .filter(|(why, _)| matches!(why, Skip::UnknownLink(_)))
            .map(|(_, count)| *count)
            .sum();
        (unknown == self.frames).then_some(*why)
    }
}
