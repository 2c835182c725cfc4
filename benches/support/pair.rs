//! The room and the floor beside each other: whatever the room is asked for, the floor is asked
//! for in the next breath, so that their ratio holds on a machine that is not quiet.

use std::time::Duration;

use super::tally::{Heard, median};
use super::{Crowd, Members, Server, Talk, Tally};

/// One server and its crowd.
#[derive(Debug)]
struct Side {
    server: Server,
    crowd: Crowd,
}

impl Side {
    fn open(server: Server, members: Members) -> Self {
        let crowd = Crowd::join(&server, members);
        Self { server, crowd }
    }

    fn say(&mut self, talk: Talk) -> Heard {
        self.crowd.say(&self.server, talk)
    }
}

/// The room and the floor, and what they came to.
#[derive(Debug)]
pub(crate) struct Pair {
    members: Members,
    /// Both, open all the time where the descriptors suffice for two crowds.
    open: Option<(Side, Side)>,
    room: Tally,
    floor: Tally,
}

impl Pair {
    /// Opens both if they fit into `descriptors`.
    pub(crate) fn new(members: Members, descriptors: usize) -> Self {
        let open = (2 * members.count <= descriptors).then(|| {
            (
                Side::open(Server::room(), members),
                Side::open(Server::floor(), members),
            )
        });
        Self {
            members,
            open,
            room: Tally::default(),
            floor: Tally::default(),
        }
    }

    /// Lets both crowds talk, and returns how long the room took, and how long its processor.
    pub(crate) fn say(&mut self, talk: Talk) -> (Duration, Duration) {
        let (room, floor) = if let Some((room, floor)) = &mut self.open {
            (room.say(talk), floor.say(talk))
        } else {
            // One after the other: each is closed before the next is opened.
            let room = Side::open(Server::room(), self.members).say(talk);
            let floor = Side::open(Server::floor(), self.members).say(talk);
            (room, floor)
        };
        let times = (room.elapsed, room.cpu);
        self.room.add(room);
        self.floor.add(floor);
        times
    }

    /// Prints what they came to; nothing if nothing was said.
    pub(crate) fn print(&self) {
        if self.room.is_empty() {
            return;
        }
        print_side("room", &self.room);
        print_side("floor", &self.floor);
        let samples = self.room.samples().zip(self.floor.samples());
        let (rates, cpus): (Vec<f64>, Vec<f64>) = samples
            .map(|(room, floor)| (room.rate() / floor.rate(), room.cpu_ns() / floor.cpu_ns()))
            .unzip();
        println!(
            "  room / floor: deliveries/s {:.2}, processor {:.2}, p50 {:.2}\n",
            median(rates.into_iter()),
            median(cpus.into_iter()),
            self.room.latency_us(0.5) / self.floor.latency_us(0.5),
        );
    }
}

fn print_side(name: &str, tally: &Tally) {
    println!(
        "  {name:5} {:>10.0} deliveries/s  {:>6.0} ns of processor each  p50 {:>7.0} us  \
         p99 {:>7.0} us",
        tally.rate(),
        tally.cpu_ns(),
        tally.latency_us(0.5),
        tally.latency_us(0.99),
    );
}
