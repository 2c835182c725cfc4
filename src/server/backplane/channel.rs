//! The bytes to and from a NATS server: TCP, and TLS where it is to be spoken.

use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::sync::Arc;

use mio::net::TcpStream;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use super::Options;
use super::servers::Server;
use crate::failure::Failure;

/// A connection to a server.
#[derive(Debug)]
pub(super) struct Channel {
    stream: TcpStream,
    connecting: bool,
    ended: bool,
    tls: Option<Box<ClientConnection>>,
}

/// Returns what to speak TLS with. A server may ask for it unbidden, so there always is one.
pub(super) fn config(options: &Options) -> Result<Option<Arc<ClientConfig>>, Failure> {
    let speaks = options.servers.iter().any(|server| server.tls);
    let roots = if let Some(path) = &options.authorities {
        authorities(path)?
    } else {
        let mut roots = RootCertStore::empty();
        // Those that can't be read vouch for nobody.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots
    };
    if roots.is_empty() {
        return if speaks {
            Err(Failure::new(
                "no authority is known that could vouch for the backplane; give --backplane-ca",
            ))
        } else {
            Ok(None)
        };
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| Failure::new(format!("can't speak TLS: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Some(Arc::new(config)))
}

fn authorities(path: &Path) -> Result<RootCertStore, Failure> {
    let wrong = |error: &dyn std::fmt::Display| {
        Failure::new(format!(
            "can't use --backplane-ca {}: {error}",
            path.display()
        ))
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| wrong(&error))? {
        let certificate = certificate.map_err(|error| wrong(&error))?;
        roots.add(certificate).map_err(|error| wrong(&error))?;
    }
    if roots.is_empty() {
        return Err(wrong(&"there is no certificate in it"));
    }
    Ok(roots)
}

impl Channel {
    /// Begins to connect.
    pub(super) fn connect(server: &Server) -> io::Result<Self> {
        let stream = TcpStream::connect(server.address)?;
        Ok(Self {
            stream,
            connecting: true,
            ended: false,
            tls: None,
        })
    }

    /// Returns what the poll watches.
    pub(super) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Returns whether the server has still to accept.
    pub(super) fn is_connecting(&self) -> bool {
        self.connecting
    }

    /// Takes note that the server has closed its side, or the stream is broken.
    pub(super) fn set_ended(&mut self) {
        self.ended = true;
    }

    /// Returns whether the kernel may hold more after a read that was short. What comes later is an event of
    /// its own; but an end that came with those bytes is not, and TLS reads less than there is.
    pub(super) fn may_hold_more(&self) -> bool {
        self.ended || self.tls.is_some()
    }

    /// Returns whether it has, after an event.
    pub(super) fn has_connected(&mut self) -> io::Result<bool> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        match self.stream.peer_addr() {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(false),
            Err(error) => return Err(error),
        }
        self.stream.set_nodelay(true)?;
        self.connecting = false;
        Ok(true)
    }

    /// Goes on with the handshake; returns whether it is over.
    pub(super) fn shake_hands(
        &mut self,
        config: Option<&Arc<ClientConfig>>,
        server: &Server,
    ) -> io::Result<bool> {
        let mut tls = if let Some(tls) = self.tls.take() {
            tls
        } else {
            let config = config.ok_or_else(|| {
                io::Error::other("it wants TLS, and no authority is known; give --backplane-ca")
            })?;
            let name = server.tls_name.clone();
            let tls = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
            Box::new(tls)
        };
        let done = complete(&mut tls, &mut self.stream);
        let over = !tls.is_handshaking();
        self.tls = Some(tls);
        done.map(|()| over)
    }

    /// Reads; nothing at the end.
    pub(super) fn read(&mut self, scratch: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else {
            return self.stream.read(scratch);
        };
        loop {
            match tls.reader().read(scratch) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                result => return result,
            }
            if tls.read_tls(&mut self.stream)? == 0 {
                return Ok(0);
            }
            tls.process_new_packets().map_err(io::Error::other)?;
        }
    }

    /// Writes; returns how much was taken, nothing of nothing.
    pub(super) fn write(&mut self, out: &[u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else {
            return if out.is_empty() {
                Ok(0)
            } else {
                self.stream.write(out)
            };
        };
        while tls.wants_write() {
            tls.write_tls(&mut self.stream)?;
        }
        if out.is_empty() {
            return Ok(0);
        }
        // What is taken is kept there until the stream takes it, up to a bound of its own.
        let taken = tls.writer().write(out)?;
        while tls.wants_write() {
            match tls.write_tls(&mut self.stream) {
                Err(error) if error.kind() == ErrorKind::WouldBlock && taken > 0 => break,
                result => result?,
            };
        }
        Ok(taken)
    }
}

/// Reads and writes as long as the handshake gets on without waiting.
fn complete(tls: &mut ClientConnection, stream: &mut TcpStream) -> io::Result<()> {
    let waits = |result: io::Result<usize>| match result {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
        Ok(bytes) => Ok(Some(bytes)),
    };
    loop {
        while tls.wants_write() {
            if waits(tls.write_tls(stream))?.is_none() {
                return Ok(());
            }
        }
        if !tls.is_handshaking() {
            return Ok(());
        }
        match waits(tls.read_tls(stream))? {
            None => return Ok(()),
            Some(0) => {
                return Err(io::Error::new(
                    ErrorKind::UnexpectedEof,
                    "it ended within the handshake",
                ));
            }
            Some(_) => {
                let processed = tls.process_new_packets();
                if let Err(error) = processed {
                    // The alert, as far as it is taken.
                    waits(tls.write_tls(stream))?;
                    return Err(io::Error::other(format!("TLS: {error}")));
                }
            }
        }
    }
}
