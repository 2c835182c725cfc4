//! Peers that are there no more but never said so: frozen, or cut off from the network.

use std::env;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::common::program::tool;
use crate::common::{GREETING, Peer, Program, Server, chatroom};
use crate::measure::slow_tests;

/// Says so much that who doesn't read is owed more than the kernel's buffers take; `listener`
/// reads all of it.
fn fill_buffers(server: &mut Server, talker: &Peer, listener: &mut Peer) {
    let line = "x".repeat(4000);
    for _ in 0..1500 {
        talker.say(&line);
        listener.expect(&format!("talker: {line}"));
        server.drain_log();
    }
}

/// Waits until `gone` is said to have left, once, and returns after how long.
fn wait_until_left(talker: &Peer, listener: &mut Peer, gone: &str) -> Duration {
    let start = Instant::now();
    listener.expect(&format!("{gone} has left the chatroom!"));
    let took = start.elapsed();
    talker.say("still here");
    listener.expect("talker: still here");
    took
}

#[test]
fn a_frozen_peer_is_cut_off_and_leaves_once() {
    let mut server = Server::start(&["--stall-timeout", "2", "--rate", "0"]);
    let mut listener = server.join("listener");
    let mut command = chatroom();
    command.args(["join", &server.address().to_string(), "--name", "frozen"]);
    let mut frozen = Program::start(command);
    frozen.screen.expect_line(crate::common::PROMPT);
    frozen.screen.expect_line(GREETING);
    let pid = Pid::from_raw(frozen.id().cast_signed()).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    let talker = server.join("talker");
    fill_buffers(&mut server, &talker, &mut listener);
    let took = wait_until_left(&talker, &mut listener, "frozen");
    assert!(took < Duration::from_secs(6), "cut off after {took:?}");
    server.expect_log("frozen is cut off: slow reader: it took nothing for too long");
    server.drain_log();
    let left = "frozen has left the chatroom!";
    assert_eq!(
        server.texts().iter().filter(|text| *text == left).count(),
        1
    );
}

#[test]
fn a_slow_peer_that_goes_on_reading_is_not_taken_for_a_frozen_one() {
    const LINES: usize = 1500;
    let server = Server::start(&["--stall-timeout", "3", "--rate", "0"]);
    let (mut listener, mut slow) = (server.join("listener"), server.join("slow"));
    let talker = server.join("talker");
    let line = format!("talker: {}", "x".repeat(4000));
    let mut read = 0;
    for number in 0..LINES {
        talker.say(&line["talker: ".len()..]);
        listener.expect(&line);
        if number % 5 == 0 {
            slow.expect(&line);
            read += 1;
        }
    }
    // Longer than the timeout it is owed something, and takes a few lines at a time.
    let start = Instant::now();
    while read < LINES {
        slow.expect(&line);
        read += 1;
        if read % 60 == 0 && start.elapsed() < Duration::from_secs(5) {
            crate::measure::idle(Duration::from_millis(250));
        }
    }
    talker.say("hello");
    slow.expect("talker: hello");
}

/// Set for a test that runs itself again within a network of its own.
const INSIDE: &str = "CHATROOM_TEST_IN_ITS_OWN_NETWORK";

/// Runs the test `name` again in a network namespace of its own, where that is allowed.
fn run_in_own_network(name: &str) {
    let Some(mut unshare) = tool("unshare", "util-linux") else {
        return;
    };
    unshare.args(["--map-root-user", "--net"]);
    if tool("ip", "iproute2").is_none() {
        return;
    }
    let allowed = unshare.arg("true").output().unwrap();
    if !allowed.status.success() {
        let why = String::from_utf8_lossy(&allowed.stderr).into_owned();
        println!("skipped: no network of its own is allowed: {why}");
        return;
    }
    let output = Command::new("unshare")
        .args(["--map-root-user", "--net", "--"])
        .arg(env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    println!("{said}\n{errors}");
    assert!(output.status.success(), "failed in its own network");
    assert!(said.contains("1 passed"), "the test was not run");
}

/// Two networks with a cable between them: ours, with the server, and the peer's.
struct Cable {
    /// A process in the peer's network.
    holder: Program,
}

impl Cable {
    /// Lays the cable; the reason where that can't be done.
    fn lay() -> Result<Self, String> {
        let mut command = Command::new("unshare");
        command.args(["--net", "sh", "-c", "echo ready; exec cat"]);
        let mut holder = Program::start(command);
        holder.screen.expect_line("ready");
        let cable = Self { holder };
        let holder = cable.holder.id().to_string();
        run("ip", &["link", "set", "lo", "up"])?;
        run(
            "ip",
            &[
                "link", "add", "here", "type", "veth", "peer", "name", "there", "netns", &holder,
            ],
        )?;
        run("ip", &["addr", "add", "10.9.8.1/24", "dev", "here"])?;
        run("ip", &["link", "set", "here", "up"])?;
        cable.there(&["addr", "add", "10.9.8.2/24", "dev", "there"])?;
        cable.there(&["link", "set", "there", "up"])?;
        Ok(cable)
    }

    /// Runs `ip` in the peer's network.
    fn there(&self, arguments: &[&str]) -> Result<(), String> {
        let holder = self.holder.id().to_string();
        let enter = ["-t", &holder, "-n", "ip"];
        run("nsenter", &[&enter, arguments].concat())
    }

    /// Lets somebody join from the peer's network.
    fn join(&self, server: &Server, name: &str) -> Program {
        let mut command = Command::new("nsenter");
        command
            .args(["-t", &self.holder.id().to_string(), "-n"])
            .arg(env!("CARGO_BIN_EXE_chatroom"))
            .args(["join", &server.address().to_string(), "--name", name]);
        let mut peer = Program::start(command);
        peer.screen.expect_line(crate::common::PROMPT);
        peer.screen.expect_line(GREETING);
        peer
    }

    /// From now on every packet to and from the peer is lost, without a word to anybody.
    fn cut(&self) {
        // Its address is nobody's now, but the way there is still known.
        run(
            "ip",
            &[
                "neigh",
                "replace",
                "10.9.8.2",
                "lladdr",
                "02:00:00:00:00:02",
                "dev",
                "here",
                "nud",
                "permanent",
            ],
        )
        .unwrap();
        self.there(&["addr", "flush", "dev", "there"]).unwrap();
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        // Otherwise it would be there as long as the network.
        run("ip", &["link", "del", "here"]).ok();
    }
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("{program} {arguments:?}: {errors}"))
}

