//! Asks for the addresses of a host without waiting for the answer.

use std::io::{self, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use mio::unix::pipe::Receiver;
use mio::{Interest, Registry, Token};

use super::address::Address;

/// A question under way. Resolving a name may take long, and the system's resolver can only be
/// waited for: so a child process waits.
#[derive(Debug)]
pub(super) struct Lookup {
    child: Child,
    answer: Receiver,
    bytes: Vec<u8>,
}

impl Lookup {
    /// Asks for the addresses of `address`; `token` tells of the answer.
    ///
    /// # Errors
    /// Fails when no child can be started or watched.
    pub(super) fn start(address: &Address, registry: &Registry, token: Token) -> io::Result<Self> {
        let mut child = Command::new("/proc/self/exe")
            .args(["resolve", "--"])
            .arg(address.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut answer = Receiver::from(stdout);
        answer.set_nonblocking(true)?;
        registry.register(&mut answer, token, Interest::READABLE)?;
        Ok(Self {
            child,
            answer,
            bytes: Vec::new(),
        })
    }

    /// Returns the addresses once they are there, none if the host is unknown; `None` before.
    pub(super) fn take(&mut self) -> Option<Vec<SocketAddr>> {
        match self.answer.read_to_end(&mut self.bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Ok(_) | Err(_) => {
                let text = String::from_utf8_lossy(&self.bytes);
                Some(text.lines().filter_map(|line| line.parse().ok()).collect())
            }
        }
    }
}

impl Drop for Lookup {
    fn drop(&mut self) {
        // Both fail only when it has ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
