//! A stream seen through a buffer that grows with what must lie in it whole.
//!
//! The stream may be a pipe: a read returns what is there, and that is less than was asked for
//! without being the end.
//!
//! Invariant: `start <= end <= buffer.len()`, which a pcapng block may make 16 MiB.

use std::io::{self, Read};

use super::error::CaptureError;

/// Size of the buffer before a large block makes it grow.
const BUFFER_BYTES: usize = 256 * 1024;
/// Most bytes of one frame, as in every other tool: more means that the file is damaged.
pub(super) const FRAME_BYTES_MAX: u32 = 262_144;

/// A stream, what of it is read and not taken yet, and where that is.
#[derive(Debug)]
pub(super) struct Source<R> {
    stream: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Where `start` is in the stream.
    offset: u64,
    /// Packets taken so far.
    packets: u64,
}

impl<R: Read> Source<R> {
    pub(super) fn new(stream: R) -> Self {
        Self {
            stream,
            buffer: vec![0; BUFFER_BYTES],
            start: 0,
            end: 0,
            offset: 0,
            packets: 0,
        }
    }

    pub(super) fn stream(&self) -> &R {
        &self.stream
    }

    /// Returns the stream from what is not taken yet on.
    pub(super) fn into_stream(mut self) -> impl Read {
        self.buffer.truncate(self.end);
        self.buffer.drain(..self.start);
        io::Cursor::new(self.buffer).chain(self.stream)
    }

    /// Returns what is there and not taken yet.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Returns the number at `at`; the caller has made sure that it is there.
    pub(super) fn u32_at(&self, at: usize, big_endian: bool) -> u32 {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(&self.bytes()[at..at + 4]);
        if big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        }
    }

    /// Takes so many bytes and returns them.
    pub(super) fn take(&mut self, bytes: usize) -> &[u8] {
        let taken = self.start..self.start + bytes;
        self.start += bytes;
        self.offset += bytes as u64;
        &self.buffer[taken]
    }

    /// Counts a packet and returns its number.
    pub(super) fn next_packet(&mut self) -> u64 {
        self.packets += 1;
        self.packets
    }

    /// Returns that what starts here claims to be so long, which it can't.
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
            byte: self.offset + self.bytes().len() as u64,
        })
    }

    /// Makes `bytes` bytes available; returns whether they are.
    pub(super) fn ensure_or_end(&mut self, bytes: usize) -> Result<bool, CaptureError> {
        while self.bytes().len() < bytes {
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
            match self.stream.read(&mut self.buffer[self.end..]) {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time, now and then after an interruption.
    struct Drops(Vec<u8>, bool);

    impl Read for Drops {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let most = buffer.len().min(1);
            let read = self.0.as_slice().read(&mut buffer[..most])?;
            self.0.drain(..read);
            Ok(read)
        }
    }

    #[test]
    fn what_comes_byte_by_byte_is_waited_for() {
        let mut source = Source::new(Drops((0..100).collect(), false));
        source.ensure(60).unwrap();
        assert_eq!(source.take(50).len(), 50);
        source.ensure(50).unwrap();
        assert_eq!(source.bytes(), (50..100).collect::<Vec<u8>>());
        assert!(!source.ensure_or_end(51).unwrap());
        let error = source.ensure(51).unwrap_err().to_string();
        assert!(error.contains("packet 1 (byte 100)"), "{error}");
    }

    #[test]
    fn the_buffer_grows_with_what_must_lie_in_it() {
        let long = BUFFER_BYTES + 3;
        let mut source = Source::new(io::repeat(7).take(10 + long as u64));
        source.ensure(10).unwrap();
        source.take(10);
        source.ensure(long).unwrap();
        assert!(source.take(long).iter().all(|byte| *byte == 7));
    }
}
