//! What went wrong, with the frames that show it and one line of what it means.
//!
//! Most findings count marks of the packet list; the slow reader and the packet captured twice are
//! found here. Retransmissions and the like are told once a stream, with their first frames.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use super::text::{Isolated, Seconds, Span};
use crate::trace::capture::Moment;
use crate::trace::chat::event::{Event, Original};
use crate::trace::packet::{FIN, Packet, RST, SYN};
use crate::trace::tcp::{Marks, Segment};

/// Most frames that are named in one finding.
pub const FRAMES_MAX: usize = 8;
/// Most findings that are kept; the rest are counted.
pub const FINDINGS_MAX: usize = 10_000;
/// The same packet so soon again was captured twice, not sent twice.
const DUPLICATE_NS: i64 = 1_000_000;
/// So many duplicates are no accident.
const MANY_DUPLICATES: u64 = 3;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Worth knowing.
    Info,
    /// Something is wrong.
    Warn,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A connection was refused.
    Refused,
    /// A connection was broken.
    Reset,
    /// A copy never came.
    CopyMissing,
    /// A reader's window was full or closed.
    SlowReader,
    /// Bytes were sent again.
    Retransmission,
    /// Bytes were acknowledged that the capture lacks.
    LostInCapture,
    /// The kernel told that it dropped packets.
    Dropped,
    /// The same packets were captured twice.
    CapturedTwice,
    /// A copy may be among the bytes that were not captured.
    CopyNotCaptured,
    /// Packets were cut by the snap length.
    CutShort,
    /// Bytes were sent again though they had arrived.
    Spurious,
    /// Packets overtook each other.
    OutOfOrder,
    /// The same acknowledgement came several times.
    DuplicateAcks,
    /// A connection was never closed.
    StillOpen,
}

impl Kind {
    /// Returns how bad it is.
    #[must_use]
    pub fn level(self) -> Level {
        if self <= Self::CapturedTwice {
            Level::Warn
        } else {
            Level::Info
        }
    }

    /// Returns its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::CopyMissing => "copy missing",
            Self::SlowReader => "slow reader",
            Self::Retransmission => "retransmission",
            Self::LostInCapture => "lost in capture",
            Self::Dropped => "dropped by the kernel",
            Self::CapturedTwice => "captured twice",
            Self::CopyNotCaptured => "copy not captured",
            Self::CutShort => "cut short",
            Self::Spurious => "spurious retransmission",
            Self::OutOfOrder => "out of order",
            Self::DuplicateAcks => "duplicate ACKs",
            Self::StillOpen => "still open",
        }
    }

    /// Returns what it means.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Refused => "nobody listened on the port, or the server's backlog was full",
            Self::Reset => "one side broke the connection; what was under way is lost",
            Self::CopyMissing => "the server sent this person no copy within a minute",
            Self::SlowReader => "this person's program didn't read; the server could only wait",
            Self::Retransmission => "lost on the way, or acknowledged too late",
            Self::LostInCapture => {
                "these bytes arrived but were not captured; capture with: tcpdump -U --immediate-mode -B 65536"
            }
            Self::Dropped => "packets came faster than they were captured; give tcpdump -B 65536",
            Self::CapturedTwice => "captured at two places; many retransmissions here may be none",
            Self::CopyNotCaptured => "a copy may be among the bytes that the capture lacks",
            Self::CutShort => {
                "captured with a snap length; give tcpdump -s 0 to have whole packets"
            }
            Self::Spurious => "the sender didn't get the acknowledgement in time",
            Self::OutOfOrder => "packets overtook each other on the way",
            Self::DuplicateAcks => "the receiver asks again and again for the same byte",
            Self::StillOpen => "no FIN nor RST; the capture ended first",
        }
    }
}

/// One finding.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What was found.
    pub kind: Kind,
    /// In which stream.
    pub stream: Option<u32>,
    /// The person's name there.
    pub name: Vec<u8>,
    /// How often.
    pub count: u64,
    /// The first frames that show it.
    pub frames: Vec<u64>,
    /// What more there is to say.
    pub detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        if !self.name.is_empty() {
            write!(f, ", {}", Isolated(&self.name))?;
        }
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        if !self.frames.is_empty() {
            write!(f, " ({})", self.frame_list())?;
        }
        Ok(())
    }
}

impl Finding {
    /// Returns the frames in words, with `...` if there are more.
    pub fn frame_list(&self) -> String {
        let word = if self.frames.len() == 1 {
            "frame"
        } else {
            "frames"
        };
        let mut list: Vec<_> = self.frames.iter().map(u64::to_string).collect();
        if self.count > self.frames.len() as u64 {
            list.push("...".to_owned());
        }
        format!("{word} {}", list.join(", "))
    }
}

