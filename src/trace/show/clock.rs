//! How times are written.

use crate::cli::TimeOption;

use super::text::{Seconds, Utc};

/// Writes times the way that was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    how: TimeOption,
    /// Time of the first frame, in nanoseconds since 1970.
    start: Option<i64>,
}

impl Clock {
    /// Returns a clock that doesn't know yet when the capture began.
    #[must_use]
    pub fn new(how: TimeOption) -> Self {
        Self { how, start: None }
    }

    /// Returns a frame's time relative to the first frame's; the first to have one sets the start.
    pub fn relative(&mut self, time: i64) -> i64 {
        time.saturating_sub(*self.start.get_or_insert(time))
    }

    /// Writes a relative time with so many digits of a second.
    #[must_use]
    pub fn write(&self, relative: i64, digits: u8) -> String {
        let absolute = self.start.unwrap_or(0).saturating_add(relative);
        match self.how {
            TimeOption::Relative => Seconds(relative, digits).to_string(),
            TimeOption::Epoch => Seconds(absolute, digits).to_string(),
            TimeOption::Utc => Utc(absolute, digits).to_string(),
        }
    }
}
