//! The handshake, which rustls does.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{ConnectionState, EncodeError, UnbufferedStatus};
use rustls::{Error, KeyLog, ServerConfig};
use zeroize::Zeroizing;

use super::keys::{Keys, Suite};
use super::record::{HEADER_BYTES, RECORD_BYTES_MAX};
use super::session::Session;

/// Most bytes that may come before a handshake is over: far more than any client sends.
const BYTES_MAX: usize = 32 * 1024;

/// What a handshake needs to know: certificates, suites, tickets.
#[derive(Debug, Clone)]
pub struct Config {
    rustls: Arc<ServerConfig>,
    secrets: Arc<Secrets>,
}

impl Config {
    /// Returns a configuration that hands the secrets of each handshake over.
    #[must_use]
    pub fn new(mut config: ServerConfig) -> Self {
        let secrets = Arc::new(Secrets::default());
        config.enable_secret_extraction = true;
        config.max_early_data_size = 0;
        let key_log: Arc<Secrets> = Arc::clone(&secrets);
        config.key_log = key_log;
        Self {
            rustls: Arc::new(config),
            secrets,
        }
    }
}

/// The traffic secrets of the handshake that rustls is doing at the moment. They are needed to change
/// keys later, and this is the only door that rustls has for them.
#[derive(Default)]
struct Secrets(Mutex<Pair>);

/// The secrets of both directions.
#[derive(Default)]
struct Pair {
    client: Zeroizing<Vec<u8>>,
    server: Zeroizing<Vec<u8>>,
}

const CLIENT: &str = "CLIENT_TRAFFIC_SECRET_0";
const SERVER: &str = "SERVER_TRAFFIC_SECRET_0";

impl KeyLog for Secrets {
    fn log(&self, label: &str, _: &[u8], secret: &[u8]) {
        let mut pair = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match label {
            CLIENT => pair.client = secret.to_vec().into(),
            SERVER => pair.server = secret.to_vec().into(),
            _ => {}
        }
    }

    fn will_log(&self, label: &str) -> bool {
        [CLIENT, SERVER].contains(&label)
    }
}

