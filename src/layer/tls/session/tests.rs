//! Sessions against each other.

use super::*;
use crate::layer::tls::keys::{RECORDS_MAX, Suite};

const SUITES: [Suite; 3] = [Suite::Aes128, Suite::Aes256, Suite::ChaCha20];

/// Returns both sides of a connection of which `sequence` records have passed each way.
fn sides(suite: Suite, sequence: u64) -> [Session; 2] {
    let keys = |byte| Keys::new(suite, &vec![byte; suite.secret_bytes()], sequence).unwrap();
    [
        Session::new(keys(1), keys(2)),
        Session::new(keys(2), keys(1)),
    ]
}

fn sealed(session: &mut Session, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let taken = session.seal(&[IoSlice::new(bytes)], &mut out).unwrap();
    assert_eq!(taken, bytes.len());
    out
}

fn opened(session: &mut Session, mut bytes: Vec<u8>) -> Vec<u8> {
    let opened = session.open(&mut bytes);
    bytes.truncate(opened.bytes);
    bytes
}

fn message(session: &mut Session, content: Content, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    session
        .put(content, &[IoSlice::new(bytes)], &mut out)
        .unwrap();
    out
}

#[test]
fn keys_that_are_used_up_are_changed_before_the_next_record() {
    for suite in SUITES {
        let [mut ours, mut theirs] = sides(suite, RECORDS_MAX - 1);
        let plain = sealed(&mut ours, b"last of these keys").len();
        assert!(ours.writes.are_used_up());
        let [mut ours, _] = sides(suite, RECORDS_MAX - 1);
        let mut bytes = sealed(&mut ours, b"last of these keys");
        let next = sealed(&mut ours, b"first of the next");
        assert!(next.len() > plain, "a key update goes before it");
        assert!(!ours.writes.are_used_up());
        bytes.extend(next);
        assert_eq!(
            opened(&mut theirs, bytes),
            b"last of these keysfirst of the next"
        );
    }
}

#[test]
fn one_answer_is_enough_for_any_number_of_key_updates() {
    let [mut ours, mut theirs] = sides(Suite::Aes128, 0);
    for _ in 0..5 {
        let update = message(&mut theirs, Content::Handshake, &[24, 0, 0, 1, 1]);
        theirs.writes.update().unwrap();
        assert_eq!(opened(&mut ours, update), b"");
    }
    let answer = sealed(&mut ours, b"x");
    let second = sealed(&mut ours, b"y");
    assert_eq!(answer.len(), 2 * second.len() + 4);
    assert_eq!(opened(&mut theirs, answer), b"x");
    assert_eq!(opened(&mut theirs, second), b"y");
    assert_eq!((ours.end, theirs.end), (None, None));
}

#[test]
fn who_sends_nothing_but_records_without_content_is_stopped() {
    let [mut ours, mut theirs] = sides(Suite::ChaCha20, 0);
    for number in 0..IDLE_RECORDS_MAX {
        assert_eq!(ours.end, None, "{number}");
        let empty = sealed(&mut theirs, b"");
        opened(&mut ours, empty);
    }
    let said = sealed(&mut theirs, b"x");
    assert_eq!(opened(&mut ours, said), b"x");
    for _ in 0..=IDLE_RECORDS_MAX {
        assert_eq!(ours.end, None);
        let empty = sealed(&mut theirs, b"");
        opened(&mut ours, empty);
    }
    assert_eq!(ours.end, Some(End::Sent(Alert::UNEXPECTED_MESSAGE)));
}

#[test]
fn messages_that_may_not_come_end_the_session() {
    for (content, bytes, end) in [
        (Content::Alert, &[1, 0][..], Some(End::Closed)),
        (Content::Alert, &[2, 0], Some(End::Closed)),
        (Content::Alert, &[1, 90], None),
        (Content::Alert, &[2, 48], Some(End::Received(Alert(48)))),
        (Content::Alert, &[1, 48], Some(End::Received(Alert(48)))),
        (Content::Alert, &[1], Some(End::Sent(Alert::DECODE_ERROR))),
        (
            Content::Alert,
            &[1, 0, 1, 0],
            Some(End::Sent(Alert::DECODE_ERROR)),
        ),
        (Content::Handshake, &[24, 0, 0, 1, 0], None),
        (
            Content::Handshake,
            &[24, 0, 0, 1, 2],
            Some(End::Sent(Alert::UNEXPECTED_MESSAGE)),
        ),
        (
            Content::Handshake,
            &[24, 0, 0, 1, 0, 24, 0, 0, 1, 0],
            Some(End::Sent(Alert::UNEXPECTED_MESSAGE)),
        ),
        (
            Content::Handshake,
            &[1, 0, 0, 0],
            Some(End::Sent(Alert::UNEXPECTED_MESSAGE)),
        ),
        (
            Content::Handshake,
            &[],
            Some(End::Sent(Alert::UNEXPECTED_MESSAGE)),
        ),
    ] {
        let [mut ours, mut theirs] = sides(Suite::Aes256, 0);
        let mut sent = sealed(&mut theirs, b"before");
        sent.extend(message(&mut theirs, content, bytes));
        if end.is_some() {
            sent.extend(sealed(&mut theirs, b"behind"));
        }
        assert_eq!(opened(&mut ours, sent), b"before");
        assert_eq!(ours.end, end, "{content:?} {bytes:?}");
    }
}

#[test]
fn the_last_record_says_why_and_is_the_last() {
    let [mut ours, mut theirs] = sides(Suite::Aes128, 0);
    opened(
        &mut ours,
        vec![
            23, 3, 3, 0, 17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ],
    );
    let mut out = Vec::new();
    ours.close(&mut out);
    let length = out.len();
    ours.close(&mut out);
    assert_eq!(out.len(), length);
    assert!(ours.is_closed() && ours.seal(&[], &mut out).is_err());
    opened(&mut theirs, out);
    assert_eq!(theirs.end, Some(End::Received(Alert::BAD_RECORD_MAC)));
}

#[test]
fn what_is_too_long_for_a_record_goes_into_several() {
    let [mut ours, mut theirs] = sides(Suite::Aes128, 0);
    let text: Vec<u8> = (0..40_000_u32).map(|number| number as u8).collect();
    let (head, tail) = text.split_at(9_999);
    let mut out = Vec::new();
    let pieces = [IoSlice::new(head), IoSlice::new(tail)];
    let taken = ours.seal(&pieces, &mut out).unwrap();
    assert_eq!(
        (taken, out.len()),
        (CONTENT_BYTES_MAX, record::SENT_BYTES_MAX)
    );
    let taken = ours
        .seal(&[IoSlice::new(&text[taken..])], &mut out)
        .unwrap();
    assert_eq!(taken, CONTENT_BYTES_MAX);
    assert_eq!(opened(&mut theirs, out), text[..2 * CONTENT_BYTES_MAX]);
}
