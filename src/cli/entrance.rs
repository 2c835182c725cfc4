//! What `serve` is told of TLS, and of what stands in front of it.

use std::env;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use ipnet::IpNet;

use super::listen::ListenOn;
use crate::server::certificates::Place;
use crate::server::listener::Endpoint;
use crate::server::web::Origin;

/// What `serve` is told of TLS, and of what stands in front of it.
#[derive(Debug, Clone, Args)]
pub struct EntranceOptions {
    /// Certificate for `tls://` and `https://` addresses: a PEM file, the server's own first; read anew at SIGHUP
    #[arg(
        long,
        value_name = "FILE",
        env = "CHATROOM_TLS_CERT",
        requires = "tls_key"
    )]
    pub tls_cert: Option<PathBuf>,

    /// Its key, in PEM
    #[arg(
        long,
        value_name = "FILE",
        env = "CHATROOM_TLS_KEY",
        requires = "tls_cert"
    )]
    pub tls_key: Option<PathBuf>,

    /// Where a self-signed certificate is made and kept, without --tls-cert [default: systemd's
    /// state directory, or else ~/.local/state/chatroom]
    #[arg(long, value_name = "DIR", env = "CHATROOM_TLS_DIR")]
    pub tls_dir: Option<PathBuf>,

    /// Permissions of socket files, in octal
    #[arg(
        long,
        value_name = "MODE",
        env = "CHATROOM_SOCKET_MODE",
        default_value = "660",
        value_parser = mode
    )]
    pub socket_mode: u32,

    /// Addresses of proxies that begin each connection with a PROXY header (version 1 or 2), which
    /// names whom they stand for, or over HTTP say so with X-Forwarded-For; may be given several
    /// times
    #[arg(
        long,
        value_name = "CIDR",
        env = "CHATROOM_PROXY_FROM",
        value_delimiter = ',',
        value_parser = network
    )]
    pub proxy_from: Vec<IpNet>,

    /// Origin of a page that may connect over WebSocket beside the server's own, such as
    /// `https://chat.example.org`; may be given several times
    #[arg(
        long,
        value_name = "ORIGIN",
        env = "CHATROOM_WEB_ORIGIN",
        value_delimiter = ','
    )]
    pub web_origin: Vec<Origin>,
}

impl EntranceOptions {
    /// Returns where the certificate is.
    pub(super) fn certificate(&self) -> Place {
        let files = self.tls_cert.clone().zip(self.tls_key.clone());
        let files = files.map(|(chain, key)| Place::Files { chain, key });
        files.unwrap_or_else(|| {
            let directory = self.tls_dir.clone().unwrap_or_else(state_directory);
            Place::SelfSigned(directory)
        })
    }

    /// Returns the directories in which the certificate and its key are read anew, if they are.
    pub(super) fn readable(&self, listen: &[ListenOn]) -> Vec<PathBuf> {
        let is_tls = |endpoint: &Endpoint| match endpoint {
            Endpoint::Port(scheme, _) => scheme.is_sealed(),
            Endpoint::File(_) => false,
        };
        if !listen.iter().flat_map(|on| &on.0).any(is_tls) {
            return Vec::new();
        }
        match self.certificate() {
            Place::Files { chain, key } => [chain, key]
                .iter()
                .filter_map(|file| parent(file))
                .collect(),
            Place::SelfSigned(directory) => vec![directory],
        }
    }

    /// Returns the directories of socket files.
    pub(super) fn sockets(listen: &[ListenOn]) -> Vec<PathBuf> {
        let files = listen.iter().flat_map(|on| &on.0);
        let files = files.filter_map(|endpoint| match endpoint {
            Endpoint::File(path) => parent(path),
            Endpoint::Port(..) => None,
        });
        files.collect()
    }
}

/// Returns the folder of a file, wherever the server works.
pub(super) fn parent(file: &Path) -> Option<PathBuf> {
    let file = std::path::absolute(file).ok()?;
    file.parent().map(PathBuf::from)
}

/// Returns where what outlives the server is kept.
fn state_directory() -> PathBuf {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    if let Some(directory) = set("STATE_DIRECTORY") {
        return directory.into();
    }
    let home = || set("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    let state = set("XDG_STATE_HOME").map(PathBuf::from).or_else(home);
    state.unwrap_or_default().join("chatroom")
}

fn mode(text: &str) -> Result<u32, String> {
    u32::from_str_radix(text, 8)
        .ok()
        .filter(|mode| *mode <= 0o777)
        .ok_or_else(|| "give three octal digits, such as 660".to_owned())
}

/// Reads a network; a single address is one, too.
fn network(text: &str) -> Result<IpNet, String> {
    text.parse()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| "give an address or a network, such as 127.0.0.1 or 10.0.0.0/8".to_owned())
}
