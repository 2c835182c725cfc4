//! How times and durations are written.

use std::fmt;

use crate::trace::capture::Frame;
use crate::trace::options::TimeStyle;

const NANOSECONDS: i64 = 1_000_000_000;

/// Tells each frame's time, and writes times the way that was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    style: TimeStyle,
    /// Time of the first frame, in nanoseconds since 1970.
    start: Option<i64>,
    /// Time of the last frame, in nanoseconds since the first.
    last: i64,
    /// How many digits of a second the last frame's time had.
    digits: u8,
}

impl Clock {
    /// Returns a clock that doesn't know yet when the capture began.
    #[must_use]
    pub fn new(style: TimeStyle) -> Self {
        Self {
            style,
            start: None,
            last: 0,
            digits: 6,
        }
    }

    /// Returns a frame's time, in nanoseconds since the first's; the first to have one sets the start,
    /// and a frame without one happens when the one before it did.
    pub fn tick(&mut self, frame: &Frame<'_>) -> i64 {
        self.digits = frame.digits;
        frame.time_ns.map_or(self.last, |time| self.move_to(time))
    }

    /// Goes to a time in nanoseconds since 1970, and returns it in nanoseconds since the first.
    pub fn move_to(&mut self, time_ns: i64) -> i64 {
        self.last = time_ns.saturating_sub(*self.start.get_or_insert(time_ns));
        self.last
    }

    /// Returns the time of the last frame, in nanoseconds since the first's.
    #[must_use]
    pub fn last(&self) -> i64 {
        self.last
    }

    /// Returns how many digits of a second the last frame's time had.
    #[must_use]
    pub fn digits(&self) -> u8 {
        self.digits
    }

    /// Writes a time since the first frame with as many digits of a second as the last frame's had.
    #[must_use]
    pub fn write(&self, relative: i64) -> String {
        self.write_with(relative, self.digits)
    }

    /// Writes a time since the first frame with so many digits of a second.
    #[must_use]
    pub fn write_with(&self, relative: i64, digits: u8) -> String {
        let absolute = self.start.unwrap_or(0).saturating_add(relative);
        match self.style {
            TimeStyle::Relative => Seconds(relative, digits).to_string(),
            TimeStyle::Epoch => Seconds(absolute, digits).to_string(),
            TimeStyle::Utc => Utc(absolute, digits).to_string(),
        }
    }
}

/// Nanoseconds as seconds with so many digits, cut and not rounded, as Wireshark does.
#[derive(Debug, Clone, Copy)]
pub struct Seconds(pub i64, pub u8);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(nanoseconds, digits) = *self;
        let digits = digits.min(9);
        let unit = 10_u64.pow(9 - u32::from(digits));
        let cut = nanoseconds.unsigned_abs() / unit * unit;
        let sign = if nanoseconds < 0 && cut != 0 { "-" } else { "" };
        let (seconds, rest) = (cut / 1_000_000_000, cut % 1_000_000_000 / unit);
        let text = if digits == 0 {
            format!("{sign}{seconds}")
        } else {
            format!(
                "{sign}{seconds}.{rest:0width$}",
                width = usize::from(digits)
            )
        };
        f.pad(&text)
    }
}

/// A duration for people: `1158 us`, `12.3 ms`, `4.56 s`.
#[derive(Debug, Clone, Copy)]
pub struct Span(pub i64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let microseconds = self.0 / 1000;
        let text = match microseconds.unsigned_abs() {
            0..10_000 => format!("{microseconds} us"),
            10_000..10_000_000 => format!("{} ms", Decimal(microseconds, 3)),
            _ => format!("{} s", Decimal(microseconds, 6)),
        };
        f.pad(&text)
    }
}

/// A duration for a picture: three digits that count.
#[derive(Debug, Clone, Copy)]
pub struct ShortSpan(pub i64);

impl fmt::Display for ShortSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let microseconds = self.0 / 1000;
        let text = match microseconds.unsigned_abs() {
            0..1000 => format!("{microseconds} us"),
            1000..1_000_000 => format!("{} ms", Decimal(microseconds, 3)),
            _ => format!("{} s", Decimal(microseconds, 6)),
        };
        f.pad(&text)
    }
}

/// A number over a power of ten, with two decimals below ten, one below a hundred, else none.
struct Decimal(i64, u32);

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = 10_i64.pow(self.1);
        let decimals = match self.0.unsigned_abs() / scale.unsigned_abs() {
            0..10 => 2,
            10..100 => 1,
            _ => 0,
        };
        let unit = scale / 10_i64.pow(decimals);
        let rounded = (self.0.unsigned_abs() + unit.unsigned_abs() / 2) / unit.unsigned_abs();
        let part = 10_u64.pow(decimals);
        let sign = if self.0 < 0 { "-" } else { "" };
        if decimals == 0 {
            write!(f, "{sign}{rounded}")
        } else {
            let width = decimals as usize;
            write!(f, "{sign}{}.{:0width$}", rounded / part, rounded % part)
        }
    }
}

/// Nanoseconds since 1970 as date and time in UTC.
#[derive(Debug, Clone, Copy)]
pub struct Utc(pub i64, pub u8);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(NANOSECONDS);
        let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil(day);
        let fraction = Seconds(self.0.rem_euclid(NANOSECONDS), self.1).to_string();
        let text = format!(
            "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}{}",
            second / 3600,
            second / 60 % 60,
            second % 60,
            fraction.trim_start_matches('0')
        );
        f.pad(&text)
    }
}

/// Returns year, month and day of a day counted from 1970.
fn civil(day: i64) -> (i64, i64, i64) {
    // Days from 0000-03-01: a year that starts in March has its odd day at the end.
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let day = day.rem_euclid(146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_cut_and_not_rounded() {
        assert_eq!(Seconds(1_999_999_999, 6).to_string(), "1.999999");
        assert_eq!(Seconds(-1_500_000_000, 1).to_string(), "-1.5");
        assert_eq!(Seconds(-999, 6).to_string(), "0.000000");
        assert_eq!(Seconds(7_900_000_000, 0).to_string(), "7");
    }

    #[test]
    fn a_duration_is_told_in_the_unit_that_fits() {
        for (nanoseconds, words) in [
            (1_158_000, "1158 us"),
            (12_345_000, "12.3 ms"),
            (9_999_000_000, "9999 ms"),
            (59_960_000_000, "60.0 s"),
            (-42_000, "-42 us"),
        ] {
            assert_eq!(Span(nanoseconds).to_string(), words);
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, words) in [
            (0, "1970-01-01 00:00:00"),
            (951_782_400, "2000-02-29 00:00:00"),
            (4_107_542_399, "2100-02-28 23:59:59"),
            (-1, "1969-12-31 23:59:59"),
        ] {
            assert_eq!(Utc(seconds * NANOSECONDS, 0).to_string(), words);
        }
    }
}
