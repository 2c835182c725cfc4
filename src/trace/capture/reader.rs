//! The container: frames out of a pcap or pcapng stream, in the order they were written.
//!
//! Knows the file formats and nothing of what a frame holds. The stream may be a pipe: a read
//! returns what is there, and a frame is handed out as soon as its last byte has come.
//!
//! `pcap-parser` reads records and blocks. Three things are done here instead, because its own
//! reader stands in the way of them: refilling the buffer (a short read from a pipe is not an end,
//! a block may be larger than the buffer), refusing absurd lengths before waiting for their bytes,
//! and the big-endian 64-bit options, which it reads as little-endian.
//!
//! Invariant: `start <= end <= buffer.len()`, which a pcapng block may make 16 MiB.

use std::fmt;
use std::io::{self, Read};
use std::ops::Range;

use pcap_parser::{PcapHeader, parse_pcap_frame, parse_pcap_frame_be, parse_pcap_header};

use super::pcapng::Interface;

/// Size of the read buffer before a large block makes it grow.
pub const BUFFER_BYTES: usize = 256 * 1024;
/// Most bytes of one frame, as in every other tool: more means that the file is damaged.
pub const FRAME_BYTES_MAX: u32 = 262_144;

/// One captured frame.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Position in the file, from 1.
    pub number: u64,
    /// Nanoseconds since 1970, where the format says.
    pub time_ns: Option<i64>,
    /// How many digits of a second the file's clock has.
    pub digits: u8,
    /// Link type number (LINKTYPE_...).
    pub link: u16,
    /// Length on the wire; `data` may be shorter.
    pub length: u32,
    /// The bytes that were captured.
    pub data: &'a [u8],
}

/// Why a capture can't be read, or not further.
#[derive(Debug)]
pub enum CaptureError {
    /// Reading failed.
    Io(io::Error),
    /// There is not one byte.
    Empty,
    /// The first bytes are no capture's.
    NotACapture(Vec<u8>),
    /// The first bytes are those of a compressed file; the program that unpacks it.
    Compressed(&'static str),
    /// The stream ended inside something.
    Cut {
        /// The packet that would have come next.
        packet: u64,
        /// How long the stream was.
        byte: u64,
    },
    /// A length that can't be.
    Damaged {
        /// The packet that would have come next.
        packet: u64,
        /// Where the record starts.
        byte: u64,
        /// The length it claims.
        claims: u64,
    },
}

impl fmt::Display for CaptureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The number in brackets is for programmers; the words are for people.
            Self::Io(error) => {
                let text = error.to_string();
                f.write_str(text.split(" (os error").next().unwrap_or(&text))
            }
            Self::Empty => f.write_str("no capture data"),
            Self::NotACapture(magic) => {
                f.write_str("not a pcap or pcapng capture (magic ")?;
                magic.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                f.write_str(")")
            }
            Self::Compressed(tool) => {
                write!(f, "compressed; use: {tool} -dc FILE | chatroom trace -")
            }
            Self::Cut { packet, byte } => write!(
                f,
                "capture ends in the middle of packet {packet} (byte {byte}); {} packets used",
                packet - 1
            ),
            Self::Damaged {
                packet,
                byte,
                claims,
            } => write!(
                f,
                "packet {packet} at byte {byte} claims {claims} bytes: damaged capture"
            ),
        }
    }
}

/// Reads frames from a stream.
#[derive(Debug)]
pub struct CaptureReader<R> {
    source: R,
    pub(super) buffer: Vec<u8>,
    pub(super) start: usize,
    end: usize,
    /// Where `start` is in the stream.
    offset: u64,
    packets: u64,
    pub(super) format: Option<Format>,
    pub(super) dropped: u64,
}

#[derive(Debug)]
pub(super) enum Format {
    Pcap {
        big_endian: bool,
        nanoseconds: bool,
        link: u16,
    },
    Pcapng {
        big_endian: bool,
        interfaces: Vec<Interface>,
    },
}

/// A frame whose bytes lie in the buffer.
pub(super) struct Found {
    pub(super) time_ns: Option<i64>,
    pub(super) digits: u8,
    pub(super) link: u16,
    pub(super) length: u32,
    pub(super) data: Range<usize>,
}

impl<R: Read> CaptureReader<R> {
    /// Returns a reader; nothing is read before the first frame is asked for.
    pub fn new(source: R) -> Self {
        Self {
            source,
            buffer: vec![0; BUFFER_BYTES],
            start: 0,
            end: 0,
            offset: 0,
            packets: 0,
            format: None,
            dropped: 0,
        }
    }

    /// Returns the stream that is read from.
    pub fn source(&self) -> &R {
        &self.source
    }

    /// Returns how many packets the kernel says it dropped (pcapng only).
    pub fn dropped(&self) -> u64 {
        match &self.format {
            Some(Format::Pcapng { interfaces, .. }) => {
                self.dropped + interfaces.iter().map(|i| i.dropped).sum::<u64>()
            }
            _ => self.dropped,
        }
    }

