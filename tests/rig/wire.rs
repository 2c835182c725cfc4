//! An in-memory stream that behaves as an edge-triggered TCP socket may, at its worst.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::rc::Rc;

use chatroom::stream::Stream;

use crate::random::Random;

/// What both ends of one connection see.
#[derive(Debug)]
pub struct Wire {
    /// Bytes that have reached the server and are not read yet.
    pub arrived: VecDeque<u8>,
    /// The peer has closed its side, behind what has arrived.
    pub finished: bool,
    /// The connection is broken.
    pub reset: bool,
    /// What the peer has received.
    pub received: Vec<u8>,
    /// How many more bytes the peer takes.
    pub window: usize,
    /// The server has said that no more comes.
    pub told_end: bool,
    /// The server has let go of the stream.
    pub dropped: bool,
    /// An event is due: something can be read.
    pub readable: bool,
    /// An event is due: something can be written.
    pub writable: bool,
    /// The last write was cut short, so room in the window makes an event.
    pub blocked: bool,
    /// Calls to the stream so far.
    pub calls: u64,
    random: Random,
}

impl Wire {
    pub fn new(window: usize, random: Random) -> Rc<RefCell<Self>> {
        Rc::new(RefCell::new(Self {
            arrived: VecDeque::new(),
            finished: false,
            reset: false,
            received: Vec::new(),
            window,
            told_end: false,
            dropped: false,
            readable: false,
            // As from a real poll: a new socket is writable.
            writable: true,
            blocked: false,
            calls: 0,
            random,
        }))
    }

    /// Lets the peer take `bytes` more.
    pub fn open_window(&mut self, bytes: usize) {
        self.window = self.window.saturating_add(bytes);
        if self.blocked && self.window > 0 {
            self.blocked = false;
            self.writable = true;
        }
    }
}

/// The server's end.
#[derive(Debug)]
pub struct SimStream(pub Rc<RefCell<Wire>>);

impl Drop for SimStream {
    fn drop(&mut self) {
        self.0.borrow_mut().dropped = true;
    }
}

impl Read for SimStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut wire = self.0.borrow_mut();
        wire.calls += 1;
        if wire.random.one_in(20) {
            return Err(ErrorKind::Interrupted.into());
        }
        // As Linux does: what had arrived before a reset can still be read.
        let length = buffer.len().min(wire.arrived.len());
        if length > 0 {
            wire.arrived.read_exact(&mut buffer[..length])?;
            return Ok(length);
        }
        match (wire.reset, wire.finished) {
            (true, _) => Err(ErrorKind::ConnectionReset.into()),
            (_, true) => Ok(0),
            _ => Err(ErrorKind::WouldBlock.into()),
        }
    }
}

impl Stream for SimStream {
    fn finish(&mut self) -> io::Result<()> {
        let mut wire = self.0.borrow_mut();
        wire.calls += 1;
        if wire.reset {
            return Err(ErrorKind::NotConnected.into());
        }
        wire.told_end = true;
        Ok(())
    }
}

impl Write for SimStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut wire = self.0.borrow_mut();
        wire.calls += 1;
        if wire.reset {
            return Err(ErrorKind::BrokenPipe.into());
        }
        if wire.random.one_in(20) {
            return Err(ErrorKind::Interrupted.into());
        }
        let offered: usize = slices.iter().map(|slice| slice.len()).sum();
        let mut taken = offered.min(wire.window);
        assert!(!wire.told_end, "written to behind its end");
        if taken > 0 && wire.random.one_in(4) {
            taken = 1 + wire.random.below(taken);
        }
        if taken < offered {
            // A short write: exactly one event follows once there is room again.
            wire.blocked = true;
        }
        if taken == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        let all: Vec<u8> = slices
            .iter()
            .flat_map(|slice| slice.iter().copied())
            .collect();
        wire.received.extend_from_slice(&all[..taken]);
        if wire.window != usize::MAX {
            wire.window -= taken;
        }
        if wire.blocked && wire.window > 0 {
            wire.blocked = false;
            wire.writable = true;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
