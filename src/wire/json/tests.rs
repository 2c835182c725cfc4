use super::*;
use crate::room::{Effect, Notice, Room};
use proptest::prelude::*;

fn round(message: &Message<'_>) -> String {
    let mut out = Vec::new();
    message.put(&mut out);
    let line = out.strip_suffix(b"\n").unwrap();
    assert_eq!(&Message::parse(line).unwrap(), message);
    String::from_utf8(line.to_vec()).unwrap()
}

#[test]
fn messages_are_written_and_read_back() {
    let talk = Talk {
        seq: 7,
        time: 1_764_065_000_123,
        name: "سهیل".into(),
        text: "a \"b\"\t\\ \u{FFFD}".into(),
    };
    assert_eq!(
        round(&Message::Said(talk)),
        "{\"event\":\"said\",\"seq\":7,\"time\":1764065000123,\"name\":\"سهیل\",\
         \"text\":\"a \\\"b\\\"\\t\\\\ \u{FFFD}\"}"
    );
    let ack = |seq: Option<u64>| Message::Ack {
        id: "x1".into(),
        seq,
        time: seq.map(|_| 5),
    };
    assert_eq!(round(&ack(None)), r#"{"event":"ack","id":"x1"}"#);
    assert_eq!(
        round(&ack(Some(8))),
        r#"{"event":"ack","id":"x1","seq":8,"time":5}"#
    );
    assert_eq!(
        round(&Message::HistoryBegin),
        r#"{"event":"history-begin"}"#
    );
    assert_eq!(
        round(&Message::Gap { missed: Some(3) }),
        r#"{"event":"gap","missed":3}"#
    );
    round(&Message::Members {
        count: 2,
        names: vec!["ali".into()],
        more: 1,
    });
}

#[test]
fn effects_have_codes() {
    let mut out = Vec::new();
    put(&Effect::Prompt, 0, &mut out);
    put(&Effect::Quit, 0, &mut out);
    assert_eq!(out, b"");
    put(&Effect::Notice(Notice::StillHere), 0, &mut out);
    let name = "bob";
    put(&Effect::Notice(Notice::NobodyCalled { name }), 0, &mut out);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "{\"event\":\"notice\",\"code\":\"still-here\",\"text\":\"Here and listening.\"}\n\
         {\"event\":\"error\",\"code\":\"nobody-called\",\"text\":\"Nobody here is called bob\"}\n"
    );
}

proptest! {
    /// Where an event stands is found without reading all of it.
    #[test]
    fn the_number_is_found_in_the_first_bytes(
        seq: u64, time_ms: u64, name in "[a-z]{1,32}", text in ".{0,40}", kind in 0..5_u8,
    ) {
        let stamp = Stamp { seq, time_ms };
        let line = match kind {
            0 => plain::Line::Said { name: &name, text: &text },
            1 => plain::Line::Did { name: &name, text: &text },
            2 => plain::Line::Joined(&name),
            3 => plain::Line::Left(&name),
            _ => plain::Line::Renamed { from: &name, to: "x" },
        };
        let message = Message::of_line(line, stamp).unwrap();
        let line = round(&message);
        prop_assert_eq!(seq_of(&line.as_bytes()[..line.len().min(64)]), Some(seq));
        prop_assert_eq!(message.seq(), Some(seq));
    }
}

#[test]
fn an_event_of_the_room_is_a_message() {
    let room = Room::default();
    let stamp = Stamp { seq: 4, time_ms: 5 };
    let message = Message::of(&Event::Closing, room.names(), stamp).unwrap();
    assert_eq!(round(&message), r#"{"event":"closing","seq":4,"time":5}"#);
    let event = Event::Announced { text: "so be it" };
    let message = Message::of(&event, room.names(), stamp).unwrap();
    assert_eq!(
        round(&message),
        r#"{"event":"announced","seq":4,"time":5,"text":"so be it"}"#
    );
    assert_eq!(message.seq(), Some(4));
}
