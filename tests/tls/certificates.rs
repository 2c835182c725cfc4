//! The life of a certificate: read, read anew under way, bad ones refused, the end warned of.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use chatroom::layer::tls::fingerprint::fingerprint;

use super::common::{Server, Signal, chatroom};
use super::person::{Person, config, serve};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};

/// Writes a certificate that ends after `days`, and its key; returns its fingerprint.
fn write_pair(directory: &Path, kind: &'static rcgen::SignatureAlgorithm, days: i64) -> String {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_after = time::OffsetDateTime::now_utc() + time::Duration::days(days);
    let key = KeyPair::generate_for(kind).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let [chain_file, key_file] = files(directory);
    fs::write(chain_file, certificate.pem()).unwrap();
    fs::write(&key_file, key.serialize_pem()).unwrap();
    fs::set_permissions(key_file, fs::Permissions::from_mode(0o600)).unwrap();
    fingerprint(certificate.der())
}

fn files(directory: &Path) -> [PathBuf; 2] {
    [directory.join("cert.pem"), directory.join("key.pem")]
}

#[track_caller]
fn start(directory: &Path) -> Server {
    let [chain, key] = files(directory).map(|path| path.to_str().unwrap().to_owned());
    let tls = "tls://127.0.0.1:0";
    Server::start(&["--listen", tls, "--tls-cert", &chain, "--tls-key", &key])
}

/// Returns the fingerprint of the certificate that a newcomer is shown.
fn shown(server: &Server) -> String {
    let mut person = Person::connect(server.tls_address());
    person.expect(super::common::PROMPT);
    let certificates = person.tls.conn.peer_certificates().unwrap();
    let shown = fingerprint(&certificates[0]);
    person.finish();
    shown
}

#[test]
fn hup_reads_a_good_pair_and_keeps_the_old_one_where_it_is_bad() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let first = write_pair(path, &PKCS_ECDSA_P256_SHA256, 365);
    let mut server = start(path);
    let mut ali = Person::join(server.tls_address(), "ali");
    assert_eq!(shown(&server), first);
    let second = write_pair(path, &PKCS_ED25519, 365);
    server.signal(Signal::HUP);
    server.expect_log(&format!("The certificate was read anew: {second}"));
    assert_eq!(shown(&server), second);
    let [chain, key] = files(path);
    let good = fs::read(&key).unwrap();
    // Of another certificate.
    fs::write(&key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    server.signal(Signal::HUP);
    expect_kept(&mut server);
    fs::write(&key, "nothing").unwrap();
    server.signal(Signal::HUP);
    expect_kept(&mut server);
    fs::write(&key, good).unwrap();
    fs::remove_file(&chain).unwrap();
    server.signal(Signal::HUP);
    expect_kept(&mut server);
    assert_eq!(shown(&server), second);
    // Nobody has noticed.
    let mut bob = server.join("bob");
    bob.say("hello");
    ali.expect("bob: hello");
    ali.say("hi");
    bob.expect("ali: hi");
}

