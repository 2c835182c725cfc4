//! The server's certificate: read, made where there is none, read anew, and watched for its end.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use log::{info, warn};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
use time::OffsetDateTime;
use yasna::{Tag, TagClass};

use crate::layer::tls::fingerprint::fingerprint;
use crate::layer::tls::handshake::Config;
use crate::tick::Tick;

/// How long before its end a certificate is warned of.
const SOON: time::Duration = time::Duration::days(14);

/// How often it is.
const EVERY: Duration = Duration::from_hours(24);

/// The file, under the directory that is given, of a certificate that was made here and its key.
const SELF_SIGNED: &str = "self-signed.pem";

/// Where the certificate is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A chain and its key, in PEM.
    Files {
        /// The chain, the server's own certificate first.
        chain: PathBuf,
        /// The key of that.
        key: PathBuf,
    },
    /// A certificate of our own, made if it isn't there, under this directory.
    SelfSigned(PathBuf),
}

/// The server's certificate, and what is spoken with it.
#[derive(Debug)]
pub(super) struct Certificates {
    place: Place,
    loaded: Loaded,
    /// When to look again whether it ends soon.
    look: Tick,
}

#[derive(Debug)]
struct Loaded {
    config: Config,
    fingerprint: String,
    /// When it ends, if it says so in a way that can be read.
    until: Option<OffsetDateTime>,
}

impl Certificates {
    /// Reads the certificate, or makes it.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub(super) fn load(place: Place) -> Result<Self, String> {
        let loaded = load(&place)?;
        Ok(Self {
            place,
            loaded,
            look: Tick::START,
        })
    }

    /// Returns what is to be spoken.
    pub(super) fn config(&self) -> Config {
        self.loaded.config.clone()
    }

    /// Returns the SHA-256 of the certificate, in the form that `join --pin` takes.
    pub(super) fn fingerprint(&self) -> &str {
        &self.loaded.fingerprint
    }

    /// Reads the certificate anew; an unusable one leaves the old one in use.
    pub(super) fn reload(&mut self, now: Tick) {
        match load(&self.place) {
            Ok(loaded) => {
                self.loaded = loaded;
                self.look = now;
                info!("The certificate was read anew: {}", self.fingerprint());
            }
            Err(why) => warn!("The certificate stays the old one: {why}"),
        }
    }

    /// Returns when to look again whether it ends soon.
    pub(super) fn deadline(&self) -> Tick {
        self.look
    }

    /// Looks whether it ends soon, if it is time to, and warns of it.
    pub(super) fn look(&mut self, now: Tick) {
        if let Some(warning) = self.due(now, OffsetDateTime::now_utc()) {
            warn!("{warning}");
        }
    }

    /// Returns what is to be said of its end, if it is time to look, and what day it is.
    fn due(&mut self, now: Tick, date: OffsetDateTime) -> Option<String> {
        if now < self.look {
            return None;
        }
        self.look = now + EVERY;
        warning(self.loaded.until?, date)
    }
}

/// Returns what is to be said of a certificate that is valid until `until`, if anything is.
fn warning(until: OffsetDateTime, now: OffsetDateTime) -> Option<String> {
    let left = until - now;
    if left <= time::Duration::ZERO {
        Some(format!("The certificate has expired on {}.", until.date()))
    } else if left <= SOON {
        let days = left.whole_days();
        Some(format!(
            "The certificate expires on {}, in {days} days.",
            until.date()
        ))
    } else {
        None
    }
}

fn load(place: &Place) -> Result<Loaded, String> {
    let (chain, key) = match place {
        Place::Files { chain, key } => (chain.clone(), key.clone()),
        Place::SelfSigned(directory) => {
            let path = directory.join(SELF_SIGNED);
            make_if_missing(&path).map_err(|error| in_file(&path, &error))?;
            (path.clone(), path)
        }
    };
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&chain)
        .and_then(Iterator::collect)
        .map_err(|error| in_file(&chain, &error))?;
    let Some(own) = certificates.first() else {
        return Err(in_file(&chain, &"there is no certificate in it"));
    };
    let (fingerprint, until) = (fingerprint(own), until(own));
    let private = PrivateKeyDer::from_pem_file(&key).map_err(|error| in_file(&key, &error))?;
    warn_of_readable(&key);
    let config = config(certificates, private)
        .map_err(|error| format!("{} and {}: {error}", chain.display(), key.display()))?;
    Ok(Loaded {
        config: Config::new(config),
        fingerprint,
        until,
    })
}

fn in_file(path: &Path, error: &dyn std::fmt::Display) -> String {
    format!("{}: {error}", path.display())
}

/// Returns what rustls is told: TLS 1.3 with any of its suites, tickets that nothing is kept for, no
/// early data.
fn config(
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(certificates, key)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.ticketer = ring::Ticketer::new()?;
    // A person needs one to come back with; each is a record more.
    config.send_tls13_tickets = 1;
    Ok(config)
}

/// Makes a certificate of our own, unless there is one, which only its owner can read.
fn make_if_missing(path: &Path) -> io::Result<()> {
    if path.try_exists()? {
        return Ok(());
    }
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])
        .map_err(io::Error::other)?;
    let pem = made.cert.pem() + &made.signing_key.serialize_pem();
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    // Whole or not at all, whatever happens meanwhile.
    let draft = path.with_extension("new");
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(pem.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)
}

