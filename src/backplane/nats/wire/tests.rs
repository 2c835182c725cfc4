use super::*;

/// What a decoder says, without ranges.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    Info(String),
    Message {
        sid: u64,
        subject: String,
        reply: Option<String>,
        status: Option<u16>,
        id: Option<String>,
        payload: String,
        too_long: bool,
    },
    Ping,
    Pong,
    Fine,
    Error(String),
    NoWord,
}

fn text(decoder: &Decoder, range: Range<usize>) -> String {
    String::from_utf8_lossy(&decoder.bytes()[range]).into_owned()
}

/// Returns the next that it says.
fn next(decoder: &mut Decoder) -> Option<Said> {
    let word = match decoder.next_word() {
        Ok(word) => word?,
        Err(NoWord) => return Some(Said::NoWord),
    };
    Some(match word {
        Word::Info(json) => Said::Info(text(decoder, json)),
        Word::Ping => Said::Ping,
        Word::Pong => Said::Pong,
        Word::Fine => Said::Fine,
        Word::Error(words) => Said::Error(text(decoder, words)),
        Word::Message(message) => Said::Message {
            sid: message.sid,
            subject: text(decoder, message.subject.clone()),
            reply: message.reply.clone().map(|reply| text(decoder, reply)),
            status: message.status,
            id: decoder
                .header(&message, "nats-msg-id")
                .map(|id| String::from_utf8_lossy(id).into_owned()),
            payload: text(decoder, message.payload.clone()),
            too_long: message.too_long,
        },
    })
}

/// Returns all that is said when the bytes come cut at `cuts`, up to the first that is no word.
fn said(bytes: &[u8], cuts: &[usize]) -> Vec<Said> {
    let mut decoder = Decoder::default();
    let mut said = Vec::new();
    let mut from = 0;
    for to in cuts.iter().copied().chain([bytes.len()]) {
        decoder.receive(&bytes[from..to]);
        from = to;
        while let Some(next) = next(&mut decoder) {
            said.push(next);
            if said.last() == Some(&Said::NoWord) {
                return said;
            }
        }
    }
    said
}

fn message(sid: u64, subject: &str, reply: Option<&str>, payload: &str) -> Said {
    Said::Message {
        sid,
        subject: subject.to_owned(),
        reply: reply.map(str::to_owned),
        status: None,
        id: None,
        payload: payload.to_owned(),
        too_long: false,
    }
}

#[test]
fn words_are_read() {
    let headed = |status, id: Option<&str>, payload: &str| Said::Message {
        sid: 2,
        subject: "a".to_owned(),
        reply: None,
        status,
        id: id.map(str::to_owned),
        payload: payload.to_owned(),
        too_long: false,
    };
    for (bytes, word) in [
        ("PING\r\n", Some(Said::Ping)),
        ("ping\r\n", Some(Said::Ping)),
        ("PONG\r\n", Some(Said::Pong)),
        ("+OK\r\n", Some(Said::Fine)),
        (
            "INFO {\"a\":1} \r\n",
            Some(Said::Info("{\"a\":1}".to_owned())),
        ),
        (
            "-ERR 'Stale Connection'\r\n",
            Some(Said::Error("Stale Connection".to_owned())),
        ),
        ("-ERR '\r\n", Some(Said::Error("'".to_owned()))),
        ("-ERR\r\n", Some(Said::Error(String::new()))),
        ("MSG a 2 0\r\n\r\n", Some(message(2, "a", None, ""))),
        (
            "MSG a.b 9 _INBOX.x 5\r\nhe\r\nl\r\n",
            Some(message(9, "a.b", Some("_INBOX.x"), "he\r\nl")),
        ),
        ("MSG  a\t2  1\r\nx\r\n", Some(message(2, "a", None, "x"))),
        (
            "HMSG a 2 12 12\r\nNATS/1.0\r\n\r\n\r\n",
            Some(headed(None, None, "")),
        ),
        (
            "HMSG a 2 16 16\r\nNATS/1.0 503\r\n\r\n\r\n",
            Some(headed(Some(503), None, "")),
        ),
        (
            "HMSG a 2 28 31\r\nNATS/1.0 100 Idle\r\nNo: 1\r\n\r\nabc\r\n",
            Some(headed(Some(100), None, "abc")),
        ),
        (
            "HMSG a 2 27 28\r\nNATS/1.0\r\nNATS-MSG-ID:b\r\n\r\nx\r\n",
            Some(headed(None, Some("b"), "x")),
        ),
        ("HMSG a 2 0 1\r\nx\r\n", Some(headed(None, None, "x"))),
        ("MSG a 2 1\r\nxy\r\n", Some(Said::NoWord)),
        ("MSG a 2\r\n", Some(Said::NoWord)),
        ("MSG a b c 2 1\r\n", Some(Said::NoWord)),
        ("MSG a x 1\r\n", Some(Said::NoWord)),
        ("MSG a 1 -1\r\n", Some(Said::NoWord)),
        ("MSG a 1 99999999999999999999\r\n", Some(Said::NoWord)),
        ("HMSG a 2 5 4\r\n", Some(Said::NoWord)),
        ("HELLO\r\n", Some(Said::NoWord)),
        ("\r\n", Some(Said::NoWord)),
        ("PIN", None),
        ("PING\n", None),
    ] {
        assert_eq!(
            said(bytes.as_bytes(), &[]).into_iter().next(),
            word,
            "{bytes:?}"
        );
    }
}