#[derive(Debug, Default)]
struct Tally {
    count: u64,
    frames: Vec<u64>,
    bytes: u64,
    name: Vec<u8>,
}

/// What is watched of one stream.
#[derive(Debug, Default)]
struct Watch {
    full_since: Option<i64>,
    first_full: i64,
    last_full: i64,
    full_ns: i64,
    closed: bool,
    most_in_flight: u32,
    frames: Vec<u64>,
    episodes: u64,
    recent: [(u64, i64); 2],
    turn: usize,
    ended: bool,
}

/// Collects findings.
#[derive(Debug, Default)]
pub struct Findings {
    tallies: BTreeMap<(Kind, u32), Tally>,
    watches: HashMap<u32, Box<Watch>>,
    names: HashMap<u32, Vec<u8>>,
    beyond: u64,
}

impl Findings {
    /// Looks at one packet of the port.
    pub fn packet(&mut self, at: Moment, packet: &Packet<'_>, segment: &Segment, port: u16) {
        let from_person = packet.dst_port == port;
        let stream = segment.stream;
        let watch = self.watches.entry(stream).or_default();
        let twice = packet.len > 0 || packet.has(SYN | FIN);
        let twice = twice && watch.is_duplicate(at.time, packet);
        watch.window(at, packet, segment, from_person);
        watch.ended |= packet.has(FIN | RST);
        if twice {
            self.tally(Kind::CapturedTwice, stream, at.frame, 0);
        }
        if packet.has(RST) {
            self.tally(Kind::Reset, stream, at.frame, 0);
        }
        if segment.marks.is_empty() {
            return;
        }
        for (marks, kind) in [
            (Marks::RETRANSMISSION, Kind::Retransmission),
            (Marks::FAST_RETRANSMISSION, Kind::Retransmission),
            (Marks::SPURIOUS_RETRANSMISSION, Kind::Spurious),
            (Marks::OUT_OF_ORDER, Kind::OutOfOrder),
            (Marks::DUPLICATE_ACK, Kind::DuplicateAcks),
        ] {
            if segment.marks.any(marks) {
                self.tally(kind, stream, at.frame, u64::from(packet.len));
            }
        }
    }

    /// Looks at one thing that happened.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::Joined { who, .. } if self.names.len() < FINDINGS_MAX => {
                self.names.insert(who.stream, who.name.to_vec());
            }
            Event::Refused { who, at, .. } => {
                // A refusal is a reset that says more.
                self.tallies.remove(&(Kind::Reset, who.stream));
                self.tally(Kind::Refused, who.stream, at.frame, 0);
            }
            Event::Gap { who, at, lost, cut } => {
                if *lost > 0 {
                    self.tally(Kind::LostInCapture, who.stream, at.frame, *lost);
                }
                if *cut > 0 {
                    self.tally(Kind::CutShort, who.stream, at.frame, *cut);
                }
            }
            Event::Missing {
                of: Original::Message | Original::Leave | Original::Join,
                original,
                to,
                not_captured,
            } => {
                let kind = if *not_captured {
                    Kind::CopyNotCaptured
                } else {
                    Kind::CopyMissing
                };
                self.tally(kind, to.stream, original.frame, 0);
                let tally = self.tallies.entry((kind, to.stream)).or_default();
                tally.name = to.name.to_vec();
            }
            _ => {}
        }
    }

    /// Says that a stream is forgotten.
    pub fn forget(&mut self, stream: u32) {
        if let Some(watch) = self.watches.remove(&stream) {
            self.slow_reader(stream, &watch);
        }
    }

    /// Returns all findings, the worst first, and how many more there were. `dropped` is what the
    /// kernel told.
    pub fn finish(&mut self, dropped: u64, now: i64) -> (Vec<Finding>, u64) {
        let mut streams: Vec<_> = self.watches.drain().collect();
        streams.sort_unstable_by_key(|(stream, _)| *stream);
        for (stream, mut watch) in streams {
            watch.open_window(now);
            self.slow_reader(stream, &watch);
            if !watch.ended {
                self.tally(Kind::StillOpen, stream, 0, 0);
            }
        }
        if dropped > 0 {
            self.tally(Kind::Dropped, u32::MAX, 0, dropped);
        }
        let names = &self.names;
        let findings = self
            .tallies
            .iter()
            .filter(|((kind, _), tally)| {
                *kind != Kind::CapturedTwice || tally.count >= MANY_DUPLICATES
            })
            .map(|((kind, stream), tally)| finding(*kind, *stream, tally, names))
            .collect();
        (findings, self.beyond)
    }

    fn slow_reader(&mut self, stream: u32, watch: &Watch) {
        if watch.episodes == 0 {
            return;
        }
        self.tally(Kind::SlowReader, stream, 0, 0);
        if let Some(tally) = self.tallies.get_mut(&(Kind::SlowReader, stream)) {
            tally.count = watch.episodes;
            tally.frames.clone_from(&watch.frames);
            tally.name = format!(
                "window {} {} between {} s and {} s, {} in all, at most {} bytes under way",
                if watch.closed { "closed" } else { "full" },
                times(watch.episodes),
                Seconds(watch.first_full, 6),
                Seconds(watch.last_full, 6),
                Span(watch.full_ns),
                watch.most_in_flight
            )
            .into_bytes();
        }
    }

    fn tally(&mut self, kind: Kind, stream: u32, frame: u64, bytes: u64) {
        let room = self.tallies.len() < FINDINGS_MAX;
        if !room && !self.tallies.contains_key(&(kind, stream)) {
            self.beyond += 1;
            return;
        }
        let tally = self.tallies.entry((kind, stream)).or_default();
        tally.count += 1;
        tally.bytes += bytes;
        if tally.frames.len() < FRAMES_MAX && frame != 0 {
            tally.frames.push(frame);
        }
    }
}