fn warn_of_readable(key: &Path) {
    let mode = fs::metadata(key).map(|metadata| metadata.permissions().mode());
    if let Ok(mode) = mode
        && mode & 0o077 != 0
    {
        let mode = mode & 0o777;
        warn!(
            "The key {} can be read by others (mode {mode:o}); do: chmod 600 {0}",
            key.display()
        );
    }
}

/// Returns until when a certificate is valid (RFC 5280, 4.1).
#[expect(
    clippy::redundant_closure_for_method_calls,
    reason = "the method alone is not general enough in its lifetimes"
)]
fn until(certificate: &CertificateDer<'_>) -> Option<OffsetDateTime> {
    let parsed = yasna::parse_der(certificate, |reader| {
        reader.read_sequence(|reader| {
            let until = reader.next().read_sequence(|reader| {
                reader.read_optional(|reader| {
                    reader.read_tagged(Tag::context(0), |version| version.read_der())
                })?;
                // Serial number, algorithm, issuer.
                for _ in 0..3 {
                    reader.next().read_der()?;
                }
                let until = reader.next().read_sequence(|reader| {
                    reader.next().read_der()?;
                    read_time(reader.next())
                })?;
                // Subject, key, and what else there is.
                while reader.read_optional(|more| more.read_der())?.is_some() {}
                Ok(until)
            })?;
            // Algorithm and signature.
            for _ in 0..2 {
                reader.next().read_der()?;
            }
            Ok(until)
        })
    });
    parsed.ok()
}

fn read_time(reader: yasna::BERReader<'_, '_>) -> yasna::ASN1Result<OffsetDateTime> {
    const UTC_TIME: Tag = Tag {
        tag_class: TagClass::Universal,
        tag_number: 23,
    };
    if reader.lookahead_tag()? == UTC_TIME {
        Ok(*reader.read_utctime()?.datetime())
    } else {
        Ok(*reader.read_generalized_time()?.datetime())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made_until(until: OffsetDateTime) -> CertificateDer<'static> {
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_after = until;
        let key = rcgen::KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().clone()
    }

    #[test]
    fn the_end_is_read_in_both_forms() {
        // The second is beyond what two digits of a year can say.
        for unix in [2_000_000_000, 4_000_000_000] {
            let end = OffsetDateTime::from_unix_timestamp(unix).unwrap();
            assert_eq!(until(&made_until(end)), Some(end));
        }
        assert_eq!(until(&CertificateDer::from(&b"nothing"[..])), None);
    }

    #[test]
    fn an_end_within_two_weeks_is_warned_of() {
        let now = OffsetDateTime::from_unix_timestamp(2_000_000_000).unwrap();
        let hour = time::Duration::hours(1);
        assert_eq!(warning(now + SOON + hour, now), None);
        let soon = warning(now + SOON - hour, now).unwrap();
        assert!(soon.contains("2033-06-01, in 13 days"), "{soon}");
        assert!(warning(now - hour, now).unwrap().contains("has expired"));
    }

    #[test]
    fn an_end_that_is_near_is_warned_of_once_a_day_and_again_after_a_reload() {
        let directory = tempfile::tempdir().unwrap();
        let place = Place::SelfSigned(directory.path().to_owned());
        let mut certificates = Certificates::load(place).unwrap();
        let date = OffsetDateTime::from_unix_timestamp(2_000_000_000).unwrap();
        let hours = |hours: u64| {
            (
                Tick::from_whole_s(hours * 3600),
                date + time::Duration::hours(hours.cast_signed()),
            )
        };
        certificates.loaded.until = Some(date + time::Duration::days(15));
        let mut warned = Vec::new();
        let mut hour = 0;
        while hour < 24 * 17 {
            let (now, date) = hours(hour);
            // The loop wakes up when it is time to, and now and then for other reasons.
            let is_due = certificates.deadline() <= now;
            let warning = certificates.due(now, date);
            assert!(is_due || warning.is_none(), "hour {hour}");
            assert!(certificates.deadline() > now, "hour {hour}");
            warned.extend(warning.map(|warning| (hour, warning)));
            hour += 5;
        }
        let days = warned.windows(2).map(|pair| pair[1].0 - pair[0].0);
        assert!(
            days.clone().all(|hours| (24..=29).contains(&hours)),
            "{warned:?}"
        );
        assert_eq!(days.count() + 1, 16, "{warned:?}");
        assert!(warned[0].0 >= 24 && warned[0].0 < 35, "{warned:?}");
        assert!(warned[0].1.contains("in 13 days"), "{warned:?}");
        assert!(warned[15].1.contains("has expired"), "{warned:?}");
        // What was read anew is looked at at once.
        let (now, date) = hours(24 * 17);
        certificates.due(now, date);
        certificates.reload(now);
        assert_eq!(certificates.deadline(), now);
        certificates.loaded.until = Some(date);
        assert!(certificates.due(now, date).is_some());
        assert!(certificates.due(now, date).is_none());
    }

    #[test]
    fn one_of_our_own_is_made_once_and_is_nobody_elses_to_read() {
        let directory = tempfile::tempdir().unwrap();
        let place = Place::SelfSigned(directory.path().join("new").join("tls"));
        let made = Certificates::load(place.clone()).unwrap();
        let path = directory.path().join("new/tls").join(SELF_SIGNED);
        let permissions = fs::metadata(path).unwrap().permissions();
        assert_eq!(permissions.mode() & 0o777, 0o600);
        let again = Certificates::load(place).unwrap();
        assert_eq!(made.fingerprint(), again.fingerprint());
        assert_eq!(made.fingerprint().len(), 64);
    }
}
