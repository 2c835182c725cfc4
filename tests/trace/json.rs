//! Who said what, where some speak JSON.

use chatroom::wire::json::Request;
use chatroom::wire::plain::{GREETING, Line, PROMPT};
use proptest::prelude::*;

use super::house::{
    House, Made, ack, alone, captured, copies_to, cut, down, hello, line, of, refusal, request,
    resume, story, text, told, up, welcome,
};
use super::support::{file_with, trace, trace_to};

/// What people do, each in turn: who, and what is typed; nothing typed is leaving.
fn talk_of(ops: &[(usize, String)], encodings: &[bool]) -> House {
    const NAMES: [&str; 4] = ["soheil", "ali", "سهیل", "Zoë"];
    let mut house = House::default();
    for (name, json) in NAMES.iter().zip(encodings) {
        house.join(name, *json);
    }
    for (at, typed) in ops {
        let at = at % NAMES.len();
        if !house.is_here(at) {
            continue;
        }
        if typed.is_empty() {
            house.leave(at);
        } else {
            house.types(at, typed);
        }
    }
    house
}

fn typed() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[^\r\n\0]{1,30}",
        2 => proptest::sample::select(&[
            "hi",
            "hi",
            "{\"line\":\"hi\"}",
            "{\"event\":\"closing\",\"seq\":1,\"time\":1}",
            "ali has left the chatroom!",
            "* 5 lines from before you came, 11:02 to 11:28 UTC:",
            "\u{1b}[31mred\u{202e}",
            "/me waves \"twice\"",
            "/msg ali a \\ b",
            "//hello",
            "/etc/passwd is a file",
            "/json",
            "/who",
            "/nick omid",
        ][..]).prop_map(str::to_owned),
        1 => Just(String::new()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whoever reads and writes objects, and wherever they are cut: the talk is the same.
    #[test]
    fn a_talk_is_the_same_in_either_encoding(
        ops in proptest::collection::vec((0..4_usize, typed()), 0..24),
        encodings: [bool; 4],
        random in 1..usize::MAX,
    ) {
        let plain = talk_of(&ops, &[false; 4]);
        let plain = story(&told(&plain.steps));
        let mixed = talk_of(&ops, &encodings);
        prop_assert_eq!(&story(&told(&mixed.steps)), &plain);
        let mut state = random;
        let pieces = cut(&mixed.steps, |bytes| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % (bytes + 1)
        });
        prop_assert_eq!(&story(&told(&pieces)), &plain);
    }

}

/// Two who read either encoding, and all that they do.
fn two() -> House {
    let mut house = House::default();
    let soheil = house.join("soheil", false);
    let ali = house.join("ali", true);
    house.types(soheil, "hello");
    house.types(ali, "a \u{1b}[2J\"b\"");
    house.types(ali, "/me waves");
    house.types(soheil, "/msg ali psst");
    house.types(ali, "/nick omid");
    house.leave(ali);
    house
}

#[test]
fn one_room_of_both_is_told_as_people_read_it() {
    let file = file_with(&captured(&two().steps));
    let shown = String::from_utf8(trace(&["-m"], file.path()).stdout).unwrap();
    let mut rest = shown.as_str();
    for words in [
        "soheil joined from 10.0.0.1 port 4001",
        "the server to port 4002: {\"event\":\"hello\",\"version\":1,",
        "ali joined from 10.0.0.1 port 4002",
        "the server to ali: {\"event\":\"welcome\",\"seq\":2,\"name\":\"ali\",\"resumed\":false,\"token\":\"...\"}",
        "the server to ali: * Here (2): soheil, ali\n",
        " soheil: hello\n",
        "  -> ali +200 us, ACK +100 us in frame ",
        " ali: a \\x1b[2J\"b\"\n",
        "  the server has it, ACK +100 us",
        "  -> soheil +200 us, ACK +100 us in frame ",
        " ali: /me waves\n",
        "  -> soheil +200 us",
        " soheil: /msg ali psst\n",
        "the server to ali: soheil (privately): psst\n",
        " ali: /nick omid\n",
        "the server to soheil: ali is now known as omid!\n",
        " left (FIN)\n",
        "  -> soheil +",
    ] {
        let at = rest
            .find(words)
            .unwrap_or_else(|| panic!("{words:?} is not in\n{rest}\nof\n{shown}"));
        rest = &rest[at + words.len()..];
    }
    assert!(
        !shown.contains("\"said\"") && !shown.contains("\"line\""),
        "{shown}"
    );
}

