//! What is told of earlier: history, what was missed in a break, what came before the capture.

use chatroom::wire::json::{Coming, Message, Request};
use chatroom::wire::plain::PROMPT;
use serde_json::Value;

use super::house::{
    House, Made, ack, alone, captured, copies_to, down, hello, of, put, request, resume, said,
    text, told, up, welcome,
};
use super::support::{file_with, trace_to};

/// Returns whether ali was told so of earlier, once, and then got a copy of the same.
fn is_told_before_it_is_copied(records: &[Value], line: &str) -> bool {
    let to_ali = |record: &&&Value| record["name"] == "ali";
    let (notices, copies) = (of(records, "notice"), of(records, "copy"));
    let told: Vec<_> = notices
        .iter()
        .filter(to_ali)
        .filter(|notice| notice["text"] == line)
        .collect();
    let mut copies = copies.iter().filter(to_ali);
    let copy = copies.rfind(|copy| copy["of"] == "message").unwrap();
    told.len() == 1 && told[0]["frame"].as_u64() < copy["frame"].as_u64()
}

/// Would have been taken for the copies of what was said at the same time.
#[test]
fn history_is_no_delivery() {
    const BEGIN: &str = "* 2 lines from before you came, 11:02 to 11:28 UTC:";
    for json in [false, true] {
        let mut house = House::default();
        let soheil = house.join("soheil", false);
        let old = house.join("old", false);
        house.types(old, "hi");
        house.types(old, BEGIN);
        let ali = house.join("ali", json);
        let port = house.people[ali].port;
        // On its way before the history is.
        let now = house.steps.len();
        house.types(old, "hi");
        let deliveries = house.steps.split_off(now + 1);
        if json {
            let past = [
                put(&Message::HistoryBegin),
                said(2, "old", "hi"),
                put(&Message::Left(Coming {
                    seq: 2,
                    time: 5,
                    name: "soheil".into(),
                })),
                put(&Message::HistoryEnd),
            ];
            house.steps.push(Made::Down(port, past.concat()));
        } else {
            let past = [
                BEGIN,
                "old: hi",
                "soheil has left the chatroom!",
                "* That was before.",
            ];
            house.steps.extend(past.map(|line| down(port, line)));
        }
        house.steps.extend(deliveries);
        house.leave(soheil);
        let records = told(&house.steps);
        assert_eq!(copies_to(&records, "ali"), 1);
        let leaves = of(&records, "copy");
        assert_eq!(
            leaves.iter().filter(|copy| copy["of"] == "leave").count(),
            2
        );
        assert!(is_told_before_it_is_copied(&records, "old: hi"));
        for copy in of(&records, "copy") {
            assert!(copy["delay"].as_f64().unwrap() < 0.01, "{copy}");
        }
        assert!(of(&records, "missing").is_empty());
    }
}

#[test]
fn nobody_can_begin_somebodys_history() {
    let mut house = House::default();
    let five = house.join("5", false);
    house.join("ali", false);
    house.types(five, "/me lines from before you came, 11:02 to 11:28 UTC:");
    house.types(five, "hello");
    let records = told(&house.steps);
    assert_eq!(copies_to(&records, "ali"), 2);
}

#[test]
fn where_the_end_of_the_history_is_not_captured_what_follows_is_heard() {
    let mut house = House::default();
    let soheil = house.join("soheil", false);
    house.join("ali", false);
    house.steps.push(down(
        4002,
        "* 1 line from before you came, 11:02 to 11:02 UTC:",
    ));
    house.steps.push(down(4002, "soheil: before"));
    house.steps.push(down(4002, "* That was before."));
    let frames: usize = house.steps.len() * 2 + 1;
    house.types(soheil, "one");
    house.types(soheil, "two");
    let bytes = captured(&house.steps);
    // Each record has 16 bytes before its frame; the last of the history is left out.
    let (mut at, mut kept) = (24, bytes[..24].to_vec());
    for frame in 0.. {
        let Some(head) = bytes.get(at + 8..at + 12) else {
            break;
        };
        let length = u32::from_le_bytes(head.try_into().unwrap()) as usize + 16;
        if frame != frames - 1 {
            kept.extend(&bytes[at..at + length]);
        }
        at += length;
    }
    let file = file_with(&kept);
    let text = trace_to("ndjson", &[], file.path());
    let records: Vec<_> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(of(&records, "gap").len(), 1, "{text}");
    assert_eq!(
        copies_to(&records, "ali"),
        1,
        "the first is behind the gap: {text}"
    );
}

