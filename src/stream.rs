//! What a connection reads from and writes to.

use std::io::{self, Read, Write};
use std::net::IpAddr;

/// A stream of bytes each way that never waits: it says `WouldBlock` instead. The shell implements
/// it for sockets, tests for wires in memory.
pub trait Stream: Read + Write {
    /// Tells the peer that no more comes, behind all that has been written.
    ///
    /// # Errors
    /// As the system says: the connection is broken.
    fn finish(&mut self) -> io::Result<()>;

    /// Returns whether there is input that no event will announce: what was read ahead. For a
    /// socket, a read that doesn't fill the buffer has taken all there was.
    fn has_pending(&self) -> bool {
        false
    }

    /// Returns whether output was taken that the system has not: it goes with
    /// [`flush`](Write::flush), once the stream is writable. What a socket has taken is on its way.
    fn has_unsent(&self) -> bool {
        false
    }

    /// Writes as [`write`](Write::write) does, ahead of more that is written in the next breath: what
    /// doesn't fill a packet may wait for that, and goes with it. The next write sends it, if it takes
    /// anything; else [`send_off`](Self::send_off) does.
    ///
    /// # Errors
    /// As those of a write.
    fn write_ahead(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write(bytes)
    }

    /// Sends what has been written ahead, though nothing has followed it.
    ///
    /// # Errors
    /// As the system says: the connection is broken.
    fn send_off(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Returns where the peer is, if that is known. Asked seldom: it need not be kept.
    fn address(&self) -> Option<IpAddr> {
        None
    }
}
