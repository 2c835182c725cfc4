//! Who writes the files: as whom, what is told when nobody can, and what comes of it.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::chown;
use std::process::{Command, Stdio};

use rustix::process::{Pid, kill_process};

use crate::common::{Server, Signal, chatroom};
use crate::house::{House, keep};
use crate::measure::wait_until;

/// The one whom `--user nobody` becomes.
const NOBODY: u32 = 65_534;

fn writer_of(server: &Server) -> Pid {
    let id = server.id();
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    Pid::from_raw(children.trim().parse().unwrap()).unwrap()
}

/// Asks the server that tells how it goes.
fn ask(server: &Server, path: &str) -> String {
    let mut texts = server.texts().iter();
    let told = texts.find_map(|text| text.strip_prefix("metrics at http://"));
    let address = told.unwrap().strip_suffix("/metrics").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_writer_that_was_killed_in_the_sandbox_is_missed_once_in_the_log_and_by_whoever_asks() {
    let house = House::new();
    let mut server = house.start(&["--metrics", "127.0.0.1:0", "--rate", "0"]);
    let [ali, mut bob] = ["ali", "bob"].map(|name| server.join(name));
    assert!(ask(&server, "/healthz").ends_with("\r\n\r\nok\n"));
    assert!(ask(&server, "/metrics").contains("\nchatroom_files_written 1\n"));
    kill_process(writer_of(&server), Signal::KILL).unwrap();
    server.expect_log(
        "the writer of the files has ended; lines of the record are lost until another is started",
    );
    let cant = "no writer of the files can be started";
    server.expect_log_with(|text| text.starts_with(cant));
    let health = ask(&server, "/healthz");
    assert!(
        health.starts_with("HTTP/1.1 200 ")
            && health.ends_with("ok, but nobody writes the files\n"),
        "{health}"
    );
    // More than waits for a writer.
    let filler = "x".repeat(4000);
    for number in 0..300 {
        ali.say(format!("{number} {filler}"));
        bob.expect(&format!("ali: {number} {filler}"));
        server.drain_log();
    }
    let metrics = ask(&server, "/metrics");
    assert!(
        metrics.contains("\nchatroom_files_written 0\n"),
        "{metrics}"
    );
    let dropped = "\nchatroom_record_lines_dropped_total ";
    let dropped = metrics
        .split_once(dropped)
        .unwrap()
        .1
        .lines()
        .next()
        .unwrap();
    assert!(dropped.parse::<u64>().unwrap() > 0, "{metrics}");
    let log = server.stop();
    assert_eq!(log.iter().filter(|text| text.starts_with(cant)).count(), 1);
}

#[test]
fn the_files_are_written_by_the_user_that_the_server_becomes() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: not root");
        return;
    }
    let house = House::new();
    for path in [house.path(""), house.path("state")] {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let mut server = house.start(&["--user", "nobody"]);
    let writer = writer_of(&server).as_raw_nonzero();
    let status = fs::read_to_string(format!("/proc/{writer}/status")).unwrap();
    let ids = status
        .lines()
        .find(|line| line.starts_with("Uid:"))
        .unwrap();
    assert_eq!(ids, "Uid:\t65534\t65534\t65534\t65534", "it stayed root");
    let mut ali = server.join("ali");
    keep(&mut ali);
    server.stop();
    assert!(house.read("state").contains("keep ali") && house.read("record").contains("ali"));
    // And it says so where it may not.
    chown(house.path("state.lock"), Some(0), Some(0)).unwrap();
    let output = chatroom()
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--user",
            "nobody",
            "--state",
        ])
        .arg(house.path("state"))
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.code() == Some(1) && told.contains("Permission denied"),
        "{told}"
    );
}

