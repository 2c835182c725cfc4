//! What is said is heard, however it is cut; what is changed on the way ends both servers alike.

use proptest::collection::vec;
use proptest::prelude::*;
use rustls::CipherSuite;

use super::oracle::{SUITES, hear, pair, say, sent};

/// What the client does next.
#[derive(Debug, Clone)]
enum Step {
    /// It says so many bytes.
    Say(usize),
    /// It asks for new keys.
    Update,
    /// It hears so many bytes.
    Hear(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let length = prop_oneof![1..200_usize, 16_000..40_000_usize];
    let step = prop_oneof![
        4 => length.clone().prop_map(Step::Say),
        1 => Just(Step::Update),
        2 => length.prop_map(Step::Hear),
    ];
    vec(step, 1..12)
}

fn suite() -> impl Strategy<Value = CipherSuite> {
    proptest::sample::select(&SUITES[..])
}

fn text(length: usize, seed: usize) -> Vec<u8> {
    (0..length)
        .map(|at| ((at * 31) ^ (at >> 8) ^ seed) as u8)
        .collect()
}

/// Cuts `bytes` into pieces whose lengths `cuts` give in turn.
fn pieces<'b>(bytes: &'b [u8], cuts: &[usize]) -> Vec<&'b [u8]> {
    let mut rest = bytes;
    let mut pieces = Vec::new();
    for &cut in cuts.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, behind) = rest.split_at(cut.min(rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

fn cuts() -> impl Strategy<Value = Vec<usize>> {
    vec(prop_oneof![1..40_usize, 1..50_000_usize], 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn both_servers_hear_the_same(
        suite in suite(), steps in steps(), cuts in cuts(), closes in any::<bool>()
    ) {
        let (mut client, mut oracle, mut ours) = pair(suite);
        let mut said = Vec::new();
        for (seed, step) in steps.iter().enumerate() {
            let bytes = match *step {
                Step::Say(length) => {
                    let text = text(length, seed);
                    said.extend_from_slice(&text);
                    say(&mut client, &text)
                }
                Step::Update => {
                    client.refresh_traffic_keys().unwrap();
                    sent(&mut client)
                }
                Step::Hear(length) => {
                    let text = text(length, seed);
                    let sealed = ours.say(&text);
                    let mut heard = Vec::new();
                    for piece in pieces(&sealed, &cuts) {
                        let (more, failed) = hear(&mut client, piece);
                        prop_assert!(!failed);
                        heard.extend(more);
                    }
                    prop_assert!(heard == text);
                    continue;
                }
            };
            for piece in pieces(&bytes, &cuts) {
                oracle.hear(piece);
                ours.hear(piece);
            }
            prop_assert!(ours.heard.text == said);
            prop_assert!(ours.heard == oracle.heard);
        }
        if closes {
            client.send_close_notify();
            let bytes = sent(&mut client);
            oracle.hear(&bytes);
            ours.hear(&bytes);
            prop_assert!(ours.heard.closed);
        }
        prop_assert!(ours.heard == oracle.heard);
        prop_assert!(!ours.heard.failed);
    }

    #[test]
    fn who_hears_the_end_has_heard_all_before_it(suite in suite(), length in 0..40_000_usize) {
        let (mut client, _, mut ours) = pair(suite);
        let text = text(length, 1);
        let mut sealed = ours.say(&text);
        ours.session.close(&mut sealed);
        let (heard, failed) = hear(&mut client, &sealed);
        prop_assert!(heard == text && !failed);
        // Only at an orderly end is there no error.
        prop_assert_eq!(std::io::Read::read(&mut client.reader(), &mut [0; 1]).unwrap(), 0);
    }
}

/// A short session of the client's: three records, one of them a key update, and the close.
fn session(client: &mut rustls::ClientConnection) -> Vec<u8> {
    let mut bytes = say(client, b"ali\n");
    client.refresh_traffic_keys().unwrap();
    bytes.extend(sent(client));
    bytes.extend(say(client, b"hello\n"));
    client.send_close_notify();
    bytes.extend(sent(client));
    bytes
}

/// Returns whether byte `at` is of a record's type or version.
fn is_type_or_version(bytes: &[u8], at: usize) -> bool {
    let mut start = 0;
    loop {
        let length = usize::from(u16::from_be_bytes([bytes[start + 3], bytes[start + 4]]));
        if at < start + 5 + length {
            return at < start + 3;
        }
        start += 5 + length;
    }
}

/// rustls puts the type and the version that a record ought to have into what the tag is checked
/// over, and we those that it has, as the standard wants it (RFC 8446, 5.2).
#[test]
fn each_byte_that_is_changed_ends_both_alike() {
    for suite in SUITES {
        let length = session(&mut pair(suite).0).len();
        for at in 0..length {
            for mask in [1, 0x80] {
                let (mut client, mut oracle, mut ours) = pair(suite);
                let mut bytes = session(&mut client);
                let lenient = is_type_or_version(&bytes, at);
                bytes[at] ^= mask;
                oracle.hear(&bytes);
                ours.hear(&bytes);
                if lenient {
                    assert!(ours.heard.failed && oracle.heard.text.starts_with(&ours.heard.text));
                } else {
                    assert_eq!(ours.heard, oracle.heard, "{suite:?}, byte {at} ^ {mask}");
                }
                assert!(!ours.heard.closed, "{suite:?}, byte {at} ^ {mask}");
            }
        }
    }
}

#[test]
fn a_stream_that_is_cut_is_never_taken_for_one_that_was_closed() {
    let suite = SUITES[0];
    let length = session(&mut pair(suite).0).len();
    for end in 0..length {
        let (mut client, mut oracle, mut ours) = pair(suite);
        let bytes = session(&mut client);
        oracle.hear(&bytes[..end]);
        ours.hear(&bytes[..end]);
        assert_eq!(ours.heard, oracle.heard, "cut at {end}");
        assert!(!ours.heard.closed && !ours.heard.failed);
    }
}
