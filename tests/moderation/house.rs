//! A room with a folder of its own, and an operator who has a key.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;

use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

use crate::common::{GREETING, PROMPT, Peer, Server, chatroom};

/// A folder with the files of a room in which `chief` is an operator.
pub(crate) struct House {
    folder: TempDir,
    /// What the operator answers the prompt with.
    pub(crate) chief: String,
}

impl House {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = chatroom()
            .args(["generate", "key", "chief", "--operator"])
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let told = String::from_utf8(made.stderr).unwrap();
        let chief = told
            .lines()
            .find_map(|line| {
                line.strip_prefix("The answer to the question for a name is from then on: ")
            })
            .expect("the key is told")
            .to_owned();
        let house = Self { folder, chief };
        fs::write(house.path("state"), made.stdout).unwrap();
        house
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Starts the server with state and record, and `flags`.
    pub(crate) fn start(&self, flags: &[&str]) -> Server {
        let (state, record) = (self.path("state"), self.path("record"));
        let files = [
            "--state",
            state.to_str().unwrap(),
            "--record",
            record.to_str().unwrap(),
        ];
        Server::start(&[&files, flags].concat())
    }

    /// Lets the operator in.
    pub(crate) fn chief(&self, server: &Server) -> Peer {
        let mut chief = server.connect();
        chief.expect(PROMPT);
        chief.enter(&self.chief);
        chief
    }
}

/// Connects from 127.0.0.`host`.
pub(crate) fn connect_from(host: u8, to: SocketAddr) -> Peer {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let from = IpAddr::V4(Ipv4Addr::new(127, 0, 0, host));
    socket.bind(&SocketAddr::from((from, 0)).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    Peer::from(TcpStream::from(socket))
}

/// Joins from 127.0.0.`host`.
pub(crate) fn join_from(host: u8, to: SocketAddr, name: &str) -> Peer {
    let mut peer = connect_from(host, to);
    peer.expect(PROMPT);
    peer.say(name);
    peer.expect(GREETING);
    peer
}

/// Lets somebody keep its name, and returns what it answers the prompt with from then on.
pub(crate) fn keep(peer: &mut Peer) -> String {
    peer.say("/keep");
    peer.expect_notice("Your name is kept for you.");
    let answer = peer.expect_notice("Your answer to the question for a name");
    answer.rsplit_once(": ").unwrap().1.to_owned()
}
