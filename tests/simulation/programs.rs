//! Scenes of members who are told in JSON, and of what they may do to others.

use std::time::Duration;

use chatroom::hub::limits::{Limits, MEMBERS_BYTES_MAX, PRIVATE_BYTES_MAX};
use chatroom::wire::json::{Message, Request, Resume};

use crate::limits;
use crate::rig::drive::{BOOT, Drive};
use crate::rig::screen::assert_safe;
use crate::rig::wire::EVERYTHING;

/// Lets somebody connect, and ask for JSON.
fn connect(scene: &mut Drive) -> usize {
    let program = scene.connect(EVERYTHING);
    scene.say(program, "/json");
    scene.settle();
    scene.heard(program);
    program
}

/// Lets somebody come in who is told in JSON, and returns its token.
fn join(scene: &mut Drive, name: &str) -> (usize, String) {
    let program = connect(scene);
    ask(scene, program, &Request::Name(name.into()));
    scene.settle();
    let heard = scene.heard(program);
    let welcome = heard.lines().next().unwrap();
    match Message::parse(welcome.as_bytes()) {
        Ok(Message::Welcome { token, .. }) => (program, token.into_owned()),
        other => panic!("{other:?}"),
    }
}

fn ask(scene: &Drive, program: usize, request: &Request<'_>) {
    let mut bytes = Vec::new();
    request.put(&mut bytes);
    scene.wire(program).send(&bytes);
}

fn say(scene: &Drive, program: usize, id: &str, line: &str) {
    let id = Some(id.into());
    ask(
        scene,
        program,
        &Request::Line {
            id,
            line: line.into(),
        },
    );
}

fn resume(name: &str, seq: u64, token: Option<&str>) -> Request<'static> {
    Request::Resume(Resume {
        boot: BOOT.into(),
        seq,
        name: name.to_owned().into(),
        token: token.map(|token| token.to_owned().into()),
        key: None,
    })
}

/// Returns the numbers of the events that somebody was told of.
fn events(heard: &str) -> Vec<u64> {
    let messages = heard
        .lines()
        .map(|line| Message::parse(line.as_bytes()).unwrap());
    messages.filter_map(|message| message.seq()).collect()
}

/// The server stopped where the number has no next one.
#[test]
fn who_claims_to_know_everything_there_will_ever_be_is_told_what_comes() {
    let mut scene = Drive::new(limits());
    let talker = scene.join("talker", EVERYTHING);
    let (mut program, token) = join(&mut scene, "program");
    // Each time one more line, and that it has left.
    for (seq, missed) in [(0, vec![3, 4]), (4, vec![6, 7]), (u64::MAX, vec![])] {
        scene.say(talker, "one");
        scene.settle();
        scene.wire(program).reset();
        scene.settle();
        program = connect(&mut scene);
        ask(&scene, program, &resume("program", seq, Some(&token)));
        scene.settle();
        let heard = scene.heard(program);
        let heard: Vec<u64> = events(&heard).into_iter().rev().take(2).rev().collect();
        assert_eq!(heard, missed);
    }
    scene.say(talker, "two");
    scene.settle();
    assert!(scene.heard(program).contains("two"));
}

/// Without having been here, and in a room that shows newcomers nothing.
#[test]
fn a_stranger_was_sent_all_that_was_said_before_it_came() {
    let mut scene = Drive::new(limits());
    let talker = scene.join("talker", EVERYTHING);
    join(&mut scene, "ears");
    scene.say(talker, "nobody else hears this");
    scene.settle();
    let stranger = connect(&mut scene);
    ask(&scene, stranger, &resume("stranger", 0, None));
    scene.settle();
    assert!(events(&scene.heard(stranger)).is_empty());
    // Nor is who comes back told of more than it was here for.
    let (program, token) = join(&mut scene, "program");
    scene.wire(program).reset();
    scene.settle();
    let program = connect(&mut scene);
    ask(&scene, program, &resume("program", 0, Some(&token)));
    scene.settle();
    let heard = scene.heard(program);
    assert!(
        !heard.contains("nobody else") && heard.contains("\"left\""),
        "{heard}"
    );
}

