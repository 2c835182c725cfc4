//! Which NATS servers there are, and who we are there.

use std::fs;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use rustls::pki_types::ServerName;
use zeroize::Zeroizing;

use crate::backplane::nats::credentials::Credentials;
use crate::failure::Failure;

/// Most servers that are known.
const SERVERS_MAX: usize = 64;

/// The port of NATS.
const DEFAULT_PORT: u16 = 4222;

/// Most bytes of a file of secrets.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// Where a NATS server is: `nats://HOST:PORT` or `tls://HOST:PORT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// TLS is spoken.
    pub tls: bool,
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl FromStr for Url {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (tls, rest) = match text.split_once("://") {
            None => (false, text),
            Some(("nats", rest)) => (false, rest),
            Some(("tls", rest)) => (true, rest),
            Some((scheme, _)) => return Err(format!("{scheme}:// is neither nats:// nor tls://")),
        };
        if rest.contains('@') {
            return Err("a user is given by --backplane-user, secrets by files".to_owned());
        }
        let rest = rest.trim_end_matches('/');
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port))
                if !host.ends_with(':') && (!host.contains(':') || host.ends_with(']')) =>
            {
                let port = port.parse().map_err(|_| format!("{port} is no port"))?;
                (host, port)
            }
            _ => (rest, DEFAULT_PORT),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err("there is no host in it".to_owned());
        }
        Ok(Self {
            tls,
            host: host.to_owned(),
            port,
        })
    }
}

/// Who we are for the servers; secrets are read from files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Who {
    /// Nobody in particular.
    #[default]
    Nobody,
    /// A user, and the file of the password.
    User(String, PathBuf),
    /// Who knows the token in this file.
    Token(PathBuf),
    /// Whom a file of credentials vouches for.
    Key(PathBuf),
}

impl Who {
    /// Reads the secrets.
    pub(super) fn read(&self) -> Result<Credentials, Failure> {
        Ok(match self {
            Self::Nobody => Credentials::None,
            Self::User(user, file) => Credentials::Password {
                user: user.clone(),
                password: secret(file)?,
            },
            Self::Token(file) => Credentials::Token(secret(file)?),
            Self::Key(file) => Credentials::parse(&secret(file)?).map_err(|why| {
                Failure::new(format!(
                    "can't use --backplane-creds {}: {why}",
                    file.display()
                ))
            })?,
        })
    }
}

/// Reads a secret, without the line end behind it.
fn secret(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(format!(
            "can't read the secret in {}: {error}",
            path.display()
        ))
    };
    let length = fs::metadata(path).map_err(|error| failed(&error))?.len();
    if length > SECRET_BYTES_MAX {
        return Err(failed(&"it is too long"));
    }
    let text = Zeroizing::new(fs::read_to_string(path).map_err(|error| failed(&error))?);
    Ok(Zeroizing::new(
        text.trim_end_matches(['\r', '\n']).to_owned(),
    ))
}

/// A server, as it is connected to.
#[derive(Debug, Clone)]
pub(super) struct Server {
    /// As it is told.
    pub(super) name: String,
    pub(super) address: SocketAddr,
    pub(super) tls: bool,
    /// Whose certificate it shows.
    pub(super) tls_name: ServerName<'static>,
}

/// The servers, and the one whose turn it is.
#[derive(Debug)]
pub(super) struct Servers {
    known: Vec<Server>,
    current: usize,
    /// No other ports can be connected to.
    no_other_ports: bool,
}

impl Servers {
    /// Looks names up, which may take time: names of servers that are heard of later are not.
    pub(super) fn find(urls: &[Url], seed: u64) -> Result<Self, Failure> {
        let mut known = Vec::new();
        for url in urls {
            let Url { tls, host, port } = url;
            let scheme = if *tls { "tls" } else { "nats" };
            let failed = |why: String| {
                Failure::new(format!("the backplane {scheme}://{host}:{port}: {why}"))
            };
            let addresses = (host.as_str(), *port).to_socket_addrs();
            let tls_name =
                ServerName::try_from(host.clone()).map_err(|error| failed(error.to_string()))?;
            for address in addresses.map_err(|error| failed(error.to_string()))? {
                let name = format!("{scheme}://{address}");
                known.push(Server {
                    name,
                    address,
                    tls: *tls,
                    tls_name: tls_name.clone(),
                });
            }
        }
        known.truncate(SERVERS_MAX);
        if known.is_empty() {
            return Err(Failure::usage("the backplane has no server"));
        }
        // Nodes don't all take the same one.
        let current = usize::try_from(seed % known.len() as u64).unwrap_or_default();
        Ok(Self {
            known,
            current,
            no_other_ports: false,
        })
    }