/// Somebody talks on without a pause, and others are in the middle of their handshakes, whatever is
/// read anew.
#[test]
fn hup_under_load_drops_nobody_and_no_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let mut current = write_pair(path, &PKCS_ECDSA_P256_SHA256, 365);
    let mut server = start(path);
    let mut ali = Person::join(server.tls_address(), "ali");
    let mut bob = Person::join(server.tls_address(), "bob");
    let mut carl = server.join("carl");
    let [chain, key] = files(path);
    for round in 0..12 {
        let (good_chain, good_key) = (fs::read(&chain).unwrap(), fs::read(&key).unwrap());
        // Halfway, with the certificate of before.
        let mut halfway = Person::connect(server.tls_address());
        halfway.tls.conn.write_tls(&mut halfway.tls.sock).unwrap();
        let is_good = round % 4 == 0;
        match round % 4 {
            0 => {
                let kind = [&PKCS_ED25519, &PKCS_ECDSA_P256_SHA256][round / 4 % 2];
                current = write_pair(path, kind, 365);
            }
            1 => fs::write(&key, KeyPair::generate().unwrap().serialize_pem()).unwrap(),
            2 => fs::write(&chain, "-----BEGIN CERTIFICATE-----\nAAAA\n").unwrap(),
            _ => fs::remove_file(&key).unwrap(),
        }
        let said = |number: usize| format!("{round} {number} {}", "x".repeat(200));
        (0..60).for_each(|number| ali.say(&said(number)));
        server.signal(Signal::HUP);
        (60..120).for_each(|number| ali.say(&said(number)));
        let newcomer = format!("u{round}");
        halfway.enter(&newcomer);
        if is_good {
            server.expect_log(&format!("The certificate was read anew: {current}"));
        } else {
            expect_kept(&mut server);
            fs::write(&chain, good_chain).unwrap();
            fs::write(&key, good_key).unwrap();
        }
        assert_eq!(shown(&server), current, "round {round}");
        halfway.finish();
        for number in 0..120 {
            let line = format!("ali: {}", said(number));
            let mut heard = bob.line().unwrap().unwrap();
            if heard.starts_with(&newcomer) {
                heard = bob.line().unwrap().unwrap();
            }
            assert_eq!(heard, line);
            let mut heard = carl.line();
            if heard.starts_with(&newcomer) {
                heard = carl.line();
            }
            assert_eq!(heard, line);
        }
        // What is left of the round: that the newcomer has left.
        bob.say("/who");
        while !bob.line().unwrap().unwrap().starts_with("* Here (3)") {}
        carl.say("/who");
        while !carl.line().starts_with("* Here (3)") {}
    }
}

/// Waits until the log says that the certificate stays.
#[track_caller]
fn expect_kept(server: &mut Server) {
    let start = "The certificate stays the old one: ";
    server.expect_log_with(|text| text.starts_with(start));
}

#[test]
fn a_certificate_that_ends_soon_is_warned_of_at_start() {
    let directory = tempfile::tempdir().unwrap();
    write_pair(directory.path(), &PKCS_ED25519, 5);
    let mut server = start(directory.path());
    server.expect_log_with(|text| text.contains("expires on") && text.contains("in 4 days"));
    write_pair(directory.path(), &PKCS_ED25519, -1);
    server.signal(Signal::HUP);
    server.expect_log_with(|text| text.contains("has expired on"));
}

#[test]
fn a_key_that_others_can_read_is_warned_of() {
    let directory = tempfile::tempdir().unwrap();
    write_pair(directory.path(), &PKCS_ED25519, 365);
    let [_, key] = files(directory.path());
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let server = start(directory.path());
    let warns = |text: &String| text.contains("can be read by others (mode 644)");
    assert!(server.texts().iter().any(warns), "{:?}", server.texts());
}

#[test]
fn a_server_without_a_usable_certificate_says_why_and_does_not_start() {
    let directory = tempfile::tempdir().unwrap();
    let [chain, key] = files(directory.path());
    let run = |arguments: &[&Path]| {
        let mut command = chatroom();
        command.args(["serve", "--listen", "tls://127.0.0.1:0", "--tls-cert"]);
        let output = command.args(arguments).output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, why) = run(&[&chain, Path::new("--tls-key"), &key]);
    assert!(code == Some(1) && why.contains("cert.pem"), "{why}");
    let (code, why) = run(&[&chain]);
    assert!(code == Some(2) && why.contains("--tls-key"), "{why}");
}

#[test]
fn a_certificate_of_our_own_stays_the_same() {
    let (mut server, directory) = serve(&[]);
    let fingerprint = shown(&server);
    let line = format!("the certificate's SHA-256: {fingerprint}");
    assert!(server.texts().contains(&line));
    server.stop();
    let path = directory.path().to_str().unwrap();
    let server = Server::start(&["--listen", "tls://127.0.0.1:0", "--tls-dir", path]);
    assert_eq!(shown(&server), fingerprint);
}

#[test]
fn who_comes_back_resumes_with_a_ticket() {
    let (server, _directory) = serve(&[]);
    let config = config();
    for expected in [
        rustls::HandshakeKind::Full,
        rustls::HandshakeKind::Resumed,
        rustls::HandshakeKind::Resumed,
    ] {
        let stream = std::net::TcpStream::connect(server.tls_address()).unwrap();
        let mut person = Person::over(stream, config.clone());
        person.enter("ali");
        assert_eq!(person.tls.conn.handshake_kind(), Some(expected));
        person.finish();
    }
}
