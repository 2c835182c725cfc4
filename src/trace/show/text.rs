//! Making foreign text safe to show, and telling times.
//!
//! What came from the wire may hold anything. Nothing of it reaches a terminal, an SVG, an HTML
//! page or a JSON string but through one of the functions here.

use std::fmt::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr};

const NANOSECONDS: i64 = 1_000_000_000;
/// Most bytes that are shown in hexadecimal.
const HEX_BYTES_MAX: usize = 36;

/// Foreign bytes as one safe line: controls as `\x1b`, invisible reordering marks as `\u{202e}`,
/// bytes that aren't UTF-8 as `\xff`.
#[derive(Debug, Clone, Copy)]
pub struct Safe<'a>(pub &'a [u8]);

impl fmt::Display for Safe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                match c {
                    c if is_invisible(c) => write!(f, "\\u{{{:x}}}", u32::from(c))?,
                    c if c.is_control() => write!(f, "\\x{:02x}", u32::from(c))?,
                    c => f.write_char(c)?,
                }
            }
            chunk
                .invalid()
                .iter()
                .try_for_each(|byte| write!(f, "\\x{byte:02x}"))?;
        }
        Ok(())
    }
}

/// [`Safe`], in a bidi isolate if it holds right-to-left letters, so that the columns beside it keep
/// their order on a terminal.
#[derive(Debug, Clone, Copy)]
pub struct Isolated<'a>(pub &'a [u8]);

impl fmt::Display for Isolated<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let right_to_left = self
            .0
            .utf8_chunks()
            .any(|chunk| chunk.valid().chars().any(is_right_to_left));
        if right_to_left {
            write!(f, "\u{2068}{}\u{2069}", Safe(self.0))
        } else {
            Safe(self.0).fmt(f)
        }
    }
}

/// Text for XML and HTML: [`Safe`], with the five characters of markup escaped.
#[derive(Debug, Clone, Copy)]
pub struct Xml<'a>(pub &'a str);

impl fmt::Display for Xml<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let safe = Safe(self.0.as_bytes()).to_string();
        for c in safe.chars() {
            match c {
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '&' => f.write_str("&amp;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // Not characters of XML 1.0, however they are written.
                '\u{fffe}' | '\u{ffff}' => f.write_str("\u{fffd}")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A JSON string with its quotes; bytes that aren't UTF-8 become U+FFFD.
#[derive(Debug, Clone, Copy)]
pub struct Json<'a>(pub &'a [u8]);

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in String::from_utf8_lossy(self.0).chars() {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                c if c.is_control() || is_invisible(c) => write!(f, "\\u{:04x}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

/// Returns whether a character moves or hides others: line and paragraph separators, bidi controls.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{feff}'
        | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}'
        | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

/// An IP address as Wireshark writes it: with the last four bytes of a v4-compatible one in decimal.
#[derive(Debug, Clone, Copy)]
pub struct Address(pub IpAddr);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V6(address)
                if address.segments()[..6] == [0; 6] && address.segments()[6] != 0 =>
            {
                let [.., high, low] = address.segments();
                let last = Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
                write!(f, "::{last}")
            }
            address => address.fmt(f),
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

/// Writes so many low bits, in groups of four from the left.
pub(super) fn bits(value: u16, count: usize) -> String {
    let digits = format!("{value:0count$b}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// Bytes in hexadecimal, the first 36 of them.
pub(super) struct Hex<'a>(pub(super) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.iter().take(HEX_BYTES_MAX);
        shown
            .into_iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))?;
        if self.0.len() > HEX_BYTES_MAX {
            f.write_str("…")?;
        }
        Ok(())
    }
}

/// A hardware address.
#[derive(Clone, Copy)]
pub(super) struct Mac<'a>(pub(super) &'a [u8]);

impl fmt::Display for Mac<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02x}", if at > 0 { ":" } else { "" })?;
        }
        Ok(())
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
