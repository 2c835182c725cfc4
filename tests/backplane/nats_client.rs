//! A client and one NATS server that do as they should.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use chatroom::backplane::Link;

use crate::nats_server::{Heard, Nats, Node, PATIENCE, options};

/// Publishes batches `first..=last`, as many at once as the connection takes.
fn publish(node: &mut Node, first: u64, last: u64) {
    for counter in first..=last {
        node.client
            .publish(counter, 0, format!("batch {counter}").as_bytes());
        if counter % 500 == 0 {
            node.flush();
        }
    }
    node.flush();
}

/// Hears batches `first..=last` with nothing in between that is one, and returns the sequence of the
/// last.
#[track_caller]
fn expect_batches(node: &mut Node, first: u64, last: u64) -> u64 {
    let mut seqs = 0;
    for counter in first..=last {
        let heard = node.expect(|heard| matches!(heard, Heard::Batch { .. }));
        let Heard::Batch { seq, payload, .. } = heard else {
            unreachable!()
        };
        assert_eq!(
            String::from_utf8(payload).unwrap(),
            format!("batch {counter}")
        );
        assert!(seq > seqs, "{seq} comes after {seqs}");
        seqs = seq;
    }
    seqs
}

#[test]
fn what_is_published_comes_back_once_in_order_and_with_its_time() {
    let Some(nats) = Nats::start() else { return };
    let (mut node, first, last) = Node::up(options("order"), &[nats.address()]);
    assert_eq!((first, last), (1, 0));
    assert_eq!(node.next_heard(), Heard::Snapshot(Vec::new()));
    node.client.follow_from(1);
    let started = Instant::now();
    publish(&mut node, 1, 10_000);
    let last = expect_batches(&mut node, 1, 10_000);
    println!("10,000 batches there and back: {:?}", started.elapsed());
    assert_eq!(last, 10_000);
    node.client.publish(10_001, 0, b"now");
    let heard = node.expect(|heard| matches!(heard, Heard::Batch { .. }));
    let Heard::Batch { time_ms, .. } = heard else {
        unreachable!()
    };
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    assert!(now.as_millis() as u64 - time_ms < 60_000, "{time_ms}");
}

#[test]
fn the_same_batch_is_taken_once_and_another_round_again() {
    let Some(nats) = Nats::start() else { return };
    let (mut node, ..) = Node::up(options("once"), &[nats.address()]);
    node.client.follow_from(0);
    for round in [0, 0, 0, 1] {
        node.client
            .publish(7, round, format!("batch {round}").as_bytes());
    }
    node.client.publish(8, 0, b"batch 2");
    assert_eq!(expect_batches(&mut node, 0, 2), 3);
    // Another boot's are others.
    node.client.listen_as("boot2");
    node.client.publish(8, 0, b"batch 3");
    assert_eq!(expect_batches(&mut node, 3, 3), 4);
}

#[test]
fn a_node_that_comes_later_reads_from_where_it_wants() {
    let Some(nats) = Nats::start() else { return };
    let (mut early, ..) = Node::up(options("later"), &[nats.address()]);
    publish(&mut early, 1, 100);
    early.client.follow_from(1);
    expect_batches(&mut early, 1, 100);
    let (mut late, first, last) = Node::up(options("later"), &[nats.address()]);
    assert_eq!((first, last), (1, 100));
    late.client.follow_from(51);
    expect_batches(&mut late, 51, 100);
    // What comes now comes as well, and whoever follows anew gets it anew.
    publish(&mut early, 101, 110);
    expect_batches(&mut late, 101, 110);
    late.client.follow_from(90);
    expect_batches(&mut late, 90, 110);
    late.client.follow_from(111);
    publish(&mut early, 111, 111);
    expect_batches(&mut late, 111, 111);
}

