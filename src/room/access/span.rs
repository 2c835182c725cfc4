//! Times as people read them: how long something has taken, and until when it holds.

use std::fmt;

use time::OffsetDateTime;

/// A moment, in milliseconds since 1970, as the state file has it: `2026-11-25T14:00:01Z`.
#[derive(Debug, Clone, Copy)]
pub struct Moment(pub u64);

impl Moment {
    /// Returns the moment that `text` writes, in whole seconds.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
        let [year, month, day] = numbers(date, '-')?;
        let [hour, minute, second] = numbers(time, ':')?;
        let month = time::Month::try_from(u8::try_from(month).ok()?).ok()?;
        let date =
            time::Date::from_calendar_date(i32::try_from(year).ok()?, month, day.try_into().ok()?);
        let time = time::Time::from_hms(
            hour.try_into().ok()?,
            minute.try_into().ok()?,
            second.try_into().ok()?,
        );
        let at = time::PrimitiveDateTime::new(date.ok()?, time.ok()?).assume_utc();
        let seconds = u64::try_from(at.unix_timestamp()).ok()?;
        Some(Self(seconds * 1000))
    }

    fn date_time(self) -> OffsetDateTime {
        let seconds = i64::try_from(self.0 / 1000).unwrap_or(i64::MAX);
        OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.date_time();
        let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
        let (hour, minute, second) = at.to_hms();
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
        )
    }
}

/// A moment as people are told it: `2026-11-25 14:00 UTC`.
#[derive(Debug, Clone, Copy)]
pub struct Told(pub u64);

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = Moment(self.0).to_string();
        let (date, time) = written.split_at(written.len().min(10));
        write!(f, "{date} {} UTC", time.get(1..6).unwrap_or_default())
    }
}

/// Until when something holds, as people are told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Until(pub Option<u64>);

impl Until {
    /// Returns whether it still holds.
    #[must_use]
    pub fn holds(self, now_ms: u64) -> bool {
        self.0.is_none_or(|until_ms| now_ms < until_ms)
    }

    /// Returns whether it holds longer than another.
    #[must_use]
    pub fn outlasts(self, other: Self) -> bool {
        other.0.is_some_and(|other_ms| !self.holds_until(other_ms))
    }

    fn holds_until(self, other_ms: u64) -> bool {
        self.0.is_some_and(|until_ms| until_ms <= other_ms)
    }
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(until_ms) => write!(f, "until {}", Told(until_ms)),
            None => f.write_str("for good"),
        }
    }
}

/// How long something has taken, in the largest unit that it fills.
#[derive(Debug, Clone, Copy)]
pub struct Lasting {
    /// In seconds.
    pub seconds: u64,
}

impl fmt::Display for Lasting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seconds {
            seconds @ 0..60 => write!(f, "{seconds} s"),
            seconds @ 60..3600 => write!(f, "{} min", seconds / 60),
            seconds @ 3600..86_400 => write!(f, "{} h", seconds / 3600),
            seconds => write!(f, "{} days", seconds / 86_400),
        }
    }
}

fn numbers(text: &str, separator: char) -> Option<[u32; 3]> {
    let mut parts = text.split(separator);
    let mut next = || {
        let part = parts.next()?;
        let is_number = part.len() >= 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| part.parse().ok())?
    };
    let numbers = [next()?, next()?, next()?];
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_and_read_back() {
        let moment = Moment(1_764_079_201_000);
        assert_eq!(moment.to_string(), "2025-11-25T14:00:01Z");
        assert_eq!(Told(moment.0).to_string(), "2025-11-25 14:00 UTC");
        assert_eq!(Moment::parse("2025-11-25T14:00:01Z").unwrap().0, moment.0);
        for text in [
            "",
            "2025-11-25",
            "2025-13-25T14:00:01Z",
            "2025-11-25T14:00Z",
            "2025-11-25T24:00:01Z",
            "1969-12-31T00:00:00Z",
            "2025-11-25T14:00:01",
        ] {
            assert!(Moment::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn what_has_no_end_outlasts_what_has() {
        let [good, later, sooner] = [None, Some(2), Some(1)].map(Until);
        assert!(good.outlasts(later) && later.outlasts(sooner));
        assert!(!sooner.outlasts(later) && !later.outlasts(good) && !good.outlasts(good));
        assert!(later.holds(1) && !later.holds(2) && good.holds(u64::MAX));
    }
}