/// The answer told what was wrong with all of it, so that it was three times as long.
#[test]
fn a_long_request_that_is_refused_is_not_repeated() {
    let mut scene = Drive::new(limits());
    let (program, _) = join(&mut scene, "program");
    for harmful in ["\u{85}", "\u{202E}", "\\u0007", "\\\""] {
        let request = format!("{{\"resume\":\"{}\"}}", harmful.repeat(2000));
        scene.say(program, &request);
        scene.settle();
        let heard = scene.heard(program);
        assert_safe(heard.trim_end());
        assert!(
            heard.contains("bad-request") && heard.len() < 1000,
            "{heard}"
        );
    }
}

/// They were counted as they are, and written with their escapes.
#[test]
fn names_full_of_quotes_are_a_list_no_longer_than_others() {
    let mut scene = Drive::new(limits());
    for number in 0..500 {
        let name = format!("{number:a<4}{}", "\"".repeat(28)).replacen('0', "x", 1);
        scene.join(&format!("n{}", &name[..31]), EVERYTHING);
    }
    let program = connect(&mut scene);
    ask(&scene, program, &Request::Name("program".into()));
    scene.settle();
    let heard = scene.heard(program);
    let members = heard.lines().nth(1).unwrap();
    assert!(
        members.len() <= MEMBERS_BYTES_MAX + 100,
        "{}",
        members.len()
    );
    let Ok(Message::Members { count, names, more }) = Message::parse(members.as_bytes()) else {
        panic!("{members}");
    };
    assert!(more > 0 && names.len() + more == count, "{count} {more}");
    assert!(members.len() > MEMBERS_BYTES_MAX - 100, "{}", members.len());
}

/// The leaving of the older connection was announced behind that of the crowd: the ids went with it
/// when the newer one was in already, and the line was said twice.
#[test]
fn who_comes_back_while_a_crowd_leaves_is_known_by_its_ids() {
    let limits = Limits {
        max_line_bytes: 128,
        backlog_bytes: 4096,
        ..limits()
    };
    let mut scene = Drive::new(limits);
    let crowd: Vec<usize> = (0..100)
        .map(|number| scene.join(&format!("crowd{number}"), EVERYTHING))
        .collect();
    let ears = scene.join("ears", EVERYTHING);
    let (older, token) = join(&mut scene, "bot");
    say(&scene, older, "1", "once");
    // It doesn't know of its new name when it comes back.
    say(&scene, older, "2", "/nick rob");
    scene.settle();
    let newer = connect(&mut scene);
    for peer in crowd {
        scene.wire(peer).reset();
    }
    ask(&scene, newer, &resume("bot", 101, Some(&token)));
    scene.turn();
    let audit = scene.hub.audit();
    assert!(audit.leaving > 0, "{audit:?}");
    say(&scene, newer, "1", "once");
    scene.settle();
    let heard = scene.heard(newer);
    assert!(heard.contains("\"ack\",\"id\":\"1\""), "{heard}");
    assert_eq!(scene.heard(ears).matches("bot: once").count(), 1);
    assert!(!scene.is_open(older));
    // And it can come back once more.
    let third = connect(&mut scene);
    ask(&scene, third, &resume("bot", 101, Some(&token)));
    scene.settle();
    assert!(scene.heard(newer).contains("\"replaced\""));
    say(&scene, third, "1", "once");
    scene.settle();
    assert_eq!(scene.heard(ears).matches("bot: once").count(), 0);
    assert!(scene.hub.audit().private_bytes_max <= PRIVATE_BYTES_MAX);
}

