//! pcap: one header, then one record a frame.

use std::io::Read;

use pcap_parser::{PcapHeader, parse_pcap_frame, parse_pcap_frame_be, parse_pcap_header};

use super::error::CaptureError;
use super::record::Record;
use super::source::{FRAME_BYTES_MAX, Source};

const HEADER_BYTES: usize = 24;
const RECORD_HEADER_BYTES: usize = 16;

/// What the header says of all records.
#[derive(Debug)]
pub(super) struct Pcap {
    big_endian: bool,
    nanoseconds: bool,
    link: u16,
}

impl Pcap {
    /// Reads the header.
    pub(super) fn open<R: Read>(source: &mut Source<R>) -> Result<Self, CaptureError> {
        source.ensure(HEADER_BYTES)?;
        let Ok((_, header)) = parse_pcap_header(source.bytes()) else {
            return Err(source.damaged(24));
        };
        let pcap = Self::from(&header);
        source.take(HEADER_BYTES);
        Ok(pcap)
    }

    /// Reads one record; there is at least a byte of it.
    pub(super) fn record<R: Read>(&self, source: &mut Source<R>) -> Result<Record, CaptureError> {
        source.ensure(RECORD_HEADER_BYTES)?;
        let caplen = source.u32_at(8, self.big_endian);
        if caplen > FRAME_BYTES_MAX {
            return Err(source.damaged(caplen));
        }
        let total = RECORD_HEADER_BYTES + caplen as usize;
        source.ensure(total)?;
        let record = &source.bytes()[..total];
        let parsed = if self.big_endian {
            parse_pcap_frame_be(record)
        } else {
            parse_pcap_frame(record)
        };
        let Ok((_, record)) = parsed else {
            return Err(source.damaged(caplen));
        };
        let unit = if self.nanoseconds { 1 } else { 1000 };
        let seconds = i64::from(record.ts_sec) * 1_000_000_000;
        Ok(Record {
            time_ns: Some(seconds + i64::from(record.ts_usec) * unit),
            digits: if self.nanoseconds { 9 } else { 6 },
            link: self.link,
            length: record.origlen,
            data: RECORD_HEADER_BYTES..total,
            total,
        })
    }
}

impl From<&PcapHeader> for Pcap {
    fn from(header: &PcapHeader) -> Self {
        // The low 16 bits are the link type; those above say how long the frame check sequence is.
        let word = header.network.0.cast_unsigned();
        Self {
            big_endian: header.is_bigendian(),
            nanoseconds: header.is_nanosecond_precision(),
            link: (word & 0xffff) as u16,
        }
    }
}
