//! Ways of doing the same thing in memory, one beside the other.

use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Throughput};

/// Measures ways of doing one thing, and prints how each compares with the first, the floor.
pub(crate) struct Ways<'a, 'c> {
    group: &'a mut BenchmarkGroup<'c, WallTime>,
    /// Best time for one iteration, in nanoseconds.
    best_ns: Vec<(&'static str, f64)>,
}

impl<'a, 'c> Ways<'a, 'c> {
    /// Measures in `group`, where one iteration handles `bytes`.
    pub(crate) fn new(group: &'a mut BenchmarkGroup<'c, WallTime>, bytes: usize) -> Self {
        group.throughput(Throughput::Bytes(bytes as u64));
        Self {
            group,
            best_ns: Vec::new(),
        }
    }

    /// Measures one way.
    pub(crate) fn way(&mut self, name: &'static str, of: &str, mut once: impl FnMut()) {
        let mut best = f64::INFINITY;
        self.group
            .bench_function(format!("{name}/{of}"), |bencher| {
                bencher.iter_custom(|iterations| {
                    let start = Instant::now();
                    for _ in 0..iterations {
                        once();
                    }
                    let elapsed = start.elapsed();
                    if elapsed > Duration::from_millis(1) {
                        best = best.min(elapsed.as_nanos() as f64 / iterations as f64);
                    }
                    elapsed
                });
            });
        if best.is_finite() {
            self.best_ns.push((name, best));
        }
    }

    /// Prints the comparison.
    pub(crate) fn finish(self) {
        let Some((floor, floor_ns)) = self.best_ns.first() else {
            return;
        };
        for (name, ns) in &self.best_ns[1..] {
            println!(
                "  {name}: {:.2} times the time of {floor} alone",
                ns / floor_ns
            );
        }
        println!();
    }
}
