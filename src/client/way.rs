//! The way to and from the server: a socket, sealed or not.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;

use mio::net::TcpStream;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

/// Most bytes that wait to be sealed while hands are being shaken.
const WAITING_BYTES_MAX: usize = 16 * 1024;

/// How TLS is spoken with the server.
#[derive(Debug, Clone)]
pub(super) struct Tls {
    pub(super) config: Arc<ClientConfig>,
    pub(super) name: ServerName<'static>,
}

impl Tls {
    /// Returns a connection on which nothing was said yet.
    ///
    /// # Errors
    /// Fails when TLS can't be spoken so.
    pub(super) fn client(&self) -> io::Result<Box<ClientConnection>> {
        let client = ClientConnection::new(Arc::clone(&self.config), self.name.clone());
        let mut client = client.map_err(io::Error::other)?;
        client.set_buffer_limit(Some(WAITING_BYTES_MAX));
        Ok(Box::new(client))
    }
}

/// A socket, sealed or not. Like the socket, it never waits.
#[derive(Debug)]
pub(super) struct Way {
    socket: TcpStream,
    tls: Option<Box<ClientConnection>>,
    /// No more is to go, once all that was taken is sent.
    ends: bool,
}

impl Way {
    /// Returns the way through `socket`, which need not be connected yet.
    ///
    /// # Errors
    /// Fails when TLS can't be spoken so.
    pub(super) fn new(socket: TcpStream, tls: Option<&Tls>) -> io::Result<Self> {
        let tls = tls.map(Tls::client).transpose()?;
        Ok(Self::going_on(socket, tls))
    }

    /// Returns the way on through `socket`, on which hands have been shaken.
    pub(super) fn going_on(socket: TcpStream, tls: Option<Box<ClientConnection>>) -> Self {
        Self {
            socket,
            tls,
            ends: false,
        }
    }

    /// Returns the socket.
    pub(super) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Returns the socket, to be registered.
    pub(super) fn source(&mut self) -> &mut TcpStream {
        &mut self.socket
    }

    /// Tells the server that no more comes, behind what was taken.
    ///
    /// # Errors
    /// As the socket says: the connection is gone.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        if let Some(connection) = &mut self.tls
            && !self.ends
        {
            connection.send_close_notify();
        }
        self.ends = true;
        match self.flush() {
            // An event says when it goes on.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            result => result,
        }
    }

    /// Sends what is sealed; returns whether that is all.
    fn push(&mut self) -> io::Result<bool> {
        while let Some(connection) = self.tls.as_mut().filter(|tls| tls.wants_write()) {
            match connection.write_tls(&mut self.socket) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
        }
        Ok(true)
    }
}

impl Read for Way {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(connection) = &mut self.tls else {
                return self.socket.read(buffer);
            };
            match connection.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
            // Hands are shaken by reading, too.
            self.push()?;
            if let Some(connection) = &mut self.tls {
                connection.read_tls(&mut self.socket)?;
                let processed = connection.process_new_packets();
                // An alert is sent: the server's log says why, then.
                self.push()?;
                processed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            }
        }
    }
}

impl Write for Way {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let all = self.push()?;
        let Some(connection) = self.tls.as_mut().filter(|_| all) else {
            return if all {
                self.socket.write(bytes)
            } else {
                Err(io::ErrorKind::WouldBlock.into())
            };
        };
        let taken = connection.writer().write(bytes)?;
        self.push()?;
        if taken == 0 {
            // Much waits for the hands to be shaken, which makes an event.
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.push()? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if self.ends {
            self.socket.shutdown(Shutdown::Write)?;
        }
        Ok(())
    }
}