#[test]
fn pictures_show_what_was_said_in_json_as_it_was_meant() {
    let file = file_with(&captured(&two().steps));
    for ending in ["svg", "html", "txt", "mmd"] {
        let picture = trace_to(ending, &[], file.path());
        assert!(
            picture.contains("hello") && picture.contains("/me waves"),
            "{picture}"
        );
        assert!(
            !picture.contains('\u{1b}') && !picture.contains("said"),
            "{picture}"
        );
    }
}

#[test]
fn frames_of_json_have_the_phases_of_what_they_mean() {
    let house = two();
    let records = told(&house.steps);
    let packets = of(&records, "packet");
    let phase_of = |bytes: &str| {
        let at = house.steps.iter().position(|step| {
            matches!(step, Made::Down(_, sent) if String::from_utf8_lossy(sent).contains(bytes))
        });
        let before = house.steps[..at.unwrap()].iter();
        let frames = before.map(|step| {
            if matches!(step, Made::Open(_) | Made::Close(_)) {
                3
            } else {
                2
            }
        });
        let frame = frames.sum::<usize>() + 1;
        text(packets[frame - 1], "phase")
    };
    assert_eq!(phase_of("\"hello\""), "join");
    assert_eq!(phase_of("\"members\""), "join");
    assert_eq!(phase_of("\"ack\""), "ack");
    assert_eq!(phase_of("\"said\""), "fan-out");
    assert_eq!(phase_of("\"private\""), "other");
}

#[test]
fn everything_may_be_sent_at_once_and_before_the_prompt() {
    let lines = "/json\n{\"name\":\"taken\"}\n{\"id\":\"1\",\"line\":\"lost\"}\nbroken\n\
                 {\"name\":\"Ali\"}\n{\"id\":\"2\",\"line\":\"hi\"}\n";
    let answers = [
        line(Line::Prompt),
        hello(),
        refusal("name-taken", "That name is taken: taken", None),
        refusal("no-name", "Your name comes first.", Some("1")),
        refusal("bad-request", "Your line was not understood.", None),
        welcome(3, "ali", false),
        ack("2", Some(4)),
    ];
    let mut house = House::default();
    house.join("soheil", false);
    house.steps.push(Made::Open(4002));
    for prompted in [false, true] {
        let mut steps = house.steps.clone();
        let (before, after) = answers.split_at(usize::from(prompted));
        steps.extend(before.iter().map(|answer| Made::Down(4002, answer.clone())));
        steps.push(Made::Up(4002, lines.as_bytes().to_vec()));
        steps.push(Made::Down(4002, after.concat()));
        steps.push(down(4001, "ali: hi"));
        let records = told(&steps);
        let joins: Vec<_> = of(&records, "join")
            .iter()
            .map(|join| text(join, "name"))
            .collect();
        assert_eq!(joins, ["soheil", "ali"]);
        let messages = of(&records, "message");
        let messages: Vec<_> = messages
            .iter()
            .map(|m| (text(m, "name"), text(m, "text")))
            .collect();
        assert_eq!(
            messages,
            [
                ("port 4002", "lost"),
                ("port 4002", "broken"),
                ("ali", "hi")
            ]
        );
        assert_eq!(copies_to(&records, "soheil"), 1);
        assert!(of(&records, "missing").is_empty());
    }
}

