//! What was measured, and what it comes to.

use std::time::Duration;

use hdrhistogram::Histogram;

/// What came of one talk.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) messages: u64,
    pub(crate) deliveries: u64,
    pub(crate) elapsed: Duration,
    /// Processor time of the server.
    pub(crate) cpu: Duration,
    /// Processor time of the load: where it is busy all the time, it is what is measured.
    pub(crate) load_cpu: Duration,
    /// Nanoseconds from when a message was meant to be sent until it was heard.
    pub(crate) latency: Histogram<u64>,
}

impl Heard {
    pub(crate) fn rate(&self) -> f64 {
        self.deliveries as f64 / self.elapsed.as_secs_f64()
    }

    pub(crate) fn cpu_ns(&self) -> f64 {
        self.cpu.as_nanos() as f64 / self.deliveries as f64
    }

    pub(crate) fn load_cpu_ns(&self) -> f64 {
        self.load_cpu.as_nanos() as f64 / self.deliveries as f64
    }
}

/// All talks of one kind with one server.
#[derive(Debug, Default)]
pub(crate) struct Tally(Vec<Heard>);

impl Tally {
    pub(crate) fn add(&mut self, heard: Heard) {
        self.0.push(heard);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the talks long enough to count: what comes before the first full-size sample only
    /// warms up.
    pub(crate) fn samples(&self) -> impl Iterator<Item = &Heard> {
        let most = self.0.iter().map(|heard| heard.messages).max();
        self.0
            .iter()
            .filter(move |heard| heard.messages * 4 >= most.unwrap_or(0))
    }

    /// Returns the median of deliveries a second.
    pub(crate) fn rate(&self) -> f64 {
        median(self.samples().map(Heard::rate))
    }

    /// Returns the median of the server's processor time, in nanoseconds a delivery.
    pub(crate) fn cpu_ns(&self) -> f64 {
        median(self.samples().map(Heard::cpu_ns))
    }

    /// Returns the median of the load's processor time, in nanoseconds a delivery.
    pub(crate) fn load_cpu_ns(&self) -> f64 {
        median(self.samples().map(Heard::load_cpu_ns))
    }

    /// Returns a quantile of the time from mouth to ear, in microseconds.
    pub(crate) fn latency_us(&self, quantile: f64) -> f64 {
        let mut all = histogram();
        for heard in self.samples() {
            all.add(&heard.latency).expect("they are alike");
        }
        all.value_at_quantile(quantile) as f64 / 1000.0
    }
}

/// Returns an empty histogram of nanoseconds up to a minute.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_max(60_000_000_000, 3).expect("the bounds are in order")
}

/// Returns the median; 0 of nothing.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        count => f64::midpoint(values[(count - 1) / 2], values[count / 2]),
    }
}