    pub(super) fn current(&self) -> &Server {
        &self.known[self.current]
    }

    pub(super) fn count(&self) -> u32 {
        self.known.len() as u32
    }

    pub(super) fn turn_to_next(&mut self) {
        self.current = (self.current + 1) % self.known.len();
    }

    /// Takes note that the sandbox lets no other ports be connected to from here on.
    pub(super) fn keep_to_ports(&mut self) {
        self.no_other_ports = true;
    }

    /// Adds those that the current one has named, as far as they are addresses and can be reached.
    pub(super) fn learn(&mut self, others: &[String]) {
        for address in others
            .iter()
            .filter_map(|other| other.parse::<SocketAddr>().ok())
        {
            let is_known = self.known.iter().any(|server| server.address == address);
            let is_closed = self.no_other_ports && !self.ports().contains(&address.port());
            if is_known || is_closed || address.port() == 0 || self.known.len() == SERVERS_MAX {
                continue;
            }
            let current = self.current();
            let (tls, tls_name) = (current.tls, current.tls_name.clone());
            let scheme = if tls { "tls" } else { "nats" };
            self.known.push(Server {
                name: format!("{scheme}://{address}"),
                address,
                tls,
                tls_name,
            });
        }
    }

    /// Returns the ports of all, each once.
    pub(super) fn ports(&self) -> Vec<u16> {
        let mut ports: Vec<_> = self
            .known
            .iter()
            .map(|server| server.address.port())
            .collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_read_as_people_write_it() {
        for (text, tls, host, port) in [
            ("nats://127.0.0.1:4222", false, "127.0.0.1", 4222),
            ("tls://nats.example.org", true, "nats.example.org", 4222),
            ("nats.example.org:1", false, "nats.example.org", 1),
            ("nats://[::1]:7", false, "::1", 7),
            ("nats://[::1]", false, "::1", 4222),
            ("nats://a:5/", false, "a", 5),
        ] {
            let url = Url {
                tls,
                host: host.to_owned(),
                port,
            };
            assert_eq!(text.parse(), Ok(url), "{text}");
        }
        for text in [
            "",
            "nats://",
            "http://a",
            "nats://me:secret@a",
            "nats://a:b",
            "a:70000",
        ] {
            assert!(text.parse::<Url>().is_err(), "{text}");
        }
    }

    #[test]
    fn servers_that_are_heard_of_are_bounded_and_known_once() {
        let url: Url = "127.0.0.1:4222".parse().unwrap();
        let mut servers = Servers::find(&[url], 7).unwrap();
        servers.learn(
            &[
                "127.0.0.1:4222",
                "127.0.0.1:4223",
                "a:1",
                "x",
                "127.0.0.1:0",
            ]
            .map(str::to_owned),
        );
        assert_eq!((servers.count(), servers.ports()), (2, vec![4222, 4223]));
        let many: Vec<_> = (1..2000).map(|port| format!("127.0.0.2:{port}")).collect();
        servers.learn(&many);
        assert_eq!(servers.count() as usize, SERVERS_MAX);
        let url: Url = "127.0.0.1:4222".parse().unwrap();
        let mut closed = Servers::find(&[url], 7).unwrap();
        closed.keep_to_ports();
        closed.learn(&["127.0.0.2:4222", "127.0.0.1:4223"].map(str::to_owned));
        assert_eq!((closed.count(), closed.ports()), (2, vec![4222]));
        let first = servers.current().address;
        servers.turn_to_next();
        assert_ne!(servers.current().address, first);
    }
}