#[test]
fn a_snapshot_is_got_as_it_was_put() {
    let Some(nats) = Nats::start() else { return };
    let (mut node, ..) = Node::up(options("state"), &[nats.address()]);
    assert_eq!(node.next_heard(), Heard::Snapshot(Vec::new()));
    let parts: Vec<_> = (0..5)
        .map(|part| vec![part; 512 * 1024 - 3 * usize::from(part)])
        .collect();
    node.client.put_snapshot(parts.clone());
    // While it is put, another isn't.
    node.client.put_snapshot(vec![b"other".to_vec()]);
    fetch_until(&mut node, &parts);
    let (mut other, ..) = Node::up(options("state"), &[nats.address()]);
    let first = other.next_heard();
    assert!(
        first == Heard::Snapshot(parts.clone()),
        "another node gets something else"
    );
    // A shorter one takes the place of the first parts.
    other.client.put_snapshot(vec![b"short".to_vec()]);
    let mut wanted = parts;
    wanted[0] = b"short".to_vec();
    fetch_until(&mut other, &wanted);
}

/// Asks for the snapshot until it is `wanted`: what is on its way may not be there yet.
#[track_caller]
fn fetch_until(node: &mut Node, wanted: &[Vec<u8>]) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        node.client.fetch_snapshot();
        let got = node.expect(|heard| matches!(heard, Heard::Snapshot(_)));
        let Heard::Snapshot(got) = got else {
            unreachable!()
        };
        if got == wanted {
            return;
        }
        assert!(Instant::now() < deadline, "it isn't got");
    }
}

#[test]
fn nodes_hear_each_others_beats_and_only_their_own_private_messages() {
    let Some(nats) = Nats::start() else { return };
    let (mut one, ..) = Node::up(options("private"), &[nats.address()]);
    let (mut two, ..) = Node::up(options("private"), &[nats.address()]);
    let (mut elsewhere, ..) = Node::up(options("other"), &[nats.address()]);
    two.client.listen_as("boot2");
    // What is subscribed to is known once an answer has come back.
    for node in [&mut one, &mut two, &mut elsewhere] {
        node.client.fetch_snapshot();
        node.expect(|heard| matches!(heard, Heard::Snapshot(_)));
    }
    one.client.tell("boot2", b"secret");
    one.client.tell("a.>", b"nobody");
    one.client.beat();
    one.flush();
    let told = two.expect(|heard| !matches!(heard, Heard::Snapshot(_)));
    assert_eq!(told, Heard::Told(b"secret".to_vec()));
    assert_eq!(two.next_heard(), Heard::Beat("boot1".to_owned()));
    let beat = one.expect(|heard| !matches!(heard, Heard::Snapshot(_)));
    assert_eq!(beat, Heard::Beat("boot1".to_owned()));
    two.client.tell("boot1", b"back");
    two.flush();
    assert_eq!(one.next_heard(), Heard::Told(b"back".to_vec()));
    elsewhere.client.beat();
    elsewhere.flush();
    let other = elsewhere.expect(|heard| !matches!(heard, Heard::Snapshot(_)));
    assert_eq!(other, Heard::Beat("boot1".to_owned()));
    assert_eq!(one.next_heard_within(Duration::from_millis(50)), None);
}

#[test]
fn a_full_stream_forgets_the_oldest_and_goes_on() {
    let Some(nats) = Nats::start() else { return };
    let small = || chatroom::backplane::nats::Options {
        max_bytes: Some(256 * 1024),
        ..options("full")
    };
    let (mut node, ..) = Node::up(small(), &[nats.address()]);
    node.client.follow_from(1);
    let text = "x".repeat(1000);
    for counter in 1..=2000 {
        node.client.publish(counter, 0, text.as_bytes());
        if counter % 100 == 0 {
            node.flush();
        }
    }
    node.expect(|heard| matches!(heard, Heard::Batch { seq: 2000, .. }));
    node.cut();
    let up = node.expect(|heard| matches!(heard, Heard::Up { .. }));
    let Heard::Up {
        first_seq,
        last_seq,
    } = up
    else {
        unreachable!()
    };
    assert!(
        last_seq == 2000 && first_seq > 1500,
        "{first_seq} to {last_seq}"
    );
    // What isn't there any more is left out.
    node.client.follow_from(1);
    let heard = node.expect(|heard| matches!(heard, Heard::Batch { .. }));
    assert!(
        matches!(heard, Heard::Batch { seq, .. } if seq == first_seq),
        "{heard:?}"
    );
}

