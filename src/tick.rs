//! The one clock of the hub: a moment as a number, told by the shell.

use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

/// A moment, in nanoseconds of the monotonic clock since the server started; enough for five
/// centuries. Unlike an [`Instant`](std::time::Instant) it can be written down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tick(u64);

impl Tick {
    /// When the server started.
    pub const START: Self = Self(0);

    /// Returns the moment so many whole seconds after the start.
    #[must_use]
    pub fn from_whole_s(seconds: u64) -> Self {
        Self::START + Duration::from_secs(seconds)
    }

    /// Returns how many whole seconds after the start this is.
    #[must_use]
    pub fn whole_s(self) -> u64 {
        self.0 / 1_000_000_000
    }

    /// Returns the moment so much earlier, at the earliest the start.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(nanoseconds(duration)))
    }
}

/// The moment so much later, at the latest the end of the five centuries.
impl Add<Duration> for Tick {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanoseconds(duration)))
    }
}

impl AddAssign<Duration> for Tick {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

/// The time that has passed since an earlier moment; none since a later one.
impl Sub for Tick {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_goes_back_or_over_the_end_stops() {
        let second = Duration::from_secs(1);
        let late = Tick::START + second;
        assert_eq!(
            (late - Tick::START, Tick::START - late),
            (second, Duration::ZERO)
        );
        assert_eq!((late.whole_s(), (late + second / 2).whole_s()), (1, 1));
        assert_eq!(Tick::START.minus(second), Tick::START);
        assert!(late + Duration::MAX > late);
    }
}
