//! Words around the lines that were before somebody came.

use std::fmt::{self, Write};

use time::OffsetDateTime;

use super::STAR;

/// What the server says behind the lines that were before somebody came; see [`put_past`].
pub const PAST_END: &str = "That was before.";

/// Adds to `out` what a newcomer reads before the `count` lines that were before it came, the oldest
/// and the newest of them at these times, in milliseconds since 1970 (UTC). It is now `now_ms`: the
/// day is told where it is another.
pub fn put_past(count: usize, [first_ms, last_ms]: [u64; 2], now_ms: u64, out: &mut String) {
    let [first, last] = [first_ms, last_ms].map(|ms| Clock {
        minute: ms / MINUTE_MS,
        tells_day: first_ms / DAY_MS != now_ms / DAY_MS,
    });
    // Neither can be a name; see `Notice`.
    let written = if count == 1 {
        writeln!(out, "{STAR}The line from before you came, {first} UTC:")
    } else {
        writeln!(
            out,
            "{STAR}{count} lines from before you came, {first} to {last} UTC:"
        )
    };
    debug_assert!(written.is_ok(), "writing to a string can't fail");
}

const MINUTE_MS: u64 = 60 * 1000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;

/// A time of day, and the day where that is told.
struct Clock {
    minute: u64,
    tells_day: bool,
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = i64::try_from(self.minute * 60).unwrap_or(i64::MAX);
        let moment = OffsetDateTime::from_unix_timestamp(seconds);
        let moment = moment.unwrap_or(OffsetDateTime::UNIX_EPOCH);
        if self.tells_day {
            write!(f, "{} ", moment.date())?;
        }
        write!(f, "{:02}:{:02}", moment.hour(), moment.minute())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Line;
    use super::*;

    #[test]
    fn the_past_is_announced_with_its_times() {
        let at = |day: u64, minute: u64| day * DAY_MS + minute * MINUTE_MS + 59_999;
        for (count, times, now, words) in [
            (
                5,
                [at(1, 662), at(1, 688)],
                at(1, 700),
                "* 5 lines from before you came, 11:02 to 11:28 UTC:\n",
            ),
            (
                1,
                [at(1, 0), at(1, 0)],
                at(1, 1439),
                "* The line from before you came, 00:00 UTC:\n",
            ),
            (
                2,
                [at(20_000, 1439), at(20_001, 0)],
                at(20_001, 3),
                "* 2 lines from before you came, 2024-10-04 23:59 to 2024-10-05 00:00 UTC:\n",
            ),
        ] {
            let mut out = String::new();
            put_past(count, times, now, &mut out);
            assert_eq!(out, words);
            let line = out.strip_suffix('\n').unwrap();
            assert_eq!(
                Line::parse(line),
                Line::Notice(line.strip_prefix(STAR).unwrap())
            );
        }
        put_past(2, [u64::MAX, u64::MAX], 0, &mut String::new());
    }
}
