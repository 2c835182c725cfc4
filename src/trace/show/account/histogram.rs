//! Durations, counted in buckets whose width grows with them: fixed memory, an error under 4 %.

use crate::trace::show::time::Span;

const STEPS: u64 = 32;
const BUCKETS: usize = 60 * 32;

/// A histogram of durations in nanoseconds.
#[derive(Debug)]
pub(super) struct Histogram {
    buckets: Box<[u64]>,
    count: u64,
    min: i64,
    max: i64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: vec![0; BUCKETS].into_boxed_slice(),
            count: 0,
            min: i64::MAX,
            max: i64::MIN,
        }
    }
}

impl Histogram {
    /// Adds a duration; a negative one counts as the shortest.
    pub(super) fn add(&mut self, duration: i64) {
        self.buckets[bucket(duration)] += 1;
        self.count += 1;
        self.min = self.min.min(duration);
        self.max = self.max.max(duration);
    }

    /// Returns the duration that `percent` of them don't exceed.
    #[must_use]
    pub(super) fn percentile(&self, percent: u64) -> i64 {
        let rank = (self.count * percent).div_ceil(100).max(1);
        let mut seen = 0;
        for (at, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return upper_bound(at).clamp(self.min, self.max);
            }
        }
        self.max
    }

    /// Returns count, p50, p90, p99 and max, in columns.
    pub(super) fn columns(&self) -> [String; 5] {
        if self.count == 0 {
            return ["0", "-", "-", "-", "-"].map(str::to_owned);
        }
        [
            self.count.to_string(),
            Span(self.percentile(50)).to_string(),
            Span(self.percentile(90)).to_string(),
            Span(self.percentile(99)).to_string(),
            Span(self.max).to_string(),
        ]
    }
}

fn bucket(duration: i64) -> usize {
    let value = u64::try_from(duration).unwrap_or(0);
    if value < STEPS {
        return usize::try_from(value).unwrap_or(0);
    }
    let shift = u64::from(value.ilog2()) - 5;
    let at = (shift + 1) * STEPS + ((value >> shift) - STEPS);
    usize::try_from(at).unwrap_or(BUCKETS - 1).min(BUCKETS - 1)
}

fn upper_bound(bucket: usize) -> i64 {
    let bucket = bucket as u64;
    if bucket < STEPS {
        return bucket.cast_signed();
    }
    let shift = bucket / STEPS - 1;
    let value = ((bucket % STEPS + STEPS + 1) << shift) - 1;
    value.cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_is_within_four_percent_of_its_bucket() {
        for duration in (0..62).map(|bit| (1_i64 << bit) + (1 << bit) / 3) {
            let bound = upper_bound(bucket(duration));
            assert!(bound >= duration, "{duration} is above {bound}");
            assert!(
                bound - duration <= duration / 25 + 1,
                "{duration} is far from {bound}"
            );
        }
        assert_eq!(bucket(i64::MAX), bucket(i64::MAX - 1));
        assert_eq!(bucket(-5), 0);
    }

    #[test]
    fn percentiles_are_those_of_the_sorted_list() {
        let mut histogram = Histogram::default();
        for duration in 1..=1000 {
            histogram.add(duration * 1000);
        }
        for (percent, exact) in [(50, 500_000), (90, 900_000), (99, 990_000)] {
            let found = histogram.percentile(percent);
            assert!((found - exact).abs() <= exact / 25, "p{percent} is {found}");
        }
        assert_eq!(histogram.max, 1_000_000);
    }
}
