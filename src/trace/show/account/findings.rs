//! What went wrong, with the frames that show it and one line of what it means.
//!
//! Most findings count marks of the packet list; the slow reader and the packet captured twice are
//! watched for. Retransmissions and the like are told once a stream, with their first frames.

use std::collections::{BTreeMap, HashMap};

use super::finding::{FRAMES_MAX, Finding, Kind, times};
use super::watch::Watch;
use crate::trace::capture::Moment;
use crate::trace::chat::event::{Event, Original, Word};
use crate::trace::packet::{FIN, Packet, Ports, RST, SYN};
use crate::trace::tcp::{Marks, Segment};

/// Most findings that are kept; the rest are counted.
pub(super) const FINDINGS_MAX: usize = 10_000;
/// So many duplicates are no accident.
const MANY_DUPLICATES: u64 = 3;

#[derive(Debug, Default)]
struct Tally {
    count: u64,
    frames: Vec<u64>,
    bytes: u64,
    name: Vec<u8>,
}

/// Collects findings.
#[derive(Debug, Default)]
pub(super) struct Findings {
    tallies: BTreeMap<(Kind, u32), Tally>,
    watches: HashMap<u32, Box<Watch>>,
    names: HashMap<u32, Vec<u8>>,
    beyond: u64,
}

impl Findings {
    /// Looks at one packet of the port.
    pub(super) fn packet(
        &mut self,
        at: Moment,
        packet: &Packet<'_>,
        segment: &Segment,
        ports: Ports,
    ) {
        let from_person = ports.has(packet.dst_port);
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
    pub(super) fn event(&mut self, event: &Event) {
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
            Event::Sealed {
                who,
                at,
                word: Word::Sealed { bytes, why },
                ..
            } => {
                self.tally(Kind::Sealed, who.stream, at.frame, *bytes);
                if let Some(tally) = self.tallies.get_mut(&(Kind::Sealed, who.stream)) {
                    tally.name = why.to_string().into_bytes();
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
    pub(super) fn forget(&mut self, stream: u32) {
        if let Some(watch) = self.watches.remove(&stream) {
            self.slow_reader(stream, &watch);
        }
    }

    /// Returns all findings, the worst first, and how many more there were. `dropped` is what the
    /// kernel told.
    pub(super) fn finish(&mut self, dropped: u64, now: i64) -> (Vec<Finding>, u64) {
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
        let Some((count, frames, detail)) = watch.told() else {
            return;
        };
        self.tally(Kind::SlowReader, stream, 0, 0);
        if let Some(tally) = self.tallies.get_mut(&(Kind::SlowReader, stream)) {
            tally.count = count;
            tally.frames = frames.to_vec();
            tally.name = detail.into_bytes();
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
        let is_new = frame != 0 && tally.frames.last() != Some(&frame);
        if is_new && tally.frames.len() < FRAMES_MAX {
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
        Kind::Sealed => {
            let why = String::from_utf8_lossy(&tally.name);
            let records = if count == 1 { "record" } else { "records" };
            format!("{bytes} bytes in {count} {records}, {why}")
        }
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

fn places(count: u64) -> String {
    match count {
        1 => "1 place".to_owned(),
        _ => format!("{count} places"),
    }
}
