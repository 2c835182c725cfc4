//! Members on WebSocket over wires in memory: short writes of any size, silence, memory.

use std::fmt::Write;
use std::time::Duration;

use super::rig::drive::Drive;
use super::rig::screen::Screen;
use super::rig::wire::{EVERYTHING, Mischief, Wire};
use chatroom::hub::disconnect::Disconnect;
use chatroom::hub::limits::Limits;

fn drive() -> Drive {
    Drive::new(Limits {
        rate: 0,
        ..Limits::default()
    })
}

/// Lets somebody join over WebSocket whose writes move so many bytes at most.
fn join(drive: &mut Drive, name: &str, step: usize) -> usize {
    let mischief = Mischief::Told {
        step,
        interrupts: 0,
    };
    let web = drive.accept(Wire::framed(EVERYTHING, mischief, 7));
    drive.say(web, name);
    drive.settle();
    web
}

#[test]
fn however_short_the_writes_are_each_message_is_whole() {
    for step in 1..40 {
        let mut drive = drive();
        let speaker = drive.join("speaker", EVERYTHING);
        let web = join(&mut drive, "web", step);
        let mut expected = drive.heard(web);
        assert!(expected.ends_with("enjoy\n"));
        expected.clear();
        for round in 0..20 {
            let line = "x".repeat(round * 17 % 300 + 1);
            drive.say(speaker, &line);
            writeln!(expected, "speaker: {line}").unwrap();
            // What is said while a message is under way is the next one's.
            drive.turn();
            // Its own line is left out, wherever it stands.
            if round % 3 == 0 {
                drive.say(web, "mine");
            }
        }
        drive.settle();
        assert_eq!(drive.heard(web), expected, "{step}");
        let heard = drive.heard(speaker);
        assert_eq!(heard.matches("web: mine\n").count(), 7, "{step}");
    }
}

#[test]
fn one_that_takes_a_little_now_and_then_hears_all_in_whole_messages() {
    let mut drive = drive();
    let speaker = drive.join("speaker", EVERYTHING);
    let web = drive.accept(Wire::framed(60, Mischief::None, 1));
    drive.say(web, "web");
    drive.settle();
    let mut expected = String::new();
    for number in 0..500 {
        drive.say(speaker, &format!("line {number}"));
        writeln!(expected, "speaker: line {number}").unwrap();
        drive.say(web, "/who");
        drive.turn();
        drive.wire(web).open_window(number % 50);
    }
    drive.wire(web).open_window(EVERYTHING);
    drive.settle();
    let heard = drive.heard(web);
    let of_speaker: String = heard
        .split_inclusive('\n')
        .filter(|line| line.starts_with("speaker"))
        .collect();
    assert_eq!(of_speaker, expected);
    assert_eq!(heard.matches("* Here (2").count(), 500);
}

#[test]
fn a_long_backlog_comes_in_messages_of_bounded_size() {
    let mut drive = drive();
    let speaker = drive.join("speaker", EVERYTHING);
    let web = drive.accept(Wire::framed(100, Mischief::None, 1));
    drive.say(web, "web");
    drive.settle();
    let line = "x".repeat(3000);
    for _ in 0..200 {
        drive.say(speaker, &line);
        drive.turn();
    }
    drive.wire(web).open_window(EVERYTHING);
    drive.settle();
    let Screen::Frames(reader) = &drive.wire(web).screen else {
        panic!("no frames");
    };
    // The reader looks at how long each is.
    assert!((10..30).contains(&reader.messages), "{}", reader.messages);
    assert!(reader.text.len() > 600_000 && reader.is_whole());
}

#[test]
fn who_is_silent_is_asked_and_who_does_not_answer_is_gone() {
    let mut drive = drive();
    let ears = drive.join("ears", EVERYTHING);
    let web = join(&mut drive, "web", 0);
    // It takes what it is sent, and says nothing any more.
    let dead = drive.accept(Wire::framed(EVERYTHING, Mischief::None, 2));
    drive.say(dead, "dead");
    drive.settle();
    drive.wire(dead).frames = None;
    drive.wire(dead).screen = Screen::Keeps(Vec::new());
    drive.heard(ears);
    for _ in 0..12 {
        drive.pass(Duration::from_secs(10));
    }
    assert!(drive.is_open(web), "it has answered");
    assert!(!drive.is_open(dead));
    assert_eq!(drive.heard(ears), "dead has left the chatroom!\n");
    assert_eq!(drive.hub.disconnects().of(Disconnect::Reset), 1);
    let Screen::Keeps(sent) = &drive.wire(dead).screen else {
        panic!("nothing kept");
    };
    assert_eq!(sent, b"\x89\x00", "asked once");
}

#[test]
fn a_flood_of_pings_is_answered_now_and_then_and_slows_only_its_sender() {
    let mut drive = Drive::new(Limits::default());
    let ears = drive.join("ears", EVERYTHING);
    let web = drive.accept(Wire::framed(EVERYTHING, Mischief::None, 1));
    drive.say(web, "web");
    drive.settle();
    let flood = super::rig::frames::frame(0x89, b"x").repeat(200_000);
    drive.wire(web).arrived.extend(flood);
    drive.wire(web).readable = true;
    drive.turn();
    drive.turn();
    let waiting = drive.wire(web).arrived.len();
    drive.say(ears, "hello");
    drive.turn();
    assert!(drive.heard(web).ends_with("ears: hello\n"));
    drive.pass(Duration::from_secs(1));
    assert!(
        waiting > 0 && drive.wire(web).arrived.len() == waiting,
        "it isn't heard for a while"
    );
    let Screen::Frames(reader) = &drive.wire(web).screen else {
        panic!("no frames");
    };
    assert!(
        (1..10).contains(&reader.pongs.len()),
        "{}",
        reader.pongs.len()
    );
}

#[test]
fn a_message_without_end_costs_no_memory() {
    let mut drive = drive();
    let web = join(&mut drive, "web", 0);
    let ears = drive.join("ears", EVERYTHING);
    let piece = super::rig::frames::frame(0, &vec![b'x'; 60_000]);
    drive
        .wire(web)
        .arrived
        .extend(super::rig::frames::frame(1, b"x"));
    let memory = allocation_counter::measure(|| {
        for _ in 0..300 {
            let mut wire = drive.wire(web);
            wire.arrived.extend(&piece);
            wire.readable = true;
            drop(wire);
            drive.turn();
        }
    });
    assert!(memory.bytes_max < 400_000, "{memory:?}");
    drive
        .wire(web)
        .arrived
        .extend(super::rig::frames::frame(0x80, b"\nhello"));
    drive.wire(web).readable = true;
    drive.settle();
    assert!(
        drive.heard(web).contains("* "),
        "it is told that the line was too long"
    );
    assert!(drive.heard(ears).ends_with("web: hello\n"));
}