    /// Returns the next frame, or `None` at the end.
    ///
    /// # Errors
    /// Fails when the stream is no capture, ends inside a record or claims an absurd length.
    /// What came before was good.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
        if self.format.is_none() {
            self.open()?;
        }
        loop {
            if !self.ensure_or_end(1)? {
                return Ok(None);
            }
            let found = match self.format {
                Some(Format::Pcap { .. }) => Some(self.pcap_record()?),
                _ => self.pcapng_block()?,
            };
            if let Some(found) = found {
                self.packets += 1;
                return Ok(Some(Frame {
                    number: self.packets,
                    time_ns: found.time_ns,
                    digits: found.digits,
                    link: found.link,
                    length: found.length,
                    data: &self.buffer[found.data],
                }));
            }
        }
    }

    /// Finds out what the stream is, by its magic.
    fn open(&mut self) -> Result<(), CaptureError> {
        while self.available() < 4 && self.read_more()? {}
        let magic = &self.buffer[self.start..self.end.min(self.start + 4)];
        match magic {
            [] => return Err(CaptureError::Empty),
            [0x0a, 0x0d, 0x0d, 0x0a] => {
                self.format = Some(Format::Pcapng {
                    big_endian: false,
                    interfaces: Vec::new(),
                });
                return Ok(());
            }
            [0xd4, 0xc3, 0xb2, 0xa1]
            | [0xa1, 0xb2, 0xc3, 0xd4]
            | [0x4d, 0x3c, 0xb2, 0xa1]
            | [0xa1, 0xb2, 0x3c, 0x4d] => {}
            [0x1f, 0x8b, ..] => return Err(CaptureError::Compressed("gzip")),
            [0x28, 0xb5, 0x2f, 0xfd] => return Err(CaptureError::Compressed("zstd")),
            [0xfd, b'7', b'z', b'X'] => return Err(CaptureError::Compressed("xz")),
            other => return Err(CaptureError::NotACapture(other.to_vec())),
        }
        self.ensure(24)?;
        let Ok((_, header)) = parse_pcap_header(&self.buffer[self.start..self.end]) else {
            return Err(self.damaged(24));
        };
        self.format = Some(pcap_format(&header));
        self.consume(24);
        Ok(())
    }

    fn pcap_record(&mut self) -> Result<Found, CaptureError> {
        let Some(Format::Pcap {
            big_endian,
            nanoseconds,
            link,
        }) = self.format
        else {
            return Err(self.damaged(0));
        };
        self.ensure(16)?;
        let caplen = self.u32_at(8, big_endian);
        if caplen > FRAME_BYTES_MAX {
            return Err(self.damaged(caplen));
        }
        let total = 16 + caplen as usize;
        self.ensure(total)?;
        let record = &self.buffer[self.start..self.start + total];
        let parsed = if big_endian {
            parse_pcap_frame_be(record)
        } else {
            parse_pcap_frame(record)
        };
        let Ok((_, record)) = parsed else {
            return Err(self.damaged(caplen));
        };
        let unit = if nanoseconds { 1 } else { 1000 };
        let found = Found {
            time_ns: Some(
                i64::from(record.ts_sec) * 1_000_000_000 + i64::from(record.ts_usec) * unit,
            ),
            digits: if nanoseconds { 9 } else { 6 },
            link,
            length: record.origlen,
            data: self.start + 16..self.start + total,
        };
        self.consume(total);
        Ok(found)
    }

    fn available(&self) -> usize {
        self.end - self.start
    }

    pub(super) fn consume(&mut self, bytes: usize) {
        self.start += bytes;
        self.offset += bytes as u64;
    }

    /// Returns the number at `at` bytes from the start; the caller has made sure that it is there.
    pub(super) fn u32_at(&self, at: usize, big_endian: bool) -> u32 {
        let at = self.start + at;
        let mut bytes = [0; 4];
        bytes.copy_from_slice(&self.buffer[at..at + 4]);
        if big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        }
    }

    pub(super) fn damaged(&self, claims: u32) -> CaptureError {
        CaptureError::Damaged {
            packet: self.packets + 1,
            byte: self.offset,
            claims: u64::from(claims),
        }
    }

    /// Makes `bytes` bytes available, or says that the stream ended inside them.
    pub(super) fn ensure(&mut self, bytes: usize) -> Result<(), CaptureError> {
        if self.ensure_or_end(bytes)? {
            return Ok(());
        }
        Err(CaptureError::Cut {
            packet: self.packets + 1,
            byte: self.offset + self.available() as u64,
        })
    }

    /// Makes `bytes` bytes available; returns whether they are.
    fn ensure_or_end(&mut self, bytes: usize) -> Result<bool, CaptureError> {
        while self.available() < bytes {
            if self.start + bytes > self.buffer.len() {
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
                if bytes > self.buffer.len() {
                    self.buffer.resize(bytes, 0);
                }
            }
            if !self.read_more()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads once; returns whether anything came.
    fn read_more(&mut self) -> Result<bool, CaptureError> {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
        loop {
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(read) => {
                    self.end += read;
                    return Ok(read > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(CaptureError::Io(error)),
            }
        }
    }
}

/// The low 16 bits are the link type; those above say how long the frame check sequence is.
fn pcap_format(header: &PcapHeader) -> Format {
    let word = header.network.0.cast_unsigned();
    Format::Pcap {
        big_endian: header.is_bigendian(),
        nanoseconds: header.is_nanosecond_precision(),
        link: (word & 0xffff) as u16,
    }
}
