//! pcapng: blocks, interfaces and their clocks.

use std::io::Read;

use pcap_parser::pcapng::{Block, InterfaceDescriptionBlock, parse_block_be, parse_block_le};
use pcap_parser::{OptionCode, PcapNGOption};

use super::error::CaptureError;
use super::record::Record;
use super::source::{FRAME_BYTES_MAX, Source};

/// Most bytes of one block.
const BLOCK_BYTES_MAX: u32 = 16 * 1024 * 1024;
/// Most interfaces of one section.
const INTERFACES_MAX: usize = 65_536;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const OBSOLETE_PACKET: u32 = 2;
const NANOSECONDS: i128 = 1_000_000_000;

/// What the section so far says of its blocks.
#[derive(Debug, Default)]
pub(super) struct Pcapng {
    big_endian: bool,
    interfaces: Vec<Interface>,
    /// What was dropped in the sections before.
    dropped_before: u64,
}

#[derive(Debug)]
struct Interface {
    link: u16,
    snaplen: u32,
    /// Ticks in a second.
    resolution: i128,
    digits: u8,
    offset_s: i64,
    dropped: u64,
}

/// What is in a block.
enum Content {
    Packet(Told),
    Other,
}

/// A packet as its block tells of it.
struct Told {
    interface: u32,
    ticks: Option<u64>,
    /// Where its bytes are in the block, and how many there may be.
    at: usize,
    room: usize,
    caplen: u32,
    length: u32,
}

impl Pcapng {
    /// Returns how many packets the kernel says it dropped.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped_before + self.interfaces.iter().map(|i| i.dropped).sum::<u64>()
    }

    /// Reads one block, of which there is at least a byte; returns the frame in it, if it holds one,
    /// and takes it if it doesn't.
    pub(super) fn block<R: Read>(
        &mut self,
        source: &mut Source<R>,
    ) -> Result<Option<Record>, CaptureError> {
        source.ensure(12)?;
        if source.u32_at(0, false) == SECTION_HEADER {
            let big_endian = match source.u32_at(8, false) {
                0x1a2b_3c4d => false,
                0x4d3c_2b1a => true,
                _ => return Err(source.damaged(source.u32_at(4, false))),
            };
            *self = Self {
                big_endian,
                interfaces: Vec::new(),
                dropped_before: self.dropped(),
            };
        }
        let length = source.u32_at(4, self.big_endian);
        if !(12..=BLOCK_BYTES_MAX).contains(&length) || !length.is_multiple_of(4) {
            return Err(source.damaged(length));
        }
        let total = length as usize;
        source.ensure(total)?;
        if source.u32_at(total - 4, self.big_endian) != length {
            return Err(source.damaged(length));
        }
        let Some(content) = self.content(source, total) else {
            return Err(source.damaged(length));
        };
        let Content::Packet(packet) = content else {
            source.take(total);
            return Ok(None);
        };
        match self.record(&packet, total) {
            Some(record) => Ok(Some(record)),
            None => Err(source.damaged(packet.caplen)),
        }
    }

    /// Reads what is in a block, unless that can't be read.
    fn content<R: Read>(&mut self, source: &Source<R>, total: usize) -> Option<Content> {
        if source.u32_at(0, self.big_endian) == OBSOLETE_PACKET {
            return self.obsolete_packet(source, total).map(Content::Packet);
        }
        let bytes = &source.bytes()[..total];
        let parsed = if self.big_endian {
            parse_block_be(bytes)
        } else {
            parse_block_le(bytes)
        };
        let (_, block) = parsed.ok()?;
        match block {
            Block::EnhancedPacket(packet) => Some(Content::Packet(Told {
                interface: packet.if_id,
                ticks: Some(u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low)),
                at: 28,
                room: total - 32,
                caplen: packet.caplen,
                length: packet.origlen,
            })),
            Block::SimplePacket(packet) => {
                Some(Content::Packet(self.simple_packet(packet.origlen, total)))
            }
            Block::InterfaceDescription(block) => {
                if self.interfaces.len() >= INTERFACES_MAX {
                    return None;
                }
                let interface = Interface::new(&block, self.big_endian);
                self.interfaces.push(interface);
                Some(Content::Other)
            }
            Block::InterfaceStatistics(block) => {
                let dropped = option_u64(&block.options, OptionCode::IsbIfDrop, self.big_endian);
                if let Some(dropped) = dropped
                    && let Some(interface) = self.interfaces.get_mut(block.if_id as usize)
                {
                    interface.dropped = dropped;
                }
                Some(Content::Other)
            }
            _ => Some(Content::Other),
        }
    }

    /// The packet block without a time, all of whose frame was captured but for the snap length.
    fn simple_packet(&self, length: u32, total: usize) -> Told {
        let snaplen = self.interfaces.first().map_or(0, |i| i.snaplen);
        let snaplen = if snaplen == 0 { u32::MAX } else { snaplen };
        Told {
            interface: 0,
            ticks: None,
            at: 12,
            room: total - 16,
            caplen: length.min(snaplen),
            length,
        }
    }

    /// The packet block of the format's first draft, which `pcap-parser` doesn't know.
    fn obsolete_packet<R: Read>(&self, source: &Source<R>, total: usize) -> Option<Told> {
        let word = |at| source.u32_at(at, self.big_endian);
        if total < 32 {
            return None;
        }
        let high_then_drops = word(8);
        Some(Told {
            interface: if self.big_endian {
                high_then_drops >> 16
            } else {
                high_then_drops & 0xffff
            },
            ticks: Some(u64::from(word(12)) << 32 | u64::from(word(16))),
            at: 28,
            room: total - 32,
            caplen: word(20),
            length: word(24),
        })
    }

    /// Returns where the packet lies, unless its block contradicts itself.
    fn record(&self, packet: &Told, total: usize) -> Option<Record> {
        let interface = self.interfaces.get(packet.interface as usize)?;
        let caplen = packet.caplen as usize;
        if packet.caplen > FRAME_BYTES_MAX || caplen > packet.room {
            return None;
        }
        Some(Record {
            time_ns: packet.ticks.map(|ticks| interface.nanoseconds(ticks)),
            digits: interface.digits,
            link: interface.link,
            length: packet.length,
            data: packet.at..packet.at + caplen,
            total,
        })
    }
}

