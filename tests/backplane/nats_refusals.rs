//! What is said where a NATS server is not as it has to be.

use chatroom::backplane::nats::Options;
use chatroom::backplane::nats::credentials::Credentials;

use crate::nats_server::{Heard, Nats, Node, options};

/// The seed of a user's key, and its public half.
const SEED: &str = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";

#[track_caller]
fn expect_problem(nats: &Nats, options: Options, words: &str, for_good: bool) {
    let mut node = Node::new(options, &[nats.address()]);
    let problem = node.first_problem();
    assert!(
        problem.0.contains(words) && problem.1 == for_good,
        "{problem:?}"
    );
}

fn with(credentials: Credentials) -> Options {
    Options {
        credentials,
        ..options("lobby")
    }
}

fn password(password: &str) -> Options {
    with(Credentials::Password {
        user: "room".to_owned(),
        password: password.to_owned().into(),
    })
}

#[test]
fn wrong_credentials_are_told() {
    let Some(nats) = Nats::start_with(&["-js", "--user", "room", "--pass", "secret"], "") else {
        return;
    };
    for wrong in [
        options("lobby"),
        password("Secret"),
        with(Credentials::Token("x".to_owned().into())),
    ] {
        expect_problem(&nats, wrong, "doesn't let us in", true);
    }
    Node::up(password("secret"), &[nats.address()]);
}

#[test]
fn a_token_lets_us_in() {
    let Some(nats) = Nats::start_with(&["-js", "--auth", "s3cret"], "") else {
        return;
    };
    expect_problem(
        &nats,
        with(Credentials::Token("other".to_owned().into())),
        "doesn't let us in",
        true,
    );
    Node::up(
        with(Credentials::Token("s3cret".to_owned().into())),
        &[nats.address()],
    );
}

#[test]
fn a_key_signs_what_the_server_wants() {
    let public = {
        // What the server is told is what it has to know.
        let shown = format!("{:?}", Credentials::parse(SEED).unwrap());
        assert_eq!(shown, "Key");
        public_key()
    };
    let configuration =
        format!("jetstream {{}}\nauthorization {{ users = [ {{ nkey: {public} }} ] }}\n");
    let Some(nats) = Nats::start_with(&[], &configuration) else {
        return;
    };
    Node::up(with(Credentials::parse(SEED).unwrap()), &[nats.address()]);
    expect_problem(&nats, options("lobby"), "doesn't let us in", true);
}

/// Returns the public half of the seed, as nkeys writes it, by other means than the client's.
fn public_key() -> String {
    use data_encoding::BASE32_NOPAD;
    use ring::signature::{Ed25519KeyPair, KeyPair};
    let seed = BASE32_NOPAD.decode(SEED.as_bytes()).unwrap();
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed[2..34]).unwrap();
    let mut bytes = vec![20 << 3];
    bytes.extend_from_slice(pair.public_key().as_ref());
    let mut sum = 0_u16;
    for byte in &bytes {
        sum ^= u16::from(*byte) << 8;
        for _ in 0..8 {
            sum = if sum & 0x8000 == 0 {
                sum << 1
            } else {
                (sum << 1) ^ 0x1021
            };
        }
    }
    bytes.extend_from_slice(&sum.to_le_bytes());
    BASE32_NOPAD.encode(&bytes)
}

#[test]
fn a_server_without_jetstream_is_told() {
    let Some(nats) = Nats::start_with(&[], "") else {
        return;
    };
    expect_problem(
        &nats,
        options("lobby"),
        "has no JetStream; start it with -js",
        true,
    );
}

#[test]
fn more_replicas_than_servers_are_told() {
    let Some(nats) = Nats::start() else { return };
    let three = Options {
        replicas: 3,
        ..options("lobby")
    };
    expect_problem(
        &nats,
        three,
        "with 3 replicas: replicas > 1 not supported",
        true,
    );
}

#[test]
fn a_server_of_small_messages_is_told() {
    let Some(nats) = Nats::start_with(&["-js"], "max_payload: 65536\n") else {
        return;
    };
    expect_problem(&nats, options("lobby"), "max_payload", true);
}

#[test]
fn a_server_without_room_is_told() {
    let Some(nats) = Nats::start_with(
        &[],
        "jetstream { max_file_store: 10MB, max_memory_store: 1MB }\n",
    ) else {
        return;
    };
    let much = Options {
        max_bytes: Some(1 << 30),
        ..options("lobby")
    };
    expect_problem(&nats, much, "can't make the stream chatroom_lobby", true);
}

#[test]
fn an_account_that_may_not_is_told() {
    let configuration = "jetstream {}\nauthorization { users = [ { user: room, password: secret, \
                         permissions: { publish: [\"chatroom.>\"], subscribe: [\">\"] } } ] }\n";
    let Some(nats) = Nats::start_with(&[], configuration) else {
        return;
    };
    expect_problem(&nats, password("secret"), "Permissions Violation", true);
}

#[test]
fn what_is_no_nats_server_is_told() {
    use std::io::Write;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let other = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"220 mail.example.org ESMTP\r\n").unwrap();
        stream
    });
    let mut node = Node::new(options("lobby"), &[address]);
    let problem = node.first_problem();
    assert!(
        problem.0.contains("doesn't speak as a NATS server does"),
        "{problem:?}"
    );
    drop(other.join().unwrap());
}

#[test]
fn a_stream_of_that_name_that_is_not_ours_is_told() {
    use std::io::{Read, Write};
    let Some(nats) = Nats::start() else { return };
    for (room, config) in [
        ("one", r#"{"name":"chatroom_one","subjects":["orders.>"]}"#),
        (
            "two",
            r#"{"name":"chatroom_two","subjects":["chatroom.two.events"],"retention":"workqueue"}"#,
        ),
        (
            "three",
            r#"{"name":"mine","subjects":["chatroom.three.>"]}"#,
        ),
        (
            "four",
            r#"{"name":"chatroom_four_state","subjects":["chatroom.four.state.>"]}"#,
        ),
    ] {
        let name = config.split('"').nth(3).unwrap();
        let mut other = std::net::TcpStream::connect(nats.address()).unwrap();
        write!(
            other,
            "CONNECT {{\"verbose\":false}}\r\nSUB answer 1\r\nPUB $JS.API.STREAM.CREATE.{name} answer {}\r\n{config}\r\n",
            config.len()
        )
        .unwrap();
        let mut answered = String::new();
        while !answered.contains("stream_create_response") {
            let mut bytes = [0; 4096];
            let read = other.read(&mut bytes).unwrap();
            answered.push_str(&String::from_utf8_lossy(&bytes[..read]));
        }
        assert!(!answered.contains("\"error\""), "{answered}");
        let mut node = Node::new(options(room), &[nats.address()]);
        let (why, for_good) = node.first_problem();
        let words = if room == "three" {
            "overlap"
        } else {
            "it isn't ours"
        };
        assert!(why.contains(words) && for_good, "{room}: {why}");
    }
}

#[test]
fn a_stream_that_differs_is_used_and_the_difference_told() {
    let Some(nats) = Nats::start() else { return };
    Node::up(options("lobby"), &[nats.address()]);
    let other = Options {
        max_bytes: Some(1_000_000),
        ..options("lobby")
    };
    let (mut node, ..) = Node::up(other, &[nats.address()]);
    let remarks = node.client.take_remarks();
    assert_eq!(
        remarks,
        ["the stream chatroom_lobby stays as it was made: 3600 s, -1 bytes, 1 replicas"]
    );
    assert!(matches!(node.next_heard(), Heard::Snapshot(_)));
}
