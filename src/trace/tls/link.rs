//! What both directions of a sealed connection know together.

use super::Way;
use super::hello::{ClientHello, ServerHello};
use super::key_log::Random;
use super::told::{Version, Why, Word};
use crate::layer::tls::keys::{Keys, Suite};
use crate::trace::tls::key_log::KeyLog;

/// What both directions know together.
#[derive(Debug, Default)]
pub(super) struct Link {
    random: Option<Random>,
    version: Option<Version>,
    suite: Option<u16>,
    /// The client has sent a sealed record: what the server sends from now on isn't its handshake.
    pub(super) client_sealed: bool,
}

impl Link {
    /// Takes a message of a handshake that isn't sealed.
    pub(super) fn message(&mut self, kind: u8, body: &[u8]) -> Option<Word> {
        match kind {
            1 => {
                let hello = ClientHello::read(body)?;
                // A client that has to ask again keeps its number.
                let is_first = self.random.replace(hello.random) != Some(hello.random);
                let server_name = hello.server_name;
                is_first.then_some(Word::Asked { server_name })
            }
            2 => {
                let hello = ServerHello::read(body)?;
                if hello.retry {
                    return None;
                }
                let version = Version(hello.version);
                self.version = Some(version);
                self.suite = Some(hello.suite);
                Some(Word::Agreed {
                    version,
                    suite: hello.suite,
                })
            }
            _ => None,
        }
    }

    /// Returns whether records are framed and sealed as TLS 1.3 does it, as far as is known.
    pub(super) fn is_read(&self) -> bool {
        self.version.is_none_or(|version| version == Version::TLS13)
    }

    /// Returns the keys that the log has for one direction: of the handshake, and of what comes
    /// behind it. Where the suite isn't known there is one for each that it may be.
    pub(super) fn keys(&self, log: &mut KeyLog, way: Way) -> Result<[Vec<Keys>; 2], Why> {
        if let Some(version) = self.version.filter(|version| *version != Version::TLS13) {
            return Err(Why::Version(version));
        }
        let random = self.random.as_ref().ok_or(Why::NoBeginning)?;
        let secrets = log.find(random).ok_or(Why::NoSecrets)?;
        let traffic = secrets.traffic(way).ok_or(Why::NoSecrets)?;
        let keys = |secret: &[u8]| {
            let suite = self.suite.and_then(Suite::numbered);
            let may_be: &[Suite] = match &suite {
                Some(suite) => std::slice::from_ref(suite),
                None => Suite::with_secret_of(secret.len()),
            };
            let keys = may_be
                .iter()
                .filter_map(|suite| Keys::new(*suite, secret, 0));
            keys.collect::<Vec<_>>()
        };
        let handshake = secrets.handshake(way).map(keys).unwrap_or_default();
        let traffic = keys(traffic);
        if traffic.is_empty() {
            return Err(Why::OtherSecrets);
        }
        Ok([handshake, traffic])
    }
}
