//! Disks that are full, slow or gone: the room goes on, and the log says it once.

use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::{Pid, kill_process};

use crate::common::{Peer, Server, Signal};
use crate::house::{House, keep};
use crate::measure::wait_until;

/// Lets somebody say a line that another must hear.
#[track_caller]
fn talk(speaker: &Peer, listener: &mut Peer, name: &str, line: &str) {
    speaker.say(line);
    listener.expect(&format!("{name}: {line}"));
}

/// Returns how often the log says something that starts so.
fn count(server: &mut Server, start: &str) -> usize {
    server.drain_log();
    let texts = server.texts().iter();
    texts.filter(|text| text.starts_with(start)).count()
}

fn said(record: &str) -> Vec<String> {
    let lines = record.lines().map(|line| {
        serde_json::from_str::<serde_json::Value>(line)
            .unwrap_or_else(|error| panic!("{error}: {line:?}"))
    });
    lines
        .filter(|event| event["event"] == "said")
        .map(|event| event["text"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_record_is_opened_anew_at_hup_and_no_line_is_lost() {
    let house = House::new();
    let mut server = house.start(&["--rate", "0"]);
    let [ali, mut bob] = ["ali", "bob"].map(|name| server.join(name));
    let lines: Vec<String> = (0..2000).map(|number| format!("line {number}")).collect();
    for (number, line) in lines.iter().enumerate() {
        ali.say(line);
        if number % 400 == 200 {
            fs::rename(
                house.path("record"),
                house.path(&format!("record.{number}")),
            )
            .unwrap();
            server.signal(Signal::HUP);
        }
        if number % 50 == 0 {
            bob.expect(&format!("ali: line {number}"));
        } else {
            bob.expect(&format!("ali: {line}"));
        }
        server.drain_log();
    }
    server.stop();
    let old = [200, 600, 1000, 1400, 1800].map(|number| house.read(&format!("record.{number}")));
    let all = old.concat() + &house.read("record");
    assert_eq!(said(&all), lines);
    assert!(!house.read("record").is_empty());
}

#[test]
fn a_record_that_was_taken_away_begins_anew() {
    let house = House::new();
    let mut server = house.start(&[]);
    let [ali, mut bob] = ["ali", "bob"].map(|name| server.join(name));
    talk(&ali, &mut bob, "ali", "one");
    wait_until("the record", || house.read("record").contains("one"));
    fs::remove_file(house.path("record")).unwrap();
    talk(&ali, &mut bob, "ali", "two");
    wait_until("another record", || house.read("record").contains("two"));
    assert_eq!(said(&house.read("record")), ["two"]);
    server.stop();
}

#[test]
fn a_folder_in_the_place_of_a_file_costs_what_is_written_meanwhile() {
    let house = House::new();
    let mut server = house.start(&[]);
    let mut chief = house.chief(&server);
    let mut bob = server.join("bob");
    keep(&mut bob);
    wait_until("a state", || house.read("state").contains("bob"));
    for name in ["state", "record"] {
        fs::remove_file(house.path(name)).unwrap();
        fs::create_dir(house.path(name)).unwrap();
    }
    for number in 0..20 {
        talk(&chief, &mut bob, "chief", &format!("line {number}"));
        chief.say(format!("/topic {number}"));
        chief.expect_notice("has set the topic");
        bob.expect_notice("has set the topic");
    }
    for start in ["can't write the record, ", "can't write the state, "] {
        wait_until(start, || count(&mut server, start) == 1);
    }
    for name in ["state", "record"] {
        fs::remove_dir(house.path(name)).unwrap();
    }
    talk(&chief, &mut bob, "chief", "back");
    for start in [
        "the record is written again, ",
        "the state is written again: ",
    ] {
        wait_until(start, || count(&mut server, start) == 1);
    }
    assert_eq!(said(&house.read("record")), ["back"]);
    assert!(house.read("state").contains("\ntopic chief 19\n"));
    for start in ["can't write the record, ", "can't write the state, "] {
        assert_eq!(count(&mut server, start), 1, "said once");
    }
    server.stop();
}

#[test]
fn a_full_disk_is_said_once_and_the_room_goes_on() {
    let house = House::new();
    // What is written beside the state, to be put in its place, meets a full disk; so does the record.
    symlink("/dev/full", house.path("state.new")).unwrap();
    symlink("/dev/full", house.path("record")).unwrap();
    let before = house.read("state");
    let mut server = house.start(&[]);
    let chief = house.chief(&server);
    let mut bob = server.join("bob");
    for number in 0..20 {
        talk(&chief, &mut bob, "chief", &format!("line {number}"));
    }
    keep(&mut bob);
    for start in ["can't write the record, ", "can't write the state, "] {
        wait_until(start, || count(&mut server, start) == 1);
    }
    let full = "No space left on device (os error 28)";
    assert!(
        server
            .texts()
            .iter()
            .filter(|text| text.ends_with(full))
            .count()
            == 2
    );
    assert_eq!(house.read("state"), before, "the old one stays");
    fs::remove_file(house.path("state.new")).unwrap();
    wait_until("a state", || house.read("state").contains("keep bob"));
    server.stop();
}

#[test]
fn a_disk_that_takes_nothing_holds_up_nobody() {
    let house = House::new();
    // A pipe that nobody reads is as slow as a disk can be.
    let record = house.path("record");
    mknodat(CWD, &record, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    let mut server = house.start(&["--rate", "0"]);
    let [ali, mut bob] = ["ali", "bob"].map(|name| server.join(name));
    let filler = "x".repeat(4000);
    for number in 0..400 {
        talk(&ali, &mut bob, "ali", &format!("{number} {filler}"));
        server.drain_log();
    }
    let slow = "the record can't be written as fast as people talk; lines of it are lost";
    assert_eq!(count(&mut server, slow), 1);
    // It is read after all.
    let mut pipe = fs::File::open(&record).unwrap();
    let reader = std::thread::spawn(move || {
        let mut bytes = vec![0; 1 << 16];
        let mut all = 0;
        while let Ok(count @ 1..) = pipe.read(&mut bytes) {
            all += count;
        }
        all
    });
    wait_until("the end of it", || {
        talk(&ali, &mut bob, "ali", "on");
        count(&mut server, "the record goes on; ") == 1
    });
    server.stop();
    assert!(reader.join().unwrap() > 1 << 20);
}

#[test]
fn a_writer_that_was_killed_is_started_again() {
    let house = House::new();
    // In the sandbox no program is started any more.
    let mut server = house.start(&["--no-sandbox"]);
    let [mut ali, mut bob] = ["ali", "bob"].map(|name| server.join(name));
    talk(&ali, &mut bob, "ali", "one");
    wait_until("the record", || house.read("record").contains("one"));
    let id = server.id();
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    let writer = Pid::from_raw(children.trim().parse().unwrap()).unwrap();
    kill_process(writer, Signal::KILL).unwrap();
    server.expect_log(
        "the writer of the files has ended; lines of the record are lost until another is started",
    );
    keep(&mut ali);
    talk(&ali, &mut bob, "ali", "two");
    wait_until("the record", || house.read("record").contains("two"));
    wait_until("the state", || house.read("state").contains("keep ali"));
    server.stop();
}

#[test]
fn what_was_said_before_a_new_start_is_history() {
    let house = House::new();
    let mut server = house.start(&[]);
    let mut ali = server.join("ali");
    let bob = server.join("bob");
    bob.say("one\n/me two\n/msg ali a secret\nthree");
    ali.expect("bob: one");
    ali.expect("* bob two");
    ali.expect("bob (privately): a secret");
    ali.expect("bob: three");
    server.stop();
    assert!(!house.read("record").contains("a secret"));
    // A crash has cut the last line.
    let cut = house.read("record") + "{\"event\":\"said\",\"seq\":99,\"ti";
    fs::write(house.path("record"), cut).unwrap();
    let server = house.start(&["--history", "4"]);
    let mut late = server.join("late");
    let head = late.expect_notice("3 lines from before you came, ");
    assert!(head.ends_with(" UTC:"), "{head}");
    let lines = late.lines_before("* That was before.");
    assert_eq!(lines, ["bob: one", "* bob two", "bob: three"]);
    late.say("four");
    wait_until("the record", || house.read("record").contains("four"));
    assert_eq!(
        said(&house.read("record")),
        ["one", "three", "four"],
        "mended"
    );
}