impl Secrets {
    /// Takes what one step of a handshake has brought, so that the next one's can't be mistaken
    /// for it.
    fn take(&self) -> Pair {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

/// A handshake that is not over yet.
pub struct Handshake {
    connection: UnbufferedServerConnection,
    secrets: Arc<Secrets>,
    pair: Pair,
    /// Bytes that have come and that rustls is not done with.
    incoming: Vec<u8>,
    /// How many of those it has seen: the start of a message that goes on in the next record.
    seen: usize,
    /// How many have come altogether.
    taken: usize,
}

/// How far a handshake has come.
#[derive(Debug)]
pub enum Progress {
    /// More has to come.
    Waiting(Box<Handshake>),
    /// It is over, and this goes on.
    Done(Session),
    /// It has failed. What is to be sent says so to the peer.
    Failed(Error),
}

impl Handshake {
    /// Begins a handshake.
    ///
    /// # Errors
    /// As rustls says: the configuration can't be used.
    pub fn new(config: &Config) -> Result<Self, Error> {
        Ok(Self {
            connection: UnbufferedServerConnection::new(Arc::clone(&config.rustls))?,
            secrets: Arc::clone(&config.secrets),
            pair: Pair::default(),
            incoming: Vec::new(),
            seen: 0,
            taken: 0,
        })
    }

    /// Returns whether nothing has come yet.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.taken == 0
    }

    /// Goes on with `bytes` that have come; puts what is to be sent behind what is in `out`.
    #[must_use]
    pub fn go_on(mut self: Box<Self>, bytes: &[u8], out: &mut Vec<u8>) -> Progress {
        self.incoming.extend_from_slice(bytes);
        self.taken += bytes.len();
        // Record by record: what stands behind the handshake's last one is not for rustls.
        while let Some(length) = self.record_length() {
            match self.step(length, out) {
                Ok(false) => {}
                Ok(true) => return self.finish(out),
                Err(error) => return self.fail(error, out),
            }
        }
        if self.incoming.len() > RECORD_BYTES_MAX || self.taken > BYTES_MAX {
            let error = Error::General("too much was sent before the handshake was over".into());
            return self.fail(error, out);
        }
        Progress::Waiting(self)
    }

    /// Returns the length of the next record, if all of it has come; of one that is too long, of
    /// what there is.
    fn record_length(&self) -> Option<usize> {
        let next = &self.incoming[self.seen..];
        let &[_, _, _, high, low] = next.get(..HEADER_BYTES)? else {
            return None;
        };
        let length = HEADER_BYTES + usize::from(u16::from_be_bytes([high, low]));
        let known = next.len() >= length || length > RECORD_BYTES_MAX;
        known.then(|| length.min(next.len()))
    }

    /// Hands the next `length` bytes to rustls, and returns whether the handshake is over.
    fn step(&mut self, length: usize, out: &mut Vec<u8>) -> Result<bool, Error> {
        self.seen += length;
        let over = self.process(out);
        let brought = self.secrets.take();
        for (secret, new) in [
            (&mut self.pair.client, brought.client),
            (&mut self.pair.server, brought.server),
        ] {
            if !new.is_empty() {
                *secret = new;
            }
        }
        over
    }

    /// Lets rustls do what it can with the bytes that it has seen, and returns whether the
    /// handshake is over. rustls counts on being shown again, each time, what it is not done with.
    fn process(&mut self, out: &mut Vec<u8>) -> Result<bool, Error> {
        loop {
            let seen = &mut self.incoming[..self.seen];
            let UnbufferedStatus { discard, state } = self.connection.process_tls_records(seen);
            let step = state.and_then(|state| progress(state, out));
            self.incoming.drain(..discard);
            self.seen -= discard;
            if let Some(over) = step? {
                return Ok(over);
            }
        }
    }

    /// Takes the keys over from rustls.
    fn finish(self: Box<Self>, out: &mut Vec<u8>) -> Progress {
        let suite = self.connection.negotiated_cipher_suite();
        let suite = suite.and_then(|suite| Suite::of(suite.suite()));
        let extracted = match self.connection.dangerous_into_kernel_connection() {
            Ok((extracted, _)) => extracted,
            Err(error) => return Progress::Failed(error),
        };
        let keys = suite.and_then(|suite| {
            let reads = Keys::new(suite, &self.pair.client, extracted.rx.0)?;
            let writes = Keys::new(suite, &self.pair.server, extracted.tx.0)?;
            Some((reads, writes))
        });
        let Some((reads, writes)) = keys else {
            out.clear();
            return Progress::Failed(Error::General("the secrets are not the suite's".into()));
        };
        let mut session = Session::new(reads, writes);
        session.keep(&self.incoming[self.seen..]);
        Progress::Done(session)
    }

    /// Lets rustls say why it has failed, if it wants to: asked once more, it would fail once more.
    fn fail(mut self: Box<Self>, error: Error, out: &mut Vec<u8>) -> Progress {
        let seen = &mut self.incoming[..self.seen];
        let last = self.connection.process_tls_records(seen).state;
        if let Ok(alert @ ConnectionState::EncodeTlsData(_)) = last
            && let Err(error) = progress(alert, out)
        {
            return Progress::Failed(error);
        }
        Progress::Failed(error)
    }
}

/// Does what rustls asks for; returns whether the handshake is over, once more has to come for more.
fn progress(
    state: ConnectionState<'_, '_, ServerConnectionData>,
    out: &mut Vec<u8>,
) -> Result<Option<bool>, Error> {
    match state {
        ConnectionState::EncodeTlsData(mut data) => {
            let start = out.len();
            let length = match data.encode(&mut []) {
                Err(EncodeError::InsufficientSize(needed)) => needed.required_size,
                _ => 0,
            };
            out.resize(start + length, 0);
            let written = data.encode(&mut out[start..]);
            written.map_err(|error| Error::General(error.to_string()))?;
            Ok(None)
        }
        ConnectionState::TransmitTlsData(data) => {
            data.done();
            Ok(None)
        }
        ConnectionState::BlockedHandshake => Ok(Some(false)),
        ConnectionState::WriteTraffic(_) => Ok(Some(true)),
        // Nothing but the handshake is handed to it.
        _ => Err(Error::HandshakeNotComplete),
    }
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake")
            .field("taken", &self.taken)
            .finish_non_exhaustive()
    }
}
