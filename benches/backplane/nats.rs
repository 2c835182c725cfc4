//! NATS servers, each a child process with its own files.

use std::process::Command;

use tempfile::TempDir;

use crate::support::machine::find_program;
use crate::support::server::free_address;
use crate::support::{Server, Wire};

/// NATS servers that are one.
#[derive(Debug)]
pub(crate) struct Nats {
    pub(crate) servers: Vec<Server>,
    /// Holds their files while they run.
    _directory: TempDir,
}

impl Nats {
    /// Returns whether there is such a program.
    pub(crate) fn is_installed() -> bool {
        find_program("nats-server").is_some()
    }

    /// Starts one that keeps streams in files, as its manual has it, for members who speak `wire`.
    pub(crate) fn with_streams(wire: Wire) -> Self {
        let directory = TempDir::new().expect("there is a place for temporary files");
        let mut command = command();
        command.args(["-js", "-sd"]).arg(directory.path());
        Self {
            servers: vec![start(command, wire)],
            _directory: directory,
        }
    }

    /// Starts two that hand each other what is published.
    pub(crate) fn pair() -> Self {
        let directory = TempDir::new().expect("there is a place for temporary files");
        let routes = [free_address(), free_address()];
        let urls = routes.map(|route| format!("nats://{route}")).join(",");
        let servers = routes.map(|route| {
            let mut command = command();
            command.args(["--cluster_name", "bench", "--routes", &urls]);
            command.args(["--cluster", &format!("nats://{route}")]);
            start(command, Wire::Nats)
        });
        Self {
            servers: servers.into(),
            _directory: directory,
        }
    }

    /// Returns how a node is told of it.
    pub(crate) fn url(&self) -> String {
        format!("nats://{}", self.servers[0].address)
    }
}

fn command() -> Command {
    Command::new(find_program("nats-server").expect("it is installed"))
}

fn start(mut command: Command, wire: Wire) -> Server {
    let address = free_address();
    command.args(["-a", &address.ip().to_string()]);
    command.args(["-p", &address.port().to_string()]);
    Server::start(command, address, wire)
}
