//! What it costs that a room is on two machines: two nodes and the NATS server that keeps their order,
//! beside a room on one node and beside two NATS servers with plain subscribers, in turn, so that their
//! ratios hold on a machine that is not quiet.
//!
//! Not criterion's, since what is compared are programs beside each other. Takes how many rounds to
//! run, and `latency`, `flow` or `burst` where not all is to be measured, and prints medians.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::cast_precision_loss,
    clippy::unchecked_time_subtraction,
    reason = "a bench prints what it measured, and fails by panicking"
)]

#[path = "backplane/burst.rs"]
mod burst;
#[path = "backplane/flow.rs"]
mod flow;
#[path = "backplane/latency.rs"]
mod latency;
#[path = "backplane/nats.rs"]
mod nats;
mod support;

use nats::Nats;
use support::machine::{self, raise_descriptor_limit};
use support::tally::median;
use support::{Server, Wire};

/// Rounds, if not told otherwise.
const ROUNDS: usize = 3;

/// Measures and prints, in so many rounds.
type Compare = fn(usize);

/// Two nodes of one room, and what keeps its order.
#[derive(Debug)]
pub(crate) struct Nodes {
    pub(crate) nodes: [Server; 2],
    pub(crate) nats: Nats,
}

impl Nodes {
    fn start() -> Self {
        let nats = Nats::with_streams(Wire::Nats);
        let nodes = [(); 2].map(|()| Server::node(&nats.url()));
        Self { nodes, nats }
    }

    fn both(&self) -> [&Server; 2] {
        [&self.nodes[0], &self.nodes[1]]
    }
}

fn main() {
    if !Nats::is_installed() {
        println!("skipped: there is no nats-server; apt-get install nats-server");
        return;
    }
    raise_descriptor_limit();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rounds = arguments.iter().find_map(|argument| argument.parse().ok());
    let rounds = rounds.unwrap_or(ROUNDS);
    let measures: [(&str, Compare); 3] = [
        ("latency", latency::compare),
        ("flow", compare_flow),
        ("burst", burst::compare),
    ];
    let is_named = |name: &str| arguments.iter().any(|argument| argument == name);
    let all = !measures.iter().any(|(name, _)| is_named(name));
    println!("{}, {}", machine::describe(), machine::today());
    for (name, compare) in measures {
        if all || is_named(name) {
            compare(rounds);
        }
    }
}

fn compare_flow(rounds: usize) {
    let (one, two) = (Server::room(), Nodes::start());
    let (mut rates_of_one, mut rates_of_two) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        rates_of_one.push(flow::lines_per_second(&one, &one));
        let [mouth, ear] = two.both();
        rates_of_two.push(flow::lines_per_second(mouth, ear));
    }
    let one = median(rates_of_one.into_iter());
    let two = median(rates_of_two.into_iter());
    println!("\nlines a second, from one to another, each in its place");
    println!("  {:24}{one:>12.0}", "one node");
    println!("  {:24}{two:>12.0}  ({:.2})", "two nodes", two / one);
}
