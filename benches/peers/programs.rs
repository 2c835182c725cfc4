//! The programs that are compared, and how each is started with its throttles off.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use crate::support::machine::find_program;
use crate::support::server::free_address;
use crate::support::{Server, Wire};

/// A program that hands what one says to everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    Room,
    Floor,
    Redis,
    Nats,
    Ngircd,
    Mosquitto,
    Ncat,
}

/// A program that runs.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) server: Server,
    /// Holds its configuration while it runs.
    _directory: TempDir,
}

impl Program {
    pub(crate) const ALL: [Self; 7] = [
        Self::Room,
        Self::Floor,
        Self::Redis,
        Self::Nats,
        Self::Ngircd,
        Self::Mosquitto,
        Self::Ncat,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Room => "chatroom",
            Self::Floor => "floor",
            Self::Redis => "Redis pub/sub",
            Self::Nats => "NATS",
            Self::Ngircd => "ngircd",
            Self::Mosquitto => "mosquitto",
            Self::Ncat => "ncat --chat",
        }
    }

    /// Returns how many members it takes. `ncat` tells everybody of each newcomer, and never comes
    /// to rest with hundreds.
    pub(crate) fn members_max(self) -> usize {
        if self == Self::Ncat { 90 } else { usize::MAX }
    }

    pub(crate) fn is_installed(self) -> bool {
        self.package()
            .is_none_or(|(executable, _)| find_program(executable).is_some())
    }

    pub(crate) fn how_to_install(self) -> String {
        let (executable, package) = self.package().unwrap_or_default();
        format!("there is no {executable}; apt-get install {package}")
    }

    /// Returns what it is called, and which Debian package brings it.
    fn package(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Room | Self::Floor => None,
            Self::Redis => Some(("redis-server", "redis-server")),
            Self::Nats => Some(("nats-server", "nats-server")),
            Self::Ngircd => Some(("ngircd", "ngircd")),
            Self::Mosquitto => Some(("mosquitto", "mosquitto")),
            Self::Ncat => Some(("ncat", "ncat")),
        }
    }

    fn wire(self) -> Wire {
        match self {
            Self::Room => Wire::Room,
            Self::Floor => Wire::Raw,
            Self::Ncat => Wire::Ncat,
            Self::Redis => Wire::Redis,
            Self::Nats => Wire::Nats,
            Self::Ngircd => Wire::Irc,
            Self::Mosquitto => Wire::Mqtt,
        }
    }

    /// Starts it on a free port.
    pub(crate) fn start(self) -> Started {
        let directory = TempDir::new().expect("there is a place for temporary files");
        let server = match self {
            Self::Room => Server::room(),
            Self::Floor => Server::floor(),
            _ => self.start_installed(&directory),
        };
        Started {
            server,
            _directory: directory,
        }
    }

    fn start_installed(self, directory: &TempDir) -> Server {
        let address = free_address();
        let (ip, port) = (address.ip(), address.port());
        let configuration = match self {
            Self::Redis => format!(
                "bind {ip}\nport {port}\nprotected-mode no\nsave \"\"\nappendonly no\nmaxclients 20000\n\
                 tcp-backlog 4096\nclient-output-buffer-limit pubsub 0 0 0\n"
            ),
            Self::Nats => format!(
                "host: \"{ip}\"\nport: {port}\nmax_connections: 20000\nmax_pending: 1GB\n\
                 write_deadline: \"60s\"\n"
            ),
            Self::Ngircd => format!(
                "[Global]\nName = irc.test\nInfo = bench\nListen = {ip}\nPorts = {port}\n\
                 [Limits]\nMaxConnections = 0\nMaxConnectionsIP = 0\nMaxJoins = 0\n\
                 MaxPenaltyTime = 0\nPingTimeout = 3600\nPongTimeout = 3600\n\
                 [Options]\nDNS = no\nIdent = no\nPAM = no\n"
            ),
            Self::Mosquitto => format!(
                "listener {port} {ip}\nallow_anonymous true\npersistence false\nlog_type none\n\
                 max_queued_messages 0\nmax_queued_bytes 0\nset_tcp_nodelay true\n"
            ),
            Self::Room | Self::Floor | Self::Ncat => String::new(),
        };
        let file = directory.path().join("configuration");
        fs::write(&file, configuration).expect("the directory is ours");
        let executable = self.package().map(|(executable, _)| executable);
        let path = executable.and_then(find_program).expect("it is installed");
        let mut command = Command::new(path);
        command.current_dir(directory.path());
        match self {
            Self::Ngircd => command.arg("--nodaemon").arg("--config").arg(file),
            Self::Nats | Self::Mosquitto => command.arg("-c").arg(file),
            Self::Ncat => command
                .args(["--chat", "--listen", "--max-conns", "1000"])
                .args([ip.to_string(), port.to_string()]),
            _ => command.arg(file),
        };
        Server::start(command, address, self.wire())
    }
}
