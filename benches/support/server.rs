//! Servers to measure, each a child process on the servers' core.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::machine::{self, on_server_core};
use super::{Wire, floor};

/// How long a server may take to listen.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server in a child process, killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// What it speaks.
    pub(crate) wire: Wire,
    /// It speaks it over TLS.
    pub(crate) sealed: bool,
}

impl Server {
    /// Starts the room, on its default flags but for the log and the pace of members.
    pub(crate) fn room() -> Self {
        Self::room_that_speaks(Wire::Room)
    }

    /// Starts a node of the room that the NATS servers at `backplane` keep.
    pub(crate) fn node(backplane: &str) -> Self {
        let address = free_address();
        let mut command = Self::serve();
        command.args(["--listen", &address.to_string(), "--backplane", backplane]);
        Self::start(command, address, Wire::Room)
    }

    /// Starts the room for members who speak `wire`.
    pub(crate) fn room_that_speaks(wire: Wire) -> Self {
        let address = free_address();
        let scheme = if wire == Wire::Web { "http://" } else { "" };
        let mut command = Self::serve();
        command.args(["--listen", &format!("{scheme}{address}")]);
        Self::start(command, address, wire)
    }

    /// The same over TLS, with the certificate in `directory`.
    pub(crate) fn sealed_room(directory: &Path) -> Self {
        let address = free_address();
        let mut command = Self::serve();
        command.args(["--listen", &format!("tls://{address}")]);
        command.arg("--tls-cert").arg(directory.join("cert.pem"));
        command.arg("--tls-key").arg(directory.join("key.pem"));
        let mut server = Self::start(command, address, Wire::Room);
        server.sealed = true;
        server
    }

    fn serve() -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chatroom"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("CHATROOM_") {
                command.env_remove(name);
            }
        }
        command
            .args(["serve", "--log-level", "warn"])
            .env("CHATROOM_RATE", "0");
        command
    }

    /// Starts the floor.
    pub(crate) fn floor() -> Self {
        Self::floor_that(floor::ARGUMENT, Wire::Raw)
    }

    /// Starts the floor of joins.
    pub(crate) fn welcoming_floor() -> Self {
        Self::floor_that(floor::WELCOMING_ARGUMENT, Wire::Room)
    }

    fn floor_that(argument: &str, wire: Wire) -> Self {
        let address = free_address();
        let mut command = Command::new(std::env::current_exe().expect("Linux knows"));
        command.arg(argument).arg(address.to_string());
        Self::start(command, address, wire)
    }

    /// Starts `command`, and waits until it listens on `address`.
    pub(crate) fn start(mut command: Command, address: SocketAddr, wire: Wire) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let spawned = on_server_core(|| command.spawn());
        let child = spawned.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut server = Self {
            child,
            address,
            wire,
            sealed: false,
        };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            let ended = server.child.try_wait().expect("it is our child");
            assert!(ended.is_none(), "{command:?} has ended: {ended:?}");
            assert!(Instant::now() < deadline, "{command:?} does not listen");
            sleep(Duration::from_millis(10));
        }
        // So that what it does at its start is not counted.
        sleep(Duration::from_millis(100));
        server
    }

    /// Returns the processor time it has used.
    pub(crate) fn cpu_time(&self) -> Duration {
        machine::cpu_time(self.child.id())
    }

    /// Returns how much memory it has in use, in bytes.
    pub(crate) fn resident_bytes(&self) -> u64 {
        machine::resident_bytes(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it has ended and been waited for.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Returns a loopback address with a port that the kernel has just found free.
pub(crate) fn free_address() -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    socket.local_addr().unwrap()
}
