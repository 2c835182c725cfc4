//! TLS from whatever bytes: a handshake never panics and never comes about by itself; of a session
//! that is tampered with, only what was said is heard.

use std::io::IoSlice;
use std::sync::OnceLock;

use chatroom::layer::proxy;
use chatroom::layer::tls::alert::{Alert, End};
use chatroom::layer::tls::handshake::{Config, Handshake, Progress};
use chatroom::layer::tls::keys::{Keys, Suite};
use chatroom::layer::tls::record::RECORD_BYTES_MAX;
use chatroom::layer::tls::session::{IDLE_RECORDS_MAX, Session};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;

/// The first byte says what the rest is: for a handshake, for a session, or of a proxy; the second
/// how it is cut.
pub(crate) fn run(input: &[u8]) {
    let [kind, cut, rest @ ..] = input else {
        return;
    };
    let piece = 1 + usize::from(*cut);
    match kind % 3 {
        0 => shake_hands(rest, piece),
        1 => tamper(rest, piece),
        _ => hear_proxy(rest),
    }
}

fn config() -> &'static Config {
    static CONFIG: OnceLock<Config> = OnceLock::new();
    CONFIG.get_or_init(|| {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = rustls::crypto::ring::default_provider().into();
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        Config::new(config)
    })
}

fn shake_hands(bytes: &[u8], piece: usize) {
    let mut handshake = Box::new(Handshake::new(config()).unwrap());
    let mut out = Vec::new();
    for part in bytes.chunks(piece) {
        match handshake.go_on(part, &mut out) {
            Progress::Waiting(waiting) => handshake = waiting,
            Progress::Failed(_) => break,
            Progress::Done(_) => panic!("nobody can finish without having read"),
        }
    }
    assert!(out.len() < 64 * 1024);
}

/// Returns both ends of a session.
fn sessions() -> [Session; 2] {
    let suite = Suite::ChaCha20;
    let keys = |byte| Keys::new(suite, &vec![byte; suite.secret_bytes()], 0).unwrap();
    [
        Session::new(keys(1), keys(2)),
        Session::new(keys(2), keys(1)),
    ]
}

/// The script: a length, then for each 0 says so many bytes, for 1 changes a byte so far back, for 2
/// inserts the next byte, for 3 leaves the last bytes out, for 4 closes.
fn tamper(script: &[u8], piece: usize) {
    let [mut theirs, mut ours] = sessions();
    let (mut said, mut sent) = (Vec::new(), Vec::new());
    let mut whole = true;
    // Records in a row that say nothing: those that come last, and the most.
    let (mut idle, mut idle_max) = (0, 0);
    for step in script.chunks_exact(2).take(200) {
        let number = usize::from(step[1]);
        match step[0] % 5 {
            0 => {
                let text = vec![step[1]; number * number / 2];
                if theirs.seal(&[IoSlice::new(&text)], &mut sent).is_ok() {
                    said.extend_from_slice(&text[..text.len().min(1 << 14)]);
                    idle = if text.is_empty() { idle + 1 } else { 0 };
                }
            }
            1 if number < sent.len() => {
                let at = sent.len() - 1 - number;
                sent[at] ^= step[0] | 1;
                whole = false;
            }
            2 => {
                sent.push(step[1]);
                whole = false;
            }
            3 if number > 0 => {
                sent.truncate(sent.len().saturating_sub(number));
                whole = false;
            }
            _ => {
                idle += i32::from(!theirs.is_closed());
                theirs.close(&mut sent);
            }
        }
        idle_max = idle.max(idle_max);
    }
    let heard = hear(&mut ours, &sent, piece);
    assert!(
        said.starts_with(&heard),
        "something was heard that nobody said"
    );
    if whole {
        let end = ours.end();
        // Then nothing behind them is heard.
        if idle_max > i32::from(IDLE_RECORDS_MAX) {
            assert_eq!(end, Some(End::Sent(Alert::UNEXPECTED_MESSAGE)), "a flood");
        } else {
            assert_eq!(heard, said);
            assert_eq!(end, theirs.is_closed().then_some(End::Closed));
        }
    }
}

fn hear(session: &mut Session, bytes: &[u8], piece: usize) -> Vec<u8> {
    let mut heard = Vec::new();
    let mut buffer = vec![0; RECORD_BYTES_MAX + 256];
    for part in bytes.chunks(piece) {
        if session.end().is_some() {
            break;
        }
        let kept = session.put_partial(&mut buffer);
        assert!(kept < RECORD_BYTES_MAX);
        buffer[kept..kept + part.len()].copy_from_slice(part);
        let opened = session.open(&mut buffer[..kept + part.len()]);
        heard.extend_from_slice(&buffer[..opened.bytes]);
    }
    heard
}

/// A header is known by its own bytes, whatever comes behind.
fn hear_proxy(bytes: &[u8]) {
    let Ok(Some(header)) = proxy::parse(bytes) else {
        return;
    };
    assert!(header.length <= bytes.len());
    let alone = proxy::parse(&bytes[..header.length]);
    assert_eq!(alone, Ok(Some(header)));
}
