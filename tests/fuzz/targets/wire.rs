//! An in-memory stream that does what the event script says, at its worst.

use std::cell::RefCell;
use std::collections::{HashSet, VecDeque};
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::rc::Rc;

use chatroom::stream::Stream;

use super::assert_safe;

/// What both ends of one connection see.
#[expect(
    clippy::struct_excessive_bools,
    reason = "they come and go each for itself"
)]
#[derive(Debug, Default)]
pub(crate) struct Wire {
    /// Bytes that have reached the server and are not read yet.
    pub(crate) arrived: VecDeque<u8>,
    /// The peer has closed its side, behind what has arrived.
    pub(crate) finished: bool,
    /// The connection is broken.
    pub(crate) reset: bool,
    /// How many more bytes the peer takes.
    pub(crate) window: usize,
    /// Most bytes that one call moves; 0 is any number.
    pub(crate) step: usize,
    /// How many calls will be interrupted.
    pub(crate) interrupts: usize,
    /// An event is due: something can be read.
    pub(crate) readable: bool,
    /// An event is due: something can be written.
    pub(crate) writable: bool,
    /// The server has let go of the stream.
    pub(crate) dropped: bool,
    told_end: bool,
    blocked: bool,
    screen: Screen,
}

impl Wire {
    /// Returns the wire of a peer who takes `window` bytes for a start.
    pub(crate) fn new(window: usize) -> Rc<RefCell<Self>> {
        Rc::new(RefCell::new(Self {
            window,
            writable: true,
            ..Self::default()
        }))
    }

    /// Lets the peer take `bytes` more.
    pub(crate) fn open_window(&mut self, bytes: usize) {
        self.window = self.window.saturating_add(bytes);
        if self.blocked && self.window > 0 {
            self.blocked = false;
            self.writable = true;
        }
    }

    /// Tells whether nothing more happens by itself.
    pub(crate) fn is_quiet(&self) -> bool {
        self.dropped || !(self.readable || self.writable)
    }

    fn interrupted(&mut self) -> bool {
        let interrupted = self.interrupts > 0;
        self.interrupts = self.interrupts.saturating_sub(1);
        interrupted
    }

    fn stepped(&self, bytes: usize) -> usize {
        if self.step == 0 {
            bytes
        } else {
            bytes.min(self.step)
        }
    }
}

/// What the peer sees: looked at as it comes, so that nothing is kept of it.
#[derive(Debug, Default)]
struct Screen {
    line: Vec<u8>,
    /// The telnet refusals it has received, each at most once.
    refusals: HashSet<[u8; 3]>,
    telnet: Vec<u8>,
}

impl Screen {
    fn show(&mut self, byte: u8) {
        if byte == 255 || !self.telnet.is_empty() {
            self.telnet.push(byte);
            if let [_, verb, option] = *self.telnet {
                assert!(matches!(verb, 252 | 254), "telnet's {verb}");
                assert!(self.refusals.insert([255, verb, option]), "answered twice");
                self.telnet.clear();
            }
        } else if byte == b'\n' {
            let line = std::mem::take(&mut self.line);
            assert_safe(std::str::from_utf8(&line).expect("whole lines are UTF-8"));
        } else {
            self.line.push(byte);
            assert!(self.line.len() < 8192, "a line without end");
        }
    }
}

/// The server's end.
#[derive(Debug)]
pub(crate) struct End(pub(crate) Rc<RefCell<Wire>>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.borrow_mut().dropped = true;
    }
}

impl Read for End {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut wire = self.0.borrow_mut();
        if wire.interrupted() {
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

impl Write for End {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut wire = self.0.borrow_mut();
        assert!(!wire.told_end, "written behind its end");
        if wire.reset {
            return Err(ErrorKind::BrokenPipe.into());
        }
        if wire.interrupted() {
            return Err(ErrorKind::Interrupted.into());
        }
        let offered: usize = slices.iter().map(|slice| slice.len()).sum();
        let taken = wire.stepped(offered).min(wire.window);
        // A short write: exactly one event follows once there is room again.
        wire.blocked |= taken < offered;
        if taken == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        for &byte in slices.iter().flat_map(|slice| slice.iter()).take(taken) {
            wire.screen.show(byte);
        }
        wire.window -= taken;
        wire.open_window(0);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for End {
    fn finish(&mut self) -> io::Result<()> {
        let mut wire = self.0.borrow_mut();
        if wire.reset {
            return Err(ErrorKind::NotConnected.into());
        }
        wire.told_end = true;
        Ok(())
    }
}
