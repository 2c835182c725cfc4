//! The packet list: one line a packet, as Wireshark writes it.

use std::fmt::Write as _;

use super::info::{Info, protocol};
use super::seen::Seen;
use super::sink::Sink;
use super::text::{Address, written};
use crate::trace::options::Options;

/// Writes the packet list.
#[derive(Debug)]
pub(super) struct PacketList {
    plain: bool,
}

impl PacketList {
    /// Returns what these options ask for.
    #[must_use]
    pub(super) fn new(options: &Options) -> Self {
        Self {
            plain: options.plain,
        }
    }
}

impl Sink for PacketList {
    fn packet(&mut self, seen: &Seen<'_>, out: &mut String) {
        let Ok(found) = &seen.found else {
            return;
        };
        let (frame, packet) = (seen.frame, found.packet);
        let chat = found.note.is_some_and(|note| note.ends_unit) && !self.plain;
        let time = match frame.time_ns {
            Some(_) => seen.clock.write(seen.at.time),
            None => "-".to_owned(),
        };
        written(writeln!(
            out,
            "{:>5} {time:>11} {} {} {} {} {}",
            frame.number,
            Address(packet.src),
            Address(packet.dst),
            if chat { "CHAT" } else { protocol(packet) },
            frame.length,
            Info(packet, found.segment)
        ));
    }
}