/// After a break: what was missed is heard late, and what was sent is sent again.
#[test]
fn what_is_resumed_is_said_once() {
    let mut house = House::default();
    let soheil = house.join("soheil", false);
    let ali = house.join("ali", true);
    house.types(ali, "taken");
    // The answer doesn't come any more.
    house.steps.pop();
    house.leave(ali);
    house.types(soheil, "missed");
    let again = request(&Request::Line {
        id: Some("0".into()),
        line: "taken".into(),
    });
    let new = request(&Request::Line {
        id: Some("1".into()),
        line: "taken".into(),
    });
    house.steps.extend([
        Made::Open(4009),
        down(4009, PROMPT),
        Made::Up(4009, [b"/json\n".to_vec(), resume(2, "ali")].concat()),
        // Said while ali comes: the same as what it missed.
        up(4001, "missed"),
        Made::Down(
            4009,
            [
                hello(),
                welcome(6, "ali", true),
                said(3, "ali", "taken"),
                said(5, "soheil", "missed"),
            ]
            .concat(),
        ),
        Made::Down(4009, said(7, "soheil", "missed")),
        Made::Up(4009, [again, new].concat()),
        Made::Down(4009, [ack("0", Some(3)), ack("1", Some(8))].concat()),
        down(4001, "ali: taken"),
    ]);
    let records = told_later(house);
    let joins = of(&records, "join");
    let joins: Vec<_> = joins.iter().map(|join| text(join, "name")).collect();
    assert_eq!(joins, ["soheil", "ali", "ali"]);
    assert_eq!(copies_to(&records, "ali"), 1);
    assert!(is_told_before_it_is_copied(&records, "soheil: missed"));
    assert!(of(&records, "missing").is_empty());
    let (messages, copies) = (of(&records, "message"), of(&records, "copy"));
    let sent: Vec<_> = messages.iter().filter(|m| m["text"] == "taken").collect();
    assert_eq!(sent.len(), 3, "so often it is on the wire");
    let last = copies.iter().rfind(|copy| copy["name"] == "soheil");
    assert_eq!(last.unwrap()["id"], sent[2]["id"], "the second wasn't said");
    let words = "{\"event\":\"ack\",\"id\":\"0\",\"seq\":3,\"time\":3}";
    assert_eq!(alone(&records, "ali").last(), Some(&words), "it is told");
}

/// The connection that is replaced closes when everybody has been told that it has.
#[test]
fn who_takes_over_needs_no_copy_of_its_own_leaving() {
    let mut house = House::default();
    house.join("soheil", false);
    house.join("ali", true);
    let left = Coming {
        seq: 4,
        time: 5,
        name: "ali".into(),
    };
    house.steps.extend([
        Made::Open(4009),
        down(4009, PROMPT),
        Made::Up(4009, [b"/json\n".to_vec(), resume(2, "ali")].concat()),
        Made::Down(
            4009,
            [hello(), welcome(5, "ali", true), put(&Message::Left(left))].concat(),
        ),
        Made::Close(4002),
        down(4001, "ali has left the chatroom!"),
    ]);
    let records = told_later(house);
    assert_eq!(of(&records, "leave").len(), 1);
    let copies = of(&records, "copy");
    assert_eq!(
        copies.iter().filter(|copy| copy["of"] == "leave").count(),
        1
    );
    assert!(of(&records, "missing").is_empty());
}

/// Returns what is told once the end of the capture is no excuse for a copy any more.
fn told_later(mut house: House) -> Vec<Value> {
    house.steps.extend(vec![up(4001, "/who"); 6000]);
    told(&house.steps)
}

/// A capture that begins in the middle of the talk.
#[test]
fn who_spoke_json_before_the_capture_is_understood() {
    let mut house = House::default();
    house.join("soheil", true);
    let began = house.steps.len();
    let frames = 3 + (began - 1) * 2;
    house.types(0, "hello");
    house.steps.push(Made::Down(4001, said(9, "ali", "hi")));
    let bytes = captured(&house.steps);
    let mut at = 24;
    for _ in 0..frames {
        let length = u32::from_le_bytes(bytes[at + 8..at + 12].try_into().unwrap());
        at += length as usize + 16;
    }
    let file = file_with(&[&bytes[..24], &bytes[at..]].concat());
    let shown = trace_to("ndjson", &[], file.path());
    let records: Vec<_> = shown
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    // The first line each way may be the end of one.
    let said = of(&records, "message");
    assert_eq!(text(said[0], "name"), "port 4001");
    assert_eq!(text(said[0], "text"), "hello");
    assert_eq!(
        alone(&records, "port 4001").last(),
        Some(&"ali: hi"),
        "{shown}"
    );
}
