//! How long a line takes from one to another, one at a time.

use std::time::Duration;

use crate::Nodes;
use crate::nats::Nats;
use crate::support::machine::anywhere;
use crate::support::{Crowd, Members, Pace, Server, Talk, Tally, Wire};

/// How often each is listened to in a round: a little at a time, so that noise comes to all alike.
const TALKS: usize = 5;

/// How long one talk takes, about.
const TALK: Duration = Duration::from_millis(300);

/// One who speaks and one who listens, and what came of it.
struct Way<'a> {
    name: &'static str,
    servers: Vec<&'a Server>,
    crowd: Crowd,
    tally: Tally,
}

impl<'a> Way<'a> {
    /// Lets one speak at the first server, and one listen at the last.
    fn new(name: &'static str, servers: &[&'a Server]) -> Self {
        Self {
            name,
            servers: servers.to_vec(),
            crowd: Crowd::join_spread(servers, Members::one_speaker(2)),
            tally: Tally::default(),
        }
    }

    fn talk(&mut self) {
        let talk = Talk {
            at_most: TALK,
            ..Talk::new(u64::MAX >> 32, Pace::Window(1))
        };
        let heard = self.crowd.say_at(&self.servers, talk);
        self.tally.add(heard);
    }
}

/// Measures and prints.
pub(crate) fn compare(rounds: usize) {
    // A line's way leads through three processes here, which no single core can run without delay.
    anywhere(|| {
        let (one, two) = (Server::room(), Nodes::start());
        let (stream, pair) = (Nats::with_streams(Wire::Stream), Nats::pair());
        let pair: Vec<_> = pair.servers.iter().collect();
        let mut ways = [
            Way::new("one node", &[&one]),
            Way::new("two nodes", &two.both()),
            Way::new("the stream alone", &[&stream.servers[0]]),
            Way::new("two NATS servers", &pair),
        ];
        for _ in 0..rounds * TALKS {
            ways.iter_mut().for_each(Way::talk);
        }
        println!("\na line from one to another, one at a time: us");
        println!("  {:24}{:>8}{:>8}", "", "p50", "p99");
        let of_one = ways[0].tally.latency_us(0.5);
        for way in &ways {
            let [p50, p99] = [0.5, 0.99].map(|quantile| way.tally.latency_us(quantile));
            println!(
                "  {:24}{p50:>8.0}{p99:>8.0}  ({:+.0}, {:.2} times)",
                way.name,
                p50 - of_one,
                p50 / of_one
            );
        }
    });
}
