//! A made-up room over TLS: what goes over its connections, sealed by rustls.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use rustls::crypto::{CryptoProvider, SupportedKxGroup, ring};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, ConnectionCommon, KeyLog, RootCertStore, ServerConfig,
    ServerConnection, SupportedCipherSuite,
};

use super::house::Made;

/// The lines that a client logs.
#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<String>);

impl KeyLog for Log {
    fn log(&self, label: &str, random: &[u8], secret: &[u8]) {
        let mut text = self.0.lock().unwrap();
        let hex = |bytes: &[u8]| {
            bytes.iter().fold(String::new(), |mut text, byte| {
                write!(text, "{byte:02x}").unwrap();
                text
            })
        };
        writeln!(text, "{label} {} {}", hex(random), hex(secret)).unwrap();
    }
}

/// Seals what goes over connections.
pub(crate) struct Sealer {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    log: Arc<Log>,
    connections: HashMap<u16, (ClientConnection, ServerConnection)>,
    /// After so many steps both sides change their keys.
    update_every: usize,
}

impl Sealer {
    /// Returns one whose clients offer these suites, and whose servers take these groups.
    pub(crate) fn new(
        suites: &[SupportedCipherSuite],
        groups: &[&'static dyn SupportedKxGroup],
    ) -> Self {
        let provider = ring::default_provider();
        let of_client = CryptoProvider {
            cipher_suites: suites.to_vec(),
            ..provider.clone()
        };
        let of_server = CryptoProvider {
            kx_groups: groups.to_vec(),
            ..provider
        };
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let certificate = made.cert.der().clone();
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let mut client = ClientConfig::builder_with_provider(Arc::new(of_client))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let log = Arc::new(Log::default());
        let key_log: Arc<Log> = Arc::clone(&log);
        client.key_log = key_log;
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let server = ServerConfig::builder_with_provider(Arc::new(of_server))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        Self {
            client: Arc::new(client),
            server: Arc::new(server),
            log,
            connections: HashMap::new(),
            update_every: usize::MAX,
        }
    }

    /// Returns one for a suite, of which both sides know all groups.
    pub(crate) fn with(suite: SupportedCipherSuite) -> Self {
        Self::new(&[suite], ring::ALL_KX_GROUPS)
    }

    /// Lets both sides change their keys after so many steps.
    pub(crate) fn updating(self, update_every: usize) -> Self {
        Self {
            update_every,
            ..self
        }
    }

    /// Returns the lines that were logged.
    pub(crate) fn key_log(&self) -> String {
        self.log.0.lock().unwrap().clone()
    }

    /// Returns the steps with what goes over the connections of the ports that `seals` picks sealed,
    /// and for each step which one it has become, or the last of them.
    pub(crate) fn seal(
        &mut self,
        steps: &[Made],
        seals: impl Fn(u16) -> bool,
    ) -> (Vec<Made>, Vec<usize>) {
        let mut sealed = Vec::new();
        let mut places = Vec::new();
        for (at, step) in steps.iter().enumerate() {
            let (Made::Open(port) | Made::Up(port, _) | Made::Down(port, _) | Made::Close(port)) =
                *step;
            if seals(port) {
                self.step(port, step, &mut sealed);
                if at % self.update_every == self.update_every - 1
                    && let Some((client, server)) = self.connections.get_mut(&port)
                {
                    client.refresh_traffic_keys().unwrap();
                    server.refresh_traffic_keys().unwrap();
                }
            } else {
                sealed.push(step.clone());
            }
            places.push(sealed.len() - 1);
        }
        (sealed, places)
    }

    fn step(&mut self, port: u16, step: &Made, sealed: &mut Vec<Made>) {
        if let Made::Open(_) = step {
            sealed.push(step.clone());
            self.shake_hands(port, sealed);
            return;
        }
        let (client, server) = self.connections.get_mut(&port).unwrap();
        match step {
            Made::Up(_, bytes) => {
                std::io::Write::write_all(&mut client.writer(), bytes).unwrap();
                sealed.push(Made::Up(port, written(client)));
            }
            Made::Down(_, bytes) => {
                std::io::Write::write_all(&mut server.writer(), bytes).unwrap();
                sealed.push(Made::Down(port, written(server)));
            }
            _ => {
                client.send_close_notify();
                sealed.push(Made::Up(port, written(client)));
                server.send_close_notify();
                sealed.push(Made::Down(port, written(server)));
                sealed.push(step.clone());
                self.connections.remove(&port);
            }
        }
    }

    fn shake_hands(&mut self, port: u16, sealed: &mut Vec<Made>) {
        let name = ServerName::try_from("localhost").unwrap();
        let mut client = ClientConnection::new(Arc::clone(&self.client), name).unwrap();
        let mut server = ServerConnection::new(Arc::clone(&self.server)).unwrap();
        loop {
            let up = written(&mut client);
            read(&mut server, &up);
            let down = written(&mut server);
            read(&mut client, &down);
            if up.is_empty() && down.is_empty() {
                break;
            }
            for (bytes, way) in [
                (up, Made::Up as fn(u16, Vec<u8>) -> Made),
                (down, Made::Down),
            ] {
                if !bytes.is_empty() {
                    sealed.push(way(port, bytes));
                }
            }
        }
        assert!(!client.is_handshaking() && !server.is_handshaking());
        self.connections.insert(port, (client, server));
    }
}

/// Returns what a side wants to send.
fn written<D>(connection: &mut ConnectionCommon<D>) -> Vec<u8> {
    let mut bytes = Vec::new();
    while connection.wants_write() {
        connection.write_tls(&mut bytes).unwrap();
    }
    bytes
}

fn read<D>(connection: &mut ConnectionCommon<D>, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        connection.read_tls(&mut bytes).unwrap();
        connection.process_new_packets().unwrap();
    }
}
