//! An in-memory stream that behaves as an edge-triggered TCP socket may, at its worst.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::IpAddr;
use std::rc::Rc;

use chatroom::hub::Readiness;
use chatroom::stream::Stream;

use super::drive::HOME;
use super::frames::{Reader, Writer};
use super::random::Random;
use super::screen::Screen;

/// A window that never closes.
pub(crate) const EVERYTHING: usize = usize::MAX;

/// What both ends of one connection see.
#[expect(
    clippy::struct_excessive_bools,
    reason = "they come and go each for itself"
)]
#[derive(Debug)]
pub(crate) struct Wire {
    /// Bytes that have reached the server and are not read yet.
    pub(crate) arrived: VecDeque<u8>,
    /// The peer has closed its side, behind what has arrived.
    pub(crate) finished: bool,
    /// The connection is broken.
    pub(crate) reset: bool,
    /// What becomes of what the peer is sent.
    pub(crate) screen: Screen,
    /// How many more bytes the peer takes.
    pub(crate) window: usize,
    /// The server has said that no more comes.
    pub(crate) told_end: bool,
    /// The server has let go of the stream.
    pub(crate) dropped: bool,
    /// An event is due: something can be read.
    pub(crate) readable: bool,
    /// An event is due: something can be written.
    pub(crate) writable: bool,
    /// How the server's calls go wrong.
    pub(crate) mischief: Mischief,
    /// Where the peer is.
    pub(crate) address: IpAddr,
    /// What it sends is put into frames, so.
    pub(crate) frames: Option<Writer>,
    /// Reads and writes so far, and the bytes written.
    pub(crate) reads: usize,
    pub(crate) writes: usize,
    pub(crate) bytes: usize,
    /// The last write was cut short, so room in the window makes an event.
    blocked: bool,
    /// What was written last waits for what follows it.
    pub(crate) ahead: bool,
    /// How often that was so.
    pub(crate) writes_ahead: usize,
}

/// How the server's calls go wrong.
#[derive(Debug)]
pub(crate) enum Mischief {
    /// They don't.
    None,
    /// Now and then one is interrupted, or a write cut short.
    Chance(Random),
    /// As it is told.
    Told {
        /// Most bytes that a write moves; 0 is any number.
        step: usize,
        /// How many calls will be interrupted.
        interrupts: usize,
    },
}

impl Mischief {
    fn interrupts(&mut self) -> bool {
        match self {
            Self::None => false,
            Self::Chance(random) => random.one_in(20),
            Self::Told { interrupts, .. } => {
                let interrupted = *interrupts > 0;
                *interrupts = interrupts.saturating_sub(1);
                interrupted
            }
        }
    }

    /// Returns how much is written of `bytes` that the peer would take.
    fn cut(&mut self, bytes: usize) -> usize {
        match self {
            _ if bytes == 0 => 0,
            Self::None | Self::Told { step: 0, .. } => bytes,
            Self::Chance(random) => {
                if random.one_in(4) {
                    1 + random.below(bytes)
                } else {
                    bytes
                }
            }
            Self::Told { step, .. } => bytes.min(*step),
        }
    }
}

impl Wire {
    /// Returns the wire of a peer who takes `window` bytes for a start.
    pub(crate) fn new(window: usize, mischief: Mischief, screen: Screen) -> Self {
        Self {
            arrived: VecDeque::new(),
            finished: false,
            reset: false,
            screen,
            window,
            told_end: false,
            dropped: false,
            readable: false,
            // As from a real poll: a new socket is writable.
            writable: true,
            mischief,
            address: HOME,
            frames: None,
            reads: 0,
            writes: 0,
            bytes: 0,
            blocked: false,
            ahead: false,
            writes_ahead: 0,
        }
    }

    /// Returns the wire of a WebSocket, that takes `window` bytes for a start.
    pub(crate) fn framed(window: usize, mischief: Mischief, seed: u64) -> Self {
        let mut wire = Self::new(window, mischief, Screen::Frames(Reader::default()));
        wire.frames = Some(Writer::new(seed));
        wire
    }

