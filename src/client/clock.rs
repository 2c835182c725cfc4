//! The time of day where the person is.

use std::time::{SystemTime, UNIX_EPOCH};

use time::{Date, OffsetDateTime};

/// Tells the local time, to the second.
#[derive(Debug, Default)]
pub(super) struct Clock {
    second: u64,
    now: Option<OffsetDateTime>,
}

impl Clock {
    /// Returns the time as `HH:MM`.
    pub(super) fn minute(&mut self) -> String {
        let now = self.now();
        format!("{:02}:{:02}", now.hour(), now.minute())
    }

    /// Returns the date and the time as `YYYY-MM-DD HH:MM:SS`.
    pub(super) fn stamp(&mut self) -> String {
        let now = self.now();
        let (hour, minute, second) = now.to_hms();
        format!("{} {hour:02}:{minute:02}:{second:02}", now.date())
    }

    /// Returns the date.
    pub(super) fn date(&mut self) -> Date {
        self.now().date()
    }

    fn now(&mut self) -> OffsetDateTime {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let second = since.map_or(0, |since| since.as_secs());
        // Asking for the time zone reads files: once a second is enough.
        match self.now {
            Some(now) if second == self.second => now,
            _ => {
                let now = OffsetDateTime::now_local().unwrap_or_else(|_| OffsetDateTime::now_utc());
                self.second = second;
                self.now = Some(now);
                now
            }
        }
    }
}

/// Returns `date` as people say it.
pub(super) fn spoken(date: Date) -> String {
    let (year, month, day) = date.to_calendar_date();
    format!("{}, {day} {month} {year}", date.weekday())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_written_in_digits() {
        let mut clock = Clock::default();
        let shown = clock.minute();
        let (hours, minutes) = shown.split_once(':').unwrap();
        assert!(hours.parse::<u8>().unwrap() < 24 && minutes.parse::<u8>().unwrap() < 60);
        assert_eq!((shown.len(), clock.stamp().len()), (5, 19));
        let date = Date::from_calendar_date(2026, time::Month::November, 22).unwrap();
        assert_eq!(spoken(date), "Sunday, 22 November 2026");
    }
}
