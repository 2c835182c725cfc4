//! JSON that isn't.

use std::time::{Duration, Instant};

use chatroom::wire::json::{Message, Request};
use proptest::prelude::*;

use super::house::{House, Made, captured, down, of, text, told, up};
use super::support::{file_with, trace, trace_bytes};

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is sent, it is shown as what it is, and nothing of it reaches the terminal.
    #[test]
    fn what_is_no_json_is_shown_as_it_came(
        lines in proptest::collection::vec((any::<bool>(), broken()), 1..20),
    ) {
        let mut house = House::default();
        let ali = house.join("ali", true);
        house.join("soheil", false);
        let port = house.people[ali].port;
        for (up, line) in &lines {
            let line = [line.as_slice(), b"\n"].concat();
            house.steps.push(if *up { Made::Up(port, line) } else { Made::Down(port, line) });
        }
        house.types(ali, "still here");
        let bytes = captured(&house.steps);
        for arguments in [&["-m", "-s"][..], &["-d", "1-60"], &["-l"]] {
            let shown = trace_bytes(arguments, &bytes);
            prop_assert!(shown.status.code().is_some_and(|code| code < 3));
            let shown = String::from_utf8(shown.stdout).unwrap();
            let is_safe = |c: char| c == '\n' || !(c.is_control() || c == '\u{202e}');
            prop_assert!(shown.chars().all(is_safe), "{:?}", shown);
        }
        let records = told(&house.steps);
        let said = of(&records, "message");
        let heard = of(&records, "notice");
        for (up, line) in &lines {
            let is_object = if *up {
                Request::parse(line).is_ok()
            } else {
                Message::parse(line).is_ok()
            };
            let line = String::from_utf8_lossy(line);
            if is_object || line.is_empty() || (*up && line.contains('\0')) {
                continue;
            }
            let shown = if *up { &said } else { &heard };
            prop_assert!(shown.iter().any(|record| text(record, "text") == line), "{:?}", line);
        }
        // Nobody but Soheil had it, once.
        let copies = of(&records, "copy");
        let copies = copies.iter().filter(|copy| copy["of"] == "message" && copy["name"] == "soheil");
        prop_assert_eq!(copies.count(), 1);
    }
}

/// Requests and messages, whole, cut, bent and of wrong types; and anything.
fn broken() -> impl Strategy<Value = Vec<u8>> {
    let whole = proptest::sample::select(
        &[
            r#"{"event":"said","seq":7,"time":5,"name":"bob","text":"a\u001b[2J\u202eb"}"#,
            r#"{"event":"notice","code":"help","text":"one\ntwo\n\nthree"}"#,
            r#"{"event":"welcome","seq":99,"name":"bob","resumed":true}"#,
            r#"{"event":"history-begin"}"#,
            r#"{"event":"history-end"}"#,
            r#"{"event":"gap","missed":3}"#,
            r#"{"event":"ack","id":"0"}"#,
            r#"{"event":"said","seq":"7","time":-5,"name":["bob"],"text":null}"#,
            r#"{"event":["said"]}"#,
            r#"{"event":"later","what":{}}"#,
            r#"{"id":"7","line":"a\u0007b"}"#,
            r#"{"id":7,"line":"a"}"#,
            r#"{"name":"eve"}"#,
            r#"{"resume":{"boot":"b1","seq":1,"name":"eve"}}"#,
            r#"{"line":"x","line":"y"}"#,
            r#"{"line":"\ud800"}"#,
            "[[[[[[[[",
            "null",
        ][..],
    );
    prop_oneof![
        whole.clone().prop_map(|line| line.as_bytes().to_vec()),
        (whole.clone(), any::<prop::sample::Index>())
            .prop_map(|(line, at)| line.as_bytes()[..at.index(line.len())].to_vec()),
        (whole, any::<prop::sample::Index>(), any::<u8>()).prop_map(|(line, at, byte)| {
            let mut line = line.as_bytes().to_vec();
            let at = at.index(line.len());
            line[at] = byte;
            line
        }),
        proptest::collection::vec(any::<u8>(), 0..40),
    ]
    .prop_map(|mut line| {
        // What ends a line, and telnet's bytes, have tests of their own.
        line.retain(|byte| !matches!(byte, b'\n' | b'\r' | 0 | 255));
        line
    })
}

#[test]
fn enormous_lines_are_cut_and_nothing_of_them_is_kept() {
    let mut house = House::default();
    let ali = house.join("ali", true);
    house.join("soheil", false);
    let piece = vec![b'['; 60_000];
    for at in 0..200 {
        let (text, up) = if at == 0 {
            (&b"{\"line\":\""[..], true)
        } else {
            (&piece[..], at % 2 == 0)
        };
        house.steps.push(if up {
            Made::Up(4001, text.to_vec())
        } else {
            Made::Down(4001, text.to_vec())
        });
    }
    for _ in 0..20 {
        house.steps.push(up(4001, ""));
        house.steps.push(down(4001, ""));
        let names = format!(
            "{{\"event\":\"members\",\"count\":1,\"names\":[{}\"\"],\"more\":0}}",
            "\"\",".repeat(15_000)
        );
        house.steps.push(down(4001, &names));
        house.steps.push(down(
            4001,
            &format!(
                "{{\"event\":\"notice\",\"code\":\"x\",\"text\":\"{}\"}}",
                "\\n".repeat(15_000)
            ),
        ));
        house.steps.push(up(
            4001,
            &format!("{{\"line\":\"{}\"}}", "\\u001b".repeat(9_000)),
        ));
    }
    house.types(ali, "still here");
    let file = file_with(&captured(&house.steps));
    let began = Instant::now();
    let shown = trace(&["-m", "-s"], file.path());
    assert_eq!(shown.status.code(), Some(0));
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("[line too long]") && shown.contains("ali: still here"));
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
}
