//! The container: frames out of a pcap or pcapng stream, in the order they were written.
//!
//! Knows the file formats and nothing of what a frame holds. The stream may be a pipe: a frame is
//! handed out as soon as its last byte has come.
//!
//! `pcap-parser` reads records and blocks. Three things are done here instead, because its own
//! reader stands in the way of them: refilling the buffer (a short read from a pipe is not an end,
//! a block may be larger than the buffer), refusing absurd lengths before waiting for their bytes,
//! and the big-endian 64-bit options, which it reads as little-endian.

use std::io::Read;

use super::error::CaptureError;
use super::frame::Frame;
use super::pcap::Pcap;
use super::pcapng::Pcapng;
use super::record::Record;
use super::source::Source;

/// Reads frames from a stream.
#[derive(Debug)]
pub struct CaptureReader<R> {
    source: Source<R>,
    format: Option<Format>,
}

#[derive(Debug)]
enum Format {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

impl<R: Read> CaptureReader<R> {
    /// Returns a reader; nothing is read before the first frame is asked for.
    pub fn new(stream: R) -> Self {
        Self {
            source: Source::new(stream),
            format: None,
        }
    }

    /// Returns the stream that is read from.
    pub fn source(&self) -> &R {
        self.source.stream()
    }

    /// Returns the stream from what is not taken yet on: from its start, where it is no capture.
    pub fn into_stream(self) -> impl Read {
        self.source.into_stream()
    }

    /// Returns how many packets the kernel says it dropped (pcapng only).
    pub fn dropped(&self) -> u64 {
        match &self.format {
            Some(Format::Pcapng(pcapng)) => pcapng.dropped(),
            _ => 0,
        }
    }

    /// Returns the next frame, or `None` at the end.
    ///
    /// # Errors
    /// Fails when the stream is no capture, ends inside a record or claims an absurd length.
    /// What came before was good.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
        let Some(record) = self.next_record()? else {
            return Ok(None);
        };
        let number = self.source.next_packet();
        let bytes = self.source.take(record.total);
        Ok(Some(Frame {
            number,
            time_ns: record.time_ns,
            digits: record.digits,
            link: record.link,
            length: record.length,
            data: &bytes[record.data],
        }))
    }

    /// Finds the next record with a frame in it, or the end.
    fn next_record(&mut self) -> Result<Option<Record>, CaptureError> {
        let source = &mut self.source;
        let format = match &mut self.format {
            Some(format) => format,
            unknown => unknown.insert(Format::open(source)?),
        };
        while source.ensure_or_end(1)? {
            let record = match format {
                Format::Pcap(pcap) => Some(pcap.record(source)?),
                Format::Pcapng(pcapng) => pcapng.block(source)?,
            };
            if record.is_some() {
                return Ok(record);
            }
        }
        Ok(None)
    }
}

impl Format {
    /// Finds out what the stream is, by its magic.
    fn open<R: Read>(source: &mut Source<R>) -> Result<Self, CaptureError> {
        source.ensure_or_end(4)?;
        match *source.bytes() {
            [] => Err(CaptureError::Empty),
            [0x0a, 0x0d, 0x0d, 0x0a, ..] => Ok(Self::Pcapng(Pcapng::default())),
            [0xd4, 0xc3, 0xb2, 0xa1, ..]
            | [0xa1, 0xb2, 0xc3, 0xd4, ..]
            | [0x4d, 0x3c, 0xb2, 0xa1, ..]
            | [0xa1, 0xb2, 0x3c, 0x4d, ..] => Pcap::open(source).map(Self::Pcap),
            [0x1f, 0x8b, ..] => Err(CaptureError::Compressed("gzip")),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Err(CaptureError::Compressed("zstd")),
            [0xfd, b'7', b'z', b'X', ..] => Err(CaptureError::Compressed("xz")),
            ref other => {
                let magic = &other[..other.len().min(4)];
                Err(CaptureError::NotACapture(magic.to_vec()))
            }
        }
    }
}
