//! Thousands who shake hands at once while a room talks: how long the talk takes before and
//! meanwhile, how long the server's turns are, and until when all have got in.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};

use super::newcomers::{self, ARGUMENT};
use crate::support::tally::median;
use crate::support::{Crowd, Members, Pace, Server, Talk};

/// How many come at once.
const NEWCOMERS: usize = 5000;

/// Who talks.
const MEMBERS: usize = 900;

/// Lines that they say each second: some fifth of what the server brings to all of them one by one.
const LINES_PER_S: f64 = 20.0;

/// How long they talk before the storm.
const CALM: Duration = Duration::from_secs(5);

/// How long it may take until all are in.
const PATIENCE: Duration = Duration::from_secs(25);

/// What one storm came to.
struct Outcome {
    before: Histogram<u64>,
    during: Histogram<u64>,
    /// Until all had shaken hands and seen the prompt.
    all_in: Duration,
    /// How long it took until all were members, once they gave their names.
    named: Duration,
    /// Processor time of the server until all were in.
    cpu: Duration,
    /// What the server says of its turns.
    turns: String,
}

/// Measures so many storms, and prints what they came to.
pub(crate) fn measure(rounds: usize, directory: &Path) {
    println!(
        "{NEWCOMERS} full handshakes at once; {MEMBERS} members with TLS say {LINES_PER_S} lines/s"
    );
    let outcomes: Vec<_> = (0..rounds)
        .map(|_| storm(directory))
        .inspect(print)
        .collect();
    let ratios = outcomes
        .iter()
        .map(|outcome| p_ms(&outcome.during, 0.99) / p_ms(&outcome.before, 0.99));
    println!("  median of the ratios: {:.2}", median(ratios));
}

fn print(outcome: &Outcome) {
    let Outcome { before, during, .. } = outcome;
    println!(
        "  a line takes p50 {:.1} ms, p99 {:.1} ms; in the storm p50 {:.1} ms, p99 {:.1} ms ({:.2} times), \
         at most {:.1} ms",
        p_ms(before, 0.5),
        p_ms(before, 0.99),
        p_ms(during, 0.5),
        p_ms(during, 0.99),
        p_ms(during, 0.99) / p_ms(before, 0.99),
        p_ms(during, 1.0),
    );
    let seconds = outcome.all_in.as_secs_f64();
    println!(
        "    all in after {seconds:.2} s, {:.0} handshakes/s, the server's core {:.0} % busy; \
         members {:.2} s after that; {}",
        NEWCOMERS as f64 / seconds,
        outcome.cpu.as_secs_f64() / seconds * 100.0,
        outcome.named.as_secs_f64(),
        outcome.turns,
    );
}

fn p_ms(latency: &Histogram<u64>, quantile: f64) -> f64 {
    latency.value_at_quantile(quantile) as f64 / 1e6
}

fn storm(directory: &Path) -> Outcome {
    let log = directory.join("log");
    let server = Server::sealed_room_with_log(directory, &log);
    let members = Members {
        speakers: MEMBERS - 1,
        ..Members::one_speaker(MEMBERS)
    };
    let mut crowd = Crowd::join(&server, members);
    let mut newcomers = Newcomers::start(server.address);
    let talk = |at_most| Talk {
        at_most,
        // The newcomers need the core while nothing is due.
        awake: false,
        ..Talk::new(u64::MAX >> 32, Pace::PerSecond(LINES_PER_S))
    };
    let before = crowd.say(&server, talk(CALM));
    newcomers.go_on();
    let during = crowd.say_until(&[&server], talk(PATIENCE), || newcomers.have_reported());
    let all_in = newcomers.report();
    newcomers.go_on();
    let named = newcomers.report();
    assert_eq!(crowd.gone(), 0, "members were cut off");
    Outcome {
        before: before.latency,
        during: during.latency,
        all_in,
        named,
        cpu: during.cpu,
        turns: turns(&server, &log),
    }
}

/// Asks the server how it went, and returns what it says of its turns.
fn turns(server: &Server, log: &Path) -> String {
    let process = Pid::from_raw(server.id().cast_signed()).unwrap();
    kill_process(process, Signal::USR1).expect("it runs");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = fs::read_to_string(log).expect("the server logs");
        if let Some(at) = text.rfind("longest turn") {
            return text[at..].lines().next().unwrap_or_default().to_owned();
        }
        assert!(Instant::now() < deadline, "the server doesn't say");
        sleep(Duration::from_millis(10));
    }
}

/// Those who come, in a process of their own: their half of the handshakes takes as much time as the
/// server's. They have the load's core, of which they get what those who talk and listen leave.
struct Newcomers {
    child: Child,
    reports: BufReader<ChildStdout>,
}

impl Newcomers {
    /// Starts it, and waits until each has its first words ready.
    fn start(address: SocketAddr) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("Linux knows"));
        command.args([ARGUMENT, &address.to_string(), &NEWCOMERS.to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it is this program");
        let reports = BufReader::new(child.stdout.take().unwrap());
        let mut newcomers = Self { child, reports };
        newcomers.report();
        newcomers
    }

    /// Lets them take their next step.
    fn go_on(&mut self) {
        let orders = self.child.stdin.as_mut().unwrap();
        newcomers::say(orders, "go on");
    }

    /// Returns whether all of them have taken it.
    fn have_reported(&self) -> bool {
        let mut reports = [PollFd::new(self.reports.get_ref(), PollFlags::IN)];
        poll(&mut reports, Some(&Timespec::default())).unwrap() > 0
    }

    /// Waits until they have, and returns how long it took them.
    fn report(&mut self) -> Duration {
        let mut line = String::new();
        self.reports.read_line(&mut line).expect("it is text");
        let nanoseconds = line.trim().parse().expect("all have got in");
        Duration::from_nanos(nanoseconds)
    }
}

impl Drop for Newcomers {
    fn drop(&mut self) {
        // Both fail only when it has ended and been waited for.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
