//! What it costs that a room is on two machines: two nodes and the NATS server that keeps their order,
//! beside a room on one node and beside two NATS servers with plain subscribers, in turn, so that their
//! ratios hold on a machine that is not quiet.
//!
//! Not criterion's, since what is compared are programs beside each other. Takes how many rounds to
//! run, and prints medians.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
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

use support::machine::{self, raise_descriptor_limit};
use support::tally::median;

use nats::Nats;
use support::{Server, Wire};

/// Rounds, if not told otherwise.
const ROUNDS: usize = 3;

/// Two nodes of one room, and what keeps its order.
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
    raise_descriptor_limit();
    let rounds = std::env::args().find_map(|argument| argument.parse().ok());
    let rounds = rounds.unwrap_or(ROUNDS);
    println!("{}, {}", machine::describe(), machine::today());
    latency::compare(rounds);
    compare_flow(rounds);
    burst::compare(rounds);
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
