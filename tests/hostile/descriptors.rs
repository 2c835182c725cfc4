//! Out of descriptors: the room goes on, quietly, and lets people in as soon as it can.

use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::common::program::tool;
use crate::common::{PROMPT, Peer, Server, chatroom};
use crate::measure::{busy_part, descriptors, wait_until};

/// How long somebody who waits may have to wait, once there is a place.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// Starts a server that may have `limit` descriptors open.
fn start_with_limit(limit: usize) -> Server {
    let chatroom = chatroom();
    let mut command = Command::new("sh");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CHATROOM_") {
            command.env_remove(name);
        }
    }
    command
        .args(["-c", &format!("ulimit -n {limit} && exec \"$0\" \"$@\"")])
        .arg(chatroom.get_program())
        .args(["serve", "--listen", "127.0.0.1:0", "--rate", "0"]);
    Server::run(command)
}

#[test]
fn a_small_limit_turns_people_away_politely_and_lets_them_in_when_there_is_place() {
    let mut server = start_with_limit(64);
    let (ali, mut bob) = (server.join("ali"), server.join("bob"));
    let mut inside = Vec::new();
    for number in 0..200 {
        let mut peer = server.connect();
        let line = peer.line();
        if line == PROMPT {
            peer.enter(&format!("p{number}"));
            inside.push(peer);
        } else {
            assert_eq!(line, "* The room is full; try again later.");
            peer.expect_end();
        }
    }
    assert!((20..=60).contains(&inside.len()), "{}", inside.len());
    let busy = busy_part(&server, Duration::from_millis(500));
    assert!(busy < 0.1, "busy for nothing: {busy}");
    ali.say("hello");
    bob.expect("ali: hello");
    server.drain_log();
    assert!(server.texts().len() < 70, "{:?}", server.texts());
    inside.pop();
    let start = Instant::now();
    wait_until("there is a place", || server.connect().line() == PROMPT);
    assert!(start.elapsed() < WAIT_MAX, "waited {:?}", start.elapsed());
}

/// Lets the server open `more` descriptors than it has, and no more.
fn limit_to(server: &Server, more: usize) {
    let pid = Pid::from_raw(server.id().cast_signed()).unwrap();
    let limit = Some((descriptors(server) + more) as u64);
    let old = prlimit(
        Some(pid),
        Resource::Nofile,
        Rlimit {
            current: limit,
            maximum: limit,
        },
    );
    old.expect("limits may always be lowered");
}

#[test]
fn without_descriptors_the_room_goes_on_and_who_waits_is_let_in_after_a_close() {
    let mut server = Server::start(&["--rate", "0"]);
    let (ali, mut bob, carl) = (server.join("ali"), server.join("bob"), server.join("carl"));
    limit_to(&server, 0);
    let start = Instant::now();
    // The kernel takes them for the server, which can't.
    let mut waiting: Vec<Peer> = (0..200).map(|_| server.connect()).collect();
    let busy = busy_part(&server, Duration::from_millis(2500));
    assert!(busy < 0.1, "busy for nothing: {busy}");
    for number in 0..100 {
        ali.say(format!("line {number}"));
        bob.expect(&format!("ali: line {number}"));
    }
    // One goes, one comes; in the order in which they knocked.
    drop(carl);
    let start_of_one = Instant::now();
    waiting[0].expect(PROMPT);
    let took = start_of_one.elapsed();
    assert!(took < WAIT_MAX, "waited {took:?}");
    let start_of_all = Instant::now();
    for number in 1..20 {
        drop(waiting.remove(0));
        let start = Instant::now();
        waiting[0].expect(PROMPT);
        let took = start.elapsed();
        assert!(took < WAIT_MAX, "number {number} waited {took:?}");
    }
    // The close itself lets them in, not the next try a second later.
    let took = start_of_all.elapsed();
    assert!(took < 6 * WAIT_MAX, "19 waited {took:?}");
    server.drain_log();
    let seconds = start.elapsed().as_secs() as usize;
    let about = "nobody can be let in for now";
    let warnings = server.texts().iter().filter(|text| text.contains(about));
    let warnings = warnings.count();
    assert!(
        (1..=seconds + 2).contains(&warnings),
        "{warnings} in {seconds} s"
    );
    waiting[0].enter("dan");
    ali.say("welcome");
    waiting[0].expect("ali: welcome");
}

/// Errors that accept(2) is known to give, and whether each says that something has run out.
const ACCEPT_ERRORS: [(&str, bool); 15] = [
    ("ECONNABORTED", false),
    ("EINTR", false),
    ("EPROTO", false),
    ("EPERM", false),
    ("ENETDOWN", false),
    ("ENETUNREACH", false),
    ("EHOSTDOWN", false),
    ("EHOSTUNREACH", false),
    ("ENONET", false),
    ("ENOPROTOOPT", false),
    ("EOPNOTSUPP", false),
    ("EMFILE", true),
    ("ENFILE", true),
    ("ENOBUFS", true),
    ("ENOMEM", true),
];

/// Starts a server whose first accept fails with `error`; `None` where that can't be done.
fn start_with_accept_failing(error: &str) -> Option<Server> {
    let probe = tool("strace", "strace")?.arg("true").output().unwrap();
    if !probe.status.success() {
        // Some sandboxes forbid to trace even one's own children.
        println!("skipped: strace may not trace here");
        return None;
    }
    let mut command = tool("strace", "strace")?;
    let inject = format!("inject=accept4:error={error}:when=1");
    // -D: the child is the server itself, not strace.
    command
        .args(["-D", "-qq", "-o", "/dev/null", "-e", "trace=accept4", "-e"])
        .arg(inject)
        .arg(chatroom().get_program())
        .args(["serve", "--listen", "127.0.0.1:0"]);
    Some(Server::run(command))
}

#[test]
fn each_error_of_accept_is_survived() {
    for (error, has_run_out) in ACCEPT_ERRORS {
        let Some(mut server) = start_with_accept_failing(error) else {
            return;
        };
        let before = descriptors(&server);
        let start = Instant::now();
        let (ali, mut bob) = (server.join("ali"), server.join("bob"));
        let took = start.elapsed();
        assert_eq!(took > WAIT_MAX / 2, has_run_out, "{error}: took {took:?}");
        ali.say("hello");
        bob.expect("ali: hello");
        drop((ali, bob));
        wait_until("their descriptors are closed", || {
            descriptors(&server) == before
        });
        let log = server.stop();
        let warned = log
            .iter()
            .filter(|text| text.contains("nobody can be let in for now"));
        assert_eq!(warned.count(), usize::from(has_run_out), "{error}: {log:?}");
    }
}