#[test]
fn who_is_not_answered_in_json_speaks_plain() {
    // An older room refuses the name; a stranger's takes it, asking for it or not.
    let older = [
        down(4002, PROMPT),
        up(4002, "/json"),
        up(4002, "{\"name\":\"ali\"}"),
        down(4002, "* Your name must start with a letter or digit: /json"),
        down(4002, PROMPT),
        down(
            4002,
            "* Your name must start with a letter or digit: {\"name\":\"ali\"}",
        ),
        down(4002, PROMPT),
        up(4002, "ali"),
        down(4002, GREETING),
    ];
    let stranger = [
        up(4002, "/json"),
        up(4002, "hi"),
        down(4002, "welcome, /json"),
    ];
    let asking = [down(4002, PROMPT), up(4002, "/json"), down(4002, GREETING)];
    for (talk, name) in [
        (&older[..], "ali"),
        (&stranger, "/json"),
        (&asking, "/json"),
    ] {
        let mut house = House::default();
        house.join("soheil", false);
        let mut steps = house.steps;
        steps.push(Made::Open(4002));
        steps.extend(talk.iter().cloned());
        steps.push(up(4002, "{\"line\":\"x\"}"));
        steps.push(down(4001, &format!("{name}: {{\"line\":\"x\"}}")));
        let records = told(&steps);
        assert_eq!(text(of(&records, "join")[1], "name"), name);
        let last = *of(&records, "message").last().unwrap();
        assert_eq!(
            (text(last, "name"), text(last, "text")),
            (name, "{\"line\":\"x\"}")
        );
        assert_eq!(copies_to(&records, "soheil"), 1, "{records:#?}");
    }
}

#[test]
fn a_copy_is_missed_if_the_server_said_that_everybody_is_told() {
    let line = |id: Option<&str>, line: &str| {
        Made::Up(
            4002,
            request(&Request::Line {
                id: id.map(|id| id.to_owned().into()),
                line: line.to_owned().into(),
            }),
        )
    };
    let mut house = House::default();
    house.join("soheil", false);
    house.join("ali", true);
    house.steps.extend([
        line(Some("a"), "taken"),
        Made::Down(4002, ack("a", Some(3))),
        line(Some("b"), "refused"),
        Made::Down(
            4002,
            refusal("line-too-long", "Your line was not sent.", Some("b")),
        ),
        line(Some("c"), "/who"),
        Made::Down(4002, ack("c", None)),
        line(None, "taken, I think"),
        up(4002, "{\"line\":broken}"),
    ]);
    house.steps.extend(vec![up(4001, "/who"); 6000]);
    let records = told(&house.steps);
    let missing: Vec<_> = of(&records, "missing")
        .iter()
        .map(|record| record["frame"].clone())
        .collect();
    let messages = of(&records, "message");
    let frames: Vec<_> = messages
        .iter()
        .filter(|m| text(m, "text").starts_with("taken"))
        .map(|m| m["frame"].clone())
        .collect();
    assert_eq!(missing, frames);
    assert_eq!(
        alone(&records, "ali").last(),
        Some(&"* Your line was not sent.")
    );
}

#[test]
fn without_the_servers_side_a_program_is_understood_too() {
    let steps = [
        Made::Open(4001),
        up(4001, "/json"),
        up(4001, "{\"name\":\"ali\"}"),
        up(4001, "{\"line\":\"hi\"}"),
        Made::Up(4001, resume(1, "ali")),
        Made::Close(4001),
    ];
    let records = told(&steps);
    assert_eq!(text(of(&records, "join")[0], "name"), "ali");
    assert_eq!(text(of(&records, "message")[0], "text"), "hi");
    // It has a name already; the secret is nothing to show.
    let again = text(of(&records, "message")[1], "text");
    assert!(again.contains("resume") && !again.contains("t1"), "{again}");
    assert_eq!(of(&records, "leave").len(), 1);
}
