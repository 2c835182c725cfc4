//! Whether the server is the one that is meant: by a pin, by authorities, or by having been known
//! before.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, KeyLogFile, RootCertStore, SignatureScheme,
};

use super::keys;
use super::options::Options;
use crate::failure::Failure;
use crate::layer::tls::fingerprint::fingerprint;

/// The file, in the client's state directory, of servers that were taken for the right ones.
const KNOWN_SERVERS: &str = "known_servers";

/// What is thought of a server that nobody vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Doubt {
    /// It was never seen. Its certificate's fingerprint.
    Unknown(String),
    /// It was known by another certificate: that one's fingerprint, and its own.
    Changed(String, String),
}

/// Judges the server's certificate.
#[derive(Debug)]
pub(super) struct Judge {
    provider: Arc<CryptoProvider>,
    pin: Option<String>,
    /// Vouches for certificates, if any authority is known.
    authorities: Option<Arc<WebPkiServerVerifier>>,
    /// Only authorities that were named are believed.
    only_authorities: bool,
    known: Option<KnownServers>,
    /// The server, as it is known.
    server: String,
    doubt: Mutex<Option<Doubt>>,
}

impl Judge {
    /// Returns a judge of `server`, which is a host and a port.
    ///
    /// # Errors
    /// Fails when the file of authorities can't be used, or the pin is none.
    pub(super) fn new(options: &Options, server: String) -> Result<Arc<Self>, Failure> {
        let pin = options.pin.as_deref().map(parse_pin).transpose()?;
        let roots = match &options.ca {
            Some(path) => read_roots(path)?,
            None => system_roots(),
        };
        let provider = Arc::new(ring::default_provider());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        Ok(Arc::new(Self {
            provider,
            pin,
            // Without a single authority there is nobody to vouch.
            authorities: verifier.build().ok(),
            only_authorities: options.ca.is_some(),
            known: KnownServers::find(),
            server,
            doubt: Mutex::default(),
        }))
    }

    /// Returns what to speak TLS with. `SSLKEYLOGFILE` is honoured.
    ///
    /// # Errors
    /// Never happens with the suites of TLS 1.3.
    pub(super) fn config(self: &Arc<Self>) -> Result<Arc<ClientConfig>, Failure> {
        let provider = Arc::clone(&self.provider);
        let judge: Arc<Self> = Arc::clone(self);
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| Failure::new(format!("can't speak TLS: {error}")))?;
        let mut config = config
            .dangerous()
            .with_custom_certificate_verifier(judge)
            .with_no_client_auth();
        config.key_log = Arc::new(KeyLogFile::new());
        Ok(Arc::new(config))
    }

    /// Takes out what was thought of the server when it was refused.
    pub(super) fn take_doubt(&self) -> Option<Doubt> {
        self.doubt_mut().take()
    }

    /// Takes the server for the right one from here on.
    ///
    /// # Errors
    /// Says that it can't be remembered.
    pub(super) fn remember(&self, fingerprint: &str) -> Result<(), Failure> {
        let known = self.known.as_ref().ok_or_else(|| {
            Failure::new("can't remember the server without $HOME or $XDG_STATE_HOME; give --pin")
        })?;
        known.add(&self.server, fingerprint).map_err(|error| {
            let path = known.0.display();
            Failure::new(format!("can't remember the server in {path}: {error}"))
        })
    }

    /// Returns where servers are remembered, for words about it.
    pub(super) fn known_servers(&self) -> String {
        let known = self.known.as_ref();
        known.map_or_else(String::new, |known| known.0.display().to_string())
    }

    fn doubt_mut(&self) -> std::sync::MutexGuard<'_, Option<Doubt>> {
        self.doubt.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn judge(&self, shown: String) -> Result<(), Error> {
        let known = self.known.as_ref().and_then(|known| known.of(&self.server));
        let doubt = match known {
            Some(known) if known == shown => return Ok(()),
            Some(known) => Doubt::Changed(known, shown),
            None => Doubt::Unknown(shown),
        };
        *self.doubt_mut() = Some(doubt);
        Err(Error::General(
            "nobody vouches for its certificate".to_owned(),
        ))
    }
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = fingerprint(certificate);
        if let Some(pin) = &self.pin {
            return if *pin == shown {
                Ok(ServerCertVerified::assertion())
            } else {
                let why = format!("its certificate is {shown}, not that of --pin");
                Err(Error::General(why))
            };
        }
        let vouched = self
            .authorities
            .as_ref()
            .map(|authorities| authorities.verify_server_cert(certificate, chain, name, ocsp, now));
        match vouched {
            Some(Ok(verified)) => Ok(verified),
            Some(Err(error)) if self.only_authorities => Err(error),
            _ => self.judge(shown).map(|()| ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2 is not spoken".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Reads a fingerprint as people write it: with colons or without, in any case.
fn parse_pin(text: &str) -> Result<String, Failure> {
    let pin: String = text
        .chars()
        .filter(|c| *c != ':')
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let is_one = pin.len() == 64 && pin.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_one.then_some(pin).ok_or_else(|| {
        Failure::usage("--pin takes a SHA-256, 64 hexadecimal digits, as the server prints it")
    })
}

fn read_roots(path: &Path) -> Result<RootCertStore, Failure> {
    let wrong = |error: &dyn std::fmt::Display| {
        Failure::new(format!("can't use --ca {}: {error}", path.display()))
    };
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| wrong(&error))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| wrong(&error))?;
        roots.add(certificate).map_err(|error| wrong(&error))?;
    }
    if roots.is_empty() {
        return Err(wrong(&"there is no certificate in it"));
    }
    Ok(roots)
}

fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // Those that can't be read vouch for nobody.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

/// The servers that were taken for the right ones: a line each, the server and its fingerprint.
#[derive(Debug)]
struct KnownServers(PathBuf);

impl KnownServers {
    /// Returns where they are kept; nowhere without a home.
    fn find() -> Option<Self> {
        Some(Self(keys::state_directory()?.join(KNOWN_SERVERS)))
    }

    /// Returns the fingerprint that `server` is known by; the last word counts.
    fn of(&self, server: &str) -> Option<String> {
        let file = BufReader::new(File::open(&self.0).ok()?);
        let mut known = None;
        for line in file.lines().map_while(Result::ok) {
            if let Some((name, fingerprint)) = line.split_once(' ')
                && name == server
            {
                known = Some(fingerprint.trim().to_owned());
            }
        }
        known
    }

    fn add(&self, server: &str, fingerprint: &str) -> io::Result<()> {
        if let Some(directory) = self.0.parent() {
            fs::create_dir_all(directory)?;
        }
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&self.0)?;
        writeln!(file, "{server} {fingerprint}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_read_as_people_write_it() {
        let pin = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let pairs: Vec<_> = pin.as_bytes().chunks(2).collect();
        let colons = String::from_utf8(pairs.join(&b':')).unwrap().to_uppercase();
        assert_eq!(parse_pin(pin).unwrap(), pin);
        assert_eq!(parse_pin(&colons).unwrap(), pin);
        for wrong in ["", "ba78", &pin.replace('b', "x")] {
            assert_eq!(parse_pin(wrong).unwrap_err().exit_code, 2);
        }
    }

    #[test]
    fn a_server_is_known_by_what_was_said_last() {
        let directory = tempfile::tempdir().unwrap();
        let known = KnownServers(directory.path().join("new/known_servers"));
        assert_eq!(known.of("example.org:5051"), None);
        known.add("example.org:5051", "aa").unwrap();
        known.add("example.org:5052", "bb").unwrap();
        assert_eq!(known.of("example.org:5051").unwrap(), "aa");
        known.add("example.org:5051", "cc").unwrap();
        assert_eq!(known.of("example.org:5051").unwrap(), "cc");
        assert_eq!(known.of("example.org"), None);
    }
}