#[test]
fn a_disk_that_became_read_only_is_said_once_and_the_room_goes_on() {
    let house = House::new();
    let folder = house.path("disk");
    fs::create_dir(&folder).unwrap();
    fs::copy(house.path("state"), folder.join("state")).unwrap();
    let mut command = Command::new("unshare");
    // In a world of its own, where disks may be put over others.
    command.args(["--map-root-user", "--mount"]);
    let possible = command.arg("true").stderr(Stdio::null()).status();
    if !possible.is_ok_and(|status| status.success()) {
        println!("skipped: no namespaces of one's own");
        return;
    }
    let program = chatroom();
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount"]);
    command.arg(program.get_program());
    command.args(["serve", "--listen", "127.0.0.1:0", "--state"]);
    command.arg(folder.join("state")).arg("--record");
    command.arg(folder.join("record"));
    let mut server = Server::run(command);
    let in_there = |words: &[&str]| {
        let id = server.id().to_string();
        let mut command = Command::new("nsenter");
        command.args(["--preserve-credentials", "-U", "-m", "-t", &id]);
        let status = command.args(words).arg(&folder).status().unwrap();
        assert!(status.success(), "{words:?}");
    };
    in_there(&["mount", "-t", "tmpfs", "-o", "ro", "none"]);
    server.signal(Signal::HUP);
    let mut chief = house.chief(&server);
    let mut bob = server.join("bob");
    for number in 0..20 {
        chief.say(format!("/topic {number}"));
        chief.expect_notice("has set the topic");
        bob.expect_notice("has set the topic");
    }
    let count = |server: &mut Server, start: &str| {
        server.drain_log();
        let texts = server.texts().iter();
        texts.filter(|text| text.starts_with(start)).count()
    };
    let troubles = ["can't write the record, ", "can't write the state, "];
    for start in troubles {
        wait_until(start, || count(&mut server, start) == 1);
    }
    let told = server
        .texts()
        .iter()
        .filter(|text| text.contains("Read-only file system"));
    assert_eq!(told.count(), 2);
    let id = server.id().to_string();
    let status = Command::new("nsenter")
        .args(["--preserve-credentials", "-U", "-m", "-t", &id, "umount"])
        .arg(&folder)
        .status();
    assert!(status.unwrap().success());
    bob.say("back");
    chief.expect("bob: back");
    for start in [
        "the record is written again, ",
        "the state is written again: ",
    ] {
        wait_until(start, || count(&mut server, start) == 1);
    }
    for start in troubles {
        assert_eq!(count(&mut server, start), 1, "said once");
    }
    server.stop();
    let state = fs::read_to_string(folder.join("state")).unwrap();
    assert!(state.contains("\ntopic chief 19\n"), "{state}");
}

#[test]
fn trace_tells_what_the_record_has() {
    let house = House::new();
    let mut server = house.start(&[]);
    let mut chief = house.chief(&server);
    let mut ali = server.join("ali");
    ali.say("hello\n/me waves\n/msg chief a secret");
    for line in ["ali: hello", "* ali waves", "ali (privately): a secret"] {
        chief.expect(line);
    }
    chief.say("/topic tea");
    ali.expect("* Your message reached chief.");
    ali.expect("* The operator chief has set the topic: tea");
    server.stop();
    let record = house.path("record");
    let whole = chatroom().arg("trace").arg(&record).output().unwrap();
    let piped = chatroom()
        .args(["trace", "-"])
        .stdin(fs::File::open(&record).unwrap())
        .output()
        .unwrap();
    assert!(
        whole.status.success() && whole.stdout == piped.stdout,
        "{whole:?} {piped:?}"
    );
    let told = String::from_utf8(whole.stdout).unwrap();
    let told: Vec<&str> = told
        .lines()
        .map(|line| line.get(21..).unwrap_or(line))
        .collect();
    assert_eq!(
        told[..6],
        [
            "chief joined",
            "ali joined",
            "ali: hello",
            "* ali waves",
            "the server to all: The operator chief has set the topic: tea",
            "the server to all: The chatroom is closing.",
        ]
    );
    assert!(!told.join("\n").contains("secret"));
}
