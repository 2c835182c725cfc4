//! pcapng: blocks, interfaces and their clocks.

use std::io::Read;

use pcap_parser::pcapng::{Block, InterfaceDescriptionBlock, parse_block_be, parse_block_le};
use pcap_parser::{OptionCode, PcapNGOption};

use super::reader::{CaptureError, CaptureReader, FRAME_BYTES_MAX, Format, Found};

/// Most bytes of one block.
pub const BLOCK_BYTES_MAX: u32 = 16 * 1024 * 1024;
/// Most interfaces of one section.
pub const INTERFACES_MAX: usize = 65_536;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const OBSOLETE_PACKET: u32 = 2;
const NANOSECONDS: i128 = 1_000_000_000;

#[derive(Debug)]
pub(super) struct Interface {
    link: u16,
    snaplen: u32,
    /// Ticks in a second.
    resolution: i128,
    digits: u8,
    offset_s: i64,
    pub(super) dropped: u64,
}

impl<R: Read> CaptureReader<R> {
    /// Reads one block; returns the frame in it, if it holds one.
    pub(super) fn pcapng_block(&mut self) -> Result<Option<Found>, CaptureError> {
        self.ensure(12)?;
        if self.u32_at(0, false) == SECTION_HEADER {
            let big_endian = match self.u32_at(8, false) {
                0x1a2b_3c4d => false,
                0x4d3c_2b1a => true,
                _ => return Err(self.damaged(self.u32_at(4, false))),
            };
            self.dropped = self.dropped();
            self.format = Some(Format::Pcapng {
                big_endian,
                interfaces: Vec::new(),
            });
        }
        let Some(Format::Pcapng { big_endian, .. }) = self.format else {
            return Err(self.damaged(0));
        };
        let length = self.u32_at(4, big_endian);
        if !(12..=BLOCK_BYTES_MAX).contains(&length) || !length.is_multiple_of(4) {
            return Err(self.damaged(length));
        }
        let total = length as usize;
        self.ensure(total)?;
        if self.u32_at(total - 4, big_endian) != length {
            return Err(self.damaged(length));
        }
        let found = self.block_content(total, big_endian)?;
        self.consume(total);
        Ok(found)
    }

    fn block_content(
        &mut self,
        total: usize,
        big_endian: bool,
    ) -> Result<Option<Found>, CaptureError> {
        let bytes = &self.buffer[self.start..self.start + total];
        if self.u32_at(0, big_endian) == OBSOLETE_PACKET {
            return self.obsolete_packet(total, big_endian).map(Some);
        }
        let parsed = if big_endian {
            parse_block_be(bytes)
        } else {
            parse_block_le(bytes)
        };
        let Ok((_, block)) = parsed else {
            return Err(self.damaged(self.u32_at(4, big_endian)));
        };
        match block {
            Block::EnhancedPacket(packet) => {
                let ticks = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
                let (interface, caplen, length) = (packet.if_id, packet.caplen, packet.origlen);
                self.packet(interface, Some(ticks), 28, caplen, length, total - 32)
                    .map(Some)
            }
            Block::SimplePacket(packet) => {
                let length = packet.origlen;
                let snaplen = match &self.format {
                    Some(Format::Pcapng { interfaces, .. }) => {
                        interfaces.first().map_or(0, |i| i.snaplen)
                    }
                    _ => 0,
                };
                let snaplen = if snaplen == 0 { u32::MAX } else { snaplen };
                self.packet(0, None, 12, length.min(snaplen), length, total - 16)
                    .map(Some)
            }
            Block::InterfaceDescription(block) => {
                let interface = Interface::new(&block, big_endian);
                match &mut self.format {
                    Some(Format::Pcapng { interfaces, .. })
                        if interfaces.len() < INTERFACES_MAX =>
                    {
                        interfaces.push(interface);
                        Ok(None)
                    }
                    _ => Err(self.damaged(self.u32_at(4, big_endian))),
                }
            }
            Block::InterfaceStatistics(block) => {
                let dropped = option_u64(&block.options, OptionCode::IsbIfDrop, big_endian);
                let id = block.if_id as usize;
                if let (Some(dropped), Some(Format::Pcapng { interfaces, .. })) =
                    (dropped, &mut self.format)
                    && let Some(interface) = interfaces.get_mut(id)
                {
                    interface.dropped = dropped;
                }
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    /// The packet block of the format's first draft, which `pcap-parser` doesn't know.
    fn obsolete_packet(&self, total: usize, big_endian: bool) -> Result<Found, CaptureError> {
        if total < 32 {
            return Err(self.damaged(self.u32_at(4, big_endian)));
        }
        let high_then_drops = self.u32_at(8, big_endian);
        let interface = if big_endian {
            high_then_drops >> 16
        } else {
            high_then_drops & 0xffff
        };
        let ticks =
            u64::from(self.u32_at(12, big_endian)) << 32 | u64::from(self.u32_at(16, big_endian));
        let caplen = self.u32_at(20, big_endian);
        let length = self.u32_at(24, big_endian);
        self.packet(interface, Some(ticks), 28, caplen, length, total - 32)
    }

    /// Returns the frame at `at` bytes into the block, where `room` bytes are left for it.
    fn packet(
        &self,
        interface: u32,
        ticks: Option<u64>,
        at: usize,
        caplen: u32,
        length: u32,
        room: usize,
    ) -> Result<Found, CaptureError> {
        let Some(Format::Pcapng { interfaces, .. }) = &self.format else {
            return Err(self.damaged(caplen));
        };
        let Some(interface) = interfaces.get(interface as usize) else {
            return Err(self.damaged(caplen));
        };
        if caplen > FRAME_BYTES_MAX || caplen as usize > room {
            return Err(self.damaged(caplen));
        }
        let start = self.start + at;
        Ok(Found {
            time_ns: ticks.map(|ticks| interface.nanoseconds(ticks)),
            digits: interface.digits,
            link: interface.link,
            length,
            data: start..start + caplen as usize,
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