    /// Lets bytes reach the server; of a WebSocket, text.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.send_frames(|frames, out| match frames {
            Some(frames) => frames.put_text(bytes, out),
            None => out.extend_from_slice(bytes),
        });
    }

    fn send_frames(&mut self, put: impl FnOnce(Option<&mut Writer>, &mut Vec<u8>)) {
        let mut out = Vec::new();
        put(self.frames.as_mut(), &mut out);
        self.arrived.extend(out);
        self.readable = true;
    }

    /// Lets the peer close its side, behind what it has sent.
    pub(crate) fn finish(&mut self) {
        self.send_frames(|frames, out| {
            if let Some(frames) = frames {
                frames.put_close(out);
            }
        });
        self.finished = true;
        self.readable = true;
    }

    /// Breaks the connection.
    pub(crate) fn reset(&mut self) {
        (self.reset, self.readable, self.writable) = (true, true, true);
    }

    /// Lets the peer take `bytes` more.
    pub(crate) fn open_window(&mut self, bytes: usize) {
        self.window = self.window.saturating_add(bytes);
        if self.blocked && self.window > 0 {
            self.blocked = false;
            self.writable = true;
        }
    }

    /// Returns what the peer has received of what it keeps.
    pub(crate) fn received(&self) -> &[u8] {
        match &self.screen {
            Screen::Keeps(bytes) => bytes,
            Screen::Frames(reader) => &reader.text,
            _ => &[],
        }
    }

    /// Returns whether nothing more happens by itself.
    pub(crate) fn is_quiet(&self) -> bool {
        self.dropped || !(self.readable || self.writable)
    }

    /// Takes the events that are due.
    pub(crate) fn take_events(&mut self) -> Option<Readiness> {
        assert!(!self.ahead, "what was written ahead waits for nothing");
        if self.is_quiet() {
            return None;
        }
        Some(Readiness {
            readable: std::mem::take(&mut self.readable),
            writable: std::mem::take(&mut self.writable),
            read_until_empty: self.finished || self.reset,
        })
    }

    /// Lets a WebSocket say that it is there, if it was asked.
    fn answer_pings(&mut self) {
        if let Screen::Frames(reader) = &mut self.screen
            && std::mem::take(&mut reader.pings) > 0
            && !self.finished
        {
            self.send_frames(|frames, out| frames.unwrap().put_pong(out));
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reads += 1;
        if self.mischief.interrupts() {
            return Err(ErrorKind::Interrupted.into());
        }
        // As Linux does: what had arrived before a reset can still be read.
        let length = buffer.len().min(self.arrived.len());
        if length > 0 {
            self.arrived.read_exact(&mut buffer[..length])?;
            return Ok(length);
        }
        match (self.reset, self.finished) {
            (true, _) => Err(ErrorKind::ConnectionReset.into()),
            (_, true) => Ok(0),
            _ => Err(ErrorKind::WouldBlock.into()),
        }
    }

    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.writes += 1;
        assert!(!self.told_end, "written to behind its end");
        if self.reset {
            return Err(ErrorKind::BrokenPipe.into());
        }
        if self.mischief.interrupts() {
            return Err(ErrorKind::Interrupted.into());
        }
        let offered: usize = slices.iter().map(|slice| slice.len()).sum();
        let taken = self.mischief.cut(offered.min(self.window));
        // A short write: exactly one event follows once there is room again.
        self.blocked |= taken < offered;
        if taken == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.ahead = false;
        self.screen.show(slices, taken);
        self.answer_pings();
        self.bytes += taken;
        if self.window != EVERYTHING {
            self.window -= taken;
        }
        self.open_window(0);
        Ok(taken)
    }
}

/// What leads to a wire.
pub(crate) trait Handle {
    /// Whether others write to the wire behind one's end.
    const SHARED: bool;

    /// Does something with the wire.
    fn with<T>(&self, f: impl FnOnce(&mut Wire) -> T) -> T;
}

/// A wire of one's own.
impl Handle for Rc<RefCell<Wire>> {
    const SHARED: bool = false;

    fn with<T>(&self, f: impl FnOnce(&mut Wire) -> T) -> T {
        f(&mut self.borrow_mut())
    }
}

thread_local! {
    static SHARED: RefCell<Wire> =
        RefCell::new(Wire::new(EVERYTHING, Mischief::None, Screen::Dark));
}

/// One wire for all, so that a stream costs nothing: it takes everything, and brings what is put
/// in for whoever reads next.
#[derive(Debug)]
pub(crate) struct Shared(
    /// It takes the place of a descriptor: the stream is as large as a socket.
    pub(crate) i32,
);

impl Handle for Shared {
    const SHARED: bool = true;

    fn with<T>(&self, f: impl FnOnce(&mut Wire) -> T) -> T {
        SHARED.with_borrow_mut(f)
    }
}

/// The server's end.
#[derive(Debug)]
pub(crate) struct End<H: Handle = Rc<RefCell<Wire>>>(pub(crate) H);

impl<H: Handle> Drop for End<H> {
    fn drop(&mut self) {
        self.0.with(|wire| wire.dropped = true);
    }
}

impl<H: Handle> Read for End<H> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.with(|wire| wire.read(buffer))
    }
}

impl<H: Handle> Write for End<H> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.with(|wire| wire.write(slices))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<H: Handle> Stream for End<H> {
    fn finish(&mut self) -> io::Result<()> {
        self.0.with(|wire| {
            if wire.reset {
                return Err(ErrorKind::NotConnected.into());
            }
            wire.told_end = !H::SHARED;
            Ok(())
        })
    }

    fn write_ahead(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.with(|wire| {
            let taken = wire.write(&[IoSlice::new(bytes)])?;
            // As Linux does: what is cut short is sent.
            wire.ahead = taken == bytes.len();
            wire.writes_ahead += usize::from(wire.ahead);
            Ok(taken)
        })
    }

    fn send_off(&mut self) -> io::Result<()> {
        self.0.with(|wire| wire.ahead = false);
        Ok(())
    }

    fn address(&self) -> Option<IpAddr> {
        Some(self.0.with(|wire| wire.address))
    }
}