/// Two programs that know one token.
#[test]
fn connections_that_take_over_each_other_leave_one_member() {
    let mut scene = Drive::new(limits());
    let ears = scene.join("ears", EVERYTHING);
    let (mut last, token) = join(&mut scene, "bot");
    for _ in 0..100 {
        let both = [connect(&mut scene), connect(&mut scene)];
        for program in both {
            ask(&scene, program, &resume("bot", 0, Some(&token)));
            say(&scene, program, "1", "once");
        }
        scene.settle();
        assert!(!scene.is_open(last) && !scene.is_open(both[0]));
        last = both[1];
    }
    let audit = scene.hub.audit();
    assert_eq!((audit.members, audit.names, audit.leaving), (2, 2, 0));
    let heard = scene.heard(ears);
    assert_eq!(heard.matches("bot: once").count(), 1);
    assert_eq!(heard.matches("bot has left").count(), 200);
}

/// What a program has sent of a line counts when its connection ends in order, as a person's does.
#[test]
fn half_a_line_at_the_end_is_heard_if_it_is_whole_json() {
    let mut scene = Drive::new(limits());
    let ears = scene.join("ears", EVERYTHING);
    for (bytes, heard) in [
        (&b"{\"line\":\"whole\"}"[..], "b: whole\n"),
        (b"{\"line\":\"who", ""),
        (b"{\"name\":\"c\"}", ""),
    ] {
        let (program, _) = join(&mut scene, "b");
        scene.wire(program).send(bytes);
        scene.wire(program).finish();
        scene.settle();
        assert!(!scene.is_open(program));
        let left = "b has left the chatroom!\n";
        assert_eq!(
            scene.heard(ears).replace(
                "Please enter your name:\nChat with your friends and enjoy\n",
                ""
            ),
            format!("{heard}{left}")
        );
    }
}

/// Telnet's own talk is not JSON's: it is answered between the lines.
#[test]
fn telnet_may_be_spoken_between_the_bytes_of_json() {
    let mut scene = Drive::new(limits());
    let ears = scene.join("ears", EVERYTHING);
    let program = scene.connect(EVERYTHING);
    let mut bytes = Vec::new();
    for &byte in b"/json\r\n{\"name\":\"b\"}\r\0{\"line\":\"hi\"}\r\n" {
        bytes.extend([byte, 255, 241]);
    }
    scene.wire(program).send(&bytes);
    scene.settle();
    // Are you there?
    scene.wire(program).send(&[255, 246]);
    scene.settle();
    assert!(scene.heard(ears).ends_with("b: hi\n"));
    assert!(scene.heard(program).contains("\"code\":\"still-here\""));
}

/// The transcript of JSON begins anew when nobody has read it for long; marks of the fan-out that
/// belong to the one before must not hold anybody up, nor may who comes back hear of what isn't there.
#[test]
fn json_is_written_no_more_when_nobody_reads_it_and_begins_anew() {
    let mut scene = Drive::new(Limits {
        history_lines: 3,
        ..limits()
    });
    let talker = scene.join("talker", EVERYTHING);
    let (program, token) = join(&mut scene, "b");
    for _ in 0..50 {
        scene.say(talker, &"x".repeat(1000));
        scene.settle();
    }
    scene.wire(program).reset();
    scene.settle();
    let has_json = |scene: &Drive| scene.hub.feeds().iter().count() == 2;
    scene.pass(Duration::from_secs(299));
    assert!(has_json(&scene));
    scene.pass(Duration::from_secs(2));
    assert!(!has_json(&scene));
    scene.say(talker, "unheard");
    scene.settle();
    let program = connect(&mut scene);
    ask(&scene, program, &resume("b", 2, Some(&token)));
    scene.settle();
    scene.say(talker, "heard");
    scene.settle();
    let heard = scene.heard(program);
    // 50 lines, the leaving, one line more.
    assert!(
        heard.contains("{\"event\":\"gap\",\"missed\":52}"),
        "{heard}"
    );
    assert!(
        !heard.contains("unheard") && heard.contains("\"heard\""),
        "{heard}"
    );
}
