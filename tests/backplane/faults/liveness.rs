//! Whether each node that runs hears the room: one that was cut off has to come back.

use std::fmt;
use std::time::{Duration, Instant};

use crate::common::Server;

/// How long a node that runs may hear nothing, where most NATS servers have run for as long.
const DEAF_MAX: Duration = Duration::from_secs(20);

/// How long it may where there always are most of them, though not the same.
const DEAF_AT_ALL_MAX: Duration = Duration::from_secs(45);

/// A shorter silence isn't counted.
const SILENCE: Duration = Duration::from_secs(2);

/// How a node's log says that it is cut off, and that it is back.
const CUT_OFF: &str = "the room is cut off from its other machines";
const BACK: &str = "the backplane is there";

#[derive(Debug)]
struct Watched {
    /// Since when it runs; not while it is stopped, or dead.
    runs_since: Option<Instant>,
    /// When its people heard something last.
    heard: Instant,
    /// How many texts of its log were looked at.
    read: usize,
    /// Since when it is cut off, as its log says.
    cut_since: Option<Instant>,
    /// It was deaf for too long, and that was told.
    is_late: bool,
}

/// The nodes as they are watched, and what was seen.
#[derive(Debug)]
pub(crate) struct Watch {
    start: Instant,
    nodes: Vec<Watched>,
    /// Since when each NATS server runs.
    nats_since: Vec<Option<Instant>>,
    /// How long nodes heard nothing that could have, at most.
    longest_calm: Duration,
    /// For how long nodes were cut off that came back.
    cuts: Vec<Duration>,
    /// How many died while they were cut off.
    died_cut_off: usize,
    /// How long nodes that ran heard nothing.
    silences: Vec<Duration>,
    /// What took too long.
    late: Vec<String>,
}

impl Watch {
    pub(crate) fn new(nodes: usize, nats: usize, start: Instant) -> Self {
        let watched = || Watched {
            runs_since: Some(start),
            heard: start,
            read: 0,
            cut_since: None,
            is_late: false,
        };
        Self {
            start,
            nodes: (0..nodes).map(|_| watched()).collect(),
            nats_since: vec![Some(start); nats],
            longest_calm: Duration::ZERO,
            cuts: Vec::new(),
            died_cut_off: 0,
            silences: Vec::new(),
            late: Vec::new(),
        }
    }

    /// Prints what happens, and when.
    pub(crate) fn tell(&self, what: impl fmt::Display) {
        println!("{:7.2} s: {what}", self.start.elapsed().as_secs_f64());
    }

    /// Takes note that a node has been started.
    pub(crate) fn starts(&mut self, index: usize) {
        let now = Instant::now();
        let node = &mut self.nodes[index];
        (node.read, node.cut_since) = (0, None);
        (node.runs_since, node.is_late) = (Some(now), false);
    }

    /// Takes note that a node has been killed, whose log is read to its end.
    pub(crate) fn ends(&mut self, index: usize, server: &Server) {
        self.read_log(index, server);
        let node = &mut self.nodes[index];
        self.died_cut_off += usize::from(node.cut_since.is_some());
        (node.runs_since, node.cut_since) = (None, None);
    }

    /// Takes note that a node stands still, or goes on.
    pub(crate) fn stands(&mut self, index: usize, still: bool) {
        let node = &mut self.nodes[index];
        (node.runs_since, node.is_late) = ((!still).then(Instant::now), false);
    }

    /// Takes note that a NATS server runs from here on, or doesn't.
    pub(crate) fn nats_runs(&mut self, index: usize, runs: bool) {
        self.nats_since[index] = runs.then(Instant::now);
    }

    /// Returns for how long most NATS servers have run.
    fn calm(&self) -> Duration {
        let runs = |since: &Option<Instant>| since.map_or(Duration::ZERO, |at| at.elapsed());
        let mut times: Vec<_> = self.nats_since.iter().map(runs).collect();
        times.sort_unstable();
        times[(times.len() - 1) / 2]
    }

    /// Returns whether a node is cut off.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.nodes.iter().any(|node| node.cut_since.is_some())
    }

    /// Looks at the nodes; `heard` is when the people of each have heard something last, and somebody
    /// is `talking` all the time.
    pub(crate) fn look(&mut self, servers: &[Option<Server>], heard: &[Instant], talking: bool) {
        let calm = self.calm();
        for (index, server) in servers.iter().enumerate() {
            if let Some(server) = server {
                self.read_log(index, server);
            }
            let node = &mut self.nodes[index];
            let Some(runs_since) = node.runs_since else {
                continue;
            };
            let before = node.heard.max(runs_since);
            if heard[index] > node.heard {
                let silence = heard[index].saturating_duration_since(before);
                if silence >= SILENCE {
                    self.silences.push(silence);
                }
                (node.heard, node.is_late) = (heard[index], false);
            } else if talking {
                let deaf = before.elapsed();
                self.longest_calm = self.longest_calm.max(deaf.min(calm));
                if node.is_late || (deaf.min(calm) < DEAF_MAX && deaf < DEAF_AT_ALL_MAX) {
                    continue;
                }
                node.is_late = true;
                let cut = node.cut_since.map(|since| since - self.start);
                let told = format!(
                    "node {index} has heard nothing since {:?}; cut off since {cut:?}",
                    before - self.start
                );
                self.tell(&told);
                self.late.push(told);
            }
        }
    }

    /// Reads on in a node's log.
    pub(crate) fn read_log(&mut self, index: usize, server: &Server) {
        let node = &mut self.nodes[index];
        for text in &server.texts()[node.read..] {
            let told = ["limits: ", "sandbox: ", "listening on "];
            if !text.contains("chatroom!") && !told.iter().any(|start| text.starts_with(start)) {
                let at = self.start.elapsed().as_secs_f64();
                println!("{at:7.2} s: node {index}: {text}");
            }
            if text.starts_with(CUT_OFF) {
                node.cut_since = Some(Instant::now());
            } else if text.starts_with(BACK)
                && let Some(since) = node.cut_since.take()
            {
                // What it slept of it doesn't count.
                let since = node.runs_since.map_or(since, |runs| runs.max(since));
                self.cuts.push(since.elapsed());
            }
        }
        node.read = server.texts().len();
    }

    /// Checks that nothing took too long.
    #[track_caller]
    pub(crate) fn judge(&self) {
        assert!(self.late.is_empty(), "{}", self.late.join("\n"));
    }

    /// Returns the figures.
    pub(crate) fn figures(&self) -> String {
        let longest = |times: &[Duration]| times.iter().max().copied().unwrap_or_default();
        let over = |seconds| {
            let times = self.silences.iter();
            times.filter(|time| time.as_secs() >= seconds).count()
        };
        format!(
            "{} times cut off and back, {:.1} s at most, {} killed meanwhile; {} silences of 2 s or more, \
             {} of 5, {} of 10, {:.1} s at most, {:.1} s of it while most NATS servers ran",
            self.cuts.len(),
            longest(&self.cuts).as_secs_f64(),
            self.died_cut_off,
            self.silences.len(),
            over(5),
            over(10),
            longest(&self.silences).as_secs_f64(),
            self.longest_calm.as_secs_f64(),
        )
    }
}
