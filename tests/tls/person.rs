//! A person who speaks TLS by rustls' client, and servers for such.

#[path = "anybody.rs"]
mod anybody;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::common::{GREETING, PATIENCE, PROMPT, Server};

/// Returns a configuration that takes any certificate.
pub(crate) fn config() -> Arc<ClientConfig> {
    Arc::new(anybody::config())
}

/// Starts a server that speaks TLS, too, with a certificate of its own.
#[track_caller]
pub(crate) fn serve(flags: &[&str]) -> (Server, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap().to_owned();
    let tls = ["--listen", "tls://127.0.0.1:0", "--tls-dir", &path];
    let flags: Vec<&str> = tls.iter().chain(flags).copied().collect();
    (Server::start(&flags), directory)
}

/// A connection to the room, sealed.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) tls: StreamOwned<ClientConnection, TcpStream>,
    seen: Vec<u8>,
}

impl Person {
    /// Connects and does nothing else; the handshake comes with the first word.
    #[track_caller]
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).unwrap(), config())
    }

    /// Speaks TLS over `stream`.
    pub(crate) fn over(stream: TcpStream, config: Arc<ClientConfig>) -> Self {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(config, name).unwrap();
        Self {
            tls: StreamOwned::new(connection, stream),
            seen: Vec::new(),
        }
    }

    /// Connects and gives a name.
    #[track_caller]
    pub(crate) fn join(address: SocketAddr, name: &str) -> Self {
        let mut person = Self::connect(address);
        person.enter(name);
        person
    }

    /// Waits for the prompt and gives a name.
    #[track_caller]
    pub(crate) fn enter(&mut self, name: &str) {
        self.expect(PROMPT);
        self.say(name);
        self.expect(GREETING);
    }

    /// Says a line.
    #[track_caller]
    pub(crate) fn say(&mut self, line: &str) {
        self.tls.write_all(format!("{line}\n").as_bytes()).unwrap();
        self.tls.flush().unwrap();
    }

    /// Reads a line; none at the end, or an error's kind.
    pub(crate) fn line(&mut self) -> Result<Option<String>, ErrorKind> {
        loop {
            if let Some(end) = self.seen.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.seen.drain(..=end).collect();
                return Ok(Some(String::from_utf8_lossy(&line[..end]).into_owned()));
            }
            let mut buffer = [0; 4096];
            match self.tls.read(&mut buffer) {
                Ok(0) => return Ok(None),
                Ok(length) => self.seen.extend_from_slice(&buffer[..length]),
                Err(error) => return Err(error.kind()),
            }
        }
    }

    /// Waits for a line.
    #[track_caller]
    pub(crate) fn expect(&mut self, wanted: &str) {
        assert_eq!(self.line(), Ok(Some(wanted.to_owned())));
    }

    /// Says that nothing more comes, and waits for the server to say the same.
    #[track_caller]
    pub(crate) fn finish(mut self) {
        self.tls.conn.send_close_notify();
        self.tls.flush().unwrap();
        while self.line().expect("an orderly end").is_some() {}
    }
}
