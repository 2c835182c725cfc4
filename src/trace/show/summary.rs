//! The whole capture in one screen: what was read, who took part, how fast it was, what went wrong.

use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Write as _};

use super::findings::{Finding, Level};
use super::histogram::Histogram;
use super::text::{Isolated, Seconds, Span};
use crate::trace::chat::event::{Event, Original};
use crate::trace::packet::Skip;
use crate::trace::tcp::{StreamRow, completeness_text};

/// Most streams that are listed.
pub const ROWS_MAX: usize = 200;
/// Most findings that are listed.
pub const FINDINGS_MAX: usize = 100;
/// Most names that are remembered.
const NAMES_MAX: usize = 100_000;
/// Most ports that are named when there is nothing on the room's.
const PORTS_MAX: usize = 8;

/// What is counted while reading.
#[derive(Debug)]
pub struct Totals {
    /// Frames.
    pub frames: u64,
    /// TCP segments.
    pub tcp: u64,
    /// TCP segments on the room's port.
    pub on_port: u64,
    /// Frames not looked at, by reason.
    pub skipped: BTreeMap<Skip, u64>,
    /// Time of the last frame.
    pub last_time: i64,
    /// The capture's digits of a second.
    pub digits: u8,
    /// Messages.
    pub messages: u64,
    /// Joins.
    pub joins: u64,
    /// Leaves.
    pub leaves: u64,
    /// Streams that are over, on the room's port.
    pub rows: Vec<StreamRow>,
    /// Streams on the room's port that are not listed.
    pub unlisted: u64,
    to_copy: Histogram,
    copy_to_ack: Histogram,
    to_ack: Histogram,
    spread: Histogram,
    leave_to_copy: Histogram,
    names: HashMap<u32, Vec<u8>>,
    ports: Box<[u32]>,
}

impl Default for Totals {
    fn default() -> Self {
        Self {
            frames: 0,
            tcp: 0,
            on_port: 0,
            skipped: BTreeMap::new(),
            last_time: 0,
            digits: 6,
            messages: 0,
            joins: 0,
            leaves: 0,
            rows: Vec::new(),
            unlisted: 0,
            to_copy: Histogram::default(),
            copy_to_ack: Histogram::default(),
            to_ack: Histogram::default(),
            spread: Histogram::default(),
            leave_to_copy: Histogram::default(),
            names: HashMap::new(),
            ports: vec![0; 65_536].into_boxed_slice(),
        }
    }
}

impl Totals {
    /// Counts a TCP segment by its ports.
    pub fn segment(&mut self, ports: (u16, u16), on_port: bool) {
        self.tcp += 1;
        if on_port {
            self.on_port += 1;
        } else {
            for port in [ports.0, ports.1] {
                let count = &mut self.ports[usize::from(port)];
                *count = count.saturating_add(1);
            }
        }
    }

    /// Counts a frame that isn't looked at.
    pub fn skip(&mut self, why: Skip) {
        *self.skipped.entry(why).or_default() += 1;
    }

    /// Keeps a stream for the list.
    pub fn ended(&mut self, row: StreamRow) {
        if self.rows.len() < ROWS_MAX {
            self.rows.push(row);
        } else {
            self.unlisted += 1;
        }
    }