fn finding(kind: Kind, stream: u32, tally: &Tally, names: &HashMap<u32, Vec<u8>>) -> Finding {
    let (count, bytes) = (tally.count, tally.bytes);
    let detail = match kind {
        Kind::Retransmission | Kind::Spurious if bytes > 0 => {
            format!("{}, {bytes} bytes", times(count))
        }
        Kind::Retransmission
        | Kind::Spurious
        | Kind::OutOfOrder
        | Kind::DuplicateAcks
        | Kind::CapturedTwice => times(count),
        Kind::LostInCapture | Kind::CutShort => format!("{bytes} bytes in {}", places(count)),
        Kind::Dropped => format!("{bytes} packets"),
        Kind::CopyMissing | Kind::CopyNotCaptured => match count {
            1 => "1 copy".to_owned(),
            _ => format!("{count} copies"),
        },
        Kind::SlowReader => String::from_utf8_lossy(&tally.name).into_owned(),
        Kind::Refused | Kind::Reset | Kind::StillOpen => String::new(),
    };
    let name = match (kind, names.get(&stream)) {
        (Kind::Dropped, _) => Vec::new(),
        (_, Some(name)) => name.clone(),
        (Kind::CopyMissing | Kind::CopyNotCaptured, None) => tally.name.clone(),
        (_, None) => format!("stream {stream}").into_bytes(),
    };
    Finding {
        kind,
        stream: (kind != Kind::Dropped).then_some(stream),
        name,
        count,
        frames: tally.frames.clone(),
        detail,
    }
}

fn times(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{count} times"),
    }
}

fn places(count: u64) -> String {
    match count {
        1 => "1 place".to_owned(),
        _ => format!("{count} places"),
    }
}

impl Watch {
    /// Follows the reader's window.
    fn window(&mut self, at: Moment, packet: &Packet<'_>, segment: &Segment, from_person: bool) {
        let full = if from_person {
            self.closed |= segment.marks.any(Marks::ZERO_WINDOW);
            segment.marks.any(Marks::ZERO_WINDOW)
        } else {
            segment.marks.any(Marks::WINDOW_FULL)
        };
        if full && self.full_since.is_none() {
            if self.episodes == 0 {
                self.first_full = at.time;
            }
            self.full_since = Some(at.time);
            self.episodes += 1;
            if self.frames.len() < FRAMES_MAX {
                self.frames.push(at.frame);
            }
        } else if from_person && !full && packet.window > 0 {
            self.open_window(at.time);
        }
        if full || self.full_since.is_some() {
            self.most_in_flight = self
                .most_in_flight
                .max(segment.bytes_in_flight.unwrap_or(0));
        }
    }

    fn open_window(&mut self, now: i64) {
        if let Some(since) = self.full_since.take() {
            self.full_ns += now - since;
            self.last_full = now;
        }
    }

    /// Returns whether the very packet was seen a moment ago. Its checksum stands for its payload.
    fn is_duplicate(&mut self, now: i64, packet: &Packet<'_>) -> bool {
        let mut print = u64::from(packet.seq) << 32 | u64::from(packet.ack);
        for part in [
            u64::from(packet.checksum) << 48
                | u64::from(packet.ip_id) << 32
                | u64::from(packet.len),
            u64::from(packet.src_port) << 32
                | u64::from(packet.flags) << 16
                | u64::from(packet.window),
        ] {
            print = (print ^ part)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(29);
        }
        for chunk in packet.options.chunks(8) {
            let part = chunk
                .iter()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
            print = (print ^ part)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(29);
        }
        let again = self
            .recent
            .iter()
            .any(|(other, time)| *other == print && (0..DUPLICATE_NS).contains(&(now - time)));
        self.recent[self.turn] = (print, now);
        self.turn = (self.turn + 1) % self.recent.len();
        again
    }
}