#[test]
fn words_are_the_same_however_they_are_cut() {
    let bytes = b"INFO {}\r\nPING\r\n+OK\r\nMSG a 1 r 4\r\n\r\nx\r\r\nHMSG a 2 27 28\r\nNATS/1.0\r\nNats-Msg-Id:b\r\n\r\nx\r\n-ERR 'x'\r\nPONG\r\n";
    let whole = said(bytes, &[]);
    assert_eq!(whole.len(), 7);
    for first in 0..=bytes.len() {
        for second in first..=bytes.len() {
            assert_eq!(
                said(bytes, &[first, second]),
                whole,
                "cut at {first} and {second}"
            );
        }
    }
    let every: Vec<_> = (1..bytes.len()).collect();
    assert_eq!(said(bytes, &every), whole);
}

#[test]
fn a_message_that_is_too_long_is_passed_over_and_never_held() {
    let length = MESSAGE_BYTES_MAX + 1;
    let mut decoder = Decoder::default();
    decoder.receive(format!("MSG a 7 r {length}\r\n").as_bytes());
    let too_long = Said::Message {
        sid: 7,
        subject: "a".to_owned(),
        reply: Some("r".to_owned()),
        status: None,
        id: None,
        payload: String::new(),
        too_long: true,
    };
    assert_eq!(next(&mut decoder), Some(too_long));
    let mut left = length + 2;
    while left > 0 {
        let piece = left.min(10_007);
        decoder.receive(&vec![b'x'; piece]);
        left -= piece;
        assert_eq!(next(&mut decoder), None);
        assert!(decoder.held_bytes() < 11_000);
    }
    decoder.receive(b"PING\r\n");
    assert_eq!(next(&mut decoder), Some(Said::Ping));
    // The longest that is held.
    decoder.receive(format!("MSG a 7 {MESSAGE_BYTES_MAX}\r\n").as_bytes());
    decoder.receive(&vec![b'x'; MESSAGE_BYTES_MAX]);
    assert_eq!(next(&mut decoder), None);
    decoder.receive(b"\r\n");
    assert!(
        matches!(next(&mut decoder), Some(Said::Message { payload, .. }) if payload.len() == MESSAGE_BYTES_MAX)
    );
}

#[test]
fn a_line_without_end_is_no_word() {
    let mut decoder = Decoder::default();
    decoder.receive(&vec![b'A'; LINE_BYTES_MAX]);
    assert_eq!(next(&mut decoder), None);
    decoder.receive(b"AA");
    assert_eq!(next(&mut decoder), Some(Said::NoWord));
}

#[test]
fn what_is_no_subject_is_not_written() {
    for subject in ["", "a b", "a\r\nPING", "a\tb", "سهیل", "a\u{7f}"] {
        let mut out = Vec::new();
        publish(&mut out, subject, None, b"x");
        publish(&mut out, "a", Some(subject), b"x");
        publish_once(&mut out, subject, "r", "i", b"x");
        publish_once(&mut out, "a", "r", subject, b"x");
        subscribe(&mut out, subject, 1);
        assert_eq!(out, b"", "{subject:?}");
    }
    let mut out = Vec::new();
    publish(&mut out, "a.b", Some("r"), b"x\r\ny");
    publish_once(&mut out, "a", "r", "i-1-0", b"x");
    subscribe(&mut out, "a.>", 3);
    unsubscribe(&mut out, 3);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "PUB a.b r 4\r\nx\r\ny\r\nHPUB a r 32 33\r\nNATS/1.0\r\nNats-Msg-Id: i-1-0\r\n\r\nx\r\nSUB a.> 3\r\nUNSUB 3\r\n"
    );
}

#[cfg(test)]
mod anything {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// What looks a little like the protocol, and what doesn't.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            vec(any::<u8>(), 0..20),
            prop::sample::select(vec![
                "MSG ",
                "HMSG ",
                "a.b ",
                "1 ",
                "2 ",
                "12 ",
                "\r\n",
                "\r",
                "\n",
                " ",
                "NATS/1.0",
                " 503",
                "PING\r\n",
                "+OK\r\n",
                "INFO {}\r\n",
                "-ERR 'x'\r\n",
                "a: b\r\n",
                "MSG a 1 3\r\nabc\r\n",
                "HMSG a 1 12 13\r\nNATS/1.0\r\n\r\nx\r\n",
                "MSG a 1 2000000\r\n",
                "9999999999999999999",
            ])
            .prop_map(|text| text.as_bytes().to_vec()),
        ];
        vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn anything_is_read_the_same_however_it_is_cut(bytes in bytes(), cuts in vec(any::<prop::sample::Index>(), 0..8)) {
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.sort_unstable();
            prop_assert_eq!(said(&bytes, &cuts), said(&bytes, &[]));
        }
    }
}