/// The server in a network of its own, two people beside it, and one at the other end.
struct FarRoom {
    cable: Cable,
    server: Server,
    listener: Peer,
    talker: Peer,
    /// Kept open: it doesn't know that nobody hears it.
    _far: Program,
}

impl FarRoom {
    /// Returns none where such a network can't be made.
    fn new(flags: &[&str]) -> Option<Self> {
        let cable = match Cable::lay() {
            Ok(cable) => cable,
            Err(why) => {
                println!("skipped: {why}");
                return None;
            }
        };
        let mut command = chatroom();
        command
            .args(["serve", "--listen", "10.9.8.1:0"])
            .args(flags);
        let server = Server::run(command);
        let listener = server.join("listener");
        let far = cable.join(&server, "far");
        let talker = server.join("talker");
        Some(Self {
            cable,
            server,
            listener,
            talker,
            _far: far,
        })
    }
}

#[test]
fn a_peer_whose_packets_are_lost_is_cut_off_when_it_is_owed_much() {
    if env::var_os(INSIDE).is_none() {
        return run_in_own_network(
            "gone::a_peer_whose_packets_are_lost_is_cut_off_when_it_is_owed_much",
        );
    }
    let Some(mut room) = FarRoom::new(&["--stall-timeout", "2", "--rate", "0"]) else {
        return;
    };
    room.cable.cut();
    fill_buffers(&mut room.server, &room.talker, &mut room.listener);
    let took = wait_until_left(&room.talker, &mut room.listener, "far");
    assert!(took < Duration::from_secs(6), "cut off after {took:?}");
    room.server
        .expect_log("far is cut off: slow reader: it took nothing for too long");
}

#[test]
fn a_peer_whose_packets_are_lost_is_found_by_the_kernel_within_two_minutes() {
    if !slow_tests() {
        println!("skipped: takes minutes; CHATROOM_SLOW_TESTS=1 runs it");
        return;
    }
    if env::var_os(INSIDE).is_none() {
        return run_in_own_network(
            "gone::a_peer_whose_packets_are_lost_is_found_by_the_kernel_within_two_minutes",
        );
    }
    for owed in [false, true] {
        let Some(mut room) = FarRoom::new(&[]) else {
            return;
        };
        room.cable.cut();
        if owed {
            room.talker.say("hello");
            room.listener.expect("talker: hello");
        }
        let start = Instant::now();
        let left = Instant::now() + Duration::from_mins(2);
        wait_until_or(left, || {
            room.server.drain_log();
            let gone = "far is cut off: connection broken";
            room.server.texts().iter().any(|text| text == gone)
        });
        println!("owed {owed}: found after {:?}", start.elapsed());
        room.listener.expect("far has left the chatroom!");
    }
}

/// Waits until `done`, which may take longer than tests wait otherwise.
#[track_caller]
fn wait_until_or(deadline: Instant, mut done: impl FnMut() -> bool) {
    while !done() {
        assert!(Instant::now() < deadline, "too late");
        crate::measure::idle(Duration::from_millis(200));
    }
}

#[test]
fn a_peer_that_is_killed_leaves_once() {
    let server = Server::start(&[]);
    let mut listener = server.join("listener");
    let mut command = chatroom();
    command.args(["join", &server.address().to_string(), "--name", "killed"]);
    let mut killed = Program::start(command);
    killed.screen.expect_line(crate::common::PROMPT);
    killed.screen.expect_line(GREETING);
    drop(killed);
    let talker = server.join("talker");
    wait_until_left(&talker, &mut listener, "killed");
    server.join("killed");
}