    /// Counts something that happened.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::Joined { who, .. } => {
                self.joins += 1;
                if self.names.len() < NAMES_MAX {
                    self.names.insert(who.stream, who.name.to_vec());
                }
            }
            Event::Said { .. } => self.messages += 1,
            Event::Left { .. } => self.leaves += 1,
            Event::Acked { delay, .. } => self.to_ack.add(*delay),
            Event::Copied {
                of, delay, acked, ..
            } => {
                match of {
                    Original::Message => self.to_copy.add(*delay),
                    Original::Leave => self.leave_to_copy.add(*delay),
                    Original::Join => {}
                }
                if let (Original::Message, Some((_, delay))) = (of, acked) {
                    self.copy_to_ack.add(*delay);
                }
            }
            Event::Settled {
                of: Original::Message,
                copies,
                spread,
                ..
            } if *copies > 0 => {
                self.spread.add(*spread);
            }
            _ => {}
        }
    }

    /// Returns the name used in a stream.
    pub fn name(&self, stream: u32) -> Option<&[u8]> {
        self.names.get(&stream).map(Vec::as_slice)
    }

    /// Returns the latency table, a row for each way.
    #[must_use]
    pub fn latencies(&self) -> [(&'static str, [String; 5]); 5] {
        [
            ("message to the server's ACK", self.to_ack.columns()),
            ("message to copy", self.to_copy.columns()),
            ("copy to its ACK", self.copy_to_ack.columns()),
            ("first to last copy", self.spread.columns()),
            ("leave to copy", self.leave_to_copy.columns()),
        ]
    }

    /// Says that nothing was on the port, and what was seen instead.
    #[must_use]
    pub fn nothing_on(&self, port: u16) -> String {
        let mut ports: Vec<_> = (0_u16..=u16::MAX)
            .zip(self.ports.iter())
            .filter(|(_, count)| **count > 0)
            .collect();
        ports.sort_by_key(|(port, count)| (std::cmp::Reverse(**count), *port));
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
        format!("no TCP packets on port {port} ({seen})")
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

/// The summary as text.
#[derive(Debug)]
pub struct Summary<'a> {
    /// What was counted.
    pub totals: &'a Totals,
    /// What was found.
    pub findings: &'a [Finding],
    /// Findings beyond those.
    pub more_findings: u64,
    /// What ends a message, and whether that was found out or told.
    pub framing: &'a str,
    /// The room's port.
    pub port: u16,
    /// Streams on other ports.
    pub other_streams: u64,
    /// Streams forgotten for want of room.
    pub evicted: u64,
}

impl Summary<'_> {
    /// Appends the summary to `out`.
    pub fn append_to(&self, out: &mut String) {
        // Writing to a string can't fail.
        let written = self
            .capture(out)
            .and_then(|()| self.streams(out))
            .and_then(|()| self.latencies(out))
            .and_then(|()| self.list(out));
        debug_assert!(written.is_ok());
    }

    fn capture(&self, out: &mut String) -> fmt::Result {
        let totals = self.totals;
        writeln!(
            out,
            "capture    {} packets in {} s, {} on port {}, {}",
            totals.frames,
            Seconds(totals.last_time, totals.digits),
            totals.on_port,
            self.port,
            self.framing
        )?;
        if self.other_streams > 0 {
            let packets = totals.tcp - totals.on_port;
            writeln!(
                out,
                "           {packets} packets in {} TCP streams on other ports",
                self.other_streams
            )?;
        }
        for (why, count) in &totals.skipped {
            writeln!(out, "           {count} skipped: {why}")?;
        }
        if self.evicted > 0 {
            writeln!(
                out,
                "           {} streams forgotten for want of room (--max-streams)",
                self.evicted
            )?;
        }
        writeln!(
            out,
            "room       {} joined, {} messages, {} left",
            totals.joins, totals.messages, totals.leaves
        )
    }

    fn streams(&self, out: &mut String) -> fmt::Result {
        if self.totals.rows.is_empty() {
            return Ok(());
        }
        writeln!(
            out,
            "\nstream person               address                  packets     bytes  lasted     conversation"
        )?;
        for row in &self.totals.rows {
            let (client, at) = row.client(self.port);
            let name = self.totals.name(row.stream).unwrap_or(b"-");
            let packets = format!("{}+{}", row.packets[at], row.packets[1 - at]);
            let bytes = format!("{}+{}", row.bytes[at], row.bytes[1 - at]);
            writeln!(
                out,
                "{:>6} {} {:<22} {packets:>9} {bytes:>9}  {:<10} {}",
                row.stream,
                Padded(&Isolated(name).to_string(), 20),
                Address(client.address, client.port),
                Span(row.last_time - row.first_time),
                completeness_text(row.completeness)
            )?;
        }
        if self.totals.unlisted > 0 {
            writeln!(out, "       {} more streams", self.totals.unlisted)?;
        }
        Ok(())
    }

    fn latencies(&self, out: &mut String) -> fmt::Result {
        if self.totals.messages == 0 {
            return Ok(());
        }
        let header = ["count", "p50", "p90", "p99", "max"].map(|word| format!("{word:>9}"));
        writeln!(out, "\n{:<27} {}", "latency", header.join(" "))?;
        for (name, columns) in self.totals.latencies() {
            let columns = columns.map(|column| format!("{column:>9}"));
            writeln!(out, "{name:<27} {}", columns.join(" "))?;
        }
        Ok(())
    }

    fn list(&self, out: &mut String) -> fmt::Result {
        if self.findings.is_empty() {
            return writeln!(out, "\nfindings   none");
        }
        writeln!(out, "\nfindings")?;
        for finding in self.findings.iter().take(FINDINGS_MAX) {
            let level = match finding.kind.level() {
                Level::Warn => "warn",
                Level::Info => "info",
            };
            writeln!(
                out,
                "  {level}  {finding}\n        {}",
                finding.kind.meaning()
            )?;
        }
        let more = (self.findings.len().saturating_sub(FINDINGS_MAX)) as u64 + self.more_findings;
        if more > 0 {
            writeln!(out, "  {more} more findings")?;
        }
        Ok(())
    }
}

struct Address(std::net::IpAddr, u16);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&std::net::SocketAddr::new(self.0, self.1).to_string())
    }
}

/// Text in a column; the isolates around right-to-left text take no room.
struct Padded<'a>(&'a str, usize);

impl fmt::Display for Padded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wide = self
            .0
            .chars()
            .filter(|c| !matches!(c, '\u{2068}' | '\u{2069}'))
            .count();
        f.write_str(self.0)?;
        (wide..self.1).try_for_each(|_| f.write_char(' '))
    }
}