#[test]
fn what_another_writer_puts_into_the_stream_breaks_nothing() {
    use std::io::{Read, Write};
    let Some(nats) = Nats::start() else { return };
    let (mut node, ..) = Node::up(options("odd"), &[nats.address()]);
    node.client.follow_from(1);
    let mut writer = TcpStream::connect(nats.address()).unwrap();
    let headers = "NATS/1.0\r\nno colon\r\n: none\r\n\u{1}\u{7f}: \u{feff}\r\nX: y\r\n\r\n";
    let long = "y".repeat(1024 * 1024);
    write!(
        writer,
        "CONNECT {{\"verbose\":false,\"headers\":true}}\r\n\
         HPUB chatroom.odd.events {0} {0}\r\n{headers}\r\n\
         PUB chatroom.odd.events {1}\r\n{long}\r\n\
         PUB chatroom.odd.events 0\r\n\r\n\
         PUB chatroom.odd.beat 9\r\nnot\r\na. x\r\n\
         PUB chatroom.odd.node.boot1 {1}\r\n{long}\r\n\
         PUB chatroom.odd.events 4\r\n\r\n\r\n\r\nPING\r\n",
        headers.len(),
        long.len()
    )
    .unwrap();
    let mut answered = Vec::new();
    while !answered.ends_with(b"PONG\r\n") {
        let mut bytes = [0; 4096];
        let read = writer.read(&mut bytes).unwrap();
        assert!(read > 0, "{}", String::from_utf8_lossy(&answered));
        answered.extend_from_slice(&bytes[..read]);
    }
    let payloads: Vec<_> = (0..4)
        .map(
            |_| match node.expect(|heard| !matches!(heard, Heard::Snapshot(_))) {
                Heard::Batch { payload, .. } => payload,
                other => panic!("{other:?}"),
            },
        )
        .collect();
    assert_eq!(payloads, [&b""[..], b"", b"", b"\r\n\r\n"]);
    assert_eq!(node.problems, []);
}

#[test]
fn another_stream_of_that_name_is_told_from_the_one_before() {
    use std::io::{Read, Write};
    let Some(nats) = Nats::start() else { return };
    let (mut node, ..) = Node::up(options("anew"), &[nats.address()]);
    node.client.follow_from(1);
    publish(&mut node, 1, 5);
    expect_batches(&mut node, 1, 5);
    // The same one is never before what was told.
    node.cut();
    let up = node.expect(|heard| matches!(heard, Heard::Up { .. }));
    assert!(matches!(up, Heard::Up { last_seq: 5, .. }), "{up:?}");
    node.cut();
    let mut other = TcpStream::connect(nats.address()).unwrap();
    write!(
        other,
        "CONNECT {{\"verbose\":false}}\r\nSUB answer 1\r\n\
         PUB $JS.API.STREAM.DELETE.chatroom_anew answer 0\r\n\r\n"
    )
    .unwrap();
    let mut answered = String::new();
    while !answered.contains("stream_delete_response") {
        let mut bytes = [0; 4096];
        let read = other.read(&mut bytes).unwrap();
        answered.push_str(&String::from_utf8_lossy(&bytes[..read]));
    }
    let (mut late, ..) = Node::up(options("anew"), &[nats.address()]);
    publish(&mut late, 1, 9);
    late.client.follow_from(1);
    expect_batches(&mut late, 1, 9);
    // It is longer already, and another one all the same.
    let up = node.expect(|heard| matches!(heard, Heard::Up { .. }));
    assert!(matches!(up, Heard::Up { last_seq: 4, .. }), "{up:?}");
    node.client.follow_from(1);
    expect_batches(&mut node, 1, 9);
}
