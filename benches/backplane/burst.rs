//! How many deliveries a node makes at a burst, and what they cost it.

use std::time::Duration;

use crate::Nodes;
use crate::nats::Nats;
use crate::support::tally::{Heard, median};
use crate::support::{Crowd, Members, Pace, Server, Talk};

/// Members of each node.
const MEMBERS: usize = 450;

/// How many lines are on their way at once.
const WINDOWS: [u64; 2] = [64, 1024];

/// How long one talk takes, about.
const TALK: Duration = Duration::from_secs(1);

/// Who hands out what one says, with that many members each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A room on a node by itself.
    Alone,
    /// Two of them at once, each with the same lines, on what two nodes have to share here, too.
    Apart,
    /// Two nodes of one room.
    Shared,
    /// Two NATS servers with plain subscribers.
    Nats,
}

const KINDS: [(Kind, &str); 4] = [
    (Kind::Alone, "one node"),
    (Kind::Apart, "two rooms of one node"),
    (Kind::Shared, "two nodes of one room"),
    (Kind::Nats, "two NATS servers"),
];

/// What came of one kind with one window.
#[derive(Debug, Default)]
struct Sum {
    /// Deliveries a second and server.
    rates: Vec<f64>,
    /// Deliveries a second of the servers' processor time.
    paces: Vec<f64>,
    /// Processor time of what keeps the order, of what the nodes use.
    shares: Vec<f64>,
}

/// Measures and prints.
pub(crate) fn compare(rounds: usize) {
    let mut sums = KINDS.map(|_| WINDOWS.map(|_| Sum::default()));
    for _ in 0..rounds {
        for ((kind, _), sums) in KINDS.iter().zip(&mut sums) {
            measure(*kind, sums);
        }
    }
    for (at, window) in WINDOWS.iter().enumerate() {
        println!("\n{MEMBERS} members of each, {window} lines in flight: deliveries");
        println!(
            "  {:24}{:>20}{:>30}{:>20}",
            "", "a second of each", "a second of its processor", "NATS beside"
        );
        // All that two nodes have here, two rooms of one node have, too: those are the measure.
        let apart = &sums[1][at];
        for ((_, name), sums) in KINDS.iter().zip(&sums) {
            let (rate, pace) = (sums[at].rate(), sums[at].pace());
            let share = median(sums[at].shares.iter().copied());
            println!(
                "  {name:24}{rate:>13.0} ({:.2}){pace:>23.0} ({:.2}){:>18.0} %",
                rate / apart.rate(),
                pace / apart.pace(),
                100.0 * share
            );
        }
    }
}

impl Sum {
    fn rate(&self) -> f64 {
        median(self.rates.iter().copied())
    }

    fn pace(&self) -> f64 {
        median(self.paces.iter().copied())
    }

    fn add(&mut self, heard: &Heard, servers: usize, beside: Duration) {
        self.rates.push(heard.rate() / servers as f64);
        self.paces.push(1e9 / heard.cpu_ns());
        self.shares
            .push(beside.as_secs_f64() / heard.cpu.as_secs_f64());
    }
}

fn measure(kind: Kind, sums: &mut [Sum]) {
    match kind {
        Kind::Alone => talk(&[&Server::room()], &[], 1, sums),
        Kind::Apart => talk(&[&Server::room(), &Server::room()], &[], 2, sums),
        Kind::Shared => {
            let nodes = Nodes::start();
            talk(&nodes.both(), &nodes.nats.servers, 1, sums);
        }
        Kind::Nats => {
            let nats = Nats::pair();
            let servers: Vec<_> = nats.servers.iter().collect();
            talk(&servers, &[], 1, sums);
        }
    }
}

/// Lets a crowd talk at `servers`; what they use `beside` them is counted apart.
fn talk(servers: &[&Server], beside: &[Server], speakers: usize, sums: &mut [Sum]) {
    let members = Members {
        speakers,
        ..Members::one_speaker(MEMBERS * servers.len())
    };
    let mut crowd = Crowd::join_spread(servers, members);
    let used = || beside.iter().map(Server::cpu_time).sum::<Duration>();
    for (window, sum) in WINDOWS.iter().zip(sums) {
        let before = used();
        let talk = Talk {
            at_most: TALK,
            in_chorus: speakers > 1,
            ..Talk::new(u64::MAX >> 32, Pace::Window(*window))
        };
        let heard = crowd.say_at(servers, talk);
        sum.add(&heard, servers.len(), used() - before);
    }
}
