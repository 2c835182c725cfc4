//! A client of rustls, and two servers that hear the same bytes: rustls' own, and ours.

use std::io::{IoSlice, Read, Write};
use std::sync::{Arc, Mutex};

use chatroom::layer::tls::alert::End;
use chatroom::layer::tls::keys::{Keys, Suite};
use chatroom::layer::tls::record::RECORD_BYTES_MAX;
use chatroom::layer::tls::session::Session;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncodeError, UnbufferedStatus};
use rustls::{
    CipherSuite, ClientConfig, ClientConnection, KeyLog, RootCertStore, ServerConfig,
    SupportedCipherSuite,
};

/// The suites of TLS 1.3.
pub(crate) const SUITES: [CipherSuite; 3] = [
    CipherSuite::TLS13_AES_128_GCM_SHA256,
    CipherSuite::TLS13_AES_256_GCM_SHA384,
    CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
];

#[derive(Debug, Default)]
struct Secrets(Mutex<[Vec<u8>; 2]>);

impl KeyLog for Secrets {
    fn log(&self, label: &str, _: &[u8], secret: &[u8]) {
        match label {
            "CLIENT_TRAFFIC_SECRET_0" => self.0.lock().unwrap()[0] = secret.to_vec(),
            "SERVER_TRAFFIC_SECRET_0" => self.0.lock().unwrap()[1] = secret.to_vec(),
            _ => {}
        }
    }
}

/// Returns a configuration for each side that speaks only `suite`.
pub(crate) fn configs(suite: CipherSuite) -> (ServerConfig, ClientConfig) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let mut provider = ring::default_provider();
    provider
        .cipher_suites
        .retain(|supported: &SupportedCipherSuite| supported.suite() == suite);
    let provider = Arc::new(provider);
    let versions = &[&rustls::version::TLS13];
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (server, client)
}

/// Returns a client that has sent nothing yet.
pub(crate) fn client(config: ClientConfig) -> ClientConnection {
    let name = ServerName::try_from("localhost").unwrap();
    ClientConnection::new(Arc::new(config), name).unwrap()
}

/// Returns what the client has to send.
pub(crate) fn sent(client: &mut ClientConnection) -> Vec<u8> {
    let mut bytes = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut bytes).unwrap();
    }
    bytes
}

/// Hands `bytes` to the client, and returns what it reads of them, and whether it has failed.
pub(crate) fn hear(client: &mut ClientConnection, mut bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut heard = Vec::new();
    while !bytes.is_empty() {
        client.read_tls(&mut bytes).unwrap();
        if client.process_new_packets().is_err() {
            return (heard, true);
        }
        // The end of what there is to read is an error unless it was closed.
        client.reader().read_to_end(&mut heard).unwrap_or_default();
    }
    (heard, false)
}

/// What one server has made of what it was sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) text: Vec<u8>,
    /// It has been closed in order.
    pub(crate) closed: bool,
    /// It has failed.
    pub(crate) failed: bool,
}

/// rustls' own server.
pub(crate) struct Oracle {
    connection: UnbufferedServerConnection,
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
    pub(crate) heard: Heard,
}

impl Oracle {
    /// Hears `bytes`.
    pub(crate) fn hear(&mut self, bytes: &[u8]) {
        self.incoming.extend_from_slice(bytes);
        while !self.heard.failed {
            let UnbufferedStatus { discard, state } =
                self.connection.process_tls_records(&mut self.incoming);
            let more = match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        self.heard.text.extend_from_slice(record.unwrap().payload);
                    }
                    true
                }
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    let start = self.outgoing.len();
                    let Err(EncodeError::InsufficientSize(needed)) = data.encode(&mut []) else {
                        panic!("nothing to encode");
                    };
                    self.outgoing.resize(start + needed.required_size, 0);
                    data.encode(&mut self.outgoing[start..]).unwrap();
                    true
                }
                Ok(ConnectionState::TransmitTlsData(data)) => {
                    data.done();
                    true
                }
                Ok(ConnectionState::PeerClosed) => {
                    self.heard.closed = true;
                    true
                }
                Ok(_) => false,
                Err(_) => {
                    self.heard.failed = true;
                    false
                }
            };
            self.incoming.drain(..discard);
            if !more {
                break;
            }
        }
    }
}

/// Our server.
#[derive(Debug)]
pub(crate) struct Ours {
    pub(crate) session: Session,
    pub(crate) heard: Heard,
}

impl Ours {
    /// Hears `bytes`.
    pub(crate) fn hear(&mut self, mut bytes: &[u8]) {
        let mut buffer = vec![0; 2 * RECORD_BYTES_MAX];
        while !bytes.is_empty() && self.session.end().is_none() {
            let kept = self.session.put_partial(&mut buffer);
            let length = bytes.len().min(buffer.len() - kept);
            buffer[kept..kept + length].copy_from_slice(&bytes[..length]);
            bytes = &bytes[length..];
            let opened = self.session.open(&mut buffer[..kept + length]);
            self.heard.text.extend_from_slice(&buffer[..opened.bytes]);
        }
        match self.session.end() {
            Some(End::Closed) => self.heard.closed = true,
            Some(_) => self.heard.failed = true,
            None => {}
        }
    }

    /// Hears what came together with the end of the handshake.
    pub(crate) fn hear_kept(&mut self) {
        let mut buffer = vec![0; 2 * RECORD_BYTES_MAX];
        let kept = self.session.put_partial(&mut buffer);
        let opened = self.session.open(&mut buffer[..kept]);
        self.heard.text.extend_from_slice(&buffer[..opened.bytes]);
    }

    /// Says `text`, and returns it sealed.
    pub(crate) fn say(&mut self, mut text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        loop {
            let (head, tail) = text.split_at(text.len() / 3);
            let pieces = [IoSlice::new(head), IoSlice::new(tail)];
            let taken = self.session.seal(&pieces, &mut out).unwrap();
            text = &text[taken..];
            if text.is_empty() {
                return out;
            }
        }
    }
}

/// Returns a client and both servers, of a handshake that is over.
pub(crate) fn pair(suite: CipherSuite) -> (ClientConnection, Oracle, Ours) {
    let (mut server, client_config) = configs(suite);
    let secrets = Arc::new(Secrets::default());
    let key_log: Arc<Secrets> = Arc::clone(&secrets);
    server.key_log = key_log;
    // Records that the client would have to count.
    server.send_tls13_tickets = 0;
    let mut client = client(client_config);
    let mut oracle = Oracle {
        connection: UnbufferedServerConnection::new(Arc::new(server)).unwrap(),
        incoming: Vec::new(),
        outgoing: Vec::new(),
        heard: Heard::default(),
    };
    for _ in 0..2 {
        let bytes = sent(&mut client);
        oracle.hear(&bytes);
        let (heard, failed) = hear(&mut client, &std::mem::take(&mut oracle.outgoing));
        assert!(heard.is_empty() && !failed);
    }
    assert!(!client.is_handshaking() && oracle.heard == Heard::default());
    let suite = Suite::of(suite).unwrap();
    let [reads, writes] = secrets
        .0
        .lock()
        .unwrap()
        .each_ref()
        .map(|secret| Keys::new(suite, secret, 0).unwrap());
    let session = Session::new(reads, writes);
    let ours = Ours {
        session,
        heard: Heard::default(),
    };
    (client, oracle, ours)
}

/// Lets the client say `text`.
pub(crate) fn say(client: &mut ClientConnection, text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let taken = client.writer().write(rest).unwrap();
        rest = &rest[taken..];
        bytes.extend(sent(client));
    }
    bytes
}
