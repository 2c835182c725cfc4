//! The time of day where the person is.

use std::time::{SystemTime, UNIX_EPOCH};

use time::{Date, OffsetDateTime, UtcOffset};

/// Tells the local time, to the second: now, or at a time in milliseconds since 1970 (UTC).
#[derive(Debug, Default)]
pub(super) struct Clock {
    second: u64,
    told: Option<OffsetDateTime>,
}

impl Clock {
    /// Returns the time as `HH:MM`.
    pub(super) fn minute(&mut self, at_ms: Option<u64>) -> String {
        let told = self.tell(at_ms);
        format!("{:02}:{:02}", told.hour(), told.minute())
    }

    /// Returns the date and the time as `YYYY-MM-DD HH:MM:SS`.
    pub(super) fn stamp(&mut self, at_ms: Option<u64>) -> String {
        let told = self.tell(at_ms);
        let (hour, minute, second) = told.to_hms();
        format!("{} {hour:02}:{minute:02}:{second:02}", told.date())
    }

    /// Returns the date.
    pub(super) fn date(&mut self, at_ms: Option<u64>) -> Date {
        self.tell(at_ms).date()
    }

    fn tell(&mut self, at_ms: Option<u64>) -> OffsetDateTime {
        let second = at_ms.map_or_else(now, |at_ms| at_ms / 1000);
        // Asking for the time zone reads files: once a second is enough.
        match self.told {
            Some(told) if second == self.second => told,
            _ => {
                let utc = i64::try_from(second).map(OffsetDateTime::from_unix_timestamp);
                let utc = utc
                    .ok()
                    .and_then(Result::ok)
                    .unwrap_or(OffsetDateTime::UNIX_EPOCH);
                let offset = UtcOffset::local_offset_at(utc).unwrap_or(UtcOffset::UTC);
                let told = utc.checked_to_offset(offset).unwrap_or(utc);
                self.second = second;
                self.told = Some(told);
                told
            }
        }
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
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
        let shown = clock.minute(None);
        let (hours, minutes) = shown.split_once(':').unwrap();
        assert!(hours.parse::<u8>().unwrap() < 24 && minutes.parse::<u8>().unwrap() < 60);
        assert_eq!((shown.len(), clock.stamp(Some(u64::MAX)).len()), (5, 19));
        let date = Date::from_calendar_date(2026, time::Month::November, 22).unwrap();
        assert_eq!(spoken(date), "Sunday, 22 November 2026");
    }
}
