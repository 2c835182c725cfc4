//! The time of day where the person is.

use std::time::{SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;

/// Tells the local time, to the minute.
#[derive(Debug, Default)]
pub(super) struct Clock {
    minute: u64,
    shown: String,
}

impl Clock {
    /// Returns the time as `HH:MM`.
    pub(super) fn now(&mut self) -> &str {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let minute = since.map_or(0, |since| since.as_secs() / 60);
        // Asking for the time zone reads files: once a minute is enough.
        if minute != self.minute || self.shown.is_empty() {
            let now = OffsetDateTime::now_local().unwrap_or_else(|_| OffsetDateTime::now_utc());
            self.shown = format!("{:02}:{:02}", now.hour(), now.minute());
            self.minute = minute;
        }
        &self.shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_hours_and_minutes() {
        let mut clock = Clock::default();
        let shown = clock.now().to_owned();
        let (hours, minutes) = shown.split_once(':').unwrap();
        assert!(hours.parse::<u8>().unwrap() < 24 && minutes.parse::<u8>().unwrap() < 60);
        assert_eq!(shown.len(), 5);
    }
}
