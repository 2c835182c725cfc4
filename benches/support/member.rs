//! One member of a crowd: its connection, sealed or not.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use mio::net::TcpStream;
use socket2::{Domain, Socket, Type};

use super::seal::Seal;

/// Source addresses, and their first port: from one address alone, finding a free port takes the
/// kernel longer than all the rest. Below the ports that it hands out itself.
const SOURCES: usize = 8;
pub(crate) const FIRST_PORT: u16 = 10_000;
pub(crate) const LAST_PORT: u16 = 32_000;

/// One of a crowd.
#[derive(Debug)]
pub(crate) struct Member {
    pub(super) stream: TcpStream,
    /// What it seals and opens with, if it speaks TLS.
    pub(super) seal: Option<Box<Seal>>,
    /// What is sealed of what is to be sent.
    pub(super) sealed: Vec<u8>,
    pub(super) unsent: Vec<u8>,
    /// Bytes of the server's welcome still to come.
    pub(super) welcome: usize,
    pub(super) heard: u64,
    pub(super) gone: bool,
}

impl Member {
    /// Sends what is to be sent, as far as the kernel takes it.
    pub(super) fn send(&mut self) {
        let unsent = match &mut self.seal {
            Some(seal) => {
                seal.seal(&self.unsent, &mut self.sealed);
                self.unsent.clear();
                &mut self.sealed
            }
            None => &mut self.unsent,
        };
        while !unsent.is_empty() {
            match self.stream.write(unsent) {
                Ok(count) => drop(unsent.drain(..count)),
                Err(_) => return,
            }
        }
    }

    pub(super) fn has_unsent(&self) -> bool {
        !self.unsent.is_empty() || !self.sealed.is_empty()
    }

    /// Reads, and returns how many bytes came, and how many of plaintext are in `scratch` then.
    pub(super) fn read(&mut self, scratch: &mut [u8]) -> std::io::Result<(usize, usize)> {
        let Some(seal) = &mut self.seal else {
            let count = self.stream.read(scratch)?;
            return Ok((count, count));
        };
        let start = seal.partial_len();
        let count = self.stream.read(&mut scratch[start..])?;
        seal.put_partial(scratch);
        let plain = seal.open(&mut scratch[..start + count]);
        Ok((count, plain))
    }
}

/// Begins a connection, without waiting for it.
pub(crate) fn connect(
    address: SocketAddr,
    number: usize,
    ports: &mut std::ops::Range<u16>,
) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("descriptors are left");
    socket.set_nonblocking(true).unwrap();
    socket.set_reuse_address(true).unwrap();
    let source = number % SOURCES;
    let mut port = ports.start;
    loop {
        let ip = Ipv4Addr::new(127, 0, 0, 2 + source as u8);
        match socket.bind(&SocketAddrV4::new(ip, port).into()) {
            Ok(()) => break,
            Err(error) if error.kind() == ErrorKind::AddrInUse && port < ports.end => port += 1,
            Err(error) => panic!("{ip}:{port}: {error}"),
        }
    }
    if source == SOURCES - 1 {
        ports.start = port + 1;
    }
    socket.set_tcp_nodelay(true).unwrap();
    // That it is under way is no error; whatever else goes wrong shows in the first write.
    drop(socket.connect(&address.into()));
    TcpStream::from_std(socket.into())
}
