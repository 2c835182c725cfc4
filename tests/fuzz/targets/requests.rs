//! What a program sends: whatever it is, the answer is one line of JSON that is short and safe to
//! show, and what is a request is the same when it is written and read again.

use chatroom::wire::json::{ID_BYTES_MAX, Message, Request};

use super::assert_safe;

/// Longest answer to what is no request, in bytes.
const ANSWER_BYTES_MAX: usize = 1024;

/// The input is one line.
pub(crate) fn run(input: &[u8]) {
    match Request::parse(input) {
        Ok(request) => check(&request),
        Err(malformed) => {
            let answer = check_message(&malformed.message());
            assert!(answer.len() <= ANSWER_BYTES_MAX, "{}", answer.len());
        }
    }
    if let Ok(message) = Message::parse(input) {
        let mut out = Vec::new();
        message.put(&mut out);
        assert_eq!(Message::parse(line(&out)).unwrap(), message);
    }
}

fn check(request: &Request<'_>) {
    let mut out = Vec::new();
    request.put(&mut out);
    assert_eq!(Request::parse(line(&out)).as_ref(), Ok(request));
    if let Request::Line { id: Some(id), .. } = request {
        assert!(id.len() <= ID_BYTES_MAX);
        check_message(&Message::Ack {
            id: id.clone(),
            seq: None,
            time: None,
        });
    }
}

/// Returns the line that a message is.
fn check_message(message: &Message<'_>) -> String {
    let mut out = Vec::new();
    message.put(&mut out);
    let line = line(&out);
    assert_eq!(Message::parse(line).unwrap(), *message);
    let line = std::str::from_utf8(line).unwrap();
    assert_safe(line);
    line.to_owned()
}

/// Returns the one line that `bytes` are, without its end.
fn line(bytes: &[u8]) -> &[u8] {
    let (end, line) = bytes.split_last().unwrap();
    assert!(*end == b'\n' && !line.contains(end));
    line
}