impl Interface {
    fn new(block: &InterfaceDescriptionBlock<'_>, big_endian: bool) -> Self {
        let offset = option_u64(&block.options, OptionCode::IfTsoffset, big_endian);
        Self {
            link: u16::try_from(block.linktype.0).unwrap_or(u16::MAX),
            snaplen: block.snaplen,
            resolution: resolution(block.if_tsresol),
            digits: digits(block.if_tsresol),
            offset_s: offset.map_or(0, u64::cast_signed),
            dropped: 0,
        }
    }

    fn nanoseconds(&self, ticks: u64) -> i64 {
        let time = i128::from(ticks) * NANOSECONDS / self.resolution
            + i128::from(self.offset_s) * NANOSECONDS;
        // A clock that runs past the year 2262 is damaged; it must not wrap.
        i64::try_from(time).unwrap_or(if time < 0 { i64::MIN } else { i64::MAX })
    }
}

fn option_u64(options: &[PcapNGOption<'_>], code: OptionCode, big_endian: bool) -> Option<u64> {
    let option = options.iter().find(|option| option.code == code)?;
    let bytes: [u8; 8] = option.as_bytes().ok()?.try_into().ok()?;
    Some(if big_endian {
        u64::from_be_bytes(bytes)
    } else {
        u64::from_le_bytes(bytes)
    })
}

/// Returns the ticks in a second; what no clock can have counts as the default, microseconds.
fn resolution(tsresol: u8) -> i128 {
    let exponent = u32::from(tsresol & 0x7f);
    if tsresol & 0x80 != 0 {
        1_i128.checked_shl(exponent.min(63)).unwrap_or(1)
    } else {
        10_i128.checked_pow(exponent.min(18)).unwrap_or(1)
    }
}

/// Returns how many digits of a second such ticks are printed with: 0, 1, 2, 3, 6 or 9.
fn digits(tsresol: u8) -> u8 {
    let exponent = u32::from(tsresol & 0x7f);
    let decimals = if tsresol & 0x80 != 0 {
        // log10(2), in hundred-thousandths
        exponent * 30_103 / 100_000
    } else {
        exponent
    };
    match decimals {
        0 => 0,
        1 => 1,
        2 => 2,
        3..=5 => 3,
        6..=8 => 6,
        _ => 9,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_decimal_or_binary_parts_of_a_second() {
        for (tsresol, ticks, shown) in [
            (6, 1_000_000, 6),
            (9, 1_000_000_000, 9),
            (0, 1, 0),
            (0x8a, 1024, 3),
            (0x94, 1 << 20, 6),
            (0xff, 1 << 63, 9),
        ] {
            assert_eq!(resolution(tsresol), ticks, "{tsresol:#x}");
            assert_eq!(digits(tsresol), shown, "{tsresol:#x}");
        }
    }
}
