//! Members who speak TLS: the handshake by rustls, and from then on records opened with a key that is set
//! up once, so that the load's core is not the one that is measured. Every record is opened, and its tag
//! checked.

#[path = "../../tests/tls/anybody.rs"]
pub(crate) mod anybody;

use std::io::{ErrorKind, Read, Write};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use chatroom::layer::tls::record::{self, CONTENT_BYTES_MAX, Content, HEADER_BYTES};
use mio::net::TcpStream;
use ring::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, ConnectionTrafficSecrets};

/// How long a handshake may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// One direction. Its keys are never changed: no talk is as long as that.
#[derive(Debug)]
struct Direction {
    key: LessSafeKey,
    iv: [u8; 12],
    sequence: u64,
}

impl Direction {
    fn new((sequence, secrets): (u64, ConnectionTrafficSecrets)) -> Self {
        let (algorithm, key, iv) = match &secrets {
            ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (&aead::AES_128_GCM, key, iv),
            ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (&aead::AES_256_GCM, key, iv),
            ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => {
                (&aead::CHACHA20_POLY1305, key, iv)
            }
            _ => panic!("a suite of TLS 1.3"),
        };
        Self {
            key: LessSafeKey::new(UnboundKey::new(algorithm, key.as_ref()).unwrap()),
            iv: iv.as_ref().try_into().unwrap(),
            sequence,
        }
    }

    fn next_nonce(&mut self) -> Nonce {
        let mut nonce = self.iv;
        for (byte, of_number) in nonce[4..].iter_mut().zip(self.sequence.to_be_bytes()) {
            *byte ^= of_number;
        }
        self.sequence += 1;
        Nonce::assume_unique_for_key(nonce)
    }
}

/// What one member seals and opens with.
#[derive(Debug)]
pub(crate) struct Seal {
    reads: Direction,
    writes: Direction,
    /// The start of a record.
    partial: Vec<u8>,
}

impl Seal {
    /// Shakes hands over `stream`. Where `greeted`, the server says a line before.
    pub(crate) fn new(stream: &mut TcpStream, greeted: bool) -> Self {
        let mut wire = Blocking(stream, Instant::now() + PATIENCE);
        while greeted && wire.byte() != b'\n' {}
        let name = ServerName::try_from("localhost").unwrap();
        let mut client = ClientConnection::new(Arc::clone(&CONFIG), name).unwrap();
        while client.is_handshaking() {
            while client.wants_write() {
                client.write_tls(&mut wire).unwrap();
            }
            if client.is_handshaking() {
                // Record by record: what comes behind the handshake is not for rustls.
                let mut record = vec![0; HEADER_BYTES];
                wire.read_exact(&mut record).unwrap();
                let length = usize::from(u16::from_be_bytes([record[3], record[4]]));
                record.resize(HEADER_BYTES + length, 0);
                wire.read_exact(&mut record[HEADER_BYTES..]).unwrap();
                client.read_tls(&mut &record[..]).unwrap();
                client.process_new_packets().expect("a proper handshake");
            }
        }
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        let secrets = client.dangerous_extract_secrets().unwrap();
        Self {
            reads: Direction::new(secrets.rx),
            writes: Direction::new(secrets.tx),
            partial: Vec::new(),
        }
    }

    /// Seals `bytes`, behind what is in `out`.
    pub(crate) fn seal(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for piece in bytes.chunks(CONTENT_BYTES_MAX) {
            let start = out.len();
            let header = record::header(piece.len() + 1 + 16);
            out.extend(header);
            out.extend(piece);
            out.push(Content::Data as u8);
            let sealed = &mut out[start + HEADER_BYTES..];
            let nonce = self.writes.next_nonce();
            let key = &self.writes.key;
            let tag = key
                .seal_in_place_separate_tag(nonce, Aad::from(header), sealed)
                .unwrap();
            out.extend(tag.as_ref());
        }
    }

    /// Returns how many bytes of a record have come whose end has not.
    pub(crate) fn partial_len(&self) -> usize {
        self.partial.len()
    }

    /// Puts those to the front of `buffer`.
    pub(crate) fn put_partial(&mut self, buffer: &mut [u8]) {
        buffer[..self.partial.len()].copy_from_slice(&self.partial);
        self.partial.clear();
    }

    /// Opens what has come, and returns how many bytes of plaintext are at the front of `bytes` then.
    pub(crate) fn open(&mut self, bytes: &mut [u8]) -> usize {
        let (mut at, mut plain) = (0, 0);
        while let Some(length) = record::length(&bytes[at..]).expect("a record") {
            if bytes.len() < at + length {
                break;
            }
            let (header, sealed) = bytes[at..at + length].split_at_mut(HEADER_BYTES);
            let nonce = self.reads.next_nonce();
            let opened = self
                .reads
                .key
                .open_in_place(nonce, Aad::from(&*header), sealed);
            let (content, inner) = record::content(opened.expect("a whole record")).unwrap();
            // Tickets are no use here, and an alert is followed by the end.
            if content == Content::Data {
                let start = at + HEADER_BYTES;
                bytes.copy_within(start..start + inner, plain);
                plain += inner;
            }
            at += length;
        }
        self.partial.extend_from_slice(&bytes[at..]);
        plain
    }
}

/// A stream that is waited for: handshakes are not what is measured.
struct Blocking<'a>(&'a mut TcpStream, Instant);

impl Blocking<'_> {
    fn byte(&mut self) -> u8 {
        let mut byte = [0];
        self.read_exact(&mut byte).unwrap();
        byte[0]
    }

    fn wait(&self, error: &std::io::Error) {
        let soon = [ErrorKind::WouldBlock, ErrorKind::NotConnected];
        assert!(soon.contains(&error.kind()), "{error}");
        assert!(Instant::now() < self.1, "a handshake takes too long");
        std::thread::yield_now();
    }
}

impl Read for Blocking<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        loop {
            match self.0.read(bytes) {
                Err(error) => self.wait(&error),
                result => return result,
            }
        }
    }
}

impl Write for Blocking<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        loop {
            match self.0.write(bytes) {
                Ok(count) => return Ok(count),
                Err(error) => self.wait(&error),
            }
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

static CONFIG: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
    let mut config = anybody::config();
    config.enable_secret_extraction = true;
    Arc::new(config)
});
